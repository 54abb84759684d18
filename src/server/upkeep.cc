#include "server/upkeep.h"

#include <pthread.h>

#include <utility>

namespace sluice::server {

Upkeep::Upkeep(std::chrono::milliseconds every, std::function<void()> task)
    : every_(every), task_(std::move(task)), thread_([this] { run(); }) {}

Upkeep::~Upkeep() {
  stop();
}

void Upkeep::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void Upkeep::run() {
  pthread_setname_np(pthread_self(), "upkeep");
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, every_, [this] { return stopping_; })) {
    lock.unlock();
    task_();
    lock.lock();
  }
}

}  // namespace sluice::server
