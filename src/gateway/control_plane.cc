#include "gateway/control_plane.h"

#include <algorithm>

#include "aws/json_protocol.h"
#include "aws/sigv4.h"
#include "base/json_writer.h"
#include "base/log.h"
#include "gateway/control_replies.h"
#include "gateway/export.h"
#include "gateway/model_json.h"
#include "gateway/value/json_read.h"

namespace sluice::gateway {
namespace {

constexpr base::Logger kLog{"gateway"};

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

http::Response ControlPlane::dispatch(const Asked& asked) {
  if (asked.parts.empty() || asked.parts[0] != "restapis") {
    return not_found("no such path of API Gateway");
  }
  if (asked.parts.size() == 1) {
    if (asked.is("GET")) return get_apis(asked);
    if (asked.is("POST") && asked.parameter("mode") == "import") return import_api(asked);
    if (asked.is("POST")) {
      return error(
          501, "NotImplementedException",
          "CreateRestApi is not available yet: import an OpenAPI document (ImportRestApi)");
    }
    return error(405, "MethodNotAllowedException", "no such operation");
  }
  Asked with_api = asked;
  const std::string id = lower(asked.parts[1]);
  // A change works on the API as the last change left it.
  std::unique_lock changing(changes_, std::defer_lock);
  if (!asked.is("GET")) changing.lock();
  with_api.api = store_.api(id);
  if (with_api.api == nullptr || with_api.api->account != asked.caller.account ||
      with_api.api->region != asked.caller.region) {
    return not_found("Invalid API identifier specified " + asked.caller.account + ":" +
                     asked.parts[1]);
  }
  return of_api(with_api);
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
      {"DELETE", "", &ControlPlane::delete_api},
      {"GET", "resources", &ControlPlane::get_resources},
      {"GET", "resources/*", &ControlPlane::get_resource},
      {"POST", "deployments", &ControlPlane::create_deployment},
      {"GET", "deployments", &ControlPlane::get_deployments},
      {"GET", "deployments/*", &ControlPlane::get_deployment},
      {"DELETE", "deployments/*", &ControlPlane::delete_deployment},
      {"GET", "stages", &ControlPlane::get_stages},
      {"GET", "stages/*", &ControlPlane::get_stage},
      {"DELETE", "stages/*", &ControlPlane::delete_stage},
      {"GET", "stages/*/exports/*", &ControlPlane::get_export},
  };
  for (const Operation& o : kOperations) {
    if (asked.is(o.method) && fits(o.path, asked.parts)) return (this->*o.answer)(asked);
  }
  return error(501, "NotImplementedException",
               "this operation of API Gateway is not available yet: " + asked.request.method + " " +
                   std::string(asked.request.path()));
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
  const std::lock_guard lock(changes_);
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

http::Response ControlPlane::get_resources(const Asked& asked) {
  bool methods = false;
  for (const auto& [name, value] : asked.query)
    methods = methods || (name == "embed" && value == "methods");
  return page(asked.api->resources, asked.number("position", 0), asked.limit(),
              [&](base::JsonWriter& out, const Resource& r) { write_resource(out, r, methods); });
}

http::Response ControlPlane::get_resource(const Asked& asked) {
  for (const Resource& r : asked.api->resources) {
    if (r.id != asked.parts[3]) continue;
    return written(200, [&](base::JsonWriter& out) {
      write_resource(out, r, asked.parameter("embed") == "methods");
    });
  }
  return not_found("Invalid Resource identifier specified");
}

http::Response ControlPlane::create_deployment(const Asked& asked) {
  Arena arena;
  const auto document =
      read_json(arena, asked.request.body.empty() ? std::string_view("{}") : asked.request.body);
  if (!document || document->kind != Kind::kMap) return bad_request("Invalid request body");
  const auto text = [&](std::string_view name) {
    const Value v = document->map->get(name);
    return v.is_string() ? std::string(v.text()) : std::string();
  };
  std::size_t methods = 0;
  for (const Resource& r : asked.api->resources) {
    for (const auto& [name, method] : r.methods) {
      ++methods;
      if (!method.integration) return bad_request("No integration defined for method");
    }
  }
  if (methods == 0) return bad_request("The REST API doesn't contain any methods");

  const std::int64_t now = clock_.now_ms();
  Deployment deployment{random_id(random_, 6), text("description"), now};
  std::optional<Stage> stage;
  if (const std::string name = text("stageName"); !name.empty()) {
    const auto bad = [](char c) {
      return !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               c == '_' || c == '-');
    };
    if (name.size() > 128 || std::any_of(name.begin(), name.end(), bad)) {
      return bad_request("Stage name only allows a-zA-Z0-9-_");
    }
    stage = store_.stage(asked.api->id, name);
    if (!stage) {
      stage.emplace();
      stage->name = name;
      stage->created_ms = now;
    }
    stage->deployment_id = deployment.id;
    stage->updated_ms = now;
    if (const std::string about = text("stageDescription"); !about.empty())
      stage->description = about;
    const Value variables = document->map->get("variables");
    if (variables.kind == Kind::kMap) {
      for (const Entry* e : variables.map->entries) {
        if (e->value.is_string()) stage->variables[std::string(e->key.text())] = e->value.text();
      }
    }
    if (stage->variables.size() > 100) return bad_request("a stage has at most 100 variables");
  }
  auto runtime = stage ? std::make_shared<const StageRuntime>(*asked.api, *stage) : nullptr;
  if (auto done = store_.add_deployment(asked.api->id, deployment, stage); !done) {
    return store_error(done.error());
  }
  if (stage) data_plane_.set_stage(asked.api->id, stage->name, std::move(runtime));
  return written(201, [&](base::JsonWriter& out) { write_deployment(out, deployment); });
}

http::Response ControlPlane::get_deployments(const Asked& asked) {
  return page(store_.deployments(asked.api->id), asked.number("position", 0), asked.limit(),
              [](base::JsonWriter& out, const Deployment& d) { write_deployment(out, d); });
}

http::Response ControlPlane::get_deployment(const Asked& asked) {
  for (const Deployment& d : store_.deployments(asked.api->id)) {
    if (d.id != asked.parts[3]) continue;
    return written(200, [&](base::JsonWriter& out) { write_deployment(out, d); });
  }
  return not_found("Invalid Deployment identifier specified");
}

http::Response ControlPlane::delete_deployment(const Asked& asked) {
  if (auto done = store_.remove_deployment(asked.api->id, asked.parts[3]); !done) {
    if (done.error().code == StoreError::kMissing) {
      return not_found("Invalid Deployment identifier specified");
    }
    return store_error(done.error());
  }
  return reply(202, "");
}

http::Response ControlPlane::get_stages(const Asked& asked) {
  std::vector<Stage> stages = store_.stages(asked.api->id);
  const std::string_view deployment = asked.parameter("deploymentId");
  if (!deployment.empty()) {
    std::erase_if(stages, [&](const Stage& s) { return s.deployment_id != deployment; });
  }
  return page(stages, 0, stages.size(),
              [](base::JsonWriter& out, const Stage& s) { write_stage(out, s); });
}

http::Response ControlPlane::get_stage(const Asked& asked) {
  const auto stage = store_.stage(asked.api->id, asked.parts[3]);
  if (!stage) return not_found("Invalid stage identifier specified");
  return written(200, [&](base::JsonWriter& out) { write_stage(out, *stage); });
}

http::Response ControlPlane::delete_stage(const Asked& asked) {
  if (auto done = store_.remove_stage(asked.api->id, asked.parts[3]); !done) {
    if (done.error().code == StoreError::kMissing)
      return not_found("Invalid stage identifier specified");
    return store_error(done.error());
  }
  data_plane_.set_stage(asked.api->id, asked.parts[3], nullptr);
  return reply(202, "");
}

}  // namespace sluice::gateway
