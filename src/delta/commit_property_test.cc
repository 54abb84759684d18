// Random interleavings of several writers over one store that also loses answers: the log stays
// linear, nothing acknowledged is lost, nothing is doubled. A seed replays a run.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <set>

#include "base/mem_env.h"
#include "base/test_seeds.h"
#include "delta/actions.h"
#include "delta/test_tables.h"

namespace sluice::delta {
namespace {

constexpr const char* kRoot = "/lake/t";

// Lets other writers run between any two operations of one, and loses answers.
class ChaosStore final : public LogStore {
 public:
  ChaosStore(base::Env& env, base::Random& random, std::function<void()> others)
      : store_(local_log_store(env, kRoot)), random_(random), others_(std::move(others)) {}

  base::IoStatus put_if_absent(const std::string& name, std::string_view data) override {
    if (random_.below(3) == 0) others_();
    const auto fate = random_.below(20);
    if (fate == 0) return base::fail(base::IoError::kOther, "lost before it was done");
    auto done = store_->put_if_absent(name, data);
    if (random_.below(5) == 0) others_();
    if (fate == 1 && done) return base::fail(base::IoError::kOther, "the answer was lost");
    if (fate == 2 && done) return base::fail(base::IoError::kExists, "sent twice by the network");
    return done;
  }
  base::IoStatus replace(const std::string& name, std::string_view data) override {
    return store_->replace(name, data);
  }
  base::IoResult<std::string> read(const std::string& name) override {
    if (random_.below(25) == 0) others_();
    if (random_.below(60) == 0) return base::fail(base::IoError::kOther, "read failed");
    return store_->read(name);
  }
  base::IoResult<std::vector<std::string>> list_from(const std::string& name) override {
    return store_->list_from(name);
  }
  base::IoStatus remove(const std::string& name) override { return store_->remove(name); }
  base::IoStatus sync() override {
    if (random_.below(30) == 0) return base::fail(base::IoError::kOther, "sync failed");
    return store_->sync();
  }

 private:
  std::unique_ptr<LogStore> store_;
  base::Random& random_;
  std::function<void()> others_;
};

class Simulation {
 public:
  Simulation(std::uint64_t seed, int writers) : random_(seed) {
    EXPECT_TRUE(Table::create(env_, clock_, kRoot, simple_metadata()));
    for (int i = 0; i < writers; ++i) {
      // The first two are the same flow, started twice by mistake; the fourth and fifth compact.
      writers_.push_back({.app_id = i < 2 ? "app-0" : fmt::format("app-{}", i),
                          .compacts = i >= 3,
                          .table = std::nullopt});
    }
  }

  void run(int steps) {
    for (int i = 0; i < steps; ++i)
      step_any();
    check();
  }

 private:
  struct Writer {
    std::string app_id;
    bool compacts = false;
    std::optional<Table> table;
    bool busy = false;
  };

  void step_any() {
    if (depth_ > 3) return;
    auto& writer = writers_[random_.below(writers_.size())];
    if (writer.busy) return;
    ++depth_;
    writer.busy = true;
    step(writer);
    writer.busy = false;
    --depth_;
  }

  void step(Writer& writer) {
    clock_.set_ms(clock_.now_ms() + static_cast<std::int64_t>(random_.below(5)) - 2);
    if (!writer.table || random_.below(10) == 0) {
      auto store = std::make_unique<ChaosStore>(env_, random_, [this] { step_any(); });
      auto opened = Table::open(env_, clock_, kRoot, std::move(store));
      if (!opened) return;  // a read was made to fail
      writer.table.emplace(std::move(*opened));
    }
    auto snapshot = writer.table->refresh();
    if (!snapshot) return;
    if (writer.compacts)
      compact(writer, **snapshot);
    else
      append(writer, **snapshot);
  }

  void append(Writer& writer, const Snapshot& snapshot) {
    const auto file = fmt::format("file-{}", ++files_);
    Transaction transaction;
    transaction.info.operation = "STREAMING UPDATE";
    transaction.info.blind_append = true;
    transaction.adds = {fake_file(file)};
    transaction.txns = {{writer.app_id, snapshot.txn_version(writer.app_id) + 1, 1}};
    transaction.fence_app_id = writer.app_id;
    note(file, writer.table->commit(snapshot, std::move(transaction)));
  }

