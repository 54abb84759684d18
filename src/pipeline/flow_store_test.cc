#include "pipeline/flow_store.h"

#include <gmock/gmock.h>

#include "base/fault_env.h"
#include "base/mem_env.h"
#include "pipeline/dedup_state.h"
#include "pipeline/flow_id.h"

namespace sluice::pipeline {
namespace {

const std::string kFolder = "/t/_sluice/f";

FlowFile sample_flow() {
  return {"f", "name", "table", 0, 77, {{"arn", "inc", {{"shardId-000000000000", 3}}}}};
}

Plan sample_plan(std::int64_t batch) {
  Plan plan;
  plan.batch = batch;
  plan.sql_hash = plan.schema_hash = text_hash("");
  plan.streams = {{"arn", "inc", {{"shardId-000000000000", 3, 9, 2}}}};
  return plan;
}

DedupState::Settings state_settings() {
  return {state_folder(kFolder), 1, 2, 1 << 20};
}

TEST(FlowStore, TheFirstWriterOfAFileWins) {
  base::MemEnv env;
  ASSERT_TRUE(env.make_dirs("/t"));
  FlowStore store(env, kFolder);
  ASSERT_TRUE(store.make_folders());
  EXPECT_EQ(*store.read_flow(), std::nullopt);
  FlowFile second = sample_flow();
  second.hash_seed = 1;
  EXPECT_EQ(store.write_flow(sample_flow()), sample_flow());
  EXPECT_EQ(store.write_flow(second), sample_flow());
  Plan other = sample_plan(4);
  other.streams[0].shards[0].to = 8;
  EXPECT_EQ(store.write_plan(sample_plan(4)), sample_plan(4));
  EXPECT_EQ(store.write_plan(other), sample_plan(4));
}

TEST(FlowStore, AFileThatIsTooLargeStopsTheFlow) {
  base::MemEnv env;
  ASSERT_TRUE(env.make_dirs("/t"));
  FlowStore store(env, kFolder);
  ASSERT_TRUE(store.make_folders());
  ASSERT_TRUE(base::replace_file(env, flow_file_path(kFolder), std::string((64 << 20) + 1, ' ')));
  const auto read = store.read_flow();
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, PipelineError::kStopped);
  EXPECT_THAT(read.error().message, ::testing::HasSubstr("more than the limit"));
}

TEST(FlowStore, OldPlansAreDropped) {
  base::MemEnv env;
  ASSERT_TRUE(env.make_dirs("/t"));
  FlowStore store(env, kFolder);
  ASSERT_TRUE(store.make_folders());
  for (int i = 0; i < 12; ++i)
    ASSERT_TRUE(store.write_plan(sample_plan(i)));
  store.drop_plans_below(10);
  EXPECT_EQ(*store.read_plan(9), std::nullopt);
  EXPECT_EQ(*store.read_plan(10), sample_plan(10));
}

TEST(FlowStore, APlanOfAnotherBatchIsNotTaken) {
  base::MemEnv env;
  ASSERT_TRUE(env.make_dirs("/t"));
  FlowStore store(env, kFolder);
  ASSERT_TRUE(store.make_folders());
  ASSERT_TRUE(base::put_if_absent(env, plan_file_path(kFolder, 5), to_json(sample_plan(6))));
  EXPECT_EQ(store.read_plan(5).error().code, PipelineError::kStopped);
}

// The power goes off at any change: what was acknowledged is there whole, the rest is there or not.
TEST(FlowStore, PowerCutsLoseNothingAcknowledged) {
  for (std::uint64_t n = 1; n < 80; ++n) {
    base::MemEnv disk;
    base::SeededRandom random(n);
    ASSERT_TRUE(disk.make_dirs("/t"));
    ASSERT_TRUE(disk.sync_dir("/"));
    base::FaultEnv faults(disk, random);
    faults.cut_power_at(n);
    FlowStore store(faults, kFolder);
    bool flow = false;
    bool plan = false;
    std::int64_t head = -1;
    if (store.make_folders()) {
      flow = store.write_flow(sample_flow()).has_value();
      plan = flow && store.write_plan(sample_plan(0)).has_value();
      DedupState state(faults, state_settings());
      for (std::int64_t batch = 0; plan && batch < 10 && !faults.is_down(); ++batch) {
        for (int i = 0; i < 5; ++i)
          (void)state.add_new(random.next());
        const auto file = state.write(batch, batch, random);
        if (!file) break;
        state.commit(*file);
        if (!state.merge(random)) break;
        if (!store.replace_head({batch, 0, 0, state.files()})) break;
        state.remove_unused(batch);
        head = batch;
      }
    }
    const auto after = disk.after_power_cut(random);
    FlowStore found(*after, kFolder);
    const auto read_flow = found.read_flow();
    ASSERT_TRUE(read_flow) << n << ": " << read_flow.error().message;
    if (flow) {
      EXPECT_EQ(**read_flow, sample_flow()) << n;
    }
    const auto read_plan = found.read_plan(0);
    ASSERT_TRUE(read_plan) << n << ": " << read_plan.error().message;
    if (plan) {
      EXPECT_EQ(**read_plan, sample_plan(0)) << n;
    }
    const auto read_head = found.read_head();
    if (head < 0) continue;
    ASSERT_TRUE(read_head) << n;
    EXPECT_GE(read_head->batch, head) << n;
    DedupState state(*after, state_settings());
    const auto loaded = state.load(read_head->files);
    ASSERT_TRUE(loaded) << n << ": " << loaded.error().message;
    EXPECT_EQ(state.keys(), 5 * static_cast<std::uint64_t>(read_head->batch + 1)) << n;
  }
}

TEST(DedupState, MergesByLevelsAndKeepsEveryKey) {
  base::MemEnv env;
  base::SeededRandom random(1);
  ASSERT_TRUE(env.make_dirs(state_folder(kFolder)));
  DedupState state(env, state_settings());
  for (std::int64_t batch = 0; batch < 100; ++batch) {
    for (int i = 0; i < 3; ++i)
      EXPECT_EQ(*state.add_new(random.next()), true);
    const auto file = state.write(batch, batch, random);
    ASSERT_TRUE(file);
    state.commit(*file);
    ASSERT_TRUE(state.merge(random));
    EXPECT_LE(state.files().size(), 3 * (DedupState::kFanOut - 1));
  }
  state.remove_unused(99);
  EXPECT_EQ(env.list(state_folder(kFolder))->size(), state.files().size());
  DedupState again(env, state_settings());
  ASSERT_TRUE(again.load(state.files()));
  EXPECT_EQ(again.keys(), 300U);
}

TEST(DedupState, AnAbandonedBatchLeavesNoTrace) {
  base::MemEnv env;
  base::SeededRandom random(1);
  ASSERT_TRUE(env.make_dirs(state_folder(kFolder)));
  DedupState state(env, state_settings());
  EXPECT_TRUE(*state.add_new(5));
  EXPECT_FALSE(*state.add_new(5));
  ASSERT_TRUE(state.write(0, 0, random));
  state.abandon();
  EXPECT_TRUE(*state.add_new(5));
  const auto file = state.write(0, 0, random);
  ASSERT_TRUE(file);
  state.commit(*file);
  EXPECT_FALSE(*state.add_new(5));
  state.abandon();
  state.remove_unused(0);
  EXPECT_THAT(*env.list(state_folder(kFolder)), ::testing::ElementsAre(file->file));
}

TEST(DedupState, AFailedLoadLeavesNoKeysBehind) {
  base::MemEnv env;
  base::SeededRandom random(1);
  ASSERT_TRUE(env.make_dirs(state_folder(kFolder)));
  DedupState state(env, state_settings());
  for (std::int64_t batch = 0; batch < 2; ++batch) {
    EXPECT_TRUE(*state.add_new(static_cast<base::Uint128>(5 + batch)));
    const auto file = state.write(batch, batch, random);
    ASSERT_TRUE(file);
    state.commit(*file);
  }
  ASSERT_TRUE(env.remove(base::join_path(state_folder(kFolder), state.files().back().file)));
  DedupState again(env, state_settings());
  ASSERT_FALSE(again.load(state.files()));
  EXPECT_TRUE(again.damaged());
  // What is read again must be fresh, or the file made of it would lack the first batch.
  EXPECT_TRUE(*again.add_new(5));
  EXPECT_TRUE(*again.add_new(6));
  const auto file = again.write(0, 1, random);
  ASSERT_TRUE(file);
  EXPECT_EQ(file->count, 2U);
}

TEST(DedupState, FilesOfOtherColumnsAreRefusedNotMadeAgain) {
  base::MemEnv env;
  base::SeededRandom random(1);
  ASSERT_TRUE(env.make_dirs(state_folder(kFolder)));
  DedupState state(env, state_settings());
  const auto file = state.write(0, 0, random);
  ASSERT_TRUE(file);
  auto changed = state_settings();
  changed.schema_id = 3;
  DedupState other(env, changed);
  const auto loaded = other.load({*file});
  ASSERT_FALSE(loaded);
  EXPECT_FALSE(other.damaged());
  EXPECT_THAT(loaded.error().message, ::testing::HasSubstr("DISTINCT"));
}

}  // namespace
}  // namespace sluice::pipeline
