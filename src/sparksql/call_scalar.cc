// Functions with a form of their own: types that depend on their arguments, several shapes, or a
// mode (ANSI, time zone) that changes what they mean.
#include <algorithm>

#include "base/clock.h"
#include "sparksql/analyzer.h"
#include "sparksql/call_binder.h"
#include "sparksql/error.h"
#include "sparksql/parser.h"

namespace sluice::sparksql {
namespace {

const DataType kInt = DataType::of(TypeKind::kInt);
const DataType kString = DataType::of(TypeKind::kString);
const DataType kDouble = DataType::of(TypeKind::kDouble);
const DataType kBoolean = DataType::of(TypeKind::kBoolean);
const DataType kDate = DataType::of(TypeKind::kDate);
const DataType kTimestamp = DataType::of(TypeKind::kTimestamp);

}  // namespace

// int(x), string(x), date(x) …
Value CallBinder::cast_function(const FunctionRow& row) {
  if (!arity(1, 1) || !bind_args()) {
    return analyzer_.bad();
  }
  const auto type = parse_data_type(row.sql, {});
  const CastMode mode = analyzer_.implicit_mode();
  Value out = analyzer_.cast(args_[0], *type, mode, expr_.at);
  out.pretty = args_[0].pretty;  // Spark shows no cast here
  out.is_null_literal = false;
  return out;
}

Value CallBinder::coalesce(const FunctionRow&) {
  const bool two = name() == "nvl" || name() == "ifnull";
  if (!arity(two ? 2 : 1, two ? 2 : 1000) || !bind_args()) {
    return analyzer_.bad();
  }
  const auto type = analyzer_.common_type(args_);
  if (!type) {
    return analyzer_.fail(
        expr_.at, "DATATYPE_MISMATCH.DATA_DIFF_TYPES", "42K09",
        "Cannot resolve \"" + name() + "(" + pretty_args() +
            ")\" due to data type mismatch: Input to `coalesce` should all be the "
            "same type.");
  }
  const std::string pretty = name() + "(" + pretty_args() + ")";
  args_ = analyzer_.coerce_all(std::move(args_), *type, expr_.at);
  std::string list;
  bool nullable = true;
  for (const auto& arg : args_) {
    list += (list.empty() ? "" : ", ") + arg.sql;
    nullable = nullable && arg.nullable;
  }
  Value out = result("coalesce(" + list + ")", *type);
  out.nullable = nullable;
  out.pretty = pretty;
  return out;
}

Value CallBinder::nullif(const FunctionRow&) {
  if (!arity(2, 2) || !bind_args()) {
    return analyzer_.bad();
  }
  const std::string pretty = name() + "(" + pretty_args() + ")";
  const Value equal = analyzer_.compare("=", args_[0], args_[1], expr_.at);
  Value out =
      result("CASE WHEN " + equal.sql + " THEN NULL ELSE " + args_[0].sql + " END", args_[0].type);
  out.sql = "(" + out.sql + ")";
  out.can_throw = out.can_throw || equal.can_throw;
  out.nullable = true;
  out.pretty = pretty;
  return out;
}

Value CallBinder::nvl2(const FunctionRow&) {
  if (!arity(3, 3) || !bind_args()) {
    return analyzer_.bad();
  }
  const auto type = wider_type(args_[1].type, args_[2].type, ansi());
  if (!type) {
    return analyzer_.fail(expr_.at, "DATATYPE_MISMATCH.DATA_DIFF_TYPES", "42K09",
                          "Input to `nvl2` should all be the same type.");
  }
  const std::string pretty = name() + "(" + pretty_args() + ")";
  Value out = result("(CASE WHEN " + args_[0].sql + " IS NOT NULL THEN " +
                         analyzer_.coerce(args_[1], *type, expr_.at).sql + " ELSE " +
                         analyzer_.coerce(args_[2], *type, expr_.at).sql + " END)",
                     *type);
  out.pretty = pretty;
  return out;
}

Value CallBinder::if_(const FunctionRow&) {
  if (!arity(3, 3) || !bind_args()) {
    return analyzer_.bad();
  }
  if (args_[0].type.kind() != TypeKind::kBoolean && !is_null_type(args_[0].type)) {
    return is_string(args_[0].type) ? refuse("a text as a condition") : mismatch(0, "BOOLEAN");
  }
  const auto type = wider_type(args_[1].type, args_[2].type, ansi());
  const std::string pretty = "(IF(" + pretty_args() + "))";
  if (!type) {
    return analyzer_.fail(expr_.at, "DATATYPE_MISMATCH.DATA_DIFF_TYPES", "42K09",
                          "Cannot resolve \"" + pretty +
                              "\" due to data type mismatch: Input to `if` should all be the same "
                              "type.");
  }
  const Value condition = analyzer_.coerce(args_[0], kBoolean, expr_.at);
  const Value yes = analyzer_.coerce(args_[1], *type, expr_.at);
  const Value no = analyzer_.coerce(args_[2], *type, expr_.at);
  Value out = result(
      "(CASE WHEN " + condition.sql + " THEN " + yes.sql + " ELSE " + no.sql + " END)", *type);
  out.can_throw = condition.can_throw || yes.can_throw || no.can_throw;
  out.nullable = yes.nullable || no.nullable;
  out.pretty = pretty;
  return out;
}

Value CallBinder::greatest_least(const FunctionRow&) {
  if (!arity(2, 1000) || !bind_args()) {
    return analyzer_.bad();
  }
  const auto type = analyzer_.common_type(args_);
  if (!type) {
    return analyzer_.fail(expr_.at, "DATATYPE_MISMATCH.DATA_DIFF_TYPES", "42K09",
                          "Input to `" + name() + "` should all be the same type.");
  }
  const bool texts =
      std::ranges::any_of(args_, [](const auto& arg) { return is_string(arg.type); });
  const bool others = std::ranges::any_of(
      args_, [](const auto& arg) { return !is_string(arg.type) && !is_null_type(arg.type); });
  if (texts && others) {
    return analyzer_.fail(expr_.at, "DATATYPE_MISMATCH.DATA_DIFF_TYPES", "42K09",
                          "Input to `" + name() + "` should all be the same type.");
  }
  if (!is_atomic(*type)) {
    return refuse(name() + " of arrays, maps or structs");
  }
  const std::string pretty = name() + "(" + pretty_args() + ")";
  args_ = analyzer_.coerce_all(std::move(args_), *type, expr_.at);
  std::string list;
  for (const auto& arg : args_) {
    list += (list.empty() ? "" : ", ") + arg.sql;
  }
  Value out = result(name() + "(" + list + ")", *type);
  out.pretty = pretty;
  return out;
}

Value CallBinder::concat(const FunctionRow&) {
  if (!bind_args()) {
    return analyzer_.bad();
  }
  const std::string pretty = name() + "(" + pretty_args() + ")";
  if (args_.empty()) {
    return refuse("concat()");
  }
  const bool arrays = std::ranges::all_of(
      args_, [](const auto& arg) { return arg.type.kind() == TypeKind::kArray; });
  if (arrays) {
    const auto type = analyzer_.common_type(args_);
    if (!type) {
      return analyzer_.fail(expr_.at, "DATATYPE_MISMATCH.DATA_DIFF_TYPES", "42K09",
                            "Input to `concat` should all be the same type.");
    }
    args_ = analyzer_.coerce_all(std::move(args_), *type, expr_.at);
    std::string sql = args_[0].sql;
    for (std::size_t i = 1; i < args_.size(); ++i) {
      sql = "list_concat(" + sql + ", " + args_[i].sql + ")";
    }
    // list_concat passes over NULL; Spark does not.
    std::string null;
    for (const auto& arg : args_) {
      null += (null.empty() ? "" : " OR ") + arg.sql + " IS NULL";
    }
    Value out = result("(CASE WHEN " + null + " THEN NULL ELSE " + sql + " END)", *type);
    out.pretty = pretty;
    return out;
  }
  std::string sql;
  for (std::size_t i = 0; i < args_.size(); ++i) {
    if (!is_atomic(args_[i].type)) {
      return mismatch(i, "STRING");
    }
    if (args_[i].type.kind() == TypeKind::kBinary) {
      return refuse("concat of binary");
    }
    args_[i] = analyzer_.coerce(args_[i], kString, expr_.at);
    sql += (i == 0 ? "" : " || ") + args_[i].sql;
  }
  Value out = result("(" + sql + ")", kString);
  out.pretty = pretty;
  return out;
}

// concat_ws(separator, …): NULLs are passed over, arrays are spread.
Value CallBinder::concat_ws(const FunctionRow&) {
  if (!arity(1, 1000) || !bind_args()) {
    return analyzer_.bad();
  }
  const std::string pretty = name() + "(" + pretty_args() + ")";
  if (!text_arg(0)) {
    return analyzer_.bad();
  }
  std::string parts;
  for (std::size_t i = 1; i < args_.size(); ++i) {
    if (args_[i].type.kind() == TypeKind::kArray) {
      const DataType wanted = DataType::array(kString);
      args_[i] = analyzer_.coerce(args_[i], wanted, expr_.at);
      parts += (i == 1 ? "" : ", ") + ("coalesce(" + args_[i].sql + ", CAST([] AS VARCHAR[]))");
    } else {
      if (!text_arg(i)) {
        return analyzer_.bad();
      }
      parts += (i == 1 ? "" : ", ") + ("[" + args_[i].sql + "]");
    }
  }
  std::string list = parts.empty() ? "CAST([] AS VARCHAR[])" : "flatten([" + parts + "])";
  const std::string variable = analyzer_.fresh("l");
  list = "list_filter(" + list + ", lambda " + variable + ": " + variable + " IS NOT NULL)";
  Value out =
      result("(CASE WHEN " + args_[0].sql + " IS NULL THEN NULL ELSE coalesce(array_to_string(" +
                 list + ", " + args_[0].sql + "), '') END)",
             kString);
  out.nullable = args_[0].nullable;
  out.pretty = pretty;
  return out;
}

Value CallBinder::array(const FunctionRow&) {
  if (!bind_args()) {
    return analyzer_.bad();
  }
  const std::string pretty = "array(" + pretty_args() + ")";
  const auto type = analyzer_.common_type(args_);
  if (!type) {
    return analyzer_.fail(
        expr_.at, "DATATYPE_MISMATCH.DATA_DIFF_TYPES", "42K09",
        "Cannot resolve \"" + pretty +
            "\" due to data type mismatch: Input to `array` should all be the same "
            "type.");
  }
  args_ = analyzer_.coerce_all(std::move(args_), *type, expr_.at);
  std::string list;
  for (const auto& arg : args_) {
    list += (list.empty() ? "" : ", ") + arg.sql;
  }
  const DataType out_type = DataType::array(*type);
  Value out = result(is_null_type(*type) ? "[" + list + "]"
                                         : "CAST([" + list + "] AS " + out_type.to_duckdb() + ")",
                     out_type);
  out.nullable = false;
  out.pretty = pretty;
  return out;
}

Value CallBinder::struct_(const FunctionRow&) {
  Expr tuple = expr_;
  tuple.kind = ExprKind::kTuple;
  const bool star =
      std::ranges::any_of(expr_.args, [](const auto& arg) { return arg->kind == ExprKind::kStar; });
  if (star) {
    return refuse("a star inside struct(…)");
  }
  Value out = analyzer_.bind_tuple(tuple, context_);
  if (out.bad) {
    return out;
  }
  std::string list;
  for (std::size_t i = 0; i < expr_.args.size(); ++i) {
    list += (i == 0 ? "" : ", ");
    const Value arg = analyzer_.bind(expr_.args[i], context_);
    const bool alias = i < expr_.aliases.size() && !expr_.aliases[i].empty();
    list += arg.pretty + (alias ? " AS " + expr_.aliases[i] : "");
  }
  out.pretty = "struct(" + list + ")";
  return out;
}

Value CallBinder::named_struct(const FunctionRow&) {
  if (expr_.args.size() % 2 != 0 || !bind_args()) {
    return expr_.args.size() % 2 != 0 ? wrong_arity("2n (n > 0)") : analyzer_.bad();
  }
  std::vector<types::Field> fields;
  std::string parts;
  for (std::size_t i = 0; i < args_.size(); i += 2) {
    if (!args_[i].literal || !is_string(args_[i].type)) {
      return refuse("named_struct with names that are no literals");
    }
    for (const auto& field : fields) {
      if (same_name(field.name, *args_[i].literal)) {
        return refuse("a struct with two fields of one name");
      }
    }
    fields.push_back(
        types::make_field(*args_[i].literal, args_[i + 1].type, args_[i + 1].nullable));
    parts += (i == 0 ? "" : ", ") + quoted(*args_[i].literal) + " := " + args_[i + 1].sql;
  }
  if (fields.empty()) {
    return refuse("a struct without fields");
  }
  Value out = result("struct_pack(" + parts + ")", DataType::structure(std::move(fields)));
  out.nullable = false;
  return out;
}

Value CallBinder::map(const FunctionRow&) {
  if (expr_.args.size() % 2 != 0) {
    return wrong_arity("2n (n > 0)");
  }
  if (!bind_args()) {
    return analyzer_.bad();
  }
  if (args_.empty()) {
    return refuse("map()");
  }
  std::vector<Value> keys;
  std::vector<Value> values;
  for (std::size_t i = 0; i < args_.size(); ++i) {
    (i % 2 == 0 ? keys : values).push_back(args_[i]);
  }
  const auto key = analyzer_.common_type(keys);
  const auto value = analyzer_.common_type(values);
  if (!key || !value) {
    return analyzer_.fail(
        expr_.at, "DATATYPE_MISMATCH.CREATE_MAP_KEY_DIFF_TYPES", "42K09",
        "The given keys or values of function `map` should all be the same type.");
  }
  if (!is_atomic(*key) || is_null_type(*key)) {
    return refuse("a map with keys of this type");
  }
  std::string key_list;
  std::string value_list;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    // DuckDB refuses NULL and repeated keys too; Spark's words are its own.
    key_list += (i == 0 ? "" : ", ") + analyzer_.coerce(keys[i], *key, expr_.at).sql;
    value_list += (i == 0 ? "" : ", ") + analyzer_.coerce(values[i], *value, expr_.at).sql;
  }
  Value out = result("map([" + key_list + "], [" + value_list + "])", DataType::map(*key, *value));
  out.can_throw = true;
  out.nullable = false;
  return out;
}

