#include "pipeline/runner.h"

#include <fmt/core.h>
#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <semaphore>
#include <thread>

#include "base/log.h"
#include "pipeline/kinesis_source.h"
#include "pipeline/transform.h"

namespace sluice::pipeline {
namespace {

constexpr base::Logger kLog{"pipeline"};
constexpr std::int64_t kRetryWaitMaxMs = 60'000;
constexpr std::size_t kFlowsMax = 256;

// Pipelines take what loops and journal leave (design: threads). Threads made later inherit it.
void lower_priority() {
  const sched_param param{};
  (void)sched_setscheduler(0, SCHED_BATCH, &param);  // without it the run is only less polite
  (void)setpriority(PRIO_PROCESS, 0, 10);            // 0: this thread, on Linux
}

}  // namespace

std::string_view to_string(FlowState state) {
  switch (state) {
    case FlowState::kQueued:
      return "QUEUED";
    case FlowState::kStarting:
      return "STARTING";
    case FlowState::kRunning:
      return "RUNNING";
    case FlowState::kCompleted:
      return "COMPLETED";
    case FlowState::kFailed:
      return "FAILED";
    case FlowState::kStopped:
      return "STOPPED";
  }
  return "";
}

SourceFactory local_sources(const streams::StreamStore& store, const streams::ShardLog& log) {
  return [&store,
          &log](const sparksql::StreamSource& leaf) -> PipelineResult<std::unique_ptr<Source>> {
    auto options = kinesis_options(leaf.options);
    if (!options) return std::unexpected(options.error());
    return KinesisSource::open(store, log, *options);
  };
}

// What the flows' threads share with the Runner. Outlives both.
struct Runner::Shared {
  struct Worker {
    ResolvedFlow flow;
    FlowStatus status;                   // guarded by `mutex`
    duck::Connection* engine = nullptr;  // guarded by `mutex`; while a batch may be running
    std::thread thread;
  };

  Shared(RunnerParts made_of, RunOptions with, RunHooks calling)
      : parts(std::move(made_of)),
        options(with),
        hooks(std::move(calling)),
        slots(std::max(1, with.concurrent_flows_max)) {}

  void log(const std::string& line) const {
    kLog.info("{}", line);
    if (hooks.log) hooks.log(line);
  }

  // Changes the status under the lock and tells the hook a copy.
  template <class F>
  void update(Worker& worker, F&& change) {
    FlowStatus copy;
    {
      const std::lock_guard lock(mutex);
      change(worker.status);
      copy = worker.status;
    }
    if (hooks.progress) hooks.progress(copy);
  }

  void enter(Worker& worker, FlowState state) {
    update(worker, [state](FlowStatus& status) { status.state = state; });
    const std::string& name = worker.flow.name;
    if (state == FlowState::kCompleted)
      log(fmt::format("Flow {} has COMPLETED.", name));
    else if (state == FlowState::kFailed || state == FlowState::kStopped)
      log(fmt::format("Flow '{}' {} {}.", name, state == FlowState::kFailed ? "has" : "is",
                      to_string(state)));
    else
      log(fmt::format("Flow {} is {}.", name, to_string(state)));
  }

  // False: stop() was called.
  bool wait_ms(std::int64_t ms) {
    std::unique_lock lock(mutex);
    return !wake.wait_for(lock, std::chrono::milliseconds(std::max<std::int64_t>(ms, 0)),
                          [this] { return stopping.load(); });
  }

  PipelineResult<void> open_database();
  PipelineResult<duck::Connection> connect();
  PipelineResult<std::unique_ptr<Flow>> open_flow(Worker& worker, duck::Connection& engine);
  void run_flow(Worker& worker);
  PipelineResult<FlowState> run_until_error(Worker& worker, std::optional<Targets>& targets,
                                            std::int64_t& attempts);
  void report(Worker& worker, Flow& flow, const BatchResult* batch);
  void compact(Worker& worker, Flow& flow, duck::Connection& engine, bool idle,
               std::int64_t& last_ns);
  bool after_error(Worker& worker, const base::Failure<PipelineError>& error,
                   std::int64_t& attempts);

