// One thread that does small things now and then: expired records are released. At the usual
// priority: the journal waits for a lock that it takes.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace sluice::server {

class Upkeep {
 public:
  Upkeep(std::chrono::milliseconds every, std::function<void()> task);
  ~Upkeep();
  Upkeep(const Upkeep&) = delete;
  Upkeep& operator=(const Upkeep&) = delete;
  // Waits for a task under way. Idempotent.
  void stop();

 private:
  void run();

  const std::chrono::milliseconds every_;
  const std::function<void()> task_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace sluice::server
