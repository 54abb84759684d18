// The pipelines API of a server (or the engine in process) as commands use it.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "cli/backend.h"
#include "pipeline/pipeline.h"

namespace sluice::cli {

class PipelineClient {
 public:
  explicit PipelineClient(Backend& backend) : backend_(backend) {}

  // `mode`: once, continuous, dry-run. The run's id.
  Outcome<std::string> start(const pipeline::ProjectFiles& files, std::string_view mode);
  // The run with its events from number `after` on.
  Outcome<boost::json::object> status(const std::string& run, std::uint64_t after);
  Outcome<void> request_stop(const std::string& run);
  // Every run, newest first.
  Outcome<boost::json::object> list();

 private:
  Backend& backend_;
};

}  // namespace sluice::cli
