#include "cli/pipeline_client.h"

#include <fmt/format.h>

#include <boost/json.hpp>

namespace sluice::cli {

namespace json = boost::json;

Outcome<std::string> PipelineClient::start(const pipeline::ProjectFiles& files,
                                           std::string_view mode) {
  json::object sources;
  for (const auto& [path, text] : files.files)
    sources[path] = text;
  const json::object request{{"specPath", files.spec_path},
                             {"spec", files.spec},
                             {"files", std::move(sources)},
                             {"mode", mode}};
  auto reply = backend_.json("POST", "/_sluice/api/pipelines/runs", json::serialize(request));
  if (!reply) return std::unexpected(reply.error());
  return std::string(reply->at("run").as_string());
}

Outcome<json::object> PipelineClient::status(const std::string& run, std::uint64_t after) {
  auto reply =
      backend_.json("GET", fmt::format("/_sluice/api/pipelines/runs/{}?after={}", run, after), "");
  if (!reply) return std::unexpected(reply.error());
  return std::move(reply->as_object());
}

Outcome<void> PipelineClient::request_stop(const std::string& run) {
  auto reply = backend_.json("DELETE", "/_sluice/api/pipelines/runs/" + run, "");
  if (!reply) return std::unexpected(reply.error());
  return {};
}

Outcome<json::object> PipelineClient::list() {
  auto reply = backend_.json("GET", "/_sluice/api/pipelines", "");
  if (!reply) return std::unexpected(reply.error());
  return std::move(reply->as_object());
}

}  // namespace sluice::cli
