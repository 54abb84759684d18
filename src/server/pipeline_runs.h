// The pipeline runs of a server: each has its own thread and a bounded list of events that clients
// read by number. Runs of the projects that the settings name begin with the server and go on until
// it stops.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "pipeline/pipeline.h"
#include "server/settings.h"
#include "streams/engine.h"

namespace sluice::server {

enum class RunMode { kOnce, kContinuous, kDryRun };

class PipelineRuns {
 public:
  // `data`: the data folder. Settings and streams outlive the runs.
  PipelineRuns(const Settings& settings, streams::Engine& streams, std::string data);
  ~PipelineRuns();

  // The run's id. The error: the project runs already, or too many runs are under way.
  std::expected<std::string, std::string> start(pipeline::ProjectFiles files, RunMode mode);
  // {"run","project","mode","state","error","flows":[…],"events":[…],"next":N} with the events from
  // number `after` on.
  std::optional<std::string> status_json(const std::string& id, std::uint64_t after) const;
  // Every run without events, newest first: {"runs":[…]}.
  std::string list_json() const;
  // Asks it to end after its batch; false: no such run.
  bool request_stop(const std::string& id);

  // Starts the projects of pipelines.projects. The error names the project.
  std::expected<void, std::string> start_configured();
  // Asks all runs to end and waits for them. Idempotent.
  void stop();

 private:
  class Run;

  const Settings& settings_;
  streams::Engine& streams_;
  const std::string data_;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Run>> runs_;  // shared with readers of a status
  std::uint64_t next_number_ = 0;
  bool stopping_ = false;
};

}  // namespace sluice::server
