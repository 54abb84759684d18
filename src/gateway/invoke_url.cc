#include "gateway/invoke_url.h"

#include "gateway/model_json.h"
#include "http/http.h"

namespace sluice::gateway {
namespace {

// Takes "/name" off the front of `target`; false: there is none.
bool take_segment(std::string_view& target, std::string& out) {
  if (!target.starts_with('/')) return false;
  const std::size_t end = target.find_first_of("/?", 1);
  const std::string_view raw = target.substr(1, end == std::string_view::npos ? end : end - 1);
  if (raw.empty()) return false;
  out = http::percent_decode(raw, false).value_or(std::string(raw));
  target.remove_prefix(raw.size() + 1);
  return true;
}

std::string rest_of(std::string_view target) {
  if (target.starts_with('/')) return std::string(target);
  return "/" + std::string(target);  // nothing, or a query
}

std::optional<std::string> api_of_host(std::string_view host) {
  std::string name = lower(host.substr(0, host.find(':')));
  if (name.ends_with('.')) name.pop_back();
  constexpr std::string_view kMark = ".execute-api.";
  const std::size_t mark = name.find(kMark);
  if (mark == std::string::npos || mark == 0) return std::nullopt;
  const std::string_view domain = std::string_view(name).substr(mark + kMark.size());
  const bool known = domain == "localhost" || domain == "localhost.localstack.cloud" ||
                     domain.ends_with(".amazonaws.com") || domain.ends_with(".amazonaws.com.cn");
  if (!known) return std::nullopt;
  std::string api = name.substr(0, mark);
  const std::size_t endpoint = api.find("-vpce");  // {api}-{vpc endpoint}
  if (endpoint != std::string::npos && endpoint > 0) api.resize(endpoint);
  if (api.find('.') != std::string::npos) return std::nullopt;
  return api;
}

}  // namespace

std::optional<InvokeUrl> resolve_invoke_url(std::string_view host, std::string_view target) {
  InvokeUrl out;
  if (auto api = api_of_host(host)) {
    out.api_id = std::move(*api);
    if (!take_segment(target, out.stage)) out.stage.clear();
    out.path_and_query = rest_of(target);
    return out;
  }
  constexpr std::string_view kAws = "/_aws/execute-api";
  constexpr std::string_view kRestApis = "/restapis";
  constexpr std::string_view kUserRequest = "/_user_request_";
  if (target.starts_with(kAws)) {
    target.remove_prefix(kAws.size());
    if (!take_segment(target, out.api_id) || !take_segment(target, out.stage)) return std::nullopt;
  } else if (target.starts_with(kRestApis)) {
    target.remove_prefix(kRestApis.size());
    if (!take_segment(target, out.api_id) || !take_segment(target, out.stage)) return std::nullopt;
    if (!target.starts_with(kUserRequest)) return std::nullopt;
    target.remove_prefix(kUserRequest.size());
    if (!target.empty() && target.front() != '/' && target.front() != '?') return std::nullopt;
  } else {
    return std::nullopt;
  }
  out.api_id = lower(out.api_id);
  out.path_and_query = rest_of(target);
  return out;
}

std::optional<InvokeUrl> resolve_default_api(
    std::string_view default_api, std::string_view target,
    const std::function<std::optional<std::string>(std::string_view api, std::string_view stage)>&
        find_api) {
  if (default_api.empty()) return std::nullopt;
  InvokeUrl out;
  if (!take_segment(target, out.stage)) return std::nullopt;
  auto id = find_api(default_api, out.stage);
  if (!id) return std::nullopt;
  out.api_id = *std::move(id);
  out.path_and_query = rest_of(target);
  return out;
}

}  // namespace sluice::gateway
