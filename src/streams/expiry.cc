// What retention takes away: records, space in the journal, and in the end closed shards. Upkeep
// thread; the questions of readers come from any.
#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "streams/engine.h"

namespace sluice::streams {
namespace {

using journal::Index;
using journal::Journal;
using journal::JournalResult;

constexpr base::Logger kLog{"streams"};

// Whether a record is in [from, below).
JournalResult<bool> any_record(const Journal& journal, journal::LaneId lane, Index from,
                               Index below) {
  if (from >= below) return false;
  auto page = journal.read(lane, from, below, {.records_max = 1});
  if (!page) return std::unexpected(page.error());
  return !page->records.empty();
}

// One past the newest record in [first, below); `first` is one. Numbers may be missing after a
// restart, so what is before `below` is searched for.
JournalResult<Index> end_of_records(const Journal& journal, journal::LaneId lane, Index first,
                                    Index below) {
  Index last = first;
  std::uint64_t step = 1;  // the newest is nearly always just before `below`
  while (below() - last() > 1) {
    const Index middle(std::max(last() + 1, below() - std::min(step, (below() - last()) / 2)));
    auto later = any_record(journal, lane, middle, below);
    if (!later) return std::unexpected(later.error());
    if (*later) {
      last = middle;
    } else {
      below = middle;
      step *= 2;
    }
  }
  return last.plus(1);
}

}  // namespace

// The first record that retention leaves; the end if there is none.
StreamResult<Index> Engine::first_readable(const Stream& stream, const Shard& shard) const {
  const journal::LaneBounds lane = journal_.bounds(shard.lane);
  const Index end = shard.closed_at ? std::min(*shard.closed_at, lane.end) : lane.end;
  const Index first = std::min(lane.first, end);
  const std::int64_t oldest_ms = oldest_readable_ms(stream);
  if (first == end || stream.created_ms >= oldest_ms) return first;
  if (lane.last_arrival_ms < oldest_ms) return end;
  const auto young = journal_.seek(shard.lane, oldest_ms);
  if (!young) return from_journal(young.error());
  return std::max(first, std::min(*young, end));
}

StreamResult<bool> Engine::lost_after(const StreamRef& stream, ShardIndex shard,
                                      Index after) const {
  auto found = shard_of(*stream, shard);
  if (!found) return std::unexpected(found.error());
  const Shard& in = **found;
  auto first = first_readable(*stream, in);
  if (!first) return std::unexpected(first.error());
  const Index from = after.plus(1);
  if (from >= *first) return false;
  const Index on_disk = journal_.bounds(in.lane).first;
  // Beyond `first` it is of a shorter retention than today's: only what is not on disk is lost.
  if (in.expired_below > from && (in.expired_below <= *first || on_disk > from)) return true;
  const auto expired = any_record(journal_, in.lane, std::max(from, on_disk), *first);
  if (!expired) return from_journal(expired.error());
  return *expired;
}

void Engine::release_expired() {
  forget_removed();
  for (const StreamRef& stream : all()) {
    if (stream->created_ms >= oldest_readable_ms(*stream)) continue;
    if (auto ok = expire(stream->key); !ok)
      kLog.warn("{}: what has expired stays for now: {}", stream->key.name, ok.error().message);
  }
}

// nullopt: nothing has expired that still has space.
StreamResult<std::optional<Engine::Expired>> Engine::expired_on_disk(const Stream& stream,
                                                                     const Shard& shard) const {
  const Index on_disk = journal_.bounds(shard.lane).first;
  auto first = first_readable(stream, shard);
  if (!first) return std::unexpected(first.error());
  if (*first <= on_disk) return std::nullopt;
  if (*first <= shard.expired_below)
    return Expired{.newest_end = shard.expired_below, .first_left = *first};
  const auto end = end_of_records(journal_, shard.lane, on_disk, *first);
  if (!end) return from_journal(end.error());
  return Expired{.newest_end = *end, .first_left = *first};
}

// First it is written down what goes, then it goes.
StreamResult<void> Engine::expire(const StreamKey& key) {
  const std::lock_guard change(change_mutex_);
  auto found = find(key);
  if (!found) return {};  // removed meanwhile
  const Stream& before = **found;
  Stream next = before;
  std::vector<std::pair<journal::LaneId, Index>> releases;
  bool news = false;
  for (Shard& shard : next.shards) {
    const auto expired = expired_on_disk(before, shard);
    if (!expired) {  // it keeps its space; the others do not suffer for it
      kLog.warn("{} {}: cannot find what has expired: {}", key.name, shard.id(),
                expired.error().message);
    } else if (*expired) {
      // Again and again while it is there: the journal keeps the open file, and a start finds anew
      // what shares a file with others.
      releases.emplace_back(shard.lane, (*expired)->first_left);
      news = news || (*expired)->newest_end > shard.expired_below;
      shard.expired_below = std::max(shard.expired_below, (*expired)->newest_end);
    }
  }
  const std::vector<Shard> gone = take_dead_shards(next);
  if (news || !gone.empty()) {
    if (auto ok = catalog_.expire(before, next); !ok) return ok;
    shard_count_ -= gone.size();
    publish(std::make_shared<const Stream>(std::move(next)));
  }
  for (const auto& [lane, below] : releases)
    journal_.release(lane, below);
  for (const Shard& shard : gone) {
    kLog.info("{} {}: its records have expired, it is gone", key.name, shard.id());
    journal_.drop(shard.lane);
  }
  return {};
}

// Closed shards whose records have expired, once their children are older than the retention: at
// any moment that a filter may name, the shards that are left tile the hash space. Parents first.
std::vector<Shard> Engine::take_dead_shards(Stream& stream) const {
  const std::int64_t horizon_s = oldest_readable_ms(stream) / 1000;
  const std::vector<std::int64_t> ends = stream.ends_s();
  std::vector<Shard> gone;
  std::vector<Shard> left;
  for (std::size_t i = 0; i < stream.shards.size(); ++i) {
    const Shard& shard = stream.shards[i];
    const auto is_left = [&](const std::optional<ShardIndex>& parent) {
      return parent && std::ranges::binary_search(left, *parent, {}, &Shard::index);
    };
    const auto has_expired = [&] {
      const auto first = first_readable(stream, shard);
      return first && *first >= std::min(*shard.closed_at, journal_.bounds(shard.lane).end);
    };
    const bool dead = !shard.open() && ends[i] <= horizon_s && !is_left(shard.parent) &&
                      !is_left(shard.adjacent_parent) && has_expired();
    (dead ? gone : left).push_back(shard);
  }
  for (const Shard& shard : gone)
    stream.gone.push_back({shard.index, shard.parent, shard.adjacent_parent, *shard.closed_at});
  std::ranges::sort(stream.gone, {}, &GoneShard::index);
  if (const std::size_t count = stream.gone.size(); count > options_.gone_shards_max)
    stream.gone.erase(
        stream.gone.begin(),
        stream.gone.begin() + static_cast<std::ptrdiff_t>(count - options_.gone_shards_max));
  stream.shards = std::move(left);
  stream.index_shards();
  return gone;
}

}  // namespace sluice::streams
