// Deployments and stages (control_plane.h).
#include <algorithm>

#include "gateway/control_replies.h"
#include "gateway/model_json.h"

namespace sluice::gateway {
namespace {

std::optional<std::string> problem_of_stage_name(const std::string& name) {
  const auto bad = [](char c) {
    return !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
             c == '_' || c == '-');
  };
  if (name.empty() || name.size() > 128 || std::any_of(name.begin(), name.end(), bad)) {
    return "Stage name only allows a-zA-Z0-9-_";
  }
  return std::nullopt;
}

std::optional<std::string> problem_of_variables(const StringMap& variables) {
  if (variables.size() > 100) return "a stage has at most 100 variables";
  return std::nullopt;
}

}  // namespace

http::Response ControlPlane::create_deployment(const Asked& asked) {
  if (auto refused = not_available(
          asked, {"canarySettings", "cacheClusterEnabled", "cacheClusterSize", "tracingEnabled"})) {
    return std::move(*refused);
  }
  std::size_t methods = 0;
  for (const Resource& r : asked.api->resources) {
    for (const auto& [name, method] : r.methods) {
      ++methods;
      if (!method.integration) return bad_request("No integration defined for method");
    }
  }
  if (methods == 0) return bad_request("The REST API doesn't contain any methods");

  const std::int64_t now = clock_.now_ms();
  Deployment deployment{random_id(random_, 6), fields::text(*asked.body, "description"), now};
  std::optional<Stage> stage;
  if (const std::string name = fields::text(*asked.body, "stageName"); !name.empty()) {
    if (auto problem = problem_of_stage_name(name)) return bad_request(*problem);
    stage = store_.stage(asked.api->id, name);
    if (!stage) {
      stage.emplace();
      stage->name = name;
      stage->created_ms = now;
    }
    stage->deployment_id = deployment.id;
    stage->updated_ms = now;
    if (const std::string about = fields::text(*asked.body, "stageDescription"); !about.empty())
      stage->description = about;
    for (const auto& [key, value] : fields::strings(*asked.body, "variables"))
      stage->variables[key] = value;
    if (auto problem = problem_of_variables(stage->variables)) return bad_request(*problem);
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

http::Response ControlPlane::update_deployment(const Asked& asked) {
  static const PatchField<Deployment> kFields[] = {{"description", &Deployment::description}};
  for (Deployment& d : store_.deployments(asked.api->id)) {
    if (d.id != asked.parts[3]) continue;
    if (auto refused = patched<Deployment>(d, kFields, asked)) return std::move(*refused);
    if (auto done = store_.describe_deployment(asked.api->id, d); !done) {
      return store_error(done.error());
    }
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

// Stores the stage and has it answer calls.
http::Response ControlPlane::serve_stage(const Asked& asked, const Stage& stage, int status) {
  const auto deployed = store_.snapshot(asked.api->id, stage.deployment_id);
  if (deployed == nullptr) return bad_request("Deployment id does not exist");
  auto runtime = std::make_shared<const StageRuntime>(*deployed, stage);
  if (auto done = store_.put_stage(asked.api->id, stage); !done) return store_error(done.error());
  data_plane_.set_stage(asked.api->id, stage.name, std::move(runtime));
  return written(status, [&](base::JsonWriter& out) { write_stage(out, stage); });
}

http::Response ControlPlane::create_stage(const Asked& asked) {
  if (auto refused = not_available(
          asked, {"canarySettings", "cacheClusterEnabled", "cacheClusterSize", "tracingEnabled"})) {
    return std::move(*refused);
  }
  Stage stage;
  stage.name = fields::text(*asked.body, "stageName");
  if (auto problem = problem_of_stage_name(stage.name)) return bad_request(*problem);
  if (store_.stage(asked.api->id, stage.name)) {
    return error(409, "ConflictException", "Stage already exists");
  }
  stage.deployment_id = fields::text(*asked.body, "deploymentId");
  stage.description = fields::text(*asked.body, "description");
  stage.variables = fields::strings(*asked.body, "variables");
  stage.tags = fields::strings(*asked.body, "tags");
  if (auto problem = problem_of_variables(stage.variables)) return bad_request(*problem);
  stage.created_ms = clock_.now_ms();
  stage.updated_ms = stage.created_ms;
  return serve_stage(asked, stage, 201);
}

http::Response ControlPlane::update_stage(const Asked& asked) {
  static const PatchField<Stage> kFields[] = {{"description", &Stage::description},
                                              {"deploymentId", &Stage::deployment_id},
                                              {"variables", &Stage::variables}};
  auto stage = store_.stage(asked.api->id, asked.parts[3]);
  if (!stage) return not_found("Invalid stage identifier specified");
  if (auto refused = patched<Stage>(*stage, kFields, asked)) return std::move(*refused);
  if (auto problem = problem_of_variables(stage->variables)) return bad_request(*problem);
  stage->updated_ms = clock_.now_ms();
  return serve_stage(asked, *stage, 200);
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
