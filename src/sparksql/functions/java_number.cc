#include "sparksql/functions/java_number.h"

#include <algorithm>
#include <array>
#include <bit>
#include <boost/multiprecision/cpp_int.hpp>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "sparksql/functions/unicode.h"

namespace sluice::sparksql {
namespace {

using Big = boost::multiprecision::cpp_int;

// Significant decimal digits d1 d2 d3… of 0.d1d2d3… × 10^exponent.
struct Digits {
  std::string text;
  int exponent = 0;
};

int bit_length(std::uint64_t value) {
  return 64 - std::countl_zero(value);
}

Big big_power_of_ten(int exponent) {
  Big out = 1;
  Big square = 10;
  for (; exponent > 0; exponent /= 2) {
    if (exponent % 2 != 0) out *= square;
    square *= square;
  }
  return out;
}

void strip_zeros(Digits& digits) {
  while (digits.text.size() > 1 && digits.text.back() == '0')
    digits.text.pop_back();
}

// A whole number below 2^63: Java writes all digits but those that an error of half a unit in the
// last binary place covers, which can be more than needed.
Digits whole_digits(std::uint64_t value, int binary_exponent, int significant_bits) {
  int insignificant = 0;
  if (binary_exponent > significant_bits) {
    const int bits = binary_exponent - significant_bits - 1;
    if (bits > 1) insignificant = static_cast<int>(bits * 0.30103);
  }
  int dropped = 0;
  if (insignificant > 0) {
    std::uint64_t power = 1;
    for (int i = 0; i < insignificant; ++i)
      power *= 10;
    const std::uint64_t rest = value % power;
    value /= power;
    if (rest >= power / 2) ++value;
    dropped = insignificant;
  }
  Digits out{.text = std::to_string(value)};
  out.exponent = static_cast<int>(out.text.size()) + dropped;
  strip_zeros(out);
  return out;
}

// mantissa × 2^exponent by digit generation over exact integers, stopping strictly inside half a
// unit of the last binary place (Steele and White), with Java's rule that a number printed with an
// exponent has two digits at least.
Digits exact_digits(std::uint64_t mantissa, int exponent, int significant_bits) {
  const int top_bit = bit_length(mantissa) - 1 + exponent;
  int decimal = static_cast<int>(std::floor(top_bit * 0.30102999566398120));
  // Half the distance to the next double; below a power of two the neighbours are closer.
  const int half_exponent = top_bit - significant_bits - (std::has_single_bit(mantissa) ? 1 : 0);
  // All over 2^shift, so that everything is whole.
  const int shift = std::max({0, -exponent, -half_exponent});
  Big value = Big(mantissa) << (exponent + shift);
  Big half = Big(1) << (half_exponent + shift);
  Big scale = Big(1) << shift;
  if (decimal > 0) {
    scale *= big_power_of_ten(decimal);
  } else if (decimal < 0) {
    const Big power = big_power_of_ten(-decimal);
    value *= power;
    half *= power;
  }
  if (value >= scale * 10) {
    scale *= 10;
    ++decimal;
  }
  Digits out;
  bool low = false;
  bool high = false;
  bool first = true;
  Big rest = value;
  for (;;) {
    Big quotient;
    Big remainder;
    divide_qr(rest, scale, quotient, remainder);
    low = remainder < half;
    high = remainder + half > scale;
    const int digit = static_cast<int>(quotient);
    if (first && digit == 0 && !high) {
      --decimal;
    } else {
      out.text.push_back(static_cast<char>('0' + digit));
    }
    if (first && (decimal < -3 || decimal >= 8)) low = high = false;
    first = false;
    rest = remainder * 10;
    half *= 10;
    if (low || high) {
      bool up = high;
      if (low && high) {
        const Big twice = remainder * 2;
        up = twice > scale || (twice == scale && (out.text.back() & 1) != 0);
      }
      if (up) {
        auto at = out.text.size();
        while (at > 0 && out.text[at - 1] == '9')
          out.text[--at] = '0';
        if (at == 0) {
          out.text.insert(out.text.begin(), '1');
          out.text.pop_back();
          ++decimal;
        } else {
          ++out.text[at - 1];
        }
      }
      break;
    }
  }
  out.exponent = decimal + 1;
  strip_zeros(out);
  return out;
}

template <class Real>
Digits shortest_digits(Real value) {
  std::array<char, 40> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                 std::chars_format::scientific)
                       .ptr;
  Digits out;
  const char* at = buffer.data();
  for (; at < end && *at != 'e'; ++at) {
    if (*at != '.') out.text.push_back(*at);
  }
  ++at;
  if (*at == '+') ++at;
  std::from_chars(at, end, out.exponent);
  ++out.exponent;
  strip_zeros(out);
  return out;
}

void append_digits(std::string& out, const Digits& digits) {
  const int e = digits.exponent;
  const std::string& d = digits.text;
  const auto n = static_cast<int>(d.size());
  if (e > -3 && e <= 0) {
    out += "0.";
    out.append(static_cast<std::size_t>(-e), '0');
    out += d;
  } else if (e > 0 && e < 8) {
    out.append(d, 0, static_cast<std::size_t>(std::min(e, n)));
    if (n <= e) {
      out.append(static_cast<std::size_t>(e - n), '0');
      out += ".0";
    } else {
      out += '.';
      out.append(d, static_cast<std::size_t>(e));
    }
  } else {
    out += d[0];
    out += '.';
    if (n > 1)
      out.append(d, 1);
    else
      out += '0';
    out += 'E';
    out += std::to_string(e - 1);
  }
}

template <class Real>
void append_real(std::string& out, Real value) {
  constexpr int kBits = std::numeric_limits<Real>::digits;
  if (std::isnan(value)) {
    out += "NaN";
    return;
  }
  if (std::signbit(value)) out += '-';
  value = std::fabs(value);
  if (std::isinf(value)) {
    out += "Infinity";
    return;
  }
  if (value == 0) {
    out += "0.0";
    return;
  }
  int exponent = 0;
  const Real fraction = std::frexp(value, &exponent);
  auto mantissa = static_cast<std::uint64_t>(std::ldexp(static_cast<double>(fraction), kBits));
  exponent -= kBits;
  const int zeros = std::countr_zero(mantissa);
  mantissa >>= zeros;
  exponent += zeros;
  const int top_bit = bit_length(mantissa) - 1 + exponent;
  const int significant = value < std::numeric_limits<Real>::min()
                              ? top_bit - (std::numeric_limits<Real>::min_exponent - kBits) + 1
                              : kBits;
  if (exponent >= 0 && top_bit <= 62)
    return append_digits(out, whole_digits(mantissa << exponent, top_bit, significant));
  if (mantissa != 1 && value < Real(1e6) && value >= std::numeric_limits<Real>::min()) {
    const Digits digits = shortest_digits(value);
    const int last = digits.exponent - static_cast<int>(digits.text.size());
    const bool plain = digits.exponent > -3;
    if (last <= -3 && (plain || digits.text.size() > 2)) return append_digits(out, digits);
  }
  append_digits(out, exact_digits(mantissa, exponent, significant));
}

// The words of Spark's Cast.processFloatingPointSpecialLiterals.
template <class Real>
std::optional<Real> special_real(std::string_view text) {
  std::string word(text);
  for (char& c : word) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  if (word == "inf" || word == "+inf" || word == "infinity" || word == "+infinity")
    return std::numeric_limits<Real>::infinity();
  if (word == "-inf" || word == "-infinity") return -std::numeric_limits<Real>::infinity();
  if (word == "nan") return std::numeric_limits<Real>::quiet_NaN();
  return std::nullopt;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Java's HexFloat: 0x1.8p3, the exponent required.
bool is_hex_float(std::string_view text) {
  if (text.size() < 3 || text[0] != '0' || (text[1] | 32) != 'x') return false;
  std::size_t i = 2;
  std::size_t digits = 0;
  const auto hex = [](char c) {
    const char lower = static_cast<char>(c | 32);
    return is_digit(c) || (lower >= 'a' && lower <= 'f');
  };
  for (; i < text.size() && hex(text[i]); ++i)
    ++digits;
  if (i < text.size() && text[i] == '.') {
    for (++i; i < text.size() && hex(text[i]); ++i)
      ++digits;
  }
  if (digits == 0 || i >= text.size() || (text[i] | 32) != 'p') return false;
  ++i;
  if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
  const std::size_t start = i;
  while (i < text.size() && is_digit(text[i]))
    ++i;
  return i == text.size() && i > start;
}

bool is_decimal_float(std::string_view text) {
  std::size_t i = 0;
  std::size_t digits = 0;
  for (; i < text.size() && is_digit(text[i]); ++i)
    ++digits;
  if (i < text.size() && text[i] == '.') {
    for (++i; i < text.size() && is_digit(text[i]); ++i)
      ++digits;
  }
  if (digits == 0) return false;
  if (i < text.size() && (text[i] | 32) == 'e') {
    ++i;
    if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
    const std::size_t start = i;
    while (i < text.size() && is_digit(text[i]))
      ++i;
    if (i == start) return false;
  }
  return i == text.size();
}

template <class Real>
Real read_real(std::string_view body, std::chars_format format) {
  Real value = 0;
  const auto [end, error] = std::from_chars(body.data(), body.data() + body.size(), value, format);
  if (error != std::errc::result_out_of_range) return value;
  // Too large or too small: strtod tells which.
  const std::string copy = (format == std::chars_format::hex ? "0x" : "") + std::string(body);
  if constexpr (sizeof(Real) == sizeof(float)) return std::strtof(copy.c_str(), nullptr);
  return static_cast<Real>(std::strtod(copy.c_str(), nullptr));
}

template <class Real>
std::optional<Real> parse_real(std::string_view text) {
  const std::string_view trimmed = java_trim(text);
  std::string_view body = trimmed;
  bool negative = false;
  if (!body.empty() && (body[0] == '-' || body[0] == '+')) {
    negative = body[0] == '-';
    body.remove_prefix(1);
  }
  if (body == "NaN") return std::numeric_limits<Real>::quiet_NaN();
  if (body == "Infinity")
    return negative ? -std::numeric_limits<Real>::infinity()
                    : std::numeric_limits<Real>::infinity();
  std::string_view number = body;
  if (!number.empty()) {
    const char last = static_cast<char>(number.back() | 32);
    if (last == 'd' || last == 'f') number.remove_suffix(1);
  }
  Real value = 0;
  if (is_decimal_float(number)) {
    value = read_real<Real>(number, std::chars_format::general);
  } else if (is_hex_float(number)) {
    value = read_real<Real>(number.substr(2), std::chars_format::hex);
  } else {
    return special_real<Real>(trimmed);
  }
  return negative ? -value : value;
}

// The digits of a BigDecimal's text. Digits of other scripts count (Character.isDigit).
struct DecimalText {
  bool negative = false;
  std::string digits;      // no sign, no point, leading zeros dropped
  std::int64_t scale = 0;  // value = digits × 10^-scale
};

std::optional<DecimalText> read_decimal_text(std::string_view text) {
  text = java_trim(text);
  DecimalText out;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    out.negative = text[0] == '-';
    text.remove_prefix(1);
  }
  bool any = false;
  bool point = false;
  std::size_t i = 0;
  while (i < text.size()) {
    const char c = text[i];
    int digit = -1;
    if (is_digit(c)) {
      digit = c - '0';
      ++i;
    } else if (c == '.') {
      if (point) return std::nullopt;
      point = true;
      ++i;
      continue;
    } else if ((c & 0x80) != 0) {
      digit = unicode_digit(next_code_point(text, i));
      if (digit < 0) return std::nullopt;
    } else {
      break;
    }
    any = true;
    if (digit != 0 || !out.digits.empty()) out.digits.push_back(static_cast<char>('0' + digit));
    if (point) ++out.scale;
  }
  if (!any) return std::nullopt;
  if (i == text.size()) return out;
  if ((text[i] | 32) != 'e') return std::nullopt;
  std::string_view exponent = text.substr(i + 1);
  if (exponent.starts_with('+')) {
    exponent.remove_prefix(1);
    if (exponent.starts_with('-')) return std::nullopt;
  }
  std::int64_t value = 0;
  const auto [end, error] =
      std::from_chars(exponent.data(), exponent.data() + exponent.size(), value);
  if (error != std::errc() || end != exponent.data() + exponent.size()) return std::nullopt;
  // Java keeps the exponent and the scale in an int.
  constexpr std::int64_t kMax = std::numeric_limits<std::int32_t>::max();
  if (value > kMax || value < -kMax) return std::nullopt;
  out.scale -= value;
  if (out.scale > kMax || out.scale < -kMax) return std::nullopt;
  return out;
}

}  // namespace

