#include "delta/stats.h"

#include <fmt/core.h>

#include <array>
#include <charconv>
#include <chrono>
#include <functional>

#include "base/json_writer.h"
#include "duck/duck.h"

namespace sluice::delta {
namespace {

using types::TypeKind;

constexpr std::size_t kTextLength = 32;      // code points kept of a text
constexpr std::size_t kTextLengthMax = 256;  // where looking for a maximum that is above ends

constexpr std::string_view kAsciiMax = "\x7f";
constexpr std::string_view kMax = "\xF4\x8F\xBF\xBF";  // U+10FFFF

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// -?digits[.digits][e[+-]digits]: what both DuckDB prints for finite numbers and JSON takes.
bool is_json_number(std::string_view text) {
  std::size_t at = 0;
  const auto digits = [&] {
    const auto start = at;
    while (at < text.size() && is_digit(text[at]))
      ++at;
    return at > start;
  };
  if (at < text.size() && text[at] == '-') ++at;
  if (!digits()) return false;
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (!digits()) return false;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (!digits()) return false;
  }
  return at == text.size();
}

bool is_zero(std::string_view number) {
  return number.substr(0, number.find_first_of("eE")).find_first_of("123456789") ==
         std::string_view::npos;
}

std::string quoted(std::string_view text) {
  std::string out;
  base::append_json_string(out, text);
  return out;
}

// Bytes of the code point that begins at `at`.
std::size_t code_point_length(std::string_view text, std::size_t at) {
  const auto first = static_cast<unsigned char>(text[at]);
  const std::size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  return std::min(length, text.size() - at);
}

// Where the first `count` code points end.
std::size_t prefix_end(std::string_view text, std::size_t count) {
  std::size_t at = 0;
  for (; count > 0 && at < text.size(); --count)
    at += code_point_length(text, at);
  return at;
}

std::string min_text(std::string_view text) {
  return quoted(text.substr(0, prefix_end(text, kTextLength)));
}

// A cut text ends in a code point above the one that was cut off, as Spark does.
std::optional<std::string> max_text(std::string_view text) {
  auto end = prefix_end(text, kTextLength);
  if (end == text.size()) return quoted(text);
  for (std::size_t length = kTextLength; length < kTextLengthMax && end < text.size(); ++length) {
    const auto next = text.substr(end, code_point_length(text, end));
    if (next < kAsciiMax) return quoted(std::string(text.substr(0, end)).append(kAsciiMax));
    if (next < kMax) return quoted(std::string(text.substr(0, end)).append(kMax));
    end += next.size();
  }
  if (end == text.size()) return quoted(text);
  return std::nullopt;
}

bool is_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  for (const std::size_t at : {0, 1, 2, 3, 5, 6, 8, 9})
    if (!is_digit(text[at])) return false;
  return true;
}

int number_at(std::string_view text, std::size_t at, std::size_t length) {
  int value = 0;
  std::from_chars(text.data() + at, text.data() + at + length, value);
  return value;
}

// `YYYY-MM-DD HH:MM:SS[.ffffff]`, as milliseconds; `rest` says whether microseconds were cut off.
std::optional<std::int64_t> parse_time_ms(std::string_view text, bool& rest) {
  if (text.size() < 19 || !is_date(text.substr(0, 10)) || text[10] != ' ' || text[13] != ':' ||
      text[16] != ':')
    return std::nullopt;
  for (const std::size_t at : {11, 12, 14, 15, 17, 18})
    if (!is_digit(text[at])) return std::nullopt;
  std::array<char, 6> micros = {'0', '0', '0', '0', '0', '0'};
  const auto fraction = text.substr(19);
  if (!fraction.empty() && (fraction[0] != '.' || fraction.size() < 2 || fraction.size() > 7))
    return std::nullopt;
  for (std::size_t i = 1; i < fraction.size(); ++i) {
    if (!is_digit(fraction[i])) return std::nullopt;
    micros[i - 1] = fraction[i];
  }
  const std::chrono::year_month_day date(
      std::chrono::year(number_at(text, 0, 4)),
      std::chrono::month(static_cast<unsigned>(number_at(text, 5, 2))),
      std::chrono::day(static_cast<unsigned>(number_at(text, 8, 2))));
  if (!date.ok()) return std::nullopt;
  const auto seconds =
      std::int64_t{std::chrono::sys_days(date).time_since_epoch().count()} * 86'400 +
      number_at(text, 11, 2) * 3600 + number_at(text, 14, 2) * 60 + number_at(text, 17, 2);
  const auto micro = number_at({micros.data(), micros.size()}, 0, 6);
  rest = micro % 1000 != 0;
  return seconds * 1000 + micro / 1000;
}

