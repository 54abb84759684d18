// Operators: logic that does not run what Spark would not, comparison after coercion, arithmetic in
// Spark's types with overflow said aloud.
#include <algorithm>
#include <array>

#include "sparksql/analyzer.h"
#include "sparksql/error.h"

namespace sluice::sparksql {
namespace {

Value merged(const Value& left, const Value& right) {
  Value out;
  out.nullable = left.nullable || right.nullable;
  out.foldable = left.foldable && right.foldable;
  out.can_throw = left.can_throw || right.can_throw;
  out.random = left.random || right.random;
  out.has_window = left.has_window || right.has_window;
  out.outer = left.outer || right.outer;
  return out;
}

const DataType kBoolean = DataType::of(TypeKind::kBoolean);
const DataType kDouble = DataType::of(TypeKind::kDouble);
const DataType kLong = DataType::of(TypeKind::kLong);

std::string operator_pretty(const std::string& op) {
  return op == "DIV" ? "div" : op;
}

}  // namespace

Value Analyzer::bind_unary(const Expr& expr, Bind& context) {
  Value value = bind(expr.args[0], context);
  if (value.bad) {
    return bad();
  }
  value.literal.reset();
  value.name.clear();
  if (expr.text == "NOT") {
    if (!is_null_type(value.type) && value.type.kind() != TypeKind::kBoolean &&
        !is_string(value.type)) {
      return fail(expr.at, "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE", "42K09",
                  "Cannot resolve \"(NOT " + value.pretty +
                      ")\" due to data type mismatch: The first parameter requires the "
                      "\"BOOLEAN\" type, however \"" +
                      value.pretty + "\" has the type " + type_error_name(value.type) + ".");
    }
    const std::string pretty = "(NOT " + value.pretty + ")";
    value = coerce(value, kBoolean, expr.at);
    value.sql = "(NOT " + value.sql + ")";
    value.pretty = pretty;
    value.is_null_literal = false;
    return value;
  }
  if (is_string(value.type) || is_null_type(value.type)) {
    value = coerce(value, kDouble, expr.at);
  }
  if (!value.type.is_numeric() || (expr.text == "~" && !value.type.is_integral())) {
    return expr.text == "~" && value.type.is_numeric()
               ? fail(expr.at, "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE", "42K09",
                      "The first parameter of ~ requires the \"INTEGRAL\" type.")
               : fail(expr.at, "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE", "42K09",
                      "The parameter requires the (\"NUMERIC\" or \"INTERVAL\") type, however \"" +
                          value.pretty + "\" has the type " + type_error_name(value.type) + ".");
  }
  const std::string pretty = "(" + expr.text + " " + value.pretty + ")";
  if (expr.text == "~") {
    value.sql = "(~ " + value.sql + ")";
    value.pretty = "~" + value.pretty;
    return value;
  }
  value.is_null_literal = false;
  if (expr.text == "+") {
    value.pretty = pretty;
    return value;
  }
  if (value.type.is_integral()) {
    Value zero;
    zero.sql = "CAST(0 AS " + value.type.to_duckdb() + ")";
    zero.type = value.type;
    zero.foldable = true;
    Value out = integral_arithmetic("-", zero, value, value.type, expr.at);
    out.pretty = pretty;
    return out;
  }
  value.sql = "(- " + value.sql + ")";
  value.pretty = pretty;
  return value;
}

Value Analyzer::bind_binary(const Expr& expr, Bind& context) {
  const Value left = bind(expr.args[0], context);
  const Value right = bind(expr.args[1], context);
  if (left.bad || right.bad) {
    return bad();
  }
  const std::string& op = expr.text;
  if (op == "AND" || op == "OR") {
    return logical(op, left, right, expr.at);
  }
  static constexpr std::array<std::string_view, 7> kComparisons = {"=",  "<=>", "<>", "<",
                                                                   "<=", ">",   ">="};
  if (holds(kComparisons, std::string_view(op))) {
    return compare(op, left, right, expr.at);
  }
  if (op == "||") {
    const bool arrays =
        left.type.kind() == TypeKind::kArray || right.type.kind() == TypeKind::kArray;
    const bool binary =
        left.type.kind() == TypeKind::kBinary || right.type.kind() == TypeKind::kBinary;
    if (arrays || binary) {
      return refuse(expr.at, "|| of arrays or binary");
    }
    const DataType text = DataType::of(TypeKind::kString);
    const Value a = coerce(left, text, expr.at);
    const Value b = coerce(right, text, expr.at);
    Value out = merged(a, b);
    out.sql = "(" + a.sql + " || " + b.sql + ")";
    out.type = text;
    out.pretty = "concat(" + left.pretty + ", " + right.pretty + ")";
    return out;
  }
  if (op == "&" || op == "|" || op == "^" || op == "<<" || op == ">>" || op == ">>>") {
    return bitwise(op, left, right, expr.at);
  }
  return arithmetic(op, left, right, expr.at);
}

Value Analyzer::logical(const std::string& op, const Value& left, const Value& right,
                        const Position& at) {
  for (const Value* side : {&left, &right}) {
    if (side->type.kind() != TypeKind::kBoolean && !is_null_type(side->type)) {
      return is_string(side->type)
                 ? refuse(at, "a text as a condition")
                 : fail(at, "DATATYPE_MISMATCH.BINARY_OP_WRONG_TYPE", "42K09",
                        "Cannot resolve \"(" + left.pretty + " " + op + " " + right.pretty +
                            ")\" due to data type mismatch: the binary operator requires the "
                            "input type \"BOOLEAN\", not " +
                            type_error_name(side->type) + ".");
    }
  }
  const Value a = coerce(left, kBoolean, at);
  const Value b = coerce(right, kBoolean, at);
  Value out = merged(a, b);
  out.type = kBoolean;
  out.pretty = "(" + left.pretty + " " + op + " " + right.pretty + ")";
  const bool longer = a.chain_operator == op;
  out.chain_operator = op;
  out.chain = longer ? a.chain : std::vector<std::string>{a.sql};
  out.chain.push_back(b.sql);
  out.chain_can_throw = (longer && a.chain_can_throw) || b.can_throw;
  std::string all;
  std::string guards;
  for (std::size_t i = 0; i < out.chain.size(); ++i) {
    all += (i == 0 ? "" : " " + op + " ") + out.chain[i];
    if (i + 1 < out.chain.size()) {
      guards += op == "AND" ? " WHEN (NOT " + out.chain[i] + ") THEN FALSE"
                            : " WHEN " + out.chain[i] + " THEN TRUE";
    }
  }
  // What stands to the right must not run where Spark would not run it.
  out.sql = out.chain_can_throw ? "(CASE" + guards + " ELSE (" + all + ") END)" : "(" + all + ")";
  return out;
}

Value Analyzer::compare(const std::string& op, Value left, Value right, const Position& at) {
  if (left.bad || right.bad || failed()) {
    return bad();
  }
  const std::string pretty = op == "<>" ? "(NOT (" + left.pretty + " = " + right.pretty + "))"
                                        : "(" + left.pretty + " " + op + " " + right.pretty + ")";
  std::optional<DataType> type = comparison_type(left.type, right.type, ansi());
  // An integer literal beside a decimal takes no more digits than it has.
  const bool decimal =
      left.type.kind() == TypeKind::kDecimal || right.type.kind() == TypeKind::kDecimal;
  if (decimal && type && type->kind() == TypeKind::kDecimal && type->precision() == 38 &&
      (left.type.precision() < 38 && right.type.precision() < 38)) {
    return refuse(at, "a comparison of decimals of more than 38 digits together");
  }
  // Without ANSI a boolean meets a number (booleanEquality): 1 is true.
  const bool booleans =
      left.type.kind() == TypeKind::kBoolean || right.type.kind() == TypeKind::kBoolean;
  if (!type && booleans && !ansi() && (left.type.is_numeric() || right.type.is_numeric())) {
    return refuse(at, "a comparison of a boolean with a number");
  }
  if (!type) {
    return fail(at, "DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES", "42K09",
                "Cannot resolve \"" + pretty +
                    "\" due to data type mismatch: the left and right operands of the binary "
                    "operator have incompatible types (" +
                    type_error_name(left.type) + " and " + type_error_name(right.type) + ").");
  }
  if (is_null_type(*type)) {
    type = kBoolean;
  }
  if (contains_map(*type)) {
    return fail(at, "DATATYPE_MISMATCH.BINARY_OP_WRONG_TYPE", "42K09",
                "Cannot resolve \"" + pretty +
                    "\" due to data type mismatch: the binary operator requires the input type "
                    "\"ORDERED\", not " +
                    type_error_name(*type) + ".");
  }
  if (!is_atomic(*type) && op != "=" && op != "<=>" && op != "<>") {
    return refuse(at, "an ordering of arrays or structs");
  }
  if (!is_atomic(*type)) {
    return refuse(at, "a comparison of arrays or structs");
  }
  left = coerce(left, *type, at);
  right = coerce(right, *type, at);
  if (left.bad || right.bad) {
    return bad();
  }
  Value out = merged(left, right);
  const std::string sql_op = op == "<=>" ? "IS NOT DISTINCT FROM" : op;
  out.sql = "(" + left.sql + " " + sql_op + " " + right.sql + ")";
  out.type = kBoolean;
  out.pretty = pretty;
  if (op == "<=>") {
    out.nullable = false;
  }
  out.unnameable = decimal && left.foldable && right.foldable;  // Spark prints folded literals
  return out;
}

Value Analyzer::bitwise(const std::string& op, Value left, Value right, const Position& at) {
  if (op == "<<" || op == ">>" || op == ">>>") {
    return refuse(at, "shift operators");
  }
  const std::string pretty = "(" + left.pretty + " " + op + " " + right.pretty + ")";
  const auto type = tightest_common_type(left.type, right.type);
  if (!type || !type->is_integral()) {
    return is_string(left.type) || is_string(right.type) || is_null_type(left.type) ||
                   is_null_type(right.type)
               ? refuse(at, "bit operators on texts")
               : fail(at, "DATATYPE_MISMATCH.BINARY_OP_WRONG_TYPE", "42K09",
                      "Cannot resolve \"" + pretty +
                          "\" due to data type mismatch: the binary operator requires the input "
                          "type \"INTEGRAL\".");
  }
  left = coerce(left, *type, at);
  right = coerce(right, *type, at);
  Value out = merged(left, right);
  out.type = *type;
  out.pretty = pretty;
  out.sql = op == "^" ? "xor(" + left.sql + ", " + right.sql + ")"
                      : "(" + left.sql + " " + op + " " + right.sql + ")";
  return out;
}

Value Analyzer::arithmetic(const std::string& op, Value left, Value right, const Position& at) {
  if (left.bad || right.bad || failed()) {
    return bad();
  }
  const std::string pretty =
      "(" + left.pretty + " " + operator_pretty(op) + " " + right.pretty + ")";
  if (is_datetime(left.type) || is_datetime(right.type)) {
    const bool days = (op == "+" || op == "-") && left.type.kind() == TypeKind::kDate &&
                      right.type.is_integral() && right.type.kind() != TypeKind::kLong;
    if (!days) {
      return refuse(at, "arithmetic on dates and timestamps (use date_add, datediff …)");
    }
    Value out = merged(left, right);
    out.sql = "CAST(" + left.sql + " " + op + " CAST(" + right.sql + " AS INTEGER) AS DATE)";
    out.type = left.type;
    out.pretty = (op == "+" ? "date_add(" : "date_sub(") + left.pretty + ", " + right.pretty + ")";
    out.can_throw = true;
    return out;
  }
  // Texts and NULLs take the other side's part.
  for (auto* pair : {&left, &right}) {
    const Value& other = pair == &left ? right : left;
    if (is_string(pair->type)) {
      if (is_string(other.type) && ansi()) {
        return refuse(at, "arithmetic on two texts");
      }
      const bool to_long = ansi() && other.type.is_integral();
      const bool to_double = !to_long || is_null_type(other.type);
      if (!other.type.is_numeric() && !is_string(other.type) && !is_null_type(other.type)) {
        break;
      }
      *pair = coerce(*pair, to_double ? kDouble : kLong, at);
    }
  }
  if (is_null_type(left.type)) {
    left = coerce(left, right.type.is_numeric() ? right.type : kDouble, at);
  }
  if (is_null_type(right.type)) {
    right = coerce(right, left.type.is_numeric() ? left.type : kDouble, at);
  }
  if (left.bad || right.bad) {
    return bad();
  }
  if (!left.type.is_numeric() || !right.type.is_numeric()) {
    const bool same = left.type.same_as(right.type);
    return fail(
        at,
        same ? "DATATYPE_MISMATCH.BINARY_OP_WRONG_TYPE" : "DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES",
        "42K09",
        "Cannot resolve \"" + pretty +
            "\" due to data type mismatch: the left and right operands of the binary "
            "operator have incompatible types (" +
            type_error_name(left.type) + " and " + type_error_name(right.type) + ").");
  }
  Value out;
  const bool decimal =
      left.type.kind() == TypeKind::kDecimal || right.type.kind() == TypeKind::kDecimal;
  const bool real = left.type.kind() == TypeKind::kDouble ||
                    right.type.kind() == TypeKind::kDouble ||
                    left.type.kind() == TypeKind::kFloat || right.type.kind() == TypeKind::kFloat;
  if (decimal && !real) {
    const auto to_decimal = [&](const Value& value) {
      if (value.type.kind() == TypeKind::kDecimal) {
        return value;
      }
      return cast(value,
                  value.literal ? decimal_for_literal(*value.literal) : decimal_for(value.type),
                  CastMode::kAnsi, at);
    };
    out = decimal_arithmetic(op, to_decimal(left), to_decimal(right), {}, at);
  } else {
    auto type = decimal ? std::optional(kDouble) : wider_type(left.type, right.type, ansi());
    if (op == "/") {
      type = kDouble;
    } else if (op == "DIV") {
      if (!type->is_integral()) {
        return refuse(at, "DIV of fractions");
      }
      type = kLong;
    }
    left = coerce(left, *type, at);
    right = coerce(right, *type, at);
    if (op == "/") {
      out = divide(left, right, at);
    } else if (op == "%") {
      out = remainder(left, right, *type, pretty, at);
    } else if (type->is_integral()) {
      out = integral_arithmetic(op, left, right, *type, at);
    } else {
      out = merged(left, right);
      out.sql = "(" + left.sql + " " + op + " " + right.sql + ")";
      out.type = *type;
    }
  }
  out.pretty = pretty;
  return out;
}

namespace {

// Raises `error` where the divisor is zero and the dividend is there; NULL without ANSI.
std::string guarded(const std::string& left, const std::string& right, const std::string& body,
                    const std::string& error, const std::string& type, bool ansi) {
  if (!ansi) {
    return "CASE WHEN " + right + " <> 0 THEN " + body + " END";
  }
  return "CASE WHEN " + right + " = 0 AND " + left + " IS NOT NULL THEN CAST(error(" + error +
         ") AS " + type + ") ELSE " + body + " END";
}

constexpr const char* kDivideByZero =
    "'[DIVIDE_BY_ZERO] Division by zero. Use `try_divide` to tolerate divisor being 0 and return "
    "NULL instead. If necessary set \"spark.sql.ansi.enabled\" to \"false\" to bypass this error. "
    "SQLSTATE: 22012'";
constexpr const char* kRemainderByZero =
    "'[REMAINDER_BY_ZERO] Remainder by zero. Use `try_mod` to tolerate divisor being 0 and return "
    "NULL instead. If necessary set \"spark.sql.ansi.enabled\" to \"false\" to bypass this error. "
    "SQLSTATE: 22012'";

}  // namespace

Value Analyzer::divide(const Value& left, const Value& right, const Position&) {
  Value out = merged(left, right);
  out.type = kDouble;
  out.nullable = out.nullable || !(ansi() && !tolerant_);
  const std::string body = "(" + left.sql + " / " + right.sql + ")";
  // A literal that is not zero needs no guard.
  const bool safe = right.literal && right.literal->find_first_of("123456789") != std::string::npos;
  if (safe) {
    out.sql = body;
    return out;
  }
  out.sql = guarded(left.sql, right.sql, body, kDivideByZero, "DOUBLE", (ansi() && !tolerant_));
  out.sql = "(" + out.sql + ")";
  out.can_throw = out.can_throw || (ansi() && !tolerant_);
  return out;
}

Value Analyzer::remainder(const Value& left, const Value& right, const DataType& type,
                          const std::string&, const Position&) {
  Value out = merged(left, right);
  out.type = type;
  // fmod and Java's % agree; so do the integers', whose sign is the dividend's.
  const std::string whole = "CAST((CAST(" + left.sql + " AS HUGEINT) % CAST(" + right.sql +
                            " AS HUGEINT)) AS " + type.to_duckdb() + ")";
  const std::string body = type.is_integral() ? whole : "(" + left.sql + " % " + right.sql + ")";
  out.sql = "(" +
            guarded(left.sql, right.sql, body, kRemainderByZero, type.to_duckdb(),
                    (ansi() && !tolerant_)) +
            ")";
  out.can_throw = out.can_throw || (ansi() && !tolerant_);
  return out;
}

Value Analyzer::integral_arithmetic(const std::string& op, const Value& left, const Value& right,
                                    const DataType& type, const Position&) {
  Value out = merged(left, right);
  out.type = type;
  if (op == "DIV") {
    // In 128 bits, so that -2^63 DIV -1 is judged by the cast.
    const std::string body =
        "(CAST(" + left.sql + " AS HUGEINT) // CAST(" + right.sql + " AS HUGEINT))";
    out.sql = "CAST(" + guarded(left.sql, right.sql, body, kDivideByZero, "HUGEINT", ansi()) +
              " AS BIGINT)";
    out.can_throw = true;
    return out;
  }
  if (ansi()) {
    out.sql = "(" + left.sql + " " + op + " " + right.sql + ")";
    out.can_throw = true;
    return out;
  }
  // Java's arithmetic wraps round.
  bool can_throw = false;
  const std::string wide =
      "(CAST(" + left.sql + " AS HUGEINT) " + op + " CAST(" + right.sql + " AS HUGEINT))";
  out.sql = *cast_numeric(wide, DataType::decimal(38, 0), type, CastMode::kLegacy, can_throw);
  return out;
}

Value Analyzer::decimal_arithmetic(const std::string& op, const Value& left, const Value& right,
                                   const DataType&, const Position& at) {
  if (left.bad || right.bad) {
    return bad();
  }
  const int p1 = left.type.precision();
  const int s1 = left.type.scale();
  const int p2 = right.type.precision();
  const int s2 = right.type.scale();
  int precision = 0;
  int scale = 0;
  if (op == "+" || op == "-") {
    scale = std::max(s1, s2);
    precision = std::max(p1 - s1, p2 - s2) + scale + 1;
  } else if (op == "*") {
    scale = s1 + s2;
    precision = p1 + p2 + 1;
  } else if (op == "/") {
    scale = std::max(6, s1 + p2 + 1);
    precision = p1 - s1 + s2 + scale;
  } else if (op == "%") {
    scale = std::max(s1, s2);
    precision = std::min(p1 - s1, p2 - s2) + scale;
  } else {
    return refuse(at, "DIV of decimals");
  }
  Value out = merged(left, right);
  out.type = adjusted_decimal(precision, scale);
  const bool fits = precision <= 38;
  if (!fits || op == "/" || op == "%") {
    return refuse(
        at, op == "/" || op == "%" ? "division of decimals" : "decimals of more than 38 digits");
  }
  const std::string type = out.type.to_duckdb();
  if (op == "*") {
    out.sql = "CAST((" + left.sql + " * " + right.sql + ") AS " + type + ")";
  } else {
    out.sql = "CAST((CAST(" + left.sql + " AS " + type + ") " + op + " CAST(" + right.sql + " AS " +
              type + ")) AS " + type + ")";
  }
  return out;
}

}  // namespace sluice::sparksql
