#include "cli/text_table.h"

#include <gmock/gmock.h>

#include <clocale>

namespace sluice::cli {
namespace {

TEST(TextTable, AlignsWideTextAndCutsLongCells) {
  std::setlocale(LC_CTYPE, "C.UTF-8");
  EXPECT_EQ(format_table({{"name", false}, {"n", true}},
                         {{"東京", "7"}, {std::nullopt, "12"}, {"a\nb", "1"}}, 10),
            " name   n\n ────  ──\n 東京   7\n NULL  12\n a\\nb   1\n");
  EXPECT_EQ(format_table({{"t", false}}, {{"abcdefgh"}}, 5), " t\n ─────\n abcd…\n");
}

TEST(TextTable, DrawsBarsInProportion) {
  EXPECT_EQ(format_bars({{"a", 4, "4"}, {"bb", 1, "1"}, {"c", 0, "NULL"}}, 4),
            " a   ████ 4\n bb  █ 1\n c   NULL\n");
}

TEST(TextTable, WritesNumbersForPeople) {
  EXPECT_EQ(with_commas(-1234567), "-1,234,567");
  EXPECT_EQ(with_commas(999), "999");
  EXPECT_EQ(counted(1, "row"), "1 row");
  EXPECT_EQ(counted(1234, "row"), "1,234 rows");
  EXPECT_EQ(human_bytes(1536), "1.5 KiB");
}

}  // namespace
}  // namespace sluice::cli
