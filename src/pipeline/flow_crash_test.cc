// Crashes at every step of the protocol: whatever the step and however often, running again makes
// the table that a run without crashes makes.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "base/fault_env.h"
#include "pipeline/flow_test_util.h"

namespace sluice::pipeline {
namespace {

// Returns an error at the n-th step passed: everything in memory is thrown away, files stay.
StepHook crash_at(int n) {
  return [left = n](std::string_view step) mutable -> PipelineResult<void> {
    if (left-- > 0) return {};
    return base::fail(PipelineError::kRetry, fmt::format("crash after: {}", step));
  };
}

class FlowCrash : public ::testing::TestWithParam<bool> {};

TEST_P(FlowCrash, AfterAnyStepARerunConverges) {
  for (int n = 0; n < 40; ++n) {
    FlowBench bench;
    bench.with_distinct = GetParam();
    bench.settings.limits.records_max = 15;
    bench.put(25);
    bench.hook = crash_at(n);
    const bool crashed = !bench.run().has_value();
    bench.flow.reset();
    bench.hook = nullptr;
    bench.put(10);
    const auto done = bench.run();
    ASSERT_TRUE(done) << n << ": " << done.error().message;
    ASSERT_EQ(bench.rows(), bench.expected()) << n;
    if (!crashed) return;  // past the last step
  }
  FAIL() << "the steps never ended";
}

INSTANTIATE_TEST_SUITE_P(Flow, FlowCrash, ::testing::Bool());

TEST(FlowCrashes, OneAfterAnotherUnderNewInput) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    FlowBench bench;
    base::SeededRandom random(seed);
    bench.settings.limits.records_max = 5 + random.below(30);
    for (int round = 0; round < 8; ++round) {
      bench.put(static_cast<int>(random.below(25)));
      bench.hook = crash_at(static_cast<int>(random.below(24)));
      (void)bench.run();
      bench.flow.reset();
    }
    bench.hook = nullptr;
    const auto done = bench.run();
    ASSERT_TRUE(done) << seed << ": " << done.error().message;
    ASSERT_EQ(bench.rows(), bench.expected()) << seed;
  }
}

// The n-th change of the disk fails, done or not: the answer of a commit may be lost too.
TEST(FlowCrashes, AnyChangeOfTheDiskMayFail) {
  base::SeededRandom random(9);
  for (int n = 1;; n += 3) {
    FlowBench bench;
    bench.settings.limits.records_max = 15;
    bench.put(25);
    base::FaultEnv faults(base::posix_env(), random);
    faults.fail_change(base::FaultEnv::Change::kAny, static_cast<std::uint64_t>(n),
                       base::IoError::kOther);
    bench.env = &faults;
    (void)bench.run();
    bench.flow.reset();
    bench.env = &base::posix_env();
    bench.put(10);
    const auto done = bench.run();
    ASSERT_TRUE(done) << n << ": " << done.error().message;
    ASSERT_EQ(bench.rows(), bench.expected()) << n;
    if (faults.changes() < static_cast<std::uint64_t>(n)) break;
  }
}

// The same with a process that ends on the spot: no destructor runs, locks fall.
TEST(FlowCrashes, AChildProcessThatEndsAtAStep) {
  for (int n = 0; n < 26; n += 3) {
    FlowBench bench;
    bench.settings.limits.records_max = 15;
    bench.put(40);
    bench.hook = [left = n](std::string_view) mutable -> PipelineResult<void> {
      if (left-- == 0) _exit(42);
      return {};
    };
    const pid_t child = fork();
    if (child == 0) {
      (void)bench.run();
      _exit(0);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status));
    ASSERT_TRUE(WEXITSTATUS(status) == 42 || WEXITSTATUS(status) == 0);
    bench.hook = nullptr;
    const auto done = bench.run();
    ASSERT_TRUE(done) << n << ": " << done.error().message;
    ASSERT_EQ(bench.rows(), bench.expected()) << n;
  }
}

}  // namespace
}  // namespace sluice::pipeline
