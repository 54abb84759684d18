#include "gateway/store.h"

#include <algorithm>

#include "gateway/model_json.h"

namespace sluice::gateway {
namespace {

constexpr const char* kSchema = R"(
CREATE TABLE IF NOT EXISTS gateway_apis (
  id TEXT PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS gateway_deployments (
  api_id TEXT NOT NULL REFERENCES gateway_apis(id) ON DELETE CASCADE,
  id TEXT NOT NULL, created_ms INTEGER NOT NULL, description TEXT NOT NULL,
  document TEXT NOT NULL, PRIMARY KEY (api_id, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS gateway_stages (
  api_id TEXT NOT NULL REFERENCES gateway_apis(id) ON DELETE CASCADE,
  name TEXT NOT NULL, document TEXT NOT NULL, PRIMARY KEY (api_id, name)) WITHOUT ROWID;
)";

std::unexpected<base::Failure<StoreError>> disk(const base::Failure<base::SqliteError>& failure) {
  return base::fail(StoreError::kDisk, "the metadata file refused: " + failure.message);
}

std::unexpected<base::Failure<StoreError>> missing(const char* what) {
  return base::fail(StoreError::kMissing, std::string("no such ") + what);
}

}  // namespace

StoreResult<std::unique_ptr<Store>> Store::open(const std::string& path) {
  auto db = base::Sqlite::open(path, base::Sqlite::Mode::kMetadata);
  if (!db) return disk(db.error());
  if (const auto made = db->execute(kSchema); !made) return disk(made.error());
  std::unique_ptr<Store> store(new Store(std::move(*db)));
  if (auto loaded = store->load(); !loaded) return std::unexpected(loaded.error());
  return store;
}

StoreResult<void> Store::load() {
  if (auto s = load_apis(); !s) return s;
  if (auto s = load_deployments(); !s) return s;
  return load_stages();
}

StoreResult<void> Store::load_apis() {
  auto rows = db_.prepare("SELECT id, document FROM gateway_apis");
  if (!rows) return disk(rows.error());
  for (;;) {
    const auto more = rows->step();
    if (!more) return disk(more.error());
    if (!*more) return {};
    auto api = read_api_document(rows->text(1));
    if (!api) return base::fail(StoreError::kDisk, api.error().message);
    records_[std::string(rows->text(0))].api = std::make_shared<const RestApi>(std::move(*api));
  }
}

StoreResult<void> Store::load_deployments() {
  auto rows =
      db_.prepare("SELECT api_id, id, created_ms, description, document FROM gateway_deployments");
  if (!rows) return disk(rows.error());
  for (;;) {
    const auto more = rows->step();
    if (!more) return disk(more.error());
    if (!*more) return {};
    auto api = read_api_document(rows->text(4));
    if (!api) return base::fail(StoreError::kDisk, api.error().message);
    Kept kept;
    kept.deployment = {std::string(rows->text(1)), std::string(rows->text(3)), rows->int64(2)};
    kept.api = std::make_shared<const RestApi>(std::move(*api));
    records_[std::string(rows->text(0))].deployments[kept.deployment.id] = std::move(kept);
  }
}

StoreResult<void> Store::load_stages() {
  auto rows = db_.prepare("SELECT api_id, name, document FROM gateway_stages");
  if (!rows) return disk(rows.error());
  for (;;) {
    const auto more = rows->step();
    if (!more) return disk(more.error());
    if (!*more) return {};
    auto stage = read_stage_document(rows->text(2));
    if (!stage) return base::fail(StoreError::kDisk, stage.error().message);
    records_[std::string(rows->text(0))].stages[std::string(rows->text(1))] = std::move(*stage);
  }
}

base::SqliteResult<void> Store::run(std::string_view sql,
                                    std::initializer_list<std::string_view> values) {
  auto statement = db_.prepare(sql);
  if (!statement) return std::unexpected(statement.error());
  int at = 0;
  for (const std::string_view value : values)
    statement->bind(at++, value);
  const auto done = statement->step();
  if (!done) return std::unexpected(done.error());
  return {};
}

base::SqliteResult<void> Store::write_api(const RestApi& api) {
  return run(
      "INSERT INTO gateway_apis VALUES (?, ?) "
      "ON CONFLICT (id) DO UPDATE SET document = excluded.document",
      {api.id, api_document(api)});
}

base::SqliteResult<void> Store::write_stage(const std::string& api_id, const Stage& stage) {
  return run(
      "INSERT INTO gateway_stages VALUES (?, ?, ?) "
      "ON CONFLICT (api_id, name) DO UPDATE SET document = excluded.document",
      {api_id, stage.name, stage_document(stage)});
}

StoreResult<void> Store::add_api(RestApi api) {
  const std::lock_guard lock(mutex_);
  if (records_.contains(api.id)) {
    return base::fail(StoreError::kExists, "a REST API with the id " + api.id + " exists");
  }
  if (records_.size() >= kApisMax) return base::fail(StoreError::kLimit, "more than 600 REST APIs");
  if (const auto done = write_api(api); !done) return disk(done.error());
  const std::string id = api.id;
  records_[id].api = std::make_shared<const RestApi>(std::move(api));
  return {};
}

StoreResult<void> Store::replace_api(RestApi api) {
  const std::lock_guard lock(mutex_);
  const auto found = records_.find(api.id);
  if (found == records_.end()) return missing("REST API");
  if (const auto done = write_api(api); !done) return disk(done.error());
  found->second.api = std::make_shared<const RestApi>(std::move(api));
  return {};
}

StoreResult<void> Store::remove_api(const std::string& id) {
  const std::lock_guard lock(mutex_);
  if (!records_.contains(id)) return missing("REST API");
  // Deployments and stages go with it (ON DELETE CASCADE).
  if (const auto done = run("DELETE FROM gateway_apis WHERE id = ?", {id}); !done) {
    return disk(done.error());
  }
  records_.erase(id);
  return {};
}

std::shared_ptr<const RestApi> Store::api(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = records_.find(id);
  return found == records_.end() ? nullptr : found->second.api;
}

std::vector<std::shared_ptr<const RestApi>> Store::apis() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<const RestApi>> out;
  out.reserve(records_.size());
  for (const auto& [id, record] : records_)
    out.push_back(record.api);
  std::stable_sort(out.begin(), out.end(),
                   [](const auto& a, const auto& b) { return a->created_ms < b->created_ms; });
  return out;
}

StoreResult<void> Store::add_deployment(const std::string& api_id, Deployment deployment,
                                        std::optional<Stage> stage) {
  const std::lock_guard lock(mutex_);
  const auto found = records_.find(api_id);
  if (found == records_.end()) return missing("REST API");
  Record& record = found->second;
  if (record.deployments.size() >= kDeploymentsMax) {
    return base::fail(StoreError::kLimit, "more than 1000 deployments of one REST API");
  }
  if (stage && !record.stages.contains(stage->name) && record.stages.size() >= kStagesMax) {
    return base::fail(StoreError::kLimit, "more than 10 stages of one REST API");
  }
  auto transaction = base::SqliteTransaction::begin(db_);
  if (!transaction) return disk(transaction.error());
  auto insert = db_.prepare("INSERT INTO gateway_deployments VALUES (?, ?, ?, ?, ?)");
  if (!insert) return disk(insert.error());
  insert->bind(0, api_id).bind(1, deployment.id).bind(2, deployment.created_ms);
  insert->bind(3, deployment.description).bind(4, api_document(*record.api));
  if (const auto done = insert->step(); !done) return disk(done.error());
  if (stage) {
    if (const auto done = write_stage(api_id, *stage); !done) return disk(done.error());
  }
  if (const auto done = transaction->commit(); !done) return disk(done.error());
  record.deployments[deployment.id] = {deployment, record.api};
  if (stage) record.stages[stage->name] = *stage;
  return {};
}

StoreResult<void> Store::describe_deployment(const std::string& api_id,
                                             const Deployment& deployment) {
  const std::lock_guard lock(mutex_);
  const auto found = records_.find(api_id);
  if (found == records_.end()) return missing("REST API");
  const auto kept = found->second.deployments.find(deployment.id);
  if (kept == found->second.deployments.end()) return missing("deployment");
  if (const auto done =
          run("UPDATE gateway_deployments SET description = ? WHERE api_id = ? AND id = ?",
              {deployment.description, api_id, deployment.id});
      !done) {
    return disk(done.error());
  }
  kept->second.deployment.description = deployment.description;
  return {};
}

StoreResult<void> Store::remove_deployment(const std::string& api_id, const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto found = records_.find(api_id);
  if (found == records_.end()) return missing("REST API");
  if (!found->second.deployments.contains(id)) return missing("deployment");
  for (const auto& [name, stage] : found->second.stages) {
    if (stage.deployment_id == id) {
      return base::fail(StoreError::kInUse,
                        "Active stages pointing to this deployment must be moved or deleted");
    }
  }
  if (const auto done =
          run("DELETE FROM gateway_deployments WHERE api_id = ? AND id = ?", {api_id, id});
      !done) {
    return disk(done.error());
  }
  found->second.deployments.erase(id);
  return {};
}

std::vector<Deployment> Store::deployments(const std::string& api_id) const {
  const std::lock_guard lock(mutex_);
  std::vector<Deployment> out;
  const auto found = records_.find(api_id);
  if (found == records_.end()) return out;
  out.reserve(found->second.deployments.size());
  for (const auto& [id, kept] : found->second.deployments)
    out.push_back(kept.deployment);
  std::stable_sort(out.begin(), out.end(),
                   [](const auto& a, const auto& b) { return a.created_ms < b.created_ms; });
  return out;
}

std::shared_ptr<const RestApi> Store::snapshot(const std::string& api_id,
                                               const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = records_.find(api_id);
  if (found == records_.end()) return nullptr;
  const auto kept = found->second.deployments.find(id);
  return kept == found->second.deployments.end() ? nullptr : kept->second.api;
}

std::optional<Stage> Store::stage(const std::string& api_id, const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = records_.find(api_id);
  if (found == records_.end()) return std::nullopt;
  const auto stage = found->second.stages.find(name);
  if (stage == found->second.stages.end()) return std::nullopt;
  return stage->second;
}

std::vector<Stage> Store::stages(const std::string& api_id) const {
  const std::lock_guard lock(mutex_);
  std::vector<Stage> out;
  const auto found = records_.find(api_id);
  if (found == records_.end()) return out;
  out.reserve(found->second.stages.size());
  for (const auto& [name, stage] : found->second.stages)
    out.push_back(stage);
  return out;
}

StoreResult<void> Store::put_stage(const std::string& api_id, const Stage& stage) {
  const std::lock_guard lock(mutex_);
  const auto found = records_.find(api_id);
  if (found == records_.end()) return missing("REST API");
  auto& stages = found->second.stages;
  if (!stages.contains(stage.name) && stages.size() >= kStagesMax) {
    return base::fail(StoreError::kLimit, "more than 10 stages of one REST API");
  }
  if (const auto done = write_stage(api_id, stage); !done) return disk(done.error());
  stages[stage.name] = stage;
  return {};
}

StoreResult<void> Store::remove_stage(const std::string& api_id, const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto found = records_.find(api_id);
  if (found == records_.end()) return missing("REST API");
  if (!found->second.stages.contains(name)) return missing("stage");
  if (const auto done =
          run("DELETE FROM gateway_stages WHERE api_id = ? AND name = ?", {api_id, name});
      !done) {
    return disk(done.error());
  }
  found->second.stages.erase(name);
  return {};
}

}  // namespace sluice::gateway
