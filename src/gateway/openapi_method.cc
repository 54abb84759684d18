// Methods and integrations of an imported document (importer.h).
#include <algorithm>

#include "gateway/importer.h"
#include "gateway/model_check.h"
#include "gateway/model_json.h"

namespace sluice::gateway {
namespace {

constexpr std::string_view kIntegration = "x-amazon-apigateway-integration";
constexpr std::string_view kValidator = "x-amazon-apigateway-request-validator";
constexpr std::string_view kAuth = "x-amazon-apigateway-auth";

const std::set<std::string_view> kIntegrationKeys = {"type",
                                                     "httpMethod",
                                                     "uri",
                                                     "credentials",
                                                     "connectionType",
                                                     "connectionId",
                                                     "requestParameters",
                                                     "requestTemplates",
                                                     "passthroughBehavior",
                                                     "contentHandling",
                                                     "timeoutInMillis",
                                                     "cacheNamespace",
                                                     "cacheKeyParameters",
                                                     "responses"};

}  // namespace

void Importer::parameters(MethodModel& m, const Map& operation, const Map& holder) {
  const Value list = holder.get("parameters");
  if (list.kind != Kind::kList) return;
  for (const Value& v : list.list->items) {
    if (v.kind != Kind::kMap) continue;
    const Map& p = *resolved(v.map);
    const std::string in = text_at(p, "in");
    const std::string place = in == "query" ? "querystring" : in;
    if (place == "path" || place == "querystring" || place == "header") {
      m.request_parameters["method.request." + place + "." + text_at(p, "name")] =
          true_at(p, "required");
    } else if (in == "body") {
      const Map* schema = map_at(p, "schema");
      if (schema == nullptr) continue;
      for (const std::string& type : media_types(operation, "consumes"))
        m.request_models[type] = model_of(*schema);
    }
  }
}

void Importer::request_body(MethodModel& m, const Map& operation) {
  const Map* body = map_at(operation, "requestBody");
  const Map* content = body != nullptr ? map_at(*resolved(body), "content") : nullptr;
  if (content == nullptr) return;
  for (const Entry* c : content->entries) {
    const Map* schema = c->value.kind == Kind::kMap ? map_at(*c->value.map, "schema") : nullptr;
    if (schema != nullptr) m.request_models[text_of(c->key)] = model_of(*schema);
  }
}

std::vector<std::string> Importer::media_types(const Map& operation, std::string_view key) const {
  std::vector<std::string> types = list_at(operation, key);
  if (types.empty()) types = list_at(document_, key);
  if (types.empty()) types.emplace_back("application/json");
  return types;
}

void Importer::responses(MethodModel& m, const Map& operation) {
  const Map* all = map_at(operation, "responses");
  if (all == nullptr) return;
  for (const Entry* e : all->entries) {
    if (e->value.kind != Kind::kMap) continue;
    const Map& r = *resolved(e->value.map);
    MethodResponse response;
    response.status_code = text_of(e->key);
    if (response.status_code == "default") continue;
    if (const Map* headers = map_at(r, "headers")) {
      for (const Entry* h : headers->entries)
        response.parameters["method.response.header." + text_of(h->key)] = false;
    }
    if (const Map* content = map_at(r, "content")) {
      for (const Entry* c : content->entries) {
        const Map* schema = c->value.kind == Kind::kMap ? map_at(*c->value.map, "schema") : nullptr;
        if (schema != nullptr) response.models[text_of(c->key)] = model_of(*schema);
      }
    } else if (const Map* schema = map_at(r, "schema")) {
      for (const std::string& type : media_types(operation, "produces"))
        response.models[type] = model_of(*schema);
    }
    m.responses.push_back(std::move(response));
  }
}

void Importer::validator(MethodModel& m, const Map& operation, const std::string& where) {
  std::string name = text_at(operation, kValidator);
  if (name.empty()) name = text_at(document_, kValidator);
  if (name.empty()) return;
  for (const RequestValidator& v : api_.request_validators) {
    if (v.name == name) m.request_validator_id = v.id;
  }
  if (m.request_validator_id.empty()) {
    warn("'" + std::string(kValidator) + "' of " + where + " names '" + name +
         "', which x-amazon-apigateway-request-validators does not define");
  }
}

// Methods that ask for a key or an authorizer are imported as such; they are refused when called,
// until authorizers are there, rather than left open.
void Importer::security(MethodModel& m, const Map& operation, const std::string& where) {
  if (const Map* auth = map_at(operation, kAuth)) {
    const std::string type = upper(text_at(*auth, "type"));
    if (!type.empty()) m.authorization_type = type;
  }
  const Value list = operation.get("security");
  if (list.kind == Kind::kList) {
    for (const Value& v : list.list->items) {
      if (v.kind != Kind::kMap) continue;
      for (const Entry* e : v.map->entries)
        secure_by(m, text_of(e->key), where);
    }
  }
  if (m.authorization_type != "NONE") {
    warn("authorizers are not available yet: " + where + " refuses all calls");
  }
  if (m.api_key_required) {
    warn("API keys are not available yet: " + where + " refuses all calls");
  }
}

void Importer::secure_by(MethodModel& m, const std::string& name, const std::string& where) {
  for (const Authorizer& a : api_.authorizers) {
    if (a.name != name) continue;
    m.authorization_type = a.type == "COGNITO_USER_POOLS" ? a.type : "CUSTOM";
    m.authorizer_id = a.id;
    return;
  }
  const Map* components = map_at(document_, "components");
  const Map* schemes = components != nullptr ? map_at(*components, "securitySchemes")
                                             : map_at(document_, "securityDefinitions");
  const Map* scheme = schemes != nullptr ? map_at(*schemes, name) : nullptr;
  const std::string type =
      scheme != nullptr ? text_at(*scheme, "x-amazon-apigateway-authtype") : "";
  if (type == "awsSigv4") {
    m.authorization_type = "AWS_IAM";
  } else if (type.empty() && scheme != nullptr && text_at(*scheme, "type") == "apiKey") {
    m.api_key_required = true;
  } else {
    m.authorization_type = "CUSTOM";
    warn("the security '" + name + "' of " + where + " is no API key and has no authorizer");
  }
}

void Importer::models_exist(const MethodModel& m, const std::string& where) {
  const auto look = [&](const StringMap& models) {
    for (const auto& [type, name] : models) {
      if (name != "Empty" && name != "Error" && !api_.models.contains(name)) {
        warn("the model '" + name + "' that " + where + " names is not in the document");
      }
    }
  };
  look(m.request_models);
  for (const MethodResponse& r : m.responses)
    look(r.models);
}

ImportStatus Importer::method(std::size_t at, const std::string& name, const Map& operation,
                              const Map& item) {
  MethodModel m;
  m.http_method = name;
  m.operation_name = text_at(operation, "operationId");
  const std::string where = name + " " + api_.resources[at].path;
  parameters(m, operation, item);
  parameters(m, operation, operation);
  request_body(m, operation);
  responses(m, operation);
  models_exist(m, where);
  validator(m, operation, where);
  security(m, operation, where);
  warn_unknown(operation, {kIntegration, kValidator, kAuth}, where);
  if (const Map* found = map_at(operation, kIntegration)) {
    if (auto s = integration(m, *resolved(found), where); !s) return s;
    if (m.integration->cache_namespace.empty()) {
      m.integration->cache_namespace = api_.resources[at].id;
    }
  }
  api_.resources[at].methods[name] = std::move(m);
  return {};
}

ImportStatus Importer::integration(MethodModel& m, const Map& map, const std::string& where) {
  Integration i;
  const std::string type = text_at(map, "type");
  const auto parsed = parse_integration_type(type);
  if (!parsed)
    return invalid_import("Enumeration value for IntegrationType '" + type + "' at " + where);
  i.type = *parsed;
  i.http_method = upper(text_at(map, "httpMethod"));
  i.uri = text_at(map, "uri");
  i.credentials = text_at(map, "credentials");
  i.connection_id = text_at(map, "connectionId");
  i.connection_type = text_at(map, "connectionType");
  if (i.connection_type.empty() &&
      (i.type == IntegrationType::kHttp || i.type == IntegrationType::kHttpProxy)) {
    i.connection_type = "INTERNET";
  }
  i.request_parameters = texts_at(map, "requestParameters");
  i.request_templates = texts_at(map, "requestTemplates");
  const std::string passthrough = text_at(map, "passthroughBehavior");
  if (!passthrough.empty()) {
    const auto p = parse_passthrough(passthrough);
    if (!p) return invalid_import("passthroughBehavior '" + passthrough + "' at " + where);
    i.passthrough = *p;
  }
  const std::string handling = text_at(map, "contentHandling");
  if (!handling.empty()) {
    const auto h = parse_content_handling(handling);
    if (!h) return invalid_import("contentHandling '" + handling + "' at " + where);
    i.content_handling = *h;
  }
  const Value timeout = map.get("timeoutInMillis");
  if (timeout.is_integral()) {
    i.timeout_ms = static_cast<int>(std::clamp<std::int64_t>(timeout.integer, 0, 1'000'000));
  }
  if (const auto problem = problem_of(i)) return invalid_import(*problem + ": " + where);
  i.cache_namespace = text_at(map, "cacheNamespace");
  i.cache_key_parameters = list_at(map, "cacheKeyParameters");
  for (const Entry* e : map.entries) {
    if (const std::string key = text_of(e->key); !kIntegrationKeys.contains(key)) {
      warn("'" + key + "' of the integration of " + where + " is kept out: not available yet");
    }
  }
  if (auto s = integration_responses(i, map, where); !s) return s;
  m.integration = std::move(i);
  return {};
}

ImportStatus Importer::integration_responses(Integration& i, const Map& map,
                                             const std::string& where) {
  const Map* all = map_at(map, "responses");
  if (all == nullptr) return {};
  for (const Entry* e : all->entries) {
    if (e->value.kind != Kind::kMap) continue;
    const Map& r = *e->value.map;
    IntegrationResponse response;
    const std::string pattern = text_of(e->key);
    response.selection_pattern = pattern == "default" ? "" : pattern;
    response.status_code = text_at(r, "statusCode");
    if (!is_status_code(response.status_code)) {
      return invalid_import("an integration response of " + where + " has no statusCode");
    }
    response.parameters = texts_at(r, "responseParameters");
    response.templates = texts_at(r, "responseTemplates");
    const std::string handling = text_at(r, "contentHandling");
    if (!handling.empty()) {
      const auto h = parse_content_handling(handling);
      if (!h) return invalid_import("contentHandling '" + handling + "' at " + where);
      response.content_handling = *h;
    }
    const auto same = std::find_if(i.responses.begin(), i.responses.end(), [&](const auto& other) {
      return other.status_code == response.status_code;
    });
    if (same != i.responses.end()) {
      warn("two integration responses of " + where + " have status " + response.status_code +
           ": the later one counts");
      *same = std::move(response);
    } else {
      i.responses.push_back(std::move(response));
    }
  }
  return {};
}

}  // namespace sluice::gateway
