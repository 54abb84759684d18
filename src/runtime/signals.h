// SIGINT and SIGTERM as a call on a loop; SIGPIPE ignored. One object in a process.
#pragma once

#include <functional>
#include <memory>

#include "runtime/loop.h"

namespace sluice::runtime {

class Signals {
 public:
  // `on_stop(signal)` runs on the loop at each SIGINT or SIGTERM; it must not block. From now on
  // these signals no longer end the process by themselves.
  Signals(Loop& loop, std::function<void(int)> on_stop);
  // Gives the signals their default meaning back. Before the loops are destroyed.
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace sluice::runtime
