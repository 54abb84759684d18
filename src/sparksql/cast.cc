// Casts. DuckDB's own cast is used only where it can neither round, wrap nor read text in its own
// way; the rest goes through spark_* functions or explicit arithmetic.
#include <array>

#include "duck/duck.h"
#include "sparksql/analyzer.h"
#include "sparksql/error.h"

namespace sluice::sparksql {
namespace {

std::string_view mode_prefix(CastMode mode) {
  return mode == CastMode::kAnsi  ? "spark_cast_"
         : mode == CastMode::kTry ? "spark_try_cast_"
                                  : "spark_legacy_cast_";
}

std::string plain_cast(const std::string& sql, const DataType& to, CastMode mode) {
  return (mode == CastMode::kAnsi ? "CAST(" : "TRY_CAST(") + sql + " AS " + to.to_duckdb() + ")";
}

struct WrapBounds {
  const char* half;
  const char* mask;
  const char* type;
};

// Java's narrowing: the low bits, as a signed number. `wide` is a HUGEINT.
std::string wrapped(const std::string& wide, TypeKind kind) {
  const WrapBounds bounds =
      kind == TypeKind::kByte    ? WrapBounds{"128", "255", "TINYINT"}
      : kind == TypeKind::kShort ? WrapBounds{"32768", "65535", "SMALLINT"}
      : kind == TypeKind::kInt
          ? WrapBounds{"2147483648", "4294967295", "INTEGER"}
          : WrapBounds{"9223372036854775808", "18446744073709551615", "BIGINT"};
  const std::string half = std::string("CAST(") + bounds.half + " AS HUGEINT)";
  return "CAST(((" + wide + " + " + half + ") & CAST(" + bounds.mask + " AS HUGEINT)) - " + half +
         " AS " + bounds.type + ")";
}

// A double or float, cut towards zero and held at the bounds, as Java's (int) and (long) do.
std::string saturated(const std::string& sql, TypeKind kind) {
  const bool is_long = kind == TypeKind::kLong;
  const std::string low = is_long ? "-9223372036854775808" : "-2147483648";
  const std::string high = is_long ? "9223372036854775807" : "2147483647";
  const std::string type = is_long ? "BIGINT" : "INTEGER";
  const std::string value = "CAST(" + sql + " AS DOUBLE)";
  return "CASE WHEN isnan(" + value + ") THEN CAST(0 AS " + type + ") WHEN " + value +
         " >= CAST('" + high + "' AS DOUBLE) THEN CAST(" + high + " AS " + type + ") WHEN " +
         value + " <= CAST('" + low + "' AS DOUBLE) THEN CAST(" + low + " AS " + type +
         ") ELSE TRY_CAST(trunc(" + value + ") AS " + type + ") END";
}

}  // namespace

// DuckDB prints .5 where there is no digit before the point.
std::string decimal_text_sql(const std::string& sql, const DataType& type) {
  if (type.precision() == type.scale() && type.precision() < 38) {
    return "CAST(CAST(" + sql + " AS " +
           DataType::decimal(type.precision() + 1, type.scale()).to_duckdb() + ") AS VARCHAR)";
  }
  return "CAST(" + sql + " AS VARCHAR)";
}

std::optional<std::string> Analyzer::cast_from_string(const std::string& sql, const DataType& to,
                                                      CastMode mode, bool& can_throw) {
  can_throw = can_throw || mode == CastMode::kAnsi;
  const std::string prefix(mode_prefix(mode));
  const std::string zone = ", " + text_sql(conf_.time_zone);
  switch (to.kind()) {
    case TypeKind::kBoolean:
      return prefix + "boolean(" + sql + ")";
    case TypeKind::kByte:
      return prefix + "tinyint(" + sql + ")";
    case TypeKind::kShort:
      return prefix + "smallint(" + sql + ")";
    case TypeKind::kInt:
      return prefix + "int(" + sql + ")";
    case TypeKind::kLong:
      return prefix + "bigint(" + sql + ")";
    case TypeKind::kFloat:
      return prefix + "float(" + sql + ")";
    case TypeKind::kDouble:
      return prefix + "double(" + sql + ")";
    case TypeKind::kDate:
      return prefix + "date(" + sql + ")";
    case TypeKind::kTimestamp:
      return prefix + "timestamp(" + sql + zone + ")";
    case TypeKind::kTimestampNtz:
      return prefix + "timestamp_ntz(" + sql + ")";
    case TypeKind::kBinary:
      return "encode(" + sql + ")";
    case TypeKind::kDecimal: {
      NativeFunction function;
      function.name =
          prefix + "decimal_" + std::to_string(to.precision()) + "_" + std::to_string(to.scale());
      function.kind = "cast_decimal";
      function.type = to;
      function.options["mode"] = mode == CastMode::kAnsi  ? "ansi"
                                 : mode == CastMode::kTry ? "try"
                                                          : "legacy";
      const std::string call = function.name + "(" + sql + ")";
      need(std::move(function));
      return call;
    }
    default:
      return std::nullopt;
  }
}

std::optional<std::string> Analyzer::cast_to_string(const std::string& sql, const DataType& from,
                                                    CastMode mode) {
  switch (from.kind()) {
    case TypeKind::kBoolean:
    case TypeKind::kByte:
    case TypeKind::kShort:
    case TypeKind::kInt:
    case TypeKind::kLong:
      return "CAST(" + sql + " AS VARCHAR)";
    case TypeKind::kDecimal:
      // 0.0000001 prints as 1E-7 without ANSI; seven digits of scale are needed for that.
      if (mode == CastMode::kLegacy && from.scale() > 6) {
        return "spark_legacy_decimal_text(" + decimal_text_sql(sql, from) + ")";
      }
      return decimal_text_sql(sql, from);
    case TypeKind::kFloat:
    case TypeKind::kDouble:
    case TypeKind::kDate:
    case TypeKind::kTimestampNtz:
      return "spark_text(" + sql + ")";
    case TypeKind::kTimestamp:
      return "spark_text(" + sql + ", " + text_sql(conf_.time_zone) + ")";
    case TypeKind::kBinary:
      return "spark_binary_text(" + sql + ")";
    default:
      return std::nullopt;
  }
}

std::optional<std::string> Analyzer::cast_numeric(const std::string& sql, const DataType& from,
                                                  const DataType& to, CastMode mode,
                                                  bool& can_throw) {
  const bool from_real = from.kind() == TypeKind::kFloat || from.kind() == TypeKind::kDouble;
  if (to.kind() == TypeKind::kBoolean) {
    return "(" + sql + " <> 0)";
  }
  if (from.kind() == TypeKind::kBoolean) {
    return to.kind() == TypeKind::kDecimal ? plain_cast("CAST(" + sql + " AS INTEGER)", to, mode)
                                           : "CAST(" + sql + " AS " + to.to_duckdb() + ")";
  }
  if (to.is_integral()) {
    if (from.is_integral() && to.kind() >= from.kind()) {
      return "CAST(" + sql + " AS " + to.to_duckdb() + ")";
    }
    if (mode != CastMode::kLegacy) {
      can_throw = can_throw || mode == CastMode::kAnsi;
      if (from_real && to.kind() == TypeKind::kLong) {
        // 2^63 as a double passes Spark's check and is then held at the bound.
        return "CASE WHEN " + sql +
               " = CAST('9223372036854775807' AS DOUBLE) THEN CAST("
               "9223372036854775807 AS BIGINT) ELSE " +
               plain_cast("trunc(" + sql + ")", to, mode) + " END";
      }
      return plain_cast(from.is_integral() ? sql : "trunc(" + sql + ")", to, mode);
    }
    if (from_real) {
      const bool narrow = to.kind() == TypeKind::kByte || to.kind() == TypeKind::kShort;
      const std::string whole = saturated(sql, narrow ? TypeKind::kInt : to.kind());
      return narrow ? wrapped("CAST(" + whole + " AS HUGEINT)", to.kind()) : "(" + whole + ")";
    }
    const std::string whole = from.kind() == TypeKind::kDecimal ? "trunc(" + sql + ")" : sql;
    return wrapped("CAST(" + whole + " AS HUGEINT)", to.kind());
  }
  if (to.kind() == TypeKind::kDecimal) {
    can_throw = can_throw || mode == CastMode::kAnsi;
    if (from_real) {
      const std::string text =
          "CASE WHEN isfinite(" + sql + ") THEN spark_text(CAST(" + sql + " AS DOUBLE)) END";
      return cast_from_string(text, to, mode, can_throw);
    }
    return plain_cast(sql, to, mode);
  }
  // To FLOAT or DOUBLE.
  if (from.kind() == TypeKind::kDecimal &&
      (from.precision() > 15 || to.kind() == TypeKind::kFloat)) {
    return "CAST(CAST(" + sql + " AS VARCHAR) AS " + to.to_duckdb() + ")";
  }
  if (from.kind() == TypeKind::kDouble && to.kind() == TypeKind::kFloat) {
    return "CASE WHEN " + sql + " > 3.4028235677973366e38 AND NOT isnan(" + sql +
           ") THEN CAST('Infinity' AS FLOAT) WHEN " + sql +
           " < -3.4028235677973366e38 THEN CAST('-Infinity' AS FLOAT) ELSE CAST(" + sql +
           " AS FLOAT) END";
  }
  return "CAST(" + sql + " AS " + to.to_duckdb() + ")";
}

std::optional<std::string> Analyzer::cast_datetime(const std::string& sql, const DataType& from,
                                                   const DataType& to, CastMode mode,
                                                   bool& can_throw) {
  const std::string zone = text_sql(conf_.time_zone);
  const TypeKind f = from.kind();
  const TypeKind t = to.kind();
  const std::string local = f == TypeKind::kTimestamp ? "timezone(" + zone + ", " + sql + ")" : sql;
  if (is_datetime(from) && is_datetime(to)) {
    if (t == TypeKind::kTimestamp) {
      return "timezone(" + zone + ", CAST(" + sql + " AS TIMESTAMP))";
    }
    return "CAST(" + local + " AS " + to.to_duckdb() + ")";
  }
  if (f == TypeKind::kTimestamp) {
    const std::string micros = "epoch_us(" + sql + ")";
    if (t == TypeKind::kDouble) {
      return "(CAST(" + micros + " AS DOUBLE) / 1000000.0)";
    }
    if (t == TypeKind::kLong) {
      return "CAST(floor(CAST(" + micros + " AS DECIMAL(38,0)) / 1000000) AS BIGINT)";
    }
  }
  if (t == TypeKind::kTimestamp && from.is_integral()) {
    can_throw = true;
    return "CAST(make_timestamp(CAST(" + sql + " AS BIGINT) * 1000000) AS TIMESTAMPTZ)";
  }
  if (f == TypeKind::kDate && mode == CastMode::kLegacy) {
    return "CAST(NULL AS " + to.to_duckdb() + ")";
  }
  return std::nullopt;
}

std::optional<std::string> Analyzer::cast_nested(const std::string& sql, const DataType& from,
                                                 const DataType& to, CastMode mode,
                                                 bool& can_throw) {
  if (from.kind() == TypeKind::kArray) {
    const std::string variable = fresh("l");
    const auto element = cast_sql(variable, from.element(), to.element(), mode, can_throw);
    return element ? std::optional("list_transform(" + sql + ", lambda " + variable + ": " +
                                   *element + ")")
                   : std::nullopt;
  }
  if (from.kind() == TypeKind::kMap) {
    const std::string variable = fresh("l");
    const auto key = cast_sql(variable + ".key", from.key(), to.key(), mode, can_throw);
    const auto value = cast_sql(variable + ".value", from.value(), to.value(), mode, can_throw);
    if (!key || !value) {
      return std::nullopt;
    }
    return "map_from_entries(list_transform(map_entries(" + sql + "), lambda " + variable +
           ": struct_pack(\"key\" := " + *key + ", \"value\" := " + *value + ")))";
  }
  if (from.kind() != TypeKind::kStruct || from.fields().size() != to.fields().size()) {
    return std::nullopt;
  }
  std::string fields;
  for (std::size_t i = 0; i < from.fields().size(); ++i) {
    const auto part =
        cast_sql("struct_extract(" + sql + ", " + text_sql(from.fields()[i].name) + ")",
                 *from.fields()[i].type, *to.fields()[i].type, mode, can_throw);
    if (!part) {
      return std::nullopt;
    }
    fields += (i == 0 ? "" : ", ") + quoted(to.fields()[i].name) + " := " + *part;
  }
  return "CASE WHEN " + sql + " IS NULL THEN NULL ELSE struct_pack(" + fields + ") END";
}

std::optional<std::string> Analyzer::cast_sql(const std::string& sql, const DataType& from,
                                              const DataType& to, CastMode mode, bool& can_throw) {
  if (from.same_as(to)) {
    return sql;
  }
  if (is_null_type(from)) {
    return "CAST(NULL AS " + to.to_duckdb() + ")";
  }
  if (is_string(from)) {
    return cast_from_string(sql, to, mode, can_throw);
  }
  if (is_string(to)) {
    return cast_to_string(sql, from, mode);
  }
  if (!is_atomic(from)) {
    return from.kind() == to.kind() ? cast_nested(sql, from, to, mode, can_throw) : std::nullopt;
  }
  const bool numbers = (from.is_numeric() || from.kind() == TypeKind::kBoolean) &&
                       (to.is_numeric() || to.kind() == TypeKind::kBoolean);
  if (numbers) {
    return cast_numeric(sql, from, to, mode, can_throw);
  }
  return cast_datetime(sql, from, to, mode, can_throw);
}

namespace {

// Spark's optimizer turns these literals, and only literals, into moments of the query.
bool is_special_moment(std::string_view literal, const DataType& to) {
  if (to.kind() < TypeKind::kDate || to.kind() > TypeKind::kTimestampNtz) return false;
  const std::size_t first = literal.find_first_not_of(' ');
  if (first == std::string_view::npos) return false;
  const std::size_t last = literal.find_last_not_of(' ');
  const std::string text = lower_case(literal.substr(first, last - first + 1));
  return text == "epoch" || text == "now" || text == "today" || text == "tomorrow" ||
         text == "yesterday";
}

}  // namespace

Value Analyzer::cast(const Value& value, const DataType& to, CastMode mode, const Position& at) {
  if (value.bad || failed()) {
    return bad();
  }
  if (!can_cast(value.type, to, mode)) {
    const std::string pair = "Cannot resolve \"CAST(" + value.pretty + " AS " + to.to_sql() +
                             ")\" due to data type mismatch: cannot cast \"" + value.type.to_sql() +
                             "\" to \"" + to.to_sql() + "\"";
    if (mode != CastMode::kLegacy && can_cast(value.type, to, CastMode::kLegacy)) {
      return fail(at, "DATATYPE_MISMATCH.CAST_WITH_CONF_SUGGESTION", "42K09",
                  pair +
                      " with ANSI mode on. If you have to cast to this type, set "
                      "\"spark.sql.ansi.enabled\" to \"false\".");
    }
    return fail(at, "DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION", "42K09", pair + ".");
  }
  if (value.literal && is_special_moment(*value.literal, to)) {
    return refuse(at, "a cast of the literal '" + *value.literal + "' to " + to.to_sql());
  }
  Value out = value;
  const auto sql = cast_sql(value.sql, value.type, to, mode, out.can_throw);
  if (!sql) {
    return refuse(at, "a cast of " + value.type.to_sql() + " to " + to.to_sql());
  }
  out.sql = *sql;
  out.type = to;
  if (!is_string(to)) {
    out.literal.reset();
  }
  return out;
}

}  // namespace sluice::sparksql
