// What a start finds: reads the footers of sealed files; goes on in the last one if it was closed
// with room left; scans the one that was open when the process died, and copies what is good of it
// to a new, synced and sealed file. Refuses corruption.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "journal/file_store.h"
#include "journal/footer.h"
#include "journal/journal_engine.h"
#include "journal/lane_index.h"
#include "journal/scan.h"
#include "journal/token_table.h"

namespace sluice::journal {

// A sealed file that the log goes on in.
struct Tail {
  DataFileRef file;
  std::uint64_t salt = 0;
  Footer footer;
};

// Where the log goes on.
struct LogEnd {
  std::uint64_t lsn = 0;  // of the last frame
  std::uint32_t crc = 0;
  std::uint32_t epoch = 0;
  std::uint32_t file = 0;                // the highest number used so far
  std::vector<format::LaneEntry> lanes;  // `next` without the skip of a start
  std::optional<Tail> tail;              // else in a new file
};

JournalResult<LogEnd> recover(FileStore& store, const std::vector<std::uint32_t>& numbers,
                              LaneIndex& index, TokenTable& tokens, std::int64_t now_ms,
                              const JournalOptions& options);

}  // namespace sluice::journal
