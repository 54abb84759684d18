#include <gmock/gmock.h>

#include <fstream>

#include "pipeline/flow_id.h"
#include "pipeline/flow_test_util.h"

namespace sluice::pipeline {
namespace {

using ::testing::HasSubstr;

std::string stop_of(FlowBench& bench) {
  const auto done = bench.run();
  if (done) return "went on";
  EXPECT_EQ(done.error().code, PipelineError::kStopped) << done.error().message;
  return done.error().message;
}

TEST(Flow, CarriesLinesIntoTheTableOnce) {
  FlowBench bench;
  bench.put(200);
  auto batches = bench.run();
  ASSERT_TRUE(batches) << batches.error().message;
  EXPECT_EQ(*batches, 1);
  EXPECT_EQ(bench.rows(), bench.expected());
  EXPECT_EQ(*bench.run(), 0);  // nothing new: no commit
  bench.put(100);
  ASSERT_TRUE(bench.open());
  EXPECT_EQ(*bench.run(), 1);
  EXPECT_EQ(bench.rows(), bench.expected());
}

TEST(Flow, WithoutDistinctEveryRecordIsARow) {
  FlowBench bench;
  bench.with_distinct = false;
  bench.put(50);
  ASSERT_TRUE(bench.run());
  bench.put(50);
  ASSERT_TRUE(bench.run());
  EXPECT_EQ(bench.rows(), bench.expected());
  EXPECT_EQ(bench.rows().size(), 100U);
}

TEST(Flow, LimitsCutBatchesAndStateFilesAreMerged) {
  FlowBench bench;
  bench.settings.limits.records_max = 10;
  bench.put(300);
  auto batches = bench.run();
  ASSERT_TRUE(batches) << batches.error().message;
  EXPECT_GE(*batches, 30);
  EXPECT_EQ(bench.rows(), bench.expected());
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(bench.flow_folder() + "/state"))
    files += entry.path().extension() == ".keys" ? 1 : 0;
  EXPECT_LE(files, 14U);  // at most 7 a level
  std::size_t plans = 0;
  for ([[maybe_unused]] const auto& entry :
       std::filesystem::directory_iterator(bench.flow_folder() + "/plans"))
    ++plans;
  EXPECT_LE(plans, 3U);
  ASSERT_TRUE(bench.open());
  EXPECT_EQ(*bench.run(), 0);
}

TEST(Flow, ByteLimitLetsAtLeastOneRecordPass) {
  FlowBench bench;
  bench.settings.limits.bytes_max = 1;
  bench.put(9);
  ASSERT_TRUE(bench.run());
  EXPECT_EQ(bench.rows(), bench.expected());
}

TEST(Flow, ABatchOfRowsSeenBeforeMovesPositionsWithoutFiles) {
  FlowBench bench;
  bench.shard(0).put("1,a");
  ASSERT_TRUE(bench.run());
  const auto files = bench.flow->sink().snapshot().files.size();
  bench.shard(0).put("1,a");
  EXPECT_EQ(*bench.run(), 1);
  ASSERT_TRUE(bench.open());
  EXPECT_EQ(bench.flow->batch(), 1);
  EXPECT_EQ(bench.flow->sink().snapshot().files.size(), files);
  EXPECT_EQ(*bench.run(), 0);
  EXPECT_EQ(bench.rows(), bench.expected());
}

TEST(Flow, CommitCarriesPositionsRangesAndState) {
  FlowBench bench;
  bench.put(20);
  ASSERT_TRUE(bench.run());
  const auto& txns = bench.flow->sink().snapshot().txns;
  const std::string app = batch_app_id(bench.flow->id(), 0);
  EXPECT_EQ(txns.at(app).version, 0);
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(
        txns.at(position_app_id(app, bench.stream->incarnation, fmt::format("shardId-{:012}", i)))
            .version,
        static_cast<std::int64_t>(bench.shard(i).end));
  const auto records = bench.flow->sink().records(bench.flow->id(), 0, 100);
  ASSERT_TRUE(records) << records.error().message;
  EXPECT_EQ(records->at(0).plan.records(), 20U);
  ASSERT_TRUE(records->at(0).state);
  EXPECT_EQ(records->at(0).state->count, bench.flow->state_keys());
}

TEST(Flow, LatestIsFixedAtTheFirstStart) {
  FlowBench bench;
  bench.stream->latest = true;
  bench.shard(0).put("1,before");
  EXPECT_EQ(*bench.run(), 0);
  bench.shard(0).put("2,after");
  ASSERT_TRUE(bench.open());
  EXPECT_EQ(*bench.run(), 1);
  EXPECT_EQ(bench.rows(), Rows({"2,after!"}));
}

TEST(Flow, HolesInTheNumberingAreNoLoss) {
  FlowBench bench;
  bench.put(10);
  ASSERT_TRUE(bench.run());
  for (int i = 0; i < 2; ++i)
    bench.shard(i).end += 1 << 20;  // a restart of the stream engine
  EXPECT_EQ(*bench.run(), 0);
  for (int i = 0; i < 2; ++i)
    bench.shard(i).expire_below(bench.shard(i).end);
  const Rows before = bench.rows();
  ASSERT_TRUE(bench.open());
  EXPECT_EQ(*bench.run(), 0);
  bench.shard(0).put("7,new");
  EXPECT_EQ(*bench.run(), 1);
  Rows after = before;
  after.insert("7,new!");
  EXPECT_EQ(bench.rows(), after);
}

TEST(Flow, ExpiredRecordsStopIt) {
  FlowBench bench;
  bench.put(10);
  ASSERT_TRUE(bench.run());
  bench.shard(0).put("100,a");
  bench.shard(0).put("101,b");
  bench.shard(0).expire_below(bench.shard(0).end - 1);
  EXPECT_THAT(stop_of(bench), HasSubstr("expired"));
}

TEST(Flow, RecordsOfAPlanThatExpireStopIt) {
  FlowBench bench;
  bench.put(10);
  bench.hook = [](std::string_view step) -> PipelineResult<void> {
    if (step != "plan written") return {};
    return base::fail(PipelineError::kRetry, "crash");
  };
  ASSERT_FALSE(bench.run());
  bench.hook = nullptr;
  bench.shard(0).expire_below(3);
  EXPECT_THAT(stop_of(bench), HasSubstr("are left"));
}

TEST(Flow, ChildrenComeAfterTheirParents) {
  FlowBench bench;
  bench.settings.limits.records_max = 4;
  bench.put(20);
  bench.shard(0).closed = true;
  FakeShard& child = bench.shard(2);
  child.parents = {"shardId-000000000000"};
  child.put("500,child");
  ASSERT_TRUE(bench.open());
  bool parent_done = false;
  while (true) {
    auto done = bench.flow->step(std::nullopt);
    ASSERT_TRUE(done) << done.error().message;
    if (!*done) break;
    const auto records = bench.flow->sink().records(bench.flow->id(), 0, 1);
    for (const ShardRange& range : records->rbegin()->second.plan.streams[0].shards) {
      if (range.shard_id == "shardId-000000000000")
        parent_done = range.to + 1 == bench.shard(0).end;
      if (range.shard_id == "shardId-000000000002" && range.count > 0) {
        EXPECT_TRUE(parent_done);
      }
    }
  }
  EXPECT_EQ(bench.rows(), bench.expected());
}

TEST(Flow, AvailableNowReadsToTheEndsOfItsStart) {
  FlowBench bench;
  bench.put(10);
  ASSERT_TRUE(bench.open());
  const auto ends = bench.flow->ends();
  const Rows expected = bench.expected();
  bench.put(10);
  ASSERT_TRUE(*bench.flow->step(*ends));
  EXPECT_FALSE(*bench.flow->step(*ends));
  EXPECT_EQ(bench.rows(), expected);
}

TEST(Flow, RecreatedStreamStopsIt) {
  FlowBench bench;
  bench.put(10);
  ASSERT_TRUE(bench.run());
  bench.stream->incarnation = "99999999-2222-4333-8444-555555555555";
  bench.flow.reset();
  EXPECT_THAT(stop_of(bench), HasSubstr("recreated"));
}

TEST(Flow, RecreatedTableStopsIt) {
  FlowBench bench;
  bench.put(10);
  ASSERT_TRUE(bench.run());
  bench.flow.reset();
  std::filesystem::remove_all(bench.table_root() + "/_delta_log");
  EXPECT_THAT(stop_of(bench), HasSubstr("recreated"));
}

TEST(Flow, LosingItsFolderCostsNothingWhileTheStreamHasTheRecords) {
  FlowBench bench;
  bench.settings.limits.records_max = 20;
  bench.put(60);
  ASSERT_TRUE(bench.run());
  bench.flow.reset();
  std::filesystem::remove_all(bench.table_root() + "/_sluice");
  bench.put(60);
  auto done = bench.run();
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(bench.rows(), bench.expected());
}

TEST(Flow, LosingItsFolderStopsItWhenRecordsHaveExpired) {
  FlowBench bench;
  bench.put(60);
  ASSERT_TRUE(bench.run());
  bench.flow.reset();
  std::filesystem::remove_all(bench.table_root() + "/_sluice");
  bench.shard(0).expire_below(5);
  EXPECT_THAT(stop_of(bench), HasSubstr("are left"));
}

TEST(Flow, WithoutStateTheTablesPositionsAreEnough) {
  FlowBench bench;
  bench.with_distinct = false;
  bench.put(60);
  ASSERT_TRUE(bench.run());
  bench.flow.reset();
  std::filesystem::remove_all(bench.table_root() + "/_sluice");
  const Rows before = bench.expected();
  for (int i = 0; i < 2; ++i)
    bench.shard(i).expire_below(bench.shard(i).end);
  bench.put(10);
  ASSERT_TRUE(bench.run());
  Rows expected = before;
  expected.merge(bench.expected());
  EXPECT_EQ(bench.rows(), expected);
}

class LostFile : public ::testing::TestWithParam<std::string> {};

TEST_P(LostFile, IsMadeAgain) {
  FlowBench bench;
  bench.settings.limits.records_max = 5;
  bench.put(100);
  ASSERT_TRUE(bench.run());
  bench.flow.reset();
  const std::string what = GetParam();
  const std::string folder = bench.flow_folder();
  const auto head_now = FlowStore(base::posix_env(), folder).read_head();
  ASSERT_TRUE(head_now && head_now->files.size() > 1);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    const std::string name = entry.path().filename().string();
    if ((what == "damaged first keys" && name == head_now->files.front().file) ||
        (what == "damaged last keys" && name == head_now->files.back().file))
      std::fstream(entry.path(), std::ios::in | std::ios::out | std::ios::binary).seekp(60) << "x";
    if ((what == "head.json" && name == what) || (what == "all state" && name.ends_with(".keys")) ||
        (what == "flow.json" && name == what))
      std::filesystem::remove(entry.path());
    if (what == "head is old" && name == "head.json") {
      auto head = parse_head(*base::read_file(base::posix_env(), entry.path().string()), "h");
      ASSERT_TRUE(head);
      head->batch -= 1;
      ASSERT_GT(head->files.size(), 1U);
      head->files.pop_back();
      if (head->files.back().to != head->batch) {
        std::filesystem::remove(entry.path());  // as lost: the last file held several batches
      } else {
        ASSERT_TRUE(base::replace_file(base::posix_env(), entry.path().string(), to_json(*head)));
      }
    }
    if (what == "damaged head" && name == "head.json") std::ofstream(entry.path()) << "{";
  }
  for (int start = 0; start < 2; ++start) {  // what was made again is what the next start reads
    bench.put(100);
    auto done = bench.run();
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(bench.rows(), bench.expected());
    bench.flow.reset();
  }
}

