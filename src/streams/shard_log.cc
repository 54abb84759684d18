// Records in and out: routing, retention, and the journal's indexes as sequence numbers.
#include <fmt/core.h>

#include <algorithm>
#include <cassert>
#include <utility>

#include "base/digest.h"
#include "streams/engine.h"

namespace sluice::streams {
namespace {

using journal::Index;
using journal::JournalError;

StreamError stream_error(JournalError error) {
  switch (error) {
    case JournalError::kOverloaded:
      return StreamError::kThrottled;
    case JournalError::kTooLarge:
      return StreamError::kInvalid;
    case JournalError::kUnknownLane:
      return StreamError::kNoSuchStream;
    case JournalError::kDiskFull:
    case JournalError::kCorrupt:
    case JournalError::kFailed:
      break;
  }
  return StreamError::kUnavailable;
}

SequenceNumber number_of(const Shard& shard, Index index, std::int64_t arrival_ms) {
  return {shard.created_s, index, arrival_ms / 1000, shard.index};
}

// Which run took an entry, and where in it.
struct Place {
  std::uint32_t run;
  std::uint32_t at;
};

// What is needed to turn the journal's answer into ours.
struct PendingPut {
  StreamRef stream;  // kept: its shards name the results
  std::vector<std::uint32_t> run_shards;
  std::vector<Place> places;
  std::vector<base::Uint128> hashes;  // of the entries; only with a token
  PutDone done;

  void finish(const journal::JournalResult<std::vector<journal::AppendedRun>>& appended) const {
    if (!appended) {
      done(Engine::from_journal(appended.error()));
      return;
    }
    if (!routed_alike(*appended)) {
      done(first_answer(*appended));
      return;
    }
    std::vector<PutResult> results;
    results.reserve(places.size());
    for (const Place& place : places) {
      const journal::AppendedRun& run = (*appended)[place.run];
      assert(place.at < run.count);
      const Shard& shard = stream->shards[run_shards[place.run]];
      results.push_back({shard.index, number_of(shard, run.first.plus(place.at), run.arrival_ms)});
    }
    done(std::move(results));
  }

  // What was asked for, not the answer to an attempt that was routed by other shards.
  bool routed_alike(const std::vector<journal::AppendedRun>& appended) const {
    return std::ranges::equal(appended, run_shards, {}, &journal::AppendedRun::lane,
                              [this](std::uint32_t shard) { return stream->shards[shard].lane; });
  }

