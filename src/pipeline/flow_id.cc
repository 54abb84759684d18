#include "pipeline/flow_id.h"

#include <fmt/core.h>

#include "base/env.h"
#include "base/uuid.h"

namespace sluice::pipeline {

std::string flow_id(const std::string& table_id, const std::string& flow_name) {
  return base::named_uuid(table_id, flow_name);
}

std::string generation_app_id(const std::string& flow_id) {
  return fmt::format("sluice:{}", flow_id);
}

std::string batch_app_id(const std::string& flow_id, std::int64_t generation) {
  return fmt::format("sluice:{}:{}", flow_id, generation);
}

std::string position_app_id(const std::string& batch_app_id, const std::string& incarnation,
                            const std::string& shard_id) {
  return fmt::format("{}/{}/{}", batch_app_id, incarnation, shard_id);
}

std::string flow_folder(const std::string& table_root, const std::string& flow_id) {
  return base::join_path(base::join_path(table_root, "_sluice"), flow_id);
}

std::string flow_file_path(const std::string& folder) {
  return base::join_path(folder, "flow.json");
}

std::string idle_file_path(const std::string& folder) {
  return base::join_path(folder, "idle.json");
}

std::string head_file_path(const std::string& folder) {
  return base::join_path(state_folder(folder), "head.json");
}

std::string plans_folder(const std::string& folder) {
  return base::join_path(folder, "plans");
}

std::string plan_file_path(const std::string& folder, std::int64_t batch) {
  return base::join_path(plans_folder(folder), fmt::format("{}.json", batch));
}

std::string state_folder(const std::string& folder) {
  return base::join_path(folder, "state");
}

std::string key_file_name(std::int64_t from, std::int64_t to, const std::string& uuid) {
  return fmt::format("{}-{}.{}.keys", from, to, uuid);
}

}  // namespace sluice::pipeline
