// Models, request validators and gateway responses of one API (control_replies.h).
#include <algorithm>

#include "gateway/control_replies.h"
#include "gateway/model_check.h"
#include "gateway/model_json.h"
#include "gateway/model_schema.h"

namespace sluice::gateway {
namespace {

constexpr std::size_t kModelsMax = 1000;  // of one API
constexpr std::size_t kValidatorsMax = 1000;

void write_shown(base::JsonWriter& out, const RestApi& api, const std::string& name) {
  BodyModel shown = api.models.at(name);
  shown.schema = with_model_urls(std::move(shown.schema), api.id);
  write_model(out, name, shown);
}

http::Response model_reply(int status, const RestApi& api, const std::string& name) {
  return written(status, [&](base::JsonWriter& out) { write_shown(out, api, name); });
}

http::Response get_models(RestApi& api, const Asked& asked, base::Random&) {
  std::vector<std::string> names;
  for (const auto& [name, model] : api.models)
    names.push_back(name);
  return page(names, asked.number("position", 0), asked.limit(),
              [&](base::JsonWriter& out, const std::string& name) { write_shown(out, api, name); });
}

http::Response create_model(RestApi& api, const Asked& asked, base::Random& random) {
  const std::string name = fields::text(*asked.body, "name");
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  });
  if (name.empty() || !plain) return bad_request("Model name must be alphanumeric: " + name);
  if (api.models.contains(name)) {
    return error(409, "ConflictException", "Model name already exists for this REST API");
  }
  if (api.models.size() >= kModelsMax) {
    return error(429, "LimitExceededException", "more than 1000 models");
  }
  BodyModel model;
  model.content_type = fields::text(*asked.body, "contentType");
  if (model.content_type.empty()) return bad_request("Model content type must be non-empty");
  model.id = random_id(random, 6);
  model.description = fields::text(*asked.body, "description");
  model.schema = fields::text(*asked.body, "schema");
  if (model.schema.empty()) model.schema = "{}";
  if (!is_json(model.schema)) {
    return bad_request("Model schema must be a JSON object: " + model.schema.substr(0, 200));
  }
  model.schema = with_internal_references(std::move(model.schema));
  api.models[name] = std::move(model);
  return model_reply(201, api, name);
}

bool set_schema(BodyModel& model, const std::string& value) {
  model.schema = with_internal_references(value);
  return is_json(value);
}

// The method that names the model, if one does.
std::optional<std::string> user_of(const RestApi& api, const std::string& model) {
  for (const Resource& r : api.resources) {
    for (const auto& [name, m] : r.methods) {
      const auto names = [&](const StringMap& models) {
        return std::any_of(models.begin(), models.end(),
                           [&](const auto& pair) { return pair.second == model; });
      };
      bool used = names(m.request_models);
      for (const MethodResponse& response : m.responses)
        used = used || names(response.models);
      if (used) return name + " " + r.path;
    }
  }
  return std::nullopt;
}

// GET, PATCH and DELETE of one model.
http::Response model(RestApi& api, const Asked& asked, base::Random&) {
  static const PatchField<BodyModel> kFields[] = {{"description", &BodyModel::description},
                                                  {"schema", set_schema}};
  const auto at = api.models.find(asked.parts[3]);
  if (at == api.models.end()) {
    return not_found("Invalid model name specified: " + asked.parts[3]);
  }
  if (asked.is("DELETE")) {
    if (const auto user = user_of(api, at->first)) {
      return error(409, "ConflictException",
                   "Cannot delete model '" + at->first + "', is referenced by " + *user);
    }
    api.models.erase(at);
    return reply(202, "");
  }
  if (asked.is("PATCH")) {
    if (auto refused = patched<BodyModel>(at->second, kFields, asked)) return std::move(*refused);
  }
  return model_reply(200, api, at->first);
}

http::Response validator_reply(int status, const RequestValidator& v) {
  return written(status, [&](base::JsonWriter& out) { write_validator(out, v); });
}

http::Response get_validators(RestApi& api, const Asked& asked, base::Random&) {
  return page(api.request_validators, asked.number("position", 0), asked.limit(),
              [](base::JsonWriter& out, const RequestValidator& v) { write_validator(out, v); });
}

http::Response create_validator(RestApi& api, const Asked& asked, base::Random& random) {
  if (api.request_validators.size() >= kValidatorsMax) {
    return error(429, "LimitExceededException", "more than 1000 request validators");
  }
  RequestValidator v{random_id(random, 6), fields::text(*asked.body, "name"),
                     fields::boolean(*asked.body, "validateRequestBody"),
                     fields::boolean(*asked.body, "validateRequestParameters")};
  return validator_reply(201, api.request_validators.emplace_back(std::move(v)));
}

