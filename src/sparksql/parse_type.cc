// Spark's type texts: in CAST, in column lists, and in the schema strings of from_json.
#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>

#include "sparksql/error.h"
#include "sparksql/parser.h"

namespace sluice::sparksql {

using types::DataType;
using types::Field;
using types::TypeKind;

int Parser::type_number() {
  if (peek().kind != TokenKind::kInteger) {
    syntax_error();
    return 0;
  }
  const std::string text = take().text;
  int value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

DataType Parser::decimal_type() {
  int precision = 10;
  int scale = 0;
  const Place here = place();
  if (accept_symbol("(")) {
    precision = type_number();
    if (accept_symbol(",")) {
      const bool negative = accept_symbol("-");
      scale = type_number();
      if (negative) {
        refuse("a negative scale");
      }
    }
    expect_symbol(")");
  }
  if (error_) {
    return {};
  }
  if (precision > 38) {
    fail(make_error("DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION", "22003",
                    "Decimal precision " + std::to_string(precision) + " exceeds max precision 38.",
                    Stage::kParse, here));
    return {};
  }
  if (scale > precision || precision < 1) {
    fail(make_error("INVALID_DECIMAL_SCALE", "42K0X",
                    "Decimal scale (" + std::to_string(scale) +
                        ") cannot be greater than precision (" + std::to_string(precision) + ").",
                    Stage::kParse, here));
    return {};
  }
  return DataType::decimal(precision, scale);
}

Field Parser::type_field() {
  Field field;
  field.name = identifier();
  accept_symbol(":");
  field.type = std::make_shared<const DataType>(data_type());
  field.nullable = !accept_words({"NOT", "NULL"});
  if (is_any_word({"DEFAULT", "GENERATED", "COLLATE"})) {
    refuse("DEFAULT, GENERATED and COLLATE in a column list");
  }
  if (accept_word("COMMENT")) {
    field.comment = string_literal();
  }
  return field;
}

DataType Parser::struct_type() {
  std::vector<Field> fields;
  if (accept_symbol("<>")) {
    return DataType::structure({});
  }
  expect_symbol("<");
  if (accept_close_angle()) {
    return DataType::structure({});
  }
  do {
    fields.push_back(type_field());
  } while (accept_symbol(","));
  if (!accept_close_angle()) {
    syntax_error();
  }
  return DataType::structure(std::move(fields));
}

DataType Parser::named_type(const std::string& name) {
  static const std::map<std::string, TypeKind> kTypes = {
      {"BOOLEAN", TypeKind::kBoolean},
      {"TINYINT", TypeKind::kByte},
      {"BYTE", TypeKind::kByte},
      {"SMALLINT", TypeKind::kShort},
      {"SHORT", TypeKind::kShort},
      {"INT", TypeKind::kInt},
      {"INTEGER", TypeKind::kInt},
      {"BIGINT", TypeKind::kLong},
      {"LONG", TypeKind::kLong},
      {"FLOAT", TypeKind::kFloat},
      {"REAL", TypeKind::kFloat},
      {"DOUBLE", TypeKind::kDouble},
      {"DATE", TypeKind::kDate},
      {"TIMESTAMP", TypeKind::kTimestamp},
      {"TIMESTAMP_LTZ", TypeKind::kTimestamp},
      {"TIMESTAMP_NTZ", TypeKind::kTimestampNtz},
      {"STRING", TypeKind::kString},
      {"BINARY", TypeKind::kBinary},
      {"VOID", TypeKind::kNull},
  };
  const auto found = kTypes.find(name);
  if (found == kTypes.end()) {
    return {};
  }
  return DataType::of(found->second);
}

DataType Parser::data_type() {
  const Nesting nesting(*this);
  const Place here = place();
  if (peek().kind != TokenKind::kWord) {
    syntax_error();
    return {};
  }
  std::string name = take().text;
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::toupper(c); });
  if (name == "ARRAY" && accept_symbol("<")) {
    DataType element = data_type();
    if (!accept_close_angle()) {
      syntax_error();
    }
    return DataType::array(std::move(element));
  }
  if (name == "MAP" && accept_symbol("<")) {
    DataType key = data_type();
    expect_symbol(",");
    DataType value = data_type();
    if (!accept_close_angle()) {
      syntax_error();
    }
    return DataType::map(std::move(key), std::move(value));
  }
  if (name == "STRUCT" && (is_symbol("<") || is_symbol("<>"))) {
    return struct_type();
  }
  if (name == "DECIMAL" || name == "DEC" || name == "NUMERIC") {
    return decimal_type();
  }
  if (name == "CHAR" || name == "CHARACTER" || name == "VARCHAR" || name == "INTERVAL" ||
      name == "VARIANT" || name == "TIME" || name == "GEOMETRY" || name == "GEOGRAPHY" ||
      (name == "TIMESTAMP" && is_any_word({"WITH", "WITHOUT"}))) {
    fail(unsupported("the type " + name, Stage::kParse, here));
    return {};
  }
  if (name == "ARRAY" || name == "MAP" || name == "STRUCT") {
    fail(make_error(
        "INCOMPLETE_TYPE_DEFINITION." + name, "42K01",
        "Incomplete complex type: the definition of \"" + name + "\" type is incomplete.",
        Stage::kParse, here));
    return {};
  }
  const DataType type = named_type(name);
  if (type.kind() == TypeKind::kNull && name != "VOID") {
    fail(make_error("UNSUPPORTED_DATATYPE", "0A000", "Unsupported data type \"" + name + "\".",
                    Stage::kParse, here));
  }
  if (is_word("COLLATE")) {
    refuse("COLLATE");
  }
  return type;
}

std::vector<Field> Parser::column_list() {
  std::vector<Field> fields;
  do {
    fields.push_back(type_field());
  } while (accept_symbol(","));
  return fields;
}

namespace {

SqlError at_place(SqlError error, const Place& place) {
  error.place = place;
  return error;
}

}  // namespace

SqlResult<DataType> parse_data_type(std::string_view text, const Place& place) {
  const auto tokens = tokenize(text, place.file);
  if (!tokens) {
    return std::unexpected(at_place(tokens.error(), place));
  }
  Parser parser(*tokens, text, place.file);
  DataType type = parser.data_type();
  parser.expect_end();
  if (parser.error()) {
    return std::unexpected(at_place(*parser.error(), place));
  }
  return type;
}

SqlResult<DataType> parse_schema_ddl(std::string_view text, const Place& place) {
  // Spark tries a type first, then a list of columns.
  auto type = parse_data_type(text, place);
  if (type || type.error().error_class == "UNSUPPORTED_BY_SLUICE") {
    return type;
  }
  const auto tokens = tokenize(text, place.file);
  if (!tokens) {
    return std::unexpected(at_place(tokens.error(), place));
  }
  Parser parser(*tokens, text, place.file);
  auto fields = parser.column_list();
  parser.expect_end();
  if (parser.error()) {
    return std::unexpected(at_place(*parser.error(), place));
  }
  return DataType::structure(std::move(fields));
}

}  // namespace sluice::sparksql
