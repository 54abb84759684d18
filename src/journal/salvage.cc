#include "journal/salvage.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "base/digest.h"

namespace sluice::journal {

void IndexRanges::add(std::uint64_t first, std::uint64_t end) {
  if (first >= end) return;
  const auto at =
      std::ranges::find_if(ranges_, [&](const auto& range) { return range.second >= first; });
  auto last = at;
  for (; last != ranges_.end() && last->first <= end; ++last) {
    first = std::min(first, last->first);
    end = std::max(end, last->second);
  }
  ranges_.insert(ranges_.erase(at, last), {first, end});
}

IndexRanges IndexRanges::minus(const IndexRanges& other) const {
  IndexRanges out;
  for (auto [first, end] : ranges_) {
    for (const auto& [from, to] : other.ranges_) {
      if (to <= first || from >= end) continue;
      out.add(first, from);
      first = std::max(first, to);
    }
    out.add(first, end);
  }
  return out;
}

namespace {

// What is good of a records frame.
struct Salvaged {
  std::vector<format::RunEntry> runs;
  std::string payload;  // the runs, one after another; filled in if asked for
  DirectoryBuilder::Tokens tokens;
  std::uint64_t records = 0;
  bool whole = true;
};

class FrameSalvage {
 public:
  FrameSalvage(std::string_view frame, bool keep) : frame_(frame), keep_(keep) {}

  Salvaged run(const format::FrameHeader& header) {
    const char* entry = frame_.data() + sizeof(header);
    for (std::uint32_t i = 0; i < header.entries; ++i, entry += sizeof(format::RunEntry))
      take_run(format::load<format::RunEntry>(entry));
    // The answer to a call's retry must be whole.
    if (!out_.whole) out_.tokens.clear();
    return std::move(out_);
  }

 private:
  void take_run(const format::RunEntry& run) {
    open_ = false;
    if (run.offset > frame_.size() || run.bytes > frame_.size() - run.offset) {
      out_.whole = false;
      return;
    }
    const auto bytes = frame_.substr(run.offset, run.bytes);
    format::RunCursor cursor(bytes, run.first, run.count, run.batches, run.crc);
    std::uint64_t at = 0;
    while (cursor.next_batch()) {
      const std::uint64_t size = sizeof(format::BatchHeader) + cursor.batch().bytes;
      const auto batch = bytes.substr(at, size);
      at += size;
      // A cursor that found a flaw goes no further: each batch has one of its own.
      if (base::crc32c(batch.substr(sizeof(format::BatchHeader))) == cursor.batch().crc) {
        take_batch(run.lane, cursor.batch_first(), cursor.batch(), batch);
      } else {
        out_.whole = false;
        open_ = false;
      }
    }
    if (cursor.flaw()) out_.whole = false;
  }

  void take_batch(std::uint32_t lane, std::uint64_t first, const format::BatchHeader& header,
                  std::string_view bytes) {
    if (!std::exchange(open_, true))
      out_.runs.push_back({.lane = lane, .first = first, .first_arrival_ms = header.arrival_ms});
    auto& run = out_.runs.back();
    run.count += header.count;
    run.bytes += static_cast<std::uint32_t>(bytes.size());
    run.last_arrival_ms = header.arrival_ms;
    run.crc = base::crc32c(bytes.substr(0, sizeof(header)), run.crc);
    ++run.batches;
    DirectoryBuilder::note(lane, first, header, out_.tokens);
    out_.records += header.count;
    if (keep_) out_.payload += bytes;
  }

  const std::string_view frame_;
  const bool keep_;
  bool open_ = false;  // the last of out_.runs goes on
  Salvaged out_;
};

class Examiner {
 public:
  Examiner(DataFileRef file, bool newest, std::uint64_t frames_known)
      : window_(*file), newest_(newest), frames_known_(frames_known) {
    out_.file = std::move(file);
  }

