// The registered functions, called through DuckDB.
#include "sparksql/functions/native.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::sparksql {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class NativeTest : public ::testing::Test {
 protected:
  NativeTest() {
    auto database = duck::Database::open({});
    EXPECT_TRUE(database) << database.error().message;
    database_.emplace(std::move(*database));
    connection_.emplace(std::move(*database_->connect()));
    const auto done = register_functions(*connection_);
    EXPECT_TRUE(done) << done.error().message;
  }
  std::string scalar(const std::string& sql) {
    auto result = connection_->scalar("SELECT " + sql);
    if (!result) return result.error().message;
    return result->value_or("null");
  }

  std::optional<duck::Database> database_;
  std::optional<duck::Connection> connection_;
};

struct Case {
  const char* sql;
  const char* expected;
};

TEST_F(NativeTest, Casts) {
  const Case cases[] = {
      {"spark_cast_int(' 12 ')", "12"},
      {"spark_try_cast_int('1.9')", "null"},
      {"spark_legacy_cast_int('1.9')", "1"},
      {"spark_legacy_cast_int('.')", "0"},
      {"spark_try_cast_int('124k')", "null"},
      {"spark_try_cast_tinyint('128')", "null"},
      {"spark_cast_bigint('-9223372036854775808')", "-9223372036854775808"},
      {"spark_try_cast_smallint(NULL)", "null"},
      {"spark_text(spark_cast_double('1d'))", "1.0"},
      {"spark_text(spark_cast_double('-inf'))", "-Infinity"},
      {"spark_text(spark_cast_double('0x1p3'))", "8.0"},
      {"spark_text(spark_cast_float('3.4e39'))", "Infinity"},
      {"spark_cast_boolean(' Y ')", "true"},
      {"spark_try_cast_boolean('maybe')", "null"},
      {"spark_cast_date('2020-01-02Tjunk')", "2020-01-02"},
      {"spark_try_cast_date('1-01-01')", "null"},
      {"spark_cast_timestamp('2015-10-24T11:23:51', 'UTC')", "2015-10-24 11:23:51+00"},
      {"spark_cast_timestamp('2020-03-08 02:30:00', 'America/New_York')", "2020-03-08 07:30:00+00"},
      {"spark_try_cast_timestamp('2020-01-02T', 'UTC')", "null"},
      {"spark_cast_timestamp_ntz('2020-01-02 03:04:05+02:00')", "2020-01-02 03:04:05"},
      {"spark_text(spark_cast_timestamp('2020-07-01 00:00:00.5', 'UTC'), 'America/New_York')",
       "2020-06-30 20:00:00.5"},
      {"spark_text(DATE '12020-01-02')", "+12020-01-02"},
      {"spark_legacy_decimal_text('0.0000001')", "1E-7"},
      {"spark_legacy_decimal_text('-12.50')", "-12.50"},
      {"spark_binary_text('a\\xFF'::BLOB)", "a\xEF\xBF\xBD"},
  };
  for (const Case& c : cases)
    EXPECT_EQ(scalar(c.sql), c.expected) << c.sql;
  EXPECT_EQ(scalar("spark_cast_int('x')"),
            "[CAST_INVALID_INPUT] The value 'x' of the type \"STRING\" cannot be cast to \"INT\" "
            "because it is malformed. Correct the value as per the syntax, or change its target "
            "type. Use `try_cast` to tolerate malformed input and return NULL instead. SQLSTATE: "
            "22018");
  EXPECT_THAT(scalar("spark_cast_timestamp('2020-01-01', 'Mars/Base')"),
              StartsWith("[INVALID_TIMEZONE]"));
}

TEST_F(NativeTest, ACastFailsOnlyForRowsThatAreAskedFor) {
  ASSERT_TRUE(connection_->execute(
      "CREATE TABLE t AS SELECT CASE WHEN range % 3 = 0 THEN 'bad' ELSE range::VARCHAR END AS x "
      "FROM range(9000)"));
  EXPECT_EQ(scalar("sum(spark_cast_int(x)) FROM t WHERE x <> 'bad'"), "27000000")
      << "filter before cast";
  EXPECT_EQ(scalar("sum(CASE WHEN x = 'bad' THEN 0 ELSE spark_cast_int(x) END) FROM t"),
            "27000000");
  EXPECT_THAT(scalar("sum(spark_cast_int(x)) FROM t"), StartsWith("[CAST_INVALID_INPUT]"));
  // A dictionary holds values that no row has any more.
  EXPECT_EQ(
      scalar("sum(spark_cast_int(v)) FROM (SELECT v FROM (SELECT unnest(['1','bad','2']) AS "
             "v, unnest([1,2,3]) AS k) AS d JOIN (SELECT unnest([1,3,1]) AS k) AS r USING (k))"),
      "4");
}

