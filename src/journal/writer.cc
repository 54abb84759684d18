#include "journal/writer.h"

#include <fmt/core.h>

#include <algorithm>
#include <cassert>

#include "base/digest.h"

namespace sluice::journal {
namespace {

base::Failure<JournalError> failure_of(const base::Failure<base::IoError>& error) {
  return {JournalError::kFailed, error.message};
}

std::string_view padding(std::uint64_t bytes) {
  static const std::string zeros(format::kAlignment, '\0');
  return std::string_view(zeros).substr(0, format::align(bytes) - bytes);
}

}  // namespace

WriterMetrics::WriterMetrics(base::MetricsRegistry& registry)
    : frames(registry.counter("sluice_journal_frames_total", "Frames written and synced")),
      records(registry.counter("sluice_journal_records_total", "Records made durable")),
      bytes(registry.counter("sluice_journal_written_bytes_total", "Bytes of frames written")),
      repeats(registry.counter("sluice_journal_repeats_total",
                               "Calls answered from their request token")),
      write(registry.histogram("sluice_journal_frame_seconds", "Write and sync of a frame")),
      sync(registry.histogram("sluice_journal_sync_seconds", "Sync of a frame")),
      next_file(registry.histogram("sluice_journal_next_file_seconds",
                                   "Puts held up by the move to the next file")),
      token_entries(registry.gauge("sluice_journal_tokens",
                                   "Runs remembered for retries (retry.tokens at most)")),
      token_bytes(registry.gauge("sluice_journal_token_bytes", "Memory of what retries need")) {}

Writer::Writer(const JournalOptions& options, FileStore& store, LaneIndex& index, TokenTable tokens,
               LogEnd end, base::MetricsRegistry& metrics)
    : options_(options),
      store_(store),
      index_(index),
      tokens_(std::move(tokens)),
      metrics_(metrics),
      end_(std::move(end)) {
  ++end_.epoch;
  // A file that was sealed with room left has every index that was given.
  const std::uint64_t skip = end_.tail ? 0 : options_.index_skip;
  for (const auto& lane : end_.lanes)
    cursors_[lane.lane] = {std::max(lane.next + skip, options_.index_floor), lane.last_arrival_ms};
  end_.lanes.clear();
}

JournalResult<void> Writer::begin() {
  if (!end_.tail) return open_next_file(0, false);
  resume(std::move(*end_.tail));
  end_.tail.reset();
  return {};
}

void Writer::resume(Tail tail) {
  const auto& trailer = tail.footer.trailer;
  file_ = std::move(tail.file);
  has_trailer_ = true;
  salt_ = tail.salt;
  first_lsn_ = trailer.first_lsn;
  data_end_ = trailer.data_end;
  places_ = trailer.places;
  for (const auto& lane : tail.footer.lanes)
    lanes_.insert(lane.lane);
  file_tokens_ = std::move(tail.footer.tokens);
}

void Writer::forget_lane(LaneId lane) {
  cursors_.erase(lane());
  dropped_.insert(lane());
}

void Writer::observe(base::Histogram& what, std::int64_t since_ns) const {
  what.observe_us(static_cast<std::uint64_t>(options_.clock->monotonic_ns() - since_ns) / 1000);
}

JournalResult<void> Writer::unseal() {
  if (!has_trailer_) return {};
  if (auto ok = remove_trailer(*file_); !ok) return std::unexpected(failure_of(ok.error()));
  has_trailer_ = false;
  return {};
}

JournalResult<void> Writer::open_next_file(std::uint64_t bytes, bool wait_for_spare) {
  auto table = index_.lanes();
  // A file that the table of lanes nearly fills would be of no use.
  bytes +=
      2 * format::align(sizeof(format::FrameHeader) + table.size() * sizeof(format::LaneEntry));
  if (auto ok = store_.await_spare(bytes, wait_for_spare); !ok) {
    const bool full = ok.error().code == base::IoError::kNoSpace;
    return base::fail(full ? JournalError::kDiskFull : JournalError::kFailed, ok.error().message);
  }
  if (file_ != nullptr) {
    if (auto ok = seal(UnusedRoom::kGiveBack); !ok) return ok;
  }
  auto file = store_.take_spare(end_.file + 1, bytes);
  if (!file) return std::unexpected(failure_of(file.error()));
  file_ = std::move(*file);
  end_.file = file_->number;
  base::Random& random = options_.random != nullptr ? *options_.random : base::system_random();
  salt_ = random.next();
  first_lsn_ = end_.lsn + 1;
  data_end_ = 0;
  places_ = 0;
  lanes_.clear();
  file_tokens_.clear();

  for (auto& lane : table) {
    const auto cursor = cursors_.find(lane.lane);
    lane.next = cursor == cursors_.end() ? lane.end : cursor->second.next;
  }
  parts_.clear();
  const auto directory = format::bytes_of(std::span<const format::LaneEntry>(table));
  if (auto ok = write_frame(format::FrameKind::kOpening, directory); !ok) return ok;
  index_.open_file(file_);
  return {};
}

// Header, directory, parts_, zeros; sync.
JournalResult<void> Writer::write_frame(format::FrameKind kind, std::string_view directory) {
  if (auto ok = unseal(); !ok) return ok;
  const std::int64_t began_ns = options_.clock->monotonic_ns();
  std::uint64_t bytes = sizeof(format::FrameHeader) + directory.size();
  for (const auto part : parts_)
    bytes += part.size();
  format::FrameHeader header{
      .lsn = end_.lsn + 1,
      .file = file_->number,
      .epoch = end_.epoch,
      .previous_crc = end_.crc,
      .bytes = static_cast<std::uint32_t>(format::align(bytes)),
      .kind = kind,
      .entries = static_cast<std::uint32_t>(directory.size() / (kind == format::FrameKind::kOpening
                                                                    ? sizeof(format::LaneEntry)
                                                                    : sizeof(format::RunEntry))),
      .written_ms = options_.clock->now_ms(),
      .salt = salt_};
  header.crc =
      base::crc32c(directory, base::crc32c(format::bytes_of(header).substr(format::kFrameCrcFrom)));
  parts_.insert(parts_.begin(), {format::bytes_of(header), directory});
  parts_.push_back(padding(bytes));
  if (auto ok = file_->file->write_at(data_end_, parts_); !ok)
    return std::unexpected(failure_of(ok.error()));
  const std::int64_t written_ns = options_.clock->monotonic_ns();
  if (auto ok = file_->file->sync(); !ok) return std::unexpected(failure_of(ok.error()));
  ++end_.lsn;
  end_.crc = header.crc;
  data_end_ += header.bytes;
  metrics_.frames.add();
  metrics_.bytes.add(header.bytes);
  observe(metrics_.write, began_ns);
  observe(metrics_.sync, written_ns);
  return {};
}

JournalResult<void> Writer::close() {
  if (file_ == nullptr || has_trailer_) return {};
  return seal(UnusedRoom::kKeep);
}

JournalResult<void> Writer::seal(UnusedRoom unused) {
  if (auto ok = unseal(); !ok) return ok;
  const std::int64_t now_ms = options_.clock->now_ms();
  Seal seal{.trailer = {.file = file_->number,
                        .first_lsn = first_lsn_,
                        .last_lsn = end_.lsn,
                        .data_end = data_end_,
                        .sealed_ms = now_ms,
                        .last_crc = end_.crc,
                        .epoch = end_.epoch},
            .directory = index_.open_directory(),
            .tokens = std::move(file_tokens_)};
  file_tokens_.clear();
  std::erase_if(seal.tokens, [&](const auto& token) {
    return token.arrival_ms + options_.token_window_ms <= now_ms;
  });
  auto footer = write_footer(*file_->file, file_->bytes, std::move(seal), unused);
  if (!footer) return std::unexpected(failure_of(footer.error()));
  const auto size = file_->file->size();
  if (!size) return std::unexpected(failure_of(size.error()));
  file_ = nullptr;
  index_.seal_open(*size, footer->places_at, footer->lanes);
  return {};
}

// Completes the calls that need no frame; gives back the others.
Writer::Calls Writer::answer_repeats(Calls calls) {
  const std::int64_t now_ms = options_.clock->now_ms();
  Calls left;
  left.reserve(calls.size());
  std::unordered_map<std::uint64_t, std::size_t>
      pending;  // tokens of this frame, by their low half
  followers_.clear();
  for (auto& call : calls) {
    const bool gone = !dropped_.empty() && std::ranges::any_of(call->runs, [&](const auto& run) {
      return dropped_.contains(run.lane());
    });
    if (gone) {
      call->done(base::fail(JournalError::kUnknownLane, "the lane was dropped"));
      continue;
    }
    const bool too_many = cursors_.size() >= options_.lanes_max &&
                          std::ranges::any_of(call->runs, [&](const auto& r) {
                            return !cursors_.contains(r.lane());
                          });
    if (too_many) {
      call->done(base::fail(JournalError::kOverloaded, "the journal has as many lanes as it may"));
      continue;
    }
    if (call->token) {
      if (const auto* answer = tokens_.find(*call->token, now_ms)) {
        metrics_.repeats.add();
        call->done(*answer);
        continue;
      }
      const auto [at, fresh] = pending.try_emplace(base::low64(call->token->digest), left.size());
      if (!fresh && left[at->second]->token->digest == call->token->digest) {
        metrics_.repeats.add();
        followers_.emplace_back(at->second, std::move(call));
        continue;
      }
    }
    left.push_back(std::move(call));
  }
  return left;
}

std::uint64_t Writer::room_needed(const Calls& calls, FooterSize so_far) {
  std::uint64_t bytes = sizeof(format::FrameHeader);
  std::uint64_t batches = 0;
  for (const auto& call : calls) {
    bytes += call->bytes;
    batches += call->batches.size();
    if (call->token) so_far.tokens += call->runs.size();
  }
  bytes += batches * sizeof(format::RunEntry);
  // Each batch may be a run and a lane of its own.
  return format::align(bytes) +
         format::footer_bytes(so_far.places + batches, so_far.tokens, so_far.lanes + batches);
}

JournalResult<void> Writer::make_room(const Calls& calls, bool wait_for_spare) {
  const auto fits = [&] {
    const FooterSize so_far{places_, file_tokens_.size(), lanes_.size()};
    return data_end_ + room_needed(calls, so_far) <= file_->bytes;
  };
  const std::uint64_t directory_bytes = (places_ + file_tokens_.size()) * sizeof(format::RunPlace);
  if (file_ != nullptr && fits() && directory_bytes < options_.open_directory_bytes_max) return {};
  const std::int64_t began_ns = options_.clock->monotonic_ns();
  if (auto ok = open_next_file(room_needed(calls, {}), wait_for_spare); !ok) return ok;
  observe(metrics_.next_file, began_ns);
  if (fits()) return {};
  return base::fail(JournalError::kTooLarge, "the request does not fit into a file");
}

void Writer::assign(Calls& calls) {
  pieces_.clear();
  answers_.resize(calls.size());
  for (std::size_t i = 0; i < calls.size(); ++i) {
    Call& call = *calls[i];
    auto& answer = answers_[i];
    answer.clear();
    answer.reserve(call.runs.size());
    auto batch = call.batches.begin();
    for (const auto& run : call.runs) {
      Cursor& cursor =
          cursors_.try_emplace(run.lane(), Cursor{.next = options_.index_floor}).first->second;
      cursor.last_arrival_ms = std::max(cursor.last_arrival_ms, call.arrival_ms);
      answer.push_back({.lane = run.lane,
                        .first = Index(cursor.next),
                        .count = run.count,
                        .arrival_ms = cursor.last_arrival_ms});
      for (std::uint32_t done = 0; done < run.count; ++batch) {
        assert(batch != call.batches.end());
        pieces_.push_back({.lane = run.lane(),
                           .first = cursor.next + done,
                           .arrival_ms = cursor.last_arrival_ms,
                           .call = &call,
                           .batch = &*batch});
        done += batch->count;
      }
      cursor.next += run.count;
    }
  }
}

// From pieces_ to runs_ and parts_.
void Writer::build_frame() {
  std::ranges::sort(pieces_, [](const Piece& a, const Piece& b) {
    return a.lane != b.lane ? a.lane < b.lane : a.first < b.first;
  });
  runs_.clear();
  parts_.clear();
  for (const auto& piece : pieces_) {
    char* const at = piece.call->buffer.get() + piece.batch->offset;
    auto header = format::load<format::BatchHeader>(at);
    header.arrival_ms = piece.arrival_ms;
    format::store(at, header);
    if (runs_.empty() || runs_.back().lane != piece.lane || runs_.back().bytes >= format::kRunBytes)
      runs_.push_back(
          {.lane = piece.lane, .first = piece.first, .first_arrival_ms = piece.arrival_ms});
    auto& run = runs_.back();
    run.count += piece.batch->count;
    run.bytes += piece.batch->bytes;
    run.last_arrival_ms = piece.arrival_ms;
    run.crc = base::crc32c(format::bytes_of(header), run.crc);
    ++run.batches;
    parts_.emplace_back(at, piece.batch->bytes);
  }
  auto offset = static_cast<std::uint32_t>(sizeof(format::FrameHeader) +
                                           runs_.size() * sizeof(format::RunEntry));
  for (auto& run : runs_) {
    run.offset = offset;
    offset += run.bytes;
  }
}

JournalResult<void> Writer::fail_all(Calls& calls, base::Failure<JournalError> why) {
  for (auto& call : calls)
    call->done(std::unexpected(why));
  for (auto& [leader, call] : followers_)
    call->done(std::unexpected(why));
  followers_.clear();
  if (why.code != JournalError::kFailed) return {};
  return std::unexpected(std::move(why));
}

JournalResult<void> Writer::write(Calls calls, bool wait_for_spare) {
  calls = answer_repeats(std::move(calls));
  if (calls.empty()) return {};
  const auto room = make_room(calls, wait_for_spare);
  disk_full_ = !room && room.error().code == JournalError::kDiskFull;
  if (!room) return fail_all(calls, room.error());
  assign(calls);
  build_frame();
  const std::uint64_t frame_offset = data_end_;
  const std::span<const format::RunEntry> runs(runs_);
  if (auto ok = write_frame(format::FrameKind::kRecords, format::bytes_of(runs)); !ok)
    return fail_all(calls, ok.error());
  places_ += runs.size();
  for (const auto& run : runs)
    lanes_.insert(run.lane);
  index_.publish(runs, frame_offset);
  complete(calls);
  return {};
}

void Writer::complete(Calls& calls) {
  const std::int64_t now_ms = options_.clock->now_ms();
  for (auto& [leader, call] : followers_)
    call->done(answers_[leader]);
  followers_.clear();
  for (std::size_t i = 0; i < calls.size(); ++i) {
    Call& call = *calls[i];
    auto& answer = answers_[i];
    std::uint64_t records = 0;
    for (std::size_t part = 0; part < answer.size(); ++part) {
      const auto& run = answer[part];
      records += run.count;
      if (!call.token) continue;
      file_tokens_.push_back({.token_high = base::high64(call.token->digest),
                              .token_low = base::low64(call.token->digest),
                              .first = run.first(),
                              .arrival_ms = run.arrival_ms,
                              .lane = run.lane(),
                              .count = run.count,
                              .part = static_cast<std::uint16_t>(part),
                              .parts = static_cast<std::uint16_t>(answer.size())});
    }
    if (call.token) tokens_.insert(*call.token, answer, now_ms);
    metrics_.records.add(records);
    call.done(std::move(answer));
    calls[i].reset();
  }
  metrics_.token_entries.set(static_cast<std::int64_t>(tokens_.entries()));
  metrics_.token_bytes.set(static_cast<std::int64_t>(tokens_.bytes()));
}

}  // namespace sluice::journal