  base::IoResult<Examined> run() {
    if (auto ok = read_end(); !ok) return std::unexpected(ok.error());
    if (auto ok = walk(); !ok) return std::unexpected(ok.error());
    // What a file that was not sealed ends with may never have been acknowledged.
    const bool torn = newest_ && !out_.trailer && pending_ && !pending_->salvaged.whole &&
                      out_.frames.back().lsn > frames_known_;
    if (torn) {
      out_.frames.pop_back();
    } else {
      settle_pending();
    }
    const bool unused = newest_ && !out_.trailer && out_.frames.empty();
    const bool told =
        std::ranges::any_of(out_.flaws, [](const FileFlaw& known) { return known.offset == 0; });
    if (!unused && !out_.opening && !told) flaw(0, "the opening frame is damaged");
    if (!newest_ && !out_.trailer) flaw(out_.file->bytes, "the footer is damaged");
    if (!out_.frames.empty()) {
      out_.first_lsn = out_.opening ? out_.opening->header.lsn : 0;
      out_.last_lsn = out_.frames.back().lsn;
    }
    if (out_.trailer) {
      out_.first_lsn = out_.trailer->first_lsn;
      out_.last_lsn = out_.trailer->last_lsn;
    }
    std::ranges::sort(out_.flaws, {}, &FileFlaw::offset);
    return std::move(out_);
  }

 private:
  void flaw(std::uint64_t offset, std::string what) {
    out_.flaws.push_back({offset, std::move(what)});
  }

  // Trailer, footer, and what they say was written.
  base::IoStatus read_end() {
    DataFile& file = *out_.file;
    format::Trailer trailer;
    if (file.bytes < sizeof(trailer)) return {};
    const auto got = window_.view(file.bytes - sizeof(trailer), sizeof(trailer));
    if (!got) return std::unexpected(got.error());
    if (got->size() == sizeof(trailer)) trailer = format::load<format::Trailer>(*got);
    if (!format::is_valid(trailer, file.number)) return {};
    out_.trailer = trailer;
    const auto footer = read_footer(file, std::numeric_limits<std::int64_t>::min());
    if (!footer) return damaged_footer(footer.error());
    const auto places = read_places(file, **footer);
    if (!places) return damaged_footer(places.error());
    for (const auto& lane : (*footer)->lanes) {
      for (const auto& place : std::span(*places).subspan(lane.places_at, lane.places))
        out_.written[lane.lane].add(place.first, place.first + place.count);
      out_.last_arrival_ms[lane.lane] = lane.last_arrival_ms;
    }
    out_.is_full = true;
    return {};
  }

  base::IoStatus damaged_footer(const base::Failure<JournalError>& error) {
    if (error.code != JournalError::kCorrupt)
      return base::fail(base::IoError::kOther, error.message);
    const std::string at = fmt::format("{} at offset ", out_.file->path);
    std::uint64_t offset = out_.file->bytes - sizeof(format::Trailer);
    std::string what = error.message;
    if (what.starts_with(at)) {
      char* end = nullptr;
      offset = std::strtoull(what.c_str() + at.size(), &end, 10);
      what = end + 2;
    }
    flaw(offset, what);
    return {};
  }

  base::IoStatus walk() {
    const std::uint64_t end = out_.trailer ? out_.trailer->data_end : out_.file->bytes;
    std::optional<std::uint64_t> bad_from;
    std::uint64_t offset = 0;
    while (offset < end && offset + sizeof(format::FrameHeader) <= out_.file->bytes) {
      const auto bytes = take_frame(offset);
      if (!bytes) return std::unexpected(bytes.error());
      if (*bytes == 0) {
        if (!bad_from) bad_from = offset;
        offset += format::kAlignment;
        continue;
      }
      if (bad_from) flaw(*bad_from, fmt::format("damaged up to the frame at {}", offset));
      bad_from.reset();
      offset += *bytes;
    }
    // What follows the last good frame of a file that was not sealed was never acknowledged.
    if (bad_from && out_.trailer) flaw(*bad_from, "damaged up to the footer");
    if (out_.trailer && offset < end && !bad_from) flaw(offset, "the file ends too early");
    return {};
  }

