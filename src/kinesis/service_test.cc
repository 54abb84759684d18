// What golden files cannot say well: sizes at their limits, the blocking pool, headers, CBOR.
#include "kinesis/service.h"

#include <gmock/gmock.h>

#include "aws/json_protocol.h"
#include "base/base64.h"
#include "base/random.h"
#include "journal/fake_journal.h"
#include "kinesis/limits.h"

namespace sluice::kinesis {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class ServiceTest : public testing::Test {
 protected:
  ServiceTest() {
    auto engine = streams::Engine::open(":memory:", journal_, clock_, random_);
    EXPECT_TRUE(engine);
    engine_ = std::move(*engine);
    EXPECT_TRUE(engine_->create({{"000000000000", "us-east-1", "s"}}));
  }

  aws::ServiceResponse call(const std::string& action, const std::string& body,
                            const BlockingExecutor& blocking = {},
                            std::string_view content_type = aws::kJson11) {
    Service service(*engine_, metrics_, blocking);
    aws::ServiceRequest request;
    request.action = action;
    request.content_type = content_type;
    request.body = body;
    request.request_id = "the-id";
    request.refusal = refusal_;
    aws::ServiceResponse answer;
    int answers = 0;
    service.call(std::move(request), [&](aws::ServiceResponse response) {
      ++answers;
      answer = std::move(response);
    });
    EXPECT_EQ(answers, 1);
    return answer;
  }

  static std::string records(std::size_t count, std::size_t bytes) {
    const std::string data = base::base64_encode(std::string(bytes, 'x'));
    std::string body = R"({"StreamName":"s","Records":[)";
    for (std::size_t i = 0; i < count; ++i)
      body += std::string(i == 0 ? "" : ",") + R"({"PartitionKey":"k","Data":")" + data + "\"}";
    return body + "]}";
  }

  base::MetricsRegistry metrics_;
  std::optional<aws::Refusal> refusal_;
  base::ManualClock clock_{1'763'900'000'000};
  base::SeededRandom random_{1};
  journal::FakeJournal journal_{clock_};
  std::unique_ptr<streams::Engine> engine_;
};

TEST_F(ServiceTest, TakesRecordsUpToTheirLimitsAndNoFurther) {
  EXPECT_EQ(call("PutRecords", records(500, 10)).status, 200);
  EXPECT_THAT(call("PutRecords", records(501, 10)).body,
              HasSubstr("Member must have length less than or equal to 500"));
  const auto limit = static_cast<std::size_t>(kDataBytesMax);
  EXPECT_EQ(call("PutRecords", records(1, limit)).status, 200);
  EXPECT_THAT(call("PutRecords", records(1, limit + 1)).body,
              HasSubstr("Value 'java.nio.HeapByteBuffer[pos=0 lim=1048577 cap=1048577]' at "
                        "'records.1.member.data' failed to satisfy constraint: Member must have "
                        "length less than or equal to 1048576"));
  // Partition keys count: 10 times (1 MiB - 1 byte of data and 1 of key) is the limit exactly.
  EXPECT_EQ(call("PutRecords", records(10, limit - 1)).status, 200);
  EXPECT_THAT(call("PutRecords", records(10, limit)).body,
              HasSubstr("Records size exceeds 10 MB limit"));
}