void append_java_double(std::string& out, double value) {
  append_real(out, value);
}

void append_java_float(std::string& out, float value) {
  append_real(out, value);
}

namespace {

__extension__ using Uint128 = unsigned __int128;

std::string decimal_digits(Int128 unscaled) {
  std::string out;
  auto rest = static_cast<Uint128>(unscaled < 0 ? -unscaled : unscaled);
  do {
    out.push_back(static_cast<char>('0' + static_cast<int>(rest % 10)));
    rest /= 10;
  } while (rest != 0);
  std::reverse(out.begin(), out.end());
  return out;
}

}  // namespace

void append_plain_decimal(std::string& out, Int128 unscaled, int scale) {
  std::string digits = decimal_digits(unscaled);
  const auto width = static_cast<std::size_t>(scale);
  if (digits.size() <= width) digits.insert(0, width + 1 - digits.size(), '0');
  if (unscaled < 0) out += '-';
  out.append(digits, 0, digits.size() - width);
  if (width == 0) return;
  out += '.';
  out.append(digits, digits.size() - width);
}

void append_java_decimal(std::string& out, Int128 unscaled, int scale) {
  const std::string digits = decimal_digits(unscaled);
  const int adjusted = static_cast<int>(digits.size()) - 1 - scale;
  if (adjusted >= -6) return append_plain_decimal(out, unscaled, scale);
  if (unscaled < 0) out += '-';
  out += digits[0];
  if (digits.size() > 1) {
    out += '.';
    out.append(digits, 1);
  }
  out += 'E';
  out += std::to_string(adjusted);
}

