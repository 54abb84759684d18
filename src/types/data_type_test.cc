#include "types/data_type.h"

#include <gtest/gtest.h>

namespace sluice::types {
namespace {

DataType sample() {
  return DataType::structure({
      make_field("ind", DataType::of(TypeKind::kInt)),
      make_field("coordinates", DataType::array(DataType::of(TypeKind::kDouble))),
      make_field("price", DataType::decimal(10, 2), false),
      make_field("m", DataType::map(DataType::of(TypeKind::kString), DataType::of(TypeKind::kLong),
                                    false)),
      make_field("a b", DataType::structure({make_field("x", DataType::of(TypeKind::kTimestamp))})),
  });
}

TEST(DataType, PrintsAsSparkDoes) {
  EXPECT_EQ(sample().to_ddl(),
            "struct<ind:int,coordinates:array<double>,price:decimal(10,2),m:map<string,bigint>,"
            "a b:struct<x:timestamp>>");
  EXPECT_EQ(sample().to_sql(),
            "STRUCT<ind: INT, coordinates: ARRAY<DOUBLE>, price: DECIMAL(10,2) NOT NULL, "
            "m: MAP<STRING, BIGINT>, `a b`: STRUCT<x: TIMESTAMP>>");
  EXPECT_EQ(sample().to_duckdb(),
            "STRUCT(\"ind\" INTEGER, \"coordinates\" DOUBLE[], \"price\" DECIMAL(10,2), "
            "\"m\" MAP(VARCHAR, BIGINT), \"a b\" STRUCT(\"x\" TIMESTAMPTZ))");
}

TEST(DataType, WritesDeltasSchemaString) {
  EXPECT_EQ(
      sample().to_json(),
      R"({"type":"struct","fields":[{"name":"ind","type":"integer","nullable":true,"metadata":{}},)"
      R"({"name":"coordinates","type":{"type":"array","elementType":"double","containsNull":true},"nullable":true,"metadata":{}},)"
      R"j({"name":"price","type":"decimal(10,2)","nullable":false,"metadata":{}},)j"
      R"({"name":"m","type":{"type":"map","keyType":"string","valueType":"long","valueContainsNull":false},"nullable":true,"metadata":{}},)"
      R"({"name":"a b","type":{"type":"struct","fields":[{"name":"x","type":"timestamp","nullable":true,"metadata":{}}]},"nullable":true,"metadata":{}}]})");
}

TEST(DataType, SchemaJsonComesBackAsItWent) {
  const auto back = parse_schema_json(sample().to_json());
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_TRUE(back->same_as(sample()));
  EXPECT_EQ(back->to_json(), sample().to_json());
}

TEST(DataType, EverySimpleTypeComesBack) {
  for (const TypeKind kind :
       {TypeKind::kNull, TypeKind::kBoolean, TypeKind::kByte, TypeKind::kShort, TypeKind::kInt,
        TypeKind::kLong, TypeKind::kFloat, TypeKind::kDouble, TypeKind::kString, TypeKind::kBinary,
        TypeKind::kDate, TypeKind::kTimestamp, TypeKind::kTimestampNtz}) {
    const DataType type = DataType::of(kind);
    const auto back = parse_schema_json(type.to_json());
    ASSERT_TRUE(back) << type.to_json();
    EXPECT_EQ(back->kind(), kind);
  }
}

TEST(DataType, FieldMetadataIsKept) {
  const std::string text =
      R"({"type":"struct","fields":[{"name":"a","type":"string","nullable":true,)"
      R"("metadata":{"comment":"it's \"a\"","delta.columnMapping.id":1}}]})";
  const auto type = parse_schema_json(text);
  ASSERT_TRUE(type);
  EXPECT_EQ(type->fields()[0].comment, "it's \"a\"");
  EXPECT_EQ(type->fields()[0].metadata.at("delta.columnMapping.id"), "1");
  EXPECT_EQ(type->to_json(), text);
  EXPECT_EQ(type->to_sql(), R"(STRUCT<a: STRING COMMENT 'it\'s "a"'>)");
}

TEST(DataType, NullabilityAndCommentsDoNotMakeAnotherType) {
  const DataType a = DataType::structure({make_field("x", DataType::of(TypeKind::kInt), false)});
  const DataType b = DataType::structure({make_field("x", DataType::of(TypeKind::kInt), true)});
  const DataType c = DataType::structure({make_field("y", DataType::of(TypeKind::kInt), true)});
  EXPECT_TRUE(a.same_as(b));
  EXPECT_FALSE(a.same_as(c));
  EXPECT_FALSE(DataType::decimal(10, 2).same_as(DataType::decimal(10, 3)));
}

TEST(SchemaJson, RefusesWhatIsNoSchema) {
  const char* const bad[] = {
      "",
      "{",
      "1",
      R"("interval")",
      R"j("decimal(39,0)")j",
      R"j("decimal(5,6)")j",
      R"j("decimal(5,2")j",
      R"j("decimal(5,2)x")j",
      R"({"type":"array","elementType":"long"})",
      R"({"type":"struct"})",
      R"({"type":"struct","fields":[{"type":"long"}]})",
      R"({"type":"struct","fields":[{"name":"a","type":"long","nullable":1}]})",
      R"({"type":"map","keyType":"string","valueContainsNull":true})",
      R"({"type":"variant"})",
  };
  for (const char* text : bad)
    EXPECT_FALSE(parse_schema_json(text)) << text;
  const auto nested = parse_schema_json(
      R"({"type":"struct","fields":[{"name":"a","type":{"type":"struct","fields":[{"name":"b","type":"nope"}]}}]})");
  ASSERT_FALSE(nested);
  EXPECT_EQ(nested.error().message, "schema: a.b: unknown type \"nope\"");
}

TEST(SchemaJson, RefusesBottomlessNesting) {
  std::string text;
  for (int i = 0; i < 100000; ++i)
    text += R"({"type":"array","containsNull":true,"elementType":)";
  EXPECT_FALSE(parse_schema_json(text));
  std::string closed;
  for (int i = 0; i < 150; ++i)
    closed += R"({"type":"array","containsNull":true,"elementType":)";
  closed += "\"long\"" + std::string(150, '}');
  EXPECT_FALSE(parse_schema_json(closed));
}

}  // namespace
}  // namespace sluice::types
