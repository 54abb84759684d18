// A few threads for calls that block (SQLite, the resolver), so that loops never do. A full queue
// refuses: the caller answers "busy".
#pragma once

#include <atomic>
#include <cstddef>
#include <string>
#include <thread>
#include <vector>

#include "base/bounded_queue.h"
#include "runtime/loop.h"

namespace sluice::runtime {

class BlockingPool {
 public:
  // `name` shows in the list of threads; at most 12 characters of it.
  BlockingPool(std::string name, std::size_t threads, std::size_t queue_max);
  ~BlockingPool();
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;

  void start();
  // Runs what is queued, takes nothing new, joins. Idempotent.
  void stop();
  // False when the queue is full or the pool was stopped; the task is then untouched.
  [[nodiscard]] bool try_submit(Task&& task) { return queue_.try_push(std::move(task)); }

 private:
  const std::string name_;
  const std::size_t thread_count_;
  base::BoundedQueue<Task> queue_;
  std::vector<std::thread> threads_;
};

}  // namespace sluice::runtime