TEST_F(ServiceTest, ABodyFullOfMembersCostsNoMemoryAndItsEchoIsShort) {
  std::string nulls = R"({"StreamName":"s","Records":[null)";
  for (int i = 0; i < 200'000; ++i)
    nulls += ",null";
  const auto many = call("PutRecords", nulls + "]}");
  EXPECT_EQ(many.status, 400);
  EXPECT_LT(many.body.size(), 100'000U);
  const auto echo = call("PutRecord", R"({"StreamName":")" + std::string(3'000'000, 'a') + "\"}");
  EXPECT_THAT(echo.body, HasSubstr("aaa...' at 'streamName'"));
  EXPECT_LT(echo.body.size(), 20'000U);
  std::string deep = R"({"Other":)" + std::string(5000, '[') + std::string(5000, ']') + "}";
  EXPECT_EQ(call("ListStreams", deep).body, R"({"__type":"SerializationException"})");
}

TEST_F(ServiceTest, BlockingCallsGoToThePoolAndAreRefusedWhenItIsFull) {
  std::vector<std::function<void()>> waiting;
  const BlockingExecutor now = [&](const std::function<void()>& task) {
    waiting.push_back(task);
    task();
    return true;
  };
  EXPECT_EQ(call("CreateStream", R"({"StreamName":"t","ShardCount":1})", now).status, 200);
  EXPECT_EQ(waiting.size(), 1U);
  EXPECT_EQ(call("PutRecord", R"({"StreamName":"t","Data":"","PartitionKey":"k"})", now).status,
            200);
  EXPECT_EQ(call("ListStreams", "{}", now).status, 200);
  EXPECT_EQ(waiting.size(), 1U);
  const BlockingExecutor full = [](const std::function<void()>&) { return false; };
  const auto refused = call("DeleteStream", R"({"StreamName":"t"})", full);
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.body, HasSubstr("LimitExceededException"));
  EXPECT_TRUE(engine_->find({"000000000000", "us-east-1", "t"}));
}

TEST_F(ServiceTest, EveryAnswerCarriesBothRequestIds) {
  for (const auto& [action, body] : {std::pair<std::string, std::string>{"ListStreams", "{}"},
                                     {"PutRecord", "broken"},
                                     {"SplitShard", "{}"}}) {
    const auto answer = call(action, body);
    ASSERT_EQ(answer.headers.size(), 2U);
    EXPECT_EQ(answer.headers[0],
              (std::pair<std::string, std::string>{"x-amzn-RequestId", "the-id"}));
    EXPECT_EQ(answer.headers[1].first, "x-amz-id-2");
    EXPECT_EQ(answer.content_type, aws::kJson11);
  }
}

TEST_F(ServiceTest, CborIsRefusedInCbor) {
  const auto answer = call("PutRecord", "\xa0", {}, aws::kCbor11);
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.content_type, aws::kCbor11);
  EXPECT_THAT(answer.body, StartsWith("\xa2"));
  EXPECT_THAT(answer.body, HasSubstr("does not speak CBOR yet"));
}

// The order and the shapes as recorded against AWS.
TEST_F(ServiceTest, AnswersWhatIsNoCallInTheOrderOfAws) {
  struct Case {
    std::string action, body;
    std::string_view content_type;
    int status;
    std::string_view answered_type, answer;
  };
  const std::string unknown =
      "\xa1\x79" + std::string("\0\x06__type\x79\0\x19", 11) + "UnknownOperationException";
  const std::string serialization =
      "\xa1\x79" + std::string("\0\x06__type\x79\0\x16", 11) + "SerializationException";
  const std::vector<Case> cases = {
      {"", "", "", 400, aws::kCbor11, unknown},
      {"ListStreams", "", "", 400, aws::kCbor11, serialization},
      {"ListStreams", "", "application/json", 400, aws::kCbor11, serialization},
      {"ListStream", "", "application/x-amz-json-1.0", 400, aws::kCbor11, unknown},
      {"", "", aws::kJson11, 400, aws::kJson11, R"({"__type":"UnknownOperationException"})"},
      {"ListStreams", "", aws::kJson11, 400, aws::kJson11,
       R"({"__type":"SerializationException"})"},
      {"", "{}", "text/plain", 403, "",
       "<AccessDeniedException>\n  <Message>Unable to determine service/operation name to be "
       "authorized</Message>\n</AccessDeniedException>\n"},
      {"ListStreams", "{}", "text/plain", 404, "", "<UnknownOperationException/>\n"},
  };
  for (const Case& c : cases) {
    const auto answer = call(c.action, c.body, {}, c.content_type);
    EXPECT_EQ(answer.status, c.status) << c.action << " " << c.content_type;
    EXPECT_EQ(answer.content_type, c.answered_type);
    EXPECT_EQ(answer.body, c.answer);
  }
}