TEST_F(NativeTest, RegularExpressions) {
  const Case cases[] = {
      {"spark_regexp_replace('12k', 'k$', '000', 1)", "12000"},
      {"spark_regexp_replace('abc', '', '-', 1)", "-a-b-c-"},
      {"spark_regexp_replace('baac', 'a*', '<$0>', 1)", "<>b<aa><>c<>"},
      {"spark_regexp_replace('abc', '(a)', '$10', 1)", "a0bc"},
      {"spark_regexp_replace('abc', 'b', 'x\\1', 1)", "ax1c"},
      {"spark_regexp_replace('abcabc', 'b', 'X', 3)", "abcaXc"},
      {"spark_regexp_replace('a1', '[[:alpha:]]+', '', 1)", "1"},
      {"spark_regexp_replace('Local save in /data/x', '^Local save in ', '', 1)", "/data/x"},
      {"spark_regexp_replace('\xF0\x9F\x98\x80x', '.', '<$0>', 1)", "<\xF0\x9F\x98\x80><x>"},
      {"spark_rlike('abc\n', 'abc$')", "true"},
      {"spark_rlike('abc\n', 'abc\\z')", "false"},
      {"spark_rlike('h\xC3\xA9', '^\\w+$')", "false"},
      {"spark_rlike('H\xC3\x89LLO', '(?i)h\xC3\xA9llo')", "false"},
      {"spark_rlike('Hello', '(?i)hel+o')", "true"},
      {"spark_rlike('a\nb', '(?m)^b$')", "true"},
      {"spark_rlike('aaa', 'a++a')", "false"},
      {"spark_regexp_extract('100-200', '(\\d+)-(\\d+)', 2)", "200"},
      {"spark_regexp_extract('abc', '(x)?b', 1)", ""},
      {"spark_regexp_extract('abc', 'x', 0)", ""},
      {"spark_regexp_extract_all('a1b22', '\\d+', 0)", "[1, 22]"},
      {"spark_split('abc', 'x*', -1)", "[a, b, c, '']"},
      {"spark_split('abc', '', -1)", "[a, b, c]"},
      {"spark_split('a.b', '.', -1)", "['', '', '', '']"},
      {"spark_split('a,b,c,,', ',', -1)", "[a, b, c, '', '']"},
      {"spark_split('a,b,c', ',', 2)", "[a, 'b,c']"},
      {"spark_split('', ',', -1)", "['']"},
      {"spark_regexp_count('abc', '')", "4"},
      {"spark_regexp_instr('a\\b', '\\\\')", "2"},
      {"spark_regexp_substr('abc', '')", "null"},
  };
  for (const Case& c : cases)
    EXPECT_EQ(scalar(c.sql), c.expected) << c.sql;
  EXPECT_THAT(scalar("spark_regexp_replace('abc', '(b)', '$2', 1)"),
              StartsWith("[INVALID_REGEXP_REPLACE]"));
  EXPECT_THAT(scalar("spark_rlike('abc', '(')"), StartsWith("[INVALID_PARAMETER_VALUE.PATTERN]"));
  EXPECT_THAT(scalar("spark_rlike('abc', 'a{,2}')"),
              StartsWith("[INVALID_PARAMETER_VALUE.PATTERN]"));
  EXPECT_THAT(scalar("spark_regexp_extract('abc', 'b', 1)"),
              StartsWith("[INVALID_PARAMETER_VALUE.REGEX_GROUP_INDEX]"));
  EXPECT_THAT(scalar("spark_rlike('abc', '[a-c&&[^b]]')"), HasSubstr("intersection &&"));
  EXPECT_THAT(scalar("spark_rlike('abc', '\\p{javaLowerCase}')"), HasSubstr("javaLowerCase"));
  EXPECT_THAT(scalar("spark_rlike(repeat('a', 5000) || 'b', '(a|aa)+$')"),
              HasSubstr("too many steps"));
}