Value CallBinder::size(const FunctionRow&) {
  if (!arity(1, 1) || !bind_args()) {
    return analyzer_.bad();
  }
  const TypeKind kind = args_[0].type.kind();
  if (kind != TypeKind::kArray && kind != TypeKind::kMap) {
    return is_null_type(args_[0].type) ? refuse("size(NULL)") : mismatch(0, "ARRAY\" or \"MAP");
  }
  if (name() == "array_size" && kind != TypeKind::kArray) {
    return mismatch(0, "ARRAY");
  }
  const std::string length =
      kind == TypeKind::kMap ? "cardinality(" + args_[0].sql + ")" : "len(" + args_[0].sql + ")";
  // size(NULL) is -1 without ANSI.
  const bool legacy = !ansi() && name() != "array_size";
  Value out = result(
      legacy ? "CAST(coalesce(" + length + ", -1) AS INTEGER)" : "CAST(" + length + " AS INTEGER)",
      kInt);
  return out;
}

Value CallBinder::length(const FunctionRow&) {
  if (!arity(1, 1) || !bind_args()) {
    return analyzer_.bad();
  }
  const std::string pretty = name() + "(" + pretty_args() + ")";
  std::string function = name() == "octet_length" ? "strlen"
                         : name() == "bit_length" ? "8 * strlen"
                                                  : "length";
  if (args_[0].type.kind() == TypeKind::kBinary) {
    function = name() == "bit_length" ? "8 * octet_length" : "octet_length";
  } else if (!text_arg(0)) {
    return analyzer_.bad();
  }
  Value out = result("CAST(" + function + "(" + args_[0].sql + ") AS INTEGER)", kInt);
  out.pretty = pretty;
  return out;
}

