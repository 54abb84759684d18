#include "cli/text_table.h"

#include <fmt/format.h>
#include <wchar.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace sluice::cli {
namespace {

// The code point at `at`, which moves on; broken bytes count as U+FFFD.
char32_t next_code_point(std::string_view text, std::size_t& at) {
  const auto lead = static_cast<unsigned char>(text[at++]);
  int more = lead < 0x80 ? 0 : lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : -1;
  if (more < 0) return 0xfffd;
  char32_t point = more == 0 ? lead : lead & (0x3f >> more);
  for (; more > 0; --more) {
    if (at >= text.size() || (static_cast<unsigned char>(text[at]) & 0xc0) != 0x80) return 0xfffd;
    point = point << 6 | (static_cast<unsigned char>(text[at++]) & 0x3f);
  }
  return point;
}

std::size_t width_of(char32_t point) {
  return static_cast<std::size_t>(std::max(0, wcwidth(static_cast<wchar_t>(point))));
}

std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out.push_back(c);
    }
  }
  return out;
}

// Cut to `width` columns, an ellipsis in place of the last where something is missing.
std::string cut(const std::string& text, std::size_t width) {
  if (display_width(text) <= width) return text;
  std::string out;
  std::size_t used = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t start = at;
    const std::size_t next = width_of(next_code_point(text, at));
    if (used + next > width - 1) break;
    used += next;
    out.append(text, start, at - start);
  }
  return out + "…";
}

std::string padded(const std::string& text, std::size_t width, bool right) {
  const std::string blanks(width - std::min(width, display_width(text)), ' ');
  return right ? blanks + text : text + blanks;
}

void trim_right(std::string& line) {
  while (!line.empty() && line.back() == ' ')
    line.pop_back();
}

}  // namespace

std::size_t display_width(std::string_view utf8) {
  std::size_t width = 0;
  for (std::size_t at = 0; at < utf8.size();)
    width += width_of(next_code_point(utf8, at));
  return width;
}

std::string format_table(const std::vector<Column>& columns, const std::vector<Row>& rows,
                         std::size_t width_max) {
  std::vector<std::vector<std::string>> lines(1);
  for (const auto& column : columns)
    lines[0].push_back(cut(printable(column.name), width_max));
  for (const auto& row : rows) {
    auto& line = lines.emplace_back();
    for (const auto& cell : row)
      line.push_back(cell ? cut(printable(*cell), width_max) : "NULL");
  }
  std::vector<std::size_t> widths(columns.size());
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i)
      widths[i] = std::max(widths[i], display_width(line[i]));
  }
  std::string out;
  for (std::size_t n = 0; n < lines.size(); ++n) {
    std::string text;
    for (std::size_t i = 0; i < lines[n].size(); ++i) {
      text += (i == 0 ? " " : "  ") + padded(lines[n][i], widths[i], columns[i].right);
    }
    trim_right(text);
    out += text + "\n";
    if (n > 0) continue;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      out += i == 0 ? " " : "  ";
      for (std::size_t k = 0; k < widths[i]; ++k)
        out += "─";
    }
    out += "\n";
  }
  return out;
}

std::string format_bars(const std::vector<Bar>& bars, std::size_t bar_width) {
  constexpr std::array<std::string_view, 8> kEighths = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  double largest = 0;
  std::size_t label_width = 0;
  for (const auto& bar : bars) {
    if (std::isfinite(bar.value)) largest = std::max(largest, bar.value);
    label_width = std::max(label_width, display_width(cut(printable(bar.label), 32)));
  }
  std::string out;
  for (const auto& bar : bars) {
    const bool drawn = std::isfinite(bar.value) && bar.value > 0;
    const auto eighths = drawn ? static_cast<std::size_t>(std::lround(
                                     bar.value / largest * 8.0 * static_cast<double>(bar_width)))
                               : 0;
    std::string line = " " + padded(cut(printable(bar.label), 32), label_width, false) + "  ";
    for (std::size_t i = 0; i < eighths / 8; ++i)
      line += "█";
    line += kEighths[eighths % 8];
    out += line + (eighths > 0 ? " " : "") + bar.text + "\n";
  }
  return out;
}

std::string with_commas(std::int64_t n) {
  std::string digits = std::to_string(n < 0 ? -n : n);
  for (std::size_t at = digits.size(); at > 3;)
    digits.insert(at -= 3, ",");
  return n < 0 ? "-" + digits : digits;
}

std::string counted(std::int64_t n, std::string_view what) {
  return fmt::format("{} {}{}", with_commas(n), what, n == 1 ? "" : "s");
}

std::string human_bytes(std::int64_t bytes) {
  constexpr std::array<std::string_view, 5> kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  auto size = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (size >= 1024 && unit + 1 < kUnits.size()) {
    size /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", size, kUnits[unit]);
}

}  // namespace sluice::cli
