// What tests of flows share: a table in a temporary folder, a fake stream of lines `number,text`, a
// query that keeps distinct lines, and the table's rows as an independent reader sees them.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <filesystem>
#include <functional>
#include <set>

#include "base/uuid.h"
#include "pipeline/fake_stream.h"
#include "pipeline/flow.h"

namespace sluice::pipeline {

using Rows = std::multiset<std::string>;

class FlowBench {
 public:
  FlowBench()
      : root_((std::filesystem::temp_directory_path() / ("sluice-flow-" + base::random_uuid()))
                  .string()),
        random_(7),
        clock_(1'700'000'000'000) {
    std::filesystem::create_directories(root_);
    stream = std::make_shared<FakeStream>();
    stream->shards["shardId-000000000000"];
    stream->shards["shardId-000000000001"];
  }
  ~FlowBench() {
    flow.reset();
    connections_.clear();
    database_.reset();
    std::filesystem::remove_all(root_);
  }
  FlowBench(const FlowBench&) = delete;
  FlowBench& operator=(const FlowBench&) = delete;

  FakeShard& shard(int i) { return stream->shards[fmt::format("shardId-{:012}", i)]; }
  std::string table_root() const { return root_ + "/table"; }

  // `count` lines over both shards, some of them twice, some of earlier calls.
  void put(int count) {
    for (int i = 0; i < count; ++i) {
      const std::string line =
          fmt::format("{},text {}", line_random_.below(1 + lines_ / 2 + 5), i % 3);
      shard(static_cast<int>(line_random_.below(2))).put(line);
      ++lines_;
    }
  }

  duck::Connection& engine() {
    if (!engine_) {
      duck::DatabaseOptions options;
      options.memory_limit_bytes = std::int64_t{256} << 20;
      options.allowed_directories = {root_};
      auto database = duck::Database::open(options);
      EXPECT_TRUE(database) << database.error().message;
      database_.emplace(*std::move(database));
      engine_ = &connect();
      EXPECT_TRUE(sparksql::register_functions(*engine_));
    }
    return *engine_;
  }
  // Each flow has its own.
  duck::Connection& connect() {
    auto connection = database_->connect();
    EXPECT_TRUE(connection);
    return connections_.emplace_back(*std::move(connection));
  }

  FlowDefinition definition() const {
    FlowDefinition out;
    out.name = name;
    out.table.properties = properties;
    out.table.root = table_root();
    out.table.name = "spark_catalog.default.lines";
    out.table.schema = schema();
    out.sql_hash = text_hash(with_distinct ? "distinct" : "all");
    out.lower = [distinct = with_distinct, schema = schema()](std::int64_t) {
      return PipelineResult<sparksql::FlowQuery>(query(distinct, schema));
    };
    return out;
  }

  PipelineResult<void> open() {
    flow.reset();
    FlowParts parts{*env, clock_, random_, (engine(), connect()), {}, hook};
    parts.sources.push_back(make_source ? make_source() : std::make_unique<FakeSource>(stream));
    auto opened = Flow::open(definition(), settings, std::move(parts));
    if (!opened) return std::unexpected(opened.error());
    flow = *std::move(opened);
    return {};
  }

  // Until nothing is left; the number of batches.
  PipelineResult<int> run() {
    if (!flow)
      if (auto ok = open(); !ok) return std::unexpected(ok.error());
    for (int batches = 0;; ++batches) {
      clock_.advance_ms(10);
      auto done = flow->step(std::nullopt);
      if (!done) {
        flow.reset();
        return std::unexpected(done.error());
      }
      if (!*done) return batches;
    }
  }

  // What the table must hold: computed from the stream's lines alone.
  Rows expected() const {
    const auto lines = stream->all();
    Rows out;
    if (!with_distinct) {
      for (const std::string& line : lines)
        out.insert(line + "!");
      return out;
    }
    for (const std::string& line : std::set<std::string>(lines.begin(), lines.end()))
      out.insert(line + "!");
    return out;
  }

  Rows rows() {
    Rows out;
    auto table = delta::Table::open(base::posix_env(), clock_, table_root());
    if (!table) return out;
    auto snapshot = table->refresh();
    EXPECT_TRUE(snapshot);
    auto scan = delta::scan_sql(table_root(), **snapshot);
    EXPECT_TRUE(scan);
    auto result = engine().query("SELECT k::VARCHAR || ',' || v FROM " + *scan);
    EXPECT_TRUE(result) << result.error().message;
    while (true) {
      auto chunk = result->next();
      if (!chunk || !*chunk) return out;
      for (std::uint64_t i = 0; i < (*chunk)->size(); ++i)
        out.insert(std::string((*chunk)->column(0).text(i)));
    }
  }

  static types::DataType schema() {
    return types::DataType::structure(
        {types::make_field("k", types::DataType::of(types::TypeKind::kInt)),
         types::make_field("v", types::DataType::of(types::TypeKind::kString))});
  }

  static sparksql::FlowQuery query(bool distinct, const types::DataType& schema) {
    sparksql::FlowQuery query;
    query.sources.emplace_back();
    query.sources[0].duckdb_relation = "__source0";
    const std::string parsed =
        "SELECT split_part(decode(data), ',', 1)::INTEGER AS k, split_part(decode(data), ',', 2) "
        "AS v FROM \"__source0\"";
    if (distinct) {
      query.distinct_input.emplace();
      query.distinct_input->duckdb_sql = parsed;
      query.distinct_input->schema = schema;
    }
    query.query.duckdb_sql =
        "SELECT k, v || '!' AS v FROM " + (distinct ? "\"__distinct0\"" : "(" + parsed + ")");
    query.query.schema = schema;
    return query;
  }

  base::ManualClock& clock() { return clock_; }

  std::string flow_folder() const {
    for (const auto& entry : std::filesystem::directory_iterator(table_root() + "/_sluice"))
      return entry.path().string();
    return "";
  }

  std::shared_ptr<FakeStream> stream;
  std::function<std::unique_ptr<Source>()> make_source;  // instead of the fake stream's
  FlowSettings settings;
  StepHook hook;
  base::Env* env = &base::posix_env();  // of the flow; DuckDB writes to the disk itself
  bool with_distinct = true;
  std::string name = "lines";
  std::map<std::string, std::string> properties;
  std::unique_ptr<Flow> flow;

 private:
  std::string root_;
  base::SeededRandom random_;
  base::SeededRandom line_random_{3};
  int lines_ = 0;
  base::ManualClock clock_;
  std::optional<duck::Database> database_;
  std::deque<duck::Connection> connections_;
  duck::Connection* engine_ = nullptr;
};

}  // namespace sluice::pipeline
