// IN, BETWEEN, LIKE, CASE, CAST and subqueries.
#include <algorithm>

#include "sparksql/analyzer.h"
#include "sparksql/error.h"

namespace sluice::sparksql {
namespace {

const DataType kBoolean = DataType::of(TypeKind::kBoolean);
const DataType kString = DataType::of(TypeKind::kString);

void merge_into(Value& out, const Value& value) {
  out.nullable = out.nullable || value.nullable;
  out.foldable = out.foldable && value.foldable;
  out.can_throw = out.can_throw || value.can_throw;
  out.random = out.random || value.random;
  out.has_window = out.has_window || value.has_window;
  out.outer = out.outer || value.outer;
}

Value boolean_value() {
  Value out;
  out.type = kBoolean;
  out.foldable = true;
  out.nullable = false;
  return out;
}

}  // namespace

Value Analyzer::bind_between(const Expr& expr, Bind& context) {
  const Value value = bind(expr.args[0], context);
  const Value low = bind(expr.args[1], context);
  const Value high = bind(expr.args[2], context);
  if (value.bad || low.bad || high.bad) {
    return bad();
  }
  Value out = logical("AND", compare(">=", value, low, expr.at),
                      compare("<=", value, high, expr.at), expr.at);
  out.chain.clear();
  out.chain_operator.clear();
  out.pretty = "between(" + value.pretty + ", " + low.pretty + ", " + high.pretty + ")";
  if (expr.negated) {
    out.sql = "(NOT " + out.sql + ")";
    out.pretty = "(NOT " + out.pretty + ")";
  }
  return out;
}

Value Analyzer::bind_in_list(const Expr& expr, Bind& context) {
  std::vector<Value> values;
  for (const auto& arg : expr.args) {
    values.push_back(bind(arg, context));
    if (values.back().bad) {
      return bad();
    }
  }
  std::string pretty = "(" + values[0].pretty + " IN (";
  for (std::size_t i = 1; i < values.size(); ++i) {
    pretty += (i == 1 ? "" : ", ") + values[i].pretty;
  }
  pretty += "))";
  // Spark: the common type of all (findWiderCommonType).
  const auto type = common_type(values);
  if (!type) {
    return fail(expr.at, "DATATYPE_MISMATCH.DATA_DIFF_TYPES", "42K09",
                "Cannot resolve \"" + pretty +
                    "\" due to data type mismatch: Input to `in` should all be the same type.");
  }
  if (!is_atomic(*type)) {
    return refuse(expr.at, "IN over arrays, maps or structs");
  }
  values = coerce_all(std::move(values), is_null_type(*type) ? kBoolean : *type, expr.at);
  Value out = boolean_value();
  std::string list;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i].bad) {
      return bad();
    }
    merge_into(out, values[i]);
    if (i > 0) {
      list += (i == 1 ? "" : ", ") + values[i].sql;
    }
  }
  out.sql = "(" + values[0].sql + " IN (" + list + "))";
  out.pretty = pretty;
  if (expr.negated) {
    out.sql = "(NOT " + out.sql + ")";
    out.pretty = "(NOT " + pretty + ")";
  }
  return out;
}

Value Analyzer::bind_in_query(const Expr& expr, Bind& context) {
  const Value value = bind(expr.args[0], context);
  if (value.bad) {
    return bad();
  }
  if (value.type.kind() == TypeKind::kStruct || context.aggregate != nullptr) {
    return refuse(expr.at, "IN (SELECT …) of several columns or above GROUP BY");
  }
  const Lowered query = lower(*expr.query, context.scope);
  if (failed()) {
    return bad();
  }
  if (query.columns.size() != 1) {
    return fail(expr.at, "DATATYPE_MISMATCH.IN_SUBQUERY_LENGTH_MISMATCH", "42K09",
                "The number of columns in the left hand side of an IN subquery does not match the "
                "number of columns in the output of subquery.");
  }
  const auto type = comparison_type(value.type, query.columns[0].type, ansi());
  if (!type || !is_atomic(*type)) {
    return fail(expr.at, "DATATYPE_MISMATCH.IN_SUBQUERY_DATA_TYPE_MISMATCH", "42K09",
                "The data type of one or more elements in the left hand side of an IN subquery is "
                "not compatible with the data type of the output of the subquery.");
  }
  const std::string relation = fresh("r");
  Value element;
  element.sql = relation + ".\"c0\"";
  element.type = query.columns[0].type;
  element.pretty = query.columns[0].name;
  const Value left = coerce(value, *type, expr.at);
  const Value right = coerce(element, *type, expr.at);
  Value out = boolean_value();
  merge_into(out, value);
  out.foldable = false;
  out.nullable = true;
  out.can_throw = left.can_throw || right.can_throw;
  out.sql = "(" + left.sql + (expr.negated ? " NOT" : "") + " IN (SELECT " + right.sql + " FROM (" +
            query.sql + ") AS " + relation + "))";
  out.pretty = (expr.negated ? "(NOT (" : "(") + value.pretty + " IN (listquery()))" +
               (expr.negated ? ")" : "");
  return out;
}

