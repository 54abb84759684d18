// Numbers as text the way Java 17 and Spark write and read them. No DuckDB here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::sparksql {

__extension__ using Int128 = __int128;

// Double.toString and Float.toString: 1.0E10, 0.001, NaN, -0.0. Java 17 is not always shortest
// (2.0E-3 is, 8.409999999999999E21 is not), and so is this.
void append_java_double(std::string& out, double value);
void append_java_float(std::string& out, float value);

// 12.30 for (1230, 2).
void append_plain_decimal(std::string& out, Int128 unscaled, int scale);
// BigDecimal.toString: the exponent form (1E-7) where Java uses it.
void append_java_decimal(std::string& out, Int128 unscaled, int scale);

// Blanks and control characters off both ends, as UTF8String.trimAll does (not NBSP).
std::string_view trim_all(std::string_view text);
// String.trim: everything up to U+0020 off both ends.
std::string_view java_trim(std::string_view text);

// UTF8String.toLong. `truncate`: ANSI mode off, a fraction is cut off (1.9 is 1, "." is 0).
std::optional<std::int64_t> parse_integer(std::string_view text, std::int64_t min, std::int64_t max,
                                          bool truncate);
// Double.parseDouble with Spark's inf and nan words; hexadecimal and the suffixes d and f too.
std::optional<double> parse_double(std::string_view text);
std::optional<float> parse_float(std::string_view text);
std::optional<bool> parse_boolean(std::string_view text);

// A decimal of any length as `new BigDecimal(text)` reads it, already rounded HALF_UP to `scale`.
struct ParsedDecimal {
  enum class Status {
    kOk,
    kMalformed,  // no number
    kTooLarge,   // more than `precision` digits after rounding
  };
  Status status = Status::kMalformed;
  Int128 unscaled = 0;
  bool beyond_38_digits = false;  // of kTooLarge: not even DECIMAL(38, 0) holds its whole part
};
ParsedDecimal parse_decimal(std::string_view text, int precision, int scale);

constexpr Int128 power_of_ten(int exponent) {
  Int128 out = 1;
  for (int i = 0; i < exponent; ++i)
    out *= 10;
  return out;
}

}  // namespace sluice::sparksql
