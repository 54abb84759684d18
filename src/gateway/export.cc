#include "gateway/export.h"

#include <chrono>
#include <set>

#include "base/json_writer.h"
#include "gateway/document.h"
#include "gateway/model_json.h"
#include "gateway/model_schema.h"
#include "gateway/print_document.h"

namespace sluice::gateway {
namespace {

using base::JsonWriter;

constexpr std::string_view kRequest = "method.request.";
constexpr std::string_view kResponseHeader = "method.response.header.";

// Appends compact JSON; printed for people by the caller.
class Exporter {
 public:
  Exporter(std::string& out, const RestApi& api, const std::string& stage,
           const ExportOptions& options)
      : out_(out), api_(api), stage_(stage), options_(options) {}

  void run();

 private:
  bool oas3() const { return options_.type == ExportType::kOas30; }
  void info();
  void servers();
  void paths();
  bool is_shown(const Resource& resource) const;
  void method(const Resource& resource, const MethodModel& method);
  void parameters(const MethodModel& method);
  void media_types(const MethodModel& method);
  void request_body(const MethodModel& method);
  void responses(const MethodModel& method);
  void security(const MethodModel& method);
  void integration(const Resource& resource, const Integration& integration);
  void integration_response(const IntegrationResponse& response);
  void components();
  void schemas();
  void security_schemes();
  void extensions();
  void gateway_responses();
  void validators();
  void tags();
  void reference(const std::string& model) {
    const std::string_view root = oas3() ? "#/components/schemas/" : "#/definitions/";
    out_.begin_object().field("$ref", std::string_view(std::string(root) + model)).end_object();
  }
  void text_type() {
    if (oas3()) out_.key("schema").begin_object();
    out_.field("type", "string");
    if (oas3()) out_.end_object();
  }
  void texts(std::string_view key, const OrderedMap& map) {
    if (map.empty()) return;
    out_.key(key).begin_object();
    for (const auto& [name, value] : map)
      out_.field(name, std::string_view(value));
    out_.end_object();
  }
  void list(std::string_view key, const std::vector<std::string>& items) {
    if (items.empty()) return;
    out_.key(key).begin_array();
    for (const std::string& item : items)
      out_.value(std::string_view(item));
    out_.end_array();
  }
  void optional(std::string_view key, const std::string& text) {
    if (!text.empty()) out_.field(key, std::string_view(text));
  }

