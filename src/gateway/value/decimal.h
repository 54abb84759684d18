// Numbers beyond 64 bits, as decimal text: Java's BigInteger and BigDecimal.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gateway/value/value.h"

namespace sluice::gateway {

// Digits with an optional '-': Integer, Long or BigInteger, the smallest that holds it.
Value read_integer(Arena& arena, std::string_view text);
// `text` in the form of a JSON number; false: it is none. The result prints as Java's BigDecimal.
bool read_decimal(Arena& arena, std::string_view text, Value& out);

// The decimal text of an unscaled value and its scale, and back.
struct Decimal {
  std::string unscaled;  // digits with an optional '-'
  int scale = 0;
};
std::optional<Decimal> parse_decimal(std::string_view text);
std::string to_java(const Decimal& d);

}  // namespace sluice::gateway
