#include "kinesis/sequence_text.h"

#include <array>

#include "base/uint128.h"

namespace sluice::kinesis {
namespace {

constexpr std::int64_t kCreatedMaxS = 16'025'175'000;  // beyond, AWS refuses (recorded)

// 192 bits, least significant word first.
using Wide = std::array<std::uint64_t, 3>;

std::optional<Wide> read_decimal(std::string_view digits) {
  Wide wide{};
  for (const char c : digits) {
    base::Uint128 carry = static_cast<unsigned>(c - '0');
    for (std::uint64_t& word : wide) {
      carry += base::Uint128{word} * 10;
      word = static_cast<std::uint64_t>(carry);
      carry >>= 64;
    }
    if (carry != 0) return std::nullopt;
  }
  return wide;
}

// `count` of at most 64 bits from bit `from` on.
std::uint64_t bits(const Wide& wide, unsigned from, unsigned count) {
  const unsigned word = from / 64;
  base::Uint128 two = wide[word];
  if (word < 2) two |= base::Uint128{wide[word + 1]} << 64;
  return static_cast<std::uint64_t>(two >> from % 64) & (~std::uint64_t{0} >> (64 - count));
}

}  // namespace

std::optional<SequenceText> read_sequence_text(std::string_view digits) {
  const auto wide = read_decimal(digits);
  if (!wide) return std::nullopt;
  SequenceText text;
  if ((*wide)[2] ==
      0) {  // 1 | creation, 36 bits | zero, 8 | random, 64 | shard, 16; or the bare tail
    if (bits(*wide, 125, 3) != 0) return std::nullopt;
    text.version = 0;
    text.shard_created_s = static_cast<std::int64_t>(bits(*wide, 88, 36));
    text.shard = static_cast<std::int32_t>(bits(*wide, 0, 16));
    if (text.shard_created_s >= kCreatedMaxS) return std::nullopt;
    return text;
  }
  if (bits(*wide, 184, 8) != 2) return std::nullopt;
  text.version = static_cast<int>(bits(*wide, 0, 4));
  text.shard_created_s = static_cast<std::int64_t>(bits(*wide, 148, 36));
  text.shard = static_cast<std::int32_t>(static_cast<std::uint32_t>(bits(*wide, 4, 32)));
  if (text.version == 1) {
    text.arrival_s = static_cast<std::int64_t>(bits(*wide, 100, 36));
    return text;
  }
  text.arrival_s = static_cast<std::int64_t>(bits(*wide, 36, 36));
  text.index = bits(*wide, 80, 64);
  const bool valid =
      text.version == 2 && text.index >> 63 == 0 && text.shard_created_s < kCreatedMaxS;
  return valid ? std::optional(text) : std::nullopt;
}

}  // namespace sluice::kinesis
