// The plain structs of the door: names, hash ranges, routing.
#include <fmt/core.h>

#include <algorithm>
#include <cassert>
#include <charconv>
#include <limits>

#include "streams/streams.h"

namespace sluice::streams {

std::string StreamKey::arn() const {
  return fmt::format("arn:aws:kinesis:{}:{}:stream/{}", region, account, name);
}

std::string_view status_text(StreamStatus status) {
  switch (status) {
    case StreamStatus::kCreating:
      return "CREATING";
    case StreamStatus::kActive:
      return "ACTIVE";
    case StreamStatus::kUpdating:
      return "UPDATING";
    case StreamStatus::kDeleting:
      break;
  }
  return "DELETING";
}

std::string shard_id(ShardIndex index) {
  return fmt::format("shardId-{:012}", index());
}

std::string Shard::id() const {
  return shard_id(index);
}

std::optional<ShardIndex> parse_shard_id(std::string_view text) {
  // AWS looks only at what stands between the first hyphen and the second (recorded).
  if (const auto dash = text.find('-'); dash != std::string_view::npos) {
    text.remove_prefix(dash + 1);
    text = text.substr(0, text.find('-'));
  }
  std::uint32_t index = 0;
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  const auto parsed = std::from_chars(begin, end, index);
  if (text.empty() || parsed.ec != std::errc() || parsed.ptr != end || index > 0x7fff'ffffU)
    return std::nullopt;
  return ShardIndex(index);
}

std::vector<HashRange> equal_hash_ranges(std::uint32_t count) {
  assert(count > 0);
  // floor(2^128 / count) without 2^128, which does not fit.
  base::Uint128 width = base::kUint128Max / count;
  if (base::kUint128Max % count == count - 1) ++width;
  std::vector<HashRange> ranges(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    ranges[i].first = width * i;
    ranges[i].last = i + 1 < count ? width * (i + 1) - 1 : base::kUint128Max;
  }
  return ranges;
}

const Shard* Stream::find(ShardIndex index) const {
  const auto at = std::ranges::lower_bound(shards, index, {}, &Shard::index);
  return at != shards.end() && at->index == index ? &*at : nullptr;
}

std::uint32_t Stream::route(base::Uint128 hash) const {
  const auto after = std::ranges::upper_bound(
      open_by_hash, hash, {},
      [this](std::uint32_t position) { return shards[position].hash_first; });
  assert(after != open_by_hash.begin() && hash <= shards[*std::prev(after)].hash_last);
  return *std::prev(after);
}

std::vector<std::int64_t> Stream::ends_s() const {
  std::vector<std::int64_t> ends(shards.size(), std::numeric_limits<std::int64_t>::max());
  for (const Shard& child : shards) {
    for (const auto& parent : {child.parent, child.adjacent_parent}) {
      const Shard* found = parent ? find(*parent) : nullptr;
      if (found == nullptr) continue;  // none, or gone
      std::int64_t& end = ends[static_cast<std::size_t>(found - shards.data())];
      end = std::min(end, child.created_s);
    }
  }
  return ends;
}

void Stream::index_shards() {
  open_by_hash.clear();
  for (std::uint32_t i = 0; i < shards.size(); ++i) {
    if (shards[i].open()) open_by_hash.push_back(i);
  }
  std::ranges::sort(open_by_hash, {},
                    [this](std::uint32_t position) { return shards[position].hash_first; });
}

}  // namespace sluice::streams
