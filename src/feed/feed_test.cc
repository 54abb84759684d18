#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <regex>

#include "base/sqlite.h"
#include "base/uuid.h"
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

TEST(OpenRows, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(open_rows("mysql://host/db").error().code, FeedError::kInvalid);
  EXPECT_EQ(open_rows("sqlite:/no/such/file").error().code, FeedError::kSource);
}

}  // namespace
}  // namespace sluice::feed
