#include "gateway/header_rules.h"

#include <algorithm>
#include <span>

#include "gateway/model_json.h"

namespace sluice::gateway {
namespace {

bool holds(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), lower(name)) != names.end();
}

}  // namespace

// The media type without parameters, lower case.
std::string media_type_of(std::string_view header) {
  header = header.substr(0, header.find_first_of(";,"));
  while (!header.empty() && (header.back() == ' ' || header.back() == '\t'))
    header.remove_suffix(1);
  while (!header.empty() && (header.front() == ' ' || header.front() == '\t'))
    header.remove_prefix(1);
  return lower(header);
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

bool is_dropped_from_request(std::string_view name) {
  static constexpr std::string_view kNames[] = {
      "connection",         "content-length", "content-md5", "expect",
      "max-forwards",       "server",         "te",          "transfer-encoding",
      "proxy-authenticate", "trailer",        "upgrade",     "www-authenticate"};
  return holds(kNames, name);
}

bool is_forbidden_mapping(std::string_view name, IntegrationType type) {
  static constexpr std::string_view kAlways[] = {"content-length", "transfer-encoding",
                                                 "x-amzn-trace-id"};
  static constexpr std::string_view kOfAws[] = {"authorization", "connection", "expect",
                                                "proxy-authenticate", "te"};
  const bool aws = type == IntegrationType::kAws || type == IntegrationType::kAwsProxy;
  return holds(kAlways, name) || (aws && holds(kOfAws, name));
}

bool is_dropped_from_integration(std::string_view name) {
  static constexpr std::string_view kNames[] = {
      "expect",     "proxy-authenticate", "te", "via", "accept-encoding",
      "keep-alive", "proxy-connection"};
  return holds(kNames, name);
}

bool is_dropped_from_answer(std::string_view name) {
  static constexpr std::string_view kNames[] = {"transfer-encoding", "content-encoding", "via",
                                                "keep-alive"};
  return holds(kNames, name);
}

std::string shown_name(std::string_view name, IntegrationType type) {
  static constexpr std::string_view kAlways[] = {"connection", "content-length", "date", "server"};
  static constexpr std::string_view kMapped[] = {
      "authorization",    "content-md5",       "expect",  "host",
      "max-forwards",     "trailer",           "upgrade", "user-agent",
      "www-authenticate", "proxy-authenticate"};
  static constexpr std::string_view kOwn[] = {"x-amzn-requestid", "x-amz-apigw-id"};
  const bool proxy = type == IntegrationType::kHttpProxy;
  const bool renamed = holds(kAlways, name) ||
                       holds(proxy ? std::span<const std::string_view>(kOwn) : kMapped, name);
  return (renamed ? "x-amzn-Remapped-" : "") + std::string(name);
}

}  // namespace sluice::gateway
