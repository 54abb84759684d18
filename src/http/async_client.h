// Outgoing HTTP and HTTPS without waiting: one thread carries all requests of the process, keeps
// their connections and reuses them. For HTTP integrations of the gateway. The same rules as
// Client: no redirects, proxies or cookies, the egress policy on every address.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "base/result.h"
#include "http/client.h"

namespace sluice::http {

struct AsyncClientLimits {
  std::size_t requests_max = 1'000;                        // under way; then kBusy
  std::size_t answers_bytes_max = std::size_t{256} << 20;  // of all answers under way; then kBusy
  std::size_t idle_connections_max = 100;                  // kept; the oldest is closed
};

class AsyncClient {
 public:
  using Done = std::move_only_function<void(base::Result<Response, ClientError>)>;

  explicit AsyncClient(ClientOptions options = {}, AsyncClientLimits limits = {});
  ~AsyncClient();  // stops
  AsyncClient(const AsyncClient&) = delete;
  AsyncClient& operator=(const AsyncClient&) = delete;

  void start();
  // Requests under way end with kBroken, new ones with kBusy. Idempotent.
  void stop();
  // From any thread, never waits. `done` is called once, on the client's thread (on the caller's,
  // before this returns, when the request is refused) and must not block.
  void fetch(ClientRequest request, Done done);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::http
