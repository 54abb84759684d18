#include "pipeline/key_file.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "base/digest.h"
#include "base/env.h"
#include "base/random.h"
#include "pipeline/key_set.h"

namespace sluice::pipeline {
namespace {

using base::make_uint128;

KeyFile sample() {
  return {0x1122334455667788,
          0x99aabbccddeeff00,
          3,
          3,
          {make_uint128(0, 5), make_uint128(1, 0), make_uint128(0xffff000000000000, 7)}};
}

// The hex digits of the page between a line that begins with `first` and the next empty line.
std::string page_hex(const std::string& first) {
  auto page =
      base::read_file(base::posix_env(), std::string(SLUICE_SOURCE_DIR) + "/docs/formats/flow.md");
  EXPECT_TRUE(page);
  const auto begin = page->find("    " + first);
  EXPECT_NE(begin, std::string::npos);
  std::string hex = page->substr(begin, page->find("\n\n", begin) - begin);
  std::erase_if(hex, [](char c) { return c == ' ' || c == '\n'; });
  return hex;
}

TEST(KeyFile, IsAsTheFormatsPageShows) {
  const std::string bytes = encode_key_file(sample());
  EXPECT_EQ(base::to_hex(bytes), page_hex("534c434b4559530a"));
  EXPECT_EQ(key_file_crc(bytes), base::crc32c(bytes.substr(0, bytes.size() - 4)));
  EXPECT_EQ(decode_key_file(bytes, "f"), sample());
}

TEST(KeyFile, AnyFlippedBitOrCutIsNoticed) {
  const std::string good = encode_key_file(sample());
  for (std::size_t i = 0; i < good.size() * 8; ++i) {
    std::string bad = good;
    bad[i / 8] = static_cast<char>(bad[i / 8] ^ (1 << (i % 8)));
    EXPECT_FALSE(decode_key_file(bad, "f")) << i;
  }
  for (std::size_t n = 0; n < good.size(); ++n)
    EXPECT_FALSE(decode_key_file(good.substr(0, n), "f")) << n;
}

TEST(KeyFile, RefusesUnsortedKeysEvenWithAGoodChecksum) {
  KeyFile file = sample();
  std::swap(file.keys[0], file.keys[1]);
  EXPECT_FALSE(decode_key_file(encode_key_file(file), "f"));
}

TEST(KeyFile, MergesRuns) {
  const std::vector<std::vector<base::Uint128>> runs = {{1, 5, 9}, {}, {2, 6}, {0, 10}};
  EXPECT_THAT(merge_keys(runs), ::testing::ElementsAre(0, 1, 2, 5, 6, 9, 10));
}

TEST(KeySet, AgreesWithASortedSet) {
  base::SeededRandom random(1);
  KeySet set;
  std::set<base::Uint128> model;
  for (int i = 0; i < 20000; ++i) {
    // Few distinct values, and many that share their upper half: long probe runs.
    const base::Uint128 key = make_uint128(random.below(64) << 58, random.below(150));
    EXPECT_EQ(set.contains(key), model.contains(key));
    EXPECT_EQ(set.insert(key), model.insert(key).second);
  }
  EXPECT_EQ(set.size(), model.size());
  for (const base::Uint128 key : model)
    EXPECT_TRUE(set.contains(key));
  EXPECT_TRUE(set.contains(0));
}

TEST(KeySet, StaysWithinItsBytesPerKey) {
  KeySet set;
  set.reserve(100'000);
  const std::size_t reserved = set.bytes();
  EXPECT_LE(reserved, 100'000 * KeySet::kBytesPerKey + 64);
  base::SeededRandom random(2);
  for (int i = 0; i < 100'000; ++i)
    set.insert(make_uint128(random.next(), random.next()));
  EXPECT_EQ(set.bytes(), reserved);
}

}  // namespace
}  // namespace sluice::pipeline