Value Analyzer::bind_exists(const Expr& expr, Bind& context) {
  if (context.aggregate != nullptr) {
    return refuse(expr.at, "EXISTS above GROUP BY");
  }
  const Lowered query = lower(*expr.query, context.scope);
  if (failed()) {
    return bad();
  }
  Value out = boolean_value();
  out.foldable = false;
  out.sql = "EXISTS (" + query.sql + ")";
  out.pretty = "exists()";
  return out;
}

Value Analyzer::bind_subquery(const Expr& expr, Bind& context) {
  const Scope* outer = context.aggregate != nullptr ? nullptr : context.scope;
  const int before = outer_references_;
  const Lowered query = lower(*expr.query, outer);
  if (failed()) {
    return bad();
  }
  if (query.columns.size() != 1) {
    return fail(expr.at,
                "INVALID_SUBQUERY_EXPRESSION.SCALAR_SUBQUERY_RETURN_MORE_THAN_ONE_OUTPUT_COLUMN",
                "42823",
                "Scalar subquery must return only one column, but got " +
                    std::to_string(query.columns.size()) + ".");
  }
  Value out;
  out.sql = "(" + query.sql + ")";
  out.type = query.columns[0].type;
  out.pretty = "scalarsubquery()";
  out.unnameable = outer_references_ > before;
  out.can_throw = true;
  return out;
}

Value Analyzer::bind_like(const Expr& expr, Bind& context) {
  Value value = bind(expr.args[0], context);
  Value pattern = bind(expr.args[1], context);
  if (value.bad || pattern.bad) {
    return bad();
  }
  Value out = like(expr.text, std::move(value), std::move(pattern), expr.escape, expr.at);
  if (expr.negated && !out.bad) {
    out.sql = "(NOT " + out.sql + ")";
    out.pretty = "(NOT " + out.pretty + ")";
  }
  return out;
}

Value Analyzer::like(const std::string& op, Value value, Value pattern,
                     const std::optional<std::string>& escape, const Position& at) {
  if (!is_atomic(value.type) || !is_atomic(pattern.type)) {
    return fail(at, "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE", "42K09",
                op + " requires the \"STRING\" type.");
  }
  if (escape && escape->size() != 1) {
    return fail(
        at, "INVALID_ESCAPE_CHAR", "42604",
        "`EscapeChar` should be a string literal of length one, but got \"" + *escape + "\".");
  }
  const std::string text = value.pretty;
  const std::string pattern_text = pattern.pretty;
  value = coerce(value, kString, at);
  pattern = coerce(pattern, kString, at);
  if (value.bad || pattern.bad) {
    return bad();
  }
  Value out = boolean_value();
  merge_into(out, value);
  merge_into(out, pattern);
  if (op == "RLIKE") {
    out.sql = "spark_rlike(" + value.sql + ", " + pattern.sql + ")";
    out.pretty = "RLIKE(" + text + ", " + pattern_text + ")";
    out.can_throw = true;
    return out;
  }
  const std::string escape_text = escape.value_or("\\");
  // A literal pattern without escapes means the same to DuckDB, which then knows prefixes.
  const bool plain = op == "LIKE" && pattern.literal && !escape &&
                     pattern.literal->find('\\') == std::string::npos &&
                     pattern.literal->find('\0') == std::string::npos;
  if (plain) {
    out.sql = "(" + value.sql + " LIKE " + pattern.sql + ")";
  } else {
    out.sql = std::string(op == "LIKE" ? "spark_like(" : "spark_ilike(") + value.sql + ", " +
              pattern.sql + ", " + text_sql(escape_text) + ")";
    out.can_throw = true;
  }
  out.pretty = text + " " + op + " " + pattern_text;
  if (op == "ILIKE") {
    out.pretty = "ilike(" + text + ", " + pattern_text + ")";
  }
  if (escape && *escape != "\\") {
    out.pretty += " ESCAPE '" + *escape + "'";
  }
  return out;
}

