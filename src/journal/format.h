// The journal's format on disk, shared by writer, recovery and reader; docs/formats/journal.md is
// its page, with a worked example. Little-endian, all structs without padding.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/uint128.h"

namespace sluice::journal::format {

static_assert(std::endian::native == std::endian::little, "the files are little-endian");

constexpr std::uint32_t kVersion = 1;
constexpr std::uint32_t kFrameMagic = 0x464a4c53;    // "SLJF"
constexpr std::uint32_t kTrailerMagic = 0x544a4c53;  // "SLJT"
// Frames begin at multiples of this: a frame never shares a sector with an acknowledged one.
constexpr std::uint64_t kAlignment = 512;
// A run of a frame's directory is closed once it has this many bytes: readers check whole batches.
constexpr std::uint32_t kRunBytes = 64 << 10;

enum class FrameKind : std::uint32_t {
  kOpening = 1,  // the first of each file: a table of all lanes
  kRecords = 2,
};

struct FrameHeader {
  std::uint32_t magic = kFrameMagic;
  std::uint32_t crc = 0;  // CRC32C of what follows in header and directory
  std::uint64_t lsn = 0;  // of frames: 1, 2, 3 … through all files
  std::uint64_t file = 0;
  std::uint32_t epoch = 0;         // one more at each start
  std::uint32_t previous_crc = 0;  // `crc` of the frame before, also across files
  std::uint32_t bytes = 0;         // of the whole frame, a multiple of kAlignment
  FrameKind kind = FrameKind::kRecords;
  std::uint32_t entries = 0;  // of the directory: LaneEntry or RunEntry
  std::uint32_t version = kVersion;
  std::int64_t written_ms = 0;
  // Of the file, random: neither what a recycled file held before nor a record's data can pass for
  // one of its frames.
  std::uint64_t salt = 0;
};
static_assert(sizeof(FrameHeader) == 64);
constexpr std::size_t kFrameCrcFrom = 8;

// An opening frame's directory, sorted by lane: every lane that is not dropped.
struct LaneEntry {
  std::uint32_t lane = 0;
  std::uint32_t zero = 0;
  std::uint64_t end = 1;   // one past the lane's newest record before this file
  std::uint64_t next = 1;  // the first index that a record in this file may get
  std::int64_t last_arrival_ms = 0;
};
static_assert(sizeof(LaneEntry) == 32);

// A records frame's directory, sorted by lane, then index.
struct RunEntry {
  std::uint32_t lane = 0;
  std::uint32_t count = 0;
  std::uint64_t first = 0;
  std::uint32_t offset = 0;  // from the frame's begin
  std::uint32_t bytes = 0;
  std::int64_t first_arrival_ms = 0;
  std::int64_t last_arrival_ms = 0;
  std::uint32_t crc = 0;  // CRC32C of the headers of the run's batches
  std::uint32_t batches = 0;
};
static_assert(sizeof(RunEntry) == 48);

// A run is a sequence of batches: what one call put into one lane (or a part of it).
struct BatchHeader {
  std::uint32_t bytes = 0;  // of the records behind this header
  std::uint32_t count = 0;
  std::uint32_t crc = 0;    // CRC32C of the records
  std::uint16_t part = 0;   // which of the call's runs this is (of)
  std::uint16_t parts = 0;  // how many runs the call had
  std::int64_t arrival_ms = 0;
  std::uint32_t flags = 0;
  std::uint32_t zero = 0;
  std::uint64_t token_high = 0;
  std::uint64_t token_low = 0;
};
static_assert(sizeof(BatchHeader) == 48);
constexpr std::uint32_t kBatchHasToken = 1;

// A record: this, [16 bytes of explicit hash key,] the partition key, the data.
struct RecordHeader {
  std::uint32_t data_bytes = 0;
  std::uint16_t key_bytes = 0;
  std::uint16_t flags = 0;
};
static_assert(sizeof(RecordHeader) == 8);
constexpr std::uint16_t kRecordHasHash = 1;
constexpr std::size_t kHashBytes = 16;

// A sealed file ends with: RunPlace… TokenEntry… LaneSummary… Trailer.
// A run, found by lane and index; sorted by lane, then index.
struct RunPlace {
  std::uint64_t first = 0;
  std::uint64_t offset = 0;  // in the file
  std::int64_t first_arrival_ms = 0;
  std::int64_t last_arrival_ms = 0;
  std::uint32_t count = 0;
  std::uint32_t bytes = 0;
  std::uint32_t crc = 0;
  std::uint32_t batches = 0;
};
static_assert(sizeof(RunPlace) == 48);

// One run of a call that had a token; in the order of the log, a call's runs together and in order.
struct TokenEntry {
  std::uint64_t token_high = 0;
  std::uint64_t token_low = 0;
  std::uint64_t first = 0;
  std::int64_t arrival_ms = 0;
  std::uint32_t lane = 0;
  std::uint32_t count = 0;
  std::uint16_t part = 0;
  std::uint16_t parts = 0;
  std::uint32_t zero = 0;
};
static_assert(sizeof(TokenEntry) == 48);

struct LaneSummary {  // sorted by lane
  std::uint32_t lane = 0;
  std::uint32_t places = 0;     // RunPlaces of the lane
  std::uint32_t places_at = 0;  // which is its first one
  std::uint32_t places_crc = 0;
  std::uint64_t first = 0;  // within a file a lane's indexes have no gaps
  std::uint64_t end = 0;
  std::int64_t first_arrival_ms = 0;
  std::int64_t last_arrival_ms = 0;
};
static_assert(sizeof(LaneSummary) == 48);

struct Trailer {  // the file's last bytes
  std::uint64_t file = 0;
  std::uint64_t first_lsn = 0;
  std::uint64_t last_lsn = 0;
  std::uint64_t data_end = 0;  // where the frames end
  std::int64_t sealed_ms = 0;
  std::uint32_t last_crc = 0;  // of the last frame
  std::uint32_t epoch = 0;
  std::uint32_t places = 0;
  std::uint32_t tokens = 0;
  std::uint32_t lanes = 0;
  std::uint32_t tokens_crc = 0;
  std::uint32_t lanes_crc = 0;
  std::uint32_t version = kVersion;
  std::uint32_t magic = kTrailerMagic;
  std::uint32_t crc = 0;  // CRC32C of all before it
};
static_assert(sizeof(Trailer) == 80);

constexpr std::uint64_t footer_bytes(std::uint64_t places, std::uint64_t tokens,
                                     std::uint64_t lanes) {
  return places * sizeof(RunPlace) + tokens * sizeof(TokenEntry) + lanes * sizeof(LaneSummary) +
         sizeof(Trailer);
}

constexpr std::uint64_t align(std::uint64_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

template <class T>
  requires std::is_trivially_copyable_v<T>
std::string_view bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof(T)};
}

