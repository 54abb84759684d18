// The HTTP/1.1 server: one SO_REUSEPORT listener a loop, so that a connection lives on one loop
// from accept to close. Requests go to the Handler, answers leave in the order of the requests.
// HTTP/2 and TLS are recognised and turned away with words for now.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "base/metrics.h"
#include "base/result.h"
#include "http/http.h"
#include "http/limits.h"
#include "runtime/loop.h"

namespace sluice::http {

enum class ServerError {
  kAddressInUse,  // another program listens there: choose another port or stop it
  kBadAddress,    // not a numeric address of this machine
  kOther,         // the system refuses a socket; the message says why
};

struct ServerOptions {
  std::string address = "127.0.0.1";  // numeric, IPv4 or IPv6; or localhost
  std::uint16_t port = 0;             // 0: a free one
  ServerLimits limits = {};
};

// A port taken ahead of the server: whoever connects waits until the server starts. Closed by the
// destructor unless a server took it.
class Listener {
 public:
  // `address` and `port` as in ServerOptions.
  static base::Result<Listener, ServerError> open(const std::string& address, std::uint16_t port);
  Listener(Listener&& other) noexcept;
  Listener& operator=(Listener&&) = delete;
  ~Listener();

  std::uint16_t port() const { return port_; }

 private:
  friend class Server;
  Listener(int fd, std::uint16_t port) : fd_(fd), port_(port) {}
  int fd_;  // -1: taken
  std::uint16_t port_;
};

class Server {
 public:
  // `loops` and `handler` outlive the server. The loops may be started before or after start().
  Server(runtime::LoopGroup& loops, Handler& handler, ServerOptions options,
         base::MetricsRegistry& metrics);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Listens; the port.
  base::Result<std::uint16_t, ServerError> start();
  // The same with a port that was taken before, at the address and port of the options.
  base::Result<std::uint16_t, ServerError> start(Listener listener);
  // Refuses new connections and requests, lets what is in flight finish until the deadline, cuts
  // the rest off. Blocks; not on a loop, and before the loops stop. Idempotent. True: nothing was
  // cut.
  bool stop(std::chrono::milliseconds deadline);

  std::size_t connections() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::http
