#include "gateway/call.h"

#include <algorithm>
#include <charconv>

#include "aws/json_protocol.h"
#include "base/base64.h"
#include "base/json_writer.h"
#include "base/log.h"
#include "base/uuid.h"
#include "gateway/header_rules.h"
#include "gateway/model_json.h"
#include "gateway/value/json_read.h"
#include "gateway/value/utf.h"

namespace sluice::gateway {
namespace {

constexpr base::Logger kLog{"gateway"};
constexpr std::string_view kJson = "application/json";

std::string extended_id(base::Random& random) {
  std::string bytes;
  for (std::uint64_t bits = random.next(), i = 0; i < 11; ++i) {
    if (i == 8) bits = random.next();
    bytes += static_cast<char>(bits & 0xff);
    bits >>= 8;
  }
  return base::base64_encode(bytes);
}

// An id that a client gives must be able to stand in a header and in a log.
bool is_usable_id(std::string_view id) {
  return !id.empty() && id.size() <= 128 && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_' || c == '.' || c == ':' || c == '=';
  });
}

}  // namespace

Call::Call(DataPlane& plane, std::shared_ptr<const StageRuntime> stage, std::string path_and_query,
           http::Request&& request, http::Responder responder)
    : plane_(plane),
      stage_(std::move(stage)),
      request_(std::move(request)),
      responder_(std::move(responder)),
      path_and_query_(std::move(path_and_query)),
      started_ns_(plane.clock_.monotonic_ns()),
      started_ms_(plane.clock_.now_ms()),
      env_(params_) {
  const std::string_view given = request_.headers.get("x-amzn-requestid");
  request_id_ = is_usable_id(given) ? std::string(given) : base::random_uuid(plane.random_);
  extended_id_ = extended_id(plane.random_);
}

Call::Error Call::internal_error() {
  return {ResponseType::kDefault5xx, 500, "InternalServerErrorException", "Internal server error"};
}

Call::Error Call::configuration_error() {
  return {ResponseType::kApiConfigurationError, 500, "InternalServerErrorException",
          "Internal server error"};
}

Call::Error Call::bad_request(ResponseType response, std::string_view text) {
  return {response, 400, "BadRequestException", std::string(text)};
}

void Call::run() {
  const Checked ready = prepare();
  if (!ready) return fail(ready.error());
  switch (method_->type) {
    case IntegrationType::kMock:
      return answer_mock();
    case IntegrationType::kHttp:
    case IntegrationType::kHttpProxy:
      return call_http();
    default:
      return call_service();
  }
}

// Everything before the integration: what is wrong with the request shows here.
Call::Checked Call::prepare() {
  if (stage_ == nullptr) {
    return std::unexpected(
        Error{ResponseType::kDefault4xx, 403, "ForbiddenException", "Forbidden", false});
  }
  if (request_.body.size() > kPayloadBytesMax) {
    return std::unexpected(
        Error{ResponseType::kRequestTooLarge, 413, "RequestTooLargeException", "Request Too Long"});
  }
  const std::string_view path =
      std::string_view(path_and_query_).substr(0, path_and_query_.find('?'));
  if (stage_->api().disable_execute_api_endpoint) {
    return std::unexpected(
        Error{ResponseType::kDefault4xx, 403, "ForbiddenException", "Forbidden", false});
  }
  if (!stage_->router().find(request_.method, path, route_)) {
    return std::unexpected(Error{ResponseType::kMissingAuthenticationToken, 403,
                                 "MissingAuthenticationTokenException",
                                 "Missing Authentication Token", false});
  }
  method_ = stage_->method(route_.resource, route_.method);
  if (method_ == nullptr || !method_->has_integration) {
    kLog.debug("{}: no integration is defined for the method", request_id_);
    return std::unexpected(configuration_error());
  }
  if (!method_->refusal.empty()) {
    return std::unexpected(
        Error{ResponseType::kDefault5xx, 501, "NotImplementedException", method_->refusal});
  }
  if (!method_->broken.empty()) {
    kLog.warn("{}: {}", request_id_, method_->broken);
    return std::unexpected(configuration_error());
  }
  read_request();
  if (auto valid = validate(); !valid) return valid;
  if (auto checked = check_body(); !checked) return checked;
  if (auto mapped = map_request(); !mapped) return mapped;
  if (method_->type == IntegrationType::kHttpProxy) return {};
  if (auto rendered = render_request(); !rendered) return rendered;
  request_overrides();
  return {};
}

