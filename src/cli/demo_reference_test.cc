#include "cli/demo_reference.h"

#include <gmock/gmock.h>

namespace sluice::cli {
namespace {

class OneRow final : public feed::RowReader {
 public:
  explicit OneRow(std::vector<std::string> rows) : rows_(std::move(rows)) {}
  feed::FeedResult<std::int64_t> count(const std::string&) override { return std::ssize(rows_); }
  feed::FeedResult<std::string> row_json(const std::string&, std::int64_t number) override {
    return rows_[static_cast<std::size_t>(number)];
  }

 private:
  std::vector<std::string> rows_;
};

TEST(DemoReference, CleansFollowerCounts) {
  EXPECT_EQ(clean_follower_count("124k"), "124000");
  EXPECT_EQ(clean_follower_count("5M"), "5000000");
  EXPECT_EQ(clean_follower_count("893"), "893");
  for (const char* text : {"3m", "1.5M", "", "99999M", "M3"})
    EXPECT_EQ(clean_follower_count(text), std::nullopt) << text;
}

TEST(DemoReference, PrintsDoublesAsJava) {
  EXPECT_EQ(java_double(10), "10.0");
  EXPECT_EQ(java_double(-89.9787), "-89.9787");
  EXPECT_EQ(java_double(0.0005), "5.0E-4");
}

TEST(DemoReference, DropsEqualRowsBeforeCleaningOnly) {
  const std::string error =
      R"({"ind":1,"first_name":"A","last_name":"B","age":20,"date_joined":"2015-10-24T11:23:51"})";
  OneRow source(
      {error, error, R"({"ind":1,"first_name":"A","last_name":null,"age":20,"date_joined":null})"});
  const auto rows = expected_rows(source, DemoTable::kUser, {0, 1, 2});
  ASSERT_TRUE(rows);
  EXPECT_THAT(*rows, testing::UnorderedElementsAre(Row{"1", "A B", "20", "2015-10-24 11:23:51"},
                                                   Row{"1", std::nullopt, "20", std::nullopt}));
}

TEST(DemoReference, ComparesAsMultisets) {
  const auto difference = compare_rows({{"a"}, {"a"}, {"b"}}, {{"a"}, {"b"}, {"c"}});
  EXPECT_THAT(difference.missing, testing::ElementsAre(Row{"a"}));
  EXPECT_THAT(difference.unexpected, testing::ElementsAre(Row{"c"}));
}

}  // namespace
}  // namespace sluice::cli
