#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <regex>

#include "base/sqlite.h"
#include "base/uuid.h"
#include "feed/feeder.h"
#include "feed/row_reader.h"
#include "feed/sample_source.h"

namespace sluice::feed {
namespace {

class SampleSource : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    path_ = std::filesystem::temp_directory_path() / ("sluice-feed-" + base::random_uuid() + ".db");
    const auto made = make_sample_source(path_, 1);
    ASSERT_TRUE(made) << made.error().message;
  }
  static void TearDownTestSuite() {
    for (const char* end : {"", "-wal", "-shm"})
      std::filesystem::remove(path_.string() + end);
  }
  static std::filesystem::path path_;
};
std::filesystem::path SampleSource::path_;

TEST_F(SampleSource, HasTwentyRowsOfEachKindOfDirt) {
  auto db = base::Sqlite::open(path_, base::Sqlite::Mode::kReadOnly);
  ASSERT_TRUE(db);
  std::ifstream list(SLUICE_SOURCE_DIR "/examples/pinterest/dirt.md");
  const std::regex row("\\| ([^|]+) \\| (\\w+_data) \\| `(.*)` \\|");
  std::string line;
  int kinds = 0;
  while (std::getline(list, line)) {
    std::smatch match;
    if (!std::regex_match(line, match, row)) continue;
    ++kinds;
    const std::string condition = std::regex_replace(match[3].str(), std::regex("\\\\\\|"), "|");
    auto count = db->prepare("SELECT count(*) FROM " + match[2].str() + " WHERE " + condition);
    ASSERT_TRUE(count) << line << count.error().message;
    ASSERT_TRUE(count->step().value());
    EXPECT_GE(count->int64(0), 20) << line;
  }
  EXPECT_GE(kinds, 40);
}

TEST_F(SampleSource, HasAsManyRowsInEachTable) {
  auto rows = open_rows("sqlite:" + path_.string());
  ASSERT_TRUE(rows);
  for (const char* table : {"pinterest_data", "geolocation_data", "user_data"})
    EXPECT_EQ((*rows)->count(table).value(), kSampleRows);
}

TEST_F(SampleSource, GivesRowsAsTheTeamSendsThem) {
  auto rows = open_rows("sqlite:" + path_.string());
  ASSERT_TRUE(rows);
  EXPECT_THAT(
      (*rows)->row_json("user_data", 7528).value(),
      testing::MatchesRegex(
          "\\{\"ind\":7528,\"first_name\":\"[^\"]+\",\"last_name\":\"[^\"]+\",\"age\":[0-9]+,"
          "\"date_joined\":\"201[567]-[0-9]+-[0-9]+T[0-9]+:[0-9]+:[0-9]+\"\\}"));
  EXPECT_EQ((*rows)->row_json("user_data", kSampleRows).error().code, FeedError::kSource);
  EXPECT_EQ((*rows)->row_json("no_table", 0).error().code, FeedError::kSource);
}

class FakeRows final : public RowReader {
 public:
  FeedResult<std::int64_t> count(const std::string&) override { return 100; }
  FeedResult<std::string> row_json(const std::string& table, std::int64_t number) override {
    return "{\"" + table + "\":" + std::to_string(number) + "}";
  }
};

constexpr const char* kAccepted = R"({"SequenceNumber":"1","ShardId":"shardId-000000000000"})";

FeedOptions two_tables() {
  FeedOptions options;
  options.url = "http://x/Prod";
  options.map = {{"a", "stream-a"}, {"b", "stream-b"}};
  options.seed = 7;
  return options;
}

TEST(Feeder, SendsOnePostATableAndRepeatsItsShare) {
  FakeRows rows;
  FeedOptions options = two_tables();
  options.rows = 80;
  options.repeat_share = 0.25;
  Feeder feeder(options, rows, [] { return [](const Post&) { return Reply{200, kAccepted}; }; });
  std::map<std::int64_t, int> sent;
  std::string first_body;
  const auto ran = feeder.run([&](const Post& post, const Reply&) {
    ++sent[post.row];
    if (first_body.empty() && post.table == 0) first_body = post.body;
    EXPECT_THAT(post.url, testing::MatchesRegex("http://x/Prod/streams/stream-[ab]/record"));
  });
  ASSERT_TRUE(ran) << ran.error().message;
  EXPECT_EQ(feeder.totals().accepted, 160);
  EXPECT_LT(sent.size(), 75U);
  EXPECT_GT(sent.size(), 40U);
  EXPECT_THAT(first_body, testing::MatchesRegex("\\{\"StreamName\":\"stream-a\",\"Data\":\\{\"a\":["
                                                "0-9]+\\},\"PartitionKey\":\"ind\"\\}"));
}

