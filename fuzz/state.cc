// A file of keys: whatever is taken is sorted, and is written back byte for byte.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/digest.h"
#include "pipeline/key_file.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void check(std::string_view bytes) {
  const auto file = sluice::pipeline::decode_key_file(bytes, "fuzz");
  if (!file) return;
  require(std::ranges::is_sorted(file->keys));
  require(std::ranges::adjacent_find(file->keys) == file->keys.end());
  require(sluice::pipeline::encode_key_file(*file) == bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  check(bytes);
  // The same with a right checksum, so that what lies behind it is reached.
  if (bytes.size() < 4) return 0;
  bytes.resize(bytes.size() - 4);
  const std::uint32_t crc = sluice::base::crc32c(bytes);
  for (int i = 0; i < 4; ++i)
    bytes.push_back(static_cast<char>(crc >> (8 * i) & 0xff));
  check(bytes);
  return 0;
}