std::optional<std::string> time_json(std::string_view text, bool with_zone, bool round_up) {
  if (with_zone) {
    if (!text.ends_with("+00")) return std::nullopt;  // the session is UTC; anything else: no bound
    text.remove_suffix(3);
  }
  bool rest = false;
  auto ms = parse_time_ms(text, rest);
  if (!ms) return std::nullopt;
  if (rest && round_up) ++*ms;
  const auto days = std::chrono::floor<std::chrono::days>(std::chrono::milliseconds(*ms));
  const std::chrono::year_month_day date{std::chrono::sys_days(days)};
  const auto of_day = *ms - std::int64_t{days.count()} * 86'400'000;
  const int year = static_cast<int>(date.year());
  if (year < 0 || year > 9999) return std::nullopt;
  return fmt::format("\"{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}{}\"", year,
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     of_day / 3'600'000, of_day / 60'000 % 60, of_day / 1000 % 60, of_day % 1000,
                     with_zone ? "Z" : "");
}

std::optional<std::string> bound_json(const types::DataType& type, std::string_view text,
                                      bool is_max) {
  switch (type.kind()) {
    case TypeKind::kByte:
    case TypeKind::kShort:
    case TypeKind::kInt:
    case TypeKind::kLong:
    case TypeKind::kDecimal:
      return is_json_number(text) ? std::optional(std::string(text)) : std::nullopt;
    case TypeKind::kFloat:
    case TypeKind::kDouble:
      if (!is_json_number(text)) return std::nullopt;  // infinities have no JSON
      // Either zero may be in the file, whichever Parquet's statistics name.
      if (is_zero(text)) return is_max ? "0.0" : "-0.0";
      return std::string(text);
    case TypeKind::kString:
      return is_max ? max_text(text) : std::optional(min_text(text));
    case TypeKind::kDate:
      return is_date(text) ? std::optional(quoted(text)) : std::nullopt;
    case TypeKind::kTimestamp:
      return time_json(text, true, is_max);
    case TypeKind::kTimestampNtz:
      return time_json(text, false, is_max);
    default:
      return std::nullopt;
  }
}

using Leaf = std::function<std::optional<std::string>(const types::DataType&, const ColumnStats&)>;

// The object of one kind of statistics; empty: nothing to say. `budget` counts leaf columns down.
std::string object_json(const types::DataType& schema, const std::string& prefix,
                        const FileStats& stats, int& budget, const Leaf& leaf) {
  std::string body;
  const auto append = [&](const std::string& name, std::string_view value) {
    body += body.empty() ? "{" : ",";
    body += quoted(name) + ":";
    body += value;
  };
  for (const auto& field : schema.fields()) {
    const auto path = prefix + duck::quote_identifier(field.name);
    if (field.type->kind() == TypeKind::kStruct) {
      const auto inner = object_json(*field.type, path + ".", stats, budget, leaf);
      if (!inner.empty()) append(field.name, inner);
      continue;
    }
    if (budget == 0) break;
    --budget;
    const auto found = stats.find(path);
    if (found == stats.end()) continue;  // arrays and maps: DuckDB counts their elements only
    if (const auto value = leaf(*field.type, found->second)) append(field.name, *value);
  }
  return body.empty() ? body : body + "}";
}

}  // namespace

std::optional<std::string> min_json(const types::DataType& type, std::string_view text) {
  return bound_json(type, text, false);
}

std::optional<std::string> max_json(const types::DataType& type, std::string_view text) {
  return bound_json(type, text, true);
}

std::string stats_json(const types::DataType& schema, std::int64_t records, const FileStats& stats,
                       int columns_max) {
  const auto kind = [&](const Leaf& leaf) {
    int budget = columns_max;  // negative: never reaches zero
    auto text = object_json(schema, "", stats, budget, leaf);
    return text.empty() ? std::string("{}") : text;
  };
  // One bound alone helps nobody and confuses some readers: both or none.
  const auto bound = [](bool is_max) {
    return [is_max](const types::DataType& type,
                    const ColumnStats& column) -> std::optional<std::string> {
      if (column.has_nan || !column.min || !column.max) return std::nullopt;
      auto min = min_json(type, *column.min);
      auto max = max_json(type, *column.max);
      if (!min || !max) return std::nullopt;
      return is_max ? max : min;
    };
  };
  const auto nulls = [](const types::DataType&,
                        const ColumnStats& column) -> std::optional<std::string> {
    if (!column.null_count) return std::nullopt;
    return std::to_string(*column.null_count);
  };
  return fmt::format(R"({{"numRecords":{},"minValues":{},"maxValues":{},"nullCount":{}}})", records,
                     kind(bound(false)), kind(bound(true)), kind(nulls));
}

}  // namespace sluice::delta
