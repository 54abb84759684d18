#include "server/pipeline_runs.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/env.h"
#include "base/json_writer.h"
#include "base/log.h"
#include "base/random.h"
#include "base/uuid.h"
#include "pipeline/runner.h"
#include "pipeline/spec.h"

namespace sluice::server {
namespace {

constexpr base::Logger kLog{"pipelines"};
constexpr std::size_t kRunsMax = 64;  // kept, running ones included
// Each has a DuckDB and the state of its flows: this many at once keep the memory bounded.
constexpr std::ptrdiff_t kRunningMax = 8;
constexpr std::size_t kEventsMax = 10'000;  // of one run; older ones are forgotten

std::string_view mode_text(RunMode mode) {
  switch (mode) {
    case RunMode::kOnce:
      return "once";
    case RunMode::kContinuous:
      return "continuous";
    case RunMode::kDryRun:
      return "dry-run";
  }
  return "";
}

// The sample is a client's bytes: whatever is no printable ASCII is shown as \\xNN.
std::string printable(const std::string& bytes) {
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f) {
      text.push_back(c);
    } else {
      text += fmt::format("\\x{:02x}", byte);
    }
  }
  return text;
}

void write_flow(base::JsonWriter& json, const pipeline::FlowStatus& flow) {
  json.begin_object()
      .field("flow", std::string_view(flow.name))
      .field("table", std::string_view(flow.table));
  json.field("state", pipeline::to_string(flow.state))
      .field("batch", flow.batch)
      .field("batches", flow.batches);
  json.field("inputRecords", flow.input_records).field("rowsWritten", flow.rows_written);
  json.field("rowsTotal", std::max<std::int64_t>(0, flow.total_rows))
      .field("tableVersion", flow.table_version);
  json.field("files", flow.table_files).field("stateKeys", flow.state_keys);
  json.field("lagRecords", flow.lag_records).field("lagMs", flow.lag_ms);
  json.field("malformed", flow.malformed_records).field("retries", flow.retries);
  if (!flow.malformed_sample.empty())
    json.field("malformedSample", std::string_view(printable(flow.malformed_sample)));
  json.key("error");
  flow.last_error.empty() ? json.null() : json.value(std::string_view(flow.last_error));
  json.end_object();
}

}  // namespace

// One run. The runner's threads write status and events, anybody reads them.
class PipelineRuns::Run {
 public:
  Run(std::uint64_t number, std::string project, RunMode mode)
      : number_(number), project_(std::move(project)), mode_(mode) {}

  ~Run() {
    request_stop();
    if (waiter_.joinable()) waiter_.join();
  }

  // On a thread of its own: starting resolves the project, which may take a while.
  void begin(pipeline::ProjectFiles files, pipeline::RunnerParts parts,
             pipeline::RunOptions options) {
    waiter_ = std::thread([this, files = std::move(files), parts = std::move(parts), options] {
      run(files, parts, options);
    });
  }

  void request_stop() {
    const std::lock_guard lock(mutex_);
    stop_asked_ = true;
    if (runner_) runner_->stop();
  }

  bool running() const {
    const std::lock_guard lock(mutex_);
    return state_ == "RUNNING";
  }

  // It is under way and appends to the project's tables.
  bool writes(const std::string& project) const {
    return mode_ != RunMode::kDryRun && project_ == project && running();
  }

  std::uint64_t number() const { return number_; }

  void write(base::JsonWriter& json, const std::string& id, const std::uint64_t* after) const {
    const std::lock_guard lock(mutex_);
    json.begin_object()
        .field("run", std::string_view(id))
        .field("project", std::string_view(project_));
    json.field("mode", mode_text(mode_)).field("state", std::string_view(state_)).key("error");
    error_.empty() ? json.null() : json.value(std::string_view(error_));
    json.key("flows").begin_array();
    for (const auto& flow : runner_ ? runner_->status() : flows_)
      write_flow(json, flow);
    json.end_array();
    if (after != nullptr) write_events(json, *after);
    json.end_object();
  }

