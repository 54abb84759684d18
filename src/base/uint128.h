// 128-bit unsigned numbers: hash keys and ranges.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::base {

__extension__ using Uint128 = unsigned __int128;

constexpr Uint128 kUint128Max = ~Uint128{0};
constexpr Uint128 make_uint128(std::uint64_t high, std::uint64_t low) {
  return (Uint128{high} << 64) | low;
}
constexpr std::uint64_t high64(Uint128 v) {
  return static_cast<std::uint64_t>(v >> 64);
}
constexpr std::uint64_t low64(Uint128 v) {
  return static_cast<std::uint64_t>(v);
}

std::string to_decimal(Uint128 value);
// Digits only, no sign, no overflow.
std::optional<Uint128> parse_decimal_u128(std::string_view text);

}  // namespace sluice::base
