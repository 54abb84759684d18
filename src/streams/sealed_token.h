// Opaque tokens that need no memory of the server: shard iterators, NextTokens. Encrypted and
// authenticated with a key kept in meta.db, so that they survive a restart and cannot be made up.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/random.h"
#include "streams/streams.h"

namespace sluice::streams {

// Synthetic-IV encryption: the tag HMAC-SHA256(plain) is also the counter-mode IV, so a repeated
// nonce cannot exist. Looks as AWS' tokens do: base64 of 00…01 and blocks of 16 bytes. Thread-safe.
class TokenSealer {
 public:
  static constexpr std::size_t kKeyBytes = 32;
  TokenSealer(std::string_view key, base::Random& random);
  // `purpose` keeps tokens of one kind from being used as another. Never the same text twice.
  std::string seal(char purpose, std::string_view plain) const;
  // nullopt: not a token of ours, or of another purpose.
  std::optional<std::string> open(char purpose, std::string_view token) const;

 private:
  std::string mac_key_, cipher_key_;
  mutable std::atomic<std::uint64_t> salt_;
};

// Where a reader stands in a shard.
struct ShardIterator {
  StreamKey stream;
  std::string incarnation;
  ShardIndex shard;
  journal::Index next;
  std::int64_t made_ms = 0;
};

constexpr std::int64_t kIteratorLifetimeMs = 300'000;

// At most 512 characters for names as AWS allows them.
std::string seal_iterator(const TokenSealer& sealer, const ShardIterator& iterator);
std::optional<ShardIterator> open_iterator(const TokenSealer& sealer, std::string_view token);

// Small binary values in token texts: numbers little-endian, strings with a 16-bit length.
class TokenWriter {
 public:
  TokenWriter& number(std::uint64_t value);
  TokenWriter& text(std::string_view value);
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

class TokenReader {
 public:
  explicit TokenReader(std::string_view bytes) : rest_(bytes) {}
  std::uint64_t number();
  std::string text();
  // Everything was there and nothing is left over.
  bool complete() const { return good_ && rest_.empty(); }

 private:
  std::string_view take(std::size_t count);
  std::string_view rest_;
  bool good_ = true;
};

}  // namespace sluice::streams