Value CallBinder::right(const FunctionRow&) {
  if (!arity(2, 2) || !bind_args()) {
    return analyzer_.bad();
  }
  const std::string pretty = name() + "(" + pretty_args() + ")";
  if (!text_arg(0) || !coerce_arg(1, TypeKind::kInt)) {
    return analyzer_.bad();
  }
  Value out = result("(CASE WHEN " + args_[0].sql + " IS NULL OR " + args_[1].sql +
                         " IS NULL THEN NULL WHEN " + args_[1].sql + " <= 0 THEN '' ELSE right(" +
                         args_[0].sql + ", " + args_[1].sql + ") END)",
                     kString);
  out.pretty = pretty;
  return out;
}

Value CallBinder::substring(const FunctionRow& row) {
  if (!arity(2, 3) || !bind_args()) {
    return analyzer_.bad();
  }
  const std::string pretty =
      name() + "(" + pretty_args() + (args_.size() == 2 ? ", 2147483647)" : ")");
  if (args_[0].type.kind() == TypeKind::kBinary) {
    return refuse("substring of binary");
  }
  if (!text_arg(0) || !coerce_arg(1, TypeKind::kInt) ||
      (args_.size() == 3 && !coerce_arg(2, TypeKind::kInt))) {
    return analyzer_.bad();
  }
  const std::string count = args_.size() == 3 ? args_[2].sql : "CAST(2147483647 AS INTEGER)";
  Value out =
      result(std::string(row.sql) + "(" + args_[0].sql + ", " + args_[1].sql + ", " + count + ")",
             kString);
  out.pretty = pretty;
  return out;
}

