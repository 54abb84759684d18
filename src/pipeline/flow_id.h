// How a flow finds itself again from its table alone: ids, appIds and the names of its files
// (design: exactly once). Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::pipeline {

// UUIDv5(Delta table id, flow name). `table_id` must be a UUID's text.
std::string flow_id(const std::string& table_id, const std::string& flow_name);

// appId of the txn that holds the generation: sluice:<flow id>.
std::string generation_app_id(const std::string& flow_id);
// appId of the txn that holds the newest batch: sluice:<flow id>:<generation>.
std::string batch_app_id(const std::string& flow_id, std::int64_t generation);
// appId of the txn that holds a shard's next index: <batch appId>/<stream incarnation>/<shard>.
std::string position_app_id(const std::string& batch_app_id, const std::string& incarnation,
                            const std::string& shard_id);

// <table>/_sluice/<flow id>; VACUUM of every engine leaves names that begin with `_` alone.
std::string flow_folder(const std::string& table_root, const std::string& flow_id);
std::string flow_file_path(const std::string& folder);                      // flow.json
std::string idle_file_path(const std::string& folder);                      // idle.json
std::string head_file_path(const std::string& folder);                      // state/head.json
std::string plans_folder(const std::string& folder);                        // plans
std::string plan_file_path(const std::string& folder, std::int64_t batch);  // plans/N.json
std::string state_folder(const std::string& folder);                        // state
// <from>-<to>.<uuid>.keys
std::string key_file_name(std::int64_t from, std::int64_t to, const std::string& uuid);

}  // namespace sluice::pipeline
