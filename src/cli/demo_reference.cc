#include "cli/demo_reference.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <cmath>
#include <initializer_list>
#include <string_view>

namespace sluice::cli {
namespace {

namespace json = boost::json;

Cell text_of(const json::object& row, std::string_view name) {
  const json::value& v = row.at(name);
  if (v.is_null()) return std::nullopt;
  if (v.is_string()) return std::string(v.get_string());
  return json::serialize(v);
}

Cell unless(Cell text, std::initializer_list<std::string_view> sentinels) {
  if (text && std::ranges::find(sentinels, *text) != sentinels.end()) return std::nullopt;
  return text;
}

Cell without_prefix(Cell text, std::string_view prefix) {
  if (text && text->starts_with(prefix)) text->erase(0, prefix.size());
  return text;
}

// 2015-10-24T11:23:51 → 2015-10-24 11:23:51
Cell as_timestamp(Cell text) {
  if (text) std::ranges::replace(*text, 'T', ' ');
  return text;
}

Row clean_pin(const json::object& row) {
  const Cell followers = unless(text_of(row, "follower_count"), {"User Info Error"});
  return {text_of(row, "index"),
          text_of(row, "unique_id"),
          unless(text_of(row, "title"), {"No Title Data Available"}),
          unless(text_of(row, "description"),
                 {"No description available", "No description available Story format"}),
          followers ? clean_follower_count(*followers) : std::nullopt,
          unless(text_of(row, "poster_name"), {"User Info Error"}),
          unless(text_of(row, "tag_list"), {"N,o, ,T,a,g,s, ,A,v,a,i,l,a,b,l,e"}),
          text_of(row, "is_image_or_video"),
          unless(text_of(row, "image_src"), {"Image src error", "Image src error."}),
          without_prefix(text_of(row, "save_location"), "Local save in "),
          text_of(row, "category")};
}

Row clean_geo(const json::object& row) {
  const auto degrees = [&](std::string_view name) {
    return java_double(row.at(name).to_number<double>());
  };
  return {text_of(row, "ind"), text_of(row, "country"),
          fmt::format("[\"{}\",\"{}\"]", degrees("latitude"), degrees("longitude")),
          as_timestamp(text_of(row, "timestamp"))};
}

Row clean_user(const json::object& row) {
  const Cell first = text_of(row, "first_name");
  const Cell last = text_of(row, "last_name");
  return {text_of(row, "ind"), first && last ? Cell(*first + " " + *last) : std::nullopt,
          text_of(row, "age"), as_timestamp(text_of(row, "date_joined"))};
}

std::string_view source_table(DemoTable table) {
  switch (table) {
    case DemoTable::kPin:
      return "pinterest_data";
    case DemoTable::kGeo:
      return "geolocation_data";
    case DemoTable::kUser:
      return "user_data";
  }
  return {};
}

Row clean(DemoTable table, const json::object& row) {
  switch (table) {
    case DemoTable::kPin:
      return clean_pin(row);
    case DemoTable::kGeo:
      return clean_geo(row);
    case DemoTable::kUser:
      return clean_user(row);
  }
  return {};
}

}  // namespace

Cell clean_follower_count(const std::string& text) {
  std::string digits = text;
  if (digits.ends_with('k')) digits.replace(digits.size() - 1, 1, "000");
  if (digits.ends_with('M')) digits.replace(digits.size() - 1, 1, "000000");
  std::int32_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return std::to_string(value);
}

std::string java_double(double value) {
  std::array<char, 32> buffer{};
  const double size = std::fabs(value);
  const bool plain = size == 0 || (size >= 1e-3 && size < 1e7);
  const auto format = plain ? std::chars_format::fixed : std::chars_format::scientific;
  std::string text(buffer.data(),
                   std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, format).ptr);
  if (plain) return text.find('.') == std::string::npos ? text + ".0" : text;
  const std::size_t e = text.find('e');
  const std::string mantissa = text.substr(0, e);
  const int exponent = std::stoi(text.substr(e + 1));
  return fmt::format("{}{}E{}", mantissa, mantissa.find('.') == std::string::npos ? ".0" : "",
                     exponent);
}

feed::FeedResult<std::vector<Row>> expected_rows(feed::RowReader& source, DemoTable table,
                                                 const std::set<std::int64_t>& posted) {
  std::set<std::string> distinct;  // the rows' JSON: fields always in the same order
  for (const std::int64_t number : posted) {
    auto row = source.row_json(std::string(source_table(table)), number);
    if (!row) return std::unexpected(row.error());
    distinct.insert(std::move(*row));
  }
  std::vector<Row> rows;
  for (const std::string& text : distinct)
    rows.push_back(clean(table, json::parse(text).as_object()));
  return rows;
}

Difference compare_rows(std::vector<Row> expected, std::vector<Row> actual) {
  std::ranges::sort(expected);
  std::ranges::sort(actual);
  Difference difference;
  std::ranges::set_difference(expected, actual, std::back_inserter(difference.missing));
  std::ranges::set_difference(actual, expected, std::back_inserter(difference.unexpected));
  return difference;
}

}  // namespace sluice::cli
