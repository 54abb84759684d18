#include "streams/reshape.h"

#include <fmt/core.h>

#include <algorithm>

namespace sluice::streams {
namespace {

using base::Uint128;

// Shards by their position in Stream::shards: adding one moves them.
using Position = std::uint32_t;

StreamResult<Position> open_shard(const Stream& stream, ShardIndex index) {
  const Shard* shard = stream.find(index);
  if (shard == nullptr)
    return base::fail(StreamError::kNoSuchShard,
                      fmt::format("shard {} of stream {}", shard_id(index), stream.key.name));
  if (!shard->open())
    return base::fail(StreamError::kInvalid,
                      fmt::format("shard {} of stream {} is closed", shard->id(), stream.key.name));
  return static_cast<Position>(shard - stream.shards.data());
}

Position add_shard(Stream& stream, Uint128 first, Uint128 last, std::int64_t created_s) {
  Shard shard;
  shard.index = ShardIndex(stream.shards.back().index() + 1);
  shard.hash_first = first;
  shard.hash_last = last;
  shard.created_s = created_s;
  stream.shards.push_back(shard);
  return static_cast<Position>(stream.shards.size() - 1);
}

// The positions of the two halves, the lower one first.
std::pair<Position, Position> split_at(Stream& stream, Position at, Uint128 upper_first,
                                       std::int64_t now_s) {
  stream.shards[at].closed_at = journal::Index(1);
  const Shard parent = stream.shards[at];
  const std::int64_t created_s = std::max(now_s, parent.created_s) + 1;
  const Position lower = add_shard(stream, parent.hash_first, upper_first - 1, created_s);
  const Position upper = add_shard(stream, upper_first, parent.hash_last, created_s);
  stream.shards[lower].parent = stream.shards[upper].parent = parent.index;
  return {lower, upper};
}

Position merge_at(Stream& stream, Position at, Position next, std::int64_t now_s) {
  stream.shards[at].closed_at = stream.shards[next].closed_at = journal::Index(1);
  const Shard parent = stream.shards[at];
  const Shard adjacent = stream.shards[next];
  const std::int64_t created_s = std::max({now_s, parent.created_s, adjacent.created_s}) + 1;
  const Position child = add_shard(stream, parent.hash_first, adjacent.hash_last, created_s);
  stream.shards[child].parent = parent.index;
  stream.shards[child].adjacent_parent = adjacent.index;
  return child;
}

// Equal parts, but a boundary that is there already stays if it is off by the rounding of another
// count only: half of 12 shards is 6 merges.
std::vector<HashRange> targets_of(const Stream& stream, int count) {
  auto targets = equal_hash_ranges(static_cast<std::uint32_t>(count));
  const auto rounding = Uint128{targets.size() + stream.open_by_hash.size()};
  for (std::size_t i = 1; i < targets.size(); ++i) {
    const auto there =
        std::ranges::lower_bound(stream.open_by_hash, targets[i].first - rounding, {},
                                 [&](Position at) { return stream.shards[at].hash_first; });
    if (there == stream.open_by_hash.end()) continue;
    const Uint128 boundary = stream.shards[*there].hash_first;
    if (boundary > targets[i].first + rounding) continue;
    targets[i].first = boundary;
    targets[i - 1].last = boundary - 1;
  }
  return targets;
}

// Cuts a shard at the boundaries of `targets` within it, the middle one first.
void split_at_targets(Stream& stream, Position at, const std::vector<HashRange>& targets,
                      std::int64_t now_s) {
  const auto first =
      std::ranges::upper_bound(targets, stream.shards[at].hash_first, {}, &HashRange::first);
  const auto last =
      std::ranges::upper_bound(targets, stream.shards[at].hash_last, {}, &HashRange::first);
  if (first == last) return;
  const auto [lower, upper] = split_at(stream, at, (first + (last - first) / 2)->first, now_s);
  split_at_targets(stream, lower, targets, now_s);
  split_at_targets(stream, upper, targets, now_s);
}

}  // namespace

StreamResult<void> split_shard(Stream& stream, ShardIndex shard, Uint128 upper_first,
                               std::int64_t now_s) {
  const auto at = open_shard(stream, shard);
  if (!at) return std::unexpected(at.error());
  const Shard& parent = stream.shards[*at];
  if (upper_first <= parent.hash_first || upper_first > parent.hash_last)
    return base::fail(StreamError::kInvalid,
                      fmt::format("the hash key {} does not split shard {} of stream {}",
                                  base::to_decimal(upper_first), parent.id(), stream.key.name));
  split_at(stream, *at, upper_first, now_s);
  stream.index_shards();
  return {};
}

StreamResult<void> merge_shards(Stream& stream, ShardIndex shard, ShardIndex adjacent,
                                std::int64_t now_s) {
  const auto at = open_shard(stream, shard);
  if (!at) return std::unexpected(at.error());
  const auto next = open_shard(stream, adjacent);
  if (!next) return std::unexpected(next.error());
  // Past the last hash it wraps to 0: then `next` is not higher.
  const bool adjoin = stream.shards[*at].hash_last + 1 == stream.shards[*next].hash_first &&
                      stream.shards[*at].hash_last < stream.shards[*next].hash_first;
  if (!adjoin)
    return base::fail(StreamError::kInvalid,
                      fmt::format("shards {} and {} of stream {} are not adjacent", shard_id(shard),
                                  shard_id(adjacent), stream.key.name));
  merge_at(stream, *at, *next, now_s);
  stream.index_shards();
  return {};
}

void scale_shards(Stream& stream, int count, std::int64_t now_s) {
  const auto targets = targets_of(stream, count);
  for (const Position at : std::vector<Position>(stream.open_by_hash))
    split_at_targets(stream, at, targets, now_s);
  stream.index_shards();
  const std::vector<Position> pieces = stream.open_by_hash;
  auto piece = pieces.begin();
  for (const HashRange& target : targets) {
    std::vector<Position> parts;
    for (; piece != pieces.end() && stream.shards[*piece].hash_last <= target.last; ++piece)
      parts.push_back(*piece);
    while (parts.size() > 1) {
      std::vector<Position> merged;
      for (std::size_t i = 0; i + 1 < parts.size(); i += 2)
        merged.push_back(merge_at(stream, parts[i], parts[i + 1], now_s));
      if (parts.size() % 2 == 1) merged.push_back(parts.back());
      parts = std::move(merged);
    }
  }
  stream.index_shards();
}

}  // namespace sluice::streams
