#include "base/uuid.h"

#include <array>
#include <cstdint>

#include "base/digest.h"

namespace sluice::base {
namespace {

std::string uuid_text(std::string_view bytes, unsigned version) {
  std::array<char, 16> b{};
  bytes.copy(b.data(), 16);
  b[6] = static_cast<char>((static_cast<unsigned char>(b[6]) & 0x0f) | (version << 4));
  b[8] = static_cast<char>((static_cast<unsigned char>(b[8]) & 0x3f) | 0x80);
  std::string text = to_hex(std::string_view(b.data(), 16));
  for (const std::size_t at : {8U, 13U, 18U, 23U})
    text.insert(at, 1, '-');
  return text;
}

std::string uuid_bytes(std::string_view text) {
  std::string bytes;
  unsigned high = 16;  // 16: no first digit yet
  for (const char c : text) {
    if (c == '-') continue;
    const unsigned digit = static_cast<unsigned>(c <= '9' ? c - '0' : (c | 32) - 'a' + 10) & 15U;
    if (high == 16) {
      high = digit;
    } else {
      bytes.push_back(static_cast<char>(high << 4 | digit));
      high = 16;
    }
  }
  return bytes;
}

}  // namespace

std::string random_uuid(Random& random) {
  std::string bytes;
  for (int word = 0; word < 2; ++word) {
    std::uint64_t value = random.next();
    for (int i = 0; i < 8; ++i, value >>= 8)
      bytes.push_back(static_cast<char>(value & 0xff));
  }
  return uuid_text(bytes, 4);
}

std::string named_uuid(std::string_view space, std::string_view name) {
  const auto hash = sha1(uuid_bytes(space) + std::string(name));
  return uuid_text(std::string_view(reinterpret_cast<const char*>(hash.data()), 16), 5);
}

}  // namespace sluice::base
