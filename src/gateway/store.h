// The APIs, deployments and stages of a data folder: all of them in memory, written through to
// SQLite (tables gateway_…) before a change counts. Thread-safe; changes block on the disk.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/sqlite.h"
#include "gateway/model.h"

namespace sluice::gateway {

enum class StoreError {
  kExists,   // an API of that id is there
  kMissing,  // no such API, deployment or stage
  kLimit,    // too many of them
  kInUse,    // a deployment that a stage points to
  kDisk,     // the metadata file refused: nothing changed
};

template <class T>
using StoreResult = base::Result<T, StoreError>;

inline constexpr std::size_t kApisMax = 600;
inline constexpr std::size_t kDeploymentsMax = 1000;  // of one API

class Store {
 public:
  static StoreResult<std::unique_ptr<Store>> open(const std::string& path);

  StoreResult<void> add_api(RestApi api);
  StoreResult<void> replace_api(RestApi api);
  StoreResult<void> remove_api(const std::string& id);
  std::shared_ptr<const RestApi> api(const std::string& id) const;
  std::vector<std::shared_ptr<const RestApi>> apis() const;  // by time of creation

  // Keeps the API as it is now under the deployment's id; with a stage, points that stage to it.
  StoreResult<void> add_deployment(const std::string& api_id, Deployment deployment,
                                   std::optional<Stage> stage);
  StoreResult<void> describe_deployment(const std::string& api_id, const Deployment& deployment);
  StoreResult<void> remove_deployment(const std::string& api_id, const std::string& id);
  std::vector<Deployment> deployments(const std::string& api_id) const;
  // The API as it was deployed.
  std::shared_ptr<const RestApi> snapshot(const std::string& api_id, const std::string& id) const;

  std::optional<Stage> stage(const std::string& api_id, const std::string& name) const;
  std::vector<Stage> stages(const std::string& api_id) const;
  // A new stage, or what became of one that is there.
  StoreResult<void> put_stage(const std::string& api_id, const Stage& stage);
  StoreResult<void> remove_stage(const std::string& api_id, const std::string& name);

 private:
  struct Kept {
    Deployment deployment;
    std::shared_ptr<const RestApi> api;
  };
  struct Record {
    std::shared_ptr<const RestApi> api;
    std::map<std::string, Kept> deployments;
    std::map<std::string, Stage> stages;
  };
  explicit Store(base::Sqlite db) : db_(std::move(db)) {}
  StoreResult<void> load();
  StoreResult<void> load_apis();
  StoreResult<void> load_deployments();
  StoreResult<void> load_stages();
  base::SqliteResult<void> write_api(const RestApi& api);
  base::SqliteResult<void> write_stage(const std::string& api_id, const Stage& stage);
  base::SqliteResult<void> run(std::string_view sql,
                               std::initializer_list<std::string_view> values);

  mutable std::mutex mutex_;
  base::Sqlite db_;
  std::map<std::string, Record> records_;
};

}  // namespace sluice::gateway
