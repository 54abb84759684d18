// The door to the log on disk: one journal a data folder gives order and durability to all lanes (a
// lane is what streams calls a shard; the journal knows no shards). Acknowledged means synced;
// nobody reads past the durable position. Format: docs/formats/journal.md. append() may be called
// from any thread; completions run on the journal thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/named_type.h"
#include "base/result.h"
#include "base/uint128.h"

namespace sluice::journal {

using LaneId = base::NamedType<std::uint32_t, struct LaneIdTag>;
// Position of a record in its lane: from 1, strictly increasing, with gaps after a restart.
using Index = base::NamedType<std::uint64_t, struct IndexTag>;

enum class JournalError {
  kOverloaded,  // the staging limit is reached: nothing was taken, try again later
  kTooLarge,    // the request can never fit into a frame
  kDiskFull,    // no spare file can be made: reads and removals go on
  kCorrupt,     // a file holds what was never written: refuse to start, name file and offset
  kFailed,  // a write or sync failed, or the journal is stopping: what was not acknowledged may or
            // may not be there
  kUnknownLane,  // never appended to, or dropped
};

template <class T>
using JournalResult = base::Result<T, JournalError>;

// Views need to live only during the call to append().
struct NewRecord {
  std::string_view partition_key;
  std::string_view data;
  std::optional<base::Uint128> explicit_hash;
};

// Consecutive records of one lane; they get consecutive indexes.
struct NewRun {
  LaneId lane;
  std::vector<NewRecord> records;
};

// Identifies one logical call across its retries: 128 bits of a digest of (access key, invocation
// id).
struct RequestToken {
  base::Uint128 digest;
};

struct AppendedRun {
  LaneId lane;
  Index first;  // of the run's first record
  std::uint32_t count = 0;
  std::int64_t arrival_ms = 0;  // of all of the run's records; never decreases within a lane
};

// In the order of the runs asked for. Called once, on the journal thread: hand over and return.
using AppendDone = std::function<void(JournalResult<std::vector<AppendedRun>>)>;

struct StoredRecord {
  Index index;
  std::int64_t arrival_ms = 0;
  std::string partition_key;
  std::string data;
  std::optional<base::Uint128> explicit_hash;
};

struct ReadLimits {
  std::size_t records_max = 10'000;
  // Of data and partition keys; the first record is always returned, whatever its size.
  std::size_t bytes_max = std::size_t{10} << 20;
};

struct ReadPage {
  std::vector<StoredRecord> records;
  Index next;  // read from here to go on; never beyond the durable end
};

struct LaneBounds {
  Index first;  // of the oldest record still on disk; == end when there is none
  Index end;    // one past the newest durable record
  std::int64_t last_arrival_ms = 0;  // 0: no record
};

class Journal {
 public:
  virtual ~Journal() = default;

  // All runs of the call become durable together, in one frame, or the call fails as a whole. With
  // a token seen in the last 10 minutes the first call's answer is given again and nothing is
  // written. When nothing was taken (kOverloaded, kTooLarge, kDiskFull, kFailed) `done` may be
  // called before append() returns. Every run has a record at least (else
  // kTooLarge).
  virtual void append(std::vector<NewRun> runs, std::optional<RequestToken> token,
                      AppendDone done) = 0;
  // Returns when everything that append() took before this call is answered. Blocks for a sync or
  // two: not for event loops or completions. kFailed: the journal takes no more.
  virtual JournalResult<void> flush() = 0;

  // Records with index ≥ `from`, oldest first, at most up to the durable end and below `below`.
  virtual JournalResult<ReadPage> read(LaneId lane, Index from, Index below,
                                       ReadLimits limits) const = 0;
  // The first record that arrived at `arrival_ms` or later; the durable end if there is none.
  virtual JournalResult<Index> seek(LaneId lane, std::int64_t arrival_ms) const = 0;
  // A lane that was never appended to has first = end = 1.
  virtual LaneBounds bounds(LaneId lane) const = 0;

  // Records of the lane below `below` will never be read again: space may be given back. Not
  // durable: said again at each start by whoever owns the lanes.
  virtual void release(LaneId lane, Index below) = 0;
  // The lane is gone for good; what is on its way to it may fail with kUnknownLane. Lane numbers
  // are never used again. Not durable: see lanes().
  virtual void drop(LaneId lane) = 0;
  // All lanes the journal knows, sorted. At start the owner drops those it does not know (any
  // more).
  virtual std::vector<LaneId> lanes() const = 0;
  // Frames written and synced since the log began. Thread-safe.
  virtual std::uint64_t frames() const = 0;
};

}  // namespace sluice::journal
