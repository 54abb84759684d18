#include "pipeline/kinesis_source.h"

#include <gmock/gmock.h>

#include <limits>

#include "pipeline/batch_planner.h"
#include "pipeline/engine_test_util.h"

namespace sluice::pipeline {
namespace {

using ::testing::HasSubstr;

constexpr std::int64_t kHourMs = 3'600'000;
constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

std::unique_ptr<Source> open(EngineBench& bench, InitialPosition position, std::int64_t at_ms = 0) {
  auto source =
      KinesisSource::open(*bench.engine, *bench.engine, {EngineBench::key("s"), position, at_ms});
  EXPECT_TRUE(source) << source.error().message;
  return *std::move(source);
}

TEST(KinesisOptions, AreReadAsSparkWritesThem) {
  const auto options = kinesis_options(
      {{"streamname", "s"}, {"region", "eu-west-1"}, {"initialposition", "EARLIEST"}});
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(options->stream.arn(), "arn:aws:kinesis:eu-west-1:000000000000:stream/s");
  EXPECT_EQ(options->position, InitialPosition::kEarliest);
  EXPECT_EQ(kinesis_options({{"streamname", "s"}})->position, InitialPosition::kLatest);
  EXPECT_EQ(kinesis_options({{"streamname", "s"}, {"initialposition", "trim_horizon"}})->position,
            InitialPosition::kEarliest);
  EXPECT_EQ(kinesis_options({{"streamname", "s"},
                             {"initialposition", "at_timestamp"},
                             {"timestamp", "1700000000000"}})
                ->at_ms,
            1'700'000'000'000);
}

TEST(KinesisOptions, RefusesByName) {
  const auto refused = [](std::map<std::string, std::string> options) {
    const auto result = kinesis_options(options);
    return result ? "accepted" : result.error().message;
  };
  EXPECT_THAT(refused({}), HasSubstr("streamName is missing"));
  EXPECT_THAT(refused({{"streamname", "s"}, {"awsaccesskey", "x"}}), HasSubstr("awsaccesskey"));
  EXPECT_THAT(refused({{"streamname", "s"}, {"endpointurl", "x"}}),
              HasSubstr("UNSUPPORTED_BY_SLUICE"));
  EXPECT_THAT(refused({{"streamname", "s"}, {"what", "x"}}), HasSubstr("`what` is not known"));
  EXPECT_THAT(refused({{"streamname", "s"}, {"initialposition", "soon"}}), HasSubstr("`soon`"));
  EXPECT_THAT(refused({{"streamname", "s"}, {"initialposition", "at_timestamp"}}),
              HasSubstr("timestamp"));
}

TEST(KinesisSource, PlansAndReadsExactRanges) {
  EngineBench bench;
  bench.create("s", 1);
  for (int i = 0; i < 25; ++i)
    bench.put("s", "data " + std::to_string(i));
  const auto source = open(bench, InitialPosition::kEarliest);
  const auto bounds = source->bounds();
  ASSERT_TRUE(bounds);
  ASSERT_EQ(bounds->size(), 1U);
  const SourceBounds shard = (*bounds)[0];
  const std::uint64_t start = *source->initial(shard);
  const auto first = source->plan(shard.shard_id, start, shard.end, 10, kNoLimit);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->count, 10U);
  // The same twice: what plan() kept, and from the log.
  for (int i = 0; i < 2; ++i) {
    const auto records = source->read(*first);
    ASSERT_TRUE(records) << records.error().message;
    ASSERT_EQ(records->size(), 10U);
    EXPECT_EQ((*records)[9].data, "data 9");
    EXPECT_EQ((*records)[9].stream, "s");
    EXPECT_EQ((*records)[9].sequence_number.size(), 56U);
  }
  const auto rest = source->plan(shard.shard_id, first->to, shard.end, kNoLimit, kNoLimit);
  ASSERT_TRUE(rest);
  EXPECT_EQ(rest->count, 15U);
  EXPECT_EQ(rest->to + 1, shard.end);
  const auto none = source->plan(shard.shard_id, rest->to, shard.end, kNoLimit, kNoLimit);
  ASSERT_TRUE(none);
  EXPECT_EQ(none->to, none->from);
  const auto one = source->plan(shard.shard_id, start, shard.end, kNoLimit, 1);
  ASSERT_TRUE(one);
  EXPECT_EQ(one->count, 1U);
}

TEST(KinesisSource, BeginsWhereItIsAsked) {
  EngineBench bench;
  bench.create("s", 1);
  bench.put("s", "old");
  bench.clock.advance_ms(10'000);
  bench.put("s", "new");
  const auto count_from = [&bench](InitialPosition position, std::int64_t at_ms) {
    const auto source = open(bench, position, at_ms);
    const SourceBounds shard = (*source->bounds())[0];
    return source->plan(shard.shard_id, *source->initial(shard), shard.end, kNoLimit, kNoLimit)
        ->count;
  };
  EXPECT_EQ(count_from(InitialPosition::kEarliest, 0), 2U);
  EXPECT_EQ(count_from(InitialPosition::kLatest, 0), 0U);
  EXPECT_EQ(count_from(InitialPosition::kAtTimestamp, bench.clock.now_ms() - 5000), 1U);
  EXPECT_EQ(count_from(InitialPosition::kAtTimestamp, 0), 2U);
  EXPECT_EQ(count_from(InitialPosition::kAtTimestamp, bench.clock.now_ms() + 5000), 0U);
}

TEST(KinesisSource, ExpiredRecordsStop) {
  EngineBench bench;
  bench.create("s", 1);
  for (int i = 0; i < 5; ++i)
    bench.put("s", "old");
  const auto source = open(bench, InitialPosition::kEarliest);
  const SourceBounds shard = (*source->bounds())[0];
  const std::uint64_t start = *source->initial(shard);
  const ShardRange planned = *source->plan(shard.shard_id, start, shard.end, 3, kNoLimit);
  ASSERT_TRUE(source->read(planned));
  bench.clock.advance_ms(std::int64_t{25} * 3'600'000);
  bench.put("s", "new");
  const auto again = source->read(planned);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, PipelineError::kStopped);
  EXPECT_THAT(again.error().message, HasSubstr("expired"));
  const auto plan = source->plan(shard.shard_id, planned.to, kNoLimit, kNoLimit, kNoLimit);
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().code, PipelineError::kStopped);
  EXPECT_THAT(plan.error().message, HasSubstr("expired"));
}

