// Create, append, commit, conflicts, checkpoints, history: on the machine's disk and in memory.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/mem_env.h"
#include "delta/delta.h"
#include "delta/test_tables.h"

namespace sluice::delta {
namespace {

using testing::HasSubstr;

TEST(Table, CreateAppendReadBack) {
  TemporaryFolder folder;
  auto engine = test_engine(folder.path());
  base::ManualClock clock(1'700'000'000'000);
  const auto root = folder.path() + "/t";
  auto table = Table::create(base::posix_env(), clock, root, simple_metadata());
  ASSERT_TRUE(table) << table.error().message;
  auto snapshot = table->refresh();
  ASSERT_TRUE(snapshot) << snapshot.error().message;
  EXPECT_EQ((*snapshot)->version, Version(0));
  EXPECT_EQ((*snapshot)->txn_version("app"), -1);

  Transaction transaction;
  auto adds = write_files(engine, base::posix_env(), root, "SELECT 7 AS id, 'seven' AS text",
                          simple_metadata().schema, {});
  ASSERT_TRUE(adds) << adds.error().message;
  ASSERT_EQ(adds->size(), 1U);
  EXPECT_EQ(adds->front().records(), 1);
  transaction.adds = *adds;
  transaction.txns = {{"app", 0, clock.now_ms()}};
  transaction.fence_app_id = "app";
  auto version = table->commit(**snapshot, transaction);
  ASSERT_TRUE(version) << version.error().message;
  EXPECT_EQ(*version, Version(1));

  auto again = Table::open(base::posix_env(), clock, root);
  ASSERT_TRUE(again) << again.error().message;
  snapshot = again->refresh();
  ASSERT_TRUE(snapshot);
  EXPECT_EQ((*snapshot)->txn_version("app"), 0);
  ASSERT_EQ((*snapshot)->files.size(), 1U);
  auto scan = scan_sql(root, **snapshot);
  ASSERT_TRUE(scan) << scan.error().message;
  auto text = engine.scalar(fmt::format("SELECT id || text FROM {}", *scan));
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_EQ(*text, "7seven");
  EXPECT_EQ(Table::create(base::posix_env(), clock, root, simple_metadata()).error().code,
            DeltaError::kExists);
}

// Two processes on one table in memory.
class Conflicts : public testing::Test {
 protected:
  void SetUp() override {
    auto made = Table::create(env_, clock_, kRoot, simple_metadata());
    ASSERT_TRUE(made) << made.error().message;
    ours_.emplace(std::move(*made));
    auto opened = Table::open(env_, clock_, kRoot);
    ASSERT_TRUE(opened);
    theirs_.emplace(std::move(*opened));
    base_ = *ours_->refresh();
  }

  static Transaction append(const std::string& file, const std::string& app_id = "",
                            std::int64_t version = 0) {
    Transaction transaction;
    transaction.info.operation = "STREAMING UPDATE";
    transaction.info.blind_append = true;
    transaction.adds = {fake_file(file)};
    if (!app_id.empty()) transaction.txns = {{app_id, version, 1}};
    transaction.fence_app_id = app_id;
    return transaction;
  }

  static Transaction remove(const std::string& file, bool data_change) {
    Transaction transaction;
    transaction.info.operation = data_change ? "TRUNCATE" : "OPTIMIZE";
    transaction.removes = {{.path = file,
                            .deleted_ms = 1'700'000'000'000,
                            .data_change = data_change,
                            .partition_values = {},
                            .size_bytes = 100}};
    return transaction;
  }

  // They commit first, on top of what we know.
  void they_commit(Transaction transaction) {
    auto snapshot = theirs_->refresh();
    ASSERT_TRUE(snapshot);
    auto version = theirs_->commit(**snapshot, std::move(transaction));
    ASSERT_TRUE(version) << version.error().message;
  }

  DeltaResult<Version> we_commit(Transaction transaction) {
    return ours_->commit(*base_, std::move(transaction));
  }

  std::vector<std::string> files() {
    std::vector<std::string> names;
    for (const auto& file : (*ours_->refresh())->files)
      names.push_back(file.path);
    return names;
  }

