// $context and $stageVariables of a call.
#include <array>
#include <ctime>

#include "gateway/call.h"

namespace sluice::gateway {
namespace {

// 09/Apr/2015:12:34:56 +0000
std::string log_time(std::int64_t ms) {
  const std::time_t seconds = ms / 1000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  static constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::array<char, 40> text;
  const int n = std::snprintf(text.data(), text.size(), "%02d/%s/%04d:%02d:%02d:%02d +0000",
                              utc.tm_mday, kMonths.at(static_cast<std::size_t>(utc.tm_mon)),
                              utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
  return {text.data(), static_cast<std::size_t>(n)};
}

}  // namespace

std::string java_text(const Value& v) {
  std::string out;
  if (!v.is_null()) append_java(out, v, kPayloadBytesMax);
  return out;
}

std::vector<std::string> java_texts(const Value& v) {
  if (v.kind != Kind::kList) return {java_text(v)};
  std::vector<std::string> out;
  for (const Value& item : v.list->items)
    out.push_back(java_text(item));
  return out;
}

// Keys in AWS' own order (recorded); the maps inside print as nothing.
Value Call::build_context() {
  Arena& arena = env_.arena();
  const auto text = [&](std::string_view s) { return Value::of(arena.copy(s)); };
  const auto inner = [&](std::initializer_list<std::string_view> names) {
    Map* map = make_map(arena);
    map->prints_nothing = true;
    for (const std::string_view name : names) {
      Map* part = make_map(arena);
      part->prints_nothing = true;
      map->put(arena, name, Value::of(part));
    }
    return map;
  };
  const RestApi& api = stage_->api();
  static const Resource kNoResource;  // no route was found
  const Resource& resource = method_ == nullptr ? kNoResource : api.resources[route_.resource];
  const std::string host(request_.headers.get("host"));
  Map* map = make_map(arena);
  map->put(arena, "resourceId", text(resource.id));
  map->put(arena, "resourcePath", text(resource.path));
  map->put(arena, "httpMethod", text(request_.method));
  map->put(arena, "extendedRequestId", text(extended_id_));
  map->put(arena, "requestTime", text(log_time(started_ms_)));
  const std::string_view path =
      std::string_view(path_and_query_).substr(0, path_and_query_.find('?'));
  map->put(arena, "path", text("/" + stage_->stage().name + std::string(path)));
  map->put(arena, "accountId", text(api.account));
  map->put(arena, "protocol", text("HTTP/1.1"));
  map->put(arena, "requestOverride", Value::of(inner({"path", "header", "querystring"})));
  map->put(arena, "stage", text(stage_->stage().name));
  map->put(arena, "domainPrefix", text(host.substr(0, host.find('.'))));
  map->put(arena, "requestTimeEpoch", Value::of_long(started_ms_));
  map->put(arena, "requestId", text(request_id_));
  Map* identity = inner({});
  for (const char* name : {"cognitoIdentityPoolId", "accountId", "cognitoIdentityId", "caller"}) {
    identity->put(arena, name, Value::null());
  }
  identity->put(arena, "sourceIp", text(request_.peer));
  for (const char* name : {"principalOrgId", "accessKey", "cognitoAuthenticationType",
                           "cognitoAuthenticationProvider", "userArn"}) {
    identity->put(arena, name, Value::null());
  }
  identity->put(arena, "userAgent", text(request_.headers.get("user-agent")));
  identity->put(arena, "user", Value::null());
  map->put(arena, "identity", Value::of(identity));
  map->put(arena, "domainName", text(host));
  map->put(arena, "deploymentId", text(stage_->stage().deployment_id));
  map->put(arena, "responseOverride", Value::of(inner({"header"})));
  map->put(arena, "apiId", text(api.id));
  return Value::of(map);
}

Value Call::build_stage_variables() {
  Map* map = make_map(env_.arena());
  for (const auto& [name, value] : stage_->stage().variables) {
    map->put(env_.arena(), Value::of(std::string_view(name)), Value::of(std::string_view(value)));
  }
  return Value::of(map);
}

// context.identity.sourceIp of a parameter mapping.
std::string Call::context_value(std::string_view path) {
  if (env_.context.is_null()) env_.context = build_context();
  Value v = env_.context;
  while (!path.empty()) {
    if (v.kind != Kind::kMap) return "";
    const std::string_view name = path.substr(0, path.find('.'));
    path.remove_prefix(std::min(path.size(), name.size() + 1));
    v = v.map->get(name);
  }
  return java_text(v);
}

}  // namespace sluice::gateway
