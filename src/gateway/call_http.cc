// HTTP and HTTP_PROXY integrations: the request to the endpoint, and its answer. HTTP sends what
// mappings and templates made; HTTP_PROXY hands on headers, query and body, and mappings add to
// them. Headers as recorded on AWS.
#include <fmt/format.h>

#include "base/log.h"
#include "gateway/call.h"
#include "gateway/header_rules.h"
#include "gateway/model_json.h"

namespace sluice::gateway {
namespace {

constexpr base::Logger kLog{"gateway"};

// What may stand in a path beside letters, digits and escapes.
constexpr std::string_view kPathKeep = "-_.~!$&'()*+,;=:@";

bool has_body(std::string_view method) {
  return method != "GET" && method != "HEAD" && method != "OPTIONS";
}

// "." and ".." would lead out of the place that the URI names.
bool climbs(std::string_view path) {
  while (!path.empty()) {
    const std::string_view part = path.substr(0, path.find('/'));
    if (part == "." || part == "..") return true;
    path.remove_prefix(std::min(path.size(), part.size() + 1));
  }
  return false;
}

// A query as the client sent it; what cannot stand in a URL is escaped.
std::string safe_query(std::string_view raw) {
  std::string out;
  for (const char c : raw) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte >= 0x7f ||
        std::string_view("#\"<>\\^`{|}").find(c) != std::string_view::npos) {
      out += http::percent_encode(std::string_view(&c, 1), "");
    } else {
      out += c;
    }
  }
  return out;
}

// Is the header one that "Connection: a, b" keeps to this connection?
bool is_named(std::string_view connection, std::string_view header) {
  while (!connection.empty()) {
    const std::string_view part = connection.substr(0, connection.find(','));
    connection.remove_prefix(std::min(connection.size(), part.size() + 1));
    if (media_type_of(part) == header) return true;
  }
  return false;
}

bool is_trace_id(std::string_view text) {
  return text.starts_with("Root=1-") && text.size() <= 256 && may_be_header_value(text);
}

}  // namespace

// The URI with its {parameters} filled in and the query behind it. A parameter that no mapping
// names is taken from the path of the same name. nullopt: one has no value, or climbs out.
std::optional<std::string> Call::integration_url() const {
  const std::string_view uri = method_->uri;
  const std::size_t authority = uri.find("://") + 3;
  std::string out;
  for (std::size_t at = 0; at < uri.size();) {
    const std::size_t open = uri.find('{', at);
    const std::size_t close = open == std::string_view::npos ? open : uri.find('}', open);
    out += uri.substr(at, close == std::string_view::npos ? std::string_view::npos : open - at);
    if (close == std::string_view::npos) break;
    const std::string name(uri.substr(open + 1, close - open - 1));
    at = close + 1;
    std::string value;
    if (const auto mapped = integration_path_.find(name); mapped != integration_path_.end()) {
      value = mapped->second;
    } else {
      for (const auto& [parameter, text] : route_.parameters) {
        if (parameter == name) value = text;
      }
    }
    if (value.empty() || climbs(value)) return std::nullopt;
    const bool in_path = out.find('/', authority) != std::string::npos;
    std::string keep(in_path ? kPathKeep : "-_.~");
    if (in_path && name == method_->greedy) keep += '/';
    out += http::percent_encode(value, keep);
  }
  std::string query;
  if (method_->type == IntegrationType::kHttpProxy) {
    const std::size_t mark = path_and_query_.find('?');
    if (mark != std::string::npos) {
      query = safe_query(std::string_view(path_and_query_).substr(mark + 1));
    }
  }
  for (const auto& [name, value] : integration_query_) {
    if (!query.empty()) query += '&';
    query += http::percent_encode(name) + "=" + http::percent_encode(value);
  }
  if (!query.empty()) out += (out.find('?') == std::string::npos ? "?" : "&") + query;
  return out;
}

// The client's headers, under those that mappings set.
void Call::proxy_headers() {
  http::Headers out;
  const std::string_view connection = request_.headers.get("connection");
  for (const auto& [name, value] : params_.header) {
    const std::string small = lower(name);
    if (small == "host" || small == "content-encoding") continue;
    if (integration_headers_.find(name)) continue;
    if (is_named(connection, small)) continue;
    out.add(name, value);
  }
  for (const auto& [name, value] : integration_headers_.items())
    out.add(name, value);
  integration_headers_ = std::move(out);
  const std::string_view before = integration_headers_.get("x-forwarded-for");
  integration_headers_.set("X-Forwarded-For", before.empty()
                                                  ? request_.peer
                                                  : std::string(before) + ", " + request_.peer);
  const std::string_view host = request_.headers.get("host");
  const std::size_t colon =
      host.find(':', host.rfind(']') == std::string_view::npos ? 0 : host.rfind(']'));
  integration_headers_.set("X-Forwarded-Port",
                           colon == std::string_view::npos ? "80" : host.substr(colon + 1));
  integration_headers_.set("X-Forwarded-Proto", "http");
}

