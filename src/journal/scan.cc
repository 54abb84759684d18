#include "journal/scan.h"

#include <fmt/core.h>

#include <algorithm>
#include <tuple>

#include "base/digest.h"

namespace sluice::journal {
namespace {

constexpr std::uint64_t kWindowBytes = std::uint64_t{4} << 20;

std::unexpected<base::Failure<JournalError>> corrupt(const DataFile& file, std::uint64_t offset,
                                                     std::string_view what) {
  return base::fail(JournalError::kCorrupt,
                    fmt::format("{} at offset {}: {}", file.path, offset, what));
}

std::unexpected<base::Failure<JournalError>> io_failed(const base::Failure<base::IoError>& error) {
  return base::fail(
      error.code == base::IoError::kNoSpace ? JournalError::kDiskFull : JournalError::kFailed,
      error.message);
}

class Scanner {
 public:
  Scanner(const DataFile& file, std::uint64_t lsn_before)
      : file_(file), window_(file), lsn_before_(lsn_before) {}

  JournalResult<Scan> run() {
    auto more = base::IoResult<bool>(true);
    while (more && *more)
      more = take_frame();
    if (!more) return io_failed(more.error());
    if (auto ok = check_nothing_follows(); !ok) return std::unexpected(ok.error());
    scan_.directory = builder_.directory();
    scan_.tokens = builder_.take_tokens();
    scan_.end.file = file_.number;
    scan_.end.data_end = offset_;
    return std::move(scan_);
  }

 private:
  // False: what is at offset_ is not the next frame.
  base::IoResult<bool> take_frame() {
    const auto header_bytes = window_.view(offset_, sizeof(format::FrameHeader));
    if (!header_bytes) return std::unexpected(header_bytes.error());
    if (header_bytes->size() < sizeof(format::FrameHeader)) return false;
    const auto header = format::load<format::FrameHeader>(*header_bytes);
    if (!format::looks_like_frame(header, file_.number, file_.bytes - offset_)) return false;
    const bool opening = offset_ == 0;
    if ((header.kind == format::FrameKind::kOpening) != opening) return false;
    if (!opening && (header.lsn != scan_.end.last_lsn + 1 || header.salt != scan_.salt ||
                     header.previous_crc != scan_.end.last_crc))
      return false;
    const auto frame = window_.view(offset_, header.bytes);
    if (!frame) return std::unexpected(frame.error());
    const std::uint64_t head = sizeof(header) + format::directory_bytes(header);
    if (frame->size() < header.bytes || !format::frame_crc_matches(frame->substr(0, head)))
      return false;
    if (opening) {
      take_table(header, *frame);
    } else if (!take_runs(header, *frame)) {
      return false;
    }
    scan_.end.last_lsn = header.lsn;
    scan_.end.last_crc = header.crc;
    scan_.end.epoch = header.epoch;
    offset_ += header.bytes;
    return true;
  }

  void take_table(const format::FrameHeader& header, std::string_view frame) {
    scan_.has_opening = true;
    scan_.salt = header.salt;
    scan_.end.first_lsn = header.lsn;
    const char* entry = frame.data() + sizeof(header);
    for (std::uint32_t i = 0; i < header.entries; ++i, entry += sizeof(format::LaneEntry))
      scan_.table.push_back(format::load<format::LaneEntry>(entry));
  }

  bool take_runs(const format::FrameHeader& header, std::string_view frame) {
    std::vector<format::RunEntry> runs(header.entries);
    DirectoryBuilder::Tokens tokens;
    const char* entry = frame.data() + sizeof(header);
    for (auto& run : runs) {
      run = format::load<format::RunEntry>(entry);
      entry += sizeof(run);
      if (run.offset > frame.size() || run.bytes > frame.size() - run.offset) return false;
      format::RunCursor cursor(frame.substr(run.offset, run.bytes), run.first, run.count,
                               run.batches, run.crc);
      while (cursor.next_batch() && cursor.check_records())
        DirectoryBuilder::note(run.lane, cursor.batch_first(), cursor.batch(), tokens);
      if (cursor.flaw()) return false;
    }
    builder_.add(runs, std::move(tokens), offset_);
    return true;
  }

  // One frame is in flight at a time: a good frame behind a bad one means that the bad one was once
  // good.
  JournalResult<void> check_nothing_follows() {
    const std::uint64_t torn_lsn = (scan_.has_opening ? scan_.end.last_lsn : lsn_before_) + 1;
    for (std::uint64_t at = offset_; at + sizeof(format::FrameHeader) <= file_.bytes;
         at += format::kAlignment) {
      const auto header_bytes = window_.view(at, sizeof(format::FrameHeader));
      if (!header_bytes) return io_failed(header_bytes.error());
      if (header_bytes->size() < sizeof(format::FrameHeader)) break;
      const auto header = format::load<format::FrameHeader>(*header_bytes);
      if (!format::looks_like_frame(header, file_.number, file_.bytes - at)) continue;
      if (header.lsn <= torn_lsn || (scan_.has_opening && header.salt != scan_.salt)) continue;
      const auto head = window_.view(at, sizeof(header) + format::directory_bytes(header));
      if (!head) return io_failed(head.error());
      if (format::frame_crc_matches(*head))
        return corrupt(file_, offset_,
                       fmt::format("the frame is damaged, and a good one follows at {}", at));
    }
    return {};
  }

