// The model out of AWS' wire form: from disk, and out of the bodies of control plane calls.
#include "gateway/json_fields.h"
#include "gateway/model_json.h"
#include "gateway/value/json_read.h"

namespace sluice::gateway {

using namespace fields;

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
  i.connection_id = text(map, "connectionId");
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

MethodResponse read_method_response(const Map& map) {
  return {text(map, "statusCode"), booleans(map, "responseParameters"),
          strings(map, "responseModels")};
}

MethodModel read_method(const Map& map) {
  MethodModel m;
  m.http_method = text(map, "httpMethod");
  m.authorization_type = text(map, "authorizationType");
  m.authorizer_id = text(map, "authorizerId");
  m.api_key_required = boolean(map, "apiKeyRequired");
  m.operation_name = text(map, "operationName");
  m.request_validator_id = text(map, "requestValidatorId");
  m.request_parameters = booleans(map, "requestParameters");
  m.request_models = strings(map, "requestModels");
  each(map, "methodResponses", [&](std::string, const Value& v) {
    if (v.kind != Kind::kMap) return;
    m.responses.push_back(read_method_response(*v.map));
  });
  const Value integration = map.get("methodIntegration");
  if (integration.kind == Kind::kMap) m.integration = read_integration(*integration.map);
  return m;
}

namespace {

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

void read_parts(const Map& map, RestApi& api) {
  api.documentation = text(map, "documentation");
  each_item(map, "models", [&](const Value& v) {
    if (v.kind != Kind::kMap) return;
    api.models[text(*v.map, "name")] = {text(*v.map, "id"), text(*v.map, "contentType"),
                                        text(*v.map, "description"), text(*v.map, "schema")};
  });
  each(map, "gatewayResponses", [&](const std::string& type, const Value& v) {
    if (v.kind != Kind::kMap) return;
    api.gateway_responses[type] = {text(*v.map, "statusCode"),
                                   ordered(*v.map, "responseParameters"),
                                   ordered(*v.map, "responseTemplates")};
  });
  each_item(map, "requestValidators", [&](const Value& v) {
    if (v.kind != Kind::kMap) return;
    api.request_validators.push_back({text(*v.map, "id"), text(*v.map, "name"),
                                      boolean(*v.map, "validateRequestBody"),
                                      boolean(*v.map, "validateRequestParameters")});
  });
  each_item(map, "authorizers", [&](const Value& v) {
    if (v.kind != Kind::kMap) return;
    api.authorizers.push_back(
        {text(*v.map, "id"), text(*v.map, "name"), text(*v.map, "type"), text(*v.map, "scheme")});
  });
}

}  // namespace

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
  if (endpoint.kind == Kind::kMap) {
    api.endpoint_types = texts(*endpoint.map, "types");
    api.vpc_endpoint_ids = texts(*endpoint.map, "vpcEndpointIds");
  }
  if (const Value size = map.get("minimumCompressionSize"); size.is_integral()) {
    api.minimum_compression_size = static_cast<int>(size.integer);
  }
  api.policy = text(map, "policy");
  read_parts(map, api);
  each_item(map, "resources", [&](const Value& v) {
    if (v.kind == Kind::kMap) api.resources.push_back(read_resource(*v.map));
  });
  if (api.id.empty() || api.resources.empty()) {
    return base::fail(ModelError::kBroken, "an API's document lacks its id or its resources");
  }
  return api;
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
