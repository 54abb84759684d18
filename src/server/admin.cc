#include "server/admin.h"

#include <boost/json.hpp>
#include <charconv>

#include "base/json_writer.h"

namespace sluice::server {
namespace {

namespace json = boost::json;

constexpr std::string_view kRuns = "/_sluice/api/pipelines/runs";

http::Response reply(int status, std::string_view content_type, std::string body) {
  http::Response response;
  response.status = status;
  response.headers.add("Content-Type", content_type);
  response.headers.add("Cache-Control", "no-store");
  response.body = std::move(body);
  return response;
}

http::Response json_reply(int status, std::string body) {
  return reply(status, "application/json", std::move(body));
}

http::Response refuse(int status, std::string_view message) {
  std::string body;
  base::JsonWriter(body).begin_object().field("message", message).end_object();
  return json_reply(status, std::move(body));
}

struct RunRequest {
  pipeline::ProjectFiles files;
  RunMode mode = RunMode::kOnce;
};

// The error says what is wrong with the body.
std::expected<RunRequest, std::string> read_run_request(const std::string& body) {
  boost::system::error_code error;
  const json::value value = json::parse(body, error);
  if (error || !value.is_object()) return std::unexpected("the body is no JSON object");
  RunRequest request;
  std::string mode = "once";
  for (const auto& [name, v] : value.as_object()) {
    if (name == "files" && v.is_object()) {
      for (const auto& [path, text] : v.as_object()) {
        if (!text.is_string()) return std::unexpected("files: each value must be the file's text");
        request.files.files[std::string(path)] = text.get_string();
      }
    } else if (name == "specPath" && v.is_string()) {
      request.files.spec_path = v.get_string();
    } else if (name == "spec" && v.is_string()) {
      request.files.spec = v.get_string();
    } else if (name == "mode" && v.is_string()) {
      mode = v.get_string();
    } else {
      return std::unexpected("unknown or mistyped member: " + std::string(name));
    }
  }
  if (mode == "continuous") {
    request.mode = RunMode::kContinuous;
  } else if (mode == "dry-run") {
    request.mode = RunMode::kDryRun;
  } else if (mode != "once") {
    return std::unexpected("mode must be once, continuous or dry-run");
  }
  return request;
}

std::uint64_t after_of(std::string_view query) {
  std::uint64_t after = 0;
  for (const auto& [name, value] : http::parse_query(query)) {
    if (name == "after")
      std::from_chars(value.data(), value.data() + value.size(),
                      after);  // no number: from the first
  }
  return after;
}

}  // namespace

void Admin::handle(http::Request&& request, http::Responder responder) {
  responder.send(answer(request));
}

http::Response Admin::answer(const http::Request& request) {
  const std::string_view path = request.path();
  if (path.starts_with(kRuns)) return answer_runs(request, path.substr(kRuns.size()));
  if (request.method != "GET") return refuse(405, "only GET is allowed here");
  if (path == "/_sluice/health") return json_reply(200, R"({"status":"ok"})");
  if (path == "/_localstack/health")
    return json_reply(
        200, R"({"services":{"kinesis":"running","apigateway":"running"},"edition":"sluice"})");
  if (path == "/_sluice/metrics")
    return reply(200, "text/plain; version=0.0.4; charset=utf-8", metrics_.expose());
  if (path == "/_sluice/api/pipelines") return json_reply(200, runs_.list_json());
  return refuse(404, "there is no such page");
}

http::Response Admin::answer_runs(const http::Request& request, std::string_view rest) {
  if (rest.empty() && request.method == "POST") {
    auto wanted = read_run_request(request.body);
    if (!wanted) return refuse(400, wanted.error());
    auto id = runs_.start(std::move(wanted->files), wanted->mode);
    if (!id) return refuse(409, id.error());
    std::string body;
    base::JsonWriter(body).begin_object().field("run", std::string_view(*id)).end_object();
    return json_reply(201, std::move(body));
  }
  if (!rest.starts_with('/')) return refuse(405, "POST starts a run");
  const std::string id(rest.substr(1));
  if (request.method == "DELETE")
    return runs_.request_stop(id) ? json_reply(202, "{}") : refuse(404, "there is no such run");
  if (request.method != "GET") return refuse(405, "only GET and DELETE are allowed here");
  auto status = runs_.status_json(id, after_of(request.query()));
  return status ? json_reply(200, std::move(*status)) : refuse(404, "there is no such run");
}

}  // namespace sluice::server
