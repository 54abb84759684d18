#include "gateway/runtime.h"

#include <charconv>

#include "aws/arn.h"
#include "gateway/model_json.h"

namespace sluice::gateway {
namespace {

using Source = Expression::Source;

Expression parse_expression(std::string_view text, std::string_view request_root,
                            std::string_view body_root) {
  Expression e;
  if (text.size() >= 2 && text.front() == '\'' && text.back() == '\'') {
    e.source = Source::kStatic;
    e.name = text.substr(1, text.size() - 2);
    return e;
  }
  const auto take = [&](std::string_view prefix, Source source) {
    if (!text.starts_with(prefix) || text.size() == prefix.size()) return false;
    e.source = source;
    e.name = text.substr(prefix.size());
    return true;
  };
  if (take("stageVariables.", Source::kStageVariable) || take("context.", Source::kContext))
    return e;
  if (text == body_root) {
    e.source = Source::kBody;
    return e;
  }
  if (text.starts_with(body_root) && text.size() > body_root.size() + 1 &&
      (text[body_root.size()] == '.' || text[body_root.size()] == '[')) {
    std::string_view rest = text.substr(body_root.size());
    if (rest.starts_with(".$")) rest.remove_prefix(2);
    auto path = jsonpath::Path::compile("$" + std::string(rest));
    if (path) {
      e.source = Source::kBody;
      e.path = std::move(*path);
    }
    return e;
  }
  if (!text.starts_with(request_root)) return e;
  text.remove_prefix(request_root.size());
  if (take("path.", Source::kPath) || take("querystring.", Source::kQuery) ||
      take("multivaluequerystring.", Source::kMultiQuery) || take("header.", Source::kHeader) ||
      take("multivalueheader.", Source::kMultiHeader)) {
    return e;
  }
  return e;
}

}  // namespace

std::optional<Mapping> parse_request_mapping(std::string_view target, std::string_view source) {
  Mapping m;
  constexpr std::string_view kRoot = "integration.request.";
  if (!target.starts_with(kRoot)) return std::nullopt;
  target.remove_prefix(kRoot.size());
  const std::size_t dot = target.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view place = target.substr(0, dot);
  if (place == "header") {
    m.place = Mapping::Place::kHeader;
  } else if (place == "path") {
    m.place = Mapping::Place::kPath;
  } else if (place == "querystring") {
    m.place = Mapping::Place::kQuery;
  } else {
    return std::nullopt;
  }
  m.name = target.substr(dot + 1);
  m.value = parse_expression(source, "method.request.", "method.request.body");
  if (m.name.empty() || m.value.source == Source::kBroken) return std::nullopt;
  return m;
}

std::optional<Mapping> parse_response_mapping(std::string_view target, std::string_view source) {
  constexpr std::string_view kRoot = "method.response.header.";
  if (!target.starts_with(kRoot) || target.size() == kRoot.size()) return std::nullopt;
  Mapping m;
  m.name = target.substr(kRoot.size());
  m.value = parse_expression(source, "integration.response.", "integration.response.body");
  if (m.value.source == Source::kBroken) return std::nullopt;
  return m;
}

StageRuntime::StageRuntime(RestApi api, Stage stage)
    : api_(std::move(api)), stage_(std::move(stage)), router_(api_.resources) {
  methods_.resize(api_.resources.size());
  for (std::size_t i = 0; i < api_.resources.size(); ++i) {
    for (const auto& [name, model] : api_.resources[i].methods) {
      compile(api_.resources[i], model, methods_[i][name]);
    }
  }
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