INSTANTIATE_TEST_SUITE_P(Flow, LostFile,
                         ::testing::Values("head.json", "all state", "flow.json",
                                           "damaged first keys", "damaged last keys", "head is old",
                                           "damaged head"));

TEST(Flow, TwoRunnersOneIsFenced) {
  FlowBench bench;
  bench.settings.take_lock = false;
  bench.put(20);
  ASSERT_TRUE(bench.open());
  auto first = std::move(bench.flow);
  ASSERT_TRUE(bench.open());
  auto second = std::move(bench.flow);
  ASSERT_TRUE(*first->step(std::nullopt));
  const auto fenced = second->step(std::nullopt);
  ASSERT_FALSE(fenced);
  EXPECT_EQ(fenced.error().code, PipelineError::kStopped);
  EXPECT_THAT(fenced.error().message, HasSubstr("fenced"));
  EXPECT_EQ(bench.rows(), bench.expected());
}

// The second runner sleeps at each step in turn while the first one commits its batch, and the
// next.
TEST(Flow, ARunnerThatSleptCannotCommit) {
  for (const std::string_view sleep_after :
       {"plan written", "records read", "rows computed", "files written", "state written"}) {
    FlowBench bench;
    bench.settings.take_lock = false;
    bench.put(20);
    ASSERT_TRUE(bench.open());
    auto first = std::move(bench.flow);
    bench.hook = [&](std::string_view step) -> PipelineResult<void> {
      if (step != sleep_after) return {};
      EXPECT_TRUE(*first->step(std::nullopt));
      bench.put(5);
      EXPECT_TRUE(*first->step(std::nullopt));
      return {};
    };
    ASSERT_TRUE(bench.open());
    const auto fenced = bench.flow->step(std::nullopt);
    ASSERT_FALSE(fenced) << sleep_after;
    EXPECT_EQ(fenced.error().code, PipelineError::kStopped) << fenced.error().message;
    EXPECT_THAT(fenced.error().message, HasSubstr("fenced")) << sleep_after;
    EXPECT_EQ(bench.rows(), bench.expected()) << sleep_after;
  }
}