  RunnerParts parts;
  const RunOptions options;
  const RunHooks hooks;
  std::optional<duck::Database> database;
  std::vector<std::unique_ptr<Worker>> workers;
  std::counting_semaphore<> slots;  // batches at a time
  std::atomic<bool> stopping = false;
  std::mutex join_mutex;  // taken before `mutex`
  mutable std::mutex mutex;
  std::condition_variable wake;
};

PipelineResult<void> Runner::Shared::open_database() {
  const int cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  duck::DatabaseOptions with;
  with.memory_limit_bytes = options.memory_limit_bytes;
  with.threads = options.threads > 0 ? options.threads : cores;
  with.allowed_directories = {parts.lake_root};
  if (auto ok = parts.env.make_dirs(parts.lake_root); !ok)
    return base::fail(PipelineError::kRetry, ok.error().message);
  PipelineResult<void> result;
  // On a thread of low priority: DuckDB's own threads inherit it.
  std::thread opener([&] {
    lower_priority();
    auto opened = duck::Database::open(with);
    if (!opened) {
      result = engine_failure(opened.error());
      return;
    }
    database.emplace(*std::move(opened));
    auto connection = database->connect();
    auto ok = connection ? sparksql::register_functions(*connection)
                         : duck::DuckResult<void>(std::unexpected(connection.error()));
    if (!ok) result = engine_failure(ok.error());
  });
  opener.join();
  return result;
}

PipelineResult<duck::Connection> Runner::Shared::connect() {
  auto connection = database->connect();
  if (!connection) return engine_failure(connection.error());
  return *std::move(connection);
}

PipelineResult<std::unique_ptr<Flow>> Runner::Shared::open_flow(Worker& worker,
                                                                duck::Connection& engine) {
  FlowParts made_of{parts.env, parts.clock, parts.random, engine, {}, hooks.step};
  for (const sparksql::StreamSource& leaf : worker.flow.sources) {
    auto source = parts.sources(leaf);
    if (!source) return std::unexpected(source.error());
    made_of.sources.push_back(*std::move(source));
  }
  return Flow::open(worker.flow.definition, options.flow, std::move(made_of));
}

void Runner::Shared::report(Worker& worker, Flow& flow, const BatchResult* batch) {
  const auto lag = flow.lag();
  const std::int64_t now = parts.clock.now_ms();
  update(worker, [&](FlowStatus& status) {
    status.batch = flow.batch();
    status.total_rows = flow.sink().total_rows();
    status.table_version = flow.sink().snapshot().version();
    status.table_files = flow.sink().snapshot().files.size();
    status.state_keys = flow.state_keys();
    if (batch != nullptr) {
      ++status.batches;
      status.input_records += batch->input_records;
      status.rows_written +=
          static_cast<std::uint64_t>(std::max<std::int64_t>(batch->rows_written, 0));
      status.last_error.clear();
      status.malformed_records += batch->malformed_records;
      if (batch->malformed_records > 0) status.malformed_sample = batch->malformed_sample;
    }
    if (!lag) return;
    status.lag_records = lag->records;
    if (lag->records == 0)
      status.lag_ms = 0;
    else if (batch != nullptr && batch->newest_arrival_ms > 0)
      status.lag_ms = std::max<std::int64_t>(0, now - batch->newest_arrival_ms);
  });
}

// Small files are merged when the flow has nothing else to do; one that never idles is given a
// merge once in a while.
void Runner::Shared::compact(Worker& worker, Flow& flow, duck::Connection& engine, bool idle,
                             std::int64_t& last_ns) {
  const std::int64_t now_ns = parts.clock.monotonic_ns();
  if (!flow.sink().wants_compaction()) return;
  if (!idle && now_ns - last_ns < options.compaction_interval_ms * 1'000'000) return;
  last_ns = now_ns;
  if (auto done = flow.sink().compact(engine); !done)
    kLog.warn("{}: merging of small files: {}", worker.flow.name, done.error().message);
}

// Opens the flow and runs batches until it is done, or the first error.
PipelineResult<FlowState> Runner::Shared::run_until_error(Worker& worker,
                                                          std::optional<Targets>& targets,
                                                          std::int64_t& attempts) {
  auto engine = connect();
  if (!engine) return std::unexpected(engine.error());
  struct Interruptible {  // stop() may interrupt the engine while this lives
    Shared& shared;
    Worker& worker;
    ~Interruptible() {
      const std::lock_guard lock(shared.mutex);
      worker.engine = nullptr;
    }
  };
  {
    const std::lock_guard lock(mutex);
    worker.engine = &*engine;
  }
  const Interruptible guard{*this, worker};
  auto flow = open_flow(worker, *engine);
  if (!flow) return std::unexpected(flow.error());
  const bool once = options.mode == RunOptions::Mode::kAvailableNow;
  if (once && !targets) {
    auto ends = (*flow)->ends();
    if (!ends) return std::unexpected(ends.error());
    targets = *std::move(ends);
  }
  if (worker.status.state != FlowState::kRunning) enter(worker, FlowState::kRunning);
  report(worker, **flow, nullptr);
  std::int64_t compacted_ns = parts.clock.monotonic_ns();
  while (!stopping) {
    const std::int64_t began_ns = parts.clock.monotonic_ns();
    slots.acquire();
    auto batch = (*flow)->step(targets);
    if (batch) compact(worker, **flow, *engine, !*batch, compacted_ns);
    slots.release();
    if (!batch) return std::unexpected(batch.error());
    attempts = 0;
    report(worker, **flow, *batch ? &**batch : nullptr);
    if (!*batch && once) return FlowState::kCompleted;
    if (once) continue;
    const std::int64_t spent_ms = (parts.clock.monotonic_ns() - began_ns) / 1'000'000;
    if (!wait_ms(options.trigger_ms - spent_ms)) break;
  }
  return FlowState::kStopped;
}

// True: try again.
bool Runner::Shared::after_error(Worker& worker, const base::Failure<PipelineError>& error,
                                 std::int64_t& attempts) {
  if (stopping) {
    enter(worker, FlowState::kStopped);
    return false;
  }
  ++attempts;
  update(worker, [&](FlowStatus& status) {
    status.last_error = error.message;
    ++status.retries;
  });
  log(fmt::format("Flow '{}': {}", worker.flow.name, error.message));
  const bool once = options.mode == RunOptions::Mode::kAvailableNow;
  if (error.code != PipelineError::kRetry || (once && attempts > options.retries_max)) {
    if (error.code == PipelineError::kRetry)
      log(fmt::format("Flow '{}' has FAILED more than {} times and will not be restarted.",
                      worker.flow.name, options.retries_max));
    enter(worker, FlowState::kFailed);
    return false;
  }
  const std::int64_t doubled = options.retry_wait_ms << std::min<std::int64_t>(attempts - 1, 10);
  if (wait_ms(std::min(doubled, std::max(kRetryWaitMaxMs, options.retry_wait_ms)))) return true;
  enter(worker, FlowState::kStopped);
  return false;
}

void Runner::Shared::run_flow(Worker& worker) {
  lower_priority();
  enter(worker, FlowState::kStarting);
  std::optional<Targets> targets;
  std::int64_t attempts = 0;
  while (true) {
    auto ended = run_until_error(worker, targets, attempts);
    if (ended) return enter(worker, *ended);
    if (!after_error(worker, ended.error(), attempts)) return;
  }
}

PipelineResult<std::unique_ptr<Runner>> Runner::start(const ProjectFiles& files, RunnerParts parts,
                                                      RunOptions options, RunHooks hooks) {
  if (options.full_refresh)
    return base::fail(PipelineError::kInvalidProject,
                      "[UNSUPPORTED_BY_SLUICE] a full refresh is not there yet");
  auto shared = std::make_shared<Shared>(std::move(parts), options, std::move(hooks));
  shared->log("Creating dataflow graph...");
  shared->log("Registering graph elements...");
  auto graph = Graph::make(files);
  if (!graph) return std::unexpected(graph.error());
  for (const std::string& path : graph->registered_files())
    shared->log(fmt::format("Registering SQL file {}...", path));
  shared->log("Starting run...");
  auto flows = resolve(std::make_shared<const Graph>(*std::move(graph)),
                       std::make_shared<const Lake>(shared->parts.env, shared->parts.clock,
                                                    shared->parts.lake_root));
  if (!flows) return std::unexpected(flows.error());
  if (flows->size() > kFlowsMax)
    return base::fail(PipelineError::kInvalidProject,
                      fmt::format("more than {} flows in a project", kFlowsMax));
  std::unique_ptr<Runner> runner(new Runner(shared));
  if (options.dry_run) return runner;
  if (auto ok = shared->open_database(); !ok) return std::unexpected(ok.error());
  for (ResolvedFlow& flow : *flows) {
    auto worker = std::make_unique<Shared::Worker>();
    worker->status.name = flow.name;
    worker->status.table = flow.definition.table.name;
    worker->flow = std::move(flow);
    shared->workers.push_back(std::move(worker));
  }
  for (auto& worker : shared->workers)
    shared->enter(*worker, FlowState::kQueued);
  for (auto& worker : shared->workers)
    worker->thread = std::thread([shared, at = worker.get()] { shared->run_flow(*at); });
  return runner;
}

Runner::~Runner() {
  stop();
  (void)wait();
}

void Runner::stop() {
  const std::lock_guard lock(shared_->mutex);
  shared_->stopping = true;
  shared_->wake.notify_all();
  for (const auto& worker : shared_->workers)
    if (worker->engine != nullptr) worker->engine->interrupt();
}

RunResult Runner::wait() {
  const std::lock_guard joining(shared_->join_mutex);
  RunResult result;
  result.completed = true;
  bool waited = false;
  for (const auto& worker : shared_->workers) {
    if (!worker->thread.joinable()) continue;
    worker->thread.join();
    waited = true;
  }
  result.flows = status();
  for (const FlowStatus& flow : result.flows)
    if (flow.state == FlowState::kFailed) result.completed = false;
  if (result.completed && (waited || shared_->workers.empty()) && !shared_->stopping)
    shared_->log("Run is COMPLETED.");
  return result;
}

std::vector<FlowStatus> Runner::status() const {
  const std::lock_guard lock(shared_->mutex);
  std::vector<FlowStatus> out;
  out.reserve(shared_->workers.size());
  for (const auto& worker : shared_->workers)
    out.push_back(worker->status);
  return out;
}

PipelineResult<RunResult> run(const ProjectFiles& files, RunnerParts parts, RunOptions options,
                              RunHooks hooks) {
  auto runner = Runner::start(files, std::move(parts), options, std::move(hooks));
  if (!runner) return std::unexpected(runner.error());
  return (*runner)->wait();
}

}  // namespace sluice::pipeline
