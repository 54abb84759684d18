// OVER (…): partition, order with explicit NULLs, and a frame that is always written out.
#include <algorithm>

#include "sparksql/analyzer.h"
#include "sparksql/call_binder.h"
#include "sparksql/error.h"

namespace sluice::sparksql {
namespace {

std::string bound_text(const FrameBound& bound, const std::string& offset) {
  switch (bound.kind) {
    case FrameBound::Kind::kUnboundedPreceding:
      return "UNBOUNDED PRECEDING";
    case FrameBound::Kind::kPreceding:
      return offset + " PRECEDING";
    case FrameBound::Kind::kCurrentRow:
      return "CURRENT ROW";
    case FrameBound::Kind::kFollowing:
      return offset + " FOLLOWING";
    case FrameBound::Kind::kUnboundedFollowing:
      return "UNBOUNDED FOLLOWING";
  }
  return {};
}

}  // namespace

// The text in the parentheses of OVER. `rows_default`: the frame of ranking functions.
std::string Analyzer::window_sql(const Expr& call, const WindowSpec& given, Bind& context,
                                 bool rows_default, std::string& pretty) {
  WindowSpec spec = given;
  if (!given.reference.empty()) {
    const WindowSpec* named = named_window(given.reference, context);
    if (named == nullptr) {
      fail(call.at, "MISSING_WINDOW_SPECIFICATION", "42P20",
           "Window specification is not defined in the WINDOW clause for `" + given.reference +
               "`.");
      return {};
    }
    spec.partition_by = named->partition_by.empty() ? given.partition_by : named->partition_by;
    spec.order_by = given.order_by.empty() ? named->order_by : given.order_by;
    spec.frame = given.frame ? given.frame : named->frame;
    if (!named->reference.empty()) {
      refuse(call.at, "a named window of a named window");
      return {};
    }
  }
  std::string sql;
  for (std::size_t i = 0; i < spec.partition_by.size(); ++i) {
    const Value key = bind(spec.partition_by[i], context);
    if (key.bad) {
      return {};
    }
    if (contains_map(key.type)) {
      refuse(call.at, "PARTITION BY a map");
      return {};
    }
    sql += (i == 0 ? "PARTITION BY " : ", ") + key.sql;
    pretty += (i == 0 ? "PARTITION BY " : ", ") + key.pretty;
  }
  DataType order_type;
  for (std::size_t i = 0; i < spec.order_by.size(); ++i) {
    const Value key = bind(spec.order_by[i].expr, context);
    if (key.bad) {
      return {};
    }
    if (!is_atomic(key.type)) {
      refuse(call.at, "a window ordered by arrays or structs");
      return {};
    }
    order_type = key.type;
    // A bare number would be a position to some engines.
    sql += std::string(i == 0 ? (sql.empty() ? "ORDER BY " : " ORDER BY ") : ", ") + "(" + key.sql +
           ")" + order_text(spec.order_by[i]);
    pretty += std::string(i == 0 ? (pretty.empty() ? "ORDER BY " : " ORDER BY ") : ", ") +
              key.pretty + order_text(spec.order_by[i]);
  }
  const bool ordered = !spec.order_by.empty();
  WindowFrame frame;
  if (spec.frame) {
    frame = *spec.frame;
  } else {
    frame.rows = rows_default || !ordered;
    frame.start.kind = FrameBound::Kind::kUnboundedPreceding;
    frame.end.kind = ordered || rows_default ? FrameBound::Kind::kCurrentRow
                                             : FrameBound::Kind::kUnboundedFollowing;
  }
  std::string offsets[2];
  for (int side = 0; side < 2; ++side) {
    const FrameBound& bound = side == 0 ? frame.start : frame.end;
    if (!bound.offset) {
      continue;
    }
    const Value value = bind(bound.offset, context);
    if (value.bad) {
      return {};
    }
    if (!value.literal || !value.type.is_integral()) {
      refuse(call.at, "a window frame whose offset is no whole number");
      return {};
    }
    if (!frame.rows && (spec.order_by.size() != 1 || !order_type.is_integral())) {
      refuse(call.at, "a RANGE frame with an offset over this order");
      return {};
    }
    offsets[side] = *value.literal;
    if (offsets[side].starts_with('-')) {
      refuse(call.at, "a window frame with a negative offset");
      return {};
    }
  }
  if (!frame.rows && !ordered && (frame.start.offset || frame.end.offset)) {
    fail(call.at, "DATATYPE_MISMATCH.RANGE_FRAME_WITHOUT_ORDER", "42K09",
         "A range window frame cannot be used in an unordered window specification.");
    return {};
  }
  if (static_cast<int>(frame.start.kind) > static_cast<int>(frame.end.kind)) {
    fail(call.at, "DATATYPE_MISMATCH.SPECIFIED_WINDOW_FRAME_WRONG_COMPARISON", "42K09",
         "The lower bound of a window frame must be less than or equal to the upper bound.");
    return {};
  }
  if (frame.start.kind == frame.end.kind && frame.start.offset) {
    const long a = std::atol(offsets[0].c_str());
    const long b = std::atol(offsets[1].c_str());
    if (frame.start.kind == FrameBound::Kind::kPreceding ? a < b : a > b) {
      fail(call.at, "DATATYPE_MISMATCH.SPECIFIED_WINDOW_FRAME_WRONG_COMPARISON", "42K09",
           "The lower bound of a window frame must be less than or equal to the upper bound.");
      return {};
    }
  }
  const std::string text = std::string(frame.rows ? "ROWS" : "RANGE") + " BETWEEN " +
                           bound_text(frame.start, offsets[0]) + " AND " +
                           bound_text(frame.end, offsets[1]);
  pretty += (pretty.empty() ? "" : " ") + text;
  return sql + (sql.empty() ? "" : " ") + text;
}

Value CallBinder::window_call(const AggregateSql& sql, DataType type, bool rows_frame,
                              bool ranking) {
  if (!context_.window_allowed || context_.in_window) {
    return analyzer_.fail(expr_.at, "WINDOW_FUNCTION_NOT_ALLOWED_IN_CLAUSE", "42P20",
                          std::string("Window functions are not allowed here") +
                              (context_.in_window ? " (nested)." : "."));
  }
  if (analyzer_.streaming_from_) {
    return analyzer_.fail(expr_.at, "NON_TIME_WINDOW_NOT_SUPPORTED_IN_STREAMING", "42KDE",
                          "Window function is not supported in streaming queries: " + name() + ".");
  }
  if (expr_.distinct) {
    return analyzer_.fail(expr_.at, "DISTINCT_WINDOW_FUNCTION_UNSUPPORTED", "0A000",
                          "Distinct window functions are not supported: " + name() + ".");
  }
  if (sql.no_window) {
    return refuse(name() + " as a window function");
  }
  if (ranking && expr_.over->frame) {
    return refuse("a frame for " + name());
  }
  if (expr_.filter) {
    const Value condition = analyzer_.bind(expr_.filter, context_);
    if (condition.bad) {
      return condition;
    }
    return refuse("FILTER in a window function");
  }
  context_.in_window = true;
  std::string pretty;
  const std::string window = analyzer_.window_sql(expr_, *expr_.over, context_, rows_frame, pretty);
  context_.in_window = false;
  if (analyzer_.failed()) {
    return analyzer_.bad();
  }
  if (ranking && window.find("ORDER BY ") == std::string::npos) {
    return analyzer_.fail(expr_.at, "WINDOW_FUNCTION_FRAME_NOT_ORDERED", "42601",
                          "Window function " + name() +
                              "() requires window to be ordered, please "
                              "add ORDER BY clause.");
  }
  Value out =
      result(sql.prefix + sql.call + " OVER (" + window + ")" + sql.suffix, std::move(type));
  out.foldable = false;
  out.nullable = true;
  out.has_window = true;
  out.pretty =
      name() + "(" + (expr_.star_argument ? "1" : pretty_args()) + ") OVER (" + pretty + ")";
  return out;
}

Value CallBinder::ranking(const FunctionRow&) {
  const std::string function = name();
  const bool ntile = function == "ntile";
  if (!ntile && !expr_.args.empty()) {
    return refuse(function + " with arguments");
  }
  if (!arity(0, 1) || !bind_args()) {
    return analyzer_.bad();
  }
  if (!expr_.over) {
    return analyzer_.fail(expr_.at, "WINDOW_FUNCTION_WITHOUT_OVER_CLAUSE", "42601",
                          "Window function \"" + function + "()\" requires an OVER clause.");
  }
  AggregateSql sql;
  DataType type = DataType::of(TypeKind::kInt);
  if (function == "percent_rank" || function == "cume_dist") {
    sql.call = function + "()";
    type = DataType::of(TypeKind::kDouble);
  } else {
    if (ntile && !args_.empty() && (!args_[0].literal || args_[0].type.kind() != TypeKind::kInt)) {
      return refuse("ntile with anything but a literal");
    }
    sql.prefix = "CAST(";
    sql.call = function + "(" + (ntile ? (args_.empty() ? "1" : args_[0].sql) : "") + ")";
    sql.suffix = " AS INTEGER)";
  }
  return window_call(sql, type, true, true);
}

Value CallBinder::lag_lead(const FunctionRow&) {
  if (!arity(1, 3) || !bind_args()) {
    return analyzer_.bad();
  }
  if (!expr_.over) {
    return analyzer_.fail(expr_.at, "WINDOW_FUNCTION_WITHOUT_OVER_CLAUSE", "42601",
                          "Window function \"" + name() + "\" requires an OVER clause.");
  }
  if (args_.size() > 1 && !args_[1].literal) {
    return refuse(name() + " whose offset is no literal");
  }
  std::string list = args_[0].sql + (expr_.ignore_nulls.value_or(false) ? " IGNORE NULLS" : "");
  DataType type = args_[0].type;
  if (args_.size() > 2) {
    const auto common = wider_type(args_[0].type, args_[2].type, ansi());
    if (!common || !common->same_as(args_[0].type)) {
      return refuse(name() + " whose default is of another type");
    }
    list = args_[0].sql + ", " + args_[1].sql + ", " +
           analyzer_.coerce(args_[2], type, expr_.at).sql +
           (expr_.ignore_nulls.value_or(false) ? " IGNORE NULLS" : "");
  } else if (args_.size() == 2) {
    list = args_[0].sql + ", " + args_[1].sql +
           (expr_.ignore_nulls.value_or(false) ? " IGNORE NULLS" : "");
  }
  AggregateSql sql;
  sql.call = name() + "(" + list + ")";
  return window_call(sql, type, true, true);
}

Value CallBinder::nth_value(const FunctionRow&) {
  if (!arity(2, 2) || !bind_args()) {
    return analyzer_.bad();
  }
  if (!expr_.over) {
    return analyzer_.fail(expr_.at, "WINDOW_FUNCTION_WITHOUT_OVER_CLAUSE", "42601",
                          "Window function \"nth_value\" requires an OVER clause.");
  }
  if (!args_[1].literal || args_[1].literal->starts_with('-') || *args_[1].literal == "0") {
    return refuse("nth_value whose offset is no positive literal");
  }
  AggregateSql sql;
  sql.call = "nth_value(" + args_[0].sql + ", " + args_[1].sql +
             (expr_.ignore_nulls.value_or(false) ? " IGNORE NULLS" : "") + ")";
  return window_call(sql, args_[0].type, false, false);
}

}  // namespace sluice::sparksql
