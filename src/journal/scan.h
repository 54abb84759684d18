// Reading a file of the log from its begin on, frame by frame: for recovery and repair. Nothing
// here trusts a byte that no checksum vouches for.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "journal/lane_index.h"

namespace sluice::journal {

// A view of a file that moves forward.
class Window {
 public:
  explicit Window(const DataFile& file) : file_(file) {}

  // Fewer bytes only at the end of the file; valid until the next call.
  base::IoResult<std::string_view> view(std::uint64_t offset, std::uint64_t bytes);

 private:
  const DataFile& file_;
  std::string buffer_;
  std::uint64_t begin_ = 0;
};

// What a footer says of the frames, gathered from the frames.
class DirectoryBuilder {
 public:
  // Tokens of one frame, as note() gathers them.
  using Tokens = std::vector<format::TokenEntry>;
  // In the order of the frame's batches.
  static void note(std::uint32_t lane, std::uint64_t first, const format::BatchHeader& batch,
                   Tokens& tokens);

  // Frames in their order.
  void add(std::span<const format::RunEntry> runs, Tokens tokens, std::uint64_t frame_offset);
  LaneIndex::Directory directory() const;
  Tokens take_tokens() { return std::move(tokens_); }

 private:
  std::map<std::uint32_t, std::vector<format::RunPlace>> places_;
  Tokens tokens_;
};

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

struct Opening {
  format::FrameHeader header;
  std::vector<format::LaneEntry> table;
};

// kCorrupt: there is no good opening frame.
JournalResult<Opening> read_opening(const DataFile& file);

}  // namespace sluice::journal
