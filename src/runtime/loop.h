// Event loops, one thread each. A connection, its timers and its state belong to one loop and are
// touched only there; everybody else posts. Asio stays behind context(), for the .cc files of
// runtime and http.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/metrics.h"

namespace boost::asio {
class io_context;  // NOLINT(readability-identifier-naming): Asio's name
}

namespace sluice::runtime {

using Task = std::move_only_function<void()>;

class Loop {
 public:
  explicit Loop(std::size_t number);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // From any thread. Tasks posted while a wake-up is under way share it, so a burst of completions
  // costs one write to the loop's event descriptor. Never refuses: what is posted is bounded by the
  // work in flight, which has its own limits. Dropped (destroyed) when the loop has ended.
  void post(Task task);
  // Only on the loop: runs after the handlers that are due now, without a wake-up.
  void defer(Task task);
  bool in_loop() const {
    return thread_id_.load(std::memory_order_relaxed) == std::this_thread::get_id();
  }
  std::size_t number() const { return number_; }

  // How late the loop was over about the last second (100 samples): the governor's measure.
  std::uint64_t delay_p99_us() const;

  boost::asio::io_context& context();

 private:
  friend class LoopGroup;
  friend class Timer;
  struct Impl;

  void run(base::Histogram* delay);
  void drain_mailbox();
  void sample_delay();
  void request_end();

  static constexpr std::size_t kSamples = 100;

  const std::size_t number_;
  std::unique_ptr<Impl> impl_;
  std::atomic<std::thread::id> thread_id_{};
  std::mutex mutex_;
  std::vector<Task> mailbox_;  // guarded by mutex_
  bool awake_ = false;         // guarded by mutex_: a drain is on its way
  bool ended_ = false;         // guarded by mutex_
  std::vector<Task> batch_;    // the loop's own, its memory reused
  std::array<std::atomic<std::uint32_t>, kSamples> delays_us_{};
  std::size_t next_sample_ = 0;
  base::Histogram* delay_ = nullptr;
};

// Fires once on its loop unless cancelled, re-armed or destroyed first. Used only on the loop.
class Timer {
 public:
  explicit Timer(Loop& loop);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  void arm(std::chrono::milliseconds after, Task task);
  void cancel();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

// The loops of the process, one thread each.
class LoopGroup {
 public:
  // count 0: one a core. Metrics: sluice_runtime_loop_delay_seconds.
  explicit LoopGroup(std::size_t count = 0, base::MetricsRegistry* metrics = nullptr);
  ~LoopGroup();

  void start();
  // Whoever uses the loops stops first: what is still posted is dropped. Joins; idempotent.
  void stop();
  std::size_t size() const { return loops_.size(); }
  Loop& loop(std::size_t i) { return *loops_[i]; }
  // The worst of the loops.
  std::uint64_t delay_p99_us() const;

 private:
  base::Histogram* delay_ = nullptr;
  std::vector<std::unique_ptr<Loop>> loops_;
  std::vector<std::thread> threads_;
};

}  // namespace sluice::runtime
