#include "runtime/loop.h"

#include <pthread.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cassert>
#include <string>
#include <utility>

namespace sluice::runtime {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::milliseconds kSamplePeriod{10};

}  // namespace

struct Loop::Impl {
  // Hint 1: one thread runs it, others may post.
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
  asio::steady_timer sampler{context};
};

Loop::Loop(std::size_t number) : number_(number), impl_(std::make_unique<Impl>()) {}

Loop::~Loop() = default;

boost::asio::io_context& Loop::context() {
  return impl_->context;
}

void Loop::post(Task task) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    if (ended_) return;
    mailbox_.push_back(std::move(task));
    wake = !std::exchange(awake_, true);
  }
  if (wake) asio::post(impl_->context, [this] { drain_mailbox(); });
}

void Loop::defer(Task task) {
  assert(in_loop());
  asio::post(impl_->context, std::move(task));
}

void Loop::drain_mailbox() {
  assert(batch_.empty());
  {
    const std::lock_guard lock(mutex_);
    batch_.swap(mailbox_);
    awake_ = false;
  }
  for (Task& task : batch_) {
    task();
    task = nullptr;
  }
  batch_.clear();
}

void Loop::run(base::Histogram* delay) {
  thread_id_ = std::this_thread::get_id();
  delay_ = delay;
  pthread_setname_np(pthread_self(), ("loop-" + std::to_string(number_)).c_str());
  sample_delay();
  impl_->context.run();
}

void Loop::sample_delay() {
  impl_->sampler.expires_after(kSamplePeriod);
  impl_->sampler.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    const auto late = std::chrono::steady_clock::now() - impl_->sampler.expiry();
    const auto us = std::max<std::int64_t>(
        0, std::chrono::duration_cast<std::chrono::microseconds>(late).count());
    delays_us_[next_sample_++ % kSamples].store(
        static_cast<std::uint32_t>(std::min<std::int64_t>(us, UINT32_MAX)),
        std::memory_order_relaxed);
    if (delay_ != nullptr) delay_->observe_us(static_cast<std::uint64_t>(us));
    sample_delay();
  });
}

std::uint64_t Loop::delay_p99_us() const {
  std::array<std::uint32_t, kSamples> sorted{};
  for (std::size_t i = 0; i < kSamples; ++i) {
    sorted[i] = delays_us_[i].load(std::memory_order_relaxed);
  }
  const auto at = sorted.begin() + (kSamples * 99 / 100 - 1);
  std::nth_element(sorted.begin(), at, sorted.end());
  return *at;
}

void Loop::request_end() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  impl_->context.stop();
}

struct Timer::Impl {
  explicit Impl(Loop& loop) : timer(loop.context()) {}
  asio::steady_timer timer;
  Task task;
  std::uint64_t armed = 0;  // a wait that was overtaken carries an older number
};

Timer::Timer(Loop& loop) : impl_(std::make_shared<Impl>(loop)) {}

Timer::~Timer() {
  cancel();
}

void Timer::arm(std::chrono::milliseconds after, Task task) {
  impl_->task = std::move(task);
  impl_->timer.expires_after(after);
  impl_->timer.async_wait(
      [impl = impl_, number = ++impl_->armed](const boost::system::error_code& error) {
        if (error || number != impl->armed || !impl->task) return;
        Task due = std::exchange(impl->task, nullptr);
        due();
      });
}

void Timer::cancel() {
  ++impl_->armed;
  impl_->task = nullptr;
  impl_->timer.cancel();
}

LoopGroup::LoopGroup(std::size_t count, base::MetricsRegistry* metrics) {
  if (count == 0) count = std::max(1U, std::thread::hardware_concurrency());
  if (metrics != nullptr) {
    delay_ = &metrics->histogram("sluice_runtime_loop_delay_seconds",
                                 "How late an event loop ran what was due");
  }
  for (std::size_t i = 0; i < count; ++i)
    loops_.push_back(std::make_unique<Loop>(i));
}

LoopGroup::~LoopGroup() {
  stop();
}

void LoopGroup::start() {
  assert(threads_.empty());
  for (const auto& loop : loops_) {
    threads_.emplace_back([this, loop = loop.get()] { loop->run(delay_); });
  }
}

void LoopGroup::stop() {
  for (const auto& loop : loops_)
    loop->request_end();
  for (std::thread& thread : threads_)
    thread.join();
  threads_.clear();
}

std::uint64_t LoopGroup::delay_p99_us() const {
  std::uint64_t worst = 0;
  for (const auto& loop : loops_)
    worst = std::max(worst, loop->delay_p99_us());
  return worst;
}

}  // namespace sluice::runtime