Value CallBinder::abs(const FunctionRow&) {
  if (!arity(1, 1) || !bind_args()) {
    return analyzer_.bad();
  }
  const std::string pretty = name() + "(" + pretty_args() + ")";
  if (is_string(args_[0].type) || is_null_type(args_[0].type)) {
    args_[0] = analyzer_.coerce(args_[0], kDouble, expr_.at);
  }
  if (!args_[0].type.is_numeric()) {
    return mismatch(0, "NUMERIC");
  }
  if (args_[0].type.is_integral() && !ansi()) {
    return refuse("abs of integers without ANSI mode");
  }
  Value out = result("abs(" + args_[0].sql + ")", args_[0].type);
  out.can_throw = out.can_throw || args_[0].type.is_integral();
  out.pretty = pretty;
  return out;
}

Value CallBinder::negative(const FunctionRow&) {
  if (!arity(1, 1)) {
    return analyzer_.bad();
  }
  Expr unary;
  unary.kind = ExprKind::kUnary;
  unary.at = expr_.at;
  unary.text = name() == "positive" ? "+" : "-";
  unary.args = expr_.args;
  Value out = analyzer_.bind(unary, context_);
  const Value arg = analyzer_.bind(expr_.args[0], context_);
  out.pretty = name() == "positive" ? "(+ " + arg.pretty + ")" : "negative(" + arg.pretty + ")";
  return out;
}

Value CallBinder::mod(const FunctionRow&) {
  if (!arity(2, 2) || !bind_args()) {
    return analyzer_.bad();
  }
  const std::string pretty = "mod(" + pretty_args() + ")";
  Value out = analyzer_.arithmetic("%", args_[0], args_[1], expr_.at);
  out.pretty = pretty;
  return out;
}

Value CallBinder::is_null(const FunctionRow&) {
  if (!arity(1, 1)) {
    return analyzer_.bad();
  }
  Expr test;
  test.kind = ExprKind::kIsNull;
  test.at = expr_.at;
  test.negated = name() == "isnotnull";
  test.args = expr_.args;
  Value out = analyzer_.bind_kind(test, context_);
  out.name.clear();
  return out;
}

Value CallBinder::isnan(const FunctionRow&) {
  if (!arity(1, 1) || !bind_args()) {
    return analyzer_.bad();
  }
  const std::string pretty = name() + "(" + pretty_args() + ")";
  if (!args_[0].type.is_numeric() && !is_string(args_[0].type) && !is_null_type(args_[0].type)) {
    return mismatch(0, "DOUBLE");
  }
  args_[0] = analyzer_.coerce(args_[0], kDouble, expr_.at);
  Value out = result("coalesce(isnan(" + args_[0].sql + "), FALSE)", kBoolean);
  out.nullable = false;
  out.pretty = pretty;
  return out;
}

Value CallBinder::typeof_(const FunctionRow&) {
  if (!arity(1, 1) || !bind_args()) {
    return analyzer_.bad();
  }
  Value out;
  out.sql = text_sql(is_null_type(args_[0].type) ? "void" : args_[0].type.to_ddl());
  out.type = kString;
  out.foldable = true;
  out.nullable = false;
  return out;
}

// trim(s), trim(characters, s), ltrim, rtrim; __trim… come from TRIM(… FROM …), text first.
Value CallBinder::trim(const FunctionRow& row) {
  if (!arity(1, 2) || !bind_args()) {
    return analyzer_.bad();
  }
  std::string pretty = name() + "(" + pretty_args() + ")";
  for (std::size_t i = 0; i < args_.size(); ++i) {
    if (!text_arg(i)) {
      return analyzer_.bad();
    }
  }
  const bool keyword = expr_.keyword_form;
  const std::size_t text = args_.size() == 2 && !keyword ? 1 : 0;
  const std::string characters =
      args_.size() == 2 ? args_[keyword ? 1 : 0].sql : std::string("' '");
  Value out =
      result(std::string(row.sql) + "(" + args_[text].sql + ", " + characters + ")", kString);
  if (keyword) {
    const std::string side = name().find("ltrim") != std::string::npos   ? "LEADING"
                             : name().find("rtrim") != std::string::npos ? "TRAILING"
                                                                         : "BOTH";
    const std::string one = side == "LEADING" ? "ltrim(" : side == "TRAILING" ? "rtrim(" : "trim(";
    pretty = args_.size() == 1
                 ? one + args_[0].pretty + ")"
                 : "TRIM(" + side + " " + (args_.size() == 2 ? args_[1].pretty + " " : "") +
                       "FROM " + args_[0].pretty + ")";
  } else if (args_.size() == 2) {
    const std::string side = name() == "ltrim"   ? "LEADING"
                             : name() == "rtrim" ? "TRAILING"
                                                 : "BOTH";
    pretty = "TRIM(" + side + " " + args_[0].pretty + " FROM " + args_[1].pretty + ")";
  }
  out.pretty = pretty;
  return out;
}

std::string CallBinder::local_time(const Value& value) const {
  return value.type.kind() == TypeKind::kTimestamp ? "timezone(" + zone() + ", " + value.sql + ")"
                                                   : value.sql;
}

