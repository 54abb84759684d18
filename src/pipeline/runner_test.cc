#include "pipeline/runner.h"

#include <fmt/core.h>
#include <gmock/gmock.h>

#include <atomic>
#include <set>
#include <thread>

#include "pipeline/engine_test_util.h"

namespace sluice::pipeline {
namespace {

using ::testing::HasSubstr;

class RunnerTest : public ::testing::Test {
 protected:
  static ProjectFiles project(const std::vector<std::string>& tables) {
    ProjectFiles out;
    out.spec_path = "spark-pipeline.yml";
    out.spec =
        "name: n\nstorage: file:///tmp/s\nlibraries:\n  - glob: {include: t/**}\n"
        "configuration:\n  spark.sql.ansi.enabled: 'true'\n";
    out.files["t/sources.sql"] =
        "CREATE TEMPORARY VIEW rows AS SELECT DISTINCT r.* FROM (SELECT from_json(CAST(data AS "
        "STRING), 'k INT, v STRING') AS r FROM STREAM read_kinesis(streamName => 'lines', "
        "initialPosition => 'earliest'));";
    for (const std::string& table : tables)
      out.files["t/" + table + ".sql"] = "CREATE STREAMING TABLE `" + table +
                                         "` AS SELECT k, concat(v, '!') AS v FROM STREAM rows;";
    return out;
  }

  RunnerParts parts() {
    return {base::posix_env(), base::system_clock(), base::system_random(), bench.root + "/lake",
            local_sources(*bench.engine, *bench.engine)};
  }

  RunHooks hooks() {
    RunHooks out;
    out.log = [this](const std::string& line) {
      const std::lock_guard lock(mutex_);
      lines_.push_back(line);
    };
    return out;
  }

  void put(int count) {
    for (int i = 0; i < count; ++i) {
      const std::string line =
          fmt::format("{{\"k\":{},\"v\":\"t{}\"}}", random_.below(40), random_.below(2));
      posted_.insert(line);
      bench.put("lines", line);
    }
  }

  std::multiset<std::string> rows(const std::string& table) {
    const Lake lake(base::posix_env(), bench.clock, bench.root + "/lake");
    const LakeCatalog catalog(lake);
    const auto relation = catalog.find({table});
    EXPECT_TRUE(relation) << catalog.error();
    std::multiset<std::string> out;
    duck::DatabaseOptions options;
    options.allowed_directories = {bench.root};
    auto database = duck::Database::open(options);
    auto connection = database->connect();
    auto result = connection->query(
        "SELECT '{\"k\":' || k || ',\"v\":\"' || replace(v, '!', '') "
        "|| '\"}' FROM " +
        relation->duckdb_relation);
    EXPECT_TRUE(result) << result.error().message;
    while (true) {
      auto chunk = result->next();
      if (!chunk || !*chunk) return out;
      for (std::uint64_t i = 0; i < (*chunk)->size(); ++i)
        out.insert(std::string((*chunk)->column(0).text(i)));
    }
  }

  std::multiset<std::string> expected() const { return {posted_.begin(), posted_.end()}; }