  // The answer to an attempt that was routed by other shards. Its runs went to shards that were
  // open together: an entry's hash names its run, and entries are in order within a run.
  StreamResult<std::vector<PutResult>> first_answer(
      const std::vector<journal::AppendedRun>& appended) const {
    struct Run {
      const Shard* shard;
      Index next;
      std::int64_t arrival_ms;
    };
    std::vector<Run> runs;
    for (const journal::AppendedRun& run : appended) {
      const auto shard = std::ranges::find(stream->shards, run.lane, &Shard::lane);
      if (shard != stream->shards.end()) runs.push_back({&*shard, run.first, run.arrival_ms});
    }
    std::vector<PutResult> results;
    results.reserve(hashes.size());
    for (const base::Uint128 hash : hashes) {
      const auto run = std::ranges::find_if(runs, [hash](const Run& r) {
        return r.shard->hash_first <= hash && hash <= r.shard->hash_last;
      });
      if (run == runs.end())
        return base::fail(StreamError::kUnavailable,
                          "the first attempt of this put went to a shard that is gone");
      results.push_back({run->shard->index, number_of(*run->shard, run->next, run->arrival_ms)});
      run->next = run->next.plus(1);
    }
    return results;
  }
};

// A stream made anew under the same name does not answer for the one before.
journal::RequestToken token_within(const Stream& stream, journal::RequestToken token) {
  return {token.digest ^ base::xxh3_128(stream.incarnation, 0)};
}

}  // namespace

std::unexpected<base::Failure<StreamError>> Engine::from_journal(
    const base::Failure<JournalError>& failure) {
  return base::fail(stream_error(failure.code), failure.message);
}

void Engine::append(const StreamRef& stream, const std::vector<PutEntry>& entries,
                    std::optional<journal::RequestToken> token, PutDone done) {
  if (entries.empty()) {
    done(std::vector<PutResult>());
    return;
  }
  const StreamRef now = stream->gate->enter(entries, token, done);
  if (now == nullptr) return;
  hand_over(now, entries, token, std::move(done));
  stream->gate->leave();
}

void Engine::hand_over(const StreamRef& stream, const std::vector<PutEntry>& entries,
                       std::optional<journal::RequestToken> token, PutDone done) {
  constexpr std::uint32_t kNoRun = ~0U;
  std::vector<std::uint32_t> run_of_shard(stream->shards.size(), kNoRun);
  std::vector<journal::NewRun> runs;
  PendingPut pending;
  pending.stream = stream;
  pending.places.reserve(entries.size());
  for (const PutEntry& entry : entries) {
    const base::Uint128 hash =
        entry.explicit_hash ? *entry.explicit_hash : base::md5(entry.partition_key);
    if (token) pending.hashes.push_back(hash);
    const std::uint32_t shard = stream->route(hash);
    std::uint32_t& run = run_of_shard[shard];
    if (run == kNoRun) {
      run = static_cast<std::uint32_t>(runs.size());
      runs.push_back({stream->shards[shard].lane, {}});
      pending.run_shards.push_back(shard);
    }
    pending.places.push_back({run, static_cast<std::uint32_t>(runs[run].records.size())});
    runs[run].records.push_back({entry.partition_key, entry.data, entry.explicit_hash});
  }
  pending.done = std::move(done);
  if (token) token = token_within(*stream, *token);
  journal_.append(std::move(runs), token,
                  [pending = std::move(pending)](
                      const journal::JournalResult<std::vector<journal::AppendedRun>>& appended) {
                    pending.finish(appended);
                  });
}

StreamResult<const Shard*> Engine::shard_of(const Stream& stream, ShardIndex shard) const {
  const Shard* found = stream.find(shard);
  if (found == nullptr)
    return base::fail(StreamError::kNoSuchShard,
                      fmt::format("shard {} of stream {}", shard_id(shard), stream.key.name));
  return found;
}

std::int64_t Engine::oldest_readable_ms(const Stream& stream) const {
  return clock_.now_ms() - stream.retention_ms();
}

StreamResult<ReadPage> Engine::read(const StreamRef& stream, ShardIndex shard, Index from,
                                    Index below, journal::ReadLimits limits) const {
  auto found = shard_of(*stream, shard);
  if (!found) return std::unexpected(found.error());
  const Shard& in = **found;
  const journal::LaneBounds lane = journal_.bounds(in.lane);
  const Index end = in.closed_at ? std::min(*in.closed_at, lane.end) : lane.end;
  const Index stop = std::min(below, end);

  ReadPage page;
  page.next = std::max(from, std::min(lane.first, stop));
  journal::JournalResult<journal::ReadPage> read = journal::ReadPage{{}, page.next};
  if (page.next < stop) read = journal_.read(in.lane, page.next, stop, limits);
  const std::int64_t oldest_ms = oldest_readable_ms(*stream);
  if (read && !read->records.empty() && read->records.front().arrival_ms < oldest_ms) {
    const auto first = journal_.seek(in.lane, oldest_ms);
    if (!first) return from_journal(first.error());
    page.next = std::max(page.next, std::min(*first, stop));
    read = journal::ReadPage{{}, page.next};
    if (page.next < stop) read = journal_.read(in.lane, page.next, stop, limits);
  }
  if (!read) return from_journal(read.error());
  if (lane.end == Index(1) && !is_current(*stream))
    return base::fail(StreamError::kNoSuchStream,
                      fmt::format("there is no stream {}", stream->key.name));

  page.next = std::max(page.next, read->next);
  page.records.reserve(read->records.size());
  for (journal::StoredRecord& record : read->records) {
    page.records.push_back({number_of(in, record.index, record.arrival_ms), record.arrival_ms,
                            std::move(record.partition_key), std::move(record.data)});
  }
  page.end_of_shard = in.closed_at && page.next >= *in.closed_at;
  if (page.next < end && !page.records.empty())
    page.millis_behind =
        std::max<std::int64_t>(0, clock_.now_ms() - page.records.back().arrival_ms);
  return page;
}

StreamResult<ShardBounds> Engine::bounds(const StreamRef& stream, ShardIndex shard) const {
  auto found = shard_of(*stream, shard);
  if (!found) return std::unexpected(found.error());
  const Shard& in = **found;
  const journal::LaneBounds lane = journal_.bounds(in.lane);
  ShardBounds bounds;
  bounds.closed = !in.open();
  bounds.end = in.closed_at ? std::min(*in.closed_at, lane.end) : lane.end;
  bounds.newest_arrival_ms = lane.last_arrival_ms;
  auto first = first_readable(*stream, in);
  if (!first) return std::unexpected(first.error());
  bounds.first = std::min(*first, bounds.end);
  return bounds;
}

StreamResult<Index> Engine::seek(const StreamRef& stream, ShardIndex shard,
                                 std::int64_t arrival_ms) const {
  auto found = shard_of(*stream, shard);
  if (!found) return std::unexpected(found.error());
  const Shard& in = **found;
  const journal::LaneBounds lane = journal_.bounds(in.lane);
  const Index end = in.closed_at ? std::min(*in.closed_at, lane.end) : lane.end;
  if (lane.first == lane.end) return end;
  const auto at = journal_.seek(in.lane, std::max(arrival_ms, oldest_readable_ms(*stream)));
  if (!at) return from_journal(at.error());
  return std::min(*at, end);
}

}  // namespace sluice::streams