  // One file becomes another of the same rows: `file-7` → `file-7+12`.
  void compact(Writer& writer, const Snapshot& snapshot) {
    if (snapshot.files.empty()) return;
    const auto& old = snapshot.files[random_.below(snapshot.files.size())].path;
    const auto file = fmt::format("{}+{}", old.substr(0, old.find('+')), ++files_);
    Transaction transaction;
    transaction.info.operation = "OPTIMIZE";
    transaction.adds = {fake_file(file)};
    transaction.adds[0].data_change = false;
    transaction.removes = {{.path = old,
                            .deleted_ms = 1,
                            .data_change = false,
                            .partition_values = {},
                            .size_bytes = 100}};
    note(file, writer.table->commit(snapshot, std::move(transaction)));
  }

  void note(const std::string& file, const DeltaResult<Version>& result) {
    if (result)
      acknowledged_[file] = *result;
    else if (result.error().code == DeltaError::kIo)
      unknown_.insert(file);
    else
      refused_.insert(file);
  }

  void check() {
    auto store = local_log_store(env_, kRoot);
    std::map<std::string, Version> committed;
    std::map<std::string, std::int64_t> next_batch;
    std::multiset<std::string> rows;  // base names of live files
    std::int64_t previous_ms = 0;
    Version version(0);
    for (;; ++version) {
      auto text = store->read(commit_name(version));
      if (!text) break;
      auto actions = parse_actions(*text, commit_name(version));
      ASSERT_TRUE(actions) << actions.error().message;
      EXPECT_GT(*actions->info->timestamp_ms, previous_ms) << version();
      previous_ms = *actions->info->timestamp_ms;
      for (const auto& add : actions->adds) {
        EXPECT_TRUE(committed.emplace(add.path, version).second) << add.path << " twice";
        rows.insert(add.path.substr(0, add.path.find('+')));
      }
      for (const auto& remove : actions->removes) {
        const auto found = rows.find(remove.path.substr(0, remove.path.find('+')));
        ASSERT_NE(found, rows.end());
        rows.erase(found);
      }
      // Each flow's batches come once and in order, whoever wrote them.
      for (const auto& txn : actions->txns)
        EXPECT_EQ(txn.version, next_batch[txn.app_id]++) << txn.app_id << " at " << version();
    }
    auto names = store->list_from(commit_name(Version(0)));
    ASSERT_TRUE(names);
    EXPECT_EQ(static_cast<std::int64_t>(names->size()), version()) << "gap, or files left behind";
    for (const auto& [file, at] : acknowledged_) {
      ASSERT_TRUE(committed.contains(file)) << file << " was acknowledged and is lost";
      EXPECT_EQ(committed[file], at) << file;
    }
    for (const auto& file : refused_)
      EXPECT_FALSE(committed.contains(file)) << file << " was refused and is there";
    std::multiset<std::string> expected;
    for (const auto& [file, at] : committed) {
      EXPECT_TRUE(acknowledged_.contains(file) || unknown_.contains(file)) << file;
      if (!file.contains('+')) expected.insert(file);
    }
    EXPECT_EQ(rows, expected);
    auto table = Table::open(env_, clock_, kRoot);
    ASSERT_TRUE(table) << table.error().message;
    std::multiset<std::string> found;
    for (const auto& file : (*table->refresh())->files)
      found.insert(file.path.substr(0, file.path.find('+')));
    EXPECT_EQ(found, expected);
  }

  base::SeededRandom random_;
  base::MemEnv env_;
  base::ManualClock clock_{1'700'000'000'000};
  std::vector<Writer> writers_;
  std::map<std::string, Version> acknowledged_;
  std::set<std::string> unknown_;
  std::set<std::string> refused_;
  int files_ = 0;
  int depth_ = 0;
};

TEST(CommitProperty, InterleavedWritersKeepTheLogLinear) {
  for (std::uint64_t seed = 1; seed <= base::test_seeds(300); ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    Simulation(seed, 2 + static_cast<int>(seed % 4)).run(40);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace sluice::delta
