#include "kinesis/shard_limits.h"

#include <gtest/gtest.h>

#include "kinesis/limits.h"

namespace sluice::kinesis {
namespace {

using streams::ShardIndex;

constexpr ShardIndex kShard{0};

class ShardLimitsTest : public testing::Test {
 protected:
  ShardLimitsTest() { stream_.incarnation = "one"; }
  int records_taken(std::size_t bytes) {
    int taken = 0;
    while (limits_.write(stream_, kShard, bytes))
      ++taken;
    return taken;
  }

  base::ManualClock clock_{1'763'900'000'000};
  ShardLimits limits_{clock_};
  streams::Stream stream_;
};

TEST_F(ShardLimitsTest, ARecordTooManyInASecond) {
  EXPECT_EQ(records_taken(10), kShardWriteRecords);
  EXPECT_TRUE(limits_.write(stream_, ShardIndex(1), 10));
  clock_.advance_ms(250);
  EXPECT_EQ(records_taken(10), kShardWriteRecords / 4);
  clock_.advance_ms(60'000);  // nothing is saved up beyond a second
  EXPECT_EQ(records_taken(10), kShardWriteRecords);
}

TEST_F(ShardLimitsTest, AByteTooManyInASecond) {
  EXPECT_EQ(records_taken(100 << 10), 10);
  EXPECT_FALSE(limits_.write(stream_, kShard, 25 << 10));
  EXPECT_TRUE(limits_.write(stream_, kShard, 24 << 10));
  clock_.advance_ms(500);
  EXPECT_EQ(records_taken(100 << 10), 5);
}

TEST_F(ShardLimitsTest, TheLargestRecordPassesAndIsPaidFor) {
  const std::size_t largest = kShardWriteBytes + kPartitionKeyCharsMax;
  EXPECT_TRUE(limits_.write(stream_, kShard, largest));
  clock_.advance_ms(1000);
  EXPECT_FALSE(limits_.write(stream_, kShard, largest));
  clock_.advance_ms(1);
  EXPECT_TRUE(limits_.write(stream_, kShard, largest));
}

TEST_F(ShardLimitsTest, ReadsPauseUntilTheirBytesArePaidFor) {
  ASSERT_TRUE(limits_.begin_read(stream_, kShard));
  limits_.end_read(stream_, kShard, kShardReadBytes - 1);
  ASSERT_TRUE(limits_.begin_read(stream_, kShard));
  limits_.end_read(stream_, kShard, kShardReadBytes / 2);
  EXPECT_FALSE(limits_.begin_read(stream_, kShard));
  clock_.advance_ms(500);
  EXPECT_TRUE(limits_.begin_read(stream_, kShard));
}

TEST_F(ShardLimitsTest, APageOfTenMebibytesIsFollowedByFiveSeconds) {
  clock_.advance_ms(10'000);
  ASSERT_TRUE(limits_.begin_read(stream_, kShard));
  limits_.end_read(stream_, kShard, kGetRecordsBytesMax);
  clock_.advance_ms(5'000);
  EXPECT_FALSE(limits_.begin_read(stream_, kShard));
  clock_.advance_ms(1);
  EXPECT_TRUE(limits_.begin_read(stream_, kShard));
}

TEST_F(ShardLimitsTest, ForgetsShardsThatAreLeftAlone) {
  for (std::uint32_t shard = 0; shard < 5'000; ++shard)
    limits_.write(stream_, ShardIndex(shard), 1);
  EXPECT_EQ(limits_.shards(), 5'000U);
  clock_.advance_ms(kShardIdleMs + 1);
  for (std::uint32_t shard = 5'000; shard < 10'000; ++shard)
    limits_.write(stream_, ShardIndex(shard), 1);
  EXPECT_LE(limits_.shards(), 5'001U + 1024U);
}

}  // namespace
}  // namespace sluice::kinesis