  // The bytes of the good frame at `offset`; 0: there is none.
  base::IoResult<std::uint64_t> take_frame(std::uint64_t offset) {
    const DataFile& file = *out_.file;
    const auto begin = window_.view(offset, sizeof(format::FrameHeader));
    if (!begin) return std::unexpected(begin.error());
    if (begin->size() < sizeof(format::FrameHeader)) return 0;
    const auto header = format::load<format::FrameHeader>(*begin);
    const bool opening = header.kind == format::FrameKind::kOpening;
    if (!format::looks_like_frame(header, file.number, file.bytes - offset)) return 0;
    if (opening != (offset == 0)) return 0;
    if (!out_.frames.empty() && (header.lsn <= out_.frames.back().lsn || header.salt != out_.salt))
      return 0;
    const auto frame = window_.view(offset, header.bytes);
    if (!frame) return std::unexpected(frame.error());
    const std::uint64_t head = sizeof(header) + format::directory_bytes(header);
    if (frame->size() < head || !format::frame_crc_matches(frame->substr(0, head))) return 0;
    settle_pending();
    out_.salt = header.salt;
    out_.frames.push_back({.offset = offset, .lsn = header.lsn, .whole = true});
    if (opening) {
      take_opening(header, *frame);
    } else {
      take_records(header, *frame);
    }
    return header.bytes;
  }

  void take_opening(const format::FrameHeader& header, std::string_view frame) {
    out_.opening = Opening{.header = header, .table = {}};
    const char* entry = frame.data() + sizeof(header);
    for (std::uint32_t i = 0; i < header.entries; ++i, entry += sizeof(format::LaneEntry))
      out_.opening->table.push_back(format::load<format::LaneEntry>(entry));
  }

  void take_records(const format::FrameHeader& header, std::string_view frame) {
    auto& pending = pending_.emplace(FrameSalvage(frame, false).run(header));
    const char* entry = frame.data() + sizeof(header);
    for (std::uint32_t i = 0; i < header.entries; ++i, entry += sizeof(format::RunEntry))
      pending.runs.push_back(format::load<format::RunEntry>(entry));
    out_.frames.back().whole = pending.salvaged.whole;
  }

  // The frame before counts: another one follows, or the file was sealed.
  void settle_pending() {
    if (!pending_) return;
    for (const auto& run : pending_->runs)
      out_.written[run.lane].add(run.first, run.first + run.count);
    for (const auto& run : pending_->salvaged.runs) {
      out_.good[run.lane].add(run.first, run.first + run.count);
      auto& last_ms = out_.last_arrival_ms[run.lane];
      last_ms = std::max(last_ms, run.last_arrival_ms);
    }
    out_.records += pending_->salvaged.records;
    if (!pending_->salvaged.whole)
      flaw(out_.frames.back().offset, "records of the frame are damaged");
    pending_.reset();
  }

  struct Pending {
    explicit Pending(Salvaged s) : salvaged(std::move(s)) {}
    Salvaged salvaged;
    std::vector<format::RunEntry> runs;  // as its directory has them
  };

  Window window_;
  const bool newest_;
  const std::uint64_t frames_known_;
  std::optional<Pending> pending_;  // the last of out_.frames
  Examined out_;
};

// Writes a file of the log, each frame chained to the one before.
class FrameWriter {
 public:
  FrameWriter(DataFile& to, std::uint64_t salt) : to_(to), salt_(salt) {}

  // `header`: number, time, epoch and kind.
  base::IoStatus put(format::FrameHeader header, std::string_view directory,
                     std::string_view payload, std::uint32_t entries) {
    const std::uint64_t bytes = sizeof(header) + directory.size() + payload.size();
    header.file = to_.number;
    header.salt = salt_;
    header.previous_crc = crc_;
    header.bytes = static_cast<std::uint32_t>(format::align(bytes));
    header.entries = entries;
    header.crc = base::crc32c(directory,
                              base::crc32c(format::bytes_of(header).substr(format::kFrameCrcFrom)));
    const std::string padding(header.bytes - bytes, '\0');
    const std::string_view parts[] = {format::bytes_of(header), directory, payload, padding};
    if (auto ok = to_.file->write_at(offset_, parts); !ok) return ok;
    crc_ = header.crc;
    lsn_ = header.lsn;
    offset_ += header.bytes;
    return {};
  }

  std::uint64_t offset() const { return offset_; }
  std::uint64_t lsn() const { return lsn_; }
  std::uint32_t crc() const { return crc_; }

