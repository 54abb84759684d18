#include "http/browser_guard.h"

#include <algorithm>
#include <utility>

namespace sluice::http {

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return out;
}

// The name of "name:port", lower case, without a final dot; empty when it is malformed.
std::string host_name(std::string_view host) {
  std::size_t end = host.find(':');
  if (host.starts_with('[')) {
    end = host.find(']');
    if (end == std::string_view::npos) return {};
    ++end;
  }
  end = std::min(end, host.size());
  std::string_view port = host.substr(end);
  if (!port.empty()) {
    if (port[0] != ':') return {};
    port.remove_prefix(1);
    if (port.find_first_not_of("0123456789") != std::string_view::npos) return {};
  }
  std::string name = lower(host.substr(0, end));
  if (name.ends_with('.')) name.pop_back();
  return name;
}

bool is_label(std::string_view text) {
  return !text.empty() &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

// kinesis.<region>.amazonaws.com and the like; the middle is one label.
bool is_aws_name(std::string_view name) {
  std::string_view suffix = ".amazonaws.com";
  if (name.ends_with(".amazonaws.com.cn")) suffix = ".amazonaws.com.cn";
  if (!name.ends_with(suffix)) return false;
  name.remove_suffix(suffix.size());
  for (const std::string_view service : {"kinesis.", "apigateway."}) {
    if (name.starts_with(service) && is_label(name.substr(service.size()))) return true;
  }
  const std::size_t dot = name.find('.');
  constexpr std::string_view invoke = ".execute-api.";
  return dot != std::string_view::npos && is_label(name.substr(0, dot)) &&
         name.substr(dot).starts_with(invoke) && is_label(name.substr(dot + invoke.size()));
}

bool is_below(std::string_view name, std::string_view dotted_parent) {
  return name.size() > dotted_parent.size() && name.ends_with(dotted_parent);
}

// "http://host:port" as "host:port"; empty for "null" and anything else that is no web origin.
std::string origin_authority(std::string_view origin) {
  const std::string text = lower(origin);
  for (const auto& [scheme, port] :
       {std::pair<std::string_view, std::string_view>{"http://", ":80"}, {"https://", ":443"}}) {
    if (!text.starts_with(scheme)) continue;
    std::string authority = text.substr(scheme.size());
    if (authority.ends_with(port)) authority.resize(authority.size() - port.size());
    return authority;
  }
  return {};
}

bool is_same_origin(std::string_view origin, std::string_view host) {
  std::string authority = lower(host);
  if (authority.ends_with(":80")) authority.resize(authority.size() - 3);
  return !authority.empty() && origin_authority(origin) == authority;
}

// A content type that a page cannot send without asking first (a CORS preflight, which we refuse).
bool is_structured(std::string_view content_type) {
  const std::string type = lower(content_type.substr(0, content_type.find_first_of("; ")));
  return type == "application/json" || type == "application/cbor" ||
         type.starts_with("application/x-amz-json-1.") ||
         type.starts_with("application/x-amz-cbor-1.");
}

bool is_signed_somehow(const Request& request) {
  return request.headers.find("Authorization").has_value() ||
         request.query().find("X-Amz-Signature=") != std::string_view::npos;
}

Response refusal(int status, std::string_view text) {
  Response response;
  response.status = status;
  response.headers.add("Content-Type", "text/plain");
  response.body.append(text).append("\n");
  return response;
}

}  // namespace

BrowserGuard::BrowserGuard(std::vector<std::string> names) {
  for (std::string& name : names)
    name = lower(name);
  names_ = std::make_shared<const std::vector<std::string>>(std::move(names));
}

bool BrowserGuard::knows_host(std::string_view host) const {
  const std::string name = host_name(host);
  if (name.empty()) return false;
  if (name == "localhost" || name == "127.0.0.1" || name == "[::1]") return true;
  if (name == "localhost.localstack.cloud") return true;
  if (is_below(name, ".localhost") || is_below(name, ".localhost.localstack.cloud")) return true;
  if (is_aws_name(name)) return true;
  return std::any_of(names_->begin(), names_->end(), [&](const std::string& known) {
    return known.starts_with("*.") ? is_below(name, std::string_view(known).substr(1))
                                   : name == known;
  });
}

std::optional<Response> BrowserGuard::check(const Request& request, PathClass path,
                                            bool signed_by_known_key) const {
  const std::string_view host = request.headers.get("Host");
  if (!knows_host(host)) {
    return refusal(421,
                   "This server does not go by that Host name; add it to http.hosts if it should.");
  }
  if (path == PathClass::kUserApi || path == PathClass::kPage) return std::nullopt;
  if (signed_by_known_key) return std::nullopt;
  if (const auto origin = request.headers.find("Origin");
      origin && !is_same_origin(*origin, host)) {
    return refusal(403, "Requests that a browser makes for a page of another origin are refused.");
  }
  if (const auto site = request.headers.find("Sec-Fetch-Site");
      site && *site != "same-origin" && *site != "none") {
    return refusal(403, "Requests that a browser makes for a page of another site are refused.");
  }
  if (path == PathClass::kConsoleApi && request.headers.get("X-Sluice-Request") != "1") {
    return refusal(403, "The console's API needs the header X-Sluice-Request: 1.");
  }
  // An old browser sends neither Origin nor Sec-Fetch-Site with a plain form.
  const bool writes =
      request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  if (path == PathClass::kAws && writes && !is_signed_somehow(request) &&
      !request.headers.find("X-Amz-Target") &&
      !is_structured(request.headers.get("Content-Type"))) {
    return refusal(403, "An unsigned request needs X-Amz-Target or a JSON or CBOR content type.");
  }
  return std::nullopt;
}

}  // namespace sluice::http
