#include "gateway/data_plane.h"

#include "gateway/call.h"
#include "gateway/model_json.h"

namespace sluice::gateway {
namespace {

std::string key_of(std::string_view api_id, std::string_view stage) {
  return lower(api_id) + "/" + std::string(stage);
}

// A stage's name has no slash, an API's may.
std::string name_key_of(std::string_view api_name, std::string_view stage) {
  return std::string(stage) + "/" + std::string(api_name);
}

}  // namespace

DataPlane::DataPlane(aws::ServiceInvoker& invoker, http::AsyncClient* outgoing, base::Clock& clock,
                     base::Random& random, base::MetricsRegistry& metrics)
    : invoker_(invoker),
      outgoing_(outgoing),
      clock_(clock),
      random_(random),
      calls_(metrics.counter("sluice_gateway_calls_total", "Calls of deployed APIs")),
      client_errors_(metrics.counter("sluice_gateway_errors_total",
                                     "Replies with status 4xx or 5xx", "class=\"4xx\"")),
      server_errors_(metrics.counter("sluice_gateway_errors_total",
                                     "Replies with status 4xx or 5xx", "class=\"5xx\"")),
      latency_(metrics.histogram("sluice_gateway_call_seconds", "Time from request to reply")) {}

void DataPlane::set_stage(const std::string& api_id, const std::string& stage,
                          std::shared_ptr<const StageRuntime> runtime) {
  const std::string key = key_of(api_id, stage);
  const std::lock_guard lock(mutex_);
  if (const auto old = stages_.find(key); old != stages_.end()) {
    const auto ids = ids_by_name_.find(name_key_of(old->second->api().name, stage));
    ids->second.erase(lower(api_id));
    if (ids->second.empty()) ids_by_name_.erase(ids);
    stages_.erase(old);
  }
  if (runtime == nullptr) return;
  ids_by_name_[name_key_of(runtime->api().name, stage)].insert(lower(api_id));
  stages_.emplace(key, std::move(runtime));
}

std::shared_ptr<const StageRuntime> DataPlane::find(std::string_view api_id,
                                                    std::string_view stage) const {
  const std::string key = key_of(api_id, stage);
  const std::lock_guard lock(mutex_);
  const auto found = stages_.find(key);
  return found == stages_.end() ? nullptr : found->second;
}

std::optional<std::string> DataPlane::find_api(std::string_view id_or_name,
                                               std::string_view stage) const {
  const std::string by_id = key_of(id_or_name, stage);
  const std::string by_name = name_key_of(id_or_name, stage);
  const std::lock_guard lock(mutex_);
  if (stages_.contains(by_id)) return lower(id_or_name);
  const auto ids = ids_by_name_.find(by_name);
  return ids == ids_by_name_.end() ? std::nullopt : std::optional(*ids->second.begin());
}

void DataPlane::handle(std::string_view api_id, std::string_view stage,
                       std::string_view path_and_query, http::Request&& request,
                       http::Responder responder) {
  calls_.add();
  std::make_shared<Call>(*this, find(api_id, stage), std::string(path_and_query),
                         std::move(request), std::move(responder))
      ->run();
}

}  // namespace sluice::gateway