TEST_F(NativeTest, Texts) {
  const Case cases[] = {
      {"spark_trim('xxaxx', 'x')", "a"},
      {"spark_ltrim('  a ', ' ')", "a "},
      {"spark_rtrim('\xC3\xA9"
       "a\xC3\xA9', '\xC3\xA9')",
       "\xC3\xA9"
       "a"},
      {"spark_substring('abc', -2, 1)", "b"},
      {"spark_substring('abc', 0, 2)", "ab"},
      {"spark_substring('abc', -5, 3)", "a"},
      {"spark_substring('a\xC3\xA9"
       "c', 2)",
       "\xC3\xA9"
       "c"},
      {"spark_substring_index('a.b.c', '.', 2)", "a.b"},
      {"spark_substring_index('a.b.c', '.', -1)", "c"},
      {"spark_substring_index('a.b.c', '.', 5)", "a.b.c"},
      {"spark_translate('AaBbCc', 'abc', '12')", "A1B2C"},
      {"spark_upper('stra\xC3\x9F"
       "e')",
       "STRASSE"},
      {"spark_lower('\xCE\xA3\xCE\x8A\xCE\xA3')", "\xCF\x83\xCE\xAF\xCF\x82"},
      {"spark_initcap('\xC3\x9F hELLO')", "Ss Hello"},
      {"spark_reverse('a\xC3\xA9')",
       "\xC3\xA9"
       "a"},
      {"spark_lpad('hi', 5, '?!')", "?!?hi"},
      {"spark_rpad('hi', 1, '?')", "h"},
      {"spark_locate('b', 'abcb', 0)", "0"},
      {"spark_locate('b', 'abcb', 3)", "4"},
      {"spark_instr('abc', 'c')", "3"},
      {"spark_like('a_c', 'a\\_c', '\\')", "true"},
      {"spark_like('abc', 'a\\_c', '\\')", "false"},
      {"spark_like('a\nbc', 'a%c', '\\')", "true"},
      {"spark_ilike('ABC', '_b_', '\\')", "true"},
  };
  for (const Case& c : cases)
    EXPECT_EQ(scalar(c.sql), c.expected) << c.sql;
  EXPECT_THAT(scalar("spark_like('a', 'a\\', '\\')"),
              StartsWith("[INVALID_FORMAT.ESC_AT_THE_END]"));
  EXPECT_THAT(scalar("spark_like('a', '\\a', '\\')"),
              StartsWith("[INVALID_FORMAT.ESC_IN_THE_MIDDLE]"));
}

TEST_F(NativeTest, DatesByPattern) {
  const Case cases[] = {
      {"spark_to_timestamp('2/1/20', 'd/M/yy', 'UTC')", "2020-01-02 00:00:00+00"},
      {"spark_to_timestamp('20200102030405', 'yyyyMMddHHmmss', 'UTC')", "2020-01-02 03:04:05+00"},
      {"spark_to_timestamp('2020-01-02 03:04:05 pm', 'yyyy-MM-dd hh:mm:ss a', 'UTC')",
       "2020-01-02 15:04:05+00"},
      {"spark_to_timestamp('2020-01-02 03:04:05+02:00', 'yyyy-MM-dd HH:mm:ssXXX', 'UTC')",
       "2020-01-02 01:04:05+00"},
      {"spark_to_timestamp('2020-01-02 03:04:05.1', 'yyyy-MM-dd HH:mm:ss.SSS', 'UTC')",
       "2020-01-02 03:04:05.1+00"},
      {"spark_to_timestamp('2020-01-02', 'yyyy-MM-dd[ HH:mm]', 'UTC')", "2020-01-02 00:00:00+00"},
      {"spark_try_to_timestamp('2020-1-2', 'yyyy-MM-dd', 'UTC')", "null"},
      {"spark_try_to_timestamp('12020-01-02', 'yyyy-MM-dd', 'UTC')", "null"},
      {"spark_to_date('+12020-01-02', 'yyyy-MM-dd')", "12020-01-02"},
      {"spark_to_date('Jan 2, 2020', 'MMM d, yyyy')", "2020-01-02"},
      {"spark_to_date('2020-366', 'yyyy-DDD')", "2020-12-31"},
      {"spark_try_to_date('2021-366', 'yyyy-DDD')", "null"},
      {"spark_date_format(TIMESTAMPTZ '2020-01-02 03:04:05.123456+00', "
       "'EEEE, d MMM yyyy HH:mm:ss.SSS XXX', 'America/New_York')",
       "Wednesday, 1 Jan 2020 22:04:05.123 -05:00"},
      {"spark_date_format(TIMESTAMPTZ '2020-01-02 00:00:00+00', 'hh a QQQ D F', 'UTC')",
       "12 AM Q1 2 2"},
  };
  for (const Case& c : cases)
    EXPECT_EQ(scalar(c.sql), c.expected) << c.sql;
  EXPECT_THAT(scalar("spark_to_timestamp('x', 'yyyy', 'UTC')"),
              StartsWith("[CANNOT_PARSE_TIMESTAMP]"));
  EXPECT_THAT(scalar("spark_to_date('2020', 'YYYY')"),
              StartsWith("[INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION]"));
}