TEST_F(ServiceTest, ARefusedSignatureCountsAfterBrokenJsonAndBeforeWrongTypes) {
  refusal_ = {"MissingAuthenticationTokenException", "Missing Authentication Token"};
  const std::string refused =
      R"({"__type":"MissingAuthenticationTokenException","message":"Missing Authentication Token"})";
  EXPECT_EQ(call("ListStreams", "{}").body, refused);
  EXPECT_EQ(call("ListStreams", R"({"Limit":"x"})").body, refused);
  const BlockingExecutor full = [](const std::function<void()>&) { return false; };
  EXPECT_EQ(call("DeleteStream", R"({"StreamName":"s"})", full).body, refused);
  EXPECT_EQ(call("PutRecord", R"({"StreamName":"s","Data":"","PartitionKey":"k"})").body, refused);
  EXPECT_EQ(call("ListStreams", "hello").body, R"({"__type":"SerializationException"})");
  EXPECT_EQ(call("ListStream", "{}").body, R"({"__type":"UnknownOperationException"})");
  EXPECT_TRUE(engine_->find({"000000000000", "us-east-1", "s"}));
}

TEST_F(ServiceTest, CountsCallsErrorsAndRecordsByOperation) {
  call("PutRecords", records(3, 10));
  call("DescribeStream", R"({"StreamName":"nowhere"})");
  call("DescribeStream", R"({"StreamName":"nowhere"})");
  call("DescribeStream", R"({"StreamName":)");
  for (int i = 0; i < 100; ++i)
    call("Made up " + std::to_string(i), "{}");
  const std::string text = metrics_.expose();
  for (const char* line :
       {"sluice_kinesis_request_duration_seconds_count{operation=\"PutRecords\"} 1\n",
        "sluice_kinesis_request_duration_seconds_count{operation=\"DescribeStream\"} 3\n",
        "sluice_kinesis_request_duration_seconds_count{operation=\"unknown\"} 100\n",
        "sluice_kinesis_errors_total{operation=\"DescribeStream\",error="
        "\"ResourceNotFoundException\"} 2\n",
        "sluice_kinesis_errors_total{operation=\"DescribeStream\",error="
        "\"SerializationException\"} 1\n",
        "sluice_kinesis_errors_total{operation=\"unknown\",error="
        "\"UnknownOperationException\"} 100\n",
        "sluice_kinesis_request_bytes_total{operation=\"unknown\"} 200\n",
        "sluice_kinesis_put_records_total 3\n", "sluice_kinesis_put_bytes_total 33\n"})
    EXPECT_THAT(text, HasSubstr(line));
  EXPECT_THAT(text, testing::Not(HasSubstr("Made up")));
  EXPECT_THAT(text, testing::Not(HasSubstr("nowhere")));
  EXPECT_THAT(text, testing::Not(HasSubstr("errors_total{operation=\"PutRecords\"")));
}

TEST_F(ServiceTest, CountsWhatIsRead) {
  EXPECT_TRUE(engine_->create({{"000000000000", "us-east-1", "one"}, {}, 1}));
  call("PutRecord", R"({"StreamName":"one","Data":"aGVsbG8=","PartitionKey":"key"})");
  std::string iterator =
      call("GetShardIterator",
           R"({"StreamName":"one","ShardId":"shardId-0","ShardIteratorType":"TRIM_HORIZON"})")
          .body;
  call("GetRecords", iterator);
  const std::string text = metrics_.expose();
  EXPECT_THAT(text, HasSubstr("sluice_kinesis_read_records_total 1\n"));
  EXPECT_THAT(text, HasSubstr("sluice_kinesis_read_bytes_total 8\n"));
}

TEST_F(ServiceTest, AnswersOnlyWhenTheRecordIsDurable) {
  journal_.hold(true);
  Service service(*engine_, metrics_);
  aws::ServiceRequest request;
  request.action = "PutRecord";
  request.content_type = aws::kJson11;
  request.body = R"({"StreamName":"s","Data":"","PartitionKey":"k"})";
  int answers = 0;
  service.call(std::move(request), [&](const aws::ServiceResponse&) { ++answers; });
  EXPECT_EQ(answers, 0);
  journal_.complete_held();
  EXPECT_EQ(answers, 1);
}

}  // namespace
}  // namespace sluice::kinesis