 private:
  struct Event {
    std::int64_t time_ms;
    std::string text;
  };

  void run(const pipeline::ProjectFiles& files, const pipeline::RunnerParts& parts,
           const pipeline::RunOptions& options) {
    pipeline::RunHooks hooks;
    hooks.log = [this](const std::string& line) { add_event(line); };
    auto started = pipeline::Runner::start(files, parts, options, hooks);
    if (!started) {
      kLog.warn("{}: {}", project_, started.error().message);
      return finish("FAILED", started.error().message, {});
    }
    pipeline::Runner* runner = started->get();
    {
      const std::lock_guard lock(mutex_);
      runner_ = std::move(*started);
      if (stop_asked_) runner_->stop();
    }
    pipeline::RunResult result = runner->wait();
    const bool stopped = std::ranges::any_of(
        result.flows, [](const auto& f) { return f.state == pipeline::FlowState::kStopped; });
    std::string error;
    for (const auto& flow : result.flows) {
      if (flow.state == pipeline::FlowState::kFailed)
        error += (error.empty() ? "" : "\n") + flow.name + ": " + flow.last_error;
    }
    if (!error.empty()) kLog.warn("{}: {}", project_, error);
    finish(!result.completed ? "FAILED"
           : stopped         ? "STOPPED"
                             : "COMPLETED",
           error, std::move(result.flows));
  }

  void finish(std::string state, std::string error, std::vector<pipeline::FlowStatus> flows) {
    std::unique_ptr<pipeline::Runner>
        ended;  // destroyed outside of the lock: its threads may be in add_event
    const std::lock_guard lock(mutex_);
    state_ = std::move(state);
    error_ = std::move(error);
    flows_ = std::move(flows);
    ended = std::move(runner_);
  }

  void add_event(const std::string& text) {
    const std::lock_guard lock(events_mutex_);
    events_.push_back({base::system_clock().now_ms(), text});
    ++events_count_;
    if (events_.size() > kEventsMax) events_.pop_front();
  }

  void write_events(base::JsonWriter& json, std::uint64_t after) const {
    const std::lock_guard lock(events_mutex_);
    const std::uint64_t first = events_count_ - events_.size();
    json.key("events").begin_array();
    for (std::uint64_t n = std::max(first, std::min(after, events_count_)); n < events_count_;
         ++n) {
      const Event& event = events_[n - first];
      json.begin_object()
          .field("timeMs", event.time_ms)
          .field("text", std::string_view(event.text))
          .end_object();
    }
    json.end_array().field("next", events_count_);
  }

  const std::uint64_t number_;
  const std::string project_;
  const RunMode mode_;
  mutable std::mutex mutex_;
  std::unique_ptr<pipeline::Runner> runner_;  // while it runs
  std::string state_ = "RUNNING";
  std::string error_;
  std::vector<pipeline::FlowStatus> flows_;  // once it has ended
  bool stop_asked_ = false;
  mutable std::mutex events_mutex_;
  std::deque<Event> events_;
  std::uint64_t events_count_ = 0;
  std::thread waiter_;
};

PipelineRuns::PipelineRuns(const Settings& settings, streams::Engine& streams, std::string data)
    : settings_(settings), streams_(streams), data_(std::move(data)) {}

PipelineRuns::~PipelineRuns() {
  stop();
}

