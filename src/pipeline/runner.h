// Runs a project: its flows side by side, each on a thread of its own, until they have caught up
// (available now) or until stop(). What the server and the command line start; one Runner is one
// update of one project. Thread-safe.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/env.h"
#include "base/random.h"
#include "pipeline/flow.h"
#include "pipeline/graph.h"
#include "pipeline/lake.h"
#include "pipeline/pipeline.h"
#include "streams/streams.h"

namespace sluice::pipeline {

enum class FlowState {
  kQueued,
  kStarting,
  kRunning,
  kCompleted,  // caught up with the ends of its start
  kFailed,     // must not or could not go on; last_error says why
  kStopped,    // by stop()
};
std::string_view to_string(FlowState state);  // QUEUED …

struct FlowStatus {
  std::string name;   // spark_catalog.default.t
  std::string table;  // likewise
  FlowState state = FlowState::kQueued;
  std::int64_t batch = -1;          // newest in the table
  std::uint64_t batches = 0;        // of this run
  std::uint64_t input_records = 0;  // of this run
  std::uint64_t rows_written = 0;   // of this run
  std::int64_t total_rows = -1;     // in the table; −1: not known
  std::int64_t table_version = -1;
  std::uint64_t table_files = 0;
  std::uint64_t state_keys = 0;
  std::uint64_t lag_records = 0;  // durable and not in the table
  std::int64_t lag_ms = 0;        // age of the oldest thing not in the table, about; 0: caught up
  // Records whose data is no JSON, of a query that parses JSON; of this run. The sample is the
  // beginning of one, bytes as they came.
  std::uint64_t malformed_records = 0;
  std::string malformed_sample;
  std::uint64_t retries = 0;
  std::string last_error;
};

// Makes the Source of one streaming leaf. Called by the flow's thread at each open.
using SourceFactory =
    std::function<PipelineResult<std::unique_ptr<Source>>(const sparksql::StreamSource& leaf)>;
// Streams of this machine's engine. kInvalidProject: options that read_kinesis does not know.
SourceFactory local_sources(const streams::StreamStore& store, const streams::ShardLog& log);

struct RunnerParts {
  base::Env& env;
  base::Clock& clock;
  base::Random& random;
  std::string lake_root;  // <data>/lake
  SourceFactory sources;
};

struct RunOptions {
  enum class Mode { kAvailableNow, kContinuous };
  Mode mode = Mode::kAvailableNow;
  bool dry_run = false;       // resolves everything, touches no data
  bool full_refresh = false;  // not there yet: refused
  std::int64_t trigger_ms = 1000;
  std::int64_t compaction_interval_ms = 60'000;  // while a continuous flow never idles
  FlowSettings flow;
  std::int64_t memory_limit_bytes = std::int64_t{1} << 30;  // DuckDB's, of the whole run
  int threads = 0;                                          // 0: one for each core
  int concurrent_flows_max = 16;
  int retries_max = 2;                // available now: then FAILED; continuous retries for ever
  std::int64_t retry_wait_ms = 5000;  // doubles up to a minute
};

// Called on the flows' threads: be quick. Any may be empty.
struct RunHooks {
  std::function<void(const FlowStatus&)> progress;
  std::function<void(const std::string& line)> log;  // Spark's words, without a time
  StepHook step;                                     // for tests
};

struct RunResult {
  bool completed = false;  // no flow failed
  std::vector<FlowStatus> flows;
};

class Runner {
 public:
  // Parses, checks and resolves the project, then starts its flows. kInvalidProject: Spark's words.
  static PipelineResult<std::unique_ptr<Runner>> start(const ProjectFiles& files, RunnerParts parts,
                                                       RunOptions options, RunHooks hooks = {});
  ~Runner();  // stop() and wait()
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  // Flows end at once; a batch that was under way is taken up by the next run.
  void stop();
  RunResult wait();
  std::vector<FlowStatus> status() const;

 private:
  struct Shared;
  explicit Runner(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
  std::shared_ptr<Shared> shared_;  // shared with the flows' threads
};

// start() and wait().
PipelineResult<RunResult> run(const ProjectFiles& files, RunnerParts parts, RunOptions options,
                              RunHooks hooks = {});

// One flow, resolved: names, types and tables are known.
struct ResolvedFlow {
  std::string name;
  FlowDefinition definition;
  std::vector<sparksql::StreamSource> sources;
};

// Every flow of the graph; errors of all flows together, in Spark's words. `lake` and `graph` are
// kept by the flows' queries.
PipelineResult<std::vector<ResolvedFlow>> resolve(const std::shared_ptr<const Graph>& graph,
                                                  const std::shared_ptr<const Lake>& lake);

}  // namespace sluice::pipeline