void Call::default_headers() {
  http::Headers out;
  for (const auto& [name, value] : integration_headers_.items()) {
    if (!is_dropped_from_integration(name)) out.add(name, value);
  }
  const auto otherwise = [&](std::string_view name, std::string_view value) {
    if (!out.find(name)) out.add(name, value);
  };
  otherwise("Accept", "application/json");
  otherwise("User-Agent", "AmazonAPIGateway_" + stage_->api().id);
  const std::string_view type = request_.headers.get("content-type");
  if (!type.empty() && has_body(request_.method)) otherwise("Content-Type", type);
  out.set("X-Amzn-Trace-Id", trace_id());
  out.set("X-Amzn-Apigateway-Api-Id", stage_->api().id);
  integration_headers_ = std::move(out);
}

// Root=1-5759e988-bd862e3fe1be46a994272793, or what the client came with.
std::string Call::trace_id() {
  if (!trace_id_.empty()) return trace_id_;
  const std::string_view given = request_.headers.get("x-amzn-trace-id");
  trace_id_ = is_trace_id(given)
                  ? std::string(given)
                  : fmt::format("Root=1-{:08x}-{:016x}{:08x}", started_ms_ / 1000,
                                plane_.random_.next(), static_cast<std::uint32_t>(started_ns_));
  return trace_id_;
}

void Call::call_http() {
  auto url = integration_url();
  if (!url || plane_.outgoing_ == nullptr) {
    kLog.warn("{}: Invalid endpoint address: a parameter of {} has no value that can stand there",
              request_id_, method_->uri);
    return fail(configuration_error());
  }
  const bool proxy = method_->type == IntegrationType::kHttpProxy;
  http::ClientRequest out;
  out.method = method_->http_method.empty() ? request_.method : method_->http_method;
  out.url = std::move(*url);
  if (proxy) proxy_headers();
  default_headers();
  out.headers = std::move(integration_headers_);
  if (has_body(out.method)) out.body = std::move(proxy ? request_.body : integration_body_);
  out.timeout = method_->timeout;
  out.once = out.method == "POST" || out.method == "PATCH";
  out.decompress = true;
  using Answer = base::Result<http::Response, http::ClientError>;
  plane_.outgoing_->fetch(std::move(out), [call = shared_from_this()](Answer answer) {
    // The loop goes on with the call: the client's thread carries everybody's requests.
    call->responder_.resume([call, answer = std::make_shared<Answer>(std::move(answer))] {
      call->http_answered(std::move(*answer));
    });
  });
}

void Call::http_answered(base::Result<http::Response, http::ClientError> answer) {
  if (!answer) {
    kLog.warn("{}: {}", request_id_, answer.error().message);
    return fail(http_error(answer.error()));
  }
  if (method_->type == IntegrationType::kHttp) {
    return integration_answered(answer->status, std::move(answer->body),
                                std::move(answer->headers));
  }
  http::Response out;
  out.status = answer->status;
  out.body = std::move(answer->body);
  for (const auto& [name, value] : answer->headers.items()) {
    if (is_dropped_from_answer(name) || !may_be_header_name(name) || !may_be_header_value(value))
      continue;
    out.headers.add(shown_name(name, method_->type), value);
  }
  if (!out.headers.find("content-type")) out.headers.set("Content-Type", "application/json");
  finish(std::move(out));
}

Call::Error Call::http_error(const base::Failure<http::ClientError>& failure) {
  constexpr std::string_view kType = "InternalServerErrorException";
  switch (failure.code) {
    case http::ClientError::kTimeout:
      return {ResponseType::kIntegrationTimeout, 504, kType, "Endpoint request timed out"};
    case http::ClientError::kConnect:
    case http::ClientError::kBroken:
      return {ResponseType::kIntegrationFailure, 504, kType,
              "Network error communicating with endpoint"};
    case http::ClientError::kBusy:
      return {ResponseType::kDefault5xx, 503, "ServiceUnavailableException", "Service Unavailable"};
    case http::ClientError::kBadRequest:
    case http::ClientError::kForbidden:
    case http::ClientError::kTooLarge:
      break;
  }
  return internal_error();
}

}  // namespace sluice::gateway
