// Create, append, commit, conflicts, checkpoints, history: on the machine's disk and in memory.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/fault_env.h"
#include "base/mem_env.h"
#include "delta/delta.h"
#include "delta/test_tables.h"

namespace sluice::delta {
namespace {

using testing::HasSubstr;

TEST(Table, CreateAppendReadBack) {
  TemporaryFolder folder;
  auto engine = test_engine(folder.path());
  base::ManualClock clock(1'700'000'000'000);
  const auto root = folder.path() + "/t";
  auto table = Table::create(base::posix_env(), clock, root, simple_metadata());
  ASSERT_TRUE(table) << table.error().message;
  auto snapshot = table->refresh();
  ASSERT_TRUE(snapshot) << snapshot.error().message;
  EXPECT_EQ((*snapshot)->version, Version(0));
  EXPECT_EQ((*snapshot)->txn_version("app"), -1);

  Transaction transaction;
  auto adds = write_files(engine, base::posix_env(), root, "SELECT 7 AS id, 'seven' AS text",
                          simple_metadata().schema, {});
  ASSERT_TRUE(adds) << adds.error().message;
  ASSERT_EQ(adds->size(), 1U);
  EXPECT_EQ(adds->front().records(), 1);
  transaction.adds = *adds;
  transaction.txns = {{"app", 0, clock.now_ms()}};
  transaction.fence_app_id = "app";
  auto version = table->commit(**snapshot, transaction);
  ASSERT_TRUE(version) << version.error().message;
  EXPECT_EQ(*version, Version(1));

  auto again = Table::open(base::posix_env(), clock, root);
  ASSERT_TRUE(again) << again.error().message;
  snapshot = again->refresh();
  ASSERT_TRUE(snapshot);
  EXPECT_EQ((*snapshot)->txn_version("app"), 0);
  ASSERT_EQ((*snapshot)->files.size(), 1U);
  auto scan = scan_sql(root, **snapshot);
  ASSERT_TRUE(scan) << scan.error().message;
  auto text = engine.scalar(fmt::format("SELECT id || text FROM {}", *scan));
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_EQ(*text, "7seven");
  EXPECT_EQ(Table::create(base::posix_env(), clock, root, simple_metadata()).error().code,
            DeltaError::kExists);
}

}  // namespace
}  // namespace sluice::delta