TEST(Feeder, TriesAgainWhenThrottledAsA200) {
  FakeRows rows;
  FeedOptions options = two_tables();
  options.posts = 1;
  options.connections = 1;
  int calls = 0;
  Feeder feeder(options, rows, [&] {
    return [&](const Post&) {
      ++calls;
      if (calls == 1)
        return Reply{200,
                     R"({"__type":"ProvisionedThroughputExceededException","message":"Rate"})"};
      if (calls == 2) return Reply{0, "connection refused"};
      return Reply{200, kAccepted};
    };
  });
  ASSERT_TRUE(feeder.run(nullptr));
  EXPECT_EQ(calls, 3);
  EXPECT_EQ(feeder.totals().retries, 2);
  EXPECT_EQ(feeder.totals().accepted, 1);
}

TEST(Feeder, GivesUpWithWordsWhenTheApiStaysAway) {
  FakeRows rows;
  FeedOptions options = two_tables();
  options.patience_ms = 0;
  Feeder feeder(options, rows,
                [] { return [](const Post&) { return Reply{0, "connection refused"}; }; });
  const auto ran = feeder.run(nullptr);
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().code, FeedError::kLost);
  EXPECT_THAT(ran.error().message, testing::HasSubstr("connection refused"));
}

TEST(Feeder, CountsWhatNoRetryMends) {
  FakeRows rows;
  FeedOptions options = two_tables();
  options.rows = 1;
  Feeder feeder(options, rows, [] {
    return [](const Post&) {
      return Reply{200, R"({"__type":"ResourceNotFoundException","message":"Stream"})"};
    };
  });
  ASSERT_TRUE(feeder.run(nullptr));
  EXPECT_EQ(feeder.totals().refused, 2);
  EXPECT_EQ(feeder.totals().retries, 0);
}

TEST(Feeder, StopsWhenAsked) {
  FakeRows rows;
  FeedOptions options = two_tables();  // no end of its own
  Feeder feeder(options, rows, [] { return [](const Post&) { return Reply{200, kAccepted}; }; });
  std::atomic<int> seen = 0;
  ASSERT_TRUE(feeder.run([&](const Post&, const Reply&) {
    if (++seen == 10) feeder.stop();
  }));
  EXPECT_GE(seen, 10);
}

TEST(Feeder, ConnectionsAreBounded) {
  FakeRows rows;
  for (const int connections : {0, 257}) {
    FeedOptions options = two_tables();
    options.connections = connections;
    Feeder feeder(options, rows, [] { return [](const Post&) { return Reply{200, kAccepted}; }; });
    EXPECT_EQ(feeder.run(nullptr).error().code, FeedError::kInvalid) << connections;
  }
}

// Counts what was read; the connections say when to go on.
class CountedRows final : public RowReader {
 public:
  FeedResult<std::int64_t> count(const std::string&) override { return 1'000'000; }
  FeedResult<std::string> row_json(const std::string&, std::int64_t) override {
    ++read;
    return "{}";
  }
  std::atomic<int> read = 0;
};

TEST(Feeder, TheReaderWaitsForTheConnections) {
  constexpr int kWaiting = 1'024;
  CountedRows rows;
  FeedOptions options = two_tables();
  options.posts = 3 * kWaiting;
  options.connections = 1;
  int posted = 0;
  Feeder feeder(options, rows, [&] {
    return [&](const Post&) {
      // Those waiting, those posted, this one, and the one that the reader holds in its hand.
      EXPECT_LE(rows.read, kWaiting + posted + 2);
      if (posted == 0) {
        while (rows.read < kWaiting)  // the queue fills while nothing is posted
          std::this_thread::yield();
      }
      ++posted;
      return Reply{200, kAccepted};
    };
  });
  ASSERT_TRUE(feeder.run(nullptr));
  EXPECT_EQ(posted, 3 * kWaiting);
}

TEST(OpenRows, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(open_rows("mysql://host/db").error().code, FeedError::kInvalid);
  EXPECT_EQ(open_rows("sqlite:/no/such/file").error().code, FeedError::kSource);
}

}  // namespace
}  // namespace sluice::feed
