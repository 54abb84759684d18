#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "runtime/blocking_pool.h"
#include "runtime/loop.h"
#include "runtime/signals.h"

namespace sluice::runtime {
namespace {

using std::chrono::milliseconds;

// Runs on the loop and waits for it.
template <class F>
void on_loop(Loop& loop, F f) {
  std::promise<void> done;
  loop.post([&] {
    f();
    done.set_value();
  });
  done.get_future().wait();
}

TEST(Loop, RunsWhatIsPostedInOrderOnItsOwnThread) {
  LoopGroup loops(2);
  std::vector<int> seen;
  for (int i = 0; i < 5; ++i)
    loops.loop(0).post([&, i] { seen.push_back(i); });  // before start
  loops.start();
  for (int i = 5; i < 1000; ++i)
    loops.loop(0).post([&, i] { seen.push_back(i); });
  on_loop(loops.loop(0), [&] {
    EXPECT_TRUE(loops.loop(0).in_loop());
    EXPECT_FALSE(loops.loop(1).in_loop());
  });
  ASSERT_EQ(seen.size(), 1000U);
  for (int i = 0; i < 1000; ++i)
    EXPECT_EQ(seen[i], i);
  EXPECT_FALSE(loops.loop(0).in_loop());
}

TEST(Loop, DeferredWorkRunsAfterTheWholeBatch) {
  LoopGroup loops(1);
  Loop& loop = loops.loop(0);
  std::vector<std::string> seen;
  loop.post([&] {
    seen.emplace_back("a");
    loop.defer([&] { seen.emplace_back("deferred"); });
  });
  loop.post([&] { seen.emplace_back("b"); });  // the same batch: the loop does not run yet
  loops.start();
  std::promise<void> done;
  loop.post([&] { loop.defer([&] { loop.defer([&] { done.set_value(); }); }); });
  done.get_future().wait();
  EXPECT_EQ(seen, (std::vector<std::string>{"a", "b", "deferred"}));
}

TEST(Loop, ManyThreadsPost) {
  LoopGroup loops(1);
  loops.start();
  int count = 0;  // touched on the loop only
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5000; ++i)
        loops.loop(0).post([&] { ++count; });
    });
  }
  for (auto& thread : threads)
    thread.join();
  on_loop(loops.loop(0), [&] { EXPECT_EQ(count, 20'000); });
}

TEST(Loop, WhatIsPostedAfterTheStopIsDestroyedNotRun) {
  LoopGroup loops(1);
  loops.start();
  loops.stop();
  const auto token = std::make_shared<int>(1);
  bool ran = false;
  loops.loop(0).post([&ran, token] { ran = true; });
  EXPECT_EQ(token.use_count(), 1);
  EXPECT_FALSE(ran);
  loops.stop();  // again is fine
}

TEST(Timer, FiresOnceUnlessCancelledOrArmedAgain) {
  LoopGroup loops(1);
  loops.start();
  Loop& loop = loops.loop(0);
  std::promise<void> done;
  std::atomic<int> first{0}, second{0}, cancelled{0};
  std::unique_ptr<Timer> timer, other, last;
  on_loop(loop, [&] {
    timer = std::make_unique<Timer>(loop);
    other = std::make_unique<Timer>(loop);
    last = std::make_unique<Timer>(loop);
    timer->arm(milliseconds(1), [&] { ++first; });
    timer->arm(milliseconds(2), [&] { ++second; });
    other->arm(milliseconds(1), [&] { ++cancelled; });
    other->cancel();
    last->arm(milliseconds(20), [&] { done.set_value(); });
  });
  done.get_future().wait();
  on_loop(loop, [&] {
    timer = nullptr;
    other = nullptr;
    last = nullptr;
  });
  EXPECT_EQ(first, 0);
  EXPECT_EQ(second, 1);
  EXPECT_EQ(cancelled, 0);
}

TEST(Timer, MayArmItselfAgainAndMayBeDestroyedByItsOwnTask) {
  LoopGroup loops(1);
  loops.start();
  Loop& loop = loops.loop(0);
  std::promise<void> done;
  std::unique_ptr<Timer> timer;
  int left = 5;
  std::function<void()> tick = [&] {
    if (--left > 0) {
      timer->arm(milliseconds(1), [&] { tick(); });
    } else {
      timer = nullptr;
      done.set_value();
    }
  };
  on_loop(loop, [&] {
    timer = std::make_unique<Timer>(loop);
    timer->arm(milliseconds(1), [&] { tick(); });
  });
  done.get_future().wait();
  EXPECT_EQ(left, 0);
}

TEST(LoopGroup, SamplesHowLateItsLoopsAre) {
  base::MetricsRegistry metrics;
  LoopGroup loops(1, &metrics);
  loops.start();
  auto& delay = metrics.histogram("sluice_runtime_loop_delay_seconds",
                                  "How late an event loop ran what was due");
  // A handler that hogs the loop makes what was due meanwhile late.
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (loops.delay_p99_us() < 10'000 && std::chrono::steady_clock::now() < until) {
    on_loop(loops.loop(0), [] {
      const auto end = std::chrono::steady_clock::now() + milliseconds(60);
      while (std::chrono::steady_clock::now() < end) {
      }
    });
  }
  EXPECT_GE(loops.delay_p99_us(), 10'000U);
  EXPECT_GT(delay.count(), 0U);
}

TEST(BlockingPool, RefusesWhenItsQueueIsFullAndFinishesWhatItTook) {
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
  std::promise<void> running;
  std::atomic<int> ran{0};
  BlockingPool pool("test", 1, 2);
  pool.start();
  ASSERT_TRUE(pool.try_submit([&] {
    running.set_value();
    released.wait();
    ++ran;
  }));
  running.get_future().wait();
  ASSERT_TRUE(pool.try_submit([&] { ++ran; }));
  ASSERT_TRUE(pool.try_submit([&] { ++ran; }));
  Task refused = [&] { ++ran; };
  EXPECT_FALSE(pool.try_submit(std::move(refused)));
  EXPECT_TRUE(static_cast<bool>(refused));  // NOLINT(bugprone-use-after-move): it was not taken
  release.set_value();
  pool.stop();
  EXPECT_EQ(ran, 3);
  EXPECT_FALSE(pool.try_submit([&] { ++ran; }));
}

TEST(Signals, CallBackOnTheLoop) {
  LoopGroup loops(1);
  loops.start();
  std::promise<int> caught;
  Signals signals(loops.loop(0), [&](int signal) {
    EXPECT_TRUE(loops.loop(0).in_loop());
    caught.set_value(signal);
  });
  ASSERT_EQ(::kill(::getpid(), SIGTERM), 0);
  EXPECT_EQ(caught.get_future().get(), SIGTERM);
  loops.stop();
}

}  // namespace
}  // namespace sluice::runtime
