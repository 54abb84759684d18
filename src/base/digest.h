// Hashes: MD5 for Kinesis' partition keys, SHA-256 and HMAC for signatures, CRC32C for our files,
// XXH3-128 for state.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/uint128.h"

namespace sluice::base {

// The MD5 of the text, read as a big-endian number.
Uint128 md5(std::string_view text);
std::array<unsigned char, 20> sha1(std::string_view text);
std::array<unsigned char, 32> sha256(std::string_view text);
std::array<unsigned char, 32> hmac_sha256(std::string_view key, std::string_view text);
// Castagnoli, as iSCSI and LevelDB use it (not masked). `crc` continues an earlier result.
std::uint32_t crc32c(std::string_view data, std::uint32_t crc = 0);
Uint128 xxh3_128(std::string_view data, std::uint64_t seed);

std::string to_hex(std::string_view bytes);  // lower case
// Equal, in a time that depends on the lengths alone; for signatures and tokens.
bool constant_time_equal(std::string_view a, std::string_view b);

}  // namespace sluice::base