 private:
  DataFile& to_;
  const std::uint64_t salt_;
  std::uint64_t offset_ = 0;
  std::uint64_t lsn_ = 0;
  std::uint32_t crc_ = 0;
};

class Repairer {
 public:
  Repairer(const Examined& from, const Rewrite& how, DataFile& to)
      : from_(from), how_(how), to_(to), window_(*from.file), writer_(to, how.salt) {}

  base::IoStatus run() {
    format::FrameHeader opening{
        .lsn = how_.first_lsn, .kind = format::FrameKind::kOpening, .written_ms = how_.now_ms};
    if (from_.opening) opening = from_.opening->header;
    epoch_ = opening.epoch;
    if (auto ok = writer_.put(opening, format::bytes_of(std::span(how_.table)), {},
                              static_cast<std::uint32_t>(how_.table.size()));
        !ok)
      return ok;
    for (const auto& frame : from_.frames) {
      if (frame.offset == 0) continue;
      if (auto ok = fill_up_to(frame.lsn); !ok) return ok;
      if (auto ok = copy(frame); !ok) return ok;
    }
    if (auto ok = fill_up_to(how_.last_lsn + 1); !ok) return ok;
    return seal();
  }

 private:
  // An empty frame for each that is lost: the numbers stay without gaps.
  base::IoStatus fill_up_to(std::uint64_t lsn) {
    while (writer_.lsn() + 1 < lsn) {
      const format::FrameHeader empty{
          .lsn = writer_.lsn() + 1, .epoch = epoch_, .written_ms = how_.now_ms};
      if (auto ok = writer_.put(empty, {}, {}, 0); !ok) return ok;
    }
    return {};
  }

  base::IoStatus copy(const FoundFrame& found) {
    const auto begin = window_.view(found.offset, sizeof(format::FrameHeader));
    if (!begin) return std::unexpected(begin.error());
    const auto header = format::load<format::FrameHeader>(*begin);
    const auto frame = window_.view(found.offset, header.bytes);
    if (!frame) return std::unexpected(frame.error());
    Salvaged good = FrameSalvage(*frame, true).run(header);
    if (good.whole != found.whole)
      return base::fail(base::IoError::kOther, fmt::format("{} at offset {}: reads differ",
                                                           from_.file->path, found.offset));
    auto offset =
        static_cast<std::uint32_t>(sizeof(header) + good.runs.size() * sizeof(format::RunEntry));
    for (auto& run : good.runs) {
      run.offset = offset;
      offset += run.bytes;
    }
    epoch_ = header.epoch;
    const std::uint64_t at = writer_.offset();
    const std::span<const format::RunEntry> runs(good.runs);
    if (auto ok = writer_.put(header, format::bytes_of(runs), good.payload,
                              static_cast<std::uint32_t>(runs.size()));
        !ok)
      return ok;
    directory_.add(runs, std::move(good.tokens), at);
    return {};
  }

  base::IoStatus seal() {
    Seal seal{.trailer = {.file = to_.number,
                          .first_lsn = how_.first_lsn,
                          .last_lsn = writer_.lsn(),
                          .data_end = writer_.offset(),
                          .sealed_ms = how_.now_ms,
                          .last_crc = writer_.crc(),
                          .epoch = epoch_},
              .directory = directory_.directory(),
              .tokens = directory_.take_tokens()};
    const auto footer = write_footer(*to_.file, 0, std::move(seal), UnusedRoom::kGiveBack);
    if (!footer) return std::unexpected(footer.error());
    return {};
  }

  const Examined& from_;
  const Rewrite& how_;
  DataFile& to_;
  Window window_;
  FrameWriter writer_;
  DirectoryBuilder directory_;
  std::uint32_t epoch_ = 0;
};

}  // namespace

base::IoResult<Examined> examine(DataFileRef file, bool newest, std::uint64_t frames_known) {
  return Examiner(std::move(file), newest, frames_known).run();
}

base::IoStatus write_repaired(const Examined& from, const Rewrite& how, DataFile& to) {
  return Repairer(from, how, to).run();
}

}  // namespace sluice::journal
