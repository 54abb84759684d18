// What a connection and the server's part on its loop know of each other. One connection lives on
// one loop; all members are called there.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/metrics.h"
#include "http/http.h"
#include "http/limits.h"
#include "http/response_head.h"
#include "runtime/loop.h"

namespace sluice::http {

using SteadyTime = std::chrono::steady_clock::time_point;

struct ServerMetrics {
  explicit ServerMetrics(base::MetricsRegistry& registry);
  base::Gauge& connections;
  base::Gauge& inflight_body_bytes;
  base::Counter& accepted;
  base::Counter& requests;
  base::Counter& refused_requests;     // malformed or over a limit
  base::Counter& refused_connections;  // over the limit of connections
  base::Counter& timeouts;
  base::Counter& server_errors;  // answers of 500 and above
  base::Histogram& duration;     // whole request read to answer handed to the socket
};

class Connection {
 public:
  virtual ~Connection() = default;
  virtual void start() = 0;
  // Finishes what is in flight, then closes.
  virtual void begin_drain() = 0;
  // Closes now, whatever is in flight.
  virtual void cut() = 0;
  virtual void check_deadlines(SteadyTime now) = 0;
};

// The server's part on one loop, as its connections see it.
struct ConnectionHost {
  virtual ~ConnectionHost() = default;
  // Last call of a connection; it may be destroyed by it.
  virtual void closed(Connection& connection) = 0;

  runtime::Loop* loop = nullptr;
  Handler* handler = nullptr;
  const ServerLimits* limits = nullptr;
  ServerMetrics* metrics = nullptr;
  std::atomic<std::uint64_t>* inflight_body_bytes = nullptr;  // of all loops
  DateLine date;
};  // kept alive by its connections

enum class Admission { kWelcome, kOverLimit };  // over the limit: one 503, then closed

// Takes the socket `fd` over.
std::shared_ptr<Connection> make_connection(std::shared_ptr<ConnectionHost> host, int fd, bool ipv6,
                                            std::string peer, Admission admission);

}  // namespace sluice::http