  const DataFile& file_;
  Window window_;
  const std::uint64_t lsn_before_;
  std::uint64_t offset_ = 0;
  Scan scan_;
  DirectoryBuilder builder_;
};

}  // namespace

base::IoResult<std::string_view> Window::view(std::uint64_t offset, std::uint64_t bytes) {
  if (offset < begin_ || offset + bytes > begin_ + buffer_.size()) {
    const std::uint64_t left = file_.bytes - std::min(file_.bytes, offset);
    buffer_.resize(std::min(std::max(bytes, kWindowBytes), left));
    const auto got = file_.file->read_at(offset, std::span(buffer_.data(), buffer_.size()));
    if (!got) return std::unexpected(got.error());
    buffer_.resize(*got);
    begin_ = offset;
  }
  return std::string_view(buffer_).substr(offset - begin_, bytes);
}

void DirectoryBuilder::note(std::uint32_t lane, std::uint64_t first,
                            const format::BatchHeader& batch, Tokens& tokens) {
  if ((batch.flags & format::kBatchHasToken) == 0) return;
  if (!tokens.empty()) {  // a long run is cut into several batches
    auto& token = tokens.back();
    if (token.token_high == batch.token_high && token.token_low == batch.token_low &&
        token.part == batch.part) {
      token.count += batch.count;
      return;
    }
  }
  tokens.push_back({.token_high = batch.token_high,
                    .token_low = batch.token_low,
                    .first = first,
                    .arrival_ms = batch.arrival_ms,
                    .lane = lane,
                    .count = batch.count,
                    .part = batch.part,
                    .parts = batch.parts});
}

void DirectoryBuilder::add(std::span<const format::RunEntry> runs, Tokens tokens,
                           std::uint64_t frame_offset) {
  for (const auto& run : runs)
    places_[run.lane].push_back({.first = run.first,
                                 .offset = frame_offset + run.offset,
                                 .first_arrival_ms = run.first_arrival_ms,
                                 .last_arrival_ms = run.last_arrival_ms,
                                 .count = run.count,
                                 .bytes = run.bytes,
                                 .crc = run.crc,
                                 .batches = run.batches});
  // The frame is in the order of lanes; a call's runs belong together.
  std::ranges::stable_sort(tokens, [](const auto& a, const auto& b) {
    return std::tie(a.token_high, a.token_low, a.part) <
           std::tie(b.token_high, b.token_low, b.part);
  });
  tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
}

LaneIndex::Directory DirectoryBuilder::directory() const {
  LaneIndex::Directory directory;
  for (const auto& [lane, places] : places_) {
    directory.lanes.push_back(
        {.lane = lane,
         .places = static_cast<std::uint32_t>(places.size()),
         .places_at = static_cast<std::uint32_t>(directory.places.size()),
         .places_crc = base::crc32c(format::bytes_of(std::span<const format::RunPlace>(places))),
         .first = places.front().first,
         .end = places.back().first + places.back().count,
         .first_arrival_ms = places.front().first_arrival_ms,
         .last_arrival_ms = places.back().last_arrival_ms});
    directory.places.insert(directory.places.end(), places.begin(), places.end());
  }
  return directory;
}

JournalResult<Scan> scan_file(const DataFile& file, std::uint64_t lsn_before) {
  return Scanner(file, lsn_before).run();
}

JournalResult<Opening> read_opening(const DataFile& file) {
  Window window(file);
  const auto header_bytes = window.view(0, sizeof(format::FrameHeader));
  if (!header_bytes) return io_failed(header_bytes.error());
  if (header_bytes->size() < sizeof(format::FrameHeader))
    return corrupt(file, 0, "no opening frame");
  Opening opening{.header = format::load<format::FrameHeader>(*header_bytes), .table = {}};
  const auto& header = opening.header;
  if (!format::looks_like_frame(header, file.number, file.bytes) ||
      header.kind != format::FrameKind::kOpening)
    return corrupt(file, 0, "the opening frame is damaged");
  const auto head = window.view(0, sizeof(header) + format::directory_bytes(header));
  if (!head) return io_failed(head.error());
  if (!format::frame_crc_matches(*head)) return corrupt(file, 0, "the opening frame is damaged");
  opening.table.resize(header.entries);
  const char* entry = head->data() + sizeof(header);
  for (auto& lane : opening.table) {
    lane = format::load<format::LaneEntry>(entry);
    entry += sizeof(lane);
  }
  return opening;
}

}  // namespace sluice::journal
