#include "gateway/control_plane.h"

#include <algorithm>
#include <charconv>

#include "aws/arn.h"
#include "aws/json_protocol.h"
#include "aws/sigv4.h"
#include "base/json_writer.h"
#include "base/log.h"
#include "gateway/control_replies.h"
#include "gateway/document.h"
#include "gateway/export.h"
#include "gateway/model_check.h"
#include "gateway/model_json.h"

namespace sluice::gateway {
namespace {

constexpr base::Logger kLog{"gateway"};

constexpr std::size_t kTagsMax = 50;  // AWS' quota of a resource

bool set_compression(RestApi& api, const std::string& value) {
  int size = 0;
  const auto end = std::from_chars(value.data(), value.data() + value.size(), size);
  api.minimum_compression_size.reset();
  if (value.empty()) return true;
  if (end.ec != std::errc() || end.ptr != value.data() + value.size()) return false;
  api.minimum_compression_size = size;
  return size >= 0 && size <= kCompressionBytesMax;
}

std::optional<std::string> problem_of_endpoint(const RestApi& api) {
  for (const std::string& type : api.endpoint_types) {
    if (type != "EDGE" && type != "REGIONAL" && type != "PRIVATE") {
      return "Invalid endpoint type '" + type + "'. Valid are EDGE, REGIONAL and PRIVATE";
    }
  }
  return std::nullopt;
}

// What a new API may say of itself beside its name.
std::optional<std::string> read_new_api(const Map& body, RestApi& api) {
  api.description = fields::text(body, "description");
  api.version = fields::text(body, "version");
  api.binary_media_types = fields::texts(body, "binaryMediaTypes");
  api.tags = fields::strings(body, "tags");
  if (api.tags.size() > kTagsMax) return "a resource has at most 50 tags";
  api.policy = fields::text(body, "policy");
  if (!api.policy.empty() && !is_json(api.policy)) return "Invalid policy document";
  if (const std::string source = fields::text(body, "apiKeySource"); !source.empty()) {
    if (source != "HEADER" && source != "AUTHORIZER") return "Invalid API key source: " + source;
    api.api_key_source = source;
  }
  api.disable_execute_api_endpoint = fields::boolean(body, "disableExecuteApiEndpoint");
  const Value size = body.get("minimumCompressionSize");
  if (size.is_integral() && !set_compression(api, std::to_string(size.integer))) {
    return "Invalid minimum compression size, must be between 0 and 10485760";
  }
  const Value endpoint = body.get("endpointConfiguration");
  if (endpoint.kind == Kind::kMap) {
    if (auto types = fields::texts(*endpoint.map, "types"); !types.empty()) {
      api.endpoint_types = std::move(types);
    }
    api.vpc_endpoint_ids = fields::texts(*endpoint.map, "vpcEndpointIds");
  }
  return problem_of_endpoint(api);
}

// What AWS gives a new API.
void add_default_models(RestApi& api, base::Random& random) {
  constexpr std::string_view kDraft = "\"$schema\":\"http://json-schema.org/draft-04/schema#\"";
  const std::string start = "{" + std::string(kDraft);
  api.models["Empty"] = {random_id(random, 6), "application/json",
                         "This is a default empty schema model",
                         start + R"(,"title":"Empty Schema","type":"object"})"};
  api.models["Error"] = {
      random_id(random, 6), "application/json", "This is a default error schema model",
      start +
          R"(,"title":"Error Schema","type":"object","properties":{"message":{"type":"string"}}})"};
}

// Does "resources/*" fit the parts from the third on?
bool fits(std::string_view pattern, const std::vector<std::string>& parts) {
  std::size_t at = 2;
  while (!pattern.empty()) {
    const std::string_view want = pattern.substr(0, pattern.find('/'));
    pattern.remove_prefix(std::min(pattern.size(), want.size() + 1));
    if (at == parts.size() || (want != "*" && want != parts[at])) return false;
    ++at;
  }
  return at == parts.size();
}

}  // namespace

http::Response store_error(const base::Failure<StoreError>& failure) {
  switch (failure.code) {
    case StoreError::kExists:
      return error(409, "ConflictException", failure.message);
    case StoreError::kMissing:
      return not_found(failure.message);
    case StoreError::kLimit:
      return error(429, "LimitExceededException", failure.message);
    case StoreError::kInUse:
      return bad_request(failure.message);
    case StoreError::kDisk:
      break;
  }
  kLog.error("{}", failure.message);
  return error(503, "ServiceUnavailableException", failure.message);
}

ControlPlane::ControlPlane(Store& store, DataPlane& data_plane, base::Clock& clock,
                           base::Random& random,
                           std::function<bool(std::function<void()>)> blocking)
    : store_(store),
      data_plane_(data_plane),
      clock_(clock),
      random_(random),
      blocking_(std::move(blocking)) {}

void ControlPlane::handle(http::Request&& request, http::Responder responder) {
  if (!blocking_) {
    responder.send(answer(request));
    return;
  }
  // std::function copies what it holds.
  auto job = std::make_shared<std::pair<http::Request, http::Responder>>(std::move(request),
                                                                         std::move(responder));
  if (!blocking_([this, job] { job->second.send(answer(job->first)); })) {
    job->second.send(error(429, "TooManyRequestsException", "Too Many Requests"));
  }
}

http::Response ControlPlane::answer(const http::Request& request) {
  Asked asked{
      request,
      aws::caller_of(aws::read_scope(request.headers.get("authorization"), request.query())),
      {},
      http::parse_query(request.query()),
      nullptr};
  std::string_view path = request.path();
  while (!path.empty()) {
    if (path.front() == '/') {
      path.remove_prefix(1);
      continue;
    }
    const std::string_view part = path.substr(0, path.find('/'));
    asked.parts.push_back(http::percent_decode(part, false).value_or(std::string(part)));
    path.remove_prefix(part.size());
  }
  http::Response out = dispatch(asked);
  out.headers.set("x-amzn-RequestId", aws::new_request_id(random_));
  return out;
}

http::Response ControlPlane::dispatch(const Asked& call) {
  Asked asked = call;
  // A change works on what the last change left.
  std::unique_lock changing(changes_, std::defer_lock);
  if (!asked.is("GET")) changing.lock();
  const bool imports =
      !asked.parts.empty() && asked.parts[0] == "restapis" &&
      ((asked.is("PUT") && asked.parts.size() == 2) ||
       (asked.is("POST") && asked.parts.size() == 1 && asked.parameter("mode") == "import"));
  Arena arena(std::size_t{64} << 20);
  const Map nothing;
  asked.body = &nothing;
  if (!asked.request.body.empty() && !imports) {
    const std::string& text = asked.request.body;
    const std::size_t start = text.find_first_not_of(" \t\r\n");
    const auto document = start != std::string::npos && text[start] == '{'
                              ? read_document(arena, text)
                              : base::fail(ImportError::kSyntax, "no JSON object");
    if (!document) return error(400, "SerializationException", document.error().message);
    asked.body = document->map;
  }
  if (!asked.parts.empty() && asked.parts[0] == "tags") return tags(asked);
  if (asked.parts.empty() || asked.parts[0] != "restapis") {
    return not_found("no such path of API Gateway");
  }
  if (asked.parts.size() == 1) {
    if (asked.is("GET")) return get_apis(asked);
    if (asked.is("POST")) return imports ? import_api(asked) : create_api(asked);
    return error(405, "MethodNotAllowedException", "no such operation");
  }
  asked.api = store_.api(lower(asked.parts[1]));
  if (asked.api == nullptr || asked.api->account != asked.caller.account ||
      asked.api->region != asked.caller.region) {
    return not_found("Invalid API identifier specified " + asked.caller.account + ":" +
                     asked.parts[1]);
  }
  return of_api(asked);
}

http::Response ControlPlane::of_api(const Asked& asked) {
  struct Operation {
    std::string_view method;
    std::string_view path;
    http::Response (ControlPlane::*answer)(const Asked&);
  };
  static constexpr Operation kOperations[] = {
      {"GET", "", &ControlPlane::get_api},
      {"PUT", "", &ControlPlane::put_api},
      {"PATCH", "", &ControlPlane::update_api},
      {"DELETE", "", &ControlPlane::delete_api},
      {"POST", "deployments", &ControlPlane::create_deployment},
      {"GET", "deployments", &ControlPlane::get_deployments},
      {"GET", "deployments/*", &ControlPlane::get_deployment},
      {"PATCH", "deployments/*", &ControlPlane::update_deployment},
      {"DELETE", "deployments/*", &ControlPlane::delete_deployment},
      {"POST", "stages", &ControlPlane::create_stage},
      {"GET", "stages", &ControlPlane::get_stages},
      {"GET", "stages/*", &ControlPlane::get_stage},
      {"PATCH", "stages/*", &ControlPlane::update_stage},
      {"DELETE", "stages/*", &ControlPlane::delete_stage},
      {"GET", "stages/*/exports/*", &ControlPlane::get_export},
  };
  for (const Operation& o : kOperations) {
    if (asked.is(o.method) && fits(o.path, asked.parts)) return (this->*o.answer)(asked);
  }
  for (const auto& routes : {resource_routes(), integration_routes(), part_routes()}) {
    for (const ApiRoute& route : routes) {
      if (asked.is(route.method) && fits(route.path, asked.parts)) return edit(asked, route);
    }
  }
  return error(501, "NotImplementedException",
               "this operation of API Gateway is not available yet: " + asked.request.method + " " +
                   std::string(asked.request.path()));
}

http::Response ControlPlane::edit(const Asked& asked, const ApiRoute& route) {
  RestApi api = *asked.api;
  http::Response out = route.answer(api, asked, random_);
  if (asked.is("GET") || out.status >= 300) return out;
  if (auto done = store_.replace_api(std::move(api)); !done) return store_error(done.error());
  return out;
}

http::Response ControlPlane::create_api(const Asked& asked) {
  if (auto refused = not_available(asked, {"cloneFrom", "securityPolicy", "endpointAccessMode"})) {
    return std::move(*refused);
  }
  RestApi api;
  api.name = fields::text(*asked.body, "name");
  if (api.name.empty()) return bad_request("API name cannot be blank");
  api.account = asked.caller.account;
  api.region = asked.caller.region;
  api.created_ms = clock_.now_ms();
  if (auto problem = read_new_api(*asked.body, api)) return bad_request(*problem);
  if (const auto own = api.tags.find("_custom_id_"); own != api.tags.end()) {
    api.id = lower(own->second);
    if (!is_api_id(api.id)) {
      return bad_request("_custom_id_ has 1 to 64 letters, digits, '-' and '_'");
    }
  }
  while (api.id.empty() || (store_.api(api.id) != nullptr && !api.tags.contains("_custom_id_"))) {
    api.id = random_id(random_, 10);
  }
  api.resources.push_back({random_id(random_, 10), "", "", "/", {}});
  add_default_models(api, random_);
  http::Response out = written(201, [&](base::JsonWriter& to) { write_api(to, api); });
  if (auto added = store_.add_api(std::move(api)); !added) return store_error(added.error());
  return out;
}

http::Response ControlPlane::update_api(const Asked& asked) {
  static const PatchField<RestApi> kFields[] = {
      {"name", &RestApi::name},
      {"description", &RestApi::description},
      {"version", &RestApi::version},
      {"binaryMediaTypes", &RestApi::binary_media_types},
      {"apiKeySource",
       [](RestApi& api, const std::string& value) {
         api.api_key_source = value;
         return value == "HEADER" || value == "AUTHORIZER";
       }},
      {"minimumCompressionSize", set_compression},
      {"policy",
       [](RestApi& api, const std::string& value) {
         api.policy = value;
         return value.empty() || is_json(value);
       }},
      {"disableExecuteApiEndpoint", &RestApi::disable_execute_api_endpoint},
      {"endpointConfiguration/types", &RestApi::endpoint_types},
      {"endpointConfiguration/vpcEndpointIds", &RestApi::vpc_endpoint_ids},
  };
  RestApi api = *asked.api;
  if (auto refused = patched<RestApi>(api, kFields, asked)) return std::move(*refused);
  if (api.name.empty()) return bad_request("API name cannot be blank");
  if (auto problem = problem_of_endpoint(api)) return bad_request(*problem);
  http::Response out = written(200, [&](base::JsonWriter& to) { write_api(to, api); });
  if (auto done = store_.replace_api(std::move(api)); !done) return store_error(done.error());
  return out;
}

// /tags/arn:aws:apigateway:<region>::/restapis/<id>[/stages/<name>]
http::Response ControlPlane::tags(const Asked& asked) {
  const auto arn = aws::parse_arn(asked.parts.size() == 2 ? asked.parts[1] : "");
  constexpr std::string_view kRoot = "/restapis/";
  if (!arn || arn->service != "apigateway" || !arn->resource.starts_with(kRoot)) {
    return bad_request("Invalid ARN specified in the request");
  }
  const std::string rest = arn->resource.substr(kRoot.size());
  const std::string id = rest.substr(0, rest.find('/'));
  const std::string below = rest.substr(id.size());
  const auto api = store_.api(lower(id));
  if (api == nullptr || api->account != asked.caller.account || api->region != arn->region) {
    return not_found("Invalid API identifier specified " + asked.caller.account + ":" + id);
  }
  std::optional<Stage> stage;
  if (!below.empty()) {
    constexpr std::string_view kStages = "/stages/";
    if (below.starts_with(kStages)) stage = store_.stage(api->id, below.substr(kStages.size()));
    if (!stage) return not_found("Invalid stage identifier specified");
  }
  StringMap tags = stage ? stage->tags : api->tags;
  if (asked.is("GET")) {
    return written(200, [&](base::JsonWriter& out) {
      out.begin_object().key("tags").begin_object();
      for (const auto& [key, value] : tags)
        out.field(key, std::string_view(value));
      out.end_object().end_object();
    });
  }
  if (asked.is("PUT")) {
    for (const auto& [key, value] : fields::strings(*asked.body, "tags"))
      tags[key] = value;
  } else if (asked.is("DELETE")) {
    for (const auto& [name, value] : asked.query) {
      if (name == "tagKeys") tags.erase(value);
    }
  } else {
    return error(405, "MethodNotAllowedException", "no such operation");
  }
  if (tags.size() > kTagsMax) return bad_request("a resource has at most 50 tags");
  if (stage) {
    stage->tags = std::move(tags);
    if (auto done = store_.put_stage(api->id, *stage); !done) return store_error(done.error());
  } else {
    RestApi changed = *api;
    changed.tags = std::move(tags);
    if (auto done = store_.replace_api(std::move(changed)); !done) return store_error(done.error());
  }
  return reply(204, "");
}

http::Response ControlPlane::get_api(const Asked& asked) {
  return written(200, [&](base::JsonWriter& out) { write_api(out, *asked.api); });
}

// extensions=integrations,authorizers or extensions=apigateway (all of them).
http::Response ControlPlane::get_export(const Asked& asked) {
  const auto stage = store_.stage(asked.api->id, asked.parts[3]);
  if (!stage) return not_found("Invalid stage identifier specified");
  const auto deployed = store_.snapshot(asked.api->id, stage->deployment_id);
  if (deployed == nullptr) return not_found("Invalid Deployment identifier specified");
  const std::string& type = asked.parts[5];
  if (type != "oas30" && type != "swagger") {
    return bad_request("No API exporter for type '" + type + "'");
  }
  ExportOptions options;
  if (type == "swagger") options.type = ExportType::kSwagger;
  const bool yaml = asked.request.headers.get("accept").find("yaml") != std::string_view::npos;
  if (yaml) options.format = ExportFormat::kYaml;
  std::string_view rest = asked.parameter("extensions");
  while (!rest.empty()) {
    const std::string_view one = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), one.size() + 1));
    const bool all = one == "apigateway";
    if (!all && one != "integrations" && one != "authorizers") {
      return bad_request("Invalid extension: '" + std::string(one) +
                         "'. Valid are integrations, authorizers and apigateway");
    }
    options.integrations = options.integrations || all || one == "integrations";
    options.authorizers = options.authorizers || all || one == "authorizers";
    options.others = options.others || all;
  }
  http::Response out = reply(200, export_openapi(*deployed, stage->name, options));
  out.headers.set("Content-Type", "application/octet-stream");
  out.headers.set("Content-Disposition", "attachment; filename=\"" + type + "_" +
                                             std::to_string(clock_.now_ms() / 1000) +
                                             (yaml ? ".yaml\"" : ".json\""));
  return out;
}

