// A flow reads a stream of the real engine while its shards split, merge and scale, while both are
// restarted, and while closed shards go.
#include <gtest/gtest.h>

#include "pipeline/engine_test_util.h"
#include "pipeline/flow_test_util.h"
#include "pipeline/kinesis_source.h"

namespace sluice::pipeline {
namespace {

constexpr int kKeys = 12;

class ReshardedFlow : public ::testing::TestWithParam<int> {
 protected:
  ReshardedFlow() : random_(static_cast<std::uint64_t>(GetParam())) {
    engine_.create("s", 2);
    flow_.with_distinct = false;
    flow_.settings.limits.records_max = 9;
    flow_.make_source = [this] {
      auto source = KinesisSource::open(*engine_.engine, *engine_.engine,
                                        {key_, InitialPosition::kEarliest, 0});
      EXPECT_TRUE(source) << source.error().message;
      return *std::move(source);
    };
  }

  streams::StreamRef now() const { return *engine_.engine->find(key_); }

  // Lines `number,key`: the numbers of a key go up.
  void put(int count) {
    for (int i = 0; i < count; ++i) {
      const std::string partition = "key" + std::to_string(random_.below(kKeys));
      const std::string line = std::to_string(next_++) + "," + partition;
      bool taken = false;
      engine_.engine->append(now(), {{partition, line, std::nullopt}}, std::nullopt,
                             [&](const auto& result) { taken = result.has_value(); });
      ASSERT_TRUE(taken);
      posted_.insert(line + "!");
    }
  }

  void reshard() {
    const streams::StreamRef stream = now();
    const auto at = random_.below(stream->open_by_hash.size());
    const streams::Shard& shard = stream->shards[stream->open_by_hash[at]];
    streams::StreamResult<streams::StreamRef> done = stream;
    switch (random_.below(3)) {
      case 0:
        done = engine_.engine->split(
            key_, shard.index, shard.hash_first + (shard.hash_last - shard.hash_first) / 2 + 1);
        break;
      case 1:
        if (at + 1 < stream->open_by_hash.size())
          done = engine_.engine->merge(key_, shard.index,
                                       stream->shards[stream->open_by_hash[at + 1]].index);
        break;
      default:
        done = engine_.engine->scale(key_, 1 + static_cast<int>(random_.below(6)));
    }
    ASSERT_TRUE(done) << done.error().message;
  }

  // One batch; its lines are later than all that the table had of their keys.
  bool step() {
    if (!flow_.flow) {
      const auto opened = flow_.open();
      EXPECT_TRUE(opened) << opened.error().message;
      if (!opened) return false;
    }
    const auto done = flow_.flow->step(std::nullopt);
    EXPECT_TRUE(done) << done.error().message;
    if (!done || !*done) return false;
    Rows rows = flow_.rows();
    std::map<std::string, int> newest = newest_;
    for (const std::string& row : rows) {
      if (rows_.contains(row)) continue;
      const auto comma = row.find(',');
      const int number = std::stoi(row.substr(0, comma));
      const std::string partition = row.substr(comma + 1);
      EXPECT_GT(number, newest_.contains(partition) ? newest_[partition] : -1) << row;
      newest[partition] = std::max(newest[partition], number);
    }
    newest_ = std::move(newest);
    rows_ = std::move(rows);
    return true;
  }

  base::SeededRandom random_;
  const streams::StreamKey key_ = EngineBench::key("s");
  EngineBench engine_;
  FlowBench flow_;
  Rows posted_, rows_;
  std::map<std::string, int> newest_;
  int next_ = 0;
};

TEST_P(ReshardedFlow, GetsEveryRecordOnceAndKeysInOrder) {
  for (int round = 0; round < 12; ++round) {
    put(static_cast<int>(random_.below(25)));
    if (random_.below(3) > 0) reshard();
    for (auto steps = random_.below(4); steps > 0; --steps)
      step();
    if (random_.below(4) == 0) flow_.flow.reset();
    if (random_.below(5) == 0) {
      flow_.flow.reset();
      engine_.journal.restart();
      engine_.open();
    }
    engine_.clock.advance_ms(1500);
  }
  while (step()) {
  }
  EXPECT_EQ(rows_, posted_);
  // All parents were read to their ends: they may go, and the flow goes on.
  engine_.clock.advance_ms(std::int64_t{25} * 3'600'000);
  engine_.engine->release_expired();
  EXPECT_EQ(now()->shards.size(), static_cast<std::size_t>(now()->open_shards()));
  flow_.flow.reset();
  put(10);
  while (step()) {
  }
  EXPECT_EQ(rows_, posted_);
}

INSTANTIATE_TEST_SUITE_P(Seeds, ReshardedFlow, ::testing::Range(1, 5));

}  // namespace
}  // namespace sluice::pipeline
