// Turns staged calls into frames: gives indexes and arrival times, orders, writes, syncs,
// publishes, moves on to the next file. One thread at a time (the journal thread). After the first
// error of a write or a sync it must not be used any more.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "journal/file_store.h"
#include "journal/journal_engine.h"
#include "journal/lane_index.h"
#include "journal/recovery.h"
#include "journal/staging.h"
#include "journal/token_table.h"

namespace sluice::journal {

struct WriterMetrics {
  base::Counter& frames;
  base::Counter& records;
  base::Counter& bytes;
  base::Counter& repeats;
  base::Histogram& write;  // a frame's write and sync
  base::Histogram& sync;
  base::Histogram& next_file;  // the move to it, with the wait for a spare
  base::Gauge& token_entries;
  base::Gauge& token_bytes;
  explicit WriterMetrics(base::MetricsRegistry& registry);
};

class Writer {
 public:
  Writer(const JournalOptions& options, FileStore& store, LaneIndex& index, TokenTable tokens,
         LogEnd end, base::MetricsRegistry& metrics);

  // Makes the first file of this start, or goes on in the last one. kDiskFull: write() tries again.
  JournalResult<void> begin();
  // Writes the calls as one frame and completes them, each with its answer or error. An error here
  // means that the journal must stop; then all calls got kFailed. kDiskFull is no such error: only
  // calls got it.
  JournalResult<void> write(std::vector<std::unique_ptr<Call>> calls, bool wait_for_spare);
  // Seals the open file, if there is one: nothing can be written afterwards. With room left the
  // next start goes on in it.
  JournalResult<void> close();
  void forget_lane(LaneId lane);
  bool disk_full() const { return disk_full_; }
  std::uint64_t frames() const { return end_.lsn; }  // written and synced since the log began

 private:
  struct Cursor {  // of a lane
    std::uint64_t next = 1;
    std::int64_t last_arrival_ms = 0;
  };
  struct Piece {  // a batch on its way into the frame
    std::uint32_t lane = 0;
    std::uint64_t first = 0;  // index of its first record
    std::int64_t arrival_ms = 0;
    Call* call = nullptr;
    const StagedBatch* batch = nullptr;
  };
  using Calls = std::vector<std::unique_ptr<Call>>;

  void observe(base::Histogram& what, std::int64_t since_ns) const;
  void resume(Tail tail);
  // Before anything is written to a file that was sealed.
  JournalResult<void> unseal();
  // `bytes`: of the calls that wait for the file.
  JournalResult<void> open_next_file(std::uint64_t bytes, bool wait_for_spare);
  JournalResult<void> seal(UnusedRoom unused);
  Calls answer_repeats(Calls calls);
  JournalResult<void> make_room(const Calls& calls, bool wait_for_spare);
  // In a file whose footer has so much so far.
  struct FooterSize {
    std::uint64_t places = 0;
    std::uint64_t tokens = 0;
    std::uint64_t lanes = 0;
  };
  static std::uint64_t room_needed(const Calls& calls, FooterSize so_far);
  void assign(Calls& calls);
  void build_frame();
  JournalResult<void> write_frame(format::FrameKind kind, std::string_view directory);
  JournalResult<void> fail_all(Calls& calls, base::Failure<JournalError> why);
  void complete(Calls& calls);

  const JournalOptions& options_;
  FileStore& store_;
  LaneIndex& index_;
  TokenTable tokens_;
  WriterMetrics metrics_;

  LogEnd end_;
  std::unordered_map<std::uint32_t, Cursor> cursors_;
  std::unordered_set<std::uint32_t> dropped_;
  bool disk_full_ = false;

  // The open file; null until there is room for the first one.
  DataFileRef file_;
  bool has_trailer_ = false;  // it was sealed, and nothing was written since
  std::uint64_t salt_ = 0;
  std::uint64_t first_lsn_ = 0;
  std::uint64_t data_end_ = 0;
  std::uint64_t places_ = 0;
  std::unordered_set<std::uint32_t> lanes_;  // that have records in it
  std::vector<format::TokenEntry> file_tokens_;

  // The frame being built; kept for their memory.
  std::vector<Piece> pieces_;
  std::vector<format::RunEntry> runs_;
  std::vector<std::vector<AppendedRun>> answers_;                         // of each call
  std::vector<std::pair<std::size_t, std::unique_ptr<Call>>> followers_;  // with a call's token
  std::vector<std::string_view> parts_;
};

}  // namespace sluice::journal