// GET, PATCH and DELETE of one validator.
http::Response validator(RestApi& api, const Asked& asked, base::Random&) {
  static const PatchField<RequestValidator> kFields[] = {
      {"name", &RequestValidator::name},
      {"validateRequestBody", &RequestValidator::body},
      {"validateRequestParameters", &RequestValidator::parameters}};
  auto& all = api.request_validators;
  const auto at = std::find_if(all.begin(), all.end(),
                               [&](const RequestValidator& v) { return v.id == asked.parts[3]; });
  if (at == all.end()) return not_found("Invalid Request Validator identifier specified");
  if (asked.is("DELETE")) {
    for (const Resource& r : api.resources) {
      for (const auto& [name, m] : r.methods) {
        if (m.request_validator_id != at->id) continue;
        return error(409, "ConflictException",
                     "Cannot delete request validator, is referenced by " + name + " " + r.path);
      }
    }
    all.erase(at);
    return reply(202, "");
  }
  if (asked.is("PATCH")) {
    if (auto refused = patched<RequestValidator>(*at, kFields, asked)) return std::move(*refused);
  }
  return validator_reply(200, *at);
}

const GatewayResponse* own_response(const RestApi& api, std::string_view type) {
  const auto at = api.gateway_responses.find(std::string(type));
  return at == api.gateway_responses.end() ? nullptr : &at->second;
}

http::Response get_gateway_responses(RestApi& api, const Asked&, base::Random&) {
  const auto types = gateway_response_types();
  const std::vector<std::string_view> all(types.begin(), types.end());
  return page(all, 0, all.size(), [&](base::JsonWriter& out, std::string_view type) {
    write_gateway_response(out, type, own_response(api, type));
  });
}

bool set_status(GatewayResponse& r, const std::string& value) {
  r.status_code = value;
  return value.empty() ||
         (value.size() == 3 && value.find_first_not_of("0123456789") == std::string::npos);
}

// All calls of one response type.
http::Response gateway_response(RestApi& api, const Asked& asked, base::Random&) {
  static const PatchField<GatewayResponse> kFields[] = {
      {"statusCode", set_status},
      {"responseParameters", &GatewayResponse::parameters},
      {"responseTemplates", &GatewayResponse::templates}};
  const std::string& type = asked.parts[3];
  if (!is_gateway_response_type(type)) {
    return asked.is("PUT") ? bad_request("Invalid gateway response type specified: " + type)
                           : not_found("Invalid gateway response type specified: " + type);
  }
  if (asked.is("DELETE")) {
    if (api.gateway_responses.erase(type) == 0) {
      return not_found("Gateway response type not defined on api");
    }
    return reply(202, "");
  }
  if (asked.is("PUT")) {
    GatewayResponse r{"", fields::ordered(*asked.body, "responseParameters"),
                      fields::ordered(*asked.body, "responseTemplates")};
    if (!set_status(r, fields::text(*asked.body, "statusCode"))) {
      return bad_request("Invalid status code specified: " + r.status_code);
    }
    api.gateway_responses[type] = std::move(r);
  }
  if (asked.is("PATCH")) {
    GatewayResponse& r = api.gateway_responses[type];
    if (auto refused = patched<GatewayResponse>(r, kFields, asked)) return std::move(*refused);
  }
  return written(asked.is("PUT") ? 201 : 200, [&](base::JsonWriter& out) {
    write_gateway_response(out, type, own_response(api, type));
  });
}

}  // namespace

std::span<const ApiRoute> part_routes() {
  static constexpr ApiRoute kRoutes[] = {
      {"GET", "models", get_models},
      {"POST", "models", create_model},
      {"GET", "models/*", model},
      {"PATCH", "models/*", model},
      {"DELETE", "models/*", model},
      {"GET", "requestvalidators", get_validators},
      {"POST", "requestvalidators", create_validator},
      {"GET", "requestvalidators/*", validator},
      {"PATCH", "requestvalidators/*", validator},
      {"DELETE", "requestvalidators/*", validator},
      {"GET", "gatewayresponses", get_gateway_responses},
      {"GET", "gatewayresponses/*", gateway_response},
      {"PUT", "gatewayresponses/*", gateway_response},
      {"PATCH", "gatewayresponses/*", gateway_response},
      {"DELETE", "gatewayresponses/*", gateway_response},
  };
  return kRoutes;
}

}  // namespace sluice::gateway
