#include "gateway/call.h"

#include <algorithm>
#include <charconv>

#include "aws/json_protocol.h"
#include "base/base64.h"
#include "base/json_writer.h"
#include "base/log.h"
#include "base/uuid.h"
#include "gateway/model_json.h"
#include "gateway/value/json_read.h"
#include "gateway/value/regex.h"
#include "gateway/value/utf.h"

namespace sluice::gateway {
namespace {

constexpr base::Logger kLog{"gateway"};
constexpr std::string_view kJson = "application/json";

// The media type without parameters, lower case.
std::string media_type_of(std::string_view header) {
  header = header.substr(0, header.find_first_of(";,"));
  while (!header.empty() && (header.back() == ' ' || header.back() == '\t'))
    header.remove_suffix(1);
  while (!header.empty() && (header.front() == ' ' || header.front() == '\t'))
    header.remove_prefix(1);
  return lower(header);
}

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

bool may_be_header_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) >= 0x20 || c == '\t'; });
}

bool may_be_header_name(std::string_view text) {
  return !text.empty() && text.size() <= 256 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

// Headers of an integration that AWS does not let through under their own name.
bool is_remapped(std::string_view name) {
  static constexpr std::string_view kNames[] = {
      "authorization", "connection",      "content-length", "content-md5",
      "date",          "expect",          "host",           "max-forwards",
      "server",        "trailer",         "upgrade",        "proxy-authenticate",
      "user-agent",    "www-authenticate"};
  return std::find(std::begin(kNames), std::end(kNames), lower(name)) != std::end(kNames);
}

// Headers that may not be mapped into a request to an AWS service.
bool is_forbidden_request_header(std::string_view name) {
  static constexpr std::string_view kNames[] = {"content-length",
                                                "transfer-encoding",
                                                "authorization",
                                                "connection",
                                                "expect",
                                                "proxy-authenticate",
                                                "te"};
  return std::find(std::begin(kNames), std::end(kNames), lower(name)) != std::end(kNames);
}

std::string java_text(const Value& v) {
  std::string out;
  if (!v.is_null()) append_java(out, v, kPayloadBytesMax);
  return out;
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
  return {500, "InternalServerErrorException", "{\"message\": \"Internal server error\"}"};
}

Call::Error Call::message(int status, std::string_view type, std::string_view text) {
  std::string body = "{\"message\": ";
  base::append_json_string(body, text);
  return {status, type, body + "}"};
}

void Call::run() {
  const Checked ready = prepare();
  if (!ready) return fail(ready.error());
  if (mock_) return answer_mock();
  call_service();
}

// Everything before the integration: what is wrong with the request shows here.
Call::Checked Call::prepare() {
  if (stage_ == nullptr) {
    return std::unexpected(Error{403, "ForbiddenException", "{\"message\":\"Forbidden\"}"});
  }
  if (request_.body.size() > kPayloadBytesMax) {
    return std::unexpected(message(413, "RequestTooLargeException", "Request Too Long"));
  }
  const std::string_view path =
      std::string_view(path_and_query_).substr(0, path_and_query_.find('?'));
  if (stage_->api().disable_execute_api_endpoint) {
    return std::unexpected(Error{403, "ForbiddenException", "{\"message\":\"Forbidden\"}"});
  }
  if (!stage_->router().find(request_.method, path, route_)) {
    return std::unexpected(Error{403, "MissingAuthenticationTokenException",
                                 "{\"message\":\"Missing Authentication Token\"}"});
  }
  method_ = stage_->method(route_.resource, route_.method);
  if (method_ == nullptr || !method_->has_integration) {
    kLog.debug("{}: no integration is defined for the method", request_id_);
    return std::unexpected(internal_error());
  }
  if (!method_->refusal.empty()) {
    return std::unexpected(message(501, "NotImplementedException", method_->refusal));
  }
  mock_ = method_->type == IntegrationType::kMock;
  read_request();
  if (auto checked = check_body(); !checked) return checked;
  if (auto mapped = map_request(); !mapped) return mapped;
  if (auto rendered = render_request(); !rendered) return rendered;
  request_overrides();
  return {};
}

void Call::read_request() {
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
  for (const auto& [name, value] : request_.headers.items())
    params_.header.emplace_back(name, value);
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

void Call::set_request_header(std::string_view name, std::string value) {
  for (auto& [existing, old] : integration_headers_) {
    if (lower(existing) == lower(name)) {
      old = std::move(value);
      return;
    }
  }
  integration_headers_.emplace_back(name, std::move(value));
}

std::string_view Call::request_header(std::string_view name) const {
  for (const auto& [existing, value] : integration_headers_) {
    if (lower(existing) == name) return value;
  }
  return {};
}

Call::Checked Call::map_request() {
  for (const Mapping& m : method_->request) {
    auto value = evaluate(m.value, false);
    if (!value) return std::unexpected(value.error());
    if (m.place != Mapping::Place::kHeader || value->empty()) continue;
    if (is_forbidden_request_header(m.name)) return std::unexpected(internal_error());
    set_request_header(m.name, std::move(*value));
  }
  return {};
}

std::expected<std::string, Call::Error> Call::evaluate(const Expression& e, bool response) {
  using Source = Expression::Source;
  const auto last = [&](const vtl::Pairs& pairs, bool ignore_case) -> std::string {
    for (auto p = pairs.rbegin(); p != pairs.rend(); ++p) {
      if (p->first == e.name || (ignore_case && lower(p->first) == lower(e.name))) {
        return std::string(p->second);
      }
    }
    return "";
  };
  const auto all = [&](const vtl::Pairs& pairs, bool ignore_case) {
    std::string out;
    for (const auto& [name, value] : pairs) {
      if (name != e.name && !(ignore_case && lower(name) == lower(e.name))) continue;
      if (!out.empty()) out += ',';
      out += value;
    }
    return out;
  };
  switch (e.source) {
    case Source::kStatic:
      return e.name;
    case Source::kPath:
      return last(params_.path, false);
    case Source::kQuery:
      return last(params_.querystring, false);
    case Source::kMultiQuery:
      return all(params_.querystring, false);
    case Source::kHeader:
      return response ? std::string(response_headers_.get(e.name)) : last(params_.header, true);
    case Source::kMultiHeader:
      return response ? std::string(response_headers_.get(e.name)) : all(params_.header, true);
    case Source::kStageVariable: {
      const auto& variables = stage_->stage().variables;
      const auto found = variables.find(e.name);
      return found == variables.end() ? "" : found->second;
    }
    case Source::kContext:
      return context_value(e.name);
    case Source::kBroken:
      return std::unexpected(internal_error());
    case Source::kBody:
      break;
  }
  const std::string& body = response ? response_body_ : request_.body;
  if (!e.path) return body;
  const auto document = read_json(env_.arena(), body);
  if (!document) {
    if (response) return std::string();
    return std::unexpected(message(400, "BadRequestException", "Invalid JSON in request body"));
  }
  const auto found = e.path->read(env_.arena(), *document);
  return found ? java_text(*found) : "";
}

void Call::prepare_environment(const vtl::Template& t) {
  if (t.uses(vtl::kSlotContext) && env_.context.is_null()) env_.context = build_context();
  if (t.uses(vtl::kSlotStageVariables) && env_.stage_variables.is_null()) {
    env_.stage_variables = build_stage_variables();
  }
}

Call::Checked Call::render(const CompiledTemplate& t, std::string_view body, std::string& out) {
  if (!t.body) {
    kLog.warn("{}: a template does not compile: {}", request_id_, t.error);
    return std::unexpected(internal_error());
  }
  prepare_environment(*t.body);
  const auto done = t.body->render(env_, body, out);
  if (done) return {};
  if (done.error().code == vtl::RenderError::kPayload) {
    return std::unexpected(message(400, "BadRequestException", done.error().message));
  }
  kLog.warn("{}: the template failed in line {}, column {}: {}", request_id_, done.error().line,
            done.error().column, done.error().message);
  return std::unexpected(internal_error());
}

Call::Checked Call::render_request() {
  const CompiledTemplate* chosen = nullptr;
  for (const CompiledTemplate& t : method_->templates) {
    if (t.media_type == media_type_) {
      chosen = &t;
      break;
    }
    if (t.media_type == "$default" && chosen == nullptr) chosen = &t;
  }
  if (chosen != nullptr) {
    if (!request_.body.empty() && is_binary(media_type_) && !is_utf8(request_.body)) {
      return std::unexpected(internal_error());
    }
    return render(*chosen, request_.body, integration_body_);
  }
  const bool refused =
      method_->passthrough == Passthrough::kNever ||
      (method_->passthrough == Passthrough::kWhenNoTemplates && !method_->templates.empty());
  if (refused) {
    return std::unexpected(message(415, "BadRequestException", "Unsupported Media Type"));
  }
  integration_body_ = request_.body;
  return {};
}

// What the template put into $context.requestOverride.
void Call::request_overrides() {
  if (env_.context.kind != Kind::kMap) return;
  const Value overrides = env_.context.map->get("requestOverride");
  if (overrides.kind != Kind::kMap) return;
  const Value headers = overrides.map->get("header");
  if (headers.kind != Kind::kMap) return;
  for (const Entry* e : headers.map->entries) {
    set_request_header(java_text(e->key), java_text(e->value));
  }
}

void Call::call_service() {
  aws::ServiceRequest out;
  out.service = method_->service;
  out.action = method_->action;
  if (out.action.empty()) {
    if (const auto target = aws::parse_target(request_header("x-amz-target"))) {
      out.action = target->action;
    }
  }
  // Kinesis takes its JSON under several names; only CBOR is another encoding.
  const std::string type = media_type_of(request_header("content-type"));
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

const CompiledResponse* Call::choose_response(int status) const {
  const CompiledResponse* otherwise = nullptr;
  for (const CompiledResponse& r : method_->responses) {
    if (r.pattern.empty()) {
      if (otherwise == nullptr) otherwise = &r;
      continue;
    }
    const auto good = regex_matches(r.pattern, std::to_string(status));
    if (good && *good) return &r;
  }
  return otherwise;
}

const CompiledTemplate* Call::choose_template(const CompiledResponse& response) const {
  if (response.templates.empty()) return nullptr;
  const std::string accept = media_type_of(request_.headers.get("accept"));
  for (const std::string_view wanted : {std::string_view(accept), kJson}) {
    for (const CompiledTemplate& t : response.templates) {
      if (t.media_type == wanted) return &t;
    }
  }
  return &response.templates.front();
}

void Call::integration_answered(int status, std::string body, http::Headers headers) {
  response_body_ = std::move(body);
  response_headers_ = std::move(headers);
  const CompiledResponse* chosen = choose_response(status);
  if (chosen == nullptr) {
    kLog.debug("{}: no match for output mapping and no default output mapping", request_id_);
    return fail(internal_error());
  }
  http::Response out;
  const Checked mapped = map_response(*chosen, status, out);
  if (!mapped) return fail(mapped.error());
  finish(std::move(out));
}

Call::Checked Call::map_response(const CompiledResponse& chosen, int, http::Response& out) {
  out.status = chosen.status;
  if (chosen.content_handling == ContentHandling::kConvertToText) {
    if (!is_utf8(response_body_)) response_body_ = base::base64_encode(response_body_);
  } else if (chosen.content_handling == ContentHandling::kConvertToBinary) {
    auto bytes = base::base64_decode(response_body_);
    if (!bytes) return std::unexpected(internal_error());
    response_body_ = std::move(*bytes);
  }
  std::vector<std::pair<std::string, std::string>> headers;
  for (const Mapping& m : chosen.headers) {
    auto value = evaluate(m.value, true);
    if (!value) return std::unexpected(value.error());
    if (!value->empty()) headers.emplace_back(m.name, std::move(*value));
  }
  const CompiledTemplate* t = choose_template(chosen);
  const bool unmapped = t == nullptr || (t->body && t->body->text().empty());
  std::string_view content_type = kJson;
  if (unmapped) {
    out.body = response_body_;
  } else {
    if (auto rendered = render(*t, response_body_, out.body); !rendered) return rendered;
    if (t->media_type != "$default") content_type = t->media_type;
  }
  out.headers.set("Content-Type", content_type);
  for (auto& [name, value] : headers) {
    if (!may_be_header_name(name) || !may_be_header_value(value)) continue;
    out.headers.set(is_remapped(name) ? "x-amzn-Remapped-" + name : name, value);
  }
  if (env_.context.kind == Kind::kMap) apply_overrides(out, env_.context);
  return {};
}

// What templates put into $context.responseOverride: status and headers.
void Call::apply_overrides(http::Response& out, const Value& context) {
  const Value overrides = context.map->get("responseOverride");
  if (overrides.kind != Kind::kMap) return;
  const std::string status = java_text(overrides.map->get("status"));
  int number = 0;
  const auto end = std::from_chars(status.data(), status.data() + status.size(), number);
  if (!status.empty() && end.ptr == status.data() + status.size() && number >= 100 &&
      number <= 599) {
    out.status = number;
  }
  const Value headers = overrides.map->get("header");
  if (headers.kind != Kind::kMap) return;
  for (const Entry* e : headers.map->entries) {
    const std::string name = java_text(e->key);
    const Value& v = e->value;
    std::vector<std::string> values;
    if (v.kind == Kind::kList) {
      for (const Value& item : v.list->items)
        values.push_back(java_text(item));
    } else {
      values.push_back(java_text(v));
    }
    if (!may_be_header_name(name)) continue;
    const std::string shown = is_remapped(name) ? "x-amzn-Remapped-" + name : name;
    out.headers.remove(shown);
    for (const std::string& value : values) {
      if (may_be_header_value(value)) out.headers.add(shown, value);
    }
  }
}

void Call::fail(const Error& error) {
  http::Response out;
  out.status = error.status;
  out.headers.set("Content-Type", kJson);
  out.headers.set("x-amzn-ErrorType", error.type);
  out.body = error.body;
  finish(std::move(out));
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