void Call::read_request() {
  if (!media_type_.empty()) return;  // done
  media_type_ = media_type_of(request_.headers.get("content-type"));
  if (media_type_.empty()) media_type_ = kJson;
  const std::size_t mark = path_and_query_.find('?');
  if (mark != std::string::npos) {
    query_ = http::parse_query(std::string_view(path_and_query_).substr(mark + 1));
  }
  for (const auto& [name, value] : route_.parameters)
    params_.path.emplace_back(name, value);
  for (const auto& [name, value] : query_)
    params_.querystring.emplace_back(name, value);
  for (const auto& [name, value] : request_.headers.items()) {
    if (!is_dropped_from_request(name)) params_.header.emplace_back(name, value);
  }
}

bool Call::is_binary(std::string_view media_type) const {
  return std::any_of(
      stage_->api().binary_media_types.begin(), stage_->api().binary_media_types.end(),
      [&](const std::string& type) { return type == "*/*" || lower(type) == media_type; });
}

// contentHandling of the request, as AWS' table of payload encodings has it.
Call::Checked Call::check_body() {
  const bool binary = !request_.body.empty() && is_binary(media_type_);
  switch (method_->content_handling) {
    case ContentHandling::kConvertToText:
      if (binary) request_.body = base::base64_encode(request_.body);
      break;
    case ContentHandling::kConvertToBinary:
      if (!binary) {
        auto bytes = base::base64_decode(request_.body);
        if (!bytes) return std::unexpected(internal_error());
        request_.body = std::move(*bytes);
      }
      break;
    case ContentHandling::kPassthrough:
      if (!binary && !is_utf8(request_.body)) {
        request_.body = replace_invalid_utf8(request_.body);
      }
      break;
  }
  return {};
}

void Call::call_service() {
  aws::ServiceRequest out;
  out.service = method_->service;
  out.action = method_->action;
  if (out.action.empty()) {
    if (const auto target = aws::parse_target(integration_headers_.get("x-amz-target"))) {
      out.action = target->action;
    }
  }
  // Kinesis takes its JSON under several names; only CBOR is another encoding.
  const std::string type = media_type_of(integration_headers_.get("content-type"));
  out.content_type = type == aws::kCbor11 ? type : std::string(aws::kJson11);
  out.body = std::move(integration_body_);
  out.caller.account = stage_->api().account;
  out.caller.region = method_->region;
  out.request_id = request_id_;
  // Only a client that names its attempts as SDKs do can have a repeated call taken for the same
  // one: an id of our own is new with every attempt and would protect nothing.
  const std::string_view invocation = request_.headers.get("amz-sdk-invocation-id");
  if (is_usable_id(invocation)) {
    out.invocation_id = stage_->api().id + "/" + std::string(invocation);
  }
  // The answer comes on the thread that makes records durable: templates must not hold it up.
  plane_.invoker_.call(std::move(out), [call = shared_from_this()](aws::ServiceResponse response) {
    call->responder_.resume([call, r = std::move(response)]() mutable {
      http::Headers headers;
      if (!r.content_type.empty()) headers.add("Content-Type", r.content_type);
      for (const auto& [name, value] : r.headers)
        headers.add(name, value);
      call->integration_answered(r.status, std::move(r.body), std::move(headers));
    });
  });
}

// MOCK: the request template says the status, the body is empty.
void Call::answer_mock() {
  const auto document = read_json(
      env_.arena(), integration_body_.empty() ? std::string_view("{}") : integration_body_);
  int status = 0;
  if (document && document->kind == Kind::kMap) {
    const std::string text = java_text(document->map->get("statusCode"));
    std::from_chars(text.data(), text.data() + text.size(), status);
  }
  if (status < 100 || status > 599) return fail(internal_error());
  integration_answered(status, "", {});
}

void Call::finish(http::Response response) {
  response.headers.set("x-amzn-RequestId", request_id_);
  response.headers.set("x-amz-apigw-id", extended_id_);
  if (response.status >= 500) {
    plane_.server_errors_.add();
  } else if (response.status >= 400) {
    plane_.client_errors_.add();
  }
  plane_.latency_.observe_us(
      static_cast<std::uint64_t>((plane_.clock_.monotonic_ns() - started_ns_) / 1000));
  responder_.send(std::move(response));
}

}  // namespace sluice::gateway
