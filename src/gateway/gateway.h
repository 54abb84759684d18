// The gateway as the server composes it: control plane (REST-JSON, the paths under /restapis) and
// data plane (calls of deployed stages) over one store.
//
//   auto gateway = Gateway::open(data + "/meta.db", {.invoker = kinesis, .blocking = pool, …});
//   if (auto url = gateway->resolve(host, target, default_api)) gateway->invoke(*url, …);
//   else gateway->control_plane().handle(…);
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "aws/service.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/random.h"
#include "gateway/control_plane.h"
#include "gateway/data_plane.h"
#include "gateway/invoke_url.h"
#include "gateway/store.h"
#include "http/async_client.h"
#include "http/http.h"

namespace sluice::gateway {

struct GatewayOptions {
  aws::ServiceInvoker& invoker;  // answers service "kinesis"
  base::Clock& clock;
  base::Random& random;
  base::MetricsRegistry& metrics;
  // Where disk work goes; false: full, the caller is told to try again. Empty: done at once.
  std::function<bool(std::function<void()>)> blocking;
  // Carries HTTP integrations; null: they answer 500.
  http::AsyncClient* outgoing = nullptr;
};

class Gateway {
 public:
  static StoreResult<std::unique_ptr<Gateway>> open(const std::string& meta_db,
                                                    GatewayOptions options);

  // The forms of an invoke URL that name an API. nullopt: this is no call of a stage.
  static std::optional<InvokeUrl> resolve(std::string_view host, std::string_view target) {
    return resolve_invoke_url(host, target);
  }
  // The last rule of the port. `default_api` is an API's id or its name.
  std::optional<InvokeUrl> resolve_default(std::string_view default_api,
                                           std::string_view target) const;

  void invoke(const InvokeUrl& url, http::Request&& request, http::Responder responder) {
    data_plane_.handle(url.api_id, url.stage, url.path_and_query, std::move(request),
                       std::move(responder));
  }
  // Is this a path of API Gateway's control plane?
  static bool is_control_path(std::string_view path);
  http::Handler& control_plane() { return control_plane_; }
  DataPlane& data_plane() { return data_plane_; }
  Store& store() { return *store_; }

 private:
  Gateway(std::unique_ptr<Store> store, GatewayOptions options);

  std::unique_ptr<Store> store_;
  DataPlane data_plane_;
  ControlPlane control_plane_;
};

}  // namespace sluice::gateway