// year(x), hour(x) …: `row.sql` with $1 for the local date or time.
Value CallBinder::datetime_part(const FunctionRow& row) {
  if (!arity(1, 1) || !bind_args()) {
    return analyzer_.bad();
  }
  const std::string pretty = name() + "(" + pretty_args() + ")";
  const bool time_part = row.result == "time";
  if (!is_datetime(args_[0].type)) {
    if (!is_string(args_[0].type) && !is_null_type(args_[0].type)) {
      return mismatch(0, time_part ? "TIMESTAMP" : "DATE");
    }
    args_[0] = analyzer_.coerce(args_[0], time_part ? kTimestamp : kDate, expr_.at);
  } else if (time_part && args_[0].type.kind() == TypeKind::kDate) {
    args_[0] = analyzer_.coerce(args_[0], kTimestamp, expr_.at);
  }
  std::string sql(row.sql);
  sql.replace(sql.find("$1"), 2, local_time(args_[0]));
  Value out = result("CAST(" + sql + " AS INTEGER)", kInt);
  out.pretty = pretty;
  return out;
}

// extract(field FROM source).
Value CallBinder::extract(const FunctionRow&) {
  static constexpr std::pair<std::string_view, std::string_view> kFields[] = {
      {"year", "year"},       {"y", "year"},
      {"years", "year"},      {"yr", "year"},
      {"quarter", "quarter"}, {"qtr", "quarter"},
      {"month", "month"},     {"mon", "month"},
      {"months", "month"},    {"week", "weekofyear"},
      {"w", "weekofyear"},    {"weeks", "weekofyear"},
      {"day", "day"},         {"d", "day"},
      {"days", "day"},        {"dayofweek", "dayofweek"},
      {"dow", "dayofweek"},   {"doy", "dayofyear"},
      {"hour", "hour"},       {"h", "hour"},
      {"hours", "hour"},      {"minute", "minute"},
      {"min", "minute"},      {"minutes", "minute"}};
  if (!arity(2, 2)) {
    return analyzer_.bad();
  }
  if (expr_.args[0]->kind != ExprKind::kLiteral) {
    return refuse("a field that is no literal");
  }
  const std::string wanted = lower_case(expr_.args[0]->text);
  const auto* found =
      std::ranges::find(kFields, wanted, [](const auto& pair) { return pair.first; });
  if (found == std::end(kFields)) {
    return refuse("extract of " + wanted);
  }
  Expr call;
  call.kind = ExprKind::kCall;
  call.at = expr_.at;
  call.names = {std::string(found->second)};
  call.args = {expr_.args[1]};
  Value out = analyzer_.bind(call, context_);
  const Value source = analyzer_.bind(expr_.args[1], context_);
  out.pretty = expr_.keyword_form
                   ? "extract(" + expr_.args[0]->text + " FROM " + source.pretty + ")"
                   : name() + "(" + expr_.args[0]->text + (name() == "datepart" ? " FROM " : ", ") +
                         source.pretty + ")";
  return out;
}

Value CallBinder::to_timestamp(const FunctionRow&) {
  if (!arity(1, 2) || !bind_args()) {
    return analyzer_.bad();
  }
  const std::string pretty = name() + "(" + pretty_args() + ")";
  const bool is_try = name().starts_with("try_");
  Value out;
  if (args_.size() == 1) {
    if (!is_atomic(args_[0].type)) {
      return mismatch(0, "STRING");
    }
    if (args_[0].type.is_numeric()) {
      return refuse(name() + " of a number");
    }
    out = analyzer_.cast(args_[0], kTimestamp, is_try ? CastMode::kTry : analyzer_.implicit_mode(),
                         expr_.at);
  } else {
    if (is_datetime(args_[0].type)) {
      return refuse(name() + " of a date with a pattern");
    }
    if (!text_arg(0) || !text_arg(1)) {
      return analyzer_.bad();
    }
    const bool lenient = is_try || !ansi();
    out = result(std::string(lenient ? "spark_try_to_timestamp(" : "spark_to_timestamp(") +
                     args_[0].sql + ", " + args_[1].sql + ", " + zone() + ")",
                 kTimestamp);
    out.can_throw = true;
  }
  out.nullable = true;
  out.pretty = pretty;
  return out;
}

Value CallBinder::to_date(const FunctionRow&) {
  if (!arity(1, 2) || !bind_args()) {
    return analyzer_.bad();
  }
  const std::string pretty = name() + "(" + pretty_args() + ")";
  const bool is_try = name().starts_with("try_");
  Value out;
  if (args_.size() == 1) {
    if (!is_string(args_[0].type) && !is_datetime(args_[0].type) && !is_null_type(args_[0].type)) {
      return mismatch(0, "DATE");
    }
    out = analyzer_.cast(args_[0], kDate, is_try ? CastMode::kTry : analyzer_.implicit_mode(),
                         expr_.at);
  } else {
    if (is_datetime(args_[0].type)) {
      return refuse(name() + " of a date with a pattern");
    }
    if (!text_arg(0) || !text_arg(1)) {
      return analyzer_.bad();
    }
    const bool lenient = is_try || !ansi();
    out = result(std::string(lenient ? "spark_try_to_date(" : "spark_to_date(") + args_[0].sql +
                     ", " + args_[1].sql + ")",
                 kDate);
    out.can_throw = true;
  }
  out.nullable = true;
  out.pretty = pretty;
  return out;
}

Value CallBinder::date_format(const FunctionRow&) {
  if (!arity(2, 2) || !bind_args()) {
    return analyzer_.bad();
  }
  const std::string pretty = name() + "(" + pretty_args() + ")";
  if (!is_datetime(args_[0].type) && !is_string(args_[0].type) && !is_null_type(args_[0].type)) {
    return mismatch(0, "TIMESTAMP");
  }
  args_[0] = analyzer_.coerce(args_[0], kTimestamp, expr_.at);
  if (!text_arg(1)) {
    return analyzer_.bad();
  }
  Value out = result(
      "spark_date_format(" + args_[0].sql + ", " + args_[1].sql + ", " + zone() + ")", kString);
  out.can_throw = true;
  out.pretty = pretty;
  return out;
}

