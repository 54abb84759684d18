#include <gmock/gmock.h>

#include <filesystem>

#include "base/base64.h"
#include "base/digest.h"
#include "base/env.h"
#include "base/json_writer.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/random.h"
#include "base/sqlite.h"
#include "base/uint128.h"
#include "base/uuid.h"

namespace sluice::base {
namespace {

TEST(Base64, EncodesAndDecodesEveryRest) {
  for (const std::string text : {"", "a", "ab", "abc", "abcd"})
    EXPECT_EQ(base64_decode(base64_encode(text)), text);
  EXPECT_EQ(base64_encode("some data"), "c29tZSBkYXRh");
}

TEST(Base64, AppendsOrLeavesAsItWas) {
  std::string out = "x";
  EXPECT_TRUE(base64_decode_append(out, "YWI="));
  EXPECT_FALSE(base64_decode_append(out, "YW*="));
  EXPECT_EQ(out, "xab");
}

TEST(Base64, RefusesWhatIsNotStrict) {
  for (const char* text : {"YQ", "YQ=", "Y===", "YR==", "YWJ=", "Y*==", "=YQ=", "YQ==\n"})
    EXPECT_EQ(base64_decode(text), std::nullopt) << text;
}

TEST(Digest, MatchesPublishedValues) {
  EXPECT_EQ(to_decimal(md5("a")), "16955237001963240173058271559858726497");
  EXPECT_EQ(crc32c("123456789"), 0xe3069283U);
  EXPECT_EQ(crc32c("456789", crc32c("123")), 0xe3069283U);
  const auto sum = sha256("abc");
  EXPECT_EQ(to_hex(std::string_view(reinterpret_cast<const char*>(sum.data()), sum.size())),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Uint128, ReadsBackItsDecimals) {
  EXPECT_EQ(to_decimal(kUint128Max), "340282366920938463463374607431768211455");
  EXPECT_EQ(parse_decimal_u128("340282366920938463463374607431768211455"), kUint128Max);
  EXPECT_EQ(parse_decimal_u128("340282366920938463463374607431768211456"), std::nullopt);
  EXPECT_EQ(parse_decimal_u128("-1"), std::nullopt);
}

TEST(Uuid, HasVersionAndVariant) {
  SeededRandom random(1);
  const std::string id = random_uuid(random);
  EXPECT_EQ(id.size(), 36U);
  EXPECT_EQ(id[14], '4');
  // RFC 9562's example: the DNS namespace and www.example.com.
  EXPECT_EQ(named_uuid("6ba7b810-9dad-11d1-80b4-00c04fd430c8", "www.example.com"),
            "2ed6657d-e927-568b-95e1-2665a8aea6a2");
}

TEST(JsonWriter, EscapesAndSeparates) {
  std::string out;
  JsonWriter w(out);
  w.begin_object().field("a", "x\"\\\n\x01é").field("b", 1.5).key("c").begin_array();
  w.value(true)
      .null()
      .value(std::int64_t{-7})
      .end_array()
      .key("d")
      .begin_object()
      .end_object()
      .end_object();
  EXPECT_EQ(out, R"({"a":"x\"\\\n\u0001é","b":1.5,"c":[true,null,-7],"d":{}})");
}

TEST(Metrics, ExposesEachFamilyOnce) {
  MetricsRegistry registry;
  registry.counter("sluice_x_total", "Help.", "op=\"a\"").add(2);
  registry.counter("sluice_x_total", "Help.", "op=\"b\"").add(3);
  registry.histogram("sluice_y_seconds", "Time.").observe_us(3);
  const std::string text = registry.expose();
  EXPECT_THAT(text,
              testing::StartsWith("# HELP sluice_x_total Help.\n# TYPE sluice_x_total counter\n"
                                  "sluice_x_total{op=\"a\"} 2\nsluice_x_total{op=\"b\"} 3\n"));
  EXPECT_THAT(text, testing::HasSubstr("sluice_y_seconds_bucket{le=\"2e-06\"} 0\n"));
  EXPECT_THAT(text, testing::HasSubstr("sluice_y_seconds_bucket{le=\"4e-06\"} 1\n"));
}

TEST(Sqlite, RollsBackWhatWasNotCommitted) {
  auto db = Sqlite::open(":memory:", Sqlite::Mode::kMetadata);
  ASSERT_TRUE(db);
  ASSERT_TRUE(db->execute("CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT)"));
  {
    auto transaction = SqliteTransaction::begin(*db);
    ASSERT_TRUE(transaction);
    ASSERT_TRUE(db->execute("INSERT INTO t VALUES (1, 'x')"));
  }
  auto insert = db->prepare("INSERT INTO t VALUES (?, ?)");
  ASSERT_TRUE(insert);
  EXPECT_FALSE(insert->bind(0, std::int64_t{2}).bind(1, "y").step().value());
  insert->reset();
  auto again = insert->bind(0, std::int64_t{2}).bind(1, "y").step();
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, SqliteError::kConstraint);
  auto count = db->prepare("SELECT count(*) FROM t");
  ASSERT_TRUE(count->step().value());
  EXPECT_EQ(count->int64(0), 1);
}

// A process that died left changes in the log, perhaps not synced: opening puts them, synced, into
// the file, so that a power cut does not take back what was read.
TEST(Sqlite, WhatCanBeReadAfterOpeningIsInTheFile) {
  const auto folder = std::filesystem::path(testing::TempDir()) / random_uuid();
  std::filesystem::create_directory(folder);
  auto db = Sqlite::open(folder / "a", Sqlite::Mode::kMetadata);
  ASSERT_TRUE(db->execute("CREATE TABLE t(a); INSERT INTO t VALUES (7)"));
  std::filesystem::copy_file(folder / "a", folder / "b");
  std::filesystem::copy_file(folder / "a-wal", folder / "b-wal");
  const auto opened = Sqlite::open(folder / "b", Sqlite::Mode::kMetadata);
  ASSERT_TRUE(opened);
  std::filesystem::copy_file(folder / "b", folder / "c");  // without its log
  auto file = Sqlite::open(folder / "c", Sqlite::Mode::kReadOnly);
  auto rows = file->prepare("SELECT a FROM t");
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_TRUE(rows->step().value());
  EXPECT_EQ(rows->int64(0), 7);
  std::filesystem::remove_all(folder);
}

TEST(Sqlite, AFlippedBitIsNeverServed) {
  set_log_level(LogLevel::kOff);
  const auto folder = std::filesystem::path(testing::TempDir()) / random_uuid();
  std::filesystem::create_directory(folder);
  const auto content = [](Sqlite& db) -> SqliteResult<std::string> {
    auto rows = db.prepare("SELECT group_concat(a || b) FROM (SELECT a, b FROM t ORDER BY a)");
    if (!rows) return std::unexpected(rows.error());
    if (auto row = rows->step(); !row) return std::unexpected(row.error());
    return std::string(rows->text(0));
  };
  std::string expected;
  {
    auto db = Sqlite::open(folder / "a", Sqlite::Mode::kMetadata);
    ASSERT_TRUE(
        db->execute("CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT); WITH n(i) AS (SELECT 1 "
                    "UNION ALL SELECT i + 1 FROM n WHERE i < 900) INSERT INTO t SELECT i, "
                    "'text' || i FROM n"));
    expected = *content(*db);
  }
  const auto bytes = read_file(posix_env(), folder / "a");
  ASSERT_TRUE(bytes);
  ASSERT_GT(bytes->size(), 3U * 4096);
  int refused = 0;
  SeededRandom random(1);
  for (std::size_t i = 0; i < 150; ++i) {
    const std::size_t at = i < 60 ? i : random.below(bytes->size());  // the header, and anywhere
    std::string damaged = *bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << random.below(8)));
    ASSERT_TRUE(replace_file(posix_env(), folder / "b", damaged));
    auto db = Sqlite::open(folder / "b", Sqlite::Mode::kMetadata);
    const auto found = db ? content(*db) : std::unexpected(db.error());
    if (found) {
      EXPECT_EQ(*found, expected) << at;
    } else {
      ++refused;
    }
  }
  EXPECT_GT(refused, 145) << "all pages are used";
  std::filesystem::remove_all(folder);
  set_log_level(LogLevel::kInfo);
}

}  // namespace
}  // namespace sluice::base