TEST_F(NativeTest, Decimals) {
  const auto need = [&](const char* name, const char* kind, types::DataType type,
                        std::map<std::string, std::string> options) {
    const auto done = register_natives(*connection_, {{name, kind, std::move(type), options}});
    ASSERT_TRUE(done) << done.error().message;
  };
  const auto type = types::DataType::decimal(10, 2);
  need("cast_ansi", "cast_decimal", type, {{"mode", "ansi"}});
  need("cast_try", "cast_decimal", type, {{"mode", "try"}});
  need("divide", "decimal_op", types::DataType::decimal(8, 6),
       {{"op", "divide"}, {"p1", "3"}, {"s1", "1"}, {"p2", "1"}, {"s2", "0"}, {"mode", "ansi"}});
  need("shrink", "decimal_cast", types::DataType::decimal(3, 1),
       {{"p1", "10"}, {"s1", "2"}, {"mode", "try"}});
  const Case cases[] = {
      {"cast_ansi('0.005')", "0.01"},
      {"cast_ansi('\xEF\xBC\x91\xEF\xBC\x92')", "12.00"},
      {"cast_ansi('1e3')", "1000.00"},
      {"cast_try('99999999.995')", "null"},
      {"cast_try('x')", "null"},
      {"divide(10.0::DECIMAL(3,1), 3::DECIMAL(1,0))", "3.333333"},
      {"shrink(12.25::DECIMAL(10,2))", "12.3"},
      {"shrink(-12.25::DECIMAL(10,2))", "-12.3"},
      {"shrink(99.95::DECIMAL(10,2))", "null"},
  };
  for (const Case& c : cases)
    EXPECT_EQ(scalar(c.sql), c.expected) << c.sql;
  EXPECT_THAT(scalar("cast_ansi('99999999.995')"),
              StartsWith("[NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION] The 99999999.995 cannot be "
                         "represented as Decimal(10, 2)."));
  EXPECT_THAT(scalar("cast_ansi('x')"), HasSubstr("\"DECIMAL(10,2)\""));
  EXPECT_THAT(scalar("divide(1.0::DECIMAL(3,1), 0::DECIMAL(1,0))"), StartsWith("[DIVIDE_BY_ZERO]"));
  EXPECT_FALSE(register_natives(*connection_, {{"n", "nonsense", type, {}}}));
}

TEST_F(NativeTest, FromJsonFillsNestedColumns) {
  using types::DataType;
  using types::make_field;
  using types::TypeKind;
  const DataType type = DataType::structure(
      {make_field("a", DataType::of(TypeKind::kInt)),
       make_field("l", DataType::array(DataType::structure(
                           {make_field("x", DataType::of(TypeKind::kString)),
                            make_field("y", DataType::array(DataType::of(TypeKind::kLong)))}))),
       make_field(
           "m", DataType::map(DataType::of(TypeKind::kString), DataType::of(TypeKind::kDouble)))});
  ASSERT_TRUE(register_natives(*connection_, {{"parse", "from_json", type, {}}}));
  ASSERT_TRUE(register_natives(*connection_, {{"parse", "from_json", type, {}}}));
  EXPECT_EQ(scalar(R"(parse('{"a":1,"l":[{"x":"p","y":[1,2]},null,{"y":[]}],"m":{"k":1.5}}'))"),
            "{'a': 1, 'l': [{'x': p, 'y': [1, 2]}, NULL, {'x': NULL, 'y': []}], 'm': {k=1.5}}");
  EXPECT_EQ(scalar("parse('')"), "null");
  EXPECT_EQ(scalar("parse(NULL::VARCHAR)"), "null");
  EXPECT_EQ(scalar("(parse('{')).a"), "null");
  EXPECT_EQ(scalar("sum(len((parse('{\"l\":[{\"y\":[' || range || ',2]}]}')).l[1].y)) FROM "
                   "range(10000)"),
            "20000");
  EXPECT_EQ(scalar("sum((parse(('{\"a\":' || range || '}')::BLOB)).a) FROM range(5000)"),
            std::to_string(5000 * 4999 / 2));
  ASSERT_TRUE(
      register_natives(*connection_, {{"strict", "from_json", type, {{"mode", "FAILFAST"}}}}));
  EXPECT_THAT(scalar("strict('{')"), StartsWith("[MALFORMED_RECORD_IN_PARSING"));
}

}  // namespace
}  // namespace sluice::sparksql
