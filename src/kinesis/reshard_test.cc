// Reading across a split and a merge. KCL never ends a parent unless the last page looks exactly
// so.
#include <gmock/gmock.h>

#include "aws/json_protocol.h"
#include "base/random.h"
#include "journal/fake_journal.h"
#include "kinesis/service.h"

namespace sluice::kinesis {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::int64_t kNowMs = 1'763'900'000'000;
constexpr std::int64_t kNowS = kNowMs / 1000;

// Shard 0 was split into 1 and 2 after ten seconds; 1 and 2 merged into 3 after twenty.
class Resharded : public testing::Test {
 protected:
  Resharded() {
    auto engine = streams::Engine::open(":memory:", journal_, clock_, random_);
    EXPECT_TRUE(engine) << engine.error().message;
    engine_ = std::move(*engine);
    service_ = std::make_unique<Service>(*engine_, metrics_);
    EXPECT_TRUE(engine_->create({key_, streams::StreamMode::kProvisioned, 1}));
    put("before");
    clock_.advance_ms(9'000);
    EXPECT_EQ(
        call("SplitShard", R"({"StreamName":"s","ShardToSplit":"shardId-000000000000",)"
                           R"("NewStartingHashKey":"170141183460469231731687303715884105728"})"),
        "");
    clock_.advance_ms(10'000);
    EXPECT_EQ(call("MergeShards", R"({"StreamName":"s","ShardToMerge":"shardId-000000000001",)"
                                  R"("AdjacentShardToMerge":"shardId-000000000002"})"),
              "");
    clock_.advance_ms(41'000);
  }

  void put(const std::string& data) {
    engine_->append(*engine_->find(key_), {{"k", data, std::nullopt}}, std::nullopt,
                    [](const auto& results) { EXPECT_TRUE(results); });
  }
  std::string call(const std::string& action, const std::string& body) {
    aws::ServiceRequest request;
    request.action = action;
    request.content_type = aws::kJson11;
    request.body = body;
    std::string answer;
    service_->call(std::move(request),
                   [&](const aws::ServiceResponse& response) { answer = response.body; });
    return answer;
  }
  std::string read(const std::string& shard, const std::string& type) {
    std::string body = call("GetShardIterator", R"({"StreamName":"s","ShardId":")" + shard +
                                                    R"(","ShardIteratorType":")" + type + "\"}");
    return call("GetRecords", body);
  }
  // The ids that a filter lists, as "0 1 2".
  std::string listed(const std::string& filter) {
    const std::string body =
        call("ListShards", R"({"StreamName":"s","ShardFilter":{"Type":)" + filter + "}}");
    std::string ids;
    const std::string mark = R"("ShardId":"shardId-00000000000)";
    for (auto at = body.find(mark); at != std::string::npos; at = body.find(mark, at + 1))
      ids += std::string(ids.empty() ? "" : " ") + body[at + mark.size()];
    return ids;
  }

  const streams::StreamKey key_{"000000000000", "us-east-1", "s"};
  base::ManualClock clock_{kNowMs};
  base::SeededRandom random_{5};
  journal::FakeJournal journal_{clock_};
  std::unique_ptr<streams::Engine> engine_;
  base::MetricsRegistry metrics_;
  std::unique_ptr<Service> service_;
};

TEST_F(Resharded, TheLastPageOfAClosedShardNamesItsChildren) {
  const std::string page = read("shardId-000000000000", "TRIM_HORIZON");
  EXPECT_THAT(page, HasSubstr(R"("Data":"YmVmb3Jl")"));
  EXPECT_THAT(page, Not(HasSubstr("NextShardIterator")));
  EXPECT_THAT(page, HasSubstr(R"("ChildShards":[{"ShardId":"shardId-000000000001",)"
                              R"("ParentShards":["shardId-000000000000"],"HashKeyRange":{)"));
  EXPECT_THAT(page, HasSubstr(R"({"ShardId":"shardId-000000000002",)"));
}

TEST_F(Resharded, LatestOnAClosedShardIsItsEnd) {
  const std::string page = read("shardId-000000000000", "LATEST");
  EXPECT_THAT(page, HasSubstr(R"("Records":[])"));
  EXPECT_THAT(page, HasSubstr(R"("ChildShards":[{)"));
  EXPECT_THAT(page, HasSubstr(R"("MillisBehindLatest":0)"));
}

TEST_F(Resharded, AMergedChildHasTwoParents) {
  const std::string page = read("shardId-000000000001", "TRIM_HORIZON");
  EXPECT_THAT(page, HasSubstr(R"("ChildShards":[{"ShardId":"shardId-000000000003","ParentShards":)"
                              R"(["shardId-000000000001","shardId-000000000002"])"));
  EXPECT_THAT(page, Not(HasSubstr("NextShardIterator")));
}

TEST_F(Resharded, AnOpenShardGoesOn) {
  put("after");
  const std::string page = read("shardId-000000000003", "TRIM_HORIZON");
  EXPECT_THAT(page, HasSubstr(R"("Data":"YWZ0ZXI=")"));
  EXPECT_THAT(page, HasSubstr("NextShardIterator"));
  EXPECT_THAT(page, Not(HasSubstr("ChildShards")));
}

TEST_F(Resharded, PutsGoToOpenShardsAndSortAfterTheirParents) {
  const std::string before = read("shardId-000000000000", "TRIM_HORIZON");
  const std::string reply = call("PutRecord", R"({"StreamName":"s","Data":"","PartitionKey":"k"})");
  EXPECT_THAT(reply, HasSubstr(R"("ShardId":"shardId-000000000003")"));
  const std::string mark = R"("SequenceNumber":")";
  EXPECT_LT(before.substr(before.find(mark) + mark.size(), 56),
            reply.substr(reply.find(mark) + mark.size(), 56));
}

TEST_F(Resharded, FiltersTileTheHashSpaceAtEveryMoment) {
  EXPECT_EQ(listed(R"("AT_LATEST")"), "3");
  EXPECT_EQ(listed(R"("AT_TRIM_HORIZON")"), "0");
  EXPECT_EQ(listed(R"("FROM_TRIM_HORIZON")"), "0 1 2 3");
  const auto at = [&](const std::string& type, std::int64_t seconds) {
    return listed("\"" + type + R"(","Timestamp":)" + std::to_string(kNowS + seconds));
  };
  EXPECT_EQ(at("AT_TIMESTAMP", -1000), "0");
  EXPECT_EQ(at("AT_TIMESTAMP", 9), "0");
  EXPECT_EQ(at("AT_TIMESTAMP", 10), "1 2");
  EXPECT_EQ(at("AT_TIMESTAMP", 19), "1 2");
  EXPECT_EQ(at("AT_TIMESTAMP", 20), "3");
  EXPECT_EQ(at("FROM_TIMESTAMP", 15), "1 2 3");
  EXPECT_EQ(at("FROM_TIMESTAMP", 30), "3");
  EXPECT_EQ(listed(R"("AFTER_SHARD_ID","ShardId":"shardId-000000000001")"), "2 3");
}

TEST_F(Resharded, DescribesParentsAndEnds) {
  const std::string body = call("DescribeStream", R"({"StreamName":"s"})");
  EXPECT_THAT(body, HasSubstr(R"("ShardId":"shardId-000000000003","ParentShardId":)"
                              R"("shardId-000000000001","AdjacentParentShardId":)"
                              R"("shardId-000000000002")"));
  EXPECT_THAT(body, HasSubstr("EndingSequenceNumber"));
  EXPECT_THAT(call("DescribeStreamSummary", R"({"StreamName":"s"})"),
              HasSubstr(R"("OpenShardCount":1)"));
}

}  // namespace
}  // namespace sluice::kinesis
