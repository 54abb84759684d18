#include "journal/format.h"

#include <fmt/core.h>

#include "base/digest.h"

namespace sluice::journal::format {

std::uint32_t crc_of(const Trailer& trailer) {
  return base::crc32c(bytes_of(trailer).substr(0, offsetof(Trailer, crc)));
}

bool is_valid(const Trailer& trailer, std::uint64_t file) {
  return trailer.magic == kTrailerMagic && trailer.version == kVersion && trailer.file == file &&
         trailer.crc == crc_of(trailer);
}

std::uint64_t directory_bytes(const FrameHeader& header) {
  return std::uint64_t{header.entries} *
         (header.kind == FrameKind::kOpening ? sizeof(LaneEntry) : sizeof(RunEntry));
}

bool looks_like_frame(const FrameHeader& header, std::uint64_t file, std::uint64_t room) {
  if (header.magic != kFrameMagic || header.version != kVersion || header.file != file)
    return false;
  if (header.kind != FrameKind::kOpening && header.kind != FrameKind::kRecords) return false;
  if (header.bytes % kAlignment != 0 || header.bytes > room) return false;
  return sizeof(FrameHeader) + directory_bytes(header) <= header.bytes;
}

bool frame_crc_matches(std::string_view header_and_directory) {
  const auto header = load<FrameHeader>(header_and_directory);
  return header.crc == base::crc32c(header_and_directory.substr(kFrameCrcFrom));
}

RunCursor::RunCursor(std::string_view run, std::uint64_t first, std::uint32_t count,
                     std::uint32_t batches, std::uint32_t crc)
    : rest_(run), next_first_(first) {
  std::uint32_t actual = 0;
  std::uint64_t records = 0;
  std::uint32_t seen = 0;
  while (run.size() >= sizeof(BatchHeader)) {
    const auto header = load<BatchHeader>(run);
    if (header.bytes > run.size() - sizeof(BatchHeader)) break;
    actual = base::crc32c(run.substr(0, sizeof(BatchHeader)), actual);
    records += header.count;
    ++seen;
    run.remove_prefix(sizeof(BatchHeader) + header.bytes);
  }
  if (!run.empty() || seen != batches || records != count || actual != crc)
    flaw_ = "the batch headers do not match the directory";
}

bool RunCursor::next_batch() {
  if (flaw_ || rest_.empty()) return false;
  batch_ = load<BatchHeader>(rest_);
  batch_first_ = next_first_;
  next_first_ += batch_.count;
  records_ = rest_.substr(sizeof(BatchHeader), batch_.bytes);
  records_left_ = batch_.count;
  rest_.remove_prefix(sizeof(BatchHeader) + batch_.bytes);
  return true;
}

bool RunCursor::check_records() {
  if (base::crc32c(records_) == batch_.crc) return true;
  flaw_ = fmt::format("the checksum of records {} to {} is wrong", batch_first_, next_first_ - 1);
  return false;
}

bool RunCursor::next_record(RecordView& record) {
  if (flaw_) return false;
  if (records_left_ == 0) {
    if (!records_.empty()) flaw_ = "bytes behind a batch's last record";
    return false;
  }
  const auto short_of = [this] {
    flaw_ = "a record is longer than its batch";
    return false;
  };
  if (records_.size() < sizeof(RecordHeader)) return short_of();
  const auto header = load<RecordHeader>(records_);
  records_.remove_prefix(sizeof(RecordHeader));
  record.explicit_hash.reset();
  if ((header.flags & kRecordHasHash) != 0) {
    if (records_.size() < kHashBytes) return short_of();
    record.explicit_hash =
        base::make_uint128(load<std::uint64_t>(records_), load<std::uint64_t>(records_.substr(8)));
    records_.remove_prefix(kHashBytes);
  }
  if (records_.size() < std::size_t{header.key_bytes} + header.data_bytes) return short_of();
  record.partition_key = records_.substr(0, header.key_bytes);
  record.data = records_.substr(header.key_bytes, header.data_bytes);
  records_.remove_prefix(std::size_t{header.key_bytes} + header.data_bytes);
  --records_left_;
  return true;
}

std::size_t record_bytes(std::size_t key_bytes, std::size_t data_bytes, bool has_hash) {
  return sizeof(RecordHeader) + (has_hash ? kHashBytes : 0) + key_bytes + data_bytes;
}

char* write_record(char* to, const RecordView& record) {
  store(to, RecordHeader{.data_bytes = static_cast<std::uint32_t>(record.data.size()),
                         .key_bytes = static_cast<std::uint16_t>(record.partition_key.size()),
                         .flags = record.explicit_hash ? kRecordHasHash : std::uint16_t{0}});
  to += sizeof(RecordHeader);
  if (record.explicit_hash) {
    store(to, base::high64(*record.explicit_hash));
    store(to + 8, base::low64(*record.explicit_hash));
    to += kHashBytes;
  }
  const auto append = [&to](std::string_view text) {
    if (!text.empty()) __builtin_memcpy(to, text.data(), text.size());
    to += text.size();
  };
  append(record.partition_key);
  append(record.data);
  return to;
}

}  // namespace sluice::journal::format
