#include "journal/recovery.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "base/digest.h"
#include "base/log.h"

namespace sluice::journal {
namespace {

constexpr base::Logger kLog{"journal"};
constexpr std::uint64_t kWindowBytes = std::uint64_t{4} << 20;
// A sealed file with less unused is not opened again.
constexpr std::uint64_t kRoomToGoOn = 4096;

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

// A view of a file that moves forward.
class Window {
 public:
  explicit Window(const DataFile& file) : file_(file) {}

  // Fewer bytes only at the end of the file; valid until the next call.
  base::IoResult<std::string_view> view(std::uint64_t offset, std::uint64_t bytes) {
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

 private:
  const DataFile& file_;
  std::string buffer_;
  std::uint64_t begin_ = 0;
};

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
    for (auto& [lane, places] : places_) {
      scan_.directory.lanes.push_back(
          {.lane = lane,
           .places = static_cast<std::uint32_t>(places.size()),
           .places_at = static_cast<std::uint32_t>(scan_.directory.places.size()),
           .places_crc = base::crc32c(format::bytes_of(std::span<const format::RunPlace>(places))),
           .first = places.front().first,
           .end = places.back().first + places.back().count,
           .first_arrival_ms = places.front().first_arrival_ms,
           .last_arrival_ms = places.back().last_arrival_ms});
      scan_.directory.places.insert(scan_.directory.places.end(), places.begin(), places.end());
    }
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
    std::vector<format::TokenEntry> tokens;
    const char* entry = frame.data() + sizeof(header);
    for (auto& run : runs) {
      run = format::load<format::RunEntry>(entry);
      entry += sizeof(run);
      if (run.offset > frame.size() || run.bytes > frame.size() - run.offset) return false;
      format::RunCursor cursor(frame.substr(run.offset, run.bytes), run.first, run.count,
                               run.batches, run.crc);
      while (cursor.next_batch() && cursor.check_records())
        note_token(run.lane, cursor.batch_first(), cursor.batch(), tokens);
      if (cursor.flaw()) return false;
    }
    for (const auto& run : runs)
      places_[run.lane].push_back({.first = run.first,
                                   .offset = offset_ + run.offset,
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
    scan_.tokens.insert(scan_.tokens.end(), tokens.begin(), tokens.end());
    return true;
  }

  static void note_token(std::uint32_t lane, std::uint64_t first, const format::BatchHeader& batch,
                         std::vector<format::TokenEntry>& tokens) {
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
  std::map<std::uint32_t, std::vector<format::RunPlace>> places_;
};

struct Opening {
  format::FrameHeader header;
  std::vector<format::LaneEntry> table;
};

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

base::IoStatus copy_frames(const DataFile& from, std::uint64_t bytes, DataFile& to) {
  Window window(from);
  for (std::uint64_t at = 0; at < bytes;) {
    const auto piece = window.view(at, std::min(kWindowBytes, bytes - at));
    if (!piece) return std::unexpected(piece.error());
    if (piece->empty())
      return base::fail(base::IoError::kOther, fmt::format("{} became shorter", from.path));
    if (auto ok = to.file->write_at(at, *piece); !ok) return ok;
    at += piece->size();
  }
  return {};
}

// Copies the good frames of `torn` to a sealed file that takes its place. The page cache may hold
// pages of the old file that are marked clean but never reached the disk; the copy is synced.
base::IoResult<DataFileRef> rewrite(FileStore& store, const DataFile& torn, const Scan& scan,
                                    std::int64_t now_ms) {
  auto copy = store.make_rewrite(torn.number);
  if (!copy) return copy;
  DataFile& out = **copy;
  if (auto ok = copy_frames(torn, scan.end.data_end, out); !ok) return std::unexpected(ok.error());
  Seal seal{.trailer = scan.end, .directory = scan.directory, .tokens = scan.tokens};
  seal.trailer.sealed_ms = now_ms;
  if (auto footer = write_footer(*out.file, 0, std::move(seal), UnusedRoom::kGiveBack); !footer)
    return std::unexpected(footer.error());
  if (auto ok = store.put_in_place(out); !ok) return std::unexpected(ok.error());
  const auto size = out.file->size();
  if (!size) return std::unexpected(size.error());
  out.bytes = *size;
  return copy;
}

// Step by step through the files, oldest first.
class Recovery {
 public:
  Recovery(FileStore& store, std::int64_t now_ms, std::int64_t tokens_since_ms)
      : store_(store), now_ms_(now_ms), tokens_since_ms_(tokens_since_ms) {}

  struct Sealed {
    DataFileRef file;
    Footer footer;
  };

  JournalResult<void> take(std::uint32_t number, bool last) {
    auto opened = store_.open_file(number);
    if (!opened) return io_failed(opened.error());
    DataFileRef file = std::move(*opened);
    auto footer = read_footer(*file, tokens_since_ms_);
    if (!footer) return std::unexpected(footer.error());
    if (!*footer) {
      auto scan = scan_file(*file, follows(number) ? end_.lsn : 0);
      if (!scan) return std::unexpected(scan.error());
      if (!last && !scan->has_opening)
        return corrupt(*file, 0, "nothing in it is readable, and this is not the newest file");
      if (!scan->has_opening) {  // it was about to be opened when the power failed
        if (auto ok = store_.discard(std::move(file)); !ok) return io_failed(ok.error());
        return {};
      }
      if (!last)
        return corrupt(*file, file->bytes,
                       "the footer is damaged, and this is not the newest file");
      kLog.info("{}: taking over frames {} to {}, {} bytes", file->path, scan->end.first_lsn,
                scan->end.last_lsn, scan->end.data_end);
      auto rewritten = rewrite(store_, *file, *scan, now_ms_);
      if (!rewritten && rewritten.error().code == base::IoError::kNoSpace) {
        const auto gave = store_.give_up_reserve();
        if (!gave) return io_failed(gave.error());
        if (*gave) rewritten = rewrite(store_, *file, *scan, now_ms_);
      }
      if (!rewritten) return io_failed(rewritten.error());
      file = std::move(*rewritten);
      footer = read_footer(*file, tokens_since_ms_);
      if (!footer) return std::unexpected(footer.error());
      if (!*footer) return corrupt(*file, file->bytes, "what was just written cannot be read");
    }
    return take_sealed(std::move(file), std::move(**footer));
  }

  JournalResult<LogEnd> finish(LaneIndex& index, TokenTable& tokens) {
    if (sealed_.empty()) return std::move(end_);
    auto opening = read_opening(*sealed_.back().file);
    if (!opening) return std::unexpected(opening.error());
    std::map<std::uint32_t, std::uint64_t> next;
    for (const auto& entry : opening->table) {
      index.add_lane(entry);
      next[entry.lane] = entry.next;
    }
    for (const auto& lane : sealed_.back().footer.lanes) {
      index.add_lane({.lane = lane.lane});
      next[lane.lane] = std::max(next[lane.lane], lane.end);
    }
    for (const auto& sealed : sealed_)
      tokens.insert(sealed.footer.tokens, now_ms_);
    if (auto ok = go_on_in_last(opening->header.salt, index); !ok)
      return std::unexpected(ok.error());
    for (auto& [file, footer] : sealed_) {
      file->places_at = footer.places_at;
      index.add_sealed(std::move(file), footer.lanes);
    }
    end_.lanes = index.lanes();
    for (auto& lane : end_.lanes)
      lane.next = std::max(next[lane.lane], lane.end);
    return std::move(end_);
  }

 private:
  // No file is missing between this one and those before.
  bool follows(std::uint32_t number) const { return !sealed_.empty() && end_.file + 1 == number; }

  JournalResult<void> take_sealed(DataFileRef file, Footer footer) {
    const auto& trailer = footer.trailer;
    if (!sealed_.empty()) {
      if (trailer.first_lsn <= end_.lsn ||
          (follows(file->number) && trailer.first_lsn != end_.lsn + 1))
        return corrupt(*file, 0,
                       fmt::format("its first frame is {}, but the file before ends with {}",
                                   trailer.first_lsn, end_.lsn));
    }
    end_.lsn = trailer.last_lsn;
    end_.crc = trailer.last_crc;
    end_.epoch = trailer.epoch;
    end_.file = file->number;
    sealed_.push_back({std::move(file), std::move(footer)});
    return {};
  }

  // Only a file that was closed in good order has room left: every index given is in it.
  JournalResult<void> go_on_in_last(std::uint64_t salt, LaneIndex& index) {
    Sealed& last = sealed_.back();
    if (last.footer.places_at - last.footer.trailer.data_end < kRoomToGoOn) return {};
    auto places = read_places(*last.file, last.footer);
    if (!places) return std::unexpected(places.error());
    index.reopen_file(last.file, {.places = std::move(*places), .lanes = last.footer.lanes});
    end_.tail = {.file = std::move(last.file), .salt = salt, .footer = std::move(last.footer)};
    sealed_.pop_back();
    return {};
  }

  FileStore& store_;
  const std::int64_t now_ms_;
  const std::int64_t tokens_since_ms_;
  std::vector<Sealed> sealed_;
  LogEnd end_;
};

}  // namespace

JournalResult<Scan> scan_file(const DataFile& file, std::uint64_t lsn_before) {
  return Scanner(file, lsn_before).run();
}

JournalResult<LogEnd> recover(FileStore& store, const std::vector<std::uint32_t>& numbers,
                              LaneIndex& index, TokenTable& tokens, std::int64_t now_ms,
                              std::int64_t token_window_ms) {
  Recovery recovery(store, now_ms, now_ms - token_window_ms);
  for (const auto number : numbers) {
    if (auto ok = recovery.take(number, number == numbers.back()); !ok)
      return std::unexpected(ok.error());
  }
  return recovery.finish(index, tokens);
}

}  // namespace sluice::journal
