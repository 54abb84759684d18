// What streams there are, and changes to them. Records: shard_log.cc.
#include "streams/engine.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/log.h"
#include "base/uuid.h"
#include "streams/reshape.h"

namespace sluice::streams {
namespace {

constexpr base::Logger kLog{"streams"};
constexpr std::string_view kTokenSecret = "token_key";

std::unexpected<base::Failure<StreamError>> no_such_stream(const StreamKey& key) {
  return base::fail(StreamError::kNoSuchStream, fmt::format("there is no stream {}", key.name));
}

}  // namespace

Engine::Engine(Catalog catalog, journal::Journal& journal, base::Clock& clock, base::Random& random,
               EngineOptions options)
    : catalog_(std::move(catalog)),
      journal_(journal),
      clock_(clock),
      random_(random),
      options_(options) {}

StreamResult<std::unique_ptr<Engine>> Engine::open(const std::string& meta_path,
                                                   journal::Journal& journal, base::Clock& clock,
                                                   base::Random& random, EngineOptions options) {
  auto catalog = Catalog::open(meta_path);
  if (!catalog) return std::unexpected(catalog.error());
  std::unique_ptr<Engine> engine(new Engine(std::move(*catalog), journal, clock, random, options));
  if (auto ok = engine->load(); !ok) return std::unexpected(ok.error());
  return engine;
}

StreamResult<void> Engine::load() {
  const std::lock_guard change(change_mutex_);
  auto key = catalog_.secret(std::string(kTokenSecret), TokenSealer::kKeyBytes, random_);
  if (!key) return std::unexpected(key.error());
  tokens_ = std::make_unique<TokenSealer>(*key, random_);
  auto streams = catalog_.load();
  if (!streams) return std::unexpected(streams.error());
  std::set<journal::LaneId> used;
  for (Stream& stream : *streams) {
    for (const Shard& shard : stream.shards)
      used.insert(shard.lane);
    shard_count_ += stream.shards.size();
    end_closed(stream);
    stream.gate = std::make_shared<AppendGate>(options_.parked_bytes_max);
    publish(std::make_shared<const Stream>(std::move(stream)));
  }
  if (auto ok = drop_unowned_lanes(used); !ok) return ok;
  kLog.info("{} streams, {} shards", streams->size(), shard_count_);
  return {};
}

// A stream's lanes are dropped after its row is gone: a stop in between leaves them to the next
// start. But a lane that this meta.db never gave out means that the file was lost or is an old
// copy: then dropping would destroy records.
StreamResult<void> Engine::drop_unowned_lanes(const std::set<journal::LaneId>& owned) {
  auto next_lane = catalog_.next_lane();
  if (!next_lane) return std::unexpected(next_lane.error());
  const std::vector<journal::LaneId> lanes = journal_.lanes();
  for (const journal::LaneId lane : lanes) {
    if (lane() >= *next_lane)
      return base::fail(StreamError::kUnavailable,
                        fmt::format("meta.db does not belong to this journal: the journal holds "
                                    "shard lane {}, meta.db has given out lanes below {}. Put the "
                                    "meta.db back that was beside this journal",
                                    lane(), *next_lane));
  }
  for (const journal::LaneId lane : lanes) {
    if (!owned.contains(lane)) journal_.drop(lane);
  }
  return {};
}

// Nobody writes to a closed shard, so it ends where the journal says. They differ when meta.db took
// a close although its commit seemed to fail (records went on into the shard), and when a repair
// had to give up the newest records.
void Engine::end_closed(Stream& stream) const {
  for (Shard& shard : stream.shards) {
    const journal::Index end = journal_.bounds(shard.lane).end;
    if (shard.open() || end == *shard.closed_at) continue;
    kLog.warn("{} {}: ends before index {} by meta.db, before {} by the journal, which counts",
              stream.key.name, shard.id(), (*shard.closed_at)(), end());
    shard.closed_at = end;
  }
}

StreamResult<void> Engine::note_frames() {
  const std::lock_guard change(change_mutex_);
  return note_frames_now();
}

StreamResult<void> Engine::note_frames_now() {
  auto mark = catalog_.journal_mark();
  if (!mark) return std::unexpected(mark.error());
  const std::uint64_t frames = journal_.frames();
  if (mark->frames >= frames) return {};
  mark->frames = frames;
  return catalog_.set_journal_mark(*mark);
}

void Engine::publish(StreamRef stream) {
  const std::lock_guard lock(streams_mutex_);
  stream->gate->publish(stream);
  streams_[stream->key] = std::move(stream);
}

StreamResult<Stream> Engine::plan_stream(const NewStream& wanted) {
  if (wanted.key.name.empty() || wanted.shard_count < 1)
    return base::fail(StreamError::kInvalid, "a stream needs a name and at least one shard");
  if (wanted.shard_count > options_.shards_per_stream_max ||
      shard_count_ + static_cast<std::size_t>(wanted.shard_count) >
          static_cast<std::size_t>(options_.shards_max))
    return base::fail(
        StreamError::kLimitExceeded,
        fmt::format("{} shards asked for, {} there; at most {} a stream and {} in all",
                    wanted.shard_count, shard_count_, options_.shards_per_stream_max,
                    options_.shards_max));
  auto removed_s = catalog_.removed_created_s(wanted.key);
  if (!removed_s) return std::unexpected(removed_s.error());
  Stream stream;
  stream.key = wanted.key;
  stream.incarnation = base::random_uuid(random_);
  stream.created_ms = clock_.now_ms();
  stream.settings.mode = wanted.mode;
  stream.settings.tags = wanted.tags;
  // Sequence numbers name the second of creation: a stream made anew must differ in it.
  const std::int64_t created_s = std::max(stream.created_ms / 1000, *removed_s + 1);
  const auto ranges = equal_hash_ranges(static_cast<std::uint32_t>(wanted.shard_count));
  for (std::uint32_t i = 0; i < ranges.size(); ++i) {
    Shard shard;
    shard.index = ShardIndex(i);
    shard.hash_first = ranges[i].first;
    shard.hash_last = ranges[i].last;
    shard.created_s = created_s;
    stream.shards.push_back(shard);
  }
  stream.index_shards();
  stream.gate = std::make_shared<AppendGate>(options_.parked_bytes_max);
  return stream;
}

StreamResult<StreamRef> Engine::create(const NewStream& wanted) {
  const std::lock_guard change(change_mutex_);
  if (describe(wanted.key))
    return base::fail(StreamError::kExists, fmt::format("stream {} exists", wanted.key.name));
  auto stream = plan_stream(wanted);
  if (!stream) return std::unexpected(stream.error());
  if (auto ok = catalog_.insert(*stream); !ok) return std::unexpected(ok.error());
  shard_count_ += stream->shards.size();
  show(*stream, StreamStatus::kCreating);
  auto ref = std::make_shared<const Stream>(std::move(*stream));
  publish(ref);
  return ref;
}

StreamResult<void> Engine::remove(const StreamKey& key) {
  const std::lock_guard change(change_mutex_);
  auto stream = find(key);
  if (!stream) return std::unexpected(stream.error());
  if (auto ok = catalog_.remove(**stream, clock_.now_ms()); !ok) return ok;
  Stream removed = **stream;
  show(removed, StreamStatus::kDeleting);
  {
    const std::lock_guard lock(streams_mutex_);
    (*stream)->gate->publish(nullptr);
    streams_.erase(key);
    removed_[key] = std::make_shared<const Stream>(std::move(removed));
  }
  shard_count_ -= (*stream)->shards.size();
  for (const Shard& shard : (*stream)->shards)
    journal_.drop(shard.lane);
  return {};
}

StreamResult<StreamRef> Engine::change(
    const StreamKey& key, const std::function<StreamResult<void>(StreamSettings&)>& edit) {
  const std::lock_guard change(change_mutex_);
  auto now = find(key);
  if (!now) return now;
  Stream next = **now;
  if (auto ok = edit(next.settings); !ok) return std::unexpected(ok.error());
  if (auto ok = catalog_.update_settings(next); !ok) return std::unexpected(ok.error());
  auto ref = std::make_shared<const Stream>(std::move(next));
  publish(ref);
  return ref;
}

StreamResult<StreamRef> Engine::split(const StreamKey& key, ShardIndex shard,
                                      base::Uint128 upper_first) {
  return reshape(key, [&](Stream& stream, std::int64_t now_s) {
    return split_shard(stream, shard, upper_first, now_s);
  });
}

StreamResult<StreamRef> Engine::merge(const StreamKey& key, ShardIndex shard, ShardIndex adjacent) {
  return reshape(key, [&](Stream& stream, std::int64_t now_s) {
    return merge_shards(stream, shard, adjacent, now_s);
  });
}

StreamResult<StreamRef> Engine::scale(const StreamKey& key, int count) {
  return reshape(key, [&](Stream& stream, std::int64_t now_s) -> StreamResult<void> {
    if (count < 1) return base::fail(StreamError::kInvalid, "a stream needs at least one shard");
    if (count > options_.shards_per_stream_max)
      return base::fail(StreamError::kLimitExceeded,
                        fmt::format("{} shards asked for; at most {} a stream", count,
                                    options_.shards_per_stream_max));
    scale_shards(stream, count, now_s);
    return {};
  });
}

StreamResult<StreamRef> Engine::reshape(
    const StreamKey& key, const std::function<StreamResult<void>(Stream&, std::int64_t)>& plan) {
  const std::lock_guard change(change_mutex_);
  auto found = find(key);
  if (!found) return found;
  const StreamRef before = *found;
  Stream next = *before;
  if (auto ok = plan(next, last_second(*before)); !ok) return std::unexpected(ok.error());
  const std::size_t added = next.shards.size() - before->shards.size();
  if (next.open_shards() > options_.shards_per_stream_max ||
      shard_count_ + added > static_cast<std::size_t>(options_.shards_max))
    return base::fail(
        StreamError::kLimitExceeded,
        fmt::format("{} shards more, {} there; at most {} open ones a stream and {} "
                    "in all",
                    added, shard_count_, options_.shards_per_stream_max, options_.shards_max));
  AppendGate& gate = *before->gate;
  gate.shut();
  auto after = close_and_open(*before, std::move(next));
  // Whatever came out: those who waited go on, by the shards of now.
  for (const ParkedAppend& parked : gate.open())
    append(before, parked.entries(), parked.token, parked.done);
  return after;
}

// Nothing is on its way to the journal: what it has after a flush is all that parents ever get.
StreamResult<StreamRef> Engine::close_and_open(const Stream& before, Stream next) {
  if (auto ok = journal_.flush(); !ok)
    return base::fail(StreamError::kUnavailable, ok.error().message);
  for (std::size_t i = 0; i < before.shards.size(); ++i) {
    Shard& shard = next.shards[i];
    if (before.shards[i].open() && !shard.open()) shard.closed_at = journal_.bounds(shard.lane).end;
  }
  // A parent's end must not be taken back by a log that lost its last frames without a trace.
  if (auto ok = note_frames_now(); !ok) return std::unexpected(ok.error());
  if (auto ok = catalog_.reshape(before, next); !ok) return std::unexpected(ok.error());
  shard_count_ += next.shards.size() - before.shards.size();
  show(next, StreamStatus::kUpdating);
  auto ref = std::make_shared<const Stream>(std::move(next));
  publish(ref);
  return ref;
}

// No record of the stream is younger, even if the clock was put back.
std::int64_t Engine::last_second(const Stream& stream) const {
  std::int64_t last_ms = clock_.now_ms();
  for (const std::uint32_t at : stream.open_by_hash)
    last_ms = std::max(last_ms, journal_.bounds(stream.shards[at].lane).last_arrival_ms);
  return last_ms / 1000;
}

StreamResult<StreamRef> Engine::find(const StreamKey& key) const {
  const std::shared_lock lock(streams_mutex_);
  const auto found = streams_.find(key);
  if (found == streams_.end()) return no_such_stream(key);
  return found->second;
}

StreamResult<StreamRef> Engine::describe(const StreamKey& key) const {
  const std::shared_lock lock(streams_mutex_);
  if (const auto found = streams_.find(key); found != streams_.end()) return found->second;
  const auto removed = removed_.find(key);
  if (removed == removed_.end() || status(*removed->second) != StreamStatus::kDeleting)
    return no_such_stream(key);
  return removed->second;
}

StreamStatus Engine::status(const Stream& stream) const {
  return clock_.monotonic_ns() < stream.passing_until_ns ? stream.passing : StreamStatus::kActive;
}

void Engine::show(Stream& stream, StreamStatus status) const {
  stream.passing = status;
  stream.passing_until_ns = clock_.monotonic_ns() + options_.transition_ms * 1'000'000;
}

void Engine::forget_removed() {
  const std::lock_guard lock(streams_mutex_);
  std::erase_if(removed_, [this](const auto& entry) {
    return status(*entry.second) != StreamStatus::kDeleting;
  });
}

std::vector<StreamRef> Engine::list(const std::string& account, const std::string& region,
                                    const std::string& after, std::size_t count) const {
  const StreamKey start{account, region, after};
  std::map<std::string, StreamRef> page;  // by name
  const auto add = [&](const std::map<StreamKey, StreamRef>& from, bool deleting) {
    std::size_t added = 0;
    for (auto at = from.upper_bound(start); at != from.end() && added < count; ++at) {
      if (at->first.account != account || at->first.region != region) break;
      if (deleting && status(*at->second) != StreamStatus::kDeleting) continue;
      page.emplace(at->first.name, at->second);
      ++added;
    }
  };
  const std::shared_lock lock(streams_mutex_);
  add(streams_, false);
  add(removed_, true);
  std::vector<StreamRef> streams;
  for (auto& [name, stream] : page) {
    if (streams.size() == count) break;
    streams.push_back(std::move(stream));
  }
  return streams;
}

std::vector<StreamRef> Engine::all() const {
  const std::shared_lock lock(streams_mutex_);
  std::vector<StreamRef> streams;
  streams.reserve(streams_.size());
  for (const auto& [key, stream] : streams_)
    streams.push_back(stream);
  return streams;
}

bool Engine::is_current(const Stream& stream) const {
  const auto now = find(stream.key);
  return now && (*now)->incarnation == stream.incarnation;
}

}  // namespace sluice::streams
