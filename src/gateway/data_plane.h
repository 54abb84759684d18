// Calls of deployed APIs: route, map, call the integration, map back. One object for all stages;
// thread-safe; handle() runs on the loop that read the request and never blocks. Errors look as
// AWS' do.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

#include "aws/service.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/random.h"
#include "gateway/runtime.h"
#include "http/async_client.h"
#include "http/http.h"

namespace sluice::gateway {

inline constexpr std::size_t kPayloadBytesMax = std::size_t{10} << 20;

class DataPlane {
 public:
  // The invoker answers service "kinesis"; `outgoing` carries HTTP integrations (null: they answer
  // 500). All arguments outlive the data plane and its calls.
  DataPlane(aws::ServiceInvoker& invoker, http::AsyncClient* outgoing, base::Clock& clock,
            base::Random& random, base::MetricsRegistry& metrics);

  // Puts a stage into service, replacing an earlier one of the name; null: takes it out.
  void set_stage(const std::string& api_id, const std::string& stage,
                 std::shared_ptr<const StageRuntime> runtime);

  // The API of that id, else of that name, that has such a stage; of several the smallest id. For
  // the rule of `default_api`.
  std::optional<std::string> find_api(std::string_view id_or_name, std::string_view stage) const;

  // `path_and_query` is what follows the stage in the URL, still percent-encoded: "/streams?x=1".
  void handle(std::string_view api_id, std::string_view stage, std::string_view path_and_query,
              http::Request&& request, http::Responder responder);

 private:
  friend class Call;
  std::shared_ptr<const StageRuntime> find(std::string_view api_id, std::string_view stage) const;

  aws::ServiceInvoker& invoker_;
  http::AsyncClient* outgoing_;
  base::Clock& clock_;
  base::Random& random_;
  base::Counter& calls_;
  base::Counter& client_errors_;
  base::Counter& server_errors_;
  base::Histogram& latency_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<const StageRuntime>> stages_;  // "api/stage"
  std::map<std::string, std::set<std::string>> ids_by_name_;  // "stage/name" of the API → its ids
};

}  // namespace sluice::gateway