Value CallBinder::date_add(const FunctionRow&) {
  if (expr_.args.size() == 3) {
    return refuse(name() + " with a unit");
  }
  if (!arity(2, 2) || !bind_args()) {
    return expr_.args.size() == 3 ? refuse(name() + " with a unit") : analyzer_.bad();
  }
  const std::string pretty = name() + "(" + pretty_args() + ")";
  if (!is_datetime(args_[0].type) && !is_string(args_[0].type) && !is_null_type(args_[0].type)) {
    return mismatch(0, "DATE");
  }
  args_[0] = analyzer_.coerce(args_[0], kDate, expr_.at);
  const DataType& days = args_[1].type;
  if (!(days.is_integral() && days.kind() != TypeKind::kLong) && !is_null_type(days)) {
    return is_string(days) ? refuse(name() + " with a text as the number of days")
                           : mismatch(1, "INT\" or \"SMALLINT\" or \"TINYINT");
  }
  args_[1] = analyzer_.coerce(args_[1], kInt, expr_.at);
  if (args_[1].literal && args_[1].literal->size() > 7) {
    return refuse(name() + " of so many days");  // Spark wraps round, DuckDB refuses
  }
  const bool minus = name() == "date_sub";
  Value out =
      result("CAST(" + args_[0].sql + (minus ? " - " : " + ") + args_[1].sql + " AS DATE)", kDate);
  out.can_throw = true;
  out.pretty = pretty;
  return out;
}

Value CallBinder::datediff(const FunctionRow&) {
  if (expr_.keyword_form || expr_.args.size() == 3) {
    return refuse(name() + " with a unit");
  }
  if (!arity(2, 2) || !bind_args()) {
    return analyzer_.bad();
  }
  const std::string pretty = name() + "(" + pretty_args() + ")";
  for (std::size_t i = 0; i < 2; ++i) {
    if (!is_datetime(args_[i].type) && !is_string(args_[i].type) && !is_null_type(args_[i].type)) {
      return mismatch(i, "DATE");
    }
    args_[i] = analyzer_.coerce(args_[i], kDate, expr_.at);
  }
  Value out = result("CAST((" + args_[0].sql + " - " + args_[1].sql + ") AS INTEGER)", kInt);
  out.pretty = pretty;
  return out;
}

// now(), current_timestamp, current_date: fixed for the whole statement.
Value CallBinder::current(const FunctionRow&) {
  if (!arity(0, 0)) {
    return analyzer_.bad();
  }
  const bool date = name() == "current_date" || name() == "curdate";
  const std::string micros = std::to_string(analyzer_.now_us());
  const std::string instant = "CAST(make_timestamp(CAST(" + micros + " AS BIGINT)) AS TIMESTAMPTZ)";
  Value out;
  out.sql = date ? "CAST(timezone(" + zone() + ", " + instant + ") AS DATE)" : instant;
  out.type = date ? kDate : kTimestamp;
  out.foldable = true;
  out.nullable = false;
  out.pretty = name() + "()";
  return out;
}

Value CallBinder::split(const FunctionRow&) {
  if (!arity(2, 3) || !bind_args()) {
    return analyzer_.bad();
  }
  std::string pretty = "split(" + pretty_args() + (args_.size() == 2 ? ", -1)" : ")");
  if (!text_arg(0) || !text_arg(1) || (args_.size() == 3 && !coerce_arg(2, TypeKind::kInt))) {
    return analyzer_.bad();
  }
  if (args_.size() == 3 && args_[1].literal && args_[1].literal->empty()) {
    return refuse("split by nothing with a limit");
  }
  const std::string limit = args_.size() == 3 ? args_[2].sql : "CAST(-1 AS INTEGER)";
  Value out = result("spark_split(" + args_[0].sql + ", " + args_[1].sql + ", " + limit + ")",
                     DataType::array(kString));
  out.can_throw = true;
  out.pretty = std::move(pretty);
  return out;
}

Value CallBinder::regexp_extract(const FunctionRow&) {
  if (!arity(2, 3) || !bind_args()) {
    return analyzer_.bad();
  }
  const std::string pretty = name() + "(" + pretty_args() + (args_.size() == 2 ? ", 1)" : ")");
  if (!text_arg(0) || !text_arg(1) || (args_.size() == 3 && !coerce_arg(2, TypeKind::kInt))) {
    return analyzer_.bad();
  }
  const bool all = name() == "regexp_extract_all";
  const std::string group = args_.size() == 3 ? args_[2].sql : "CAST(1 AS INTEGER)";
  Value out =
      result("spark_" + name() + "(" + args_[0].sql + ", " + args_[1].sql + ", " + group + ")",
             all ? DataType::array(kString) : kString);
  out.can_throw = true;
  out.pretty = pretty;
  return out;
}

Value CallBinder::regexp_replace(const FunctionRow&) {
  if (expr_.args.size() == 4 && expr_.args[3]->kind == ExprKind::kLiteral &&
      (expr_.args[3]->text.starts_with('-') || expr_.args[3]->text == "0")) {
    return analyzer_.fail(expr_.at, "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE", "42K09",
                          "The position must be between (0, 2147483647] (current value = " +
                              expr_.args[3]->text + ").");
  }
  if (!arity(3, 4) || !bind_args()) {
    return analyzer_.bad();
  }
  const std::string pretty = name() + "(" + pretty_args() + (args_.size() == 3 ? ", 1)" : ")");
  if (!text_arg(0) || !text_arg(1) || !text_arg(2) ||
      (args_.size() == 4 && !coerce_arg(3, TypeKind::kInt))) {
    return analyzer_.bad();
  }
  const std::string position = args_.size() == 4 ? args_[3].sql : "CAST(1 AS INTEGER)";
  Value out = result("spark_regexp_replace(" + args_[0].sql + ", " + args_[1].sql + ", " +
                         args_[2].sql + ", " + position + ")",
                     kString);
  out.can_throw = true;
  out.pretty = pretty;
  return out;
}

