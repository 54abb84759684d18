// Makes the real journal: one folder of numbered files, one journal thread (orders, writes, syncs:
// group commit) and one upkeep thread (spare files). Used by the composition root; everybody else
// knows the door only. Tests drive it without threads through pump().
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/env.h"
#include "base/metrics.h"
#include "base/random.h"
#include "journal/journal.h"

namespace sluice::journal {

struct JournalOptions {
  base::Env* env = nullptr;                  // outlives the journal; so do the next three
  base::Clock* clock = nullptr;              //
  base::MetricsRegistry* metrics = nullptr;  // may be null
  base::Random* random = nullptr;            // null: system_random()
  std::string folder;                        // made if absent; its parent must exist and be durable

  std::uint64_t file_bytes = std::uint64_t{256} << 20;  // ≥ 16 KiB
  // The first file's; a later one is as large as all before it together, up to file_bytes.
  std::uint64_t first_file_bytes = std::uint64_t{4} << 20;
  // A file made while somebody waits for it, at a start above all, has no more without need.
  std::uint64_t awaited_file_bytes = std::uint64_t{16} << 20;
  std::uint64_t frame_bytes_max = std::uint64_t{8} << 20;  // one larger request may exceed it
  std::uint64_t request_bytes_max = std::uint64_t{16} << 20;
  std::uint64_t staging_bytes_max = std::uint64_t{64} << 20;
  std::uint64_t open_directory_bytes_max = std::uint64_t{8} << 20;
  std::uint64_t footer_cache_bytes = std::uint64_t{32} << 20;
  std::uint64_t reserve_bytes = std::uint64_t{16} << 20;  // given up when a start finds no space
  std::size_t spares_min = 1;                             // made ahead
  std::size_t spares_max = 4;                             // kept of files that died
  std::size_t lanes_max = 1'000'000;
  // A start after a crash skips so many indexes of each lane: one that was given, but not durable,
  // never names another record.
  std::uint64_t index_skip = std::uint64_t{1} << 20;
  // What the owner of the lanes knows of this log (streams/journal_mark.h): it had so many frames,
  // and every index from now on is to be at least this (where the last ones given are lost).
  std::uint64_t frames_known = 0;
  std::uint64_t index_floor = 1;
  std::int64_t token_window_ms = 600'000;
  std::size_t tokens_max = 2'000'000;

  // False: no threads; pump() does the work, on the caller's thread.
  bool own_threads = true;
  // Called once, from any thread of the journal, when a write or sync failed: no put will be taken
  // any more and the process should exit. Must not call the journal.
  std::function<void(const std::string& why)> on_failed = nullptr;
};

class JournalEngine : public Journal {
 public:
  // With own_threads == false: makes due spares, then writes and syncs one frame of what is staged
  // and completes its calls. False when nothing was staged.
  virtual bool pump() = 0;
  // Empty while all is well; otherwise why the journal takes no more.
  virtual std::string failed() const = 0;
  // Takes no more, finishes what is staged, seals the open file, stops the threads. Called by the
  // destructor too.
  virtual void close() = 0;
};

// Recovers what is in the folder. kCorrupt names the file and the offset, or says that newer files
// are missing; kDiskFull: there is no
// room for the copy of the file that was open at a crash; kFailed: the folder is locked or an
// input/output error. Without room for a new file it opens and refuses puts until there is.
JournalResult<std::unique_ptr<JournalEngine>> open_journal(const JournalOptions& options);

}  // namespace sluice::journal
