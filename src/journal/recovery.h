// What a start finds: reads the footers of sealed files; goes on in the last one if it was closed
// with room left; scans the one that was open when the process died, and copies what is good of it
// to a new, synced and sealed file. Refuses corruption.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "journal/file_store.h"
#include "journal/footer.h"
#include "journal/lane_index.h"
#include "journal/token_table.h"

namespace sluice::journal {

// What the scan of a file that was not sealed found.
struct Scan {
  bool has_opening = false;  // false: nothing in the file is good
  format::Trailer end;       // numbers, CRC and place of the last good frame
  std::uint64_t salt = 0;
  std::vector<format::LaneEntry> table;
  LaneIndex::Directory directory;
  std::vector<format::TokenEntry> tokens;
};

// The good frames from the file's begin on. kCorrupt: behind the first bad frame comes a good one
// with a higher number (the bad one was synced once). `lsn_before`: the number of the last frame of
// the file before, 0 if unknown.
JournalResult<Scan> scan_file(const DataFile& file, std::uint64_t lsn_before);

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
                              std::int64_t token_window_ms);

}  // namespace sluice::journal
