#include "sparksql/functions/from_json.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/json_writer.h"
#include "sparksql/functions/datetime_text.h"
#include "sparksql/functions/java_number.h"

namespace sluice::sparksql {
namespace {

using types::DataType;
using types::make_field;
using types::TypeKind;

// A value as text: NULL is null, text in quotes, nested values in brackets.
void print(std::string& out, const DataType& type, const JsonValue& value) {
  if (value.is_null) {
    out += "null";
    return;
  }
  switch (type.kind()) {
    case TypeKind::kString:
      base::append_json_string(out, value.text());
      return;
    case TypeKind::kDouble:
      append_java_double(out, value.real);
      return;
    case TypeKind::kFloat:
      append_java_float(out, static_cast<float>(value.real));
      return;
    case TypeKind::kDecimal:
      append_plain_decimal(out, value.decimal, type.scale());
      return;
    case TypeKind::kBinary:
      out += "x" + std::string(value.text());
      return;
    case TypeKind::kDate:
      append_date(out, value.integer);
      return;
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampNtz:
      append_timestamp_ntz(out, value.integer);
      return;
    case TypeKind::kArray:
    case TypeKind::kMap:
    case TypeKind::kStruct:
      out += '[';
      for (std::size_t i = 0; i < value.size; ++i) {
        if (i > 0) out += ',';
        const DataType& child = type.kind() == TypeKind::kStruct  ? *type.fields()[i].type
                                : type.kind() == TypeKind::kArray ? type.element()
                                : i % 2 == 0                      ? type.key()
                                                                  : type.value();
        print(out, child, value.children[i]);
      }
      out += ']';
      return;
    default:
      out += std::to_string(value.integer);
  }
}

std::string decode(const DataType& type, std::string_view text,
                   const std::map<std::string, std::string>& options = {}) {
  const auto decoder = JsonDecoder::make(type, options);
  if (!decoder) return decoder.error();
  // A copy of the exact size: a sanitizer sees a read past the end.
  const std::vector<char> exact(text.begin(), text.end());
  Arena arena;
  JsonValue value;
  const auto outcome = decoder->decode({exact.data(), exact.size()}, arena, value);
  if (outcome == JsonDecoder::Outcome::kFailed) return decoder->failure(text);
  std::string out;
  print(out, type, value);
  return out;
}

DataType of(TypeKind kind) {
  return DataType::of(kind);
}

// A struct of `v` with the type, and z INT.
DataType with_z(DataType type) {
  return DataType::structure(
      {make_field("v", std::move(type)), make_field("z", of(TypeKind::kInt))});
}

std::string value(DataType type, std::string_view json) {
  return decode(with_z(std::move(type)), "{\"v\":" + std::string(json) + ",\"z\":7}");
}

const DataType& ab() {
  static const DataType type = DataType::structure(
      {make_field("a", of(TypeKind::kInt)), make_field("b", of(TypeKind::kString))});
  return type;
}

struct Case {
  const char* json;
  const char* expected;
};

TEST(FromJson, Records) {
  const Case cases[] = {
      {R"({"a":1,"b":"x"})", R"([1,"x"])"},
      {R"({"b":"x","c":[1,{"d":2}],"a":1})", R"([1,"x"])"},
      {"{}", "[null,null]"},
      {"", "null"},
      {" \t\r\n ", "null"},
      {"null", "[null,null]"},
      {"[1]", "[null,null]"},
      {"[{\"a\":1}]", "[null,null]"},
      {"\"\"", "[null,null]"},
      {"{", "[null,null]"},
      {"NaN", "[null,null]"},
      {R"({"a":1} junk)", "[1,null]"},
      {R"({"a":1}})", "[1,null]"},
      {R"({"a":1}{"a":2})", "[1,null]"},
      {R"({"a":1)", "[null,null]"},
      {R"({"a":1,})", "[null,null]"},
      {R"({,"a":1})", "[null,null]"},
      {R"({"a":1 "b":"x"})", "[null,null]"},
      {R"({"a":1,"a":2})", "[2,null]"},
      {R"({"a":1,"a":"x"})", "[1,null]"},
      {R"({"b":"x","b":null})", "[null,null]"},
      {R"({'a':1,'b':'it\'s'})", R"([1,"it's"])"},
      {R"({"A":1})", "[null,null]"},
      {R"({"\u0061":1})", "[1,null]"},
      {R"({"a":01})", "[null,null]"},
      {R"({"a":tru})", "[null,null]"},
      {R"({"b":"a\u0000b"})", "[null,\"a\\u0000b\"]"},
      {R"({"b":"\ud83d\ude00"})", "[null,\"\xF0\x9F\x98\x80\"]"},
      {R"({"b":"\ud83d"})", "[null,\"?\"]"},
      {R"({"b":"\q"})", "[null,null]"},
      {"{\"b\":\"a\tb\"}", "[null,null]"},
      {"\xEF\xBB\xBF{\"a\":1}", "[null,null]"},
      {"{\"b\":\"\xFFx\xC3\"}", "[null,\"\xEF\xBF\xBDx\xEF\xBF\xBD\"]"},
      {R"({"b":"unterminated})", "[null,null]"},
      {R"({"b":"x","c":{"d":[1,2}})", "[null,null]"},
  };
  for (const Case& c : cases)
    EXPECT_EQ(decode(ab(), c.json), c.expected) << c.json;
}

TEST(FromJson, Strings) {
  const Case cases[] = {
      {"1.50", R"(["1.5",7])"},
      {"1e3", R"(["1000.0",7])"},
      {"-0", R"(["0",7])"},
      {"99999999999999999999", R"(["99999999999999999999",7])"},
      {"1e400", "[\"\\\"Infinity\\\"\",7]"},
      {"NaN", "[\"\\\"NaN\\\"\",7]"},
      {"+INF", "[\"\\\"Infinity\\\"\",7]"},
      {"INF", "[null,null]"},
      {"true", R"(["true",7])"},
      {R"({ "a" : 1 , "b":[1, 2.50] })", R"(["{\"a\":1,\"b\":[1,2.5]}",7])"},
      {R"(["\u0041\n",  1e2])", R"(["[\"A\\n\",100.0]",7])"},
      {R"("a rather long text without any escape in it")",
       R"(["a rather long text without any escape in it",7])"},
  };
  for (const Case& c : cases)
    EXPECT_EQ(value(of(TypeKind::kString), c.json), c.expected) << c.json;
}

TEST(FromJson, Numbers) {
  EXPECT_EQ(value(of(TypeKind::kInt), "2147483648"), "[null,7]");
  EXPECT_EQ(value(of(TypeKind::kInt), "1.0"), "[null,7]");
  EXPECT_EQ(value(of(TypeKind::kInt), "\"12\""), "[null,7]");
  EXPECT_EQ(value(of(TypeKind::kByte), "255"), "[-1,7]");
  EXPECT_EQ(value(of(TypeKind::kByte), "256"), "[null,7]");
  EXPECT_EQ(value(of(TypeKind::kShort), "32768"), "[null,7]");
  EXPECT_EQ(value(of(TypeKind::kLong), "-9223372036854775808"), "[-9223372036854775808,7]");
  EXPECT_EQ(value(of(TypeKind::kDouble), "-0"), "[0.0,7]");
  EXPECT_EQ(value(of(TypeKind::kDouble), "-0.0"), "[-0.0,7]");
  EXPECT_EQ(value(of(TypeKind::kDouble), "1e400"), "[Infinity,7]");
  EXPECT_EQ(value(of(TypeKind::kDouble), "\"+INF\""), "[Infinity,7]");
  EXPECT_EQ(value(of(TypeKind::kDouble), "\"1.5\""), "[null,7]");
  EXPECT_EQ(value(of(TypeKind::kFloat), "3.5e38"), "[Infinity,7]");
  EXPECT_EQ(value(DataType::decimal(10, 2), "1.005"), "[1.01,7]");
  EXPECT_EQ(value(DataType::decimal(10, 2), "\"1,234.5\""), "[1234.50,7]");
  EXPECT_EQ(value(DataType::decimal(10, 2), "\" 12 \""), "[null,7]");
  EXPECT_EQ(value(DataType::decimal(10, 2), "100000000"), "[null,7]");
  EXPECT_EQ(value(DataType::decimal(10, 2), "NaN"), "[null,7]");
}

TEST(FromJson, DatesTimestampsBinary) {
  EXPECT_EQ(value(of(TypeKind::kDate), "\"2020-1-2\""), "[2020-01-02,7]");
  EXPECT_EQ(value(of(TypeKind::kDate), "\"12\""), "[1970-01-13,7]");
  EXPECT_EQ(value(of(TypeKind::kDate), "\"20200102\""), "[+57276-01-01,7]");
  EXPECT_EQ(value(of(TypeKind::kDate), "12"), "[null,7]");
  EXPECT_EQ(value(of(TypeKind::kTimestamp), "12"), "[1970-01-01 00:00:12,7]");
  EXPECT_EQ(value(of(TypeKind::kTimestamp), "1.5"), "[null,7]");
  EXPECT_EQ(value(of(TypeKind::kTimestamp), "\"2020-01-02T03:04:05+02:00\""),
            "[2020-01-02 01:04:05,7]");
  EXPECT_EQ(value(of(TypeKind::kTimestampNtz), "\"2020-01-02T03:04:05Z\""), "[null,7]");
  EXPECT_EQ(value(of(TypeKind::kBinary), "\"YWJj\""), "[xabc,7]");
  EXPECT_EQ(value(of(TypeKind::kBinary), "\"YWI=\""), "[xab,7]");
  EXPECT_EQ(value(of(TypeKind::kBinary), "\"12\""), "[null,7]");
  EXPECT_EQ(value(of(TypeKind::kBinary), "\"a\""), "[null,null]");
}

TEST(FromJson, Nested) {
  const DataType ints = DataType::array(of(TypeKind::kInt));
  EXPECT_EQ(value(ints, "[1,null,3]"), "[[1,null,3],7]");
  EXPECT_EQ(value(ints, "[1,\"x\",3]"), "[null,7]");
  EXPECT_EQ(value(ints, "{\"a\":1}"), "[null,7]");
  EXPECT_EQ(value(DataType::array(ab()), R"([{"a":1},{"a":"x","b":"y"},null])"),
            R"([[[1,null],[null,"y"],null],7])");
  const DataType map = DataType::map(of(TypeKind::kString), of(TypeKind::kInt));
  EXPECT_EQ(value(map, R"({"k":1,"k":2})"), R"([["k",1,"k",2],7])");
  EXPECT_EQ(value(map, R"({"k":1,"m":"x","n":3})"), "[null,7]");
  EXPECT_EQ(value(ab(), R"({"a":"x","b":2})"), R"([[null,"2"],7])");
  EXPECT_EQ(value(ab(), "[]"), "[null,7]");
  EXPECT_EQ(decode(ints, "[1,2] x"), "[1,2]");
  EXPECT_EQ(decode(ints, "[1,2"), "null");
  EXPECT_EQ(decode(DataType::array(ab()), R"({"a":1})"), "[[1,null]]");
  EXPECT_EQ(decode(map, R"({"k":1})"), R"(["k",1])");
}

TEST(FromJson, CorruptRecordAndFailFast) {
  const DataType type = DataType::structure({make_field("a", of(TypeKind::kInt)),
                                             make_field("_corrupt_record", of(TypeKind::kString)),
                                             make_field("b", of(TypeKind::kString))});
  EXPECT_EQ(decode(type, R"({"a":1,"b":"x"})"), R"([1,null,"x"])");
  EXPECT_EQ(decode(type, R"({"a":"x","b":"y"})"), R"([null,"{\"a\":\"x\",\"b\":\"y\"}","y"])");
  EXPECT_EQ(decode(type, "{"), R"([null,"{",null])");
  EXPECT_EQ(decode(type, R"({"_corrupt_record":"z","a":1})"), "[1,null,null]");
  const std::string failed = decode(ab(), "{", {{"mode", "failfast"}});
  EXPECT_TRUE(failed.starts_with("[MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION]")) << failed;
  EXPECT_TRUE(failed.ends_with("SQLSTATE: 22023")) << failed;
  EXPECT_EQ(decode(ab(), R"({"a":1})", {{"mode", "FAILFAST"}}), "[1,null]");
  EXPECT_TRUE(
      decode(ab(), "{}", {{"mode", "DROPMALFORMED"}}).starts_with("[PARSE_MODE_UNSUPPORTED]"));
}

TEST(FromJson, Options) {
  EXPECT_EQ(decode(ab(), "{\"a\":1 // c\n,/* d */\"b\":\"x\"}", {{"allowcomments", "true"}}),
            R"([1,"x"])");
  EXPECT_EQ(decode(ab(), "{a:1,b:\"x\"}", {{"allowunquotedfieldnames", "true"}}), R"([1,"x"])");
  EXPECT_EQ(decode(ab(), "{'a':1}", {{"allowsinglequotes", "false"}}), "[null,null]");
  EXPECT_EQ(decode(ab(), R"({"a":-01,"b":007})", {{"allownumericleadingzeros", "true"}}),
            R"([-1,"7"])");
  EXPECT_EQ(decode(ab(), R"({"b":"\q"})", {{"allowbackslashescapinganycharacter", "true"}}),
            R"([null,"q"])");
  EXPECT_EQ(decode(with_z(of(TypeKind::kDate)), R"({"v":"02/01/2020","z":7})",
                   {{"dateformat", "dd/MM/yyyy"}}),
            "[2020-01-02,7]");
  EXPECT_EQ(decode(with_z(of(TypeKind::kTimestamp)), R"({"v":"2020-03-08T02:30:00","z":7})",
                   {{"timezone", "America/New_York"}}),
            "[2020-03-08 07:30:00,7]");
}

TEST(FromJson, DepthHasALimit) {
  std::string deep(2000, '[');
  EXPECT_EQ(decode(ab(), "{\"c\":" + deep + std::string(2000, ']') + ",\"a\":1}"), "[null,null]");
  std::string good(900, '[');
  EXPECT_EQ(decode(ab(), "{\"c\":" + good + std::string(900, ']') + ",\"a\":1}"), "[1,null]");
}

TEST(FromJson, PlainTextIsNotCopied) {
  const auto decoder = JsonDecoder::make(ab(), {});
  ASSERT_TRUE(decoder);
  const std::string text = R"({"a":1,"b":"plain","c":2})";
  Arena arena;
  JsonValue value;
  decoder->decode(text, arena, value);
  const std::string_view b = value.children[1].text();
  EXPECT_EQ(b, "plain");
  EXPECT_TRUE(b.data() > text.data() && b.data() < text.data() + text.size());
}

TEST(FromJson, OneDecoderServesThreads) {
  const auto decoder = JsonDecoder::make(ab(), {});
  ASSERT_TRUE(decoder);
  const auto work = [&] {
    Arena arena;
    for (int i = 0; i < 1000; ++i) {
      arena.reset();
      const std::string text = R"({"a":)" + std::to_string(i) + R"(,"b":"\u0041"})";
      JsonValue value;
      ASSERT_EQ(decoder->decode(text, arena, value), JsonDecoder::Outcome::kGood);
      ASSERT_EQ(value.children[0].integer, i);
      ASSERT_EQ(value.children[1].text(), "A");
    }
  };
  std::thread other(work);
  work();
  other.join();
}

}  // namespace
}  // namespace sluice::sparksql
