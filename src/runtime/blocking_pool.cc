#include "runtime/blocking_pool.h"

#include <pthread.h>

#include <cassert>
#include <utility>

namespace sluice::runtime {

BlockingPool::BlockingPool(std::string name, std::size_t threads, std::size_t queue_max)
    : name_(std::move(name)), thread_count_(threads), queue_(queue_max) {
  assert(threads > 0 && queue_max > 0);
}

BlockingPool::~BlockingPool() {
  stop();
}

void BlockingPool::start() {
  assert(threads_.empty());
  for (std::size_t i = 0; i < thread_count_; ++i) {
    threads_.emplace_back([this, i] {
      pthread_setname_np(pthread_self(),
                         (name_.substr(0, 12) + "-" + std::to_string(i % 10)).c_str());
      while (auto task = queue_.pop())
        (*task)();
    });
  }
}

void BlockingPool::stop() {
  queue_.close();
  for (std::thread& thread : threads_)
    thread.join();
  threads_.clear();
}

}  // namespace sluice::runtime
