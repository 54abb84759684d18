// The doors of the stream engine: StreamStore (what streams and shards there are) and ShardLog
// (records in and out). Plain structs; no HTTP, no JSON. Kinesis puts its texts on these errors in
// one table. Thread-safe; StreamStore's changes block on SQLite and belong on the blocking pool,
// everything else is quick.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/named_type.h"
#include "base/result.h"
#include "base/uint128.h"
#include "journal/journal.h"

namespace sluice::streams {

using ShardIndex = base::NamedType<std::uint32_t, struct ShardIndexTag>;

enum class StreamError {
  kNoSuchStream,   // not there, or gone
  kNoSuchShard,    // the stream has no such shard (any more)
  kExists,         // a stream of that name is there
  kInvalid,        // an argument is out of range; the message says which
  kThrottled,      // staging or a limit is full: try again later
  kLimitExceeded,  // more streams or shards than allowed
  kUnavailable,    // the journal stopped or the disk is full: not done
};

template <class T>
using StreamResult = base::Result<T, StreamError>;

// Streams of different accounts and regions do not see each other.
struct StreamKey {
  std::string account;
  std::string region;
  std::string name;
  auto operator<=>(const StreamKey&) const = default;
  std::string arn() const;  // arn:aws:kinesis:<region>:<account>:stream/<name>
};

enum class StreamMode { kOnDemand, kProvisioned };
enum class StreamStatus { kCreating, kActive, kUpdating, kDeleting };
std::string_view status_text(StreamStatus status);  // as AWS writes it

// AWS' 186-bit number as 56 decimal digits (reference: docs/formats/sequence-number.md): orders by
// (shard creation, index), names its shard, and passes KCL's checks.
struct SequenceNumber {
  std::int64_t shard_created_s = 0;
  journal::Index index;  // 0: the shard's start; kMaxIndex: its end
  std::int64_t arrival_s = 0;
  ShardIndex shard;

  static constexpr journal::Index kMaxIndex{0x7fff'ffff'ffff'ffff};
  std::string to_string() const;
  // nullopt: not a version 2 number.
  static std::optional<SequenceNumber> parse(std::string_view digits);
};

struct Shard {
  ShardIndex index;
  journal::LaneId lane;
  base::Uint128 hash_first = 0;
  base::Uint128 hash_last = 0;  // inclusive
  std::int64_t created_s = 0;   // strictly later than the closing of its parents
  std::optional<ShardIndex> parent;
  std::optional<ShardIndex> adjacent_parent;
  std::optional<journal::Index> closed_at;  // one past the last record; absent while open
  journal::Index expired_below;  // one past the newest record whose space was given back; 0: none

  bool open() const { return !closed_at.has_value(); }
  std::string id() const;  // shardId-000000000000
  SequenceNumber start() const { return {created_s, journal::Index(0), created_s, index}; }
  SequenceNumber end() const { return {created_s, SequenceNumber::kMaxIndex, created_s, index}; }
};

// A closed shard whose records have expired: what readers who were offline must know of it.
struct GoneShard {
  ShardIndex index;
  std::optional<ShardIndex> parent;
  std::optional<ShardIndex> adjacent_parent;
  journal::Index end;  // one past its last record; 1: it had none
};

std::string shard_id(ShardIndex index);
// As AWS reads one: `7`, or `7` after any word and a dash. nullopt: neither.
std::optional<ShardIndex> parse_shard_id(std::string_view text);
// N equal parts of the hash space, the last one ending at 2^128-1: what KPL predicts.
struct HashRange {
  base::Uint128 first = 0;
  base::Uint128 last = 0;  // inclusive
};
std::vector<HashRange> equal_hash_ranges(std::uint32_t count);  // count > 0

// What may be changed while a stream lives.
struct StreamSettings {
  StreamMode mode = StreamMode::kOnDemand;
  int retention_hours = 24;
  std::map<std::string, std::string> tags;
};

class AppendGate;

// One stream as it was at a moment; immutable.
struct Stream {
  StreamKey key;
  std::string incarnation;  // a UUID: a stream made anew under the same name has another
  std::int64_t created_ms = 0;
  StreamSettings settings;
  std::vector<Shard> shards;    // by index; closed ones too, until their records have expired
  std::vector<GoneShard> gone;  // by index
  std::vector<std::uint32_t> open_by_hash;  // positions in `shards`; they tile the hash space
  std::shared_ptr<AppendGate> gate;  // the engine's; shared: all snapshots of a stream have one
  // What Engine::status shows for a while, by the monotonic clock; only shown, nothing waits.
  StreamStatus passing = StreamStatus::kActive;
  std::int64_t passing_until_ns = 0;