TEST(Flow, TheLockSparesTheSecondRunnerTheWork) {
  FlowBench bench;
  ASSERT_TRUE(bench.open());
  auto first = std::move(bench.flow);
  const auto second = bench.open();
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr("another process"));
}

TEST(Flow, StateBeyondItsMemoryIsAClearError) {
  FlowBench bench;
  bench.settings.state_memory_bytes = 20 * KeySet::kBytesPerKey;
  bench.put(500);
  EXPECT_THAT(stop_of(bench), HasSubstr("state.memory"));
  EXPECT_TRUE(bench.rows().empty());
}

TEST(Flow, SeveralFlowsOfATableKeepTheirOwnPositions) {
  FlowBench bench;
  bench.put(30);
  bench.settings.limits.records_max = 7;
  ASSERT_TRUE(bench.open());
  auto first = std::move(bench.flow);
  bench.name = "more";
  ASSERT_TRUE(bench.open());
  for (bool more = true; more;) {
    auto a = first->step(std::nullopt);
    auto b = bench.flow->step(std::nullopt);
    ASSERT_TRUE(a && b);
    more = *a || *b;
  }
  Rows expected = bench.expected();
  expected.merge(bench.expected());
  EXPECT_EQ(bench.rows(), expected);
}

TEST(Flow, SmallFilesAreMergedWithoutChangingRows) {
  FlowBench bench;
  bench.settings.limits.records_max = 8;
  bench.put(200);
  ASSERT_TRUE(bench.run());
  DeltaSink& sink = bench.flow->sink();
  ASSERT_TRUE(sink.wants_compaction());
  const auto merged = sink.compact(bench.engine());
  ASSERT_TRUE(merged) << merged.error().message;
  EXPECT_TRUE(*merged);
  EXPECT_LE(sink.snapshot().files.size(), DeltaSink::kFilesMax);
  EXPECT_FALSE(sink.wants_compaction());
  EXPECT_EQ(bench.rows(), bench.expected());
  bench.put(20);
  ASSERT_TRUE(bench.run());
  EXPECT_EQ(bench.rows(), bench.expected());
}

TEST(Flow, ForgetfulTablesAreRefused) {
  FlowBench bench;
  bench.properties = {{"delta.setTransactionRetentionDuration", "interval 1 days"}};
  bench.put(1);
  EXPECT_THAT(stop_of(bench), HasSubstr("delta.setTransactionRetentionDuration"));
}

TEST(Flow, BatchTimeNeverGoesBack) {
  FlowBench bench;
  bench.put(5);
  ASSERT_TRUE(bench.run());
  bench.clock().set_ms(1000);
  bench.put(5);
  ASSERT_TRUE(bench.run());
  const auto records = bench.flow->sink().records(bench.flow->id(), 0, 100);
  EXPECT_GT(records->at(1).plan.batch_time_ms, records->at(0).plan.batch_time_ms);
}

}  // namespace
}  // namespace sluice::pipeline
