// Functions over DECIMAL(p, s): made by need, since each precision and scale is a type of its own.
#include <boost/multiprecision/cpp_int.hpp>
#include <charconv>
#include <cmath>

#include "sparksql/functions/java_number.h"
#include "sparksql/functions/native.h"

namespace sluice::sparksql {
namespace {

using Wide = boost::multiprecision::checked_int256_t;

enum class Mode { kAnsi, kTry, kLegacy };

struct DecimalType {
  int precision = 38;
  int scale = 0;
};

Mode mode_of(const NativeFunction& function) {
  const auto found = function.options.find("mode");
  if (found == function.options.end() || found->second == "ansi") return Mode::kAnsi;
  return found->second == "try" ? Mode::kTry : Mode::kLegacy;
}

int number_option(const NativeFunction& function, const char* name, int otherwise) {
  const auto found = function.options.find(name);
  if (found == function.options.end()) return otherwise;
  int value = otherwise;
  std::from_chars(found->second.data(), found->second.data() + found->second.size(), value);
  return value;
}

Int128 read_decimal(const duck::Vector& vector, std::uint64_t row) {
  if (vector.type() != DUCKDB_TYPE_HUGEINT) return vector.int64(row);
  const duckdb_hugeint value = vector.data<duckdb_hugeint>()[row];
  return static_cast<Int128>(value.upper) << 64 | static_cast<Int128>(value.lower);
}

std::string out_of_range(const std::string& value, DecimalType to) {
  return "[NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION] The " + value +
         " cannot be represented as Decimal(" + std::to_string(to.precision) + ", " +
         std::to_string(to.scale) +
         "). If necessary set \"spark.sql.ansi.enabled\" to \"false\" to bypass this error, and "
         "return NULL instead. SQLSTATE: 22003";
}

// numerator / denominator, rounded half away from zero.
Wide divide_half_up(const Wide& numerator, const Wide& denominator) {
  Wide quotient = numerator / denominator;
  Wide rest = numerator % denominator;
  const bool negative = (numerator < 0) != (denominator < 0);
  if (rest < 0) rest = -rest;
  const Wide size = denominator < 0 ? Wide(-denominator) : denominator;
  if (rest * 2 >= size) quotient += negative ? -1 : 1;
  return quotient;
}

Wide wide_power(int exponent) {
  Wide out = 1;
  for (int i = 0; i < exponent; ++i)
    out *= 10;
  return out;
}

Wide rescale(const Wide& value, int from, int to) {
  return to >= from ? Wide(value * wide_power(to - from))
                    : divide_half_up(value, wide_power(from - to));
}

std::string plain_text(const Wide& value, int scale) {
  std::string digits = (value < 0 ? Wide(-value) : value).str();
  const auto width = static_cast<std::size_t>(scale);
  if (digits.size() <= width) digits.insert(0, width + 1 - digits.size(), '0');
  if (width > 0) digits.insert(digits.size() - width, ".");
  return (value < 0 ? "-" : "") + digits;
}

Int128 narrow(const Wide& value) {
  const Wide size = value < 0 ? Wide(-value) : value;
  const auto low = static_cast<std::uint64_t>(size & 0xFFFFFFFFFFFFFFFFULL);
  const auto high = static_cast<std::uint64_t>(size >> 64);
  const auto whole = static_cast<Int128>(high) << 64 | static_cast<Int128>(low);
  return value < 0 ? -whole : whole;
}

// Writes a value of scale `scale` into a result of another, or says that it does not fit.
void put(ScalarCall& call, std::uint64_t i, const Wide& value, int scale, DecimalType to,
         Mode mode) {
  const Wide fitted = rescale(value, scale, to.scale);
  const Wide size = fitted < 0 ? Wide(-fitted) : fitted;
  if (size < wide_power(to.precision)) {
    call.result().set_decimal(i, narrow(fitted));
  } else if (mode == Mode::kAnsi) {
    call.fail(out_of_range(plain_text(value, scale), to));
  } else {
    call.result().set_null(i);
  }
}

void cast_text(ScalarCall& call, std::uint64_t i, DecimalType to, Mode mode) {
  const std::string_view text = call.argument(0).text(i);
  const ParsedDecimal parsed = parse_decimal(text, to.precision, to.scale);
  if (parsed.status == ParsedDecimal::Status::kOk)
    return call.result().set_decimal(i, parsed.unscaled);
  if (mode != Mode::kAnsi) return call.result().set_null(i);
  const std::string type =
      "DECIMAL(" + std::to_string(to.precision) + "," + std::to_string(to.scale) + ")";
  if (parsed.status == ParsedDecimal::Status::kMalformed) return call.fail(cast_error(text, type));
  if (parsed.beyond_38_digits)
    return call.fail("[NUMERIC_OUT_OF_SUPPORTED_RANGE] The value '" + std::string(text) +
                     "' cannot be interpreted as a numeric since it has more than 38 digits. "
                     "SQLSTATE: 22003");
  call.fail(out_of_range(std::string(java_trim(text)), to));
}

void cast_double(ScalarCall& call, std::uint64_t i, DecimalType to, Mode mode) {
  const double value = call.argument(0).real(i);
  std::string text;
  if (call.argument(0).type() == DUCKDB_TYPE_FLOAT)
    append_java_float(text, static_cast<float>(value));
  else
    append_java_double(text, value);
  ParsedDecimal parsed;
  if (std::isfinite(value)) parsed = parse_decimal(text, to.precision, to.scale);
  if (parsed.status == ParsedDecimal::Status::kOk)
    call.result().set_decimal(i, parsed.unscaled);
  else if (mode == Mode::kAnsi && std::isfinite(value))
    call.fail(out_of_range(text, to));
  else
    call.result().set_null(i);
}

struct Operation {
  std::string name;
  DecimalType left;
  DecimalType right;
  DecimalType to;
  Mode mode;
};

void divide_by_zero(ScalarCall& call, std::uint64_t i, const Operation& operation) {
  if (operation.mode != Mode::kAnsi) return call.result().set_null(i);
  const bool remainder = operation.name == "mod" || operation.name == "pmod";
  call.fail(remainder
                ? "[REMAINDER_BY_ZERO] Remainder by zero. Use `try_mod` to tolerate divisor being "
                  "0 and return NULL instead. If necessary set \"spark.sql.ansi.enabled\" to "
                  "\"false\" to bypass this error. SQLSTATE: 22012"
                : "[DIVIDE_BY_ZERO] Division by zero. Use `try_divide` to tolerate divisor being 0 "
                  "and return NULL instead. If necessary set \"spark.sql.ansi.enabled\" to "
                  "\"false\" to bypass this error. SQLSTATE: 22012");
}

void operate(ScalarCall& call, std::uint64_t i, const Operation& operation) {
  const Wide left = read_decimal(call.argument(0), i);
  const Wide right = read_decimal(call.argument(1), i);
  const int common = std::max(operation.left.scale, operation.right.scale);
  const std::string& name = operation.name;
  if (name == "multiply") {
    return put(call, i, left * right, operation.left.scale + operation.right.scale, operation.to,
               operation.mode);
  }
  const Wide a = rescale(left, operation.left.scale, common);
  const Wide b = rescale(right, operation.right.scale, common);
  if (name == "add") return put(call, i, a + b, common, operation.to, operation.mode);
  if (name == "subtract") return put(call, i, a - b, common, operation.to, operation.mode);
  if (right == 0) return divide_by_zero(call, i, operation);
  if (name == "int_divide") return put(call, i, a / b, 0, operation.to, operation.mode);
  if (name == "divide") {
    // One digit more than kept, as Spark's division and its rounding are two steps.
    const int scale = std::max(operation.to.scale, 0);
    const Wide quotient = divide_half_up(a * wide_power(scale), b);
    return put(call, i, quotient, scale, operation.to, operation.mode);
  }
  Wide rest = a % b;
  if (name == "pmod" && rest < 0) rest = (rest + b) % b;
  put(call, i, rest, common, operation.to, operation.mode);
}

}  // namespace

duck::DuckResult<void> register_decimal_native(duck::Connection& connection,
                                               const NativeFunction& function) {
  const DecimalType to{function.type.precision(), function.type.scale()};
  const Mode mode = mode_of(function);
  const DecimalType first{number_option(function, "p1", 38), number_option(function, "s1", 0)};
  const DecimalType second{number_option(function, "p2", 38), number_option(function, "s2", 0)};
  duck::ScalarFunction native{.name = function.name,
                              .arguments = {},
                              .result = to_logical_type(function.type),
                              .body = {},
                              .is_volatile = mode == Mode::kAnsi};
  const auto body = [&](auto row) {
    native.body = [row](ScalarCall& call) { each_row(call, row); };
  };
  if (function.kind == "cast_decimal") {
    native.arguments.push_back(native_type('s'));
    body([to, mode](ScalarCall& call, std::uint64_t i) { cast_text(call, i, to, mode); });
  } else if (function.kind == "double_to_decimal") {
    native.arguments.push_back(native_type('d'));
    body([to, mode](ScalarCall& call, std::uint64_t i) { cast_double(call, i, to, mode); });
  } else if (function.kind == "decimal_cast") {
    native.arguments.push_back(duck::LogicalType::decimal(first.precision, first.scale));
    body([to, mode, first](ScalarCall& call, std::uint64_t i) {
      put(call, i, Wide(read_decimal(call.argument(0), i)), first.scale, to, mode);
    });
  } else if (function.kind == "decimal_op" && function.options.contains("op")) {
    native.arguments.push_back(duck::LogicalType::decimal(first.precision, first.scale));
    native.arguments.push_back(duck::LogicalType::decimal(second.precision, second.scale));
    body([operation = Operation{function.options.at("op"), first, second, to, mode}](
             ScalarCall& call, std::uint64_t i) { operate(call, i, operation); });
  } else {
    return base::fail(duck::DuckError::kInternal, "no native function of kind " + function.kind);
  }
  return duck::register_scalar(connection, std::move(native));
}

}  // namespace sluice::sparksql
