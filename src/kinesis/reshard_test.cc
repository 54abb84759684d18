// Reading across a split and a merge: the topology is written into meta.db as a reshard will write
// it, the rest is the service's own. KCL never ends a parent unless the last page looks exactly so.
#include <gmock/gmock.h>

#include <filesystem>

#include "aws/json_protocol.h"
#include "base/random.h"
#include "base/sqlite.h"
#include "journal/fake_journal.h"
#include "kinesis/service.h"

namespace sluice::kinesis {
namespace {

using streams::ShardIndex;
using testing::HasSubstr;
using testing::Not;

constexpr std::int64_t kNowMs = 1'763'900'000'000;
constexpr std::int64_t kNowS = kNowMs / 1000;

// Shard 0 was split into 1 and 2 after ten seconds; 1 and 2 merged into 3 after twenty.
class Resharded : public testing::Test {
 protected:
  Resharded() {
    std::filesystem::create_directories(folder_);
    open();
    const auto made = engine_->create({key_, streams::StreamMode::kProvisioned, 1});
    EXPECT_TRUE(made);
    put("before");
    engine_.reset();
    const std::string half = base::to_decimal(base::make_uint128(std::uint64_t{1} << 63, 0));
    const std::string below = base::to_decimal(base::make_uint128(std::uint64_t{1} << 63, 0) - 1);
    const std::string last = base::to_decimal(base::kUint128Max);
    auto db = base::Sqlite::open(meta(), base::Sqlite::Mode::kMetadata);
    const auto shard = [&](const std::string& values) {
      const auto done = db->execute("INSERT INTO streams_shards SELECT incarnation, " + values +
                                    " FROM streams_streams");
      EXPECT_TRUE(done) << done.error().message;
    };
    EXPECT_TRUE(db->execute("UPDATE streams_shards SET closed_at = 2"));
    const auto at = [](std::int64_t seconds) { return std::to_string(kNowS + seconds); };
    shard("1, 2, '0', '" + below + "', " + at(10) + ", 0, NULL, 1");
    shard("2, 3, '" + half + "', '" + last + "', " + at(10) + ", 0, NULL, 1");
    shard("3, 4, '0', '" + last + "', " + at(20) + ", 1, 2, NULL");
    EXPECT_TRUE(db->execute("UPDATE streams_meta SET value = '5' WHERE name = 'next_lane'"));
    clock_.advance_ms(60'000);
    open();
  }
  ~Resharded() override {
    service_.reset();
    engine_.reset();
    std::filesystem::remove_all(folder_);
  }

  std::string meta() const { return folder_ / "meta.db"; }
  void open() {
    auto engine = streams::Engine::open(meta(), journal_, clock_, random_);
    ASSERT_TRUE(engine) << engine.error().message;
    engine_ = std::move(*engine);
    service_ = std::make_unique<Service>(*engine_);
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

  const std::filesystem::path folder_ = std::filesystem::path(testing::TempDir()) /
                                        ("reshard-" + std::to_string(base::system_random().next()));
  const streams::StreamKey key_{"000000000000", "us-east-1", "s"};
  base::ManualClock clock_{kNowMs};
  base::SeededRandom random_{5};
  journal::FakeJournal journal_{clock_};
  std::unique_ptr<streams::Engine> engine_;
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