base::Result<RestApi, ImportError> ControlPlane::read_import(const Asked& asked) {
  ImportOptions options;
  const std::string_view base_path = asked.parameter("basepath");
  if (base_path == "prepend") options.base_path = BasePath::kPrepend;
  if (base_path == "split") options.base_path = BasePath::kSplit;
  options.existing = asked.api.get();
  if (asked.parameter("mode") != "overwrite") options.update = ImportUpdate::kMerge;
  auto api = import_openapi(asked.request.body, random_, options);
  if (!api) return api;
  for (std::string& problem : find_problems(*api))
    api->warnings.push_back(std::move(problem));
  if (asked.parameter("failonwarnings") == "true" && !api->warnings.empty()) {
    std::string all = "Warnings found during import:";
    for (const std::string& warning : api->warnings)
      all += "\n\t" + warning;
    return base::fail(ImportError::kInvalid, std::move(all));
  }
  api->account = asked.caller.account;
  api->region = asked.caller.region;
  return api;
}

http::Response ControlPlane::import_api(const Asked& asked) {
  auto api = read_import(asked);
  if (!api) return bad_request("Errors found during import:\n\t" + api.error().message);
  while (api->id.empty() ||
         (store_.api(api->id) != nullptr && !api->tags.contains("_custom_id_"))) {
    api->id = random_id(random_, 10);
  }
  api->created_ms = clock_.now_ms();
  std::string body;
  base::JsonWriter out(body);
  write_api(out, *api);
  if (auto added = store_.add_api(std::move(*api)); !added) return store_error(added.error());
  return reply(201, std::move(body));
}