template <class T>
  requires std::is_trivially_copyable_v<T>
std::string_view bytes_of(std::span<const T> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
}

template <class T>
  requires std::is_trivially_copyable_v<T>
T load(const char* from) {
  T value;
  __builtin_memcpy(&value, from, sizeof(T));
  return value;
}

// From the begin of `from`, which is long enough.
template <class T>
T load(std::string_view from) {
  return load<T>(from.begin());
}

template <class T>
  requires std::is_trivially_copyable_v<T>
void store(char* to, const T& value) {
  __builtin_memcpy(to, &value, sizeof(T));
}

std::uint32_t crc_of(const Trailer& trailer);
// Magic, version, number and CRC are right.
bool is_valid(const Trailer& trailer, std::uint64_t file);

// Why a piece of a file is not what was written.
using Flaw = std::optional<std::string>;

// Header and directory of a frame at `frame`: sizes, kind, version, file number and CRC. `header`
// holds at least sizeof(FrameHeader) bytes; `directory_bytes()` says how many follow.
bool looks_like_frame(const FrameHeader& header, std::uint64_t file, std::uint64_t room);
std::uint64_t directory_bytes(const FrameHeader& header);
bool frame_crc_matches(std::string_view header_and_directory);

// One record of a batch, views into it.
struct RecordView {
  std::string_view partition_key;
  std::string_view data;
  std::optional<base::Uint128> explicit_hash;
};

// Walks the batches of a run. Checks the CRC of the batch headers when it is made, that of a
// batch's records when the batch is entered.
class RunCursor {
 public:
  RunCursor(std::string_view run, std::uint64_t first, std::uint32_t count, std::uint32_t batches,
            std::uint32_t crc);
  // To the next batch; false at the end or at a flaw.
  bool next_batch();
  const BatchHeader& batch() const { return batch_; }
  std::uint64_t batch_first() const { return batch_first_; }
  // Checks the CRC of the batch's records; false: a flaw.
  bool check_records();
  // The next record of the batch; false at its end or at a flaw.
  bool next_record(RecordView& record);
  const Flaw& flaw() const { return flaw_; }

 private:
  std::string_view rest_;     // behind the batch
  std::string_view records_;  // of the batch, not yet given
  BatchHeader batch_;
  std::uint64_t batch_first_ = 0;
  std::uint64_t next_first_ = 0;
  std::uint32_t records_left_ = 0;
  Flaw flaw_;
};

std::size_t record_bytes(std::size_t key_bytes, std::size_t data_bytes, bool has_hash);
// Writes the record at `to` and returns one past it.
char* write_record(char* to, const RecordView& record);

}  // namespace sluice::journal::format
