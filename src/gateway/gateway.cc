#include "gateway/gateway.h"

#include "base/log.h"
#include "gateway/model_json.h"

namespace sluice::gateway {
namespace {

constexpr base::Logger kLog{"gateway"};

}  // namespace

StoreResult<std::unique_ptr<Gateway>> Gateway::open(const std::string& meta_db,
                                                    GatewayOptions options) {
  auto store = Store::open(meta_db);
  if (!store) return std::unexpected(store.error());
  return std::unique_ptr<Gateway>(new Gateway(std::move(*store), std::move(options)));
}

Gateway::Gateway(std::unique_ptr<Store> store, GatewayOptions options)
    : store_(std::move(store)),
      data_plane_(options.invoker, options.outgoing, options.clock, options.random,
                  options.metrics),
      control_plane_(*store_, data_plane_, options.clock, options.random,
                     std::move(options.blocking)) {
  for (const auto& api : store_->apis()) {
    for (Stage& stage : store_->stages(api->id)) {
      const auto deployed = store_->snapshot(api->id, stage.deployment_id);
      if (deployed == nullptr) {
        kLog.error("stage {} of API {} points to a deployment that is gone", stage.name, api->id);
        continue;
      }
      const std::string name = stage.name;
      data_plane_.set_stage(api->id, name,
                            std::make_shared<const StageRuntime>(*deployed, std::move(stage)));
    }
  }
}

std::optional<InvokeUrl> Gateway::resolve_default(std::string_view default_api,
                                                  std::string_view target) const {
  return resolve_default_api(default_api, target,
                             [this](std::string_view api, std::string_view stage) {
                               return data_plane_.find_api(api, stage);
                             });
}

bool Gateway::is_control_path(std::string_view path) {
  return path == "/restapis" || path.starts_with("/restapis/");
}

}  // namespace sluice::gateway
