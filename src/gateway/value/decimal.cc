#include "gateway/value/decimal.h"

#include <charconv>
#include <limits>

namespace sluice::gateway {
namespace {

// Without leading zeros; "-0" is "0".
std::string normal_integer(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  while (text.size() > 1 && text.front() == '0')
    text.remove_prefix(1);
  if (text.empty() || text == "0") return "0";
  return (negative ? "-" : "") + std::string(text);
}

}  // namespace

Value read_integer(Arena& arena, std::string_view text) {
  std::int64_t n = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), n);
  if (end.ec == std::errc::result_out_of_range) {
    return Value::of(arena.copy(normal_integer(text)), Kind::kBigInteger);
  }
  // "-" alone reads as 0, as json-smart does.
  if (n >= std::numeric_limits<std::int32_t>::min() &&
      n <= std::numeric_limits<std::int32_t>::max()) {
    return Value::of_int(n);
  }
  return Value::of_long(n);
}

std::optional<Decimal> parse_decimal(std::string_view text) {
  Decimal d;
  std::string digits;
  std::size_t i = 0;
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) ++i;
  bool point = false;
  bool any = false;
  for (; i < text.size() && text[i] != 'e' && text[i] != 'E'; ++i) {
    if (text[i] == '.') {
      if (point) return std::nullopt;
      point = true;
      continue;
    }
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    digits += text[i];
    any = true;
    if (point) ++d.scale;
  }
  if (!any) return std::nullopt;
  if (i < text.size()) {
    ++i;
    if (i < text.size() && text[i] == '+') ++i;
    int exponent = 0;
    const auto end = std::from_chars(text.data() + i, text.data() + text.size(), exponent);
    if (end.ec != std::errc() || end.ptr != text.data() + text.size()) return std::nullopt;
    if (exponent > 1'000'000'000 || exponent < -1'000'000'000) return std::nullopt;
    d.scale -= exponent;
  }
  d.unscaled = normal_integer((negative ? "-" : "") + digits);
  return d;
}

std::string to_java(const Decimal& d) {
  const bool negative = d.unscaled.starts_with('-');
  std::string digits = negative ? d.unscaled.substr(1) : d.unscaled;
  const long adjusted = -static_cast<long>(d.scale) + static_cast<long>(digits.size()) - 1;
  std::string out = negative ? "-" : "";
  if (d.scale == 0) return out + digits;
  if (d.scale > 0 && adjusted >= -6) {
    const long before = static_cast<long>(digits.size()) - d.scale;
    if (before > 0) {
      return out + digits.substr(0, static_cast<std::size_t>(before)) + "." +
             digits.substr(static_cast<std::size_t>(before));
    }
    return out + "0." + std::string(static_cast<std::size_t>(-before), '0') + digits;
  }
  out += digits[0];
  if (digits.size() > 1) out += "." + digits.substr(1);
  if (adjusted != 0) out += std::string("E") + (adjusted > 0 ? "+" : "") + std::to_string(adjusted);
  return out;
}

bool read_decimal(Arena& arena, std::string_view text, Value& out) {
  const std::optional<Decimal> d = parse_decimal(text);
  if (!d) return false;
  out = Value::of(arena.copy(to_java(*d)), Kind::kBigDecimal);
  return true;
}

}  // namespace sluice::gateway
