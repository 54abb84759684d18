// The way out of a damaged journal: a start refuses corruption, this tells what is wrong and what
// would be lost, and makes new files of all that is good. Called by `sluice repair`, with no server
// on the folder. A crash at any step leaves a file as it was or repaired; the damaged one is kept.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/env.h"
#include "journal/journal.h"

namespace sluice::journal {

struct RepairOptions {
  base::Env* env = nullptr;
  base::Clock* clock = nullptr;
  std::string folder;              // of the journal
  std::uint64_t frames_known = 0;  // the log had at least so many
  bool apply = false;              // else nothing is changed
  bool accept_loss = false;        // apply also where acknowledged records are lost
};

struct FileFlaw {
  std::uint64_t offset = 0;
  std::string what;
};

struct LostRange {
  LaneId lane;
  Index first;
  Index end;                         // one past the last
  std::int64_t last_arrival_ms = 0;  // of the newest one; 0: not known
};

struct DamagedFile {
  std::uint32_t number = 0;
  std::string path;
  std::vector<FileFlaw> flaws;
  std::uint64_t frames_good = 0;
  std::uint64_t frames_lost = 0;  // whole or in part
  std::uint64_t records_good = 0;
  std::vector<LostRange> lost;
  bool may_lack_more = false;  // nothing tells what was in some lost frame
  bool hopeless = false;       // not for a program to decide: see the flaws
  std::string kept_as;         // once repaired: where the damaged file is now

  bool loses() const { return !lost.empty() || may_lack_more; }
};

struct RepairReport {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::vector<DamagedFile> damaged;
  // Records in files that are not there. They may have expired: a file without a live record is
  // removed. No repair is needed or possible.
  std::vector<LostRange> absent;
  std::uint64_t frames = 0;          // the log ends with this one
  std::uint64_t frames_missing = 0;  // that are known to have been behind it
  // Which indexes were given last is not known: the next start needs a higher index_floor.
  bool numbers_unknown = false;
  bool applied = false;

  bool loses() const;
  bool hopeless() const;
};

// kFailed: the folder is locked or not there, or an error of reading or writing.
JournalResult<RepairReport> repair(const RepairOptions& options);

}  // namespace sluice::journal
