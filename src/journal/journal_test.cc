// The journal through its door, over a disk in memory, driven step by step.
#include "journal/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "journal/test_journal.h"

namespace sluice::journal {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Journal, gives_back_what_was_put) {
  TestDisk disk;
  auto journal = disk.open();
  const auto put = disk.put(*journal, {{LaneId(7), {"a", "bb", ""}}});
  ASSERT_TRUE(put) << put.error().message;
  ASSERT_EQ(put->size(), 1U);
  EXPECT_EQ(put->front().first, Index(1));
  EXPECT_EQ(put->front().count, 3U);
  EXPECT_EQ(put->front().arrival_ms, disk.clock.now_ms());
  const auto page = journal->read(LaneId(7), Index(0), Index(100), {});
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_THAT(data_of(*page), ElementsAre("a", "bb", ""));
  EXPECT_EQ(page->records[1].partition_key, "key-bb");
  EXPECT_EQ(page->records[1].index, Index(2));
  EXPECT_EQ(page->next, Index(4));
}

}  // namespace
}  // namespace sluice::journal