// like(a, b), ilike(a, b), rlike(a, b), regexp_like(a, b).
Value CallBinder::like_function(const FunctionRow& row) {
  if (!arity(2, row.sql == "RLIKE" ? 2 : 3) || !bind_args()) {
    return analyzer_.bad();
  }
  const std::string pretty = pretty_args();
  std::optional<std::string> escape;
  if (args_.size() == 3) {
    if (!args_[2].literal) {
      return refuse("an escape character that is no literal");
    }
    escape = *args_[2].literal;
  }
  Value out = analyzer_.like(std::string(row.sql), args_[0], args_[1], escape, expr_.at);
  if (row.sql == "RLIKE") {
    out.pretty = (name() == "rlike"    ? "RLIKE"
                  : name() == "regexp" ? "REGEXP"
                                       : "REGEXP_LIKE") +
                 ("(" + pretty + ")");
  }
  return out;
}

Value CallBinder::array_contains(const FunctionRow&) {
  if (!arity(2, 2) || !bind_args()) {
    return analyzer_.bad();
  }
  if (args_[0].type.kind() != TypeKind::kArray) {
    return mismatch(0, "ARRAY");
  }
  const std::string pretty = name() + "(" + pretty_args() + ")";
  const auto type = wider_type(args_[0].type.element(), args_[1].type, ansi());
  if (is_null_type(args_[1].type) || !type || !is_atomic(*type) ||
      is_string(args_[0].type.element()) != is_string(args_[1].type)) {
    return refuse("array_contains with these types");
  }
  const Value list = analyzer_.coerce(args_[0], DataType::array(*type), expr_.at);
  const Value item = analyzer_.coerce(args_[1], *type, expr_.at);
  // Not found among NULLs is NULL, as for IN.
  Value out = result("(CASE WHEN " + list.sql + " IS NULL OR " + item.sql +
                         " IS NULL THEN NULL WHEN list_contains(" + list.sql + ", " + item.sql +
                         ") THEN TRUE WHEN len(list_filter(" + list.sql +
                         ", lambda x: x IS NULL)) > 0 THEN NULL ELSE FALSE END)",
                     kBoolean);
  out.pretty = pretty;
  return out;
}

// element_at(array, 1-based), element_at(map, key).
Value CallBinder::element_at(const FunctionRow&) {
  if (!arity(2, 2) || !bind_args()) {
    return analyzer_.bad();
  }
  const std::string pretty = name() + "(" + pretty_args() + ")";
  const bool is_try = name() == "try_element_at";
  Value out;
  if (args_[0].type.kind() == TypeKind::kArray) {
    if (!args_[1].type.is_integral() || args_[1].type.kind() == TypeKind::kLong) {
      return refuse("element_at with an index that is no INT");
    }
    if (!args_[1].literal || *args_[1].literal == "0") {
      return refuse("element_at with an index that is no literal other than 0");
    }
    const std::string& at = args_[1].sql;
    std::string sql = "list_extract(" + args_[0].sql + ", " + at + ")";
    if (ansi() && !is_try) {
      sql = "(CASE WHEN abs(" + at + ") > len(" + args_[0].sql +
            ") THEN error('[INVALID_ARRAY_INDEX_IN_ELEMENT_AT] The index ' || " + at +
            " || ' is out of bounds. The array has ' || len(" + args_[0].sql +
            ") || ' elements. SQLSTATE: 22003') ELSE " + sql + " END)";
    }
    out = result(sql, args_[0].type.element());
    out.can_throw = true;
  } else if (args_[0].type.kind() == TypeKind::kMap) {
    if (!args_[0].type.key().same_as(args_[1].type)) {
      return refuse("element_at with a key of another type");
    }
    out = result("list_extract(map_extract(" + args_[0].sql + ", " + args_[1].sql + "), 1)",
                 args_[0].type.value());
  } else {
    return mismatch(0, "ARRAY\" or \"MAP");
  }
  out.nullable = true;
  out.pretty = pretty;
  return out;
}

// transform, filter, exists, forall over arrays.
Value CallBinder::higher_order(const FunctionRow&) {
  if (!arity(2, 2) || !bind_arg(expr_.args[0])) {
    return analyzer_.bad();
  }
  if (args_[0].type.kind() != TypeKind::kArray) {
    return mismatch(0, "ARRAY");
  }
  const DataType element = args_[0].type.element();
  const Expr& lambda = *expr_.args[1];
  const bool indexed = lambda.kind == ExprKind::kLambda && lambda.names.size() == 2 &&
                       (name() == "transform" || name() == "filter");
  std::vector<DataType> types{element};
  if (indexed) {
    return refuse(name() + " with the position as a second parameter");
  }
  std::vector<std::string> variables;
  const Value body = analyzer_.bind_lambda(lambda, types, context_, variables);
  if (body.bad) {
    return body;
  }
  if (context_.aggregate != nullptr) {
    return refuse("lambda functions above GROUP BY");
  }
  if (name() != "transform" && body.type.kind() != TypeKind::kBoolean) {
    return mismatch(0, "BOOLEAN");
  }
  const std::string text = "lambda " + variables[0] + ": " + body.sql;
  Value out = args_[0];
  out.literal.reset();
  out.foldable = false;
  out.can_throw = out.can_throw || body.can_throw;
  if (name() == "transform") {
    out.sql = "list_transform(" + args_[0].sql + ", " + text + ")";
    out.type = DataType::array(body.type);
  } else if (name() == "filter") {
    out.sql = "list_filter(" + args_[0].sql + ", " + text + ")";
  } else {
    return refuse(name());
  }
  out.pretty = name() + "(" + args_[0].pretty + ", lambdafunction(" + body.pretty +
               ", namedlambdavariable()))";
  return out;
}

