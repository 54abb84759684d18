// Bounds of statistics: exact or on the safe side.
#include "delta/stats.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "delta/test_tables.h"

namespace sluice::delta {
namespace {

using types::DataType;
using types::TypeKind;

std::string low(TypeKind kind, std::string_view text) {
  return min_json(DataType::of(kind), text).value_or("none");
}
std::string high(TypeKind kind, std::string_view text) {
  return max_json(DataType::of(kind), text).value_or("none");
}

TEST(Stats, Numbers) {
  EXPECT_EQ(low(TypeKind::kLong, "-9223372036854775808"), "-9223372036854775808");
  EXPECT_EQ(*min_json(DataType::decimal(10, 2), "-1.10"), "-1.10");
  EXPECT_EQ(low(TypeKind::kDouble, "1e+300"), "1e+300");
  EXPECT_EQ(low(TypeKind::kDouble, "0.0"), "-0.0");
  EXPECT_EQ(high(TypeKind::kDouble, "-0.0"), "0.0");
  EXPECT_EQ(high(TypeKind::kFloat, "inf"), "none");
  EXPECT_EQ(low(TypeKind::kDouble, "-inf"), "none");
  EXPECT_EQ(low(TypeKind::kDouble, "nan"), "none");
  EXPECT_EQ(low(TypeKind::kBoolean, "true"), "none");
  EXPECT_EQ(low(TypeKind::kBinary, "6162"), "none");
}

TEST(Stats, Times) {
  EXPECT_EQ(low(TypeKind::kDate, "2020-02-29"), "\"2020-02-29\"");
  EXPECT_EQ(low(TypeKind::kDate, "12020-02-29"), "none");
  EXPECT_EQ(low(TypeKind::kDate, "0044-03-15 (BC)"), "none");
  EXPECT_EQ(low(TypeKind::kTimestamp, "2020-08-28 03:52:47.123456+00"),
            "\"2020-08-28T03:52:47.123Z\"");
  EXPECT_EQ(high(TypeKind::kTimestamp, "2020-08-28 03:52:47.123456+00"),
            "\"2020-08-28T03:52:47.124Z\"");
  EXPECT_EQ(high(TypeKind::kTimestamp, "2020-08-28 03:52:47.123+00"),
            "\"2020-08-28T03:52:47.123Z\"");
  EXPECT_EQ(low(TypeKind::kTimestamp, "1969-12-31 23:59:59.999999+00"),
            "\"1969-12-31T23:59:59.999Z\"");
  EXPECT_EQ(high(TypeKind::kTimestamp, "1969-12-31 23:59:59.999999+00"),
            "\"1970-01-01T00:00:00.000Z\"");
  EXPECT_EQ(high(TypeKind::kTimestamp, "9999-12-31 23:59:59.999999+00"), "none");
  EXPECT_EQ(low(TypeKind::kTimestamp, "2020-08-28 03:52:47+05:30"), "none");
  EXPECT_EQ(low(TypeKind::kTimestampNtz, "2020-08-28 03:52:47.5"), "\"2020-08-28T03:52:47.500\"");
  EXPECT_EQ(low(TypeKind::kTimestampNtz, "infinity"), "none");
}

TEST(Stats, TextsAreCutOnTheSafeSide) {
  const std::string a32(32, 'a');
  EXPECT_EQ(high(TypeKind::kString, a32), "\"" + a32 + "\"");
  EXPECT_EQ(low(TypeKind::kString, a32 + "b"), "\"" + a32 + "\"");
  EXPECT_EQ(high(TypeKind::kString, a32 + "b"), "\"" + a32 + "\x7f\"");
  EXPECT_EQ(high(TypeKind::kString, a32 + "é"), "\"" + a32 + "\xF4\x8F\xBF\xBF\"");
  EXPECT_EQ(high(TypeKind::kString, a32 + "\x7f" + "x"), "\"" + a32 + "\xF4\x8F\xBF\xBF\"");
  EXPECT_EQ(high(TypeKind::kString, a32 + "\xF4\x8F\xBF\xBF" + "x"),
            "\"" + a32 + "\xF4\x8F\xBF\xBF\x7f\"");
  std::string top;
  for (int i = 0; i < 300; ++i)
    top += "\xF4\x8F\xBF\xBF";
  EXPECT_EQ(high(TypeKind::kString, top), "none");
  EXPECT_EQ(low(TypeKind::kString, "a\"\n"), R"("a\"\n")");
}

// Whatever the text: minimum ≤ text ≤ maximum in the order of bytes.
TEST(Stats, TextBoundsHold) {
  base::SeededRandom random(7);
  const std::vector<std::string> alphabet = {
      "a", "~", "\x7f", "é", "\xEF\xBF\xBF", "\xF4\x8F\xBF\xBF", "z"};
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    const auto letters = 1 + random.below(3);
    for (auto n = 28 + random.below(12); n > 0; --n)
      text += alphabet[(random.below(letters) + random.below(7)) % alphabet.size()];
    const auto strip = [](const std::string& json) { return json.substr(1, json.size() - 2); };
    EXPECT_LE(strip(low(TypeKind::kString, text)), text);
    const auto most = max_json(DataType::of(TypeKind::kString), text);
    if (most) {
      EXPECT_GE(strip(*most), text);
    }
  }
}

TEST(Stats, Document) {
  const auto schema = DataType::structure(
      {simple_field("a", TypeKind::kInt),
       types::make_field("s", DataType::structure({simple_field("x", TypeKind::kString),
                                                   simple_field("flag", TypeKind::kBoolean)})),
       types::make_field("list", DataType::array(DataType::of(TypeKind::kInt))),
       simple_field("d", TypeKind::kDouble), simple_field("late", TypeKind::kInt)});
  const FileStats stats = {
      {R"("a")", {.min = "1", .max = "5", .null_count = 0}},
      {R"("s"."x")", {.min = "b", .max = "c", .null_count = 2}},
      {R"("s"."flag")", {.min = "0", .max = "1", .null_count = 1}},
      {R"("list"."element")", {.min = "1", .max = "2", .null_count = 9}},
      {R"("d")", {.min = "1.5", .max = "1.5", .null_count = 0, .has_nan = true}},
      {R"("late")", {.min = "1", .max = "2", .null_count = 0}},
  };
  EXPECT_EQ(
      stats_json(schema, 7, stats, 5),
      R"({"numRecords":7,"minValues":{"a":1,"s":{"x":"b"}},"maxValues":{"a":5,"s":{"x":"c"}},)"
      R"("nullCount":{"a":0,"s":{"x":2,"flag":1},"d":0}})");
  EXPECT_EQ(stats_json(schema, 7, stats, 1),
            R"({"numRecords":7,"minValues":{"a":1},"maxValues":{"a":5},"nullCount":{"a":0}})");
  EXPECT_NE(stats_json(schema, 7, stats, -1).find("late"), std::string::npos);
  EXPECT_EQ(stats_json(schema, 7, {}, 32),
            R"({"numRecords":7,"minValues":{},"maxValues":{},"nullCount":{}})");
}

}  // namespace
}  // namespace sluice::delta
