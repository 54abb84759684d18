#include "server/front.h"

#include <fmt/format.h>

#include <utility>

#include "aws/json_protocol.h"
#include "aws/sigv4.h"
#include "base/json_writer.h"

namespace sluice::server {
namespace {

constexpr std::string_view kKinesisTarget = "Kinesis_20131202";

http::Response to_http(aws::ServiceResponse&& from) {
  http::Response response;
  response.status = from.status;
  for (const auto& [name, value] : from.headers)
    response.headers.add(name, value);
  if (!from.content_type.empty()) response.headers.set("Content-Type", from.content_type);
  response.body = std::move(from.body);
  return response;
}

// At the root, where nobody else is, and no person with a browser: answered in Kinesis' words,
// which clients understand.
bool is_bare_aws_call(const http::Request& request) {
  if (request.path() != "/") return false;
  const auto scope = aws::read_scope(request.headers.get("authorization"), request.query());
  if (scope) return scope->service == "kinesis";
  return request.method != "GET" || request.headers.find("authorization") ||
         request.query().find("X-Amz-") != std::string_view::npos;
}

// `service`: of the request's signature; empty: it has none.
http::Response not_found(std::string_view service) {
  http::Response response;
  response.status = 404;
  response.headers.add("Content-Type", "application/json");
  if (service.empty()) {
    response.body =
        R"({"message":"Nothing is served here: neither an AWS action (X-Amz-Target or a signature), nor a stage of an API, nor /_sluice."})";
    return response;
  }
  base::JsonWriter(response.body)
      .begin_object()
      .field("__type", "UnknownOperationException")
      .field("message",
             fmt::format("This server speaks kinesis and apigateway; the request is signed for {}.",
                         service))
      .end_object();
  return response;
}

base::Counter& counter(base::MetricsRegistry& metrics, std::string_view kind) {
  return metrics.counter("sluice_server_requests_total", "Requests by what they were for.",
                         "kind=\"" + std::string(kind) + "\"");
}

}  // namespace

Front::Front(Rooms rooms, base::MetricsRegistry& metrics)
    : rooms_(std::move(rooms)),
      admin_requests_(counter(metrics, "admin")),
      invoke_requests_(counter(metrics, "invoke")),
      service_requests_(counter(metrics, "service")),
      unknown_requests_(counter(metrics, "unknown")) {}

bool Front::let_in(const http::Request& request, http::PathClass path,
                   http::Responder& responder) const {
  auto refusal = rooms_.guard.check(request, path);
  if (refusal) responder.send(std::move(*refusal));
  return !refusal;
}

// The order is the security page's: admin, execute-api hosts and paths, signature scope, target
// header, API Gateway's REST paths, stages of the default API.
void Front::handle(http::Request&& request, http::Responder responder) {
  const std::string_view path = request.path();
  if (path.starts_with("/_sluice/") || path == "/_localstack/health") {
    admin_requests_.add();
    const auto kind =
        path.starts_with("/_sluice/api/") ? http::PathClass::kConsoleApi : http::PathClass::kAdmin;
    if (let_in(request, kind, responder))
      rooms_.admin.handle(std::move(request), std::move(responder));
    return;
  }
  if (auto target = gateway::Gateway::resolve(request.headers.get("host"), request.target)) {
    invoke_requests_.add();
    if (let_in(request, http::PathClass::kUserApi, responder))
      rooms_.gateway.invoke(*target, std::move(request), std::move(responder));
    return;
  }
  if (names_service(request, "kinesis", kKinesisTarget)) {
    service_requests_.add();
    if (let_in(request, http::PathClass::kAws, responder))
      call_kinesis(std::move(request), std::move(responder));
    return;
  }
  if (names_service(request, "apigateway", "BackplaneControlService") ||
      gateway::Gateway::is_control_path(path)) {
    service_requests_.add();
    if (let_in(request, http::PathClass::kAws, responder))
      rooms_.gateway.control_plane().handle(std::move(request), std::move(responder));
    return;
  }
  if (auto target = rooms_.gateway.resolve_default(rooms_.default_api, request.target)) {
    invoke_requests_.add();
    if (let_in(request, http::PathClass::kUserApi, responder))
      rooms_.gateway.invoke(*target, std::move(request), std::move(responder));
    return;
  }
  if (is_bare_aws_call(request)) {
    service_requests_.add();
    // Not kAws: without a target there is nothing that a page's form could do.
    if (let_in(request, http::PathClass::kAdmin, responder))
      call_kinesis(std::move(request), std::move(responder));
    return;
  }
  unknown_requests_.add();
  if (let_in(request, http::PathClass::kAws, responder)) {
    const auto scope = aws::read_scope(request.headers.get("authorization"), request.query());
    responder.send(not_found(scope ? scope->service : ""));
  }
}

bool Front::names_service(const http::Request& request, std::string_view service,
                          std::string_view target_prefix) const {
  if (const auto scope = aws::read_scope(request.headers.get("authorization"), request.query()))
    return scope->service == service;
  const auto target = aws::parse_target(request.headers.get("x-amz-target"));
  return target && target->service == target_prefix;
}

void Front::call_kinesis(http::Request&& request, http::Responder responder) {
  const std::string request_id = aws::new_request_id();
  if (request.method != "POST") {
    auto refused = aws::xml_error(403, "AccessDeniedException",
                                  "Unable to determine service/operation name to be authorized");
    aws::add_request_id_headers(refused, request_id);
    responder.send(to_http(std::move(refused)));
    return;
  }
  const std::string_view header = request.headers.get("x-amz-target");
  const auto target = aws::parse_target(header);
  aws::ServiceRequest call;
  call.service = "kinesis";
  if (target) call.action = target->service == kKinesisTarget ? target->action : header;
  call.content_type = aws::media_type(request.headers.get("content-type"));
  call.caller =
      aws::caller_of(aws::read_scope(request.headers.get("authorization"), request.query()));
  call.request_id = request_id;
  call.invocation_id = std::string(request.headers.get("amz-sdk-invocation-id"));
  call.body = std::move(request.body);
  // shared_ptr: a std::function must be copyable; the one answer finds the one responder.
  auto reply_to = std::make_shared<http::Responder>(std::move(responder));
  rooms_.kinesis.call(std::move(call), [reply_to](aws::ServiceResponse response) {
    reply_to->send(to_http(std::move(response)));
  });
}

}  // namespace sluice::server
