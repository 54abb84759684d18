// Integrations and their responses (control_replies.h).
#include <algorithm>
#include <charconv>

#include "gateway/control_replies.h"
#include "gateway/mapping.h"
#include "gateway/model_check.h"
#include "gateway/model_json.h"

namespace sluice::gateway {
namespace {

std::string enum_problem(std::string_view value, std::string_view member, std::string_view set) {
  return "1 validation error detected: Value '" + std::string(value) + "' at '" +
         std::string(member) +
         "' failed to satisfy constraint: Member must satisfy enum value set: " + std::string(set);
}

std::string mapping_problem(const std::string& what) {
  return "Invalid mapping expression specified: Validation Result: warnings : [], errors : "
         "[Invalid mapping expression parameter specified: " +
         what + "]";
}

// Values of the body that the reader would take for their defaults.
std::optional<std::string> problem_of_values(const Map& body) {
  const std::string type = fields::text(body, "type");
  if (!type.empty() && !parse_integration_type(type)) {
    return enum_problem(type, "putIntegrationInput.type",
                        "[HTTP, MOCK, AWS_PROXY, HTTP_PROXY, AWS]");
  }
  const std::string passthrough = fields::text(body, "passthroughBehavior");
  if (!passthrough.empty() && !parse_passthrough(passthrough)) {
    return "Invalid passthrough behavior specified: " + passthrough;
  }
  const std::string handling = fields::text(body, "contentHandling");
  if (!handling.empty() && !parse_content_handling(handling)) {
    return enum_problem(handling, "contentHandling", "[CONVERT_TO_BINARY, CONVERT_TO_TEXT]");
  }
  return std::nullopt;
}

std::optional<std::string> problem_of_all(const Integration& i) {
  if (i.type != IntegrationType::kMock && i.http_method.empty()) {
    return "Enumeration value for HttpMethod must be non-empty";
  }
  for (const auto& [target, source] : i.request_parameters) {
    if (!parse_request_mapping(target, source)) return mapping_problem(target + " = " + source);
  }
  return problem_of(i);
}

http::Response integration_reply(int status, const Integration& i) {
  return written(status, [&](base::JsonWriter& out) { write_integration(out, i); });
}

http::Response put_integration(RestApi& api, const Asked& asked, base::Random&) {
  const Named found = find_method(api, asked);
  if (found.method == nullptr) return not_found(found.missing);
  if (fields::text(*asked.body, "type").empty()) {
    return bad_request(
        "1 validation error detected: Value at 'type' failed to satisfy "
        "constraint: Member must not be null");
  }
  if (const auto problem = problem_of_values(*asked.body)) return bad_request(*problem);
  if (auto refused =
          not_available(asked, {"tlsConfig", "responseTransferMode", "integrationTarget"})) {
    return std::move(*refused);
  }
  Integration i = read_integration(*asked.body);
  i.http_method = upper(i.http_method);
  i.responses.clear();
  const bool http = i.type == IntegrationType::kHttp || i.type == IntegrationType::kHttpProxy;
  if (http && i.connection_type.empty()) i.connection_type = "INTERNET";
  if (i.cache_namespace.empty()) i.cache_namespace = found.resource->id;
  if (const auto problem = problem_of_all(i)) return bad_request(*problem);
  found.method->integration = std::move(i);
  return integration_reply(201, *found.method->integration);
}

bool set_timeout(Integration& i, const std::string& value) {
  const auto end = std::from_chars(value.data(), value.data() + value.size(), i.timeout_ms);
  return end.ec == std::errc() && end.ptr == value.data() + value.size();
}

bool set_passthrough(Integration& i, const std::string& value) {
  const auto p = parse_passthrough(value);
  i.passthrough = p.value_or(i.passthrough);
  return p.has_value();
}

template <class T>
bool set_handling(T& to, const std::string& value) {
  const auto handling = parse_content_handling(value);
  to.content_handling = handling.value_or(ContentHandling::kPassthrough);
  return handling || value.empty();
}

bool set_type(Integration& i, const std::string& value) {
  const auto type = parse_integration_type(value);
  i.type = type.value_or(i.type);
  return type.has_value();
}

http::Response update_integration(RestApi& api, const Asked& asked, base::Random&) {
  static const PatchField<Integration> kFields[] = {
      {"type", set_type},
      {"httpMethod", &Integration::http_method},
      {"uri", &Integration::uri},
      {"credentials", &Integration::credentials},
      {"connectionType", &Integration::connection_type},
      {"connectionId", &Integration::connection_id},
      {"requestParameters", &Integration::request_parameters},
      {"requestTemplates", &Integration::request_templates},
      {"passthroughBehavior", set_passthrough},
      {"contentHandling", set_handling<Integration>},
      {"timeoutInMillis", set_timeout},
      {"cacheNamespace", &Integration::cache_namespace},
      {"cacheKeyParameters", &Integration::cache_key_parameters}};
  Integration& i = *find_method(api, asked).method->integration;
  if (auto refused = patched<Integration>(i, kFields, asked)) return std::move(*refused);
  if (const auto problem = problem_of_all(i)) return bad_request(*problem);
  return integration_reply(200, i);
}

// GET, PATCH and DELETE.
http::Response integration(RestApi& api, const Asked& asked, base::Random& random) {
  const Named found = find_method(api, asked);
  if (found.method == nullptr) return not_found(found.missing);
  if (!found.method->integration) return not_found("Invalid Integration identifier specified");
  if (asked.is("GET")) return integration_reply(200, *found.method->integration);
  if (asked.is("PATCH")) return update_integration(api, asked, random);
  found.method->integration.reset();
  return reply(204, "");
}

std::optional<std::string> problem_of_response(const MethodModel& m, const IntegrationResponse& r) {
  const auto method_response =
      std::find_if(m.responses.begin(), m.responses.end(),
                   [&](const auto& other) { return other.status_code == r.status_code; });
  for (const auto& [target, source] : r.parameters) {
    if (method_response == m.responses.end() || !method_response->parameters.contains(target)) {
      return mapping_problem(target);
    }
    if (!parse_response_mapping(target, source)) return mapping_problem(source);
  }
  return std::nullopt;
}

http::Response response_reply(int status, const IntegrationResponse& r) {
  return written(status, [&](base::JsonWriter& out) { write_integration_response(out, r); });
}

http::Response put_response(RestApi& api, const Asked& asked, base::Random&) {
  const Named found = find_method(api, asked);
  if (found.method == nullptr) return not_found(found.missing);
  if (!found.method->integration) return not_found("Invalid Integration identifier specified");
  if (const auto problem = problem_of_values(*asked.body)) return bad_request(*problem);
  IntegrationResponse r = read_integration_response(*asked.body);
  r.status_code = asked.parts[8];
  const auto& declared = found.method->responses;
  if (std::none_of(declared.begin(), declared.end(),
                   [&](const auto& d) { return d.status_code == r.status_code; })) {
    return not_found("Invalid Response status code specified");
  }
  if (const auto problem = problem_of_response(*found.method, r)) return bad_request(*problem);
  auto& all = found.method->integration->responses;
  const auto at = std::find_if(all.begin(), all.end(),
                               [&](const auto& o) { return o.status_code == r.status_code; });
  if (at == all.end()) return response_reply(201, all.emplace_back(std::move(r)));
  return response_reply(201, *at = std::move(r));
}

// GET, PATCH and DELETE of one response.
http::Response integration_response(RestApi& api, const Asked& asked, base::Random&) {
  static const PatchField<IntegrationResponse> kFields[] = {
      {"selectionPattern", &IntegrationResponse::selection_pattern},
      {"responseParameters", &IntegrationResponse::parameters},
      {"responseTemplates", &IntegrationResponse::templates},
      {"contentHandling", set_handling<IntegrationResponse>}};
  const Named found = find_method(api, asked);
  if (found.method == nullptr) return not_found(found.missing);
  if (!found.method->integration) return not_found("Invalid Integration identifier specified");
  auto& all = found.method->integration->responses;
  const auto at = std::find_if(all.begin(), all.end(), [&](const IntegrationResponse& r) {
    return r.status_code == asked.parts[8];
  });
  if (at == all.end()) return not_found("Invalid Response status code specified");
  if (asked.is("GET")) return response_reply(200, *at);
  if (asked.is("DELETE")) {
    all.erase(at);
    return reply(204, "");
  }
  if (auto refused = patched<IntegrationResponse>(*at, kFields, asked)) return std::move(*refused);
  if (const auto problem = problem_of_response(*found.method, *at)) return bad_request(*problem);
  return response_reply(200, *at);
}

}  // namespace

std::span<const ApiRoute> integration_routes() {
  static constexpr ApiRoute kRoutes[] = {
      {"PUT", "resources/*/methods/*/integration", put_integration},
      {"GET", "resources/*/methods/*/integration", integration},
      {"PATCH", "resources/*/methods/*/integration", integration},
      {"DELETE", "resources/*/methods/*/integration", integration},
      {"PUT", "resources/*/methods/*/integration/responses/*", put_response},
      {"GET", "resources/*/methods/*/integration/responses/*", integration_response},
      {"PATCH", "resources/*/methods/*/integration/responses/*", integration_response},
      {"DELETE", "resources/*/methods/*/integration/responses/*", integration_response},
  };
  return kRoutes;
}

}  // namespace sluice::gateway
