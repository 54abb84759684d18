// Rows to files and back: partitions, statistics, rolling, refusals, compaction.
#include "delta/data_files.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "delta/paths.h"
#include "delta/test_tables.h"

namespace sluice::delta {
namespace {

using testing::HasSubstr;
using types::DataType;
using types::TypeKind;

class DataFiles : public testing::Test {
 protected:
  DeltaResult<std::vector<AddFile>> write(const std::string& sql, const DataType& schema,
                                          const WriteOptions& options = {}) {
    return write_files(engine_, base::posix_env(), root(), sql, schema, options);
  }
  void SetUp() override { ASSERT_TRUE(base::posix_env().make_dirs(root())); }

  std::string root() const { return folder_.path() + "/t"; }

  // All names below the table's folder.
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root()))
      if (entry.is_regular_file())
        found.push_back(std::filesystem::relative(entry.path(), root()).string());
    return found;
  }

  std::string scalar(const std::string& sql) {
    auto text = engine_.scalar(sql);
    EXPECT_TRUE(text) << text.error().message;
    return text && *text ? **text : "NULL";
  }

  TemporaryFolder folder_;
  duck::Connection engine_ = test_engine(folder_.path());
};

const DataType kSchema = DataType::structure(
    {simple_field("id", TypeKind::kInt), simple_field("text", TypeKind::kString)});

TEST_F(DataFiles, ColumnsComeByNameAndInTheSchemasOrder) {
  const auto adds = write("SELECT 'x' AS TEXT, 7::BIGINT AS id", kSchema);
  ASSERT_TRUE(adds) << adds.error().message;
  ASSERT_EQ(adds->size(), 1U);
  const auto& add = adds->front();
  EXPECT_EQ(add.stats_json,
            R"({"numRecords":1,"minValues":{"id":7,"text":"x"},"maxValues":{"id":7,"text":"x"},)"
            R"("nullCount":{"id":0,"text":0}})");
  EXPECT_EQ(add.size_bytes,
            static_cast<std::int64_t>(std::filesystem::file_size(root() + "/" + add.path)));
  EXPECT_GT(add.modified_ms, 1'600'000'000'000);
  EXPECT_EQ(scalar(fmt::format("SELECT string_agg(name || ' ' || coalesce(converted_type, type), "
                               "',') FROM parquet_schema('{}/{}') WHERE name NOT LIKE '%schema'",
                               root(), add.path)),
            "id INT_32,text UTF8");
  EXPECT_EQ(scalar(fmt::format("SELECT DISTINCT compression || bloom_filter_offset IS NULL FROM "
                               "parquet_metadata('{}/{}')",
                               root(), add.path)),
            "true");
}

TEST_F(DataFiles, NoRowsNoFiles) {
  const auto adds = write("SELECT 1 AS id, 'x' AS text WHERE false", kSchema);
  ASSERT_TRUE(adds) << adds.error().message;
  EXPECT_TRUE(adds->empty());
  EXPECT_THAT(names(), testing::IsEmpty());
  WriteOptions options;
  options.partition_columns = {"id"};
  EXPECT_TRUE(write("SELECT 1 AS id, 'x' AS text WHERE false", kSchema, options)->empty());
}

TEST_F(DataFiles, AFailedSelectLeavesNothing) {
  const auto bad = write(
      "SELECT i::INTEGER AS id, CASE WHEN i = 150000 THEN error('[SOME_CLASS] words') ELSE 'x' END "
      "AS text FROM range(200000) r(i)",
      kSchema);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, DeltaError::kQuery);
  EXPECT_THAT(bad.error().message, HasSubstr("[SOME_CLASS] words"));
  EXPECT_THAT(names(), testing::IsEmpty());
  const auto overflow = write("SELECT 3000000000 AS id, 'x' AS text", kSchema);
  EXPECT_FALSE(overflow);
  EXPECT_FALSE(write("SELECT 1 AS id", kSchema));
  EXPECT_THAT(names(), testing::IsEmpty());
}

