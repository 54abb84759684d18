#include "duck/duck.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "duck/batch_relation.h"
#include "duck/scalar_function.h"

namespace sluice::duck {
namespace {

using ::testing::HasSubstr;

class DuckTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "sluice-duck-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    std::filesystem::create_directories(folder_ / "in");
    std::filesystem::create_directories(folder_ / "out");
    DatabaseOptions options;
    options.memory_limit_bytes = 64 << 20;
    options.allowed_directories = {(folder_ / "in").string()};
    auto database = Database::open(options);
    ASSERT_TRUE(database) << database.error().message;
    database_.emplace(std::move(*database));
    auto connection = database_->connect();
    ASSERT_TRUE(connection);
    connection_.emplace(std::move(*connection));
  }
  void TearDown() override {
    connection_.reset();
    database_.reset();
    std::filesystem::remove_all(folder_);
  }
  std::string scalar(const std::string& sql) {
    auto result = connection_->scalar(sql);
    if (!result) return "error: " + result.error().message;
    return result->value_or("null");
  }

  std::filesystem::path folder_;
  std::optional<Database> database_;
  std::optional<Connection> connection_;
};

TEST_F(DuckTest, AnswersQueries) {
  EXPECT_EQ(scalar("SELECT 6 * 7"), "42");
  EXPECT_EQ(scalar("SELECT NULL"), "null");
  EXPECT_EQ(scalar("SELECT 1 WHERE false"), "null");
  auto result = connection_->query("CREATE TABLE t AS SELECT range AS r FROM range(5000); FROM t");
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->column_count(), 1);
  EXPECT_EQ(result->column_name(0), "r");
  std::int64_t sum = 0;
  while (auto chunk = result->next().value()) {
    for (std::uint64_t i = 0; i < chunk->size(); ++i)
      sum += chunk->column(0).int64(i);
  }
  EXPECT_EQ(sum, 5000 * 4999 / 2);
}

TEST_F(DuckTest, ReadsNestedValues) {
  auto result =
      connection_->query("SELECT [1, NULL, 3], {'a': 'x', 'b': 2.5::DOUBLE}, NULL::INT[]");
  ASSERT_TRUE(result);
  auto chunk = result->next().value();
  const Vector list = chunk->column(0);
  const ListEntry entry = list.list(0);
  ASSERT_EQ(entry.length, 3);
  const Vector child = list.list_child();
  EXPECT_EQ(child.int64(entry.offset), 1);
  EXPECT_TRUE(child.is_null(entry.offset + 1));
  EXPECT_EQ(chunk->column(1).struct_child(0).text(0), "x");
  EXPECT_EQ(chunk->column(1).struct_child(1).real(0), 2.5);
  EXPECT_TRUE(chunk->column(2).is_null(0));
}

TEST_F(DuckTest, StreamsResultsAndTheirErrors) {
  auto result = connection_->stream("SELECT range FROM range(100000)");
  ASSERT_TRUE(result) << result.error().message;
  std::uint64_t rows = 0;
  while (auto chunk = result->next().value())
    rows += chunk->size();
  EXPECT_EQ(rows, 100000);

  auto bad = connection_->stream(
      "SELECT CASE WHEN range = 9000000 THEN error('late') END FROM range(10000000)");
  ASSERT_TRUE(bad) << bad.error().message;
  for (;;) {
    auto chunk = bad->next();
    if (!chunk) {
      EXPECT_EQ(chunk.error().code, DuckError::kInvalidInput);
      EXPECT_EQ(chunk.error().message, "late");
      break;
    }
    ASSERT_TRUE(*chunk) << "ended without the error";
  }
  EXPECT_FALSE(connection_->stream("SELEC 1"));
}

TEST_F(DuckTest, SaysWhatKindOfErrorItIs) {
  EXPECT_EQ(connection_->execute("SELEC 1").error().code, DuckError::kInternal);
  EXPECT_EQ(connection_->execute("SELECT 'x'::INT").error().code, DuckError::kInvalidInput);
  EXPECT_EQ(connection_->execute("SELECT error('[A] b')").error().message, "[A] b");
  EXPECT_EQ(connection_
                ->execute("CREATE TABLE big AS SELECT repeat(range::VARCHAR, 100) FROM "
                          "range(10000000)")
                .error()
                .code,
            DuckError::kOutOfMemory);
}