// x LIKE ANY (p, …): OR of them; ALL: AND. NOT LIKE ANY: OR of the negations.
Value Analyzer::bind_like_many(const Expr& expr, Bind& context) {
  const Value value = bind(expr.args[0], context);
  Value out;
  std::string patterns;
  for (std::size_t i = 1; i < expr.args.size(); ++i) {
    const Value pattern = bind(expr.args[i], context);
    if (value.bad || pattern.bad) {
      return bad();
    }
    Value one = like(expr.text, value, pattern, std::nullopt, expr.at);
    if (one.bad) {
      return bad();
    }
    if (expr.negated) {
      one.sql = "(NOT " + one.sql + ")";
    }
    patterns += (i == 1 ? "" : ", ") + pattern.pretty;
    out = i == 1 ? one : logical(expr.quantifier_all ? "AND" : "OR", out, one, expr.at);
  }
  out.pretty = lower_case(std::string(expr.negated ? "not" : "") + expr.text +
                          (expr.quantifier_all ? "all" : "any")) +
               "(" + value.pretty + ", " + patterns + ")";
  return out;
}

Value Analyzer::bind_case(const Expr& expr, Bind& context) {
  const bool has_else = expr.args.size() % 2 == 1;
  Value out;
  out.foldable = true;
  out.nullable = !has_else;
  std::optional<Value> operand;
  if (expr.operand) {
    operand = bind(expr.operand, context);
    if (operand->bad) {
      return bad();
    }
    merge_into(out, *operand);
  }
  std::vector<Value> conditions;
  std::vector<Value> results;
  std::string pretty = "CASE";
  for (std::size_t i = 0; i + 1 < expr.args.size(); i += 2) {
    Value condition = bind(expr.args[i], context);
    if (condition.bad) {
      return bad();
    }
    if (operand) {
      condition = compare("=", *operand, condition, expr.at);
    } else if (condition.type.kind() != TypeKind::kBoolean && !is_null_type(condition.type)) {
      return fail(expr.at, "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE", "42K09",
                  "The condition of CASE WHEN requires the \"BOOLEAN\" type, however \"" +
                      condition.pretty + "\" has the type " + type_error_name(condition.type) +
                      ".");
    }
    conditions.push_back(coerce(condition, kBoolean, expr.at));
    results.push_back(bind(expr.args[i + 1], context));
    if (conditions.back().bad || results.back().bad) {
      return bad();
    }
    pretty += " WHEN " + condition.pretty + " THEN " + results.back().pretty;
  }
  if (has_else) {
    results.push_back(bind(expr.args.back(), context));
    if (results.back().bad) {
      return bad();
    }
    pretty += " ELSE " + results.back().pretty;
  }
  pretty += " END";
  const auto type = common_type(results);
  if (!type) {
    return fail(
        expr.at, "DATATYPE_MISMATCH.DATA_DIFF_TYPES", "42K09",
        "Cannot resolve \"" + pretty +
            "\" due to data type mismatch: Input to `casewhen` should all be the same type.");
  }
  out.type = *type;
  std::string sql = "CASE";
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    const Value result = coerce(results[i], *type, expr.at);
    merge_into(out, conditions[i]);
    merge_into(out, result);
    sql += " WHEN " + conditions[i].sql + " THEN " + result.sql;
  }
  if (has_else) {
    const Value result = coerce(results.back(), *type, expr.at);
    merge_into(out, result);
    sql += " ELSE " + result.sql;
  }
  out.sql = "(" + sql + " END)";
  if (is_null_type(*type)) {
    out.sql = "NULL";
  }
  out.pretty = pretty;
  return out;
}

Value Analyzer::bind_cast(const Expr& expr, Bind& context) {
  const Value value = bind(expr.args[0], context);
  if (value.bad) {
    return bad();
  }
  const bool is_try = expr.text == "TRY_CAST";
  const CastMode mode = is_try ? CastMode::kTry : implicit_mode();
  Value out = cast(value, expr.type, mode, expr.at);
  if (out.bad) {
    return out;
  }
  if (is_try) {
    out.nullable = true;
  }
  out.pretty = expr.text + "(" + value.pretty + " AS " + expr.type.to_sql() + ")";
  if (expr.args[0]->kind != ExprKind::kColumn || value.pretty != value.name) {
    out.name.clear();  // a cast column keeps its name
  }
  out.is_null_literal = false;
  if (!is_string(value.type) || !is_string(expr.type)) {
    out.literal.reset();
  }
  return out;
}

}  // namespace sluice::sparksql