TEST_F(DataFiles, NullsInColumnsThatForbidThem) {
  const auto schema =
      DataType::structure({types::make_field("id", DataType::of(TypeKind::kInt), false),
                           simple_field("text", TypeKind::kString)});
  const auto refused = write("SELECT NULL AS id, 'x' AS text UNION ALL SELECT 1, 'y'", schema);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, DeltaError::kSchema);
  EXPECT_THAT(refused.error().message, HasSubstr("DELTA_NOT_NULL_CONSTRAINT_VIOLATED"));
  EXPECT_THAT(names(), testing::IsEmpty());
  EXPECT_TRUE(write("SELECT 1 AS id, NULL AS text", schema));
}

TEST_F(DataFiles, LargeWritesRoll) {
  WriteOptions options;
  options.file_bytes_target = 1;  // as small as files get
  const auto adds = write(
      "SELECT i::INTEGER AS id, md5(i::VARCHAR) AS text FROM range(400000) r(i)", kSchema, options);
  ASSERT_TRUE(adds) << adds.error().message;
  EXPECT_GE(adds->size(), 2U);
  std::int64_t rows = 0;
  for (const auto& add : *adds)
    rows += add.records();
  EXPECT_EQ(rows, 400'000);
  EXPECT_EQ(names().size(), adds->size());
}

TEST_F(DataFiles, PartitionsByValue) {
  const auto schema =
      DataType::structure({simple_field("day", TypeKind::kDate), simple_field("id", TypeKind::kInt),
                           simple_field("text", TypeKind::kString)});
  WriteOptions options;
  options.partition_columns = {"text", "day"};
  const auto adds = write(
      "SELECT i::INTEGER AS id, CASE i % 4 WHEN 0 THEN NULL WHEN 1 THEN '' WHEN 2 THEN 'a/b%' ELSE "
      "'__HIVE_DEFAULT_PARTITION__' END AS text, DATE '2024-01-01' AS day FROM range(100) r(i)",
      schema, options);
  ASSERT_TRUE(adds) << adds.error().message;
  ASSERT_EQ(adds->size(), 3U);  // the empty text is NULL, as the protocol has it
  std::int64_t nulls = 0;
  for (const auto& add : *adds) {
    EXPECT_EQ(add.partition_values.at("day"), "2024-01-01");
    EXPECT_TRUE(local_path(add.path)) << add.path;
    EXPECT_THAT(add.stats_json, testing::Not(HasSubstr("text")));
    if (!add.partition_values.at("text")) nulls += add.records();
  }
  EXPECT_EQ(nulls, 50);
  Snapshot snapshot;
  snapshot.metadata.schema = schema;
  snapshot.metadata.partition_columns = options.partition_columns;
  snapshot.files = *adds;
  const auto scan = scan_sql(root(), snapshot);
  ASSERT_TRUE(scan) << scan.error().message;
  EXPECT_EQ(scalar("SELECT string_agg(n, '|') FROM (SELECT coalesce(text, 'NULL') || count(*) || "
                   "min(day) AS n FROM " +
                   *scan + " GROUP BY text ORDER BY text NULLS FIRST)"),
            "NULL502024-01-01|__HIVE_DEFAULT_PARTITION__252024-01-01|a/b%252024-01-01");
  EXPECT_EQ(scalar("SELECT count(*) FROM duckdb_tables()"), "0");
}

TEST_F(DataFiles, PartitionsOfAWriteAreCounted) {
  const auto adds = write("SELECT range AS id, range::VARCHAR AS text FROM range(10001)", kSchema,
                          {.partition_columns = {"text"}});
  ASSERT_FALSE(adds);
  EXPECT_EQ(adds.error().code, DeltaError::kUnsupported);
  EXPECT_THAT(adds.error().message, HasSubstr("10001 partitions in one write"));
  EXPECT_TRUE(names().empty());
}

TEST_F(DataFiles, PartitionValuesMayHoldAnyByte) {
  WriteOptions options;
  options.partition_columns = {"text"};
  const std::string values =
      "FROM (VALUES (1, 'a' || chr(0) || 'b'), (2, chr(0)), (3, '''\\')) v(id, text)";
  const auto adds = write("SELECT id, text " + values, kSchema, options);
  ASSERT_TRUE(adds) << adds.error().message;
  Snapshot snapshot;
  snapshot.metadata.schema = kSchema;
  snapshot.metadata.partition_columns = options.partition_columns;
  snapshot.files = *adds;
  EXPECT_EQ(scalar("SELECT count(*) FROM (SELECT id, text FROM " + *scan_sql(root(), snapshot) +
                   " INTERSECT SELECT id, text " + values + ")"),
            "3");
}

TEST_F(DataFiles, ScanFillsColumnsThatFilesLack) {
  auto adds = write("SELECT 1 AS id, 'one' AS text", kSchema).value();
  auto more =
      write("SELECT 2 AS id", DataType::structure({simple_field("id", TypeKind::kInt)})).value();
  Snapshot snapshot;
  snapshot.metadata.schema = DataType::structure(
      {simple_field("text", TypeKind::kString), simple_field("ID", TypeKind::kInt),
       types::make_field("later", DataType::array(DataType::of(TypeKind::kDouble)))});
  snapshot.files = {adds[0], more[0]};
  EXPECT_EQ(scalar("SELECT string_agg(coalesce(text, '-') || \"ID\" || (later IS NULL), ',' ORDER "
                   "BY \"ID\") FROM " +
                   scan_sql(root(), snapshot).value()),
            "one1true,-2true");
  EXPECT_EQ(scalar("SELECT typeof(later) FROM " + scan_sql(root(), snapshot).value()), "DOUBLE[]");
  snapshot.files.clear();
  EXPECT_EQ(scalar("SELECT count(*) FROM " + scan_sql(root(), snapshot).value()), "0");
  snapshot.files = {fake_file("../outside.parquet")};
  EXPECT_EQ(scan_sql(root(), snapshot).error().code, DeltaError::kUnsupported);
}

TEST_F(DataFiles, OptimizePacksAndKeepsEveryRow) {
  base::ManualClock clock(1'700'000'000'000);
  auto metadata = simple_metadata();
  metadata.partition_columns = {"text"};
  const auto table_root = root() + "/t[1]*";  // glob characters in the folder's own name
  auto table = Table::create(base::posix_env(), clock, table_root, metadata);
  ASSERT_TRUE(table) << table.error().message;
  for (int i = 0; i < 5; ++i) {
    Transaction transaction;
    auto adds = write_files(
        engine_, base::posix_env(), table_root,
        fmt::format("SELECT {}*100+i::INTEGER AS id, 'p' || i % 2 AS text FROM range(10) r(i)", i),
        metadata.schema, write_options(metadata));
    ASSERT_TRUE(adds) << adds.error().message;
    transaction.adds = *adds;
    transaction.txns = {{"app", i, 1}};
    ASSERT_TRUE(table->commit(**table->refresh(), transaction));
  }
  const auto rows = [&] {
    return scalar("SELECT string_agg(id || text, ',' ORDER BY id, text) FROM " +
                  scan_sql(table_root, **table->refresh()).value());
  };
  const auto before = rows();
  const auto result = optimize(engine_, base::posix_env(), clock, *table, std::int64_t{128} << 20);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->version, Version(6));
  EXPECT_EQ(result->files_removed, 10U);
  EXPECT_EQ(result->files_added, 2U);
  EXPECT_EQ(rows(), before);
  const auto snapshot = *table->refresh();
  EXPECT_EQ(snapshot->files.size(), 2U);
  EXPECT_EQ(snapshot->txn_version("app"), 4);
  for (const auto& file : snapshot->files) {
    EXPECT_FALSE(file.data_change);
    EXPECT_EQ(file.records(), 25);
  }
  EXPECT_EQ(table->history(1)->front().operation, "OPTIMIZE");
  const auto again = optimize(engine_, base::posix_env(), clock, *table, std::int64_t{128} << 20);
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->version);
  // Time travel still reads the old files.
  EXPECT_EQ(table->snapshot_at(Version(5)).value()->files.size(), 10U);
}

}  // namespace
}  // namespace sluice::delta
