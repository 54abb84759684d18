// A power cut, or one failed operation, at every change of the disk that creating, committing and
// checkpointing make.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include "base/fault_env.h"
#include "base/mem_env.h"
#include "delta/test_tables.h"

namespace sluice::delta {
namespace {

constexpr const char* kRoot = "/lake/schema/t";
constexpr int kCommits = 4;  // with checkpoints at 2 and 4

Metadata metadata() {
  auto metadata = simple_metadata();
  metadata.configuration["delta.checkpointInterval"] = "2";
  return metadata;
}

Transaction append(int i) {
  Transaction transaction;
  transaction.info.operation = "STREAMING UPDATE";
  transaction.info.blind_append = true;
  transaction.adds = {fake_file(fmt::format("file-{}", i))};
  transaction.txns = {{"app", i, 1}};
  transaction.fence_app_id = "app";
  return transaction;
}

// What the writer was told is done.
struct Acknowledged {
  bool created = false;
  int commits = 0;
};

Acknowledged write_until_failure(base::Env& env, base::Clock& clock) {
  Acknowledged done;
  auto table = Table::create(env, clock, kRoot, metadata());
  if (!table) return done;
  done.created = true;
  for (int i = 0; i < kCommits; ++i) {
    auto snapshot = table->refresh();
    if (!snapshot) return done;
    if (!table->commit(**snapshot, append(i))) return done;
    ++done.commits;
    (void)table->maybe_checkpoint();  // a failure must not matter
  }
  return done;
}

// The table holds batches 0 … n − 1, each once, and can be written on.
void check_table(base::Env& env, base::Clock& clock, const Acknowledged& done) {
  auto table = Table::open(env, clock, kRoot);
  if (!table && !done.created && table.error().code == DeltaError::kNotATable)
    table = Table::create(env, clock, kRoot, metadata());
  ASSERT_TRUE(table) << table.error().message;
  auto snapshot = table->refresh();
  ASSERT_TRUE(snapshot) << snapshot.error().message;
  const auto found = static_cast<int>((*snapshot)->files.size());
  EXPECT_GE(found, done.commits);
  EXPECT_LE(found, done.commits + 1);
  EXPECT_EQ((*snapshot)->txn_version("app"), found - 1);
  EXPECT_EQ((*snapshot)->version, Version(found));
  for (int i = 0; i < found; ++i)
    EXPECT_EQ((*snapshot)->files[static_cast<std::size_t>(i)].path, fmt::format("file-{}", i));
  const auto version = table->commit(**snapshot, append(found));
  ASSERT_TRUE(version) << version.error().message;
  EXPECT_EQ(*version, Version(found + 1));
}

TEST(Crash, APowerCutAtAnyChangeLosesNothingAcknowledged) {
  base::ManualClock clock(1'700'000'000'000);
  std::uint64_t changes = 0;
  {
    base::MemEnv disk;
    base::SeededRandom random(1);
    base::FaultEnv env(disk, random);
    EXPECT_EQ(write_until_failure(env, clock).commits, kCommits);
    changes = env.changes();
  }
  EXPECT_GT(changes, 30U);
  for (std::uint64_t n = 1; n <= changes; ++n) {
    SCOPED_TRACE(fmt::format("change {}", n));
    base::MemEnv disk;
    base::SeededRandom random(n);
    base::FaultEnv env(disk, random);
    env.cut_power_at(n);
    const auto done = write_until_failure(env, clock);
    for (int round = 0; round < 3; ++round)
      check_table(*disk.after_power_cut(random), clock, done);
    // Only the process died: what it wrote is all there.
    check_table(*disk.copy(), clock, done);
    if (HasFailure()) return;
  }
}

// One operation fails, the writer starts anew as the pipeline does: read V, go on at V + 1.
TEST(Crash, OneFailedOperationNeitherLosesNorDoubles) {
  base::ManualClock clock(1'700'000'000'000);
  for (const auto error : {base::IoError::kOther}) {
    for (std::uint64_t n = 1;; ++n) {
      SCOPED_TRACE(fmt::format("change {}", n));
      base::MemEnv disk;
      base::SeededRandom random(n);
      base::FaultEnv env(disk, random);
      env.fail_change(base::FaultEnv::Change::kAny, n, error);
      const auto first = write_until_failure(env, clock);
      if (env.changes() < n) break;  // the fault lies beyond the end
      if (!first.created && !Table::open(env, clock, kRoot)) {
        const auto made = Table::create(env, clock, kRoot, metadata());
        ASSERT_TRUE(made) << made.error().message;
      }
      auto table = Table::open(env, clock, kRoot);
      ASSERT_TRUE(table) << table.error().message;
      for (int i = 0; i < kCommits; ++i) {
        auto snapshot = table->refresh();
        ASSERT_TRUE(snapshot);
        const auto next = static_cast<int>((*snapshot)->txn_version("app")) + 1;
        if (next == kCommits) break;
        ASSERT_TRUE(table->commit(**snapshot, append(next)));
      }
      check_table(*disk.after_power_cut(random), clock, {.created = true, .commits = kCommits});
      if (HasFailure()) return;
    }
  }
}

}  // namespace
}  // namespace sluice::delta
