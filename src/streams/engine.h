// The stream engine: both doors over one journal and one meta.db. Streams are immutable snapshots;
// a put takes a shared lock for one map look-up and, twice for a moment, that of its stream's gate.
// Changes are serialised and block on SQLite (blocking pool). Opened before, and destroyed after,
// everything that reads or writes streams.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "journal/journal.h"
#include "streams/append_gate.h"
#include "streams/catalog.h"
#include "streams/sealed_token.h"
#include "streams/streams.h"

namespace sluice::streams {

struct EngineOptions {
  int shards_per_stream_max = 10'000;
  int shards_max = 100'000;  // open and closed, of all streams of the data folder
  // Of puts to one stream that may wait while its shards change.
  std::size_t parked_bytes_max = std::size_t{16} << 20;
  // Of one stream: closed shards whose records have expired. The oldest are forgotten; a reader
  // that was offline is told nothing of them any more.
  std::size_t gone_shards_max = 100'000;
  // How long CREATING, UPDATING and DELETING are shown: clients are written to wait for their end.
  std::int64_t transition_ms = 0;
};

class Engine final : public StreamStore, public ShardLog {
 public:
  // `meta_path`: the data folder's meta.db. Journal, clock and random outlive the engine.
  static StreamResult<std::unique_ptr<Engine>> open(const std::string& meta_path,
                                                    journal::Journal& journal, base::Clock& clock,
                                                    base::Random& random,
                                                    EngineOptions options = {});

  StreamResult<StreamRef> create(const NewStream& stream) override;
  StreamResult<void> remove(const StreamKey& key) override;
  StreamResult<StreamRef> change(
      const StreamKey& key,
      const std::function<StreamResult<void>(StreamSettings&)>& edit) override;
  StreamResult<StreamRef> split(const StreamKey& key, ShardIndex shard,
                                base::Uint128 upper_first) override;
  StreamResult<StreamRef> merge(const StreamKey& key, ShardIndex shard,
                                ShardIndex adjacent) override;
  StreamResult<StreamRef> scale(const StreamKey& key, int count) override;
  StreamResult<StreamRef> find(const StreamKey& key) const override;
  std::vector<StreamRef> list(const std::string& account, const std::string& region,
                              const std::string& after, std::size_t count) const override;
  // As find(); a removed stream too while its status is DELETING.
  StreamResult<StreamRef> describe(const StreamKey& key) const;
  StreamStatus status(const Stream& stream) const;

  void append(const StreamRef& stream, const std::vector<PutEntry>& entries,
              std::optional<journal::RequestToken> token, PutDone done) override;
  StreamResult<ReadPage> read(const StreamRef& stream, ShardIndex shard, journal::Index from,
                              journal::Index below, journal::ReadLimits limits) const override;
  StreamResult<ShardBounds> bounds(const StreamRef& stream, ShardIndex shard) const override;
  StreamResult<journal::Index> seek(const StreamRef& stream, ShardIndex shard,
                                    std::int64_t arrival_ms) const override;
  StreamResult<bool> lost_after(const StreamRef& stream, ShardIndex shard,
                                journal::Index after) const override;

  // Gives back what has expired: the journal's space, and closed shards that have nothing left.
  // Reads hide expired records anyway, to the record; call it about once a minute on the upkeep
  // thread. Blocks on SQLite.
  void release_expired();

  static std::unexpected<base::Failure<StreamError>> from_journal(
      const base::Failure<journal::JournalError>& failure);

  // Remembers how many frames the journal has (journal_mark.h); on the upkeep thread too.
  StreamResult<void> note_frames();

  const TokenSealer& tokens() const { return *tokens_; }
  base::Clock& clock() const { return clock_; }
  const EngineOptions& options() const { return options_; }

 private:
  Engine(Catalog catalog, journal::Journal& journal, base::Clock& clock, base::Random& random,
         EngineOptions options);
  StreamResult<void> load();
  StreamResult<void> drop_unowned_lanes(const std::set<journal::LaneId>& owned);
  StreamResult<Stream> plan_stream(const NewStream& wanted);
  void end_closed(Stream& stream) const;
  // `plan` gets the stream and the second after which children are made.
  StreamResult<StreamRef> reshape(
      const StreamKey& key, const std::function<StreamResult<void>(Stream&, std::int64_t)>& plan);
  StreamResult<void> note_frames_now();
  StreamResult<StreamRef> close_and_open(const Stream& before, Stream next);
  std::int64_t last_second(const Stream& stream) const;
  StreamResult<journal::Index> first_readable(const Stream& stream, const Shard& shard) const;
  struct Expired {
    journal::Index newest_end;  // one past the newest expired record
    journal::Index first_left;
  };
  StreamResult<std::optional<Expired>> expired_on_disk(const Stream& stream,
                                                       const Shard& shard) const;
  StreamResult<void> expire(const StreamKey& key);
  std::vector<Shard> take_dead_shards(Stream& stream) const;
  void hand_over(const StreamRef& stream, const std::vector<PutEntry>& entries,
                 std::optional<journal::RequestToken> token, PutDone done);
  StreamResult<const Shard*> shard_of(const Stream& stream, ShardIndex shard) const;
  bool is_current(const Stream& stream) const;
  void show(Stream& stream, StreamStatus status) const;
  void forget_removed();
  std::int64_t oldest_readable_ms(const Stream& stream) const;
  std::vector<StreamRef> all() const;
  void publish(StreamRef stream);

  Catalog catalog_;
  journal::Journal& journal_;
  base::Clock& clock_;
  base::Random& random_;
  const EngineOptions options_;
  std::unique_ptr<TokenSealer> tokens_;

  std::mutex change_mutex_;  // guards catalog_ and shard_count_; taken first
  std::size_t shard_count_ = 0;
  mutable std::shared_mutex streams_mutex_;  // guards the maps
  std::map<StreamKey, StreamRef> streams_;
  std::map<StreamKey, StreamRef> removed_;  // shown as DELETING, or no more and not yet forgotten
};

}  // namespace sluice::streams
