// AWS' sequence numbers, version 2 (docs/formats/sequence-number.md). From the top: 2 | shard
// creation, 36 bits | low nibble of the shard | index, 64 | zero, 8 | arrival, 36 | shard, 32 | 2.
#include <algorithm>
#include <array>
#include <cstdint>

#include "streams/streams.h"

namespace sluice::streams {
namespace {

using base::Uint128;

constexpr std::size_t kDigits = 56;
constexpr std::uint64_t kSecondsMax = (std::uint64_t{1} << 36) - 1;
constexpr std::uint64_t kTenTo19 = 10'000'000'000'000'000'000ULL;
constexpr std::uint64_t kVersion = 2;

struct Wide {  // 192 bits, most significant first
  std::array<std::uint64_t, 3> word{};
};

std::uint64_t clamp_seconds(std::int64_t s) {
  return static_cast<std::uint64_t>(std::clamp(s, std::int64_t{0}, std::int64_t{kSecondsMax}));
}

// Bits 0-3 version, 4-35 shard, 36-71 arrival, 72-79 zero, 80-143 index, 144-147 nibble,
// 148-183 creation, 184-187 the leading 2.
Wide pack(const SequenceNumber& n) {
  const std::uint64_t created = clamp_seconds(n.shard_created_s);
  const std::uint64_t arrival = clamp_seconds(n.arrival_s);
  const std::uint64_t shard = n.shard();
  const std::uint64_t index = n.index();
  Wide w;
  w.word[2] = kVersion | shard << 4 | arrival << 36;
  w.word[1] = arrival >> 28 | index << 16;
  w.word[0] = index >> 48 | (shard & 15) << 16 | created << 20 | std::uint64_t{2} << 56;
  return w;
}

std::uint64_t divide(Wide& w, std::uint64_t by) {
  std::uint64_t rest = 0;
  for (std::uint64_t& word : w.word) {
    const Uint128 part = base::make_uint128(rest, word);
    word = static_cast<std::uint64_t>(part / by);
    rest = static_cast<std::uint64_t>(part % by);
  }
  return rest;
}

}  // namespace

std::string SequenceNumber::to_string() const {
  Wide w = pack(*this);
  std::string digits(kDigits, '0');
  std::size_t at = kDigits;
  for (const std::size_t group : {19U, 19U, 18U}) {
    std::uint64_t part = divide(w, kTenTo19);
    for (std::size_t i = 0; i < group; ++i, part /= 10)
      digits[--at] = static_cast<char>('0' + part % 10);
  }
  return digits;
}

std::optional<SequenceNumber> SequenceNumber::parse(std::string_view digits) {
  if (digits.size() != kDigits) return std::nullopt;
  Wide w;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    Uint128 carry = static_cast<unsigned>(c - '0');
    for (auto word = w.word.rbegin(); word != w.word.rend(); ++word) {
      carry += Uint128{*word} * 10;
      *word = static_cast<std::uint64_t>(carry);
      carry >>= 64;
    }
    if (carry != 0) return std::nullopt;
  }
  SequenceNumber n;
  n.shard = ShardIndex(static_cast<std::uint32_t>(w.word[2] >> 4));
  n.arrival_s = static_cast<std::int64_t>(w.word[2] >> 36 | (w.word[1] & 0xff) << 28);
  n.index = journal::Index(w.word[1] >> 16 | w.word[0] << 48);
  n.shard_created_s = static_cast<std::int64_t>(w.word[0] >> 20 & kSecondsMax);
  const bool well_formed = (w.word[2] & 15) == kVersion && (w.word[1] >> 8 & 0xff) == 0 &&
                           (w.word[0] >> 16 & 15) == (n.shard() & 15) && w.word[0] >> 56 == 2 &&
                           n.index <= kMaxIndex;
  if (!well_formed) return std::nullopt;
  return n;
}

}  // namespace sluice::streams
