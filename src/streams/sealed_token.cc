#include "streams/sealed_token.h"

#include <openssl/evp.h>

#include <cassert>
#include <cstdlib>
#include <memory>

#include "base/base64.h"
#include "base/digest.h"

namespace sluice::streams {
namespace {

constexpr std::string_view kHead("\0\0\0\0\0\0\0\1", 8);
constexpr std::size_t kTagBytes = 16;
constexpr std::size_t kBlock = 16;
constexpr std::size_t kBodyBytesMin = 96;  // AWS' shortest tokens are 152 characters or more
constexpr std::size_t kTokenCharsMax = 2048;

std::string as_string(const std::array<unsigned char, 32>& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

// AES-256 in counter mode: the same call encrypts and decrypts.
std::string apply_cipher(const std::string& key, std::string_view iv, std::string_view in) {
  struct Free {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
  };
  const std::unique_ptr<EVP_CIPHER_CTX, Free> context(EVP_CIPHER_CTX_new());
  std::string out(in.size(), '\0');
  int written = 0;
  const bool ok = context != nullptr &&
                  EVP_EncryptInit_ex(context.get(), EVP_aes_256_ctr(), nullptr,
                                     reinterpret_cast<const unsigned char*>(key.data()),
                                     reinterpret_cast<const unsigned char*>(iv.data())) == 1 &&
                  EVP_EncryptUpdate(context.get(), reinterpret_cast<unsigned char*>(out.data()),
                                    &written, reinterpret_cast<const unsigned char*>(in.data()),
                                    static_cast<int>(in.size())) == 1;
  if (!ok) std::abort();  // an OpenSSL without AES, or no memory for a context
  return out;
}

}  // namespace

TokenSealer::TokenSealer(std::string_view key, base::Random& random)
    : mac_key_(as_string(base::hmac_sha256(key, "sluice token mac"))),
      cipher_key_(as_string(base::hmac_sha256(key, "sluice token cipher"))),
      salt_(random.next()) {
  assert(key.size() == kKeyBytes);
}

std::string TokenSealer::seal(char purpose, std::string_view plain) const {
  TokenWriter body;
  body.number(salt_.fetch_add(1, std::memory_order_relaxed)).text(plain);
  std::string padded = purpose + body.bytes();
  const std::size_t size = std::max(padded.size(), kBodyBytesMin);
  padded.resize((size + kBlock - 1) / kBlock * kBlock, '\0');

  const std::string tag = as_string(base::hmac_sha256(mac_key_, padded)).substr(0, kTagBytes);
  std::string token(kHead);
  token += tag;
  token += apply_cipher(cipher_key_, tag, padded);
  return base::base64_encode(token);
}

std::optional<std::string> TokenSealer::open(char purpose, std::string_view token) const {
  if (token.size() > kTokenCharsMax) return std::nullopt;
  const auto bytes = base::base64_decode(token);
  if (!bytes || bytes->size() < kHead.size() + kTagBytes + kBodyBytesMin ||
      !bytes->starts_with(kHead))
    return std::nullopt;
  const std::string_view tag = std::string_view(*bytes).substr(kHead.size(), kTagBytes);
  const std::string padded =
      apply_cipher(cipher_key_, tag, std::string_view(*bytes).substr(kHead.size() + kTagBytes));
  const std::string expected = as_string(base::hmac_sha256(mac_key_, padded)).substr(0, kTagBytes);
  if (!base::constant_time_equal(tag, expected) || padded[0] != purpose) return std::nullopt;
  TokenReader body(std::string_view(padded).substr(1));
  (void)body.number();
  return body.text();
}

TokenWriter& TokenWriter::number(std::uint64_t value) {
  for (int i = 0; i < 8; ++i, value >>= 8)
    bytes_.push_back(static_cast<char>(value & 0xff));
  return *this;
}

TokenWriter& TokenWriter::text(std::string_view value) {
  assert(value.size() <= 0xffff);
  bytes_.push_back(static_cast<char>(value.size() & 0xff));
  bytes_.push_back(static_cast<char>(value.size() >> 8));
  bytes_ += value;
  return *this;
}

std::string_view TokenReader::take(std::size_t count) {
  if (!good_ || rest_.size() < count) {
    good_ = false;
    return {};
  }
  const std::string_view part = rest_.substr(0, count);
  rest_.remove_prefix(count);
  return part;
}

std::uint64_t TokenReader::number() {
  std::uint64_t value = 0;
  const std::string_view bytes = take(8);
  for (auto byte = bytes.rbegin(); byte != bytes.rend(); ++byte)
    value = value << 8 | static_cast<unsigned char>(*byte);
  return value;
}

std::string TokenReader::text() {
  const std::string_view size = take(2);
  if (size.empty()) return {};
  return std::string(take(static_cast<unsigned char>(size[0]) |
                          std::size_t{static_cast<unsigned char>(size[1])} << 8));
}

std::string seal_iterator(const TokenSealer& sealer, const ShardIterator& iterator) {
  TokenWriter w;
  w.text(iterator.stream.account).text(iterator.stream.region).text(iterator.stream.name);
  w.text(iterator.incarnation).number(iterator.shard()).number(iterator.next());
  w.number(static_cast<std::uint64_t>(iterator.made_ms));
  return sealer.seal('I', w.bytes());
}

std::optional<ShardIterator> open_iterator(const TokenSealer& sealer, std::string_view token) {
  const auto plain = sealer.open('I', token);
  if (!plain) return std::nullopt;
  TokenReader r(*plain);
  ShardIterator iterator;
  iterator.stream.account = r.text();
  iterator.stream.region = r.text();
  iterator.stream.name = r.text();
  iterator.incarnation = r.text();
  iterator.shard = ShardIndex(static_cast<std::uint32_t>(r.number()));
  iterator.next = journal::Index(r.number());
  iterator.made_ms = static_cast<std::int64_t>(r.number());
  if (!r.complete()) return std::nullopt;
  return iterator;
}

}  // namespace sluice::streams