  static constexpr const char* kRoot = "/lake/s/t";
  base::MemEnv env_;
  base::ManualClock clock_{1'700'000'000'000};
  std::optional<Table> ours_;
  std::optional<Table> theirs_;
  std::shared_ptr<const Snapshot> base_;
};

TEST_F(Conflicts, AppendsGoOneAfterAnother) {
  they_commit(append("theirs-1", "other", 5));
  they_commit(append("theirs-2"));
  const auto version = we_commit(append("ours", "app", 0));
  ASSERT_TRUE(version) << version.error().message;
  EXPECT_EQ(*version, Version(3));
  EXPECT_THAT(files(), testing::ElementsAre("theirs-1", "theirs-2", "ours"));
  const auto history = ours_->history(10);
  ASSERT_TRUE(history);
  ASSERT_EQ(history->size(), 4U);
  EXPECT_EQ((*history)[0].version, Version(3));
  EXPECT_EQ((*history)[3].operation, "CREATE TABLE");
  // The clock stood still; commit times do not.
  for (std::size_t i = 1; i < history->size(); ++i)
    EXPECT_GT((*history)[i - 1].commit_ms, (*history)[i].commit_ms);
  EXPECT_THAT((*history)[0].commit_info_json, HasSubstr("\"readVersion\":0"));
  EXPECT_EQ((*ours_->refresh())->commit_ms, (*history)[0].commit_ms);
}

// A log in which somebody else is always a moment faster.
class LosingLog final : public LogStore {
 public:
  explicit LosingLog(std::unique_ptr<LogStore> real) : real_(std::move(real)) {}
  base::IoStatus put_if_absent(const std::string& name, std::string_view data) override {
    ++lost;
    const auto faster = real_->put_if_absent(name, R"({"commitInfo":{"operation":"WRITE"}})");
    EXPECT_TRUE(faster);
    return real_->put_if_absent(name, data);
  }
  base::IoStatus replace(const std::string& name, std::string_view data) override {
    return real_->replace(name, data);
  }
  base::IoResult<std::string> read(const std::string& name) override { return real_->read(name); }
  base::IoResult<std::vector<std::string>> list_from(const std::string& name) override {
    return real_->list_from(name);
  }
  base::IoStatus remove(const std::string& name) override { return real_->remove(name); }
  base::IoStatus sync() override { return real_->sync(); }
  int lost = 0;

