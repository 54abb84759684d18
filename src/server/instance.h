// A server that listens: event loops, the HTTP port, the engine behind it, started and stopped in
// the right order. `serve` and `demo` each have one.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <expected>
#include <memory>
#include <mutex>
#include <string>

#include "http/server.h"
#include "runtime/loop.h"
#include "server/engine.h"
#include "server/settings.h"

namespace sluice::server {

class Instance {
 public:
  // Opens the engine and listens. `settings` outlives the instance. The error is for people.
  static std::expected<std::unique_ptr<Instance>, std::string> start(const Settings& settings);
  ~Instance();

  std::string endpoint() const;  // http://127.0.0.1:4566
  Engine& engine() { return *engine_; }
  runtime::Loop& first_loop() { return loops_->loop(0); }

  // Until request_stop() or until the journal failed. False: it failed; nothing acknowledged is
  // lost, the process must end.
  bool wait();
  // From any thread; does not block.
  void request_stop();
  // Stops listening, lets requests finish until the deadline, closes the data folder. Idempotent;
  // not on a loop.
  void stop();

 private:
  explicit Instance(const Settings& settings);

  const Settings& settings_;
  std::unique_ptr<runtime::LoopGroup> loops_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<http::Server> server_;
  std::uint16_t port_ = 0;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_requested_ = false;
  bool failed_ = false;
};

}  // namespace sluice::server
