// Where a stream's appends meet a change of its shards. They pass with the snapshot of now; while
// the shards change they wait here, copied and bounded, and go on by the new shards. One for all
// snapshots of a stream. Thread-safe; only the one who changes the shards ever blocks.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "streams/streams.h"

namespace sluice::streams {

// An append that waits; it owns what its entries look at.
class ParkedAppend {
 public:
  ParkedAppend(const std::vector<PutEntry>& entries, std::optional<journal::RequestToken> token,
               PutDone done);
  std::vector<PutEntry> entries() const;

  std::optional<journal::RequestToken> token;
  PutDone done;

 private:
  struct Place {
    std::size_t key_bytes, data_bytes;
    std::optional<base::Uint128> explicit_hash;
  };
  std::string bytes_;
  std::vector<Place> places_;
};

class AppendGate {
 public:
  explicit AppendGate(std::size_t parked_bytes_max) : parked_bytes_max_(parked_bytes_max) {}

  // The snapshot to route by: it stays right until leave(). Null: the append waits, or `done` was
  // told why it is refused.
  StreamRef enter(const std::vector<PutEntry>& entries, std::optional<journal::RequestToken> token,
                  PutDone& done);
  void leave();

  // What appends see from now on; null: the stream is gone.
  void publish(const StreamRef& now);
  // From now on appends wait. Returns when the journal has those that passed.
  void shut();
  // Appends pass again. Gives those that waited, in their order.
  std::vector<ParkedAppend> open();

 private:
  const std::size_t parked_bytes_max_;
  std::mutex mutex_;
  std::condition_variable all_left_;
  std::weak_ptr<const Stream> now_;  // weak: the stream has the gate
  int inside_ = 0;
  bool shut_ = false;
  std::size_t parked_bytes_ = 0;
  std::vector<ParkedAppend> parked_;
};

}  // namespace sluice::streams
