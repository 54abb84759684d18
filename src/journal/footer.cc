#include "journal/footer.h"

#include <fmt/core.h>

#include "base/digest.h"

namespace sluice::journal {
namespace {

// Less than this stays unused at the end of a file rather than being given back: such a file can
// become a spare again.
constexpr std::uint64_t kUnusedMax = std::uint64_t{1} << 20;

template <class T>
std::span<const T> all_of(const std::vector<T>& values) {
  return {values};
}

std::unexpected<base::Failure<JournalError>> corrupt(const DataFile& file, std::uint64_t offset,
                                                     std::string_view what) {
  return base::fail(JournalError::kCorrupt,
                    fmt::format("{} at offset {}: {}", file.path, offset, what));
}

template <class T>
JournalResult<std::vector<T>> read_table(const DataFile& file, std::uint64_t offset,
                                         std::uint64_t count, std::uint32_t crc,
                                         std::string_view what) {
  std::vector<T> out(count);
  const std::span<char> bytes(reinterpret_cast<char*>(out.data()), count * sizeof(T));
  const auto got = file.file->read_at(offset, bytes);
  if (!got) return base::fail(JournalError::kFailed, got.error().message);
  if (*got != bytes.size() || base::crc32c({bytes.data(), bytes.size()}) != crc)
    return corrupt(file, offset, fmt::format("the checksum of the {} is wrong", what));
  return out;
}

}  // namespace

base::IoResult<Footer> write_footer(base::File& file, std::uint64_t file_bytes, Seal seal,
                                    UnusedRoom unused) {
  auto& trailer = seal.trailer;
  trailer.places = static_cast<std::uint32_t>(seal.directory.places.size());
  trailer.tokens = static_cast<std::uint32_t>(seal.tokens.size());
  trailer.lanes = static_cast<std::uint32_t>(seal.directory.lanes.size());
  trailer.tokens_crc = base::crc32c(format::bytes_of(all_of(seal.tokens)));
  trailer.lanes_crc = base::crc32c(format::bytes_of(all_of(seal.directory.lanes)));
  trailer.crc = format::crc_of(trailer);
  const std::uint64_t bytes = format::footer_bytes(trailer.places, trailer.tokens, trailer.lanes);
  std::uint64_t at = file_bytes - std::min(file_bytes, bytes);
  const bool shorten = at < trailer.data_end ||
                       (unused == UnusedRoom::kGiveBack && at - trailer.data_end > kUnusedMax);
  if (shorten) at = trailer.data_end;
  const std::array<std::string_view, 3> tables = {format::bytes_of(all_of(seal.directory.places)),
                                                  format::bytes_of(all_of(seal.tokens)),
                                                  format::bytes_of(all_of(seal.directory.lanes))};
  // The trailer comes after a sync of what it speaks of: a trailer that is right vouches for it.
  if (auto ok = file.write_at(at, tables); !ok) return std::unexpected(ok.error());
  if (shorten) {
    if (auto ok = file.truncate(at + bytes); !ok) return std::unexpected(ok.error());
  }
  if (auto ok = file.sync(); !ok) return std::unexpected(ok.error());
  if (auto ok = file.write_at(at + bytes - sizeof(trailer), format::bytes_of(trailer)); !ok)
    return std::unexpected(ok.error());
  if (auto ok = file.sync(); !ok) return std::unexpected(ok.error());
  return Footer{.trailer = trailer,
                .lanes = std::move(seal.directory.lanes),
                .tokens = std::move(seal.tokens),
                .places_at = at};
}

JournalResult<std::optional<Footer>> read_footer(const DataFile& file,
                                                 std::int64_t tokens_since_ms) {
  if (file.bytes < sizeof(format::Trailer)) return std::nullopt;
  Footer footer;
  auto& trailer = footer.trailer;
  const auto got = file.file->read_at(
      file.bytes - sizeof(trailer), std::span(reinterpret_cast<char*>(&trailer), sizeof(trailer)));
  if (!got) return base::fail(JournalError::kFailed, got.error().message);
  if (*got != sizeof(trailer) || !format::is_valid(trailer, file.number)) return std::nullopt;
  const std::uint64_t bytes = format::footer_bytes(trailer.places, trailer.tokens, trailer.lanes);
  if (bytes > file.bytes || file.bytes - bytes < trailer.data_end)
    return corrupt(file, file.bytes - sizeof(trailer), "the trailer speaks of more than there is");
  footer.places_at = file.bytes - bytes;
  const std::uint64_t tokens_at = footer.places_at + trailer.places * sizeof(format::RunPlace);
  const std::uint64_t lanes_at = tokens_at + trailer.tokens * sizeof(format::TokenEntry);
  auto lanes = read_table<format::LaneSummary>(file, lanes_at, trailer.lanes, trailer.lanes_crc,
                                               "footer's lanes");
  if (!lanes) return std::unexpected(lanes.error());
  footer.lanes = std::move(*lanes);
  if (trailer.sealed_ms >= tokens_since_ms) {
    auto tokens = read_table<format::TokenEntry>(file, tokens_at, trailer.tokens,
                                                 trailer.tokens_crc, "footer's tokens");
    if (!tokens) return std::unexpected(tokens.error());
    footer.tokens = std::move(*tokens);
  }
  for (const auto& lane : footer.lanes) {
    if (std::uint64_t{lane.places_at} + lane.places > trailer.places || lane.places == 0 ||
        lane.first >= lane.end)
      return corrupt(file, lanes_at, "a lane's summary is out of range");
  }
  return footer;
}

JournalResult<std::vector<format::RunPlace>> read_places(const DataFile& file,
                                                         const Footer& footer) {
  std::vector<format::RunPlace> out;
  out.reserve(footer.trailer.places);
  for (const auto& lane : footer.lanes) {
    auto places = read_table<format::RunPlace>(
        file, footer.places_at + std::uint64_t{lane.places_at} * sizeof(format::RunPlace),
        lane.places, lane.places_crc, "footer's runs");
    if (!places) return std::unexpected(places.error());
    out.insert(out.end(), places->begin(), places->end());
  }
  return out;
}

base::IoStatus write_trailer(DataFile& file, const format::Trailer& trailer) {
  if (auto ok = file.file->write_at(file.bytes - sizeof(trailer), format::bytes_of(trailer)); !ok)
    return ok;
  return file.file->sync();
}

base::IoStatus remove_trailer(DataFile& file) {
  static constexpr std::array<char, sizeof(format::Trailer)> kZeros{};
  const std::uint64_t at = file.bytes - kZeros.size();
  if (auto ok = file.file->write_at(at, std::string_view(kZeros.data(), kZeros.size())); !ok)
    return ok;
  return file.file->sync();
}

FooterCache::FooterCache(std::uint64_t bytes_max, base::MetricsRegistry& metrics)
    : bytes_max_(bytes_max),
      hits_(metrics.counter("sluice_journal_footer_cache_hits_total",
                            "Directories of sealed files found in memory")),
      misses_(metrics.counter("sluice_journal_footer_cache_misses_total",
                              "Directories of sealed files read from disk")),
      cached_bytes_(metrics.gauge("sluice_journal_footer_cache_bytes",
                                  "Directories of sealed files in memory")) {}

JournalResult<FooterCache::Places> FooterCache::places(const DataFile& file, LaneId lane,
                                                       const Fence& fence) {
  const Key key{fence.file, lane()};
  {
    const std::lock_guard lock(mutex_);
    const auto at = by_key_.find(key);
    if (at != by_key_.end()) {
      entries_.splice(entries_.begin(), entries_, at->second);
      hits_.add();
      return at->second->places;
    }
  }
  misses_.add();
  auto read = read_table<format::RunPlace>(
      file, file.places_at + std::uint64_t{fence.places_at} * sizeof(format::RunPlace),
      fence.places, fence.places_crc, "footer's runs");
  if (!read) return std::unexpected(read.error());
  Places places = std::make_shared<const std::vector<format::RunPlace>>(std::move(*read));
  const std::uint64_t bytes = places->size() * sizeof(format::RunPlace);
  const std::lock_guard lock(mutex_);
  if (bytes > bytes_max_ || by_key_.contains(key)) return places;
  entries_.push_front({key, places});
  by_key_[key] = entries_.begin();
  bytes_ += bytes;
  while (bytes_ > bytes_max_) {
    bytes_ -= entries_.back().places->size() * sizeof(format::RunPlace);
    by_key_.erase(entries_.back().key);
    entries_.pop_back();
  }
  cached_bytes_.set(static_cast<std::int64_t>(bytes_));
  return places;
}

}  // namespace sluice::journal