 private:
  std::unique_ptr<LogStore> real_;
};

TEST_F(Conflicts, ACommitGivesUpAfterAThousandLostRaces) {
  auto log = std::make_unique<LosingLog>(local_log_store(env_, kRoot));
  const LosingLog& losing = *log;
  auto table = Table::open(env_, clock_, kRoot, std::move(log));
  ASSERT_TRUE(table);
  const auto version = table->commit(**table->refresh(), append("ours"));
  ASSERT_FALSE(version);
  EXPECT_EQ(version.error().code, DeltaError::kConflict);
  EXPECT_EQ(losing.lost, 1'000);
}

TEST_F(Conflicts, TheFenceStopsThePausedOne) {
  they_commit(append("theirs", "app", 0));
  const auto lost = we_commit(append("ours", "app", 0));
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code, DeltaError::kFenced);
  EXPECT_THAT(lost.error().message, HasSubstr("app"));
  EXPECT_THAT(files(), testing::ElementsAre("theirs"));
}

TEST_F(Conflicts, ATxnOfOursMovedByAnotherIsAConflict) {
  they_commit(append("theirs", "generation", 2));
  auto transaction = append("ours", "app", 0);
  transaction.txns.push_back({"generation", 3, 1});
  EXPECT_EQ(we_commit(transaction).error().code, DeltaError::kConflict);
}

TEST_F(Conflicts, ChangedMetadataMeansPlanAgain) {
  Transaction change;
  change.metadata = base_->metadata;
  change.metadata->schema =
      merge_schema(base_->metadata.schema,
                   types::DataType::structure({simple_field("new", types::TypeKind::kLong)}))
          ->schema;
  change.info.operation = "ADD COLUMNS";
  they_commit(change);
  EXPECT_EQ(we_commit(append("ours")).error().code, DeltaError::kConflict);
  base_ = *ours_->refresh();
  EXPECT_EQ(base_->metadata.schema.fields().size(), 3U);
  EXPECT_TRUE(we_commit(append("ours")));
}

TEST_F(Conflicts, CompactionYieldsAndAppendsDoNotCare) {
  they_commit(append("a"));
  base_ = *ours_->refresh();
  they_commit(append("b"));
  they_commit(remove("a", false));
  EXPECT_EQ(we_commit(remove("a", false)).error().code, DeltaError::kConflict);
  EXPECT_TRUE(we_commit(append("c")));
  EXPECT_THAT(files(), testing::ElementsAre("b", "c"));
}

TEST_F(Conflicts, ATruncationSeesRowsThatCameMeanwhile) {
  they_commit(append("a"));
  base_ = *ours_->refresh();
  they_commit(append("b"));
  EXPECT_EQ(we_commit(remove("a", true)).error().code, DeltaError::kConflict);
}

TEST_F(Conflicts, AppendOnlyTablesKeepTheirRows) {
  they_commit(append("a"));
  Transaction change;
  base_ = *ours_->refresh();
  change.metadata = base_->metadata;
  change.metadata->configuration["delta.appendOnly"] = "true";
  change.info.operation = "SET TBLPROPERTIES";
  ASSERT_TRUE(we_commit(change));
  base_ = *ours_->refresh();
  EXPECT_THAT(we_commit(remove("a", true)).error().message,
              HasSubstr("DELTA_CANNOT_MODIFY_APPEND_ONLY"));
  EXPECT_TRUE(we_commit(remove("a", false)));
}

TEST_F(Conflicts, WhatNoCommitMaySay) {
  auto twice = append("a", "app", 0);
  twice.txns.push_back({"app", 1, 1});
  EXPECT_EQ(we_commit(twice).error().code, DeltaError::kUnsupported);
  EXPECT_EQ(we_commit(append("../a")).error().code, DeltaError::kUnsupported);
  auto partitioned = append("a");
  partitioned.adds[0].partition_values["text"] = "x";
  EXPECT_EQ(we_commit(partitioned).error().code, DeltaError::kConflict);
  Transaction other_table;
  other_table.metadata = base_->metadata;
  other_table.metadata->id = "another";
  EXPECT_EQ(we_commit(other_table).error().code, DeltaError::kUnsupported);
  EXPECT_EQ((*ours_->refresh())->version, Version(0));
}

TEST_F(Conflicts, SnapshotsOfThePast) {
  they_commit(append("a"));
  they_commit(remove("a", true));
  EXPECT_EQ((*ours_->snapshot_at(Version(1)))->files.size(), 1U);
  EXPECT_EQ((*ours_->snapshot_at(Version(2)))->files.size(), 0U);
  EXPECT_EQ(ours_->snapshot_at(Version(3)).error().code, DeltaError::kNoVersion);
}

TEST_F(Conflicts, BrokenLogsAreNamed) {
  they_commit(append("a"));
  they_commit(append("b"));
  const std::string log = std::string(kRoot) + "/_delta_log/";
  ASSERT_TRUE(base::replace_file(env_, log + "00000000000000000002.json", "\n"));
  EXPECT_THAT(ours_->refresh().error().message, HasSubstr("00000000000000000002.json"));
  EXPECT_FALSE(ours_->refresh());  // and stays broken
  ASSERT_TRUE(env_.remove(log + "00000000000000000002.json"));
  EXPECT_TRUE(ours_->refresh());
  they_commit(append("c"));  // version 2 again
  ASSERT_TRUE(env_.remove(log + "00000000000000000001.json"));
  auto opened = Table::open(env_, clock_, kRoot);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, DeltaError::kCorrupt);
  EXPECT_THAT(opened.error().message, HasSubstr("00000000000000000001.json is missing"));
  EXPECT_EQ(Table::open(env_, clock_, "/lake/none").error().code, DeltaError::kNotATable);
}

TEST_F(Conflicts, CheckpointsCarryTheTable) {
  for (int i = 0; i < 12; ++i) {
    they_commit(append(fmt::format("f%20{}", i), "app", i));
    ASSERT_TRUE(theirs_->maybe_checkpoint());
  }
  they_commit(remove("f%203", false));
  const std::string log = std::string(kRoot) + "/_delta_log/";
  const auto hint = base::read_file(env_, log + "_last_checkpoint");
  ASSERT_TRUE(hint);
  EXPECT_THAT(*hint, testing::StartsWith(R"({"version":10,"size":13,)"));
  const auto old = base_;
  const auto whole = *ours_->refresh();
  for (int version = 0; version < 10; ++version)
    ASSERT_TRUE(env_.remove(fmt::format("{}{:020d}.json", log, version)));
  // Names that log cleanup freed are not taken again, by a writer that slept or by a new table.
  EXPECT_EQ(ours_->commit(*old, append("late")).error().code, DeltaError::kConflict);
  EXPECT_EQ(Table::create(env_, clock_, kRoot, simple_metadata()).error().code,
            DeltaError::kExists);
  for (const bool with_hint : {true, false}) {
    if (!with_hint) {
      ASSERT_TRUE(base::replace_file(env_, log + "_last_checkpoint", "{\"version\":99}"));
    }
    auto opened = Table::open(env_, clock_, kRoot);
    ASSERT_TRUE(opened) << opened.error().message;
    const auto found = *opened->refresh();
    EXPECT_EQ(found->version, whole->version);
    EXPECT_EQ(found->metadata.id, whole->metadata.id);
    EXPECT_EQ(found->txn_version("app"), 11);
    EXPECT_EQ(found->commit_ms, whole->commit_ms);
    ASSERT_EQ(found->files.size(), 11U);
    std::set<std::string> paths;
    for (const auto& file : found->files) {
      paths.insert(file.path);
      EXPECT_EQ(file.records(), 1);
    }
    EXPECT_EQ(paths.count("f%203"), 0U);
    EXPECT_EQ(opened->snapshot_at(Version(10)).value()->files.size(), 10U);
  }
}

TEST(MergeSchema, AddsAndRefuses) {
  using types::DataType;
  using types::TypeKind;
  const auto table = DataType::structure(
      {simple_field("Id", TypeKind::kInt), types::make_field("price", DataType::decimal(10, 2)),
       types::make_field("s", DataType::structure({simple_field("a", TypeKind::kInt)}))});
  auto same = merge_schema(table, DataType::structure({simple_field("ID", TypeKind::kInt)}));
  ASSERT_TRUE(same);
  EXPECT_TRUE(same->added.empty());
  EXPECT_TRUE(same->schema.same_as(table));
  auto more = merge_schema(
      table, DataType::structure(
                 {types::make_field("new", DataType::of(TypeKind::kString), false),
                  types::make_field("S", DataType::structure({simple_field("b", TypeKind::kInt)})),
                  types::make_field("price", DataType::decimal(8, 2)),
                  simple_field("id", TypeKind::kNull)}));
  ASSERT_TRUE(more) << more.error().message;
  EXPECT_THAT(more->added, testing::ElementsAre("new", "S.b"));
  EXPECT_EQ(more->schema.to_ddl(),
            "struct<Id:int,price:decimal(10,2),s:struct<a:int,b:int>,new:string>");
  EXPECT_TRUE(more->schema.fields()[3].nullable);
  const auto refused =
      merge_schema(table, DataType::structure({simple_field("id", TypeKind::kString)}));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, DeltaError::kSchema);
  EXPECT_THAT(refused.error().message,
              testing::StartsWith("[CANNOT_MERGE_INCOMPATIBLE_DATA_TYPE] Failed to merge "
                                  "incompatible data types \"INT\" and \"STRING\"."));
  EXPECT_FALSE(merge_schema(table, DataType::structure({simple_field("x", TypeKind::kInt),
                                                        simple_field("X", TypeKind::kInt)})));
  EXPECT_FALSE(merge_schema(
      table, DataType::structure({types::make_field("price", DataType::decimal(12, 2))})));
}

}  // namespace
}  // namespace sluice::delta
