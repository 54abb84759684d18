// Resources, methods and method responses of one API (control_replies.h).
#include <algorithm>

#include "gateway/control_replies.h"
#include "gateway/model_check.h"
#include "gateway/model_json.h"

namespace sluice::gateway {

Named find_resource(RestApi& api, const Asked& asked) {
  for (Resource& r : api.resources) {
    if (r.id == asked.parts[3]) return {&r, nullptr, ""};
  }
  return {nullptr, nullptr, "Invalid Resource identifier specified"};
}

Named find_method(RestApi& api, const Asked& asked) {
  Named found = find_resource(api, asked);
  if (found.resource == nullptr) return found;
  const auto at = found.resource->methods.find(asked.parts[5]);
  if (at == found.resource->methods.end()) {
    found.missing = "Invalid Method identifier specified";
  } else {
    found.method = &at->second;
  }
  return found;
}

std::optional<http::Response> not_available(const Asked& asked,
                                            std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    const Value v = asked.body->get(name);
    if (v.is_null() || (v.kind == Kind::kBool && !v.boolean)) continue;
    return bad_request("'" + std::string(name) + "' is not available yet");
  }
  return std::nullopt;
}

namespace {

// The resource's own path, and those of all below it.
void renew_paths(RestApi& api) {
  for (std::size_t done = 0; done < api.resources.size(); ++done) {
    for (Resource& r : api.resources) {
      const auto parent = std::find_if(api.resources.begin(), api.resources.end(),
                                       [&](const Resource& p) { return p.id == r.parent_id; });
      if (parent == api.resources.end()) continue;
      r.path = (parent->path == "/" ? "" : parent->path) + "/" + r.path_part;
    }
  }
}

bool is_below(const RestApi& api, std::string id, const std::string& above) {
  for (std::size_t steps = 0; steps <= api.resources.size() && !id.empty(); ++steps) {
    if (id == above) return true;
    const auto at = std::find_if(api.resources.begin(), api.resources.end(),
                                 [&](const Resource& r) { return r.id == id; });
    id = at == api.resources.end() ? "" : at->parent_id;
  }
  return false;
}

http::Response resource_reply(int status, const Resource& r, bool methods) {
  return written(status, [&](base::JsonWriter& out) { write_resource(out, r, methods); });
}

bool embeds_methods(const Asked& asked) {
  return std::any_of(asked.query.begin(), asked.query.end(), [](const auto& pair) {
    return pair.first == "embed" && pair.second == "methods";
  });
}

http::Response get_resources(RestApi& api, const Asked& asked, base::Random&) {
  const bool methods = embeds_methods(asked);
  return page(api.resources, asked.number("position", 0), asked.limit(),
              [&](base::JsonWriter& out, const Resource& r) { write_resource(out, r, methods); });
}

http::Response get_resource(RestApi& api, const Asked& asked, base::Random&) {
  const Named found = find_resource(api, asked);
  if (found.resource == nullptr) return not_found(found.missing);
  return resource_reply(200, *found.resource, embeds_methods(asked));
}

std::optional<http::Response> refused_part(const RestApi& api, const Resource& parent,
                                           const std::string& part, const std::string& self) {
  if (const auto problem = problem_of_path_part(api, parent, part, self)) {
    return bad_request(*problem);
  }
  for (const Resource& r : api.resources) {
    if (r.parent_id == parent.id && r.path_part == part && r.id != self) {
      return error(409, "ConflictException",
                   "Another resource with the same parent already has this name: " + part);
    }
  }
  return std::nullopt;
}

http::Response create_resource(RestApi& api, const Asked& asked, base::Random& random) {
  const Named parent = find_resource(api, asked);
  if (parent.resource == nullptr) return not_found(parent.missing);
  Resource r;
  r.path_part = fields::text(*asked.body, "pathPart");
  if (auto refused = refused_part(api, *parent.resource, r.path_part, "")) {
    return std::move(*refused);
  }
  if (api.resources.size() >= kResourcesMax) {
    return error(429, "LimitExceededException", "more than 300 resources");
  }
  r.id = random_id(random, 6);
  r.parent_id = parent.resource->id;
  api.resources.push_back(std::move(r));
  renew_paths(api);
  return resource_reply(201, api.resources.back(), false);
}

http::Response update_resource(RestApi& api, const Asked& asked, base::Random&) {
  static const PatchField<Resource> kFields[] = {{"pathPart", &Resource::path_part},
                                                 {"parentId", &Resource::parent_id}};
  const Named found = find_resource(api, asked);
  if (found.resource == nullptr) return not_found(found.missing);
  Resource& r = *found.resource;
  if (r.parent_id.empty()) return bad_request("Root resource cannot be updated");
  if (auto refused = patched<Resource>(r, kFields, asked)) return std::move(*refused);
  const auto parent = std::find_if(api.resources.begin(), api.resources.end(),
                                   [&](const Resource& p) { return p.id == r.parent_id; });
  if (parent == api.resources.end()) return not_found("Invalid Resource identifier specified");
  if (is_below(api, parent->id, r.id)) {
    return bad_request("Resources cannot be moved below themselves");
  }
  if (auto refused = refused_part(api, *parent, r.path_part, r.id)) return std::move(*refused);
  renew_paths(api);
  return resource_reply(200, r, false);
}

http::Response delete_resource(RestApi& api, const Asked& asked, base::Random&) {
  const Named found = find_resource(api, asked);
  if (found.resource == nullptr) return not_found(found.missing);
  if (found.resource->parent_id.empty()) return bad_request("Root resource cannot be deleted");
  const std::string id = found.resource->id;
  std::vector<Resource> kept;
  for (const Resource& r : api.resources) {
    if (!is_below(api, r.id, id)) kept.push_back(r);
  }
  api.resources = std::move(kept);
  return reply(202, "");
}

bool has_id(const auto& all, const std::string& id) {
  return std::any_of(all.begin(), all.end(), [&](const auto& one) { return one.id == id; });
}

std::optional<std::string> problem_of(const RestApi& api, const MethodModel& m) {
  const std::string& type = m.authorization_type;
  const bool own = type == "CUSTOM" || type == "COGNITO_USER_POOLS";
  if (type != "NONE" && type != "AWS_IAM" && !own) {
    return "Invalid authorization type specified. Valid options are NONE,AWS_IAM,CUSTOM,"
           "COGNITO_USER_POOLS";
  }
  if (own && !has_id(api.authorizers, m.authorizer_id)) {
    return "Invalid authorizer ID specified. Setting the authorization type to CUSTOM or "
           "COGNITO_USER_POOLS requires a valid authorizer.";
  }
  if (!m.request_validator_id.empty() && !has_id(api.request_validators, m.request_validator_id)) {
    return "Invalid Request Validator identifier specified";
  }
  for (const auto& [name, required] : m.request_parameters) {
    const bool known = name.starts_with("method.request.path.") ||
                       name.starts_with("method.request.querystring.") ||
                       name.starts_with("method.request.header.");
    if (!known) {
      return "Invalid mapping expression specified: Validation Result: warnings : [], errors : "
             "[Invalid mapping expression parameter specified: " +
             name + "]";
    }
  }
  for (const auto& [media_type, model] : m.request_models) {
    if (!api.models.contains(model)) return "Invalid model identifier specified: " + model;
  }
  return std::nullopt;
}

http::Response method_reply(int status, const MethodModel& m) {
  return written(status, [&](base::JsonWriter& out) { write_method(out, m); });
}

http::Response put_method(RestApi& api, const Asked& asked, base::Random&) {
  static constexpr std::string_view kMethods[] = {"GET",   "PUT",     "POST", "DELETE",
                                                  "PATCH", "OPTIONS", "HEAD", "ANY"};
  const Named found = find_resource(api, asked);
  if (found.resource == nullptr) return not_found(found.missing);
  const std::string& name = asked.parts[5];
  if (std::find(std::begin(kMethods), std::end(kMethods), name) == std::end(kMethods)) {
    return bad_request(
        "Invalid HttpMethod specified. Valid options are "
        "GET,PUT,POST,DELETE,PATCH,OPTIONS,HEAD,ANY");
  }
  if (found.resource->methods.contains(name)) {
    return error(409, "ConflictException", "Method already exists for this resource");
  }
  if (auto refused = not_available(asked, {"authorizationScopes"})) return std::move(*refused);
  MethodModel m = read_method(*asked.body);
  m.http_method = name;
  m.responses.clear();
  m.integration.reset();
  if (const auto problem = problem_of(api, m)) return bad_request(*problem);
  return method_reply(201, found.resource->methods[name] = std::move(m));
}

http::Response get_method(RestApi& api, const Asked& asked, base::Random&) {
  const Named found = find_method(api, asked);
  if (found.method == nullptr) return not_found(found.missing);
  return method_reply(200, *found.method);
}

http::Response update_method(RestApi& api, const Asked& asked, base::Random&) {
  static const PatchField<MethodModel> kFields[] = {
      {"authorizationType", &MethodModel::authorization_type},
      {"authorizerId", &MethodModel::authorizer_id},
      {"apiKeyRequired", &MethodModel::api_key_required},
      {"operationName", &MethodModel::operation_name},
      {"requestParameters", &MethodModel::request_parameters},
      {"requestModels", &MethodModel::request_models},
      {"requestValidatorId", &MethodModel::request_validator_id}};
  const Named found = find_method(api, asked);
  if (found.method == nullptr) return not_found(found.missing);
  if (auto refused = patched<MethodModel>(*found.method, kFields, asked)) {
    return std::move(*refused);
  }
  if (const auto problem = problem_of(api, *found.method)) return bad_request(*problem);
  return method_reply(200, *found.method);
}

http::Response delete_method(RestApi& api, const Asked& asked, base::Random&) {
  const Named found = find_method(api, asked);
  if (found.method == nullptr) return not_found(found.missing);
  found.resource->methods.erase(asked.parts[5]);
  return reply(204, "");
}

std::optional<std::string> problem_of(const RestApi& api, const MethodResponse& r) {
  if (r.status_code.size() != 3 ||
      r.status_code.find_first_not_of("0123456789") != std::string::npos) {
    return "Invalid status code specified: " + r.status_code;
  }
  for (const auto& [name, required] : r.parameters) {
    if (!name.starts_with("method.response.header.")) {
      return "Invalid mapping expression specified: Validation Result: warnings : [], errors : "
             "[Invalid mapping expression parameter specified: " +
             name + "]";
    }
  }
  for (const auto& [media_type, model] : r.models) {
    if (!api.models.contains(model)) return "Invalid model identifier specified: " + model;
  }
  return std::nullopt;
}

http::Response response_reply(int status, const MethodResponse& r) {
  return written(status, [&](base::JsonWriter& out) { write_method_response(out, r); });
}

http::Response put_method_response(RestApi& api, const Asked& asked, base::Random&) {
  const Named found = find_method(api, asked);
  if (found.method == nullptr) return not_found(found.missing);
  MethodResponse r = read_method_response(*asked.body);
  r.status_code = asked.parts[7];
  if (const auto problem = problem_of(api, r)) return bad_request(*problem);
  for (const MethodResponse& other : found.method->responses) {
    if (other.status_code == r.status_code) {
      return error(409, "ConflictException", "Response already exists for this resource");
    }
  }
  return response_reply(201, found.method->responses.emplace_back(std::move(r)));
}

// GET, PATCH and DELETE of one response.
http::Response method_response(RestApi& api, const Asked& asked, base::Random&) {
  static const PatchField<MethodResponse> kFields[] = {
      {"responseParameters", &MethodResponse::parameters},
      {"responseModels", &MethodResponse::models}};
  const Named found = find_method(api, asked);
  if (found.method == nullptr) return not_found(found.missing);
  auto& all = found.method->responses;
  const auto at = std::find_if(all.begin(), all.end(), [&](const MethodResponse& r) {
    return r.status_code == asked.parts[7];
  });
  if (at == all.end()) return not_found("Invalid Response status code specified");
  if (asked.is("GET")) return response_reply(200, *at);
  if (asked.is("DELETE")) {
    all.erase(at);
    return reply(204, "");
  }
  if (auto refused = patched<MethodResponse>(*at, kFields, asked)) return std::move(*refused);
  if (const auto problem = problem_of(api, *at)) return bad_request(*problem);
  return response_reply(201, *at);
}

}  // namespace

std::span<const ApiRoute> resource_routes() {
  static constexpr ApiRoute kRoutes[] = {
      {"GET", "resources", get_resources},
      {"GET", "resources/*", get_resource},
      {"POST", "resources/*", create_resource},
      {"PATCH", "resources/*", update_resource},
      {"DELETE", "resources/*", delete_resource},
      {"PUT", "resources/*/methods/*", put_method},
      {"GET", "resources/*/methods/*", get_method},
      {"PATCH", "resources/*/methods/*", update_method},
      {"DELETE", "resources/*/methods/*", delete_method},
      {"PUT", "resources/*/methods/*/responses/*", put_method_response},
      {"GET", "resources/*/methods/*/responses/*", method_response},
      {"PATCH", "resources/*/methods/*/responses/*", method_response},
      {"DELETE", "resources/*/methods/*/responses/*", method_response},
  };
  return kRoutes;
}

}  // namespace sluice::gateway
