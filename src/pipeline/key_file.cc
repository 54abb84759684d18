#include "pipeline/key_file.h"

#include <fmt/core.h>

#include <algorithm>
#include <cassert>
#include <limits>

#include "base/digest.h"

namespace sluice::pipeline {
namespace {

constexpr std::uint32_t kFormat = 1;

template <class T>
void put_little(std::string& out, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i)
    out.push_back(static_cast<char>((static_cast<std::uint64_t>(value) >> (8 * i)) & 0xff));
}

template <class T>
T get_little(std::string_view bytes, std::size_t at) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i)
    value |= std::uint64_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
  return static_cast<T>(value);
}

void put_key(std::string& out, base::Uint128 key) {
  for (int shift = 120; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(static_cast<unsigned char>(key >> shift)));
}

base::Uint128 get_key(std::string_view bytes, std::size_t at) {
  base::Uint128 key = 0;
  for (std::size_t i = 0; i < kKeyBytes; ++i)
    key = (key << 8) | static_cast<unsigned char>(bytes[at + i]);
  return key;
}

}  // namespace

std::string encode_key_file(const KeyFile& file) {
  std::string out;
  out.reserve(kKeyFileHeaderBytes + kKeyBytes * file.keys.size() + kKeyFileTrailerBytes);
  out += kKeyFileMagic;
  put_little<std::uint32_t>(out, kFormat);
  put_little<std::uint32_t>(out, kKeyBytes);
  put_little<std::uint64_t>(out, file.seed_id);
  put_little<std::uint64_t>(out, file.schema_id);
  put_little<std::int64_t>(out, file.from);
  put_little<std::int64_t>(out, file.to);
  put_little<std::uint64_t>(out, file.keys.size());
  assert(out.size() == kKeyFileHeaderBytes);
  for (const base::Uint128 key : file.keys)
    put_key(out, key);
  put_little<std::uint32_t>(out, base::crc32c(out));
  return out;
}

std::uint32_t key_file_crc(std::string_view bytes) {
  assert(bytes.size() >= kKeyFileTrailerBytes);
  return get_little<std::uint32_t>(bytes, bytes.size() - kKeyFileTrailerBytes);
}

PipelineResult<KeyFile> decode_key_file(std::string_view bytes, const std::string& where) {
  const auto damaged = [&where](std::string_view what) {
    return base::fail(PipelineError::kStopped, fmt::format("{}: damaged: {}", where, what));
  };
  if (bytes.size() < kKeyFileHeaderBytes + kKeyFileTrailerBytes) return damaged("cut short");
  if (bytes.substr(0, kKeyFileMagic.size()) != kKeyFileMagic) return damaged("not a file of keys");
  if (get_little<std::uint32_t>(bytes, 8) != kFormat)
    return base::fail(PipelineError::kStopped,
                      fmt::format("{}: written by another version", where));
  if (get_little<std::uint32_t>(bytes, 12) != kKeyBytes) return damaged("key size");
  const std::string_view body = bytes.substr(0, bytes.size() - kKeyFileTrailerBytes);
  if (base::crc32c(body) != key_file_crc(bytes)) return damaged("checksum");
  KeyFile file;
  file.seed_id = get_little<std::uint64_t>(bytes, 16);
  file.schema_id = get_little<std::uint64_t>(bytes, 24);
  file.from = get_little<std::int64_t>(bytes, 32);
  file.to = get_little<std::int64_t>(bytes, 40);
  if (file.from < 0 || file.to < file.from) return damaged("batches");
  const auto count = get_little<std::uint64_t>(bytes, 48);
  if (count != (body.size() - kKeyFileHeaderBytes) / kKeyBytes ||
      (body.size() - kKeyFileHeaderBytes) % kKeyBytes != 0)
    return damaged("number of keys");
  file.keys.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    const base::Uint128 key = get_key(bytes, kKeyFileHeaderBytes + i * kKeyBytes);
    if (!file.keys.empty() && file.keys.back() >= key) return damaged("order of keys");
    file.keys.push_back(key);
  }
  return file;
}

std::uint64_t seed_id(std::uint64_t seed) {
  return base::low64(base::xxh3_128("sluice seed", seed));
}

std::uint64_t schema_id(std::string_view ddl) {
  return base::low64(base::xxh3_128(ddl, 0));
}

std::vector<base::Uint128> merge_keys(std::span<const std::vector<base::Uint128>> runs) {
  std::vector<base::Uint128> merged;
  std::size_t size = 0;
  for (const auto& run : runs)
    size += run.size();
  merged.reserve(size);
  for (const auto& run : runs) {
    const auto middle = static_cast<std::ptrdiff_t>(merged.size());
    merged.insert(merged.end(), run.begin(), run.end());
    std::inplace_merge(merged.begin(), merged.begin() + middle, merged.end());
  }
  merged.erase(std::unique(merged.begin(), merged.end()), merged.end());
  return merged;
}

}  // namespace sluice::pipeline