TEST(KinesisSource, AStreamMadeAnewStops) {
  EngineBench bench;
  bench.create("s", 1);
  bench.put("s", "a");
  const auto source = open(bench, InitialPosition::kEarliest);
  ASSERT_TRUE(bench.engine->remove(EngineBench::key("s")));
  EXPECT_EQ(source->bounds().error().code, PipelineError::kStopped);
  bench.create("s", 1);
  EXPECT_EQ(source->bounds().error().code, PipelineError::kStopped);
  EXPECT_THAT(source->bounds().error().message, HasSubstr("recreated"));
}

TEST(KinesisSource, NumbersPassedOverByARestartAreNoLoss) {
  EngineBench bench;
  bench.create("s", 1);
  bench.journal.restart();
  bench.open();
  bench.put("s", "a");
  const auto source = open(bench, InitialPosition::kEarliest);
  const SourceBounds shard = (*source->bounds())[0];
  // As of a shard that appeared after the flow's start: read from its very beginning.
  const auto plan = source->plan(shard.shard_id, 0, shard.end, kNoLimit, kNoLimit);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->count, 1U);
}

// The record that was read last expires; the next one is far away in number, but nothing was lost.
TEST(KinesisSource, ARestartBeforeTheOldestRecordIsNoLoss) {
  EngineBench bench;
  bench.create("s", 1);
  bench.put("s", "read");
  const std::uint64_t position = 1;
  bench.journal.restart();
  bench.open();
  bench.clock.advance_ms(kHourMs);
  bench.put("s", "next");
  bench.clock.advance_ms(24 * kHourMs - 1);
  for (int life = 0; life < 2; ++life) {
    const auto source = open(bench, InitialPosition::kEarliest);
    const auto plan = source->plan("shardId-000000000000", position, kNoLimit, kNoLimit, kNoLimit);
    ASSERT_TRUE(plan) << plan.error().message;
    EXPECT_EQ(plan->count, 1U);
    // Whoever has not read the first one has lost it.
    EXPECT_EQ(source->plan("shardId-000000000000", 0, kNoLimit, kNoLimit, kNoLimit).error().code,
              PipelineError::kStopped);
    bench.engine->release_expired();
    bench.open();
  }
}

// Shard 0 is split, its children are merged, all but the last shard go.
class GoneParents : public ::testing::Test {
 protected:
  GoneParents() {
    bench_.create("s", 1);
    bench_.put("s", "in 0");
    EXPECT_TRUE(bench_.engine->split(EngineBench::key("s"), streams::ShardIndex(0), 7));
  }
  void merge_and_let_go() {
    EXPECT_TRUE(bench_.engine->merge(EngineBench::key("s"), streams::ShardIndex(1),
                                     streams::ShardIndex(2)));
    bench_.clock.advance_ms(24 * kHourMs + 2000);
    bench_.engine->release_expired();
    EXPECT_EQ((*bench_.engine->find(EngineBench::key("s")))->shards.size(), 1U);
    bench_.put("s", "in 3");
  }
  PipelineResult<PlannedRanges> plan(const std::map<std::string, std::uint64_t>& read) {
    source_ = open(bench_, InitialPosition::kEarliest);
    Positions positions;
    for (const auto& [shard, index] : read)
      positions[{source_->incarnation(), "shardId-00000000000" + shard}] = index;
    return plan_ranges({source_.get()}, positions, std::nullopt, {}, false);
  }

  EngineBench bench_;
  std::unique_ptr<Source> source_;
};

TEST_F(GoneParents, WereReadToTheirEnds) {
  merge_and_let_go();
  const auto planned = plan({{"0", 1}});
  ASSERT_TRUE(planned) << planned.error().message;
  EXPECT_EQ(planned->records, 1U);
}

TEST_F(GoneParents, WereThereBeforeTheFlowOnly) {
  merge_and_let_go();
  const auto planned = plan({{"3", 0}});
  ASSERT_TRUE(planned) << planned.error().message;
  EXPECT_EQ(planned->records, 1U);
}

TEST_F(GoneParents, WereNotReadToTheEnd) {
  merge_and_let_go();
  const auto planned = plan({{"0", 0}});
  ASSERT_FALSE(planned);
  EXPECT_EQ(planned.error().code, PipelineError::kStopped);
  EXPECT_THAT(planned.error().message, HasSubstr("shardId-000000000000 is gone before"));
}

TEST_F(GoneParents, CameAndWentUnread) {
  bench_.put("s", "in 1 or 2");
  merge_and_let_go();
  const auto planned = plan({{"0", 1}});
  ASSERT_FALSE(planned);
  EXPECT_EQ(planned.error().code, PipelineError::kStopped);
  EXPECT_THAT(planned.error().message, HasSubstr("is gone before it was read to its end"));
}

}  // namespace
}  // namespace sluice::pipeline
