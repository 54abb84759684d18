// Tables and bars for people: aligned by what a terminal shows, wide characters counted, long cells
// cut.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::cli {

struct Column {
  std::string name;
  bool right = false;  // numbers
};

using Cell = std::optional<std::string>;  // nullopt: NULL
using Row = std::vector<Cell>;

// A header, a rule, one line a row. Control characters are shown as escapes; cells are cut to
// `width_max` columns.
std::string format_table(const std::vector<Column>& columns, const std::vector<Row>& rows,
                         std::size_t width_max = 40);

// One line a row: label, bar, value. Bars are in proportion to the values; not finite or negative
// ones get none.
struct Bar {
  std::string label;
  double value = 0;
  std::string text;  // as printed
};
std::string format_bars(const std::vector<Bar>& bars, std::size_t bar_width = 40);

// Columns that the text takes on a terminal.
std::size_t display_width(std::string_view utf8);
// 1234567 → 1,234,567
std::string with_commas(std::int64_t n);
// 1, "row" → 1 row; 1234, "row" → 1,234 rows
std::string counted(std::int64_t n, std::string_view what);
// 1536 → 1.5 KiB
std::string human_bytes(std::int64_t bytes);

}  // namespace sluice::cli