  const Shard* find(ShardIndex index) const;
  int open_shards() const { return static_cast<int>(open_by_hash.size()); }
  std::int64_t retention_ms() const { return std::int64_t{settings.retention_hours} * 3'600'000; }
  // The position in `shards` of the open shard that takes records of this hash.
  std::uint32_t route(base::Uint128 hash) const;
  // Of each shard, by position: the second in which its first child was made; the largest number
  // where there is none.
  std::vector<std::int64_t> ends_s() const;
  void index_shards();  // fills open_by_hash; the engine calls it before anybody sees the stream
};

using StreamRef =
    std::shared_ptr<const Stream>;  // shared: readers keep a snapshot while the store goes on

struct NewStream {
  StreamKey key;
  StreamMode mode = StreamMode::kOnDemand;
  int shard_count = 4;  // AWS gives 4 to an on-demand stream
  std::map<std::string, std::string> tags = {};
};

class StreamStore {
 public:
  virtual ~StreamStore() = default;
  virtual StreamResult<StreamRef> create(const NewStream& stream) = 0;
  virtual StreamResult<void> remove(const StreamKey& key) = 0;
  // `edit` gets the settings of now and may refuse; what it leaves is stored. One change at a time.
  virtual StreamResult<StreamRef> change(
      const StreamKey& key, const std::function<StreamResult<void>(StreamSettings&)>& edit) = 0;
  // Changes of the shards: parents close at their durable end, children open behind them, both or
  // neither. Puts go on meanwhile. kInvalid: a shard is closed, the hash is not inside it, the two
  // are not adjacent (the lower one comes first).
  virtual StreamResult<StreamRef> split(const StreamKey& key, ShardIndex shard,
                                        base::Uint128 upper_first) = 0;
  virtual StreamResult<StreamRef> merge(const StreamKey& key, ShardIndex shard,
                                        ShardIndex adjacent) = 0;
  // Until the open shards are `count` equal parts of the hash space.
  virtual StreamResult<StreamRef> scale(const StreamKey& key, int count) = 0;
  virtual StreamResult<StreamRef> find(const StreamKey& key) const = 0;
  // Of one account and region, by name, beginning after `after`; at most `count`.
  virtual std::vector<StreamRef> list(const std::string& account, const std::string& region,
                                      const std::string& after, std::size_t count) const = 0;
};

// Views need to live only during the call to append().
struct PutEntry {
  std::string_view partition_key;
  std::string_view data;
  std::optional<base::Uint128> explicit_hash;
};

struct PutResult {
  ShardIndex shard;
  SequenceNumber sequence_number;
};

// One result an entry, in order. Called once, on the journal thread.
using PutDone = std::function<void(StreamResult<std::vector<PutResult>>)>;

struct ReadRecord {
  SequenceNumber sequence_number;
  std::int64_t arrival_ms = 0;
  std::string partition_key;
  std::string data;
};

struct ReadPage {
  std::vector<ReadRecord> records;
  journal::Index next;        // where to go on in this shard
  bool end_of_shard = false;  // closed, and nothing is left after `next`
  std::int64_t millis_behind = 0;
};

struct ShardBounds {
  journal::Index first;  // oldest readable record (retention counts)
  journal::Index end;    // one past the newest durable record
  bool closed = false;
  std::int64_t newest_arrival_ms = 0;  // 0: no record
};

class ShardLog {
 public:
  virtual ~ShardLog() = default;
  // All entries become durable together; `done` follows. A token repeated within 10 minutes gets
  // the first answer.
  virtual void append(const StreamRef& stream, const std::vector<PutEntry>& entries,
                      std::optional<journal::RequestToken> token, PutDone done) = 0;
  // From `from` on (or the oldest readable record), below `below`.
  virtual StreamResult<ReadPage> read(const StreamRef& stream, ShardIndex shard,
                                      journal::Index from, journal::Index below,
                                      journal::ReadLimits limits) const = 0;
  virtual StreamResult<ShardBounds> bounds(const StreamRef& stream, ShardIndex shard) const = 0;
  // The first record that arrived at `arrival_ms` or later; the durable end if there is none.
  virtual StreamResult<journal::Index> seek(const StreamRef& stream, ShardIndex shard,
                                            std::int64_t arrival_ms) const = 0;
  // Whether a record behind `after` has expired. A number that is missing was not always a record:
  // a restart passes some over.
  virtual StreamResult<bool> lost_after(const StreamRef& stream, ShardIndex shard,
                                        journal::Index after) const = 0;
};

}  // namespace sluice::streams