std::string_view trim_all(std::string_view text) {
  const auto blank = [](char c) { return (static_cast<unsigned char>(c) <= 0x20) || c == 0x7f; };
  while (!text.empty() && blank(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && blank(text.back()))
    text.remove_suffix(1);
  return text;
}

std::string_view java_trim(std::string_view text) {
  const auto blank = [](char c) { return static_cast<unsigned char>(c) <= 0x20; };
  while (!text.empty() && blank(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && blank(text.back()))
    text.remove_suffix(1);
  return text;
}

std::optional<std::int64_t> parse_integer(std::string_view text, std::int64_t min, std::int64_t max,
                                          bool truncate) {
  text = trim_all(text);
  if (text.empty()) return std::nullopt;
  const bool negative = text[0] == '-';
  if (negative || text[0] == '+') {
    text.remove_prefix(1);
    if (text.empty()) return std::nullopt;
  }
  // Counts downwards: the smallest number has no positive twin.
  std::int64_t value = 0;
  std::size_t i = 0;
  for (; i < text.size(); ++i) {
    if (text[i] == '.' && truncate) {
      ++i;
      break;
    }
    if (!is_digit(text[i])) return std::nullopt;
    if (__builtin_mul_overflow(value, std::int64_t{10}, &value)) return std::nullopt;
    if (__builtin_sub_overflow(value, std::int64_t{text[i] - '0'}, &value)) return std::nullopt;
  }
  for (; i < text.size(); ++i) {
    if (!is_digit(text[i])) return std::nullopt;
  }
  if (!negative) {
    if (value == std::numeric_limits<std::int64_t>::min()) return std::nullopt;
    value = -value;
  }
  if (value < min || value > max) return std::nullopt;
  return value;
}

std::optional<double> parse_double(std::string_view text) {
  return parse_real<double>(text);
}

std::optional<float> parse_float(std::string_view text) {
  return parse_real<float>(text);
}

std::optional<bool> parse_boolean(std::string_view text) {
  text = trim_all(text);
  if (text.size() > 5) return std::nullopt;
  std::string word(text);
  for (char& c : word) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  for (const char* yes : {"t", "true", "y", "yes", "1"}) {
    if (word == yes) return true;
  }
  for (const char* no : {"f", "false", "n", "no", "0"}) {
    if (word == no) return false;
  }
  return std::nullopt;
}

ParsedDecimal parse_decimal(std::string_view text, int precision, int scale) {
  using Status = ParsedDecimal::Status;
  const auto parsed = read_decimal_text(text);
  if (!parsed) return {.status = Status::kMalformed};
  const std::string& digits = parsed->digits;
  if (digits.empty()) {
    // Zero has one digit before its scale, too.
    if (parsed->scale < -37) return {.status = Status::kTooLarge, .beyond_38_digits = true};
    return {.status = Status::kOk};
  }
  // Digits that stay left of the new last place.
  const std::int64_t kept = static_cast<std::int64_t>(digits.size()) - parsed->scale + scale;
  const bool beyond = static_cast<std::int64_t>(digits.size()) - parsed->scale > 38;
  if (kept > precision) return {.status = Status::kTooLarge, .beyond_38_digits = beyond};
  Int128 value = 0;
  for (std::int64_t i = 0; i < kept; ++i) {
    const auto at = static_cast<std::size_t>(i);
    value = value * 10 + (at < digits.size() ? digits[at] - '0' : 0);
  }
  if (kept >= 0 && kept < static_cast<std::int64_t>(digits.size()) &&
      digits[static_cast<std::size_t>(kept)] >= '5')
    ++value;
  if (value >= power_of_ten(precision))
    return {.status = Status::kTooLarge, .beyond_38_digits = beyond};
  return {.status = Status::kOk, .unscaled = parsed->negative ? -value : value};
}

}  // namespace sluice::sparksql
