#include "pipeline/row_hash.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "base/digest.h"

namespace sluice::pipeline {
namespace {

using types::DataType;
using types::TypeKind;

constexpr std::uint64_t kSeed = 42;

std::vector<base::Uint128> keys_of(const std::string& sql, std::vector<DataType> columns) {
  static duck::Database database = *duck::Database::open({});
  auto connection = database.connect();
  EXPECT_TRUE(connection);
  std::vector<types::Field> fields;
  for (DataType& type : columns)
    fields.push_back(types::make_field("c", std::move(type)));
  auto hasher = RowHasher::make(DataType::structure(std::move(fields)), kSeed);
  EXPECT_TRUE(hasher) << hasher.error().message;
  auto rows = connection->query(sql);
  EXPECT_TRUE(rows) << rows.error().message;
  std::vector<base::Uint128> keys;
  while (true) {
    auto chunk = rows->next();
    if (!chunk || !*chunk) return keys;
    hasher->hash(**chunk, keys);
  }
}

TEST(RowHash, IsAsTheFormatsPageShows) {
  const auto keys = keys_of("SELECT 1::INTEGER, 'a'",
                            {DataType::of(TypeKind::kInt), DataType::of(TypeKind::kString)});
  const std::string encoded("\x05\x01\0\0\0\x0a\x01\0\0\0\0\0\0\0a", 15);
  EXPECT_THAT(keys, ::testing::ElementsAre(base::xxh3_128(encoded, kSeed)));
}

TEST(RowHash, EqualRowsAreEqual) {
  const auto keys =
      keys_of("VALUES ('nan'::DOUBLE, 0.0::DOUBLE, NULL), (-('nan'::DOUBLE), -0.0::DOUBLE, NULL)",
              {DataType::of(TypeKind::kDouble), DataType::of(TypeKind::kDouble),
               DataType::of(TypeKind::kInt)});
  ASSERT_EQ(keys.size(), 2U);
  EXPECT_EQ(keys[0], keys[1]);
}

// Each row of a list differs from every other one.
void expect_different(const std::string& sql, std::vector<DataType> columns) {
  auto keys = keys_of(sql, std::move(columns));
  const std::size_t rows = keys.size();
  ASSERT_GT(rows, 1U);
  std::ranges::sort(keys);
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  EXPECT_EQ(keys.size(), rows) << sql;
}

TEST(RowHash, DifferentRowsDiffer) {
  const DataType text = DataType::of(TypeKind::kString);
  const DataType number = DataType::of(TypeKind::kInt);
  expect_different("VALUES ('ab', 'c'), ('a', 'bc'), ('', 'abc'), (NULL, 'abc'), ('abc', NULL)",
                   {text, text});
  expect_different(
      "VALUES ([1, 2], [3]), ([1], [2, 3]), ([], [1, 2, 3]), (NULL, []), ([], NULL), "
      "([NULL], []), ([], [NULL])",
      {DataType::array(number), DataType::array(number)});
  expect_different(
      "VALUES ({'a': 1, 'b': 'x'}), ({'a': NULL, 'b': 'x'}), (NULL), "
      "({'a': 1, 'b': NULL})",
      {DataType::structure({types::make_field("a", number), types::make_field("b", text)})});
  expect_different("SELECT c::DECIMAL(4,2) FROM (VALUES (1.10), (-1.10), (0)) t(c)",
                   {DataType::decimal(4, 2)});
  expect_different(
      "SELECT c::DECIMAL(38,2) FROM (VALUES (1), (-1), (12345678901234567890123)) t(c)",
      {DataType::decimal(38, 2)});
  expect_different(
      "VALUES (TIMESTAMPTZ '2020-01-01 00:00:00+00'), (TIMESTAMPTZ '2020-01-01 "
      "00:00:00.000001+00'), (NULL)",
      {DataType::of(TypeKind::kTimestamp)});
  expect_different("VALUES (true), (false), (NULL)", {DataType::of(TypeKind::kBoolean)});
  expect_different("SELECT range::BIGINT FROM range(5000)", {DataType::of(TypeKind::kLong)});
  expect_different("SELECT repeat('x', range::INT) FROM range(50)", {text});
}

TEST(RowHash, EqualNumbersOfDifferentTypesAreDifferentRows) {
  EXPECT_NE(keys_of("SELECT 1::INTEGER", {DataType::of(TypeKind::kInt)}),
            keys_of("SELECT 1::BIGINT", {DataType::of(TypeKind::kLong)}));
}

TEST(RowHash, MapsAreRefused) {
  const DataType map = DataType::map(DataType::of(TypeKind::kString), DataType::of(TypeKind::kInt));
  const auto hasher =
      RowHasher::make(DataType::structure({types::make_field("m", DataType::array(map))}), kSeed);
  ASSERT_FALSE(hasher);
  EXPECT_THAT(hasher.error().message, ::testing::HasSubstr("SET_OPERATION_ON_MAP_TYPE"));
}

}  // namespace
}  // namespace sluice::pipeline
