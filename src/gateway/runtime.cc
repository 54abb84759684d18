#include "gateway/runtime.h"

#include <charconv>

#include "aws/arn.h"
#include "gateway/model_json.h"

namespace sluice::gateway {

StageRuntime::StageRuntime(RestApi api, Stage stage)
    : api_(std::move(api)),
      stage_(std::move(stage)),
      router_(api_.resources),
      schemas_(api_.models) {
  compile_gateway_responses();
  methods_.resize(api_.resources.size());
  for (std::size_t i = 0; i < api_.resources.size(); ++i) {
    for (const auto& [name, model] : api_.resources[i].methods) {
      compile(api_.resources[i], model, methods_[i][name]);
    }
  }
}

void StageRuntime::compile_gateway_responses() {
  for (const auto& [type, r] : api_.gateway_responses) {
    CompiledGatewayResponse& out = gateway_responses_[type];
    std::from_chars(r.status_code.data(), r.status_code.data() + r.status_code.size(), out.status);
    if (out.status < 100 || out.status > 599) out.status = 0;
    out.templates = r.templates;
    for (const auto& [target, source] : r.parameters) {
      if (auto mapping = parse_gateway_mapping(target, source)) {
        out.headers.push_back(std::move(*mapping));
      } else {
        problems_.push_back("gateway response " + type + ": the mapping of '" + target +
                            "' is broken");
      }
    }
  }
}

void StageRuntime::compile_validator(const MethodModel& model, CompiledMethod& out) {
  for (const RequestValidator& v : api_.request_validators) {
    if (v.id != model.request_validator_id) continue;
    if (v.body) out.body_models = model.request_models;
    if (!v.parameters) continue;
    for (const auto& [name, required] : model.request_parameters) {
      if (required)
        out.required.push_back(parse_expression(name, "method.request.", "method.request.body"));
    }
  }
}

const CompiledGatewayResponse* StageRuntime::gateway_response(ResponseType type, int status) const {
  const ResponseType by_class =
      status < 500 ? ResponseType::kDefault4xx : ResponseType::kDefault5xx;
  for (const ResponseType wanted : {type, by_class}) {
    const auto found = gateway_responses_.find(to_text(wanted));
    if (found != gateway_responses_.end()) return &found->second;
  }
  return nullptr;
}

const CompiledMethod* StageRuntime::method(std::size_t resource, const std::string& name) const {
  const auto found = methods_[resource].find(name);
  return found == methods_[resource].end() ? nullptr : &found->second;
}

CompiledTemplate StageRuntime::compile_template(const std::string& media_type,
                                                const std::string& text, const std::string& where) {
  CompiledTemplate t;
  t.media_type = lower(media_type);
  auto compiled = vtl::Template::compile(text);
  if (compiled) {
    t.body = std::move(*compiled);
  } else {
    t.error = "line " + std::to_string(compiled.error().line) + ", column " +
              std::to_string(compiled.error().column) + ": " + compiled.error().message;
    problems_.push_back("the " + media_type + " template of " + where +
                        " does not compile: " + t.error);
  }
  return t;
}

std::optional<std::string> StageRuntime::with_stage_variables(std::string_view text) const {
  constexpr std::string_view kOpen = "${stageVariables.";
  std::string out;
  for (;;) {
    const std::size_t at = text.find(kOpen);
    const std::size_t end = at == std::string_view::npos ? at : text.find('}', at);
    if (end == std::string_view::npos) return out += text;
    out += text.substr(0, at);
    const std::string name(text.substr(at + kOpen.size(), end - at - kOpen.size()));
    const auto found = stage_.variables.find(name);
    if (found == stage_.variables.end()) return std::nullopt;
    out += found->second;
    text.remove_prefix(end + 1);
  }
}

// arn:aws:apigateway:us-east-1:kinesis:action/PutRecord
void StageRuntime::compile_uri(const Integration& integration, CompiledMethod& out) {
  const auto uri = with_stage_variables(integration.uri);
  if (!uri) {
    out.broken = "Invalid endpoint address: a stage variable of " + integration.uri + " is not set";
    return;
  }
  const auto arn = aws::parse_arn(*uri);
  if (!arn || arn->service != "apigateway") {
    out.refusal = "Invalid endpoint address: the integration's uri is no arn:aws:apigateway:…";
    return;
  }
  out.region = arn->region;
  // The service stands where other ARNs have the account; a subdomain may stand before it.
  out.service = arn->account.substr(arn->account.rfind('.') + 1);
  std::string_view rest = arn->resource;
  if (rest.starts_with("action/")) {
    out.action = rest.substr(
        7, rest.find('&') == std::string_view::npos ? std::string_view::npos : rest.find('&') - 7);
  } else if (!rest.starts_with("path/")) {
    out.refusal = "AWS ARN for integration must contain path or action";
  }
  if (out.service != "kinesis") {
    out.refusal = "integrations with the service '" + out.service + "' are not available";
  }
  if (integration.http_method != "POST") {
    out.refusal = "the integration's HTTP method must be POST to name an action";
  }
}

// http://host/path/{name}
void StageRuntime::compile_http(const Integration& integration, CompiledMethod& out) {
  const auto uri = with_stage_variables(integration.uri);
  if (!uri || !(lower(*uri).starts_with("http://") || lower(*uri).starts_with("https://"))) {
    out.broken = "Invalid endpoint address: " + integration.uri;
    return;
  }
  out.uri = *uri;
  if (integration.http_method != "ANY") out.http_method = integration.http_method;
  if (!integration.connection_type.empty() && integration.connection_type != "INTERNET") {
    out.refusal = "integrations by " + integration.connection_type + " are not available";
  }
}

void StageRuntime::compile(const Resource& resource, const MethodModel& model,
                           CompiledMethod& out) {
  const std::string where = model.http_method + " " + resource.path;
  if (model.authorization_type != "NONE" || model.api_key_required) {
    out.refusal = "this method asks for an authorizer or an API key, which are not available yet";
  }
  compile_validator(model, out);
  if (!model.integration) return;
  const Integration& integration = *model.integration;
  out.has_integration = true;
  out.type = integration.type;
  out.passthrough = integration.passthrough;
  out.content_handling = integration.content_handling;
  out.timeout = std::chrono::milliseconds(integration.timeout_ms);
  if (resource.path.ends_with("+}")) {
    const std::size_t open = resource.path.rfind('{');
    out.greedy = resource.path.substr(open + 1, resource.path.size() - open - 3);
  }
  if (integration.type == IntegrationType::kAws && out.refusal.empty()) {
    compile_uri(integration, out);
  } else if (integration.type == IntegrationType::kHttp ||
             integration.type == IntegrationType::kHttpProxy) {
    compile_http(integration, out);
  } else if (integration.type != IntegrationType::kMock && out.refusal.empty()) {
    out.refusal =
        "integrations of type " + std::string(to_text(integration.type)) + " are not available yet";
  }
  if (!out.refusal.empty()) problems_.push_back(where + ": " + out.refusal);
  for (const auto& [target, source] : integration.request_parameters) {
    if (auto mapping = parse_request_mapping(target, source)) {
      out.request.push_back(std::move(*mapping));
    } else {
      out.refusal = "the mapping of '" + target + "' is broken";
      problems_.push_back(where + ": " + out.refusal);
    }
  }
  for (const auto& [media_type, text] : integration.request_templates) {
    out.templates.push_back(compile_template(media_type, text, where));
  }
  for (const IntegrationResponse& r : integration.responses) {
    CompiledResponse response;
    std::from_chars(r.status_code.data(), r.status_code.data() + r.status_code.size(),
                    response.status);
    response.pattern = r.selection_pattern;
    response.content_handling = r.content_handling;
    for (const auto& [target, source] : r.parameters) {
      if (auto mapping = parse_response_mapping(target, source)) {
        response.headers.push_back(std::move(*mapping));
      } else {
        problems_.push_back(where + ": the response mapping of '" + target + "' is broken");
      }
    }
    for (const auto& [media_type, text] : r.templates) {
      response.templates.push_back(compile_template(media_type, text, where));
    }
    out.responses.push_back(std::move(response));
  }
}

std::vector<std::string> find_problems(const RestApi& api) {
  return StageRuntime(api, Stage()).problems();
}

}  // namespace sluice::gateway