  JsonWriter out_;
  const RestApi& api_;
  const std::string& stage_;
  const ExportOptions& options_;
};

void Exporter::run() {
  out_.begin_object();
  if (oas3()) {
    out_.field("openapi", "3.0.1");
  } else {
    out_.field("swagger", "2.0");
  }
  info();
  servers();
  if (options_.others) tags();
  paths();
  components();
  if (options_.others) extensions();
  out_.end_object();
}

void Exporter::info() {
  out_.key("info").begin_object().field("title", std::string_view(api_.name));
  optional("description", api_.description);
  optional("version", api_.version);
  out_.end_object();
}

void Exporter::servers() {
  const std::string host = api_.id + ".execute-api." + api_.region + ".amazonaws.com";
  if (!oas3()) {
    out_.field("host", std::string_view(host));
    out_.field("basePath", std::string_view("/" + stage_));
    out_.key("schemes").begin_array().value("https").end_array();
    return;
  }
  out_.key("servers").begin_array().begin_object();
  out_.field("url", std::string_view("https://" + host + "/{basePath}"));
  out_.key("variables").begin_object().key("basePath").begin_object();
  out_.field("default", std::string_view(stage_)).end_object().end_object();
  out_.end_object().end_array();
}

void Exporter::tags() {
  if (api_.tags.empty() || (api_.tags.size() == 1 && api_.tags.contains("_custom_id_"))) return;
  out_.key("tags").begin_array();
  for (const auto& [name, value] : api_.tags) {
    if (name == "_custom_id_") continue;  // the copy has an id of its own
    out_.begin_object().field("name", std::string_view(name));
    out_.field("x-amazon-apigateway-tag-value", std::string_view(value)).end_object();
  }
  out_.end_array();
}

// Resources without methods come back with the paths below them.
bool Exporter::is_shown(const Resource& resource) const {
  if (!resource.methods.empty()) return true;
  if (resource.path == "/") return false;
  for (const Resource& other : api_.resources) {
    if (other.parent_id == resource.id) return false;
  }
  return true;
}

void Exporter::paths() {
  out_.key("paths").begin_object();
  for (const Resource& r : api_.resources) {
    if (!is_shown(r)) continue;
    out_.key(r.path).begin_object();
    for (const auto& [name, m] : r.methods) {
      out_.key(name == "ANY" ? "x-amazon-apigateway-any-method" : lower(name));
      method(r, m);
    }
    out_.end_object();
  }
  out_.end_object();
}

void Exporter::method(const Resource& resource, const MethodModel& m) {
  out_.begin_object();
  optional("operationId", m.operation_name);
  media_types(m);
  parameters(m);
  request_body(m);
  responses(m);
  security(m);
  if (options_.others && !m.request_validator_id.empty()) {
    for (const RequestValidator& v : api_.request_validators) {
      if (v.id == m.request_validator_id) optional("x-amazon-apigateway-request-validator", v.name);
    }
  }
  if (options_.integrations && m.integration) integration(resource, *m.integration);
  out_.end_object();
}

// Swagger 2 says them for the whole operation.
void Exporter::media_types(const MethodModel& m) {
  if (oas3()) return;
  std::set<std::string> in;
  std::set<std::string> out;
  for (const auto& [type, model] : m.request_models)
    in.insert(type);
  for (const MethodResponse& r : m.responses) {
    for (const auto& [type, model] : r.models)
      out.insert(type);
  }
  list("consumes", {in.begin(), in.end()});
  list("produces", {out.begin(), out.end()});
}

void Exporter::parameters(const MethodModel& m) {
  const bool body = !oas3() && !m.request_models.empty();
  if (m.request_parameters.empty() && !body) return;
  out_.key("parameters").begin_array();
  for (const auto& [key, required] : m.request_parameters) {
    std::string_view rest = key;
    if (!rest.starts_with(kRequest)) continue;
    rest.remove_prefix(kRequest.size());
    const std::size_t dot = rest.find('.');
    if (dot == std::string_view::npos) continue;
    const std::string_view place = rest.substr(0, dot);
    out_.begin_object().field("name", rest.substr(dot + 1));
    out_.field("in", place == "querystring" ? std::string_view("query") : place);
    if (required) out_.field("required", true);
    text_type();
    out_.end_object();
  }
  if (body) {
    const std::string& model = m.request_models.begin()->second;
    out_.begin_object().field("in", "body").field("name", std::string_view(model));
    out_.field("required", true).key("schema");
    reference(model);
    out_.end_object();
  }
  out_.end_array();
}

void Exporter::request_body(const MethodModel& m) {
  if (!oas3() || m.request_models.empty()) return;
  out_.key("requestBody").begin_object().key("content").begin_object();
  for (const auto& [type, model] : m.request_models) {
    out_.key(type).begin_object().key("schema");
    reference(model);
    out_.end_object();
  }
  out_.end_object().field("required", true).end_object();
}

void Exporter::responses(const MethodModel& m) {
  out_.key("responses").begin_object();
  for (const MethodResponse& r : m.responses) {
    out_.key(r.status_code).begin_object();
    out_.field("description", std::string_view(r.status_code + " response"));
    if (!r.parameters.empty()) {
      out_.key("headers").begin_object();
      for (const auto& [key, required] : r.parameters) {
        if (!key.starts_with(kResponseHeader)) continue;
        out_.key(std::string_view(key).substr(kResponseHeader.size())).begin_object();
        text_type();
        out_.end_object();
      }
      out_.end_object();
    }
    if (oas3()) {
      out_.key("content").begin_object();
      for (const auto& [type, model] : r.models) {
        out_.key(type).begin_object().key("schema");
        reference(model);
        out_.end_object();
      }
      out_.end_object();
    } else if (!r.models.empty()) {
      out_.key("schema");
      reference(r.models.begin()->second);
    }
    out_.end_object();
  }
  out_.end_object();
}

void Exporter::security(const MethodModel& m) {
  std::vector<std::string> schemes;
  if (m.api_key_required) schemes.emplace_back("api_key");
  if (options_.authorizers) {
    if (m.authorization_type == "AWS_IAM") schemes.emplace_back("sigv4");
    for (const Authorizer& a : api_.authorizers) {
      if (a.id == m.authorizer_id) schemes.push_back(a.name);
    }
  }
  if (!schemes.empty()) {
    out_.key("security").begin_array();
    for (const std::string& scheme : schemes)
      out_.begin_object().key(scheme).begin_array().end_array().end_object();
    out_.end_array();
  }
  const bool nameless = m.authorizer_id.empty() && m.authorization_type != "NONE" &&
                        m.authorization_type != "AWS_IAM";
  if (options_.authorizers && nameless) {
    out_.key("x-amazon-apigateway-auth").begin_object();
    out_.field("type", std::string_view(m.authorization_type)).end_object();
  }
}

void Exporter::integration(const Resource& resource, const Integration& i) {
  out_.key("x-amazon-apigateway-integration").begin_object();
  out_.field("type", std::string_view(lower(to_text(i.type))));
  optional("credentials", i.credentials);
  optional("httpMethod", i.http_method);
  optional("uri", i.uri);
  if (!i.responses.empty()) {
    out_.key("responses").begin_object();
    std::set<std::string> patterns;  // a call takes the first of a pattern
    for (const IntegrationResponse& r : i.responses) {
      const std::string pattern = r.selection_pattern.empty() ? "default" : r.selection_pattern;
      if (!patterns.insert(pattern).second) continue;
      out_.key(pattern);
      integration_response(r);
    }
    out_.end_object();
  }
  texts("requestParameters", i.request_parameters);
  texts("requestTemplates", i.request_templates);
  out_.field("passthroughBehavior", std::string_view(lower(to_text(i.passthrough))));
  if (i.connection_type != "INTERNET") optional("connectionType", i.connection_type);
  optional("connectionId", i.connection_id);
  optional("contentHandling", std::string(to_text(i.content_handling)));
  if (i.timeout_ms != 29000) out_.field("timeoutInMillis", i.timeout_ms);
  if (i.cache_namespace != resource.id) optional("cacheNamespace", i.cache_namespace);
  list("cacheKeyParameters", i.cache_key_parameters);
  out_.end_object();
}

void Exporter::integration_response(const IntegrationResponse& r) {
  out_.begin_object().field("statusCode", std::string_view(r.status_code));
  texts("responseParameters", r.parameters);
  texts("responseTemplates", r.templates);
  optional("contentHandling", std::string(to_text(r.content_handling)));
  out_.end_object();
}

void Exporter::components() {
  if (oas3()) out_.key("components").begin_object();
  schemas();
  security_schemes();
  if (oas3()) out_.end_object();
}

void Exporter::schemas() {
  if (api_.models.empty()) return;
  out_.key(oas3() ? "schemas" : "definitions").begin_object();
  for (const auto& [name, model] : api_.models)
    out_.key(name).raw(oas3() ? model.schema : with_definitions(model.schema));
  out_.end_object();
}

void Exporter::security_schemes() {
  bool keys = false;
  bool iam = false;
  for (const Resource& r : api_.resources) {
    for (const auto& [name, m] : r.methods) {
      keys = keys || m.api_key_required;
      iam = iam || (options_.authorizers && m.authorization_type == "AWS_IAM");
    }
  }
  const bool own = options_.authorizers && !api_.authorizers.empty();
  if (!keys && !iam && !own) return;
  out_.key(oas3() ? "securitySchemes" : "securityDefinitions").begin_object();
  if (keys) {
    out_.key("api_key").begin_object().field("type", "apiKey").field("name", "x-api-key");
    out_.field("in", "header").end_object();
  }
  if (iam) {
    out_.key("sigv4").begin_object().field("type", "apiKey").field("name", "Authorization");
    out_.field("in", "header").field("x-amazon-apigateway-authtype", "awsSigv4").end_object();
  }
  if (own) {
    for (const Authorizer& a : api_.authorizers)
      out_.key(a.name).raw(a.scheme);
  }
  out_.end_object();
}

void Exporter::extensions() {
  gateway_responses();
  validators();
  list("x-amazon-apigateway-binary-media-types", api_.binary_media_types);
  if (api_.minimum_compression_size) {
    out_.field("x-amazon-apigateway-minimum-compression-size", *api_.minimum_compression_size);
  }
  if (api_.api_key_source != "HEADER") {
    optional("x-amazon-apigateway-api-key-source", api_.api_key_source);
  }
  if (!api_.policy.empty()) out_.key("x-amazon-apigateway-policy").raw(api_.policy);
  if (!api_.documentation.empty()) {
    out_.key("x-amazon-apigateway-documentation").raw(api_.documentation);
  }
  if (api_.disable_execute_api_endpoint || !api_.vpc_endpoint_ids.empty()) {
    out_.key("x-amazon-apigateway-endpoint-configuration").begin_object();
    if (api_.disable_execute_api_endpoint) out_.field("disableExecuteApiEndpoint", true);
    list("vpcEndpointIds", api_.vpc_endpoint_ids);
    out_.end_object();
  }
}

void Exporter::gateway_responses() {
  if (api_.gateway_responses.empty()) return;
  out_.key("x-amazon-apigateway-gateway-responses").begin_object();
  for (const auto& [type, r] : api_.gateway_responses) {
    out_.key(type).begin_object();
    optional("statusCode", r.status_code);
    texts("responseParameters", r.parameters);
    texts("responseTemplates", r.templates);
    out_.end_object();
  }
  out_.end_object();
}

void Exporter::validators() {
  if (api_.request_validators.empty()) return;
  out_.key("x-amazon-apigateway-request-validators").begin_object();
  for (const RequestValidator& v : api_.request_validators) {
    out_.key(v.name).begin_object().field("validateRequestParameters", v.parameters);
    out_.field("validateRequestBody", v.body).end_object();
  }
  out_.end_object();
}

}  // namespace

std::string export_openapi(const RestApi& api, const std::string& stage,
                           const ExportOptions& options) {
  std::string compact;
  Exporter(compact, api, stage, options).run();
  return options.format == ExportFormat::kJson ? print_json(compact) : print_yaml(compact);
}

}  // namespace sluice::gateway
