// Where calls wait for the journal thread. A call is encoded by the thread that makes it, into one
// buffer in the order and form of the file: the journal thread only fills in arrival times and
// orders. The staged bytes are bounded.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "journal/format.h"
#include "journal/journal.h"

namespace sluice::journal {

// A batch of a staged call: header and records, as they go to disk.
struct StagedBatch {
  LaneId lane;
  std::uint32_t count = 0;
  std::uint32_t offset = 0;  // in the call's buffer
  std::uint32_t bytes = 0;   // with the header
};

struct StagedRun {
  LaneId lane;
  std::uint32_t count = 0;
};

struct Call {
  std::unique_ptr<char[]> buffer;
  std::uint64_t bytes = 0;   // of the buffer
  std::uint64_t weight = 0;  // bytes, and what directory and footer may need for it
  std::vector<StagedBatch> batches;
  std::vector<StagedRun> runs;  // as asked for; none: the marker of a flush
  std::int64_t arrival_ms = 0;
  std::optional<RequestToken> token;
  AppendDone done;
};

struct StagedSize {
  std::uint64_t bytes = 0;
  std::uint64_t weight = 0;
};

// The size of the batches that `runs` become; kTooLarge if a number does not fit into the format
// or the weight exceeds `weight_max`.
JournalResult<StagedSize> staged_size(const std::vector<NewRun>& runs, std::uint64_t weight_max);
// Encodes; `size` is what staged_size() said.
std::unique_ptr<Call> stage(const std::vector<NewRun>& runs, StagedSize size,
                            std::int64_t arrival_ms, std::optional<RequestToken> token,
                            AppendDone done);

// Calls in the order of their coming. Thread-safe. Bytes count as staged until released.
class StagingQueue {
 public:
  explicit StagingQueue(std::uint64_t bytes_max) : bytes_max_(bytes_max) {}

  // False: the limit is reached. A call that is larger than the limit goes in when nothing else is
  // staged.
  bool reserve(std::uint64_t bytes);
  void release(std::uint64_t bytes);
  // False when closed: the call is untouched.
  bool push(std::unique_ptr<Call>& call);
  // Calls of at most `weight_max` together, but at least one if there is any. `wait`: until there
  // is one or the queue is closed.
  std::vector<std::unique_ptr<Call>> take(std::uint64_t weight_max, bool wait);
  void close();
  std::uint64_t staged() const;

 private:
  const std::uint64_t bytes_max_;
  mutable std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<std::unique_ptr<Call>> calls_;
  std::uint64_t staged_ = 0;
  bool waiting_ = false;
  bool closed_ = false;
};

}  // namespace sluice::journal
