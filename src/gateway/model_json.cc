#include "gateway/model_json.h"

#include <algorithm>

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

void write_pairs(JsonWriter& out, const auto& map) {
  for (const auto& [key, value] : map)
    out.field(std::string_view(key), std::string_view(value));
}

void write_strings(JsonWriter& out, std::string_view name, const auto& map) {
  if (map.empty()) return;
  out.key(name).begin_object();
  write_pairs(out, map);
  out.end_object();
}

// Timestamps go out as epoch numbers, whole seconds as AWS gives them.
void write_time(JsonWriter& out, std::string_view name, std::int64_t ms) {
  out.field(name, ms / 1000);
}

}  // namespace

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

std::span<const std::string_view> gateway_response_types() {
  static constexpr std::string_view kTypes[] = {"ACCESS_DENIED",
                                                "API_CONFIGURATION_ERROR",
                                                "AUTHORIZER_CONFIGURATION_ERROR",
                                                "AUTHORIZER_FAILURE",
                                                "BAD_REQUEST_BODY",
                                                "BAD_REQUEST_PARAMETERS",
                                                "DEFAULT_4XX",
                                                "DEFAULT_5XX",
                                                "EXPIRED_TOKEN",
                                                "INTEGRATION_FAILURE",
                                                "INTEGRATION_TIMEOUT",
                                                "INVALID_API_KEY",
                                                "INVALID_SIGNATURE",
                                                "MISSING_AUTHENTICATION_TOKEN",
                                                "QUOTA_EXCEEDED",
                                                "REQUEST_TOO_LARGE",
                                                "RESOURCE_NOT_FOUND",
                                                "THROTTLED",
                                                "UNAUTHORIZED",
                                                "UNSUPPORTED_MEDIA_TYPE",
                                                "WAF_FILTERED"};
  return kTypes;
}

bool is_gateway_response_type(std::string_view type) {
  const auto types = gateway_response_types();
  return std::find(types.begin(), types.end(), type) != types.end();
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
  write_text(out, "connectionId", i.connection_id);
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

void write_method_response(JsonWriter& out, const MethodResponse& r) {
  out.begin_object();
  out.field("statusCode", std::string_view(r.status_code));
  write_map(out, "responseParameters", r.parameters);
  write_strings(out, "responseModels", r.models);
  out.end_object();
}

void write_method(JsonWriter& out, const MethodModel& m) {
  out.begin_object();
  out.field("httpMethod", std::string_view(m.http_method));
  out.field("authorizationType", std::string_view(m.authorization_type));
  write_text(out, "authorizerId", m.authorizer_id);
  out.field("apiKeyRequired", m.api_key_required);
  write_text(out, "operationName", m.operation_name);
  write_text(out, "requestValidatorId", m.request_validator_id);
  write_map(out, "requestParameters", m.request_parameters);
  write_strings(out, "requestModels", m.request_models);
  if (!m.responses.empty()) {
    out.key("methodResponses").begin_object();
    for (const MethodResponse& r : m.responses) {
      out.key(r.status_code);
      write_method_response(out, r);
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
  if (api.minimum_compression_size) {
    out.field("minimumCompressionSize", *api.minimum_compression_size);
  }
  write_text(out, "policy", api.policy);
  out.field("apiKeySource", std::string_view(api.api_key_source));
  out.key("endpointConfiguration").begin_object();
  write_texts(out, "types", api.endpoint_types);
  if (!api.vpc_endpoint_ids.empty()) write_texts(out, "vpcEndpointIds", api.vpc_endpoint_ids);
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

void write_model(JsonWriter& out, const std::string& name, const BodyModel& m) {
  out.begin_object();
  out.field("id", std::string_view(m.id));
  out.field("name", std::string_view(name));
  write_text(out, "description", m.description);
  out.field("schema", std::string_view(m.schema));
  out.field("contentType", std::string_view(m.content_type));
  out.end_object();
}

void write_validator(JsonWriter& out, const RequestValidator& v) {
  out.begin_object();
  out.field("id", std::string_view(v.id));
  out.field("name", std::string_view(v.name));
  out.field("validateRequestBody", v.body);
  out.field("validateRequestParameters", v.parameters);
  out.end_object();
}

void write_gateway_response(JsonWriter& out, std::string_view type, const GatewayResponse* r) {
  out.begin_object().field("responseType", type);
  if (r != nullptr) write_text(out, "statusCode", r->status_code);
  out.key("responseParameters").begin_object();
  if (r != nullptr) write_pairs(out, r->parameters);
  out.end_object().key("responseTemplates").begin_object();
  if (r != nullptr) {
    write_pairs(out, r->templates);
  } else {
    out.field("application/json", "{\"message\":$context.error.messageString}");
  }
  out.end_object().field("defaultResponse", r == nullptr).end_object();
}

namespace {

void write_kept_gateway_response(JsonWriter& out, const GatewayResponse& r) {
  out.begin_object();
  write_text(out, "statusCode", r.status_code);
  write_strings(out, "responseParameters", r.parameters);
  write_strings(out, "responseTemplates", r.templates);
  out.end_object();
}

// What an API has beside its resources and its own fields.
void write_parts(JsonWriter& out, const RestApi& api) {
  write_text(out, "documentation", api.documentation);
  out.key("models").begin_array();
  for (const auto& [name, model] : api.models)
    write_model(out, name, model);
  out.end_array().key("gatewayResponses").begin_object();
  for (const auto& [type, response] : api.gateway_responses) {
    out.key(type);
    write_kept_gateway_response(out, response);
  }
  out.end_object().key("requestValidators").begin_array();
  for (const RequestValidator& validator : api.request_validators)
    write_validator(out, validator);
  out.end_array().key("authorizers").begin_array();
  for (const Authorizer& a : api.authorizers) {
    out.begin_object().field("id", std::string_view(a.id)).field("name", std::string_view(a.name));
    out.field("type", std::string_view(a.type)).field("scheme", std::string_view(a.scheme));
    out.end_object();
  }
  out.end_array();
}

}  // namespace

std::string api_document(const RestApi& api) {
  std::string text;
  JsonWriter out(text);
  out.begin_object();
  out.field("account", std::string_view(api.account));
  out.field("region", std::string_view(api.region));
  out.field("createdMs", api.created_ms);
  write_api_fields(out, api);
  write_parts(out, api);
  out.key("resources").begin_array();
  for (const Resource& r : api.resources)
    write_resource(out, r, true);
  out.end_array().end_object();
  return text;
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

}  // namespace sluice::gateway
