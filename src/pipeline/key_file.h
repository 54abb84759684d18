// state/<from>-<to>.<uuid>.keys: the keys that batches from … to added, sorted, immutable.
// One header for reader and writer; format: docs/formats/flow.md.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/uint128.h"
#include "pipeline/pipeline.h"

namespace sluice::pipeline {

struct KeyFile {
  std::uint64_t seed_id = 0;    // of the seed the keys were hashed with
  std::uint64_t schema_id = 0;  // of the columns under DISTINCT
  std::int64_t from = 0;        // batches, both inclusive
  std::int64_t to = 0;
  std::vector<base::Uint128> keys;  // strictly ascending
  bool operator==(const KeyFile&) const = default;
};

inline constexpr std::string_view kKeyFileMagic = "SLCKEYS\n";
inline constexpr std::size_t kKeyFileHeaderBytes = 56;
inline constexpr std::size_t kKeyBytes = 16;
inline constexpr std::size_t kKeyFileTrailerBytes = 4;

// Keys must be strictly ascending. The last four bytes are the crc that the commit names.
std::string encode_key_file(const KeyFile& file);
std::uint32_t key_file_crc(std::string_view bytes);  // of an encoded file
// kStopped: damaged or of a format not known here.
PipelineResult<KeyFile> decode_key_file(std::string_view bytes, const std::string& where);

// What tells seeds apart in a file, without giving the seed away.
std::uint64_t seed_id(std::uint64_t seed);
// `ddl`: the distinct row's type as Spark prints it.
std::uint64_t schema_id(std::string_view ddl);

// The union of sorted runs that share no key.
std::vector<base::Uint128> merge_keys(std::span<const std::vector<base::Uint128>> runs);

}  // namespace sluice::pipeline
