// What an imported document has beside its paths: models, gateway responses, validators,
// authorizers, policy (importer.h).
#include "base/digest.h"
#include "gateway/importer.h"
#include "gateway/model_check.h"
#include "gateway/model_json.h"
#include "gateway/model_schema.h"

namespace sluice::gateway {
namespace {

constexpr std::string_view kCompression = "x-amazon-apigateway-minimum-compression-size";
constexpr std::string_view kGatewayResponses = "x-amazon-apigateway-gateway-responses";
constexpr std::string_view kPolicy = "x-amazon-apigateway-policy";
constexpr std::string_view kEndpoint = "x-amazon-apigateway-endpoint-configuration";
constexpr std::string_view kDocumentation = "x-amazon-apigateway-documentation";
constexpr std::string_view kValidators = "x-amazon-apigateway-request-validators";
constexpr std::string_view kCors = "x-amazon-apigateway-cors";

// By name, else a new one.
template <class T>
T& named(std::vector<T>& all, const std::string& name) {
  for (T& one : all) {
    if (one.name == name) return one;
  }
  T& added = all.emplace_back();
  added.name = name;
  return added;
}

template <class T>
std::string id_in(const std::vector<T>& all, const std::string& name) {
  for (const T& one : all) {
    if (one.name == name) return one.id;
  }
  return "";
}

}  // namespace

ImportStatus Importer::parts() {
  if (const Value size = document_.get(kCompression); !size.is_null()) {
    if (!size.is_integral() || size.integer < 0 || size.integer > kCompressionBytesMax) {
      return invalid_import("minimum compression size must be between 0 and 10485760");
    }
    api_.minimum_compression_size = static_cast<int>(size.integer);
    warn("'" + std::string(kCompression) + "' is kept; answers are not compressed yet");
  }
  if (const Value policy = document_.get(kPolicy); !policy.is_null()) {
    if (policy.is_string() && !is_json(std::string(policy.text()))) {
      return invalid_import("'" + std::string(kPolicy) + "' is no JSON object");
    }
    api_.policy = policy.is_string() ? std::string(policy.text()) : json_of(policy);
    warn("'" + std::string(kPolicy) + "' is kept and not enforced");
  }
  if (const Value documentation = document_.get(kDocumentation); !documentation.is_null()) {
    api_.documentation = json_of(documentation);
  }
  if (document_.find(kCors) != nullptr) {
    warn("'" + std::string(kCors) + "' is of HTTP APIs and passed over, as on AWS");
  }
  warn_unknown(
      document_,
      {"x-amazon-apigateway-api-key-source", "x-amazon-apigateway-binary-media-types",
       "x-amazon-apigateway-importexport-version", "x-amazon-apigateway-request-validator",
       kCompression, kPolicy, kEndpoint, kDocumentation, kValidators, kGatewayResponses, kCors},
      "the root");
  endpoint_configuration();
  body_models();
  request_validators();
  authorizers();
  return gateway_responses();
}

void Importer::endpoint_configuration() {
  const Map* found = map_at(document_, kEndpoint);
  if (found == nullptr) return;
  if (auto types = list_at(*found, "types"); !types.empty()) api_.endpoint_types = std::move(types);
  if (auto ids = list_at(*found, "vpcEndpointIds"); !ids.empty()) {
    api_.vpc_endpoint_ids = std::move(ids);
  }
  if (found->find("disableExecuteApiEndpoint") != nullptr) {
    api_.disable_execute_api_endpoint = true_at(*found, "disableExecuteApiEndpoint");
  }
  warn("'" + std::string(kEndpoint) + "' is kept and changes nothing here");
}

std::string Importer::id_of_model(const std::string& name) {
  if (const auto found = api_.models.find(name); found != api_.models.end()) {
    return found->second.id;
  }
  if (options_.existing != nullptr) {
    const auto old = options_.existing->models.find(name);
    if (old != options_.existing->models.end()) return old->second.id;
  }
  return random_id(random_, 6);
}

void Importer::body_models() {
  const Map* components = map_at(document_, "components");
  const Map* all =
      components != nullptr ? map_at(*components, "schemas") : map_at(document_, "definitions");
  if (all == nullptr) return;
  for (const Entry* e : all->entries) {
    const std::string name = text_of(e->key);
    BodyModel model;
    model.id = id_of_model(name);
    model.schema = with_internal_references(json_of(e->value));
    api_.models[name] = std::move(model);
  }
}

std::string Importer::model_of(const Map& schema) {
  const std::string reference = text_at(schema, "$ref");
  if (const std::size_t slash = reference.rfind('/'); slash != std::string::npos) {
    return reference.substr(slash + 1);
  }
  Value value;
  value.kind = Kind::kMap;
  value.map = const_cast<Map*>(&schema);
  BodyModel model;
  model.schema = with_internal_references(json_of(value));
  // Named by what it says: the same schema is the same model in the next import.
  const auto digest = base::sha256(model.schema);
  const std::string name =
      "MODEL" + base::to_hex({reinterpret_cast<const char*>(digest.data()), 3});
  model.id = id_of_model(name);
  api_.models[name] = std::move(model);
  return name;
}

ImportStatus Importer::gateway_responses() {
  const Map* all = map_at(document_, kGatewayResponses);
  if (all == nullptr) return {};
  for (const Entry* e : all->entries) {
    const std::string type = text_of(e->key);
    if (!is_gateway_response_type(type)) {
      return invalid_import("'" + type + "' is no type of gateway response");
    }
    if (e->value.kind != Kind::kMap) continue;
    const Map& map = *e->value.map;
    GatewayResponse response{text_at(map, "statusCode"), texts_at(map, "responseParameters"),
                             texts_at(map, "responseTemplates")};
    if (!response.status_code.empty() && !is_status_code(response.status_code)) {
      return invalid_import("the gateway response " + type + " has the status code '" +
                            response.status_code + "'");
    }
    api_.gateway_responses[type] = std::move(response);
  }
  return {};
}

void Importer::request_validators() {
  const Map* all = map_at(document_, kValidators);
  if (all == nullptr) return;
  for (const Entry* e : all->entries) {
    if (e->value.kind != Kind::kMap) continue;
    RequestValidator& v = named(api_.request_validators, text_of(e->key));
    v.body = true_at(*e->value.map, "validateRequestBody");
    v.parameters = true_at(*e->value.map, "validateRequestParameters");
    if (v.id.empty() && options_.existing != nullptr) {
      v.id = id_in(options_.existing->request_validators, v.name);
    }
    if (v.id.empty()) v.id = random_id(random_, 6);
  }
}

// Security schemes with an authorizer of API Gateway.
void Importer::authorizers() {
  const Map* components = map_at(document_, "components");
  const Map* schemes = components != nullptr ? map_at(*components, "securitySchemes")
                                             : map_at(document_, "securityDefinitions");
  if (schemes == nullptr) return;
  for (const Entry* e : schemes->entries) {
    if (e->value.kind != Kind::kMap) continue;
    const Map* authorizer = map_at(*e->value.map, "x-amazon-apigateway-authorizer");
    if (authorizer == nullptr) continue;
    Authorizer& a = named(api_.authorizers, text_of(e->key));
    a.type = upper(text_at(*authorizer, "type"));
    a.scheme = json_of(e->value);
    if (a.id.empty() && options_.existing != nullptr) {
      a.id = id_in(options_.existing->authorizers, a.name);
    }
    if (a.id.empty()) a.id = random_id(random_, 6);
  }
}

}  // namespace sluice::gateway