  EngineBench bench;
  std::mutex mutex_;
  std::vector<std::string> lines_;
  std::set<std::string> posted_;
  base::SeededRandom random_{5};
};

TEST_F(RunnerTest, RunsAProjectToItsEnd) {
  bench.create("lines", 2);
  put(60);
  const auto result = run(project({"0x lines", "b"}), parts(), {}, hooks());
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_TRUE(result->completed);
  ASSERT_EQ(result->flows.size(), 2U);
  for (const FlowStatus& flow : result->flows) {
    EXPECT_EQ(flow.state, FlowState::kCompleted) << flow.last_error;
    EXPECT_EQ(flow.input_records, 60U);
    EXPECT_EQ(flow.total_rows, static_cast<std::int64_t>(posted_.size()));
    EXPECT_EQ(flow.lag_records, 0U);
    EXPECT_EQ(flow.lag_ms, 0);
  }
  EXPECT_EQ(rows("0x lines"), expected());
  EXPECT_EQ(rows("B"), expected());
  for (const char* line :
       {"Flow spark_catalog.default.b is QUEUED.", "Flow spark_catalog.default.b is STARTING.",
        "Flow spark_catalog.default.b is RUNNING.", "Flow spark_catalog.default.b has COMPLETED.",
        "Run is COMPLETED."})
    EXPECT_THAT(lines_, ::testing::Contains(line));
  const Lake lake(base::posix_env(), bench.clock, bench.root + "/lake");
  const auto tables = lake.list();
  ASSERT_TRUE(tables);
  ASSERT_EQ(tables->size(), 2U);
  EXPECT_EQ((*tables)[0].name, "0x lines");
  EXPECT_EQ((*tables)[0].schema, "default");
}

TEST_F(RunnerTest, AnotherRunGoesOnWhereTheLastOneEnded) {
  bench.create("lines", 2);
  for (int i = 0; i < 12; ++i) {
    put(10);
    const auto result = run(project({"a"}), parts(), {});
    ASSERT_TRUE(result) << result.error().message;
    ASSERT_TRUE(result->completed) << result->flows[0].last_error;
    EXPECT_EQ(rows("a"), expected());
    EXPECT_LE(result->flows[0].table_files, DeltaSink::kFilesMax);
  }
}

TEST_F(RunnerTest, DryRunTouchesNothing) {
  RunOptions options;
  options.dry_run = true;
  const auto result = run(project({"a"}), parts(), options, hooks());
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_TRUE(result->completed);
  EXPECT_FALSE(std::filesystem::exists(bench.root + "/lake"));
  EXPECT_EQ(lines_.back(), "Run is COMPLETED.");
}

TEST_F(RunnerTest, ContinuousRunsUntilItIsStopped) {
  bench.create("lines", 2);
  RunOptions options;
  options.mode = RunOptions::Mode::kContinuous;
  options.trigger_ms = 1;
  std::condition_variable changed;
  std::uint64_t seen = 0;
  RunHooks with = hooks();
  with.progress = [&](const FlowStatus& status) {
    const std::lock_guard lock(mutex_);
    seen = status.input_records;
    changed.notify_all();
  };
  auto runner = Runner::start(project({"a"}), parts(), options, with);
  ASSERT_TRUE(runner) << runner.error().message;
  for (std::uint64_t want = 20; want <= 60; want += 20) {
    put(20);
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(changed.wait_for(lock, std::chrono::seconds(60), [&] { return seen == want; }));
  }
  (*runner)->stop();
  const RunResult result = (*runner)->wait();
  EXPECT_EQ(result.flows[0].state, FlowState::kStopped);
  EXPECT_EQ(rows("a"), expected());
}

TEST_F(RunnerTest, OneFlowFailingLeavesTheOthersRunning) {
  bench.create("lines", 2);
  put(30);
  RunHooks with = hooks();
  with.step = nullptr;
  ASSERT_TRUE(run(project({"a"}), parts(), {}));
  std::filesystem::remove_all(bench.root + "/lake/default/a/_delta_log");
  const auto result = run(project({"a", "b"}), parts(), {}, with);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_FALSE(result->completed);
  for (const FlowStatus& flow : result->flows) {
    if (flow.name.ends_with(".a")) {
      EXPECT_EQ(flow.state, FlowState::kFailed);
      EXPECT_THAT(flow.last_error, HasSubstr("recreated"));
    } else {
      EXPECT_EQ(flow.state, FlowState::kCompleted);
    }
  }
  EXPECT_EQ(rows("b"), expected());
  EXPECT_THAT(lines_, ::testing::Not(::testing::Contains("Run is COMPLETED.")));
}

TEST_F(RunnerTest, PassingErrorsAreTriedAgainAFewTimes) {
  RunOptions options;
  options.retry_wait_ms = 1;
  const auto result = run(project({"a"}), parts(), options, hooks());  // no such stream
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_FALSE(result->completed);
  EXPECT_EQ(result->flows[0].retries, 3U);
  EXPECT_THAT(lines_, ::testing::Contains("Flow 'spark_catalog.default.a' has FAILED more than 2 "
                                          "times and will not be restarted."));
}

TEST_F(RunnerTest, FlowsAreCounted) {
  std::vector<std::string> tables;
  for (int i = 0; i < 256; ++i)
    tables.push_back("t" + std::to_string(i));
  RunOptions options;
  options.dry_run = true;
  EXPECT_TRUE(run(project(tables), parts(), options, hooks()));
  tables.emplace_back("more");
  EXPECT_EQ(run(project(tables), parts(), options, hooks()).error().message,
            "more than 256 flows in a project");
}

TEST_F(RunnerTest, OnlySoManyFlowsWorkAtOnce) {
  bench.create("lines", 1);
  put(20);
  RunOptions options;
  options.concurrent_flows_max = 1;
  RunHooks watched = hooks();
  std::atomic<int> working = 0;
  std::atomic<int> together = 0;
  watched.step = [&](std::string_view after) {
    if (after == "plan written" && ++working > 1) ++together;
    if (after == "plans dropped") --working;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));  // room for another to step in
    return PipelineResult<void>();
  };
  const auto result = run(project({"a", "b", "c", "d", "e"}), parts(), options, watched);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_TRUE(result->completed);
  EXPECT_EQ(together, 0);
}

TEST_F(RunnerTest, FullRefreshIsRefused) {
  RunOptions options;
  options.full_refresh = true;
  EXPECT_THAT(run(project({"a"}), parts(), options).error().message, HasSubstr("full refresh"));
}

}  // namespace
}  // namespace sluice::pipeline
