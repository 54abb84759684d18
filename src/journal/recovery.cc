#include "journal/recovery.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "base/log.h"

namespace sluice::journal {
namespace {

constexpr base::Logger kLog{"journal"};
constexpr std::uint64_t kCopiedAtOnce = std::uint64_t{4} << 20;
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

base::IoStatus copy_frames(const DataFile& from, std::uint64_t bytes, DataFile& to) {
  Window window(from);
  for (std::uint64_t at = 0; at < bytes;) {
    const auto piece = window.view(at, std::min(kCopiedAtOnce, bytes - at));
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
  Recovery(FileStore& store, const JournalOptions& options, std::int64_t now_ms)
      : store_(store),
        frames_known_(options.frames_known),
        index_floor_(options.index_floor),
        now_ms_(now_ms),
        tokens_since_ms_(now_ms - options.token_window_ms) {}

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
    // Written, but perhaps never synced: the process may have died in between.
    if (*footer && last) {
      if (auto ok = write_trailer(*file, (*footer)->trailer); !ok) return io_failed(ok.error());
    }
    if (!*footer) {
      auto scan = scan_file(*file, follows(number) ? end_.lsn : 0);
      if (!scan) return std::unexpected(scan.error());
      if (!last && !scan->has_opening)
        return corrupt(*file, 0, "nothing in it is readable, and this is not the newest file");
      // Before anything is made of what may be a damaged frame, not a torn one.
      const std::uint64_t lsn = scan->has_opening ? scan->end.last_lsn : end_.lsn;
      if (last && lsn < frames_known_) return corrupt(*file, scan->end.data_end, too_short(lsn));
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

  // The end of a log cannot tell that there was more.
  JournalResult<void> check_known() const {
    if (end_.lsn >= frames_known_) return {};
    if (sealed_.empty()) return base::fail(JournalError::kCorrupt, too_short(end_.lsn));
    const Sealed& newest = sealed_.back();
    return corrupt(*newest.file, newest.footer.trailer.data_end, too_short(end_.lsn));
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
    // Within a file the indexes of a lane have no gaps.
    const bool raised =
        std::ranges::any_of(next, [this](const auto& lane) { return lane.second < index_floor_; });
    if (!raised) {
      if (auto ok = go_on_in_last(opening->header.salt, index); !ok)
        return std::unexpected(ok.error());
    }
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
  std::string too_short(std::uint64_t lsn) const {
    return fmt::format(
        "the log ends with frame {}, but {} were written: the rest is damaged, or its newest files "
        "are missing, or this is an old copy",
        lsn, frames_known_);
  }

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
  const std::uint64_t frames_known_;
  const std::uint64_t index_floor_;
  const std::int64_t now_ms_;
  const std::int64_t tokens_since_ms_;
  std::vector<Sealed> sealed_;
  LogEnd end_;
};

}  // namespace

JournalResult<LogEnd> recover(FileStore& store, const std::vector<std::uint32_t>& numbers,
                              LaneIndex& index, TokenTable& tokens, std::int64_t now_ms,
                              const JournalOptions& options) {
  Recovery recovery(store, options, now_ms);
  for (const auto number : numbers) {
    if (auto ok = recovery.take(number, number == numbers.back()); !ok)
      return std::unexpected(ok.error());
  }
  if (auto ok = recovery.check_known(); !ok) return std::unexpected(ok.error());
  return recovery.finish(index, tokens);
}

}  // namespace sluice::journal
