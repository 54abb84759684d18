#include "gateway/model_json.h"

#include <algorithm>

#include "gateway/value/json_read.h"

namespace sluice::gateway {
namespace {

using base::JsonWriter;

void write_map(JsonWriter& out, std::string_view name, const auto& map) {
  if (map.empty()) return;
  out.key(name).begin_object();
  for (const auto& [key, value] : map)
    out.field(std::string_view(key), value);
  out.end_object();
}

void write_texts(JsonWriter& out, std::string_view name, const std::vector<std::string>& texts) {
  out.key(name).begin_array();
  for (const std::string& text : texts)
    out.value(std::string_view(text));
  out.end_array();
}

void write_text(JsonWriter& out, std::string_view name, const std::string& text) {
  if (!text.empty()) out.field(name, std::string_view(text));
}

void write_strings(JsonWriter& out, std::string_view name, const auto& map) {
  if (map.empty()) return;
  out.key(name).begin_object();
  for (const auto& [key, value] : map)
    out.field(std::string_view(key), std::string_view(value));
  out.end_object();
}

// Timestamps go out as epoch numbers, whole seconds as AWS gives them.
void write_time(JsonWriter& out, std::string_view name, std::int64_t ms) {
  out.field(name, ms / 1000);
}

void write_integration_response(JsonWriter& out, const IntegrationResponse& r) {
  out.begin_object();
  out.field("statusCode", std::string_view(r.status_code));
  write_text(out, "selectionPattern", r.selection_pattern);
  write_strings(out, "responseParameters", r.parameters);
  write_strings(out, "responseTemplates", r.templates);
  if (r.content_handling != ContentHandling::kPassthrough) {
    out.field("contentHandling", to_text(r.content_handling));
  }
  out.end_object();
}

// Reading: the wire form as the lenient reader gives it; what is missing keeps its default.
std::string text(const Map& map, std::string_view name) {
  const Value v = map.get(name);
  return v.is_string() ? std::string(v.text()) : "";
}

std::int64_t integer(const Map& map, std::string_view name, std::int64_t otherwise) {
  const Value v = map.get(name);
  return v.is_integral() ? v.integer : otherwise;
}

bool boolean(const Map& map, std::string_view name) {
  const Value v = map.get(name);
  return v.kind == Kind::kBool && v.boolean;
}

template <class F>
void each(const Map& map, std::string_view name, F&& visit) {
  const Value v = map.get(name);
  if (v.kind != Kind::kMap) return;
  for (const Entry* e : v.map->entries)
    visit(std::string(e->key.text()), e->value);
}

template <class F>
void each_item(const Map& map, std::string_view name, F&& visit) {
  const Value v = map.get(name);
  if (v.kind != Kind::kList) return;
  for (const Value& item : v.list->items)
    visit(item);
}

OrderedMap ordered(const Map& map, std::string_view name) {
  OrderedMap out;
  each(map, name, [&](std::string key, const Value& v) {
    if (v.is_string()) out.emplace_back(std::move(key), v.text());
  });
  return out;
}

StringMap strings(const Map& map, std::string_view name) {
  StringMap out;
  each(map, name, [&](std::string key, const Value& v) {
    if (v.is_string()) out.emplace(std::move(key), v.text());
  });
  return out;
}

std::map<std::string, bool> booleans(const Map& map, std::string_view name) {
  std::map<std::string, bool> out;
  each(map, name, [&](std::string key, const Value& v) {
    out.emplace(std::move(key), v.kind == Kind::kBool && v.boolean);
  });
  return out;
}

std::vector<std::string> texts(const Map& map, std::string_view name) {
  std::vector<std::string> out;
  each_item(map, name, [&](const Value& v) {
    if (v.is_string()) out.emplace_back(v.text());
  });
  return out;
}

IntegrationResponse read_integration_response(const Map& map) {
  IntegrationResponse r;
  r.status_code = text(map, "statusCode");
  r.selection_pattern = text(map, "selectionPattern");
  r.parameters = ordered(map, "responseParameters");
  r.templates = ordered(map, "responseTemplates");
  r.content_handling =
      parse_content_handling(text(map, "contentHandling")).value_or(ContentHandling::kPassthrough);
  return r;
}

Integration read_integration(const Map& map) {
  Integration i;
  i.type = parse_integration_type(text(map, "type")).value_or(IntegrationType::kMock);
  i.http_method = text(map, "httpMethod");
  i.uri = text(map, "uri");
  i.credentials = text(map, "credentials");
  i.connection_type = text(map, "connectionType");
  i.request_parameters = ordered(map, "requestParameters");
  i.request_templates = ordered(map, "requestTemplates");
  i.passthrough =
      parse_passthrough(text(map, "passthroughBehavior")).value_or(Passthrough::kWhenNoMatch);
  i.content_handling =
      parse_content_handling(text(map, "contentHandling")).value_or(ContentHandling::kPassthrough);
  i.timeout_ms = static_cast<int>(integer(map, "timeoutInMillis", 29000));
  i.cache_namespace = text(map, "cacheNamespace");
  i.cache_key_parameters = texts(map, "cacheKeyParameters");
  each(map, "integrationResponses", [&](const std::string&, const Value& v) {
    if (v.kind == Kind::kMap) i.responses.push_back(read_integration_response(*v.map));
  });
  return i;
}

MethodModel read_method(const Map& map) {
  MethodModel m;
  m.http_method = text(map, "httpMethod");
  m.authorization_type = text(map, "authorizationType");
  m.api_key_required = boolean(map, "apiKeyRequired");
  m.operation_name = text(map, "operationName");
  m.request_parameters = booleans(map, "requestParameters");
  m.request_models = strings(map, "requestModels");
  each(map, "methodResponses", [&](std::string, const Value& v) {
    if (v.kind != Kind::kMap) return;
    m.responses.push_back({text(*v.map, "statusCode"), booleans(*v.map, "responseParameters"),
                           strings(*v.map, "responseModels")});
  });
  const Value integration = map.get("methodIntegration");
  if (integration.kind == Kind::kMap) m.integration = read_integration(*integration.map);
  return m;
}

Resource read_resource(const Map& map) {
  Resource r;
  r.id = text(map, "id");
  r.parent_id = text(map, "parentId");
  r.path_part = text(map, "pathPart");
  r.path = text(map, "path");
  each(map, "resourceMethods", [&](std::string name, const Value& v) {
    if (v.kind == Kind::kMap) r.methods.emplace(std::move(name), read_method(*v.map));
  });
  return r;
}

}  // namespace

std::string upper(std::string_view s) {
  std::string out(s);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return out;
}

std::string lower(std::string_view s) {
  std::string out(s);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

std::string_view to_text(IntegrationType type) {
  switch (type) {
    case IntegrationType::kAws:
      return "AWS";
    case IntegrationType::kAwsProxy:
      return "AWS_PROXY";
    case IntegrationType::kHttp:
      return "HTTP";
    case IntegrationType::kHttpProxy:
      return "HTTP_PROXY";
    case IntegrationType::kMock:
      return "MOCK";
  }
  return "";
}

std::string_view to_text(Passthrough passthrough) {
  switch (passthrough) {
    case Passthrough::kWhenNoMatch:
      return "WHEN_NO_MATCH";
    case Passthrough::kWhenNoTemplates:
      return "WHEN_NO_TEMPLATES";
    case Passthrough::kNever:
      return "NEVER";
  }
  return "";
}

std::string_view to_text(ContentHandling handling) {
  switch (handling) {
    case ContentHandling::kPassthrough:
      return "";
    case ContentHandling::kConvertToText:
      return "CONVERT_TO_TEXT";
    case ContentHandling::kConvertToBinary:
      return "CONVERT_TO_BINARY";
  }
  return "";
}

std::optional<IntegrationType> parse_integration_type(std::string_view s) {
  const std::string name = upper(s);
  for (const auto type : {IntegrationType::kAws, IntegrationType::kAwsProxy, IntegrationType::kHttp,
                          IntegrationType::kHttpProxy, IntegrationType::kMock}) {
    if (to_text(type) == name) return type;
  }
  return std::nullopt;
}

std::optional<Passthrough> parse_passthrough(std::string_view s) {
  const std::string name = upper(s);
  for (const auto p :
       {Passthrough::kWhenNoMatch, Passthrough::kWhenNoTemplates, Passthrough::kNever}) {
    if (to_text(p) == name) return p;
  }
  return std::nullopt;
}

std::optional<ContentHandling> parse_content_handling(std::string_view s) {
  const std::string name = upper(s);
  for (const auto h : {ContentHandling::kConvertToText, ContentHandling::kConvertToBinary}) {
    if (to_text(h) == name) return h;
  }
  return std::nullopt;
}

void write_integration(JsonWriter& out, const Integration& i) {
  out.begin_object();
  out.field("type", to_text(i.type));
  write_text(out, "httpMethod", i.http_method);
  write_text(out, "uri", i.uri);
  write_text(out, "connectionType", i.connection_type);
  write_text(out, "credentials", i.credentials);
  write_strings(out, "requestParameters", i.request_parameters);
  write_strings(out, "requestTemplates", i.request_templates);
  out.field("passthroughBehavior", to_text(i.passthrough));
  if (i.content_handling != ContentHandling::kPassthrough) {
    out.field("contentHandling", to_text(i.content_handling));
  }
  out.field("timeoutInMillis", i.timeout_ms);
  write_text(out, "cacheNamespace", i.cache_namespace);
  write_texts(out, "cacheKeyParameters", i.cache_key_parameters);
  if (!i.responses.empty()) {
    out.key("integrationResponses").begin_object();
    for (const IntegrationResponse& r : i.responses) {
      out.key(r.status_code);
      write_integration_response(out, r);
    }
    out.end_object();
  }
  out.end_object();
}

void write_method(JsonWriter& out, const MethodModel& m) {
  out.begin_object();
  out.field("httpMethod", std::string_view(m.http_method));
  out.field("authorizationType", std::string_view(m.authorization_type));
  out.field("apiKeyRequired", m.api_key_required);
  write_text(out, "operationName", m.operation_name);
  write_map(out, "requestParameters", m.request_parameters);
  write_strings(out, "requestModels", m.request_models);
  if (!m.responses.empty()) {
    out.key("methodResponses").begin_object();
    for (const MethodResponse& r : m.responses) {
      out.key(r.status_code).begin_object();
      out.field("statusCode", std::string_view(r.status_code));
      write_map(out, "responseParameters", r.parameters);
      write_strings(out, "responseModels", r.models);
      out.end_object();
    }
    out.end_object();
  }
  if (m.integration) {
    out.key("methodIntegration");
    write_integration(out, *m.integration);
  }
  out.end_object();
}

void write_resource(JsonWriter& out, const Resource& r, bool with_methods) {
  out.begin_object();
  out.field("id", std::string_view(r.id));
  write_text(out, "parentId", r.parent_id);
  write_text(out, "pathPart", r.path_part);
  out.field("path", std::string_view(r.path));
  if (!r.methods.empty()) {
    out.key("resourceMethods").begin_object();
    for (const auto& [name, method] : r.methods) {
      out.key(name);
      if (with_methods) {
        write_method(out, method);
      } else {
        out.begin_object().end_object();
      }
    }
    out.end_object();
  }
  out.end_object();
}

namespace {

void write_api_fields(JsonWriter& out, const RestApi& api) {
  out.field("id", std::string_view(api.id));
  out.field("name", std::string_view(api.name));
  write_text(out, "description", api.description);
  write_text(out, "version", api.version);
  write_time(out, "createdDate", api.created_ms);
  if (!api.warnings.empty()) write_texts(out, "warnings", api.warnings);
  if (!api.binary_media_types.empty()) write_texts(out, "binaryMediaTypes", api.binary_media_types);
  out.field("apiKeySource", std::string_view(api.api_key_source));
  out.key("endpointConfiguration").begin_object();
  write_texts(out, "types", api.endpoint_types);
  out.field("ipAddressType", "ipv4");
  out.end_object();
  out.key("tags").begin_object();
  for (const auto& [key, value] : api.tags)
    out.field(std::string_view(key), std::string_view(value));
  out.end_object();
  out.field("disableExecuteApiEndpoint", api.disable_execute_api_endpoint);
  if (const Resource* root = api.root()) out.field("rootResourceId", std::string_view(root->id));
}

}  // namespace

void write_api(JsonWriter& out, const RestApi& api) {
  out.begin_object();
  write_api_fields(out, api);
  out.end_object();
}

void write_deployment(JsonWriter& out, const Deployment& d) {
  out.begin_object();
  out.field("id", std::string_view(d.id));
  write_text(out, "description", d.description);
  write_time(out, "createdDate", d.created_ms);
  out.end_object();
}

void write_stage(JsonWriter& out, const Stage& s) {
  out.begin_object();
  out.field("deploymentId", std::string_view(s.deployment_id));
  out.field("stageName", std::string_view(s.name));
  write_text(out, "description", s.description);
  out.field("cacheClusterEnabled", false);
  out.field("cacheClusterStatus", "NOT_AVAILABLE");
  out.key("methodSettings").begin_object().end_object();
  write_strings(out, "variables", s.variables);
  out.field("tracingEnabled", false);
  write_time(out, "createdDate", s.created_ms);
  write_time(out, "lastUpdatedDate", s.updated_ms);
  if (!s.tags.empty()) write_strings(out, "tags", s.tags);
  out.end_object();
}

std::string api_document(const RestApi& api) {
  std::string text;
  JsonWriter out(text);
  out.begin_object();
  out.field("account", std::string_view(api.account));
  out.field("region", std::string_view(api.region));
  out.field("createdMs", api.created_ms);
  write_api_fields(out, api);
  out.key("resources").begin_array();
  for (const Resource& r : api.resources)
    write_resource(out, r, true);
  out.end_array().end_object();
  return text;
}

base::Result<RestApi, ModelError> read_api_document(std::string_view json) {
  Arena arena;
  const auto document = read_json(arena, json);
  if (!document || document->kind != Kind::kMap) {
    return base::fail(ModelError::kBroken, "an API's document is no JSON object");
  }
  const Map& map = *document->map;
  RestApi api;
  api.id = text(map, "id");
  api.account = text(map, "account");
  api.region = text(map, "region");
  api.name = text(map, "name");
  api.description = text(map, "description");
  api.version = text(map, "version");
  api.created_ms = integer(map, "createdMs", 0);
  api.warnings = texts(map, "warnings");
  api.binary_media_types = texts(map, "binaryMediaTypes");
  api.api_key_source = text(map, "apiKeySource");
  api.tags = strings(map, "tags");
  api.disable_execute_api_endpoint = boolean(map, "disableExecuteApiEndpoint");
  const Value endpoint = map.get("endpointConfiguration");
  if (endpoint.kind == Kind::kMap) api.endpoint_types = texts(*endpoint.map, "types");
  each_item(map, "resources", [&](const Value& v) {
    if (v.kind == Kind::kMap) api.resources.push_back(read_resource(*v.map));
  });
  if (api.id.empty() || api.resources.empty()) {
    return base::fail(ModelError::kBroken, "an API's document lacks its id or its resources");
  }
  return api;
}

std::string stage_document(const Stage& s) {
  std::string text;
  JsonWriter out(text);
  out.begin_object();
  out.field("stageName", std::string_view(s.name));
  out.field("deploymentId", std::string_view(s.deployment_id));
  write_text(out, "description", s.description);
  write_strings(out, "variables", s.variables);
  write_strings(out, "tags", s.tags);
  out.field("createdMs", s.created_ms);
  out.field("updatedMs", s.updated_ms);
  out.end_object();
  return text;
}

base::Result<Stage, ModelError> read_stage_document(std::string_view json) {
  Arena arena;
  const auto document = read_json(arena, json);
  if (!document || document->kind != Kind::kMap) {
    return base::fail(ModelError::kBroken, "a stage's document is no JSON object");
  }
  const Map& map = *document->map;
  Stage s;
  s.name = text(map, "stageName");
  s.deployment_id = text(map, "deploymentId");
  s.description = text(map, "description");
  s.variables = strings(map, "variables");
  s.tags = strings(map, "tags");
  s.created_ms = integer(map, "createdMs", 0);
  s.updated_ms = integer(map, "updatedMs", 0);
  return s;
}

}  // namespace sluice::gateway