std::expected<std::string, std::string> PipelineRuns::start(pipeline::ProjectFiles files,
                                                            RunMode mode) {
  pipeline::RunnerParts parts{.env = base::posix_env(),
                              .clock = base::system_clock(),
                              .random = base::system_random(),
                              .lake_root = base::join_path(data_, "lake"),
                              .sources = pipeline::local_sources(streams_, streams_)};
  pipeline::RunOptions options;
  options.mode = mode == RunMode::kContinuous ? pipeline::RunOptions::Mode::kContinuous
                                              : pipeline::RunOptions::Mode::kAvailableNow;
  options.dry_run = mode == RunMode::kDryRun;
  options.trigger_ms = settings_.pipelines_trigger().count();
  options.threads = static_cast<int>(settings_.pipelines_threads());
  options.flow.limits.records_max = static_cast<std::uint64_t>(settings_.pipelines_batch_records());
  options.flow.limits.bytes_max = static_cast<std::uint64_t>(settings_.pipelines_batch_bytes());
  options.flow.state_memory_bytes = static_cast<std::uint64_t>(settings_.state_memory());
  if (settings_.duckdb_memory() > 0) options.memory_limit_bytes = settings_.duckdb_memory();

  const std::lock_guard lock(mutex_);
  if (stopping_) return std::unexpected(std::string("the server is stopping"));
  for (const auto& [id, run] : runs_) {
    // Two runs of one project would only fence each other off.
    if (mode != RunMode::kDryRun && run->writes(files.spec_path))
      return std::unexpected(
          fmt::format("{}: run {} of this project is under way", files.spec_path, id));
  }
  const auto running =
      std::ranges::count_if(runs_, [](const auto& r) { return r.second->running(); });
  if (running >= kRunningMax)
    return std::unexpected(fmt::format("{} pipeline runs are under way; end one first", running));
  while (runs_.size() >= kRunsMax) {  // forget the oldest that has ended
    auto oldest = runs_.end();
    for (auto it = runs_.begin(); it != runs_.end(); ++it) {
      if (!it->second->running() &&
          (oldest == runs_.end() || it->second->number() < oldest->second->number()))
        oldest = it;
    }
    runs_.erase(oldest);  // there is one: fewer than all may run
  }
  const std::string id = base::random_uuid();
  auto run = std::make_shared<Run>(next_number_++, files.spec_path, mode);
  runs_[id] = run;
  run->begin(std::move(files), std::move(parts), options);
  return id;
}

std::optional<std::string> PipelineRuns::status_json(const std::string& id,
                                                     std::uint64_t after) const {
  std::shared_ptr<Run> run;
  {
    const std::lock_guard lock(mutex_);
    const auto found = runs_.find(id);
    if (found == runs_.end()) return std::nullopt;
    run = found->second;
  }
  std::string text;
  base::JsonWriter json(text);
  run->write(json, id, &after);
  return text;
}

std::string PipelineRuns::list_json() const {
  std::vector<std::pair<std::string, std::shared_ptr<Run>>> runs;
  {
    const std::lock_guard lock(mutex_);
    runs.assign(runs_.begin(), runs_.end());
  }
  std::ranges::sort(runs, std::greater<>(), [](const auto& r) { return r.second->number(); });
  std::string text;
  base::JsonWriter json(text);
  json.begin_object().key("runs").begin_array();
  for (const auto& [id, run] : runs)
    run->write(json, id, nullptr);
  json.end_array().end_object();
  return text;
}

bool PipelineRuns::request_stop(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto found = runs_.find(id);
  if (found == runs_.end()) return false;
  found->second->request_stop();
  return true;
}

std::expected<void, std::string> PipelineRuns::start_configured() {
  for (const std::string& folder : settings_.pipelines_projects()) {
    auto files = pipeline::load_project(folder, "");
    if (!files)
      return std::unexpected(
          fmt::format("pipelines.projects: {}: {}", folder, files.error().message));
    if (auto run = start(std::move(*files), RunMode::kContinuous); !run)
      return std::unexpected(run.error());
  }
  return {};
}

void PipelineRuns::stop() {
  std::map<std::string, std::shared_ptr<Run>> ending;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    ending = std::move(runs_);
    runs_.clear();
  }
  for (const auto& [id, run] : ending)
    run->request_stop();
  ending.clear();  // waits for each
}

}  // namespace sluice::server
