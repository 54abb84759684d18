// A real server on a free port and a client that speaks raw bytes, for the tests of this room.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/metrics.h"
#include "http/http.h"
#include "http/server.h"
#include "runtime/loop.h"

namespace sluice::http {

class FunctionHandler final : public Handler {
 public:
  using Function = std::function<void(Request&&, Responder)>;
  explicit FunctionHandler(Function function) : function_(std::move(function)) {}
  void handle(Request&& request, Responder responder) override {
    function_(std::move(request), std::move(responder));
  }

 private:
  Function function_;
};

class TestServer {
 public:
  explicit TestServer(FunctionHandler::Function function, ServerLimits limits = {},
                      std::size_t loops = 2);
  ~TestServer();
  std::uint16_t port() const { return port_; }
  Server& server() { return server_; }
  runtime::LoopGroup& loops() { return loops_; }
  base::MetricsRegistry& metrics() { return metrics_; }

 private:
  base::MetricsRegistry metrics_;
  runtime::LoopGroup loops_;
  FunctionHandler handler_;
  Server server_;
  std::uint16_t port_ = 0;
};

Response plain(std::string body, int status = 200);

// Responders that a test answers later, by the target of their request.
class HeldResponders {
 public:
  void keep(const std::string& target, Responder responder);
  void wait_for(std::size_t count);
  Responder take(const std::string& target);
  // Waits for any; nullopt once closed and empty.
  std::optional<std::pair<std::string, Responder>> take_any();
  void close();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Responder> held_;
  bool closed_ = false;
};

struct RawAnswer {
  int status = 0;    // 0: the connection ended instead
  std::string head;  // status line and headers
  std::string body;  // chunks joined
  bool whole = false;
};

// Blocking, with a deadline of ten seconds on every wait.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port, int receive_buffer = 0);
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  // False: the server has closed.
  bool send(std::string_view bytes);
  void close_sending();
  // The next answer; `to_head`: an answer to HEAD, which has no body.
  RawAnswer answer(bool to_head = false);
  // Everything until the server closes.
  std::string rest();
  // True: the server closed (or reset) and nothing was left to read.
  bool ended();
  // Reads until `size` bytes are there or the connection ends.
  std::string bytes(std::size_t size);

 private:
  bool fill();
  int fd_;
  std::string buffer_;
};

}  // namespace sluice::http
