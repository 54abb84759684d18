#include "shape.h"

#include <fmt/core.h>

#include <algorithm>

namespace sluice::sim {
namespace {

using streams::Shard;
using streams::Stream;

bool same_settings(const streams::StreamSettings& a, const streams::StreamSettings& b) {
  return a.mode == b.mode && a.retention_hours == b.retention_hours && a.tags == b.tags;
}

bool same_shard(const Shard& a, const Shard& b) {
  return a.index == b.index && a.lane == b.lane && a.hash_first == b.hash_first &&
         a.hash_last == b.hash_last && a.created_s == b.created_s && a.parent == b.parent &&
         a.adjacent_parent == b.adjacent_parent && a.closed_at == b.closed_at;
}

std::string flaw_of_parent(const Stream& stream, const Shard& child,
                           std::optional<streams::ShardIndex> parent) {
  if (!parent) return {};
  const Shard* found = stream.find(*parent);
  if (found == nullptr) return {};  // expired
  if (found->open()) return fmt::format("{} has a child and is open", found->id());
  if (found->created_s >= child.created_s)
    return fmt::format("{} is not younger than its parent {}", child.id(), found->id());
  return {};
}

}  // namespace

std::string flaw_of(const Stream& stream) {
  base::Uint128 next = 0;
  for (const std::uint32_t at : stream.open_by_hash) {
    const Shard& shard = stream.shards[at];
    if (shard.hash_first != next || shard.hash_last < shard.hash_first)
      return fmt::format("the open shards do not tile the hash space at {}", shard.id());
    next = shard.hash_last + 1;  // 0 behind the last one
  }
  if (stream.open_by_hash.empty() || next != 0) return "the open shards do not fill the hash space";
  for (std::size_t i = 0; i < stream.shards.size(); ++i) {
    const Shard& shard = stream.shards[i];
    if (i > 0 && stream.shards[i - 1].index >= shard.index) return "the shards are out of order";
    for (const auto parent : {shard.parent, shard.adjacent_parent}) {
      if (auto flaw = flaw_of_parent(stream, shard, parent); !flaw.empty()) return flaw;
    }
  }
  return {};
}

std::string flaw_of_rest(const Stream& before, const Stream& after,
                         const std::function<bool(const Shard&)>& may_go) {
  if (before.incarnation != after.incarnation) return "it is another stream of that name";
  if (before.created_ms != after.created_ms) return "its time of creation changed";
  if (!same_settings(before.settings, after.settings)) return "its settings changed";
  for (const Shard& shard : before.shards) {
    const Shard* there = after.find(shard.index);
    if (there == nullptr && !may_go(shard)) return fmt::format("{} is gone", shard.id());
    if (there != nullptr && !same_shard(shard, *there))
      return fmt::format("{} changed", shard.id());
  }
  for (const Shard& shard : after.shards) {
    if (before.find(shard.index) == nullptr) return fmt::format("{} came from nowhere", shard.id());
  }
  return {};
}

std::string flaw_of_settings(const Stream& before, const Stream& after,
                             const streams::StreamSettings& settings) {
  Stream wanted = before;
  wanted.settings = settings;
  return flaw_of_rest(wanted, after, [](const Shard&) { return false; });
}

std::string flaw_of_reshape(const Stream& before, const Stream& after,
                            const std::vector<streams::ShardIndex>& closing, bool others,
                            int open) {
  Stream rest = before;  // as it is but for what may have changed
  rest.shards.clear();
  for (const Shard& shard : after.shards) {
    const Shard* was = before.find(shard.index);
    const bool closed = was != nullptr && was->open() && !shard.open();
    const bool should = std::ranges::find(closing, shard.index) != closing.end();
    if (was != nullptr && should != closed && !(others && closed))
      return fmt::format("{} was {}", shard.id(), closed ? "closed" : "not closed");
    if (was == nullptr && (!shard.parent || after.find(*shard.parent) == nullptr ||
                           after.find(*shard.parent)->open()))
      return fmt::format("{} has no closed parent", shard.id());
    rest.shards.push_back(was == nullptr ? shard : *was);
    if (closed) rest.shards.back().closed_at = shard.closed_at;
  }
  if (after.open_shards() != open)
    return fmt::format("{} shards are open, not {}", after.open_shards(), open);
  for (const Shard& shard : before.shards) {
    if (after.find(shard.index) == nullptr) return fmt::format("{} is gone", shard.id());
  }
  return flaw_of_rest(rest, after, [](const Shard&) { return false; });
}

std::string flaw_of_new(const streams::NewStream& wanted, const Stream& after) {
  if (after.key != wanted.key) return "it has another name";
  if (after.settings.mode != wanted.mode || after.settings.tags != wanted.tags)
    return "it has other settings";
  const auto ranges = streams::equal_hash_ranges(static_cast<std::uint32_t>(wanted.shard_count));
  if (after.shards.size() != ranges.size()) return "it has another number of shards";
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    const Shard& shard = after.shards[i];
    if (shard.hash_first != ranges[i].first || shard.hash_last != ranges[i].last || shard.parent ||
        !shard.open())
      return fmt::format("{} is not as it should be", shard.id());
  }
  return {};
}

}  // namespace sluice::sim
