// Aggregate functions. Each is bound below the aggregation and leaves a column of it ("a0" …), or
// stands under OVER.
#include <algorithm>

#include "sparksql/analyzer.h"
#include "sparksql/call_binder.h"
#include "sparksql/error.h"

namespace sluice::sparksql {
namespace {

const DataType kLong = DataType::of(TypeKind::kLong);
const DataType kDouble = DataType::of(TypeKind::kDouble);
const DataType kBoolean = DataType::of(TypeKind::kBoolean);

}  // namespace

Value CallBinder::aggregate(AggregateSql sql, DataType type) {
  if (expr_.over) {
    return window_call(sql, std::move(type), false, false);
  }
  if (context_.in_aggregate) {
    return analyzer_.fail(
        expr_.at, "NESTED_AGGREGATE_FUNCTION", "42607",
        "It is not allowed to use an aggregate function in the argument of "
        "another aggregate function. Please use the inner aggregate function in a "
        "sub-query.");
  }
  if (context_.aggregate == nullptr) {
    return analyzer_.fail(expr_.at, "INVALID_WHERE_CONDITION", "42903",
                          std::string("Aggregate functions are not allowed in ") +
                              (*context_.clause == '\0' ? "this place" : context_.clause) + ".");
  }
  AggregateLevel& level = *context_.aggregate;
  std::string filter;
  if (expr_.filter) {
    Bind below;
    below.scope = level.input;
    below.in_aggregate = true;
    const Value condition = analyzer_.bind(expr_.filter, below);
    if (condition.bad) {
      return condition;
    }
    if (condition.type.kind() != TypeKind::kBoolean) {
      return analyzer_.fail(expr_.at, "DATATYPE_MISMATCH.FILTER_NOT_BOOLEAN", "42K09",
                            "The FILTER expression is not a boolean.");
    }
    if (condition.can_throw || condition.sql.find("(SELECT ") != std::string::npos) {
      return refuse("FILTER with a condition that may fail");
    }
    filter = " FILTER (WHERE " + condition.sql + ")";
  }
  const std::string text = sql.prefix + sql.call + filter + sql.suffix;
  const auto found = std::ranges::find(level.aggregates, text);
  const auto index = static_cast<std::size_t>(found - level.aggregates.begin());
  if (found == level.aggregates.end()) {
    level.aggregates.push_back(text);
  }
  Value out;
  out.sql = level.relation + ".\"a" + std::to_string(index) + "\"";
  out.type = std::move(type);
  out.pretty = name() + "(" + (expr_.distinct ? "DISTINCT " : "") +
               (expr_.star_argument ? "1" : pretty_args()) + ")";
  if (name() == "array_agg") {
    out.pretty.replace(0, 9, "collect_list");
  } else if (name() == "percentile") {
    out.pretty.insert(out.pretty.size() - 1, ", 1");
  } else if (name().find("percent") != std::string::npos && args_.size() == 2) {
    out.pretty.insert(out.pretty.size() - 1, ", 10000");
  }
  if (expr_.filter) {
    out.pretty.clear();
    return with_filter_name(std::move(out));
  }
  return out;
}

Value CallBinder::with_filter_name(Value out) {
  Bind below;
  below.scope = context_.aggregate->input;
  const Value condition = analyzer_.bind(expr_.filter, below);
  out.pretty = name() + "(" + (expr_.distinct ? "DISTINCT " : "") +
               (expr_.star_argument ? "1" : pretty_args()) + ") FILTER (WHERE " + condition.pretty +
               ")";
  return out;
}

// Binds the arguments where the aggregate reads its input.
bool CallBinder::bind_aggregate_args(std::size_t min, std::size_t max) {
  if (!expr_.within_group.empty()) {
    refuse(name() + " WITHIN GROUP");
    return false;
  }
  if (!arity(min, max)) {
    return false;
  }
  distinct_ = expr_.distinct ? "DISTINCT " : "";
  if (expr_.over || context_.aggregate == nullptr) {
    const bool was = context_.in_window;
    if (expr_.over) {
      context_.in_window = true;  // no window inside another's argument
    }
    const bool good = expr_.star_argument || bind_args();
    context_.in_window = was;
    return good;
  }
  if (context_.in_aggregate) {
    aggregate({}, {});
    return false;
  }
  if (expr_.star_argument) {
    return true;
  }
  Bind below;
  below.scope = context_.aggregate->input;
  below.in_aggregate = true;
  for (const auto& arg : expr_.args) {
    args_.push_back(analyzer_.bind(arg, below));
    if (args_.back().bad) {
      return false;
    }
  }
  return true;
}

Value CallBinder::count(const FunctionRow&) {
  if (!bind_aggregate_args(1, 100)) {
    return analyzer_.bad();
  }
  AggregateSql sql;
  if (expr_.star_argument) {
    if (expr_.distinct) {
      return refuse("count(DISTINCT *)");
    }
    sql.call = "count(*)";
    return aggregate(sql, kLong);
  }
  for (const auto& arg : args_) {
    if (contains_map(arg.type) && expr_.distinct) {
      return refuse("count(DISTINCT …) of maps");
    }
  }
  if (args_.size() == 1) {
    sql.call = "count(" + distinct_ + args_[0].sql + ")";
    return aggregate(sql, kLong);
  }
  // Rows in which no argument is NULL.
  std::string present;
  std::string fields;
  for (std::size_t i = 0; i < args_.size(); ++i) {
    present += (i == 0 ? "" : " AND ") + args_[i].sql + " IS NOT NULL";
    fields += (i == 0 ? "" : ", ") + args_[i].sql;
  }
  sql.call = "count(" + distinct_ + "CASE WHEN " + present + " THEN row(" + fields + ") END)";
  return aggregate(sql, kLong);
}

Value CallBinder::sum(const FunctionRow&) {
  if (!bind_aggregate_args(1, 1)) {
    return analyzer_.bad();
  }
  Value& arg = args_[0];
  if (is_string(arg.type) || is_null_type(arg.type)) {
    arg = analyzer_.coerce(arg, kDouble, expr_.at);
  }
  if (!arg.type.is_numeric()) {
    return mismatch(0, "NUMERIC");
  }
  const bool is_try = name() == "try_sum";
  AggregateSql sql;
  if (arg.type.is_integral()) {
    if (!ansi() && !is_try) {
      // Java's sum wraps round; 128 bits hold the true one.
      const std::string half = "CAST(9223372036854775808 AS HUGEINT)";
      sql.prefix = "CAST(((";
      sql.call = "sum(" + distinct_ + arg.sql + ")";
      sql.suffix =
          " + " + half + ") & CAST(18446744073709551615 AS HUGEINT)) - " + half + " AS BIGINT)";
      return aggregate(sql, kLong);
    }
    sql.prefix = is_try ? "TRY_CAST(" : "CAST(";
    sql.call = "sum(" + distinct_ + arg.sql + ")";
    sql.suffix = " AS BIGINT)";
    return aggregate(sql, kLong);
  }
  if (arg.type.kind() == TypeKind::kDecimal) {
    const DataType type =
        DataType::decimal(std::min(arg.type.precision() + 10, 38), arg.type.scale());
    sql.prefix = ansi() && !is_try ? "CAST(" : "TRY_CAST(";
    sql.call = "sum(" + distinct_ + arg.sql + ")";
    sql.suffix = " AS " + type.to_duckdb() + ")";
    return aggregate(sql, type);
  }
  sql.call = "sum(" + distinct_ + "CAST(" + arg.sql + " AS DOUBLE))";
  return aggregate(sql, kDouble);
}

Value CallBinder::avg(const FunctionRow&) {
  if (!bind_aggregate_args(1, 1)) {
    return analyzer_.bad();
  }
  Value& arg = args_[0];
  if (is_string(arg.type) || is_null_type(arg.type)) {
    arg = analyzer_.coerce(arg, kDouble, expr_.at);
  }
  if (!arg.type.is_numeric()) {
    return mismatch(0, "NUMERIC");
  }
  AggregateSql sql;
  if (arg.type.kind() == TypeKind::kDecimal) {
    return refuse("avg of decimals");
  }
  sql.call = "avg(" + distinct_ + "CAST(" + arg.sql + " AS DOUBLE))";
  return aggregate(sql, kDouble);
}

Value CallBinder::min_max(const FunctionRow&) {
  if (!bind_aggregate_args(1, 1)) {
    return analyzer_.bad();
  }
  if (!is_orderable(args_[0].type)) {
    return analyzer_.fail(expr_.at, "DATATYPE_MISMATCH.INVALID_ORDERING_TYPE", "42K09",
                          "The `" + name() + "` does not support ordering on type " +
                              type_error_name(args_[0].type) + ".");
  }
  if (!is_atomic(args_[0].type)) {
    return refuse(name() + " of arrays or structs");
  }
  AggregateSql sql;
  sql.call = name() + "(" + args_[0].sql + ")";
  return aggregate(sql, args_[0].type);
}

Value CallBinder::first_last(const FunctionRow&) {
  if (!bind_aggregate_args(1, 2)) {
    return analyzer_.bad();
  }
  bool ignore = expr_.ignore_nulls.value_or(false);
  if (args_.size() == 2) {
    if (!args_[1].literal || args_[1].type.kind() != TypeKind::kBoolean) {
      return refuse(name() + " whose second argument is no literal");
    }
    ignore = ignore || *args_[1].literal == "true";
  }
  const bool is_first = name().starts_with("first");
  AggregateSql sql;
  if (expr_.over) {
    sql.call = std::string(is_first ? "first_value(" : "last_value(") + args_[0].sql +
               (ignore ? " IGNORE NULLS)" : ")");
  } else if (ignore) {
    // DuckDB's any_value is its first value that is not NULL.
    if (!is_first) {
      return refuse("last … IGNORE NULLS");
    }
    sql.call = "any_value(" + args_[0].sql + ")";
  } else {
    sql.call = std::string(is_first ? "first(" : "last(") + args_[0].sql + ")";
  }
  args_.resize(1);  // Spark's name shows no second argument
  return aggregate(sql, args_[0].type);
}

Value CallBinder::any_value(const FunctionRow& row) {
  return first_last(row);
}

Value CallBinder::collect(const FunctionRow&) {
  if (!bind_aggregate_args(1, 1)) {
    return analyzer_.bad();
  }
  const bool set = name() == "collect_set";
  if (set && contains_map(args_[0].type)) {
    return refuse("collect_set of maps");
  }
  if (expr_.filter || expr_.over) {
    return refuse(name() + " with FILTER or OVER");
  }
  AggregateSql sql;
  // NULLs are left out; of nothing comes an empty array.
  sql.prefix = "coalesce(";
  sql.call = std::string("list(") + (set ? "DISTINCT " : distinct_) + args_[0].sql +
             ") FILTER (WHERE " + args_[0].sql + " IS NOT NULL)";
  sql.suffix = ", CAST([] AS " + DataType::array(args_[0].type).to_duckdb() + "))";
  return aggregate(sql, DataType::array(args_[0].type));
}

namespace {

// ORDER BY items that order `sql` as Spark orders its type: NULL fields of structs lowest.
void order_parts(const std::string& sql, const DataType& type, bool descending, std::string& out) {
  if (type.kind() == TypeKind::kStruct) {
    for (const auto& field : type.fields()) {
      order_parts("struct_extract(" + sql + ", " + text_sql(field.name) + ")", *field.type,
                  descending, out);
    }
    return;
  }
  out += (out.empty() ? "" : ", ") + sql + (descending ? " DESC NULLS LAST" : " ASC NULLS FIRST");
}

bool flat_struct(const DataType& type) {
  return type.kind() == TypeKind::kStruct
             ? std::ranges::all_of(type.fields(),
                                   [](const auto& field) { return flat_struct(*field.type); })
             : is_atomic(type);
}

}  // namespace

Value CallBinder::max_min_by(const FunctionRow&) {
  if (!bind_aggregate_args(2, 3)) {
    return analyzer_.bad();
  }
  if (args_.size() == 3) {
    return refuse(name() + " with a number of values");
  }
  if (!is_orderable(args_[1].type)) {
    return analyzer_.fail(expr_.at, "DATATYPE_MISMATCH.INVALID_ORDERING_TYPE", "42K09",
                          "The `" + name() + "` does not support ordering on type " +
                              type_error_name(args_[1].type) + ".");
  }
  if (!flat_struct(args_[1].type) || expr_.filter) {
    return refuse(name() + " of this form");
  }
  std::string order;
  order_parts(args_[1].sql, args_[1].type, name() == "max_by", order);
  AggregateSql sql;
  sql.call = "first(" + args_[0].sql + " ORDER BY " + order + ") FILTER (WHERE " + args_[1].sql +
             " IS NOT NULL)";
  sql.no_window = true;
  return aggregate(sql, args_[0].type);
}

// percentile_approx(x, p [, accuracy]): the value at rank ceil(p·n), one of the column's own.
Value CallBinder::percentile_approx(const FunctionRow&) {
  if (!bind_aggregate_args(2, 3)) {
    return analyzer_.bad();
  }
  Value& value = args_[0];
  if (is_string(value.type) || is_null_type(value.type)) {
    value = analyzer_.coerce(value, kDouble, expr_.at);
  }
  if (!value.type.is_numeric() && !is_datetime(value.type)) {
    return mismatch(0, "NUMERIC");
  }
  if (value.type.kind() == TypeKind::kDecimal) {
    return refuse("percentile_approx of decimals");
  }
  if (args_.size() == 3) {
    // Below its accuracy Spark's sketch is exact; with a small one it is not.
    const bool number = args_[2].literal && args_[2].type.is_integral();
    if (!number) {
      return refuse("percentile_approx whose accuracy is no literal");
    }
    const long accuracy = std::atol(args_[2].literal->c_str());
    if (accuracy <= 0 || args_[2].literal->size() > 10) {
      return analyzer_.fail(expr_.at, "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE", "42K09",
                            "The accuracy must be between (0, 2147483647] (current value = " +
                                *args_[2].literal + ").");
    }
    if (accuracy < 100) {
      return refuse("percentile_approx with an accuracy below 100");
    }
  }
  const auto share = [&](const Expr& expr) -> std::optional<std::string> {
    if (expr.kind != ExprKind::kLiteral || !expr.type.is_numeric()) {
      refuse("percentile_approx whose percentage is no literal");
      return std::nullopt;
    }
    const double p = std::strtod(expr.text.c_str(), nullptr);
    if (!(p >= 0.0 && p <= 1.0)) {
      analyzer_.fail(
          expr_.at, "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE", "42K09",
          "The percentage must be between [0.0, 1.0] (current value = " + expr.text + ").");
      return std::nullopt;
    }
    return expr.text;
  };
  AggregateSql sql;
  const Expr& percentage = *expr_.args[1];
  const bool array =
      percentage.kind == ExprKind::kCall && lower_case(percentage.names[0]) == "array";
  if (!array) {
    const auto p = share(percentage);
    if (!p) {
      return analyzer_.bad();
    }
    sql.call = "quantile_disc(" + distinct_ + value.sql + ", CAST('" + *p + "' AS DOUBLE))";
    return aggregate(sql, value.type);
  }
  std::string list;
  for (const auto& item : percentage.args) {
    const auto p = share(*item);
    if (!p) {
      return analyzer_.bad();
    }
    list += (list.empty() ? "" : ", ") + std::string("CAST('") + *p + "' AS DOUBLE)";
  }
  sql.call = "quantile_disc(" + distinct_ + value.sql + ", [" + list + "])";
  return aggregate(sql, DataType::array(value.type));
}

// percentile(x, p), median(x): interpolated, always DOUBLE.
Value CallBinder::percentile(const FunctionRow&) {
  const bool median = name() == "median";
  if (!bind_aggregate_args(median ? 1 : 2, median ? 1 : 3)) {
    return analyzer_.bad();
  }
  if (args_.size() == 3) {
    return refuse("percentile with a frequency");
  }
  if (expr_.over &&
      (expr_.over->frame || !expr_.over->order_by.empty() || !expr_.over->reference.empty())) {
    return refuse(name() + " over an ordered window");
  }
  Value& value = args_[0];
  if (is_string(value.type) || is_null_type(value.type)) {
    value = analyzer_.coerce(value, kDouble, expr_.at);
  }
  if (!value.type.is_numeric()) {
    return mismatch(0, "NUMERIC");
  }
  std::string share = "0.5";
  if (!median) {
    const Expr& percentage = *expr_.args[1];
    if (percentage.kind != ExprKind::kLiteral || !percentage.type.is_numeric()) {
      return refuse("percentile whose percentage is no single literal");
    }
    const double p = std::strtod(percentage.text.c_str(), nullptr);
    if (!(p >= 0.0 && p <= 1.0)) {
      return analyzer_.fail(
          expr_.at, "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE", "42K09",
          "The percentage must be between [0.0, 1.0] (current value = " + percentage.text + ").");
    }
    share = percentage.text;
  }
  AggregateSql sql;
  sql.call = "quantile_cont(" + distinct_ + "CAST(" + value.sql + " AS DOUBLE), CAST('" + share +
             "' AS DOUBLE))";
  return aggregate(sql, kDouble);
}

// stddev, variance and their kin over doubles.
Value CallBinder::statistics(const FunctionRow& row) {
  if (!bind_aggregate_args(1, 1)) {
    return analyzer_.bad();
  }
  Value& value = args_[0];
  if (!value.type.is_numeric() && !is_string(value.type) && !is_null_type(value.type)) {
    return mismatch(0, "DOUBLE");
  }
  if (!value.type.is_integral() || expr_.over) {
    return refuse(name() + " of anything but whole numbers, or as a window function");
  }
  value = analyzer_.coerce(value, kDouble, expr_.at);
  AggregateSql sql;
  sql.call = std::string(row.sql) + "(" + distinct_ + value.sql + ")";
  return aggregate(sql, kDouble);
}

Value CallBinder::bool_aggregate(const FunctionRow& row) {
  if (!bind_aggregate_args(1, 1)) {
    return analyzer_.bad();
  }
  if (args_[0].type.kind() != TypeKind::kBoolean && !is_null_type(args_[0].type)) {
    return mismatch(0, "BOOLEAN");
  }
  AggregateSql sql;
  sql.call = std::string(row.sql) + "(CAST(" + args_[0].sql + " AS BOOLEAN))";
  return aggregate(sql, kBoolean);
}

Value CallBinder::count_if(const FunctionRow&) {
  if (!bind_aggregate_args(1, 1)) {
    return analyzer_.bad();
  }
  if (args_[0].type.kind() != TypeKind::kBoolean && !is_null_type(args_[0].type)) {
    return mismatch(0, "BOOLEAN");
  }
  AggregateSql sql;
  sql.call = "count(" + distinct_ + "CASE WHEN " + args_[0].sql + " THEN TRUE END)";
  return aggregate(sql, kLong);
}

Value CallBinder::grouping(const FunctionRow&) {
  const bool id = name() == "grouping_id";
  if (!arity(id ? 0 : 1, id ? 64 : 1)) {
    return analyzer_.bad();
  }
  if (context_.aggregate == nullptr || !context_.aggregate->grouping_sets) {
    return analyzer_.fail(expr_.at, "UNSUPPORTED_GROUPING_EXPRESSION", "42K0E",
                          "grouping()/grouping_id() can only be used with "
                          "GroupingSets/Cube/Rollup.");
  }
  AggregateLevel& level = *context_.aggregate;
  Bind below;
  below.scope = level.input;
  std::string list;
  for (const auto& arg : expr_.args) {
    args_.push_back(analyzer_.bind(arg, below));
    if (args_.back().bad) {
      return analyzer_.bad();
    }
    const bool known = std::ranges::any_of(
        level.groups, [&](const auto& group) { return group.sql == args_.back().sql; });
    if (!known) {
      return analyzer_.fail(expr_.at, "GROUPING_COLUMN_MISMATCH", "42803",
                            "Column of grouping (\"" + args_.back().pretty +
                                "\") can't be found in grouping columns.");
    }
    list += (list.empty() ? "" : ", ") + args_.back().sql;
  }
  if (args_.empty()) {
    for (const auto& group : level.groups) {
      list += (list.empty() ? "" : ", ") + group.sql;
    }
  }
  AggregateSql sql;
  sql.prefix = "CAST(";
  sql.call = "GROUPING(" + list + ")";
  sql.suffix = id ? " AS BIGINT)" : " AS TINYINT)";
  return aggregate(sql, id ? kLong : DataType::of(TypeKind::kByte));
}

}  // namespace sluice::sparksql