TEST_F(DuckTest, ReachesNothingOutside) {
  std::ofstream(folder_ / "in" / "a.csv") << "x\n1\n";
  std::ofstream(folder_ / "out" / "a.csv") << "x\n1\n";
  EXPECT_EQ(scalar("SELECT count(*) FROM read_csv(" +
                   quote_text((folder_ / "in" / "a.csv").string()) + ")"),
            "1");
  const char* const refused[] = {
      "SELECT * FROM read_csv('OUT/a.csv')",
      "SELECT * FROM read_csv('OUT/../out/a.csv')",
      "SELECT * FROM read_csv('OUT/../in/../out/a.csv')",
      "COPY (SELECT 1) TO 'OUT/b.parquet'",
      "ATTACH 'OUT/b.db'",
      "SELECT * FROM glob('OUT/*')",
      "SELECT * FROM read_text('/etc/passwd')",
      "INSTALL httpfs",
      "LOAD 'OUT/x.duckdb_extension'",
      "SET enable_external_access = true",
      "SET allowed_directories = ['/']",
      "SET memory_limit = '100GB'",
      "SET lock_configuration = false",
  };
  for (std::string sql : refused) {
    if (const auto at = sql.find("OUT"); at != std::string::npos)
      sql.replace(at, 3, (folder_ / "out").string());
    EXPECT_FALSE(connection_->execute(sql)) << sql;
  }
  EXPECT_EQ(scalar("SELECT current_setting('TimeZone')"), "UTC");
}

TEST_F(DuckTest, InterruptEndsAQuery) {
  std::atomic<bool> ended = false;
  std::thread killer([&] {
    while (!ended) {
      connection_->interrupt();
      std::this_thread::yield();
    }
  });
  const auto result = connection_->execute(
      "SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b");
  ended = true;
  killer.join();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, DuckError::kInterrupted);
}

TEST_F(DuckTest, NativeFunctionsSeeNullsAndReportErrors) {
  ScalarFunction function{.name = "twice",
                          .arguments = {},
                          .result = LogicalType(DUCKDB_TYPE_VARCHAR),
                          .body = [](ScalarCall& call) {
                            for (std::uint64_t i = 0; i < call.size(); ++i) {
                              if (call.any_null(i)) {
                                call.result().set_null(i);
                                continue;
                              }
                              const std::string text(call.argument(0).text(i));
                              if (text == "bad") return call.fail("[BAD] no SQLSTATE: 1");
                              call.result().set_text(i, text + text);
                            }
                          }};
  function.arguments.emplace_back(DUCKDB_TYPE_VARCHAR);
  ASSERT_TRUE(register_scalar(*connection_, std::move(function)));
  ScalarFunction again{.name = "twice",
                       .arguments = {},
                       .result = LogicalType(DUCKDB_TYPE_VARCHAR),
                       .body = [](ScalarCall&) {}};
  EXPECT_TRUE(register_scalar(*connection_, std::move(again))) << "registering twice is no harm";
  EXPECT_EQ(scalar("SELECT twice('a long text, not inlined')"),
            "a long text, not inlineda long text, not inlined");
  EXPECT_EQ(scalar("SELECT twice(NULL)"), "null");
  EXPECT_EQ(scalar("SELECT string_agg(coalesce(twice(x), '-'), ',' ORDER BY x) FROM "
                   "(VALUES ('a'), (NULL), ('b')) t(x)"),
            "aa,bb,-");
  const auto failed = connection_->execute("SELECT twice('bad')");
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, DuckError::kInvalidInput);
  EXPECT_EQ(failed.error().message, "[BAD] no SQLSTATE: 1");
}

TEST_F(DuckTest, ABodyThatThrowsFailsTheQuery) {
  ScalarFunction function{.name = "thrower",
                          .arguments = {},
                          .result = LogicalType(DUCKDB_TYPE_INTEGER),
                          .body = [](ScalarCall&) { throw std::runtime_error("thrown"); }};
  ASSERT_TRUE(register_scalar(*connection_, std::move(function)));
  EXPECT_THAT(scalar("SELECT thrower()"), HasSubstr("thrown"));
}

