#include "pipeline/flow_files.h"

#include <gmock/gmock.h>

#include "pipeline/flow_id.h"

namespace sluice::pipeline {
namespace {

Plan sample_plan() {
  Plan plan;
  plan.batch = 7;
  plan.generation = 1;
  plan.batch_time_ms = 1'700'000'000'123;
  plan.sql_hash = text_hash("SELECT 1");
  plan.schema_hash = text_hash("struct<a:int>");
  plan.streams = {{"arn:aws:kinesis:us-east-1:000000000000:stream/geo",
                   "0e4fd2a3-6a4f-4a50-9a3f-1f5a8de4c1aa",
                   {{"shardId-000000000000", 10, 20, 10}, {"shardId-000000000001", 5, 5, 0}}}};
  return plan;
}

TEST(FlowFiles, RoundTrip) {
  const Plan plan = sample_plan();
  EXPECT_EQ(parse_plan(to_json(plan), "p"), plan);
  FlowFile flow{"f", "geo \"table\"", "t", 2, 0xfedcba9876543210, {{"arn", "inc", {{"s", 4}}}}};
  EXPECT_EQ(parse_flow_file(to_json(flow), "p"), flow);
  Head head{9, 2, 55, {{0, 7, "0-7.x.keys", 100, 4'000'000'000}, {8, 9, "8-9.y.keys", 0, 0}}};
  EXPECT_EQ(parse_head(to_json(head), "p"), head);
  CommitRecord record{plan, text_hash("x"), text_hash("y"), KeyFileRef{7, 7, "7-7.z.keys", 3, 1}};
  EXPECT_EQ(parse_commit_record(to_json(record), "p"), record);
  record.state.reset();
  EXPECT_EQ(parse_commit_record(to_json(record), "p"), record);
}

TEST(FlowFiles, DamageStopsWithTheFilesName) {
  const std::string good = to_json(sample_plan());
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"\"format\":1", "\"format\":2"},
           {"\"batch\":7", "\"batch\":-1"},
           {"\"batch\":7", "\"batch\":\"7\""},
           {"\"from\":10,", "\"from\":21,"},
           {"\"count\":10", "\"count\":11"},
           {"\"count\":10", "\"count\":1e99"},
           {"shardId-000000000001", "shardId-000000000000"},
           {"\"streams\"", "\"strains\""},
           {"\"generation\":1", "\"generation\":1,\"more\":1"}}) {
    std::string bad = good;
    ASSERT_NE(bad.find(from), std::string::npos);
    bad.replace(bad.find(from), from.size(), to);
    const auto parsed = parse_plan(bad, "plans/7.json");
    ASSERT_FALSE(parsed) << bad;
    EXPECT_EQ(parsed.error().code, PipelineError::kStopped);
    EXPECT_THAT(parsed.error().message, ::testing::HasSubstr("plans/7.json"));
  }
  for (std::size_t n = 0; n + 1 < good.size(); ++n)
    EXPECT_FALSE(parse_plan(good.substr(0, n), "p")) << n;
}

TEST(FlowFiles, AHeadsFilesMustCoverItsBatches) {
  Head head{9, 0, 0, {{0, 7, "a", 0, 0}, {9, 9, "b", 0, 0}}};
  EXPECT_FALSE(parse_head(to_json(head), "h"));
  head.files = {{0, 8, "a", 0, 0}};
  EXPECT_FALSE(parse_head(to_json(head), "h"));
  head.files = {{0, 9, "../a", 0, 0}};
  EXPECT_FALSE(parse_head(to_json(head), "h"));
}

TEST(FlowId, DependsOnTableAndName) {
  const std::string table = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
  EXPECT_EQ(flow_id(table, "a"), flow_id(table, "a"));
  EXPECT_NE(flow_id(table, "a"), flow_id(table, "b"));
  EXPECT_NE(flow_id(table, "a"), flow_id("6ba7b811-9dad-11d1-80b4-00c04fd430c8", "a"));
  EXPECT_EQ(batch_app_id("f", 2), "sluice:f:2");
  EXPECT_EQ(position_app_id("sluice:f:2", "inc", "shardId-000000000000"),
            "sluice:f:2/inc/shardId-000000000000");
  EXPECT_EQ(plan_file_path(flow_folder("/t", "f"), 3), "/t/_sluice/f/plans/3.json");
}

}  // namespace
}  // namespace sluice::pipeline
