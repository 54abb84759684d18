// One flow: one query into one table, batch after batch, exactly once. The protocol is the design
// page's "exactly once", step by step; the failure table there is this file's contract. A Flow that
// returned an error is spent: throw it away and open it again, which is what a crash does. One
// thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/env.h"
#include "base/random.h"
#include "duck/duck.h"
#include "pipeline/batch_planner.h"
#include "pipeline/dedup_state.h"
#include "pipeline/delta_sink.h"
#include "pipeline/flow_store.h"
#include "sparksql/sparksql.h"

namespace sluice::pipeline {

// What a flow is, as the project says.
struct FlowDefinition {
  std::string name;  // of one part; unique within the table
  TableDefinition table;
  std::string sql_hash;  // of every statement that the flow is made of
  // The query for a batch whose now() is `batch_time_ms`. Called once to open and once a batch:
  // what is static in it (stored tables) is of that moment.
  std::function<PipelineResult<sparksql::FlowQuery>(std::int64_t batch_time_ms)> lower;
};

struct FlowSettings {
  BatchLimits limits;
  std::uint64_t state_memory_bytes = std::uint64_t{460} << 20;
  bool take_lock = true;  // the lock saves work; exactly-once does not need it
};

// Called between any two steps, with the step's name. A test's hook ends the process there, or
// returns an error, upon which the flow is thrown away as in a crash.
using StepHook = std::function<PipelineResult<void>(std::string_view after)>;

// In the order in which a batch passes them.
inline constexpr std::string_view kSteps[] = {"table made",    "flow.json written", "plan written",
                                              "records read",  "rows computed",     "files written",
                                              "state written", "committed",         "head written",
                                              "state merged",  "plans dropped"};

struct FlowParts {
  base::Env& env;
  base::Clock& clock;
  base::Random& random;
  duck::Connection& engine;                      // this flow's own
  std::vector<std::unique_ptr<Source>> sources;  // as the query's sources, in order
  StepHook hook;                                 // may be empty
};

struct BatchResult {
  std::int64_t batch = -1;
  std::uint64_t input_records = 0;
  std::int64_t rows_written = 0;
  std::int64_t newest_arrival_ms = 0;  // of the records read
  std::uint64_t malformed_records = 0;
  std::string malformed_sample;  // bytes as they came
};

struct Lag {
  std::uint64_t records = 0;  // durable and not read; an upper bound: numbering has holes
  std::int64_t newest_arrival_ms = 0;
};

class Flow {
 public:
  static PipelineResult<std::unique_ptr<Flow>> open(FlowDefinition definition,
                                                    FlowSettings settings, FlowParts parts);

  // One batch. nullopt: nothing to read below `targets` (absent: the durable ends of now).
  PipelineResult<std::optional<BatchResult>> step(const std::optional<Targets>& targets);

  // The durable ends of now.
  PipelineResult<Targets> ends() const { return current_ends(source_pointers()); }
  PipelineResult<Lag> lag() const;
  std::int64_t batch() const { return batch_; }  // newest committed; −1: none
  std::uint64_t state_keys() const { return state_ ? state_->keys() : 0; }
  const std::string& id() const { return id_; }
  DeltaSink& sink() { return *sink_; }

 private:
  Flow(FlowDefinition definition, FlowSettings settings, FlowParts parts)
      : definition_(std::move(definition)), settings_(settings), parts_(std::move(parts)) {}

  // ---- open (flow_open.cc)
  PipelineResult<void> open_table();
  PipelineResult<void> open_file();
  PipelineResult<FlowFile> first_file();
  PipelineResult<FlowFile> restored_file();
  PipelineResult<FlowStream> stream_start(const Source& source) const;
  PipelineResult<void> check_streams();
  void restore_positions();
  PipelineResult<void> open_state(const sparksql::FlowQuery& query);
  PipelineResult<bool> load_from_head();
  PipelineResult<bool> load_from_log();
  PipelineResult<void> rebuild_state(const sparksql::FlowQuery& query);

  // ---- one batch
  PipelineResult<std::optional<Plan>> take_plan(const sparksql::FlowQuery& query,
                                                const std::optional<Targets>& targets);
  PipelineResult<std::optional<Plan>> new_plan(const std::optional<Targets>& targets);
  bool positions_in_table() const;
  PipelineResult<void> check_plan(const Plan& plan) const;
  PipelineResult<void> read_into(const std::vector<PlannedStream>& streams,
                                 const sparksql::FlowQuery& query, class Transform& transform,
                                 BatchResult* result) const;
  PipelineResult<void> finish(const CommitRecord& record);
  PipelineResult<void> passed(std::string_view step) const;
  PipelineResult<void> remember_idle(const std::vector<PlannedStream>& streams);

  std::vector<const Source*> source_pointers() const;

  FlowDefinition definition_;
  FlowSettings settings_;
  FlowParts parts_;
  std::optional<DeltaSink> sink_;
  std::optional<FlowStore> store_;
  std::unique_ptr<base::FileLock> lock_;
  std::optional<DedupState> state_;  // absent: no DISTINCT
  FlowFile file_;
  std::string id_;
  std::string app_id_;
  std::int64_t batch_ = -1;
  std::int64_t batch_time_ms_ = 0;  // of `batch_`
  Positions positions_;             // the table's, and past holes without records
};

}  // namespace sluice::pipeline