// PutRestApi: stages answer as they were deployed, until the next deployment.
http::Response ControlPlane::put_api(const Asked& asked) {
  const std::string_view mode = asked.parameter("mode");
  if (!mode.empty() && mode != "merge" && mode != "overwrite") {
    return bad_request("Invalid mode specified. Valid values are merge and overwrite");
  }
  auto api = read_import(asked);
  if (!api) return bad_request("Errors found during import:\n\t" + api.error().message);
  std::string body;
  base::JsonWriter out(body);
  write_api(out, *api);
  if (auto done = store_.replace_api(std::move(*api)); !done) return store_error(done.error());
  return reply(200, std::move(body));
}

http::Response ControlPlane::get_apis(const Asked& asked) {
  std::vector<std::shared_ptr<const RestApi>> mine;
  for (auto& api : store_.apis()) {
    if (api->account == asked.caller.account && api->region == asked.caller.region) {
      mine.push_back(std::move(api));
    }
  }
  return page(mine, asked.number("position", 0), asked.limit(),
              [](base::JsonWriter& out, const auto& api) { write_api(out, *api); });
}

http::Response ControlPlane::delete_api(const Asked& asked) {
  const std::vector<Stage> stages = store_.stages(asked.api->id);
  if (auto done = store_.remove_api(asked.api->id); !done) return store_error(done.error());
  for (const Stage& stage : stages)
    data_plane_.set_stage(asked.api->id, stage.name, nullptr);
  return reply(202, "");
}

}  // namespace sluice::gateway
