// /_sluice/…: health, metrics, and the pipelines API that the CLI and the console use.
//   GET    /_sluice/health                     {"status":"ok"}
//   GET    /_sluice/metrics                    Prometheus' text
//   GET    /_sluice/api/pipelines              every run, newest first
//   POST   /_sluice/api/pipelines/runs         a project's files → {"run":"…"}
//   GET    /_sluice/api/pipelines/runs/{id}    state, flows, events after ?after=N
//   DELETE /_sluice/api/pipelines/runs/{id}    asks the run to stop
#pragma once

#include "base/metrics.h"
#include "http/http.h"
#include "server/pipeline_runs.h"

namespace sluice::server {

class Admin final : public http::Handler {
 public:
  Admin(base::MetricsRegistry& metrics, PipelineRuns& runs) : metrics_(metrics), runs_(runs) {}
  void handle(http::Request&& request, http::Responder responder) override;

 private:
  http::Response answer(const http::Request& request);
  http::Response answer_runs(const http::Request& request, std::string_view path);

  base::MetricsRegistry& metrics_;
  PipelineRuns& runs_;
};

}  // namespace sluice::server