namespace {

// FNV-1a: names a native function by what it does.
std::string content_hash(std::string_view text) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const unsigned char c : text) {
    hash = (hash ^ c) * 1099511628211ULL;
  }
  std::string out;
  for (int i = 0; i < 16; ++i, hash >>= 4U) {
    out += "0123456789abcdef"[hash & 15U];
  }
  return out;
}

// Only texts may be the keys of maps.
bool json_map_keys(const DataType& type) {
  switch (type.kind()) {
    case TypeKind::kMap:
      return is_string(type.key()) && json_map_keys(type.value());
    case TypeKind::kArray:
      return json_map_keys(type.element());
    case TypeKind::kStruct:
      return std::ranges::all_of(type.fields(),
                                 [](const auto& field) { return json_map_keys(*field.type); });
    default:
      return true;
  }
}

}  // namespace

Value CallBinder::from_json(const FunctionRow&) {
  if (!arity(2, 3) || !bind_arg(expr_.args[0])) {
    return analyzer_.bad();
  }
  if (!is_string(args_[0].type) && !is_null_type(args_[0].type)) {
    return mismatch(0, "STRING");
  }
  args_[0] = analyzer_.coerce(args_[0], kString, expr_.at);
  const Expr& schema = *expr_.args[1];
  if (schema.kind != ExprKind::kLiteral) {
    return refuse("from_json whose schema is no literal");
  }
  if (!is_string(schema.type)) {
    return analyzer_.fail(
        expr_.at, "INVALID_SCHEMA.NON_STRING_LITERAL", "42K07",
        "The input schema is not a valid schema string. The input expression must "
        "be string literal and not null.");
  }
  const auto type = parse_schema_ddl(schema.text, analyzer_.place(schema.at));
  if (!type) {
    if (!analyzer_.error_) {
      analyzer_.error_ = type.error();
      analyzer_.error_->stage = Stage::kAnalysis;
    }
    return analyzer_.bad();
  }
  const TypeKind kind = type->kind();
  if (kind != TypeKind::kStruct && kind != TypeKind::kArray && kind != TypeKind::kMap) {
    return analyzer_.fail(expr_.at, "DATATYPE_MISMATCH.INVALID_JSON_SCHEMA", "42K09",
                          "Input schema " + type_error_name(*type) +
                              " must be a struct, an array, a map or a variant.");
  }
  if (!json_map_keys(*type)) {
    return analyzer_.fail(expr_.at, "DATATYPE_MISMATCH.INVALID_JSON_MAP_KEY_TYPE", "42K09",
                          "Input schema " + type_error_name(*type) +
                              " can only contain \"STRING\" as a key type for a \"MAP\".");
  }
  NativeFunction function;
  function.kind = "from_json";
  function.type = *type;
  function.options["timezone"] = conf().time_zone;
  if (expr_.args.size() == 3) {
    const Expr& options = *expr_.args[2];
    if (options.kind != ExprKind::kCall || lower_case(options.names[0]) != "map" ||
        options.args.size() % 2 != 0) {
      return refuse("from_json whose options are no literal map");
    }
    for (std::size_t i = 0; i < options.args.size(); i += 2) {
      const Expr& key = *options.args[i];
      const Expr& value = *options.args[i + 1];
      if (key.kind != ExprKind::kLiteral || value.kind != ExprKind::kLiteral ||
          !is_string(key.type) || !is_string(value.type)) {
        return refuse("from_json whose options are no literal texts");
      }
      const std::string name = lower_case(key.text);
      // Spark looks at a pattern only when it meets a text that needs it.
      if (name.ends_with("format") && value.text.find_first_of("{}#") != std::string::npos) {
        return refuse("from_json with the pattern '" + value.text + "'");
      }
      function.options[name] = value.text;
    }
  }
  std::string contents = type->to_sql();
  for (const auto& [key, value] : function.options) {
    contents += "\n" + key + "=" + value;
  }
  function.name = "spark_from_json_" + content_hash(contents);
  Value out = result(function.name + "(" + args_[0].sql + ")", *type);
  analyzer_.need(std::move(function));
  out.nullable = true;
  out.can_throw = true;
  out.foldable = args_[0].foldable;
  out.pretty = "from_json(" + args_[0].pretty + ")";
  return out;
}

// Operators under a function's name, and the try_ forms where nothing inside can fail otherwise.
Value CallBinder::operator_function(const FunctionRow& row) {
  if (!arity(2, 2) || !bind_args()) {
    return analyzer_.bad();
  }
  const std::string pretty = name() + "(" + pretty_args() + ")";
  const bool can_throw = args_[0].can_throw || args_[1].can_throw;
  if (can_throw || !args_[0].type.is_numeric() || !args_[1].type.is_numeric() || !ansi()) {
    return refuse(name() + " over anything but plain numbers in ANSI mode");
  }
  const bool division = row.sql == "/" || row.sql == "%";
  analyzer_.tolerant_ = division;
  Value out = analyzer_.arithmetic(std::string(row.sql), args_[0], args_[1], expr_.at);
  analyzer_.tolerant_ = false;
  if (!division) {
    out.sql = "TRY(" + out.sql + ")";
  }
  out.can_throw = false;
  out.nullable = true;
  out.pretty = pretty;
  return out;
}

}  // namespace sluice::sparksql
