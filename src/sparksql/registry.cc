// The rows of the function registry. A row is `kTemplate` only where recorded results of Spark
// agree with what its text does; a function that is not here does not exist to Spark, or nobody has
// looked yet (then it belongs among the refused).
#include "sparksql/registry.h"

#include <algorithm>
#include <map>

#include "sparksql/analyzer.h"
#include "sparksql/call_binder.h"

namespace sluice::sparksql {
namespace {

using Kind = FunctionKind;

void add_casts(std::vector<FunctionRow>& rows) {
  static constexpr std::pair<std::string_view, std::string_view> kCasts[] = {
      {"boolean", "BOOLEAN"},   {"tinyint", "TINYINT"},
      {"smallint", "SMALLINT"}, {"int", "INT"},
      {"bigint", "BIGINT"},     {"float", "FLOAT"},
      {"double", "DOUBLE"},     {"decimal", "DECIMAL(10,0)"},
      {"string", "STRING"},     {"binary", "BINARY"},
      {"date", "DATE"},         {"timestamp", "TIMESTAMP"}};
  for (const auto& [name, type] : kCasts) {
    rows.push_back(
        {.name = name, .kind = Kind::kSpecial, .sql = type, .special = &CallBinder::cast_function});
  }
}

void add_conditions(std::vector<FunctionRow>& rows) {
  for (const std::string_view name : {"coalesce", "nvl", "ifnull"}) {
    rows.push_back({.name = name, .kind = Kind::kSpecial, .special = &CallBinder::coalesce});
  }
  rows.push_back({.name = "nullif", .kind = Kind::kSpecial, .special = &CallBinder::nullif});
  rows.push_back({.name = "nvl2", .kind = Kind::kSpecial, .special = &CallBinder::nvl2});
  rows.push_back({.name = "if", .kind = Kind::kSpecial, .special = &CallBinder::if_});
  rows.push_back(
      {.name = "greatest", .kind = Kind::kSpecial, .special = &CallBinder::greatest_least});
  rows.push_back({.name = "least", .kind = Kind::kSpecial, .special = &CallBinder::greatest_least});
  rows.push_back({.name = "isnull", .kind = Kind::kSpecial, .special = &CallBinder::is_null});
  rows.push_back({.name = "isnotnull", .kind = Kind::kSpecial, .special = &CallBinder::is_null});
  rows.push_back({.name = "isnan", .kind = Kind::kSpecial, .special = &CallBinder::isnan});
  rows.push_back({.name = "typeof", .kind = Kind::kSpecial, .special = &CallBinder::typeof_});
}

void add_text(std::vector<FunctionRow>& rows) {
  rows.push_back({.name = "concat", .kind = Kind::kSpecial, .special = &CallBinder::concat});
  rows.push_back({.name = "concat_ws", .kind = Kind::kSpecial, .special = &CallBinder::concat_ws});
  for (const std::string_view name :
       {"length", "char_length", "character_length", "len", "octet_length", "bit_length"}) {
    rows.push_back({.name = name, .kind = Kind::kSpecial, .special = &CallBinder::length});
  }
  rows.push_back(
      {"replace", Kind::kTemplate, "string string string?", "string", "replace($1, $2, $3)"});
  rows.push_back({"translate", Kind::kTemplate, "string string string", "string",
                  "spark_translate($1, $2, $3)"});
  rows.push_back({"substring_index", Kind::kTemplate, "string string int", "string",
                  "spark_substring_index($1, $2, $3)"});
  rows.push_back(
      {"startswith", Kind::kTemplate, "string string", "boolean", "starts_with($1, $2)"});
  rows.push_back({"endswith", Kind::kTemplate, "string string", "boolean", "suffix($1, $2)"});
  rows.push_back({"contains", Kind::kTemplate, "string string", "boolean", "contains($1, $2)"});
  rows.push_back({"left", Kind::kTemplate, "string int", "string",
                  "spark_substring($1, CAST(1 AS INTEGER), $2)"});
  rows.push_back({.name = "right", .kind = Kind::kSpecial, .special = &CallBinder::right});
  for (const std::string_view name : {"substring", "substr"}) {
    rows.push_back({name, Kind::kSpecial, "string int int?", "string", "spark_substring", false,
                    &CallBinder::substring});
  }
  static constexpr std::pair<std::string_view, std::string_view> kTrims[] = {
      {"trim", "spark_trim"},
      {"ltrim", "spark_ltrim"},
      {"rtrim", "spark_rtrim"},
      {"__trim", "spark_trim"},
      {"__trim_BOTH", "spark_trim"},
      {"__ltrim_LEADING", "spark_ltrim"},
      {"__rtrim_TRAILING", "spark_rtrim"}};
  for (const auto& [name, function] : kTrims) {
    rows.push_back(
        {.name = name, .kind = Kind::kSpecial, .sql = function, .special = &CallBinder::trim});
  }
  rows.push_back({.name = "split", .kind = Kind::kSpecial, .special = &CallBinder::split});
  rows.push_back(
      {.name = "regexp_extract", .kind = Kind::kSpecial, .special = &CallBinder::regexp_extract});
  rows.push_back(
      {.name = "regexp_replace", .kind = Kind::kSpecial, .special = &CallBinder::regexp_replace});
  for (const std::string_view name : {"rlike", "regexp_like", "regexp"}) {
    rows.push_back({.name = name,
                    .kind = Kind::kSpecial,
                    .sql = "RLIKE",
                    .special = &CallBinder::like_function});
  }
  rows.push_back({.name = "like",
                  .kind = Kind::kSpecial,
                  .sql = "LIKE",
                  .special = &CallBinder::like_function});
  rows.push_back({.name = "ilike",
                  .kind = Kind::kSpecial,
                  .sql = "ILIKE",
                  .special = &CallBinder::like_function});
}

void add_numbers(std::vector<FunctionRow>& rows) {
  rows.push_back({.name = "abs", .kind = Kind::kSpecial, .special = &CallBinder::abs});
  rows.push_back({.name = "negative", .kind = Kind::kSpecial, .special = &CallBinder::negative});
  rows.push_back({.name = "positive", .kind = Kind::kSpecial, .special = &CallBinder::negative});
  rows.push_back({.name = "mod", .kind = Kind::kSpecial, .special = &CallBinder::mod});
  rows.push_back({.name = "try_add",
                  .kind = Kind::kSpecial,
                  .sql = "+",
                  .special = &CallBinder::operator_function});
  rows.push_back({.name = "try_subtract",
                  .kind = Kind::kSpecial,
                  .sql = "-",
                  .special = &CallBinder::operator_function});
  rows.push_back({.name = "try_multiply",
                  .kind = Kind::kSpecial,
                  .sql = "*",
                  .special = &CallBinder::operator_function});
  rows.push_back({.name = "try_divide",
                  .kind = Kind::kSpecial,
                  .sql = "/",
                  .special = &CallBinder::operator_function});
  rows.push_back({.name = "try_mod",
                  .kind = Kind::kSpecial,
                  .sql = "%",
                  .special = &CallBinder::operator_function});
}

void add_datetime(std::vector<FunctionRow>& rows) {
  struct Part {
    std::string_view name;
    std::string_view sql;
    bool time = false;
  };
  static constexpr Part kParts[] = {{"year", "year($1)"},
                                    {"quarter", "quarter($1)"},
                                    {"month", "month($1)"},
                                    {"day", "day($1)"},
                                    {"dayofmonth", "day($1)"},
                                    {"dayofyear", "dayofyear($1)"},
                                    {"dayofweek", "dayofweek($1) + 1"},
                                    {"weekday", "isodow($1) - 1"},
                                    {"weekofyear", "week($1)"},
                                    {"hour", "hour($1)", true},
                                    {"minute", "minute($1)", true},
                                    {"second", "second($1)", true}};
  for (const auto& part : kParts) {
    rows.push_back({.name = part.name,
                    .kind = Kind::kSpecial,
                    .result = part.time ? "time" : "date",
                    .sql = part.sql,
                    .special = &CallBinder::datetime_part});
  }
  for (const std::string_view name : {"extract", "date_part", "datepart"}) {
    rows.push_back({.name = name, .kind = Kind::kSpecial, .special = &CallBinder::extract});
  }
  rows.push_back(
      {.name = "to_timestamp", .kind = Kind::kSpecial, .special = &CallBinder::to_timestamp});
  rows.push_back(
      {.name = "try_to_timestamp", .kind = Kind::kSpecial, .special = &CallBinder::to_timestamp});
  rows.push_back({.name = "to_date", .kind = Kind::kSpecial, .special = &CallBinder::to_date});
  rows.push_back({.name = "try_to_date", .kind = Kind::kSpecial, .special = &CallBinder::to_date});
  rows.push_back(
      {.name = "date_format", .kind = Kind::kSpecial, .special = &CallBinder::date_format});
  rows.push_back({.name = "date_add", .kind = Kind::kSpecial, .special = &CallBinder::date_add});
  rows.push_back({.name = "date_sub", .kind = Kind::kSpecial, .special = &CallBinder::date_add});
  rows.push_back({.name = "datediff", .kind = Kind::kSpecial, .special = &CallBinder::datediff});
  rows.push_back({.name = "date_diff", .kind = Kind::kSpecial, .special = &CallBinder::datediff});
  rows.push_back({"last_day", Kind::kTemplate, "date", "date", "CAST(last_day($1) AS DATE)"});
  for (const std::string_view name : {"now", "current_timestamp", "current_date", "curdate"}) {
    rows.push_back({.name = name, .kind = Kind::kSpecial, .special = &CallBinder::current});
  }
}

void add_nested(std::vector<FunctionRow>& rows) {
  rows.push_back({.name = "array", .kind = Kind::kSpecial, .special = &CallBinder::array});
  rows.push_back({.name = "struct", .kind = Kind::kSpecial, .special = &CallBinder::struct_});
  rows.push_back(
      {.name = "named_struct", .kind = Kind::kSpecial, .special = &CallBinder::named_struct});
  rows.push_back({.name = "map", .kind = Kind::kSpecial, .special = &CallBinder::map});
  for (const std::string_view name : {"size", "cardinality", "array_size"}) {
    rows.push_back({.name = name, .kind = Kind::kSpecial, .special = &CallBinder::size});
  }
  rows.push_back(
      {.name = "array_contains", .kind = Kind::kSpecial, .special = &CallBinder::array_contains});
  rows.push_back(
      {.name = "element_at", .kind = Kind::kSpecial, .special = &CallBinder::element_at});
  rows.push_back(
      {.name = "try_element_at", .kind = Kind::kSpecial, .special = &CallBinder::element_at});
  rows.push_back(
      {.name = "transform", .kind = Kind::kSpecial, .special = &CallBinder::higher_order});
  rows.push_back({.name = "filter", .kind = Kind::kSpecial, .special = &CallBinder::higher_order});
  rows.push_back({.name = "from_json", .kind = Kind::kSpecial, .special = &CallBinder::from_json});
}

void add_aggregates(std::vector<FunctionRow>& rows) {
  const auto add = [&](std::string_view name, Value (CallBinder::*special)(const FunctionRow&),
                       std::string_view sql = {}) {
    rows.push_back({.name = name, .kind = Kind::kAggregate, .sql = sql, .special = special});
  };
  add("count", &CallBinder::count);
  add("sum", &CallBinder::sum);
  add("try_sum", &CallBinder::sum);
  add("avg", &CallBinder::avg);
  add("mean", &CallBinder::avg);
  add("min", &CallBinder::min_max);
  add("max", &CallBinder::min_max);
  add("first", &CallBinder::first_last);
  add("first_value", &CallBinder::first_last);
  add("last", &CallBinder::first_last);
  add("last_value", &CallBinder::first_last);
  add("collect_list", &CallBinder::collect);
  add("array_agg", &CallBinder::collect);
  add("collect_set", &CallBinder::collect);
  add("max_by", &CallBinder::max_min_by);
  add("min_by", &CallBinder::max_min_by);
  add("percentile_approx", &CallBinder::percentile_approx);
  add("approx_percentile", &CallBinder::percentile_approx);
  add("percentile", &CallBinder::percentile);
  add("median", &CallBinder::percentile);
  add("count_if", &CallBinder::count_if);
  for (const std::string_view name : {"bool_and", "every"}) {
    add(name, &CallBinder::bool_aggregate, "bool_and");
  }
  for (const std::string_view name : {"bool_or", "some", "any"}) {
    add(name, &CallBinder::bool_aggregate, "bool_or");
  }
  add("stddev", &CallBinder::statistics, "stddev_samp");
  add("std", &CallBinder::statistics, "stddev_samp");
  add("stddev_samp", &CallBinder::statistics, "stddev_samp");
  add("stddev_pop", &CallBinder::statistics, "stddev_pop");
  add("variance", &CallBinder::statistics, "var_samp");
  add("var_samp", &CallBinder::statistics, "var_samp");
  add("var_pop", &CallBinder::statistics, "var_pop");
  add("grouping", &CallBinder::grouping);
  add("grouping_id", &CallBinder::grouping);
}

void add_windows(std::vector<FunctionRow>& rows) {
  for (const std::string_view name :
       {"row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile"}) {
    rows.push_back({.name = name, .kind = Kind::kWindow, .special = &CallBinder::ranking});
  }
  rows.push_back({.name = "lag", .kind = Kind::kWindow, .special = &CallBinder::lag_lead});
  rows.push_back({.name = "lead", .kind = Kind::kWindow, .special = &CallBinder::lag_lead});
  rows.push_back({.name = "nth_value", .kind = Kind::kWindow, .special = &CallBinder::nth_value});
}

std::vector<FunctionRow> make_rows() {
  std::vector<FunctionRow> rows;
  add_casts(rows);
  add_conditions(rows);
  add_text(rows);
  add_numbers(rows);
  add_datetime(rows);
  add_nested(rows);
  add_aggregates(rows);
  add_windows(rows);
  std::map<std::string_view, int> known;
  for (const auto& row : rows) {
    known[row.name] = 1;
  }
  for (const std::string_view name : refused_functions()) {
    if (!known.contains(name)) {
      rows.push_back({.name = name, .kind = Kind::kRefused});
    }
  }
  for (const std::string_view name : refused_aggregates()) {
    if (!known.contains(name)) {
      rows.push_back({.name = name, .kind = Kind::kRefused, .result = "aggregate"});
    }
  }
  return rows;
}

}  // namespace

const std::vector<FunctionRow>& all_functions() {
  static const std::vector<FunctionRow> rows = make_rows();
  return rows;
}

const FunctionRow* find_function(std::string_view name) {
  static const std::map<std::string, const FunctionRow*, std::less<>> index = [] {
    std::map<std::string, const FunctionRow*, std::less<>> map;
    for (const auto& row : all_functions()) {
      map.emplace(lower_case(row.name), &row);
    }
    return map;
  }();
  const auto found = index.find(lower_case(name));
  return found == index.end() ? nullptr : found->second;
}

bool is_aggregate_function(std::string_view name) {
  const FunctionRow* row = find_function(name);
  return row != nullptr && (row->kind == FunctionKind::kAggregate || row->result == "aggregate");
}

std::string functions_markdown() {
  std::vector<std::string_view> taken;
  std::vector<std::string_view> refused;
  for (const auto& row : all_functions()) {
    if (!row.name.starts_with("__")) {
      (row.kind == FunctionKind::kRefused ? refused : taken).push_back(row.name);
    }
  }
  std::string out;
  const auto list = [&](const char* title, std::vector<std::string_view>& names) {
    std::ranges::sort(names);
    out += std::string("**") + title + "** (" + std::to_string(names.size()) + "): ";
    for (std::size_t i = 0; i < names.size(); ++i) {
      out += (i == 0 ? "`" : ", `") + std::string(names[i]) + "`";
    }
    out += ".\n\n";
  };
  list("Functions that are there", taken);
  list("Functions that are refused by name", refused);
  return out;
}

}  // namespace sluice::sparksql
