#include "server/front.h"

#include <fmt/format.h>

#include <utility>

#include "aws/json_protocol.h"
#include "aws/sigv4.h"
#include "base/json_writer.h"

namespace sluice::server {
namespace {

constexpr std::string_view kKinesisTarget = "Kinesis_20131202";

// The headers by which AWS lets web pages read its answer; empty: no page asks.
http::Headers cors_headers(const http::Request& request) {
  http::Headers headers;
  if (!request.headers.find("origin")) return headers;
  headers.add("Access-Control-Allow-Origin", "*");
  if (request.method != "OPTIONS") {
    headers.add("Access-Control-Expose-Headers",
                "x-amzn-RequestId,x-amzn-ErrorType,x-amz-request-id,x-amz-id-2,x-amzn-ErrorMessage,"
                "Date");
    return headers;
  }
  if (const auto wanted = request.headers.find("access-control-request-headers"))
    headers.add("Access-Control-Allow-Headers", *wanted);
  if (const auto wanted = request.headers.find("access-control-request-method"))
    headers.add("Access-Control-Allow-Methods", *wanted);
  headers.add("Access-Control-Max-Age", "172800");
  return headers;
}

http::Response to_http(aws::ServiceResponse&& from, const http::Headers& cors) {
  http::Response response;
  response.status = from.status;
  for (const auto& [name, value] : cors.items())
    response.headers.add(name, value);
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

// As API Gateway's control plane says it.
http::Response rest_error(int status, const aws::Refusal& refusal) {
  http::Response response;
  response.status = status;
  response.headers.add("Content-Type", "application/json");
  response.headers.add("x-amzn-RequestId", aws::new_request_id());
  response.headers.add("x-amzn-ErrorType", refusal.type);
  base::JsonWriter(response.body)
      .begin_object()
      .field("message", std::string_view(refusal.message))
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

std::optional<aws::Refusal> Front::check_signature(const http::Request& request,
                                                   std::string_view service) const {
  const auto header = [&](std::string_view name) { return request.headers.get(name); };
  return rooms_.authenticator.check(service, header, request.query(), [&] {
    aws::SignedRequest whole{request.method, request.path(), request.query(), {}, request.body};
    for (const auto& [name, value] : request.headers.items())
      whole.headers.emplace_back(name, value);
    return whole;
  });
}

bool Front::let_in(const http::Request& request, http::PathClass path, http::Responder& responder,
                   bool trusted) const {
  auto refusal = rooms_.guard.check(request, path, trusted);
  if (refusal) responder.send(std::move(*refusal));
  return !refusal;
}

// The order is the security page's: admin, execute-api hosts and paths, signature scope, target
// header, API Gateway's REST paths, stages of the default API.
void Front::handle(http::Request&& request, http::Responder responder) {
  const std::string_view path = request.path();
  if (path.starts_with("/_sluice/") || path == "/_localstack/health") {
    handle_admin(std::move(request), std::move(responder));
    return;
  }
  if (auto target = gateway::Gateway::resolve(request.headers.get("host"), request.target)) {
    invoke_requests_.add();
    if (let_in(request, http::PathClass::kUserApi, responder))
      rooms_.gateway.invoke(*target, std::move(request), std::move(responder));
    return;
  }
  if (names_service(request, "kinesis", kKinesisTarget)) {
    handle_kinesis(std::move(request), http::PathClass::kAws, std::move(responder));
    return;
  }
  if (names_service(request, "apigateway", "BackplaneControlService") ||
      gateway::Gateway::is_control_path(path)) {
    handle_apigateway(std::move(request), std::move(responder));
    return;
  }
  if (auto target = rooms_.gateway.resolve_default(rooms_.default_api, request.target)) {
    invoke_requests_.add();
    if (let_in(request, http::PathClass::kUserApi, responder))
      rooms_.gateway.invoke(*target, std::move(request), std::move(responder));
    return;
  }
  if (is_bare_aws_call(request)) {
    // Not kAws: without a target there is nothing that a page's form could do.
    handle_kinesis(std::move(request), http::PathClass::kAdmin, std::move(responder));
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

void Front::handle_admin(http::Request&& request, http::Responder responder) {
  admin_requests_.add();
  const bool changes = request.path().starts_with("/_sluice/api/");
  const bool has_keys = rooms_.authenticator.has_keys();
  auto refusal = changes && has_keys ? check_signature(request, "sluice") : std::nullopt;
  const auto kind = changes ? http::PathClass::kConsoleApi : http::PathClass::kAdmin;
  if (!let_in(request, kind, responder, changes && has_keys && !refusal)) return;
  if (refusal) {
    responder.send(rest_error(403, *refusal));
    return;
  }
  rooms_.admin.handle(std::move(request), std::move(responder));
}

void Front::handle_apigateway(http::Request&& request, http::Responder responder) {
  service_requests_.add();
  const auto refusal = check_signature(request, "apigateway");
  const bool known = rooms_.authenticator.has_keys() && !refusal;
  if (!let_in(request, http::PathClass::kAws, responder, known)) return;
  if (refusal) {
    responder.send(rest_error(403, *refusal));
    return;
  }
  rooms_.gateway.control_plane().handle(std::move(request), std::move(responder));
}

void Front::handle_kinesis(http::Request&& request, http::PathClass path,
                           http::Responder responder) {
  service_requests_.add();
  auto refusal = check_signature(request, "kinesis");
  const bool known = rooms_.authenticator.has_keys() && !refusal;
  if (!let_in(request, path, responder, known || rooms_.cors_as_aws)) return;
  http::Headers cors = rooms_.cors_as_aws ? cors_headers(request) : http::Headers();
  if (!cors.empty() && request.method == "OPTIONS") {
    cors.add("x-amzn-RequestId", aws::new_request_id());
    responder.send({.status = 200, .headers = std::move(cors), .body = {}});
    return;
  }
  call_kinesis(std::move(request), std::move(refusal), std::move(cors), std::move(responder));
}

void Front::call_kinesis(http::Request&& request, std::optional<aws::Refusal> refusal,
                         http::Headers cors, http::Responder responder) {
  const std::string request_id = aws::new_request_id();
  if (request.method != "POST") {
    auto refused = aws::xml_error(403, "AccessDeniedException",
                                  "Unable to determine service/operation name to be authorized");
    aws::add_request_id_headers(refused, request_id);
    responder.send(to_http(std::move(refused), cors));
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
  call.refusal = std::move(refusal);
  call.body = std::move(request.body);
  // shared_ptr: a std::function must be copyable; the one answer finds the one responder.
  auto reply_to = std::make_shared<http::Responder>(std::move(responder));
  rooms_.kinesis.call(std::move(call), [reply_to, cors = std::move(cors)](aws::ServiceResponse r) {
    reply_to->send(to_http(std::move(r), cors));
  });
}

}  // namespace sluice::server