TEST_F(DuckTest, WritesNestedResults) {
  std::vector<LogicalType> fields;
  fields.emplace_back(DUCKDB_TYPE_INTEGER);
  fields.push_back(LogicalType::list(LogicalType(DUCKDB_TYPE_VARCHAR)));
  ScalarFunction function{.name = "nested",
                          .arguments = {},
                          .result = LogicalType::structure({"a", "b"}, fields),
                          .body = [](ScalarCall& call) {
                            for (std::uint64_t i = 0; i < call.size(); ++i) {
                              const auto n = static_cast<std::uint64_t>(call.argument(0).int64(i));
                              if (n == 3) {
                                call.result().set_null(i);
                                continue;
                              }
                              call.result().struct_child(0).set(i, static_cast<std::int32_t>(n));
                              Writer list = call.result().struct_child(1);
                              const std::uint64_t at = list.append(i, n);
                              Writer child = list.list_child();
                              for (std::uint64_t k = 0; k < n; ++k)
                                child.set_text(at + k, std::to_string(k));
                            }
                          }};
  function.arguments.emplace_back(DUCKDB_TYPE_BIGINT);
  ASSERT_TRUE(register_scalar(*connection_, std::move(function)));
  EXPECT_EQ(scalar("SELECT string_agg(coalesce(nested(r)::VARCHAR, '-'), ' ' ORDER BY r) FROM "
                   "range(5) t(r)"),
            "{'a': 0, 'b': []} {'a': 1, 'b': [0]} {'a': 2, 'b': [0, 1]} - "
            "{'a': 4, 'b': [0, 1, 2, 3]}");
  EXPECT_EQ(scalar("SELECT sum(nested(r % 3).a) FROM range(10000) t(r)"), "9999");
}

TEST_F(DuckTest, RecordsAreARelation) {
  std::vector<std::string> payloads;
  for (int i = 0; i < 10000; ++i)
    payloads.push_back("payload number " + std::to_string(i));
  std::vector<SourceRecord> records;
  for (const std::string& payload : payloads) {
    records.push_back({.partition_key = "key",
                       .data = payload,
                       .stream = "a-stream-with-a-long-name",
                       .shard_id = "shardId-000000000000",
                       .sequence_number = "4965",
                       .arrival_us = 1'600'000'000'000'000});
  }
  auto relation = BatchRelation::create(*connection_, "__source0", make_record_source(records));
  ASSERT_TRUE(relation) << relation.error().message;
  EXPECT_EQ(scalar("SELECT count(*) FROM __source0"), "10000");
  EXPECT_EQ(scalar("SELECT count(DISTINCT data) FROM __source0"), "10000");
  EXPECT_EQ(scalar("SELECT max(decode(data)) FROM __source0 WHERE \"partitionKey\" = 'key'"),
            "payload number 9999");
  EXPECT_EQ(scalar("SELECT \"approximateArrivalTimestamp\" FROM __source0"),
            "2020-09-13 12:26:40+00");

  auto other = database_->connect();
  ASSERT_TRUE(other);
  auto second =
      BatchRelation::create(*other, "__source0", make_record_source(std::span(records).first(7)));
  ASSERT_TRUE(second);
  EXPECT_EQ(other->scalar("SELECT count(*) FROM __source0").value(), "7");
  EXPECT_EQ(scalar("SELECT count(*) FROM __source0"), "10000");

  relation->set(make_record_source(std::span(records).first(3)));
  EXPECT_EQ(scalar("SELECT count(*) FROM __source0"), "3");
  relation->set(make_record_source({}));
  EXPECT_EQ(scalar("SELECT count(*) FROM __source0"), "0");
  {
    const BatchRelation gone = std::move(*relation);
  }
  EXPECT_THAT(scalar("SELECT count(*) FROM __source0"), HasSubstr("gone"));
}

TEST_F(DuckTest, TextsMayHoldNul) {
  for (const auto& [text, hex] : std::vector<std::pair<std::string, std::string>>{
           {"it's", "69742773"}, {std::string("a\0\0b\0", 5), "6100006200"}, {"", ""}}) {
    EXPECT_EQ(scalar("SELECT hex(encode(" + text_expression(text) + "))"), hex);
  }
}

TEST(Quote, DoublesItsQuote) {
  EXPECT_EQ(quote_identifier("a\"b"), "\"a\"\"b\"");
  EXPECT_EQ(quote_text("it's"), "'it''s'");
}

}  // namespace
}  // namespace sluice::duck
