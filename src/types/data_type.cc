// Spark's data types and their four spellings: DDL, SQL, schema JSON, DuckDB. The JSON parser is in
// schema_json.cc.
#include "types/data_type.h"

#include <cassert>
#include <utility>

#include "base/json_writer.h"

namespace sluice::types {
namespace {

struct SimpleName {
  TypeKind kind;
  const char* ddl;
  const char* sql;
  const char* json;
  const char* duckdb;
};

constexpr SimpleName kSimpleNames[] = {
    {TypeKind::kNull, "void", "VOID", "void", "\"NULL\""},
    {TypeKind::kBoolean, "boolean", "BOOLEAN", "boolean", "BOOLEAN"},
    {TypeKind::kByte, "tinyint", "TINYINT", "byte", "TINYINT"},
    {TypeKind::kShort, "smallint", "SMALLINT", "short", "SMALLINT"},
    {TypeKind::kInt, "int", "INT", "integer", "INTEGER"},
    {TypeKind::kLong, "bigint", "BIGINT", "long", "BIGINT"},
    {TypeKind::kFloat, "float", "FLOAT", "float", "FLOAT"},
    {TypeKind::kDouble, "double", "DOUBLE", "double", "DOUBLE"},
    {TypeKind::kString, "string", "STRING", "string", "VARCHAR"},
    {TypeKind::kBinary, "binary", "BINARY", "binary", "BLOB"},
    {TypeKind::kDate, "date", "DATE", "date", "DATE"},
    {TypeKind::kTimestamp, "timestamp", "TIMESTAMP", "timestamp", "TIMESTAMPTZ"},
    {TypeKind::kTimestampNtz, "timestamp_ntz", "TIMESTAMP_NTZ", "timestamp_ntz", "TIMESTAMP"},
};

const SimpleName& simple_name(TypeKind kind) {
  for (const SimpleName& row : kSimpleNames) {
    if (row.kind == kind) return row;
  }
  assert(false && "not a simple type");
  return kSimpleNames[0];
}

bool is_simple(TypeKind kind) {
  return kind != TypeKind::kDecimal && kind < TypeKind::kArray;
}

std::string decimal_text(std::string_view name, const DataType& type) {
  return std::string(name) + "(" + std::to_string(type.precision()) + "," +
         std::to_string(type.scale()) + ")";
}

// Spark's quoteIfNeeded: backticks unless the name is an identifier of letters, digits and
// underscores that is not all digits.
std::string quote_if_needed(const std::string& name) {
  bool plain = !name.empty();
  bool all_digits = true;
  for (const char c : name) {
    const bool digit = c >= '0' && c <= '9';
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    plain = plain && (digit || letter);
    all_digits = all_digits && digit;
  }
  if (plain && !all_digits) return name;
  std::string out = "`";
  for (const char c : name) {
    if (c == '`') out += '`';
    out += c;
  }
  return out + "`";
}

std::string quote_duckdb(const std::string& name) {
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

std::string quote_comment(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

void write_json(base::JsonWriter& writer, const DataType& type);

void write_field(base::JsonWriter& writer, const Field& field) {
  writer.begin_object().field("name", std::string_view(field.name)).key("type");
  write_json(writer, *field.type);
  writer.field("nullable", field.nullable).key("metadata").begin_object();
  if (!field.comment.empty()) writer.field("comment", std::string_view(field.comment));
  for (const auto& [key, json] : field.metadata)
    writer.key(key).raw(json);
  writer.end_object().end_object();
}

void write_json(base::JsonWriter& writer, const DataType& type) {
  switch (type.kind()) {
    case TypeKind::kDecimal:
      writer.value(std::string_view(decimal_text("decimal", type)));
      return;
    case TypeKind::kArray:
      writer.begin_object().field("type", "array").key("elementType");
      write_json(writer, type.element());
      writer.field("containsNull", type.contains_null()).end_object();
      return;
    case TypeKind::kMap:
      writer.begin_object().field("type", "map").key("keyType");
      write_json(writer, type.key());
      writer.key("valueType");
      write_json(writer, type.value());
      writer.field("valueContainsNull", type.contains_null()).end_object();
      return;
    case TypeKind::kStruct:
      writer.begin_object().field("type", "struct").key("fields").begin_array();
      for (const Field& field : type.fields())
        write_field(writer, field);
      writer.end_array().end_object();
      return;
    default:
      writer.value(simple_name(type.kind()).json);
  }
}

}  // namespace

DataType DataType::decimal(int precision, int scale) {
  assert(precision >= 1 && precision <= 38 && scale >= 0 && scale <= precision);
  DataType type(TypeKind::kDecimal);
  type.precision_ = precision;
  type.scale_ = scale;
  return type;
}

DataType DataType::array(DataType element, bool contains_null) {
  DataType type(TypeKind::kArray);
  type.fields_.push_back(make_field("element", std::move(element), contains_null));
  return type;
}

DataType DataType::map(DataType key, DataType value, bool value_contains_null) {
  DataType type(TypeKind::kMap);
  type.fields_.push_back(make_field("key", std::move(key), false));
  type.fields_.push_back(make_field("value", std::move(value), value_contains_null));
  return type;
}

DataType DataType::structure(std::vector<Field> fields) {
  DataType type(TypeKind::kStruct);
  type.fields_ = std::move(fields);
  return type;
}

bool DataType::same_as(const DataType& other) const {
  if (kind_ != other.kind_ || precision_ != other.precision_ || scale_ != other.scale_ ||
      fields_.size() != other.fields_.size())
    return false;
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    if (kind_ == TypeKind::kStruct && fields_[i].name != other.fields_[i].name) return false;
    if (!fields_[i].type->same_as(*other.fields_[i].type)) return false;
  }
  return true;
}

std::string DataType::to_ddl() const {
  if (is_simple(kind_)) return simple_name(kind_).ddl;
  switch (kind_) {
    case TypeKind::kDecimal:
      return decimal_text("decimal", *this);
    case TypeKind::kArray:
      return "array<" + element().to_ddl() + ">";
    case TypeKind::kMap:
      return "map<" + key().to_ddl() + "," + value().to_ddl() + ">";
    default:
      break;
  }
  std::string out = "struct<";
  for (const Field& field : fields_) {
    if (&field != fields_.data()) out += ',';
    out += field.name + ":" + field.type->to_ddl();
  }
  return out + ">";
}

std::string DataType::to_sql() const {
  if (is_simple(kind_)) return simple_name(kind_).sql;
  switch (kind_) {
    case TypeKind::kDecimal:
      return decimal_text("DECIMAL", *this);
    case TypeKind::kArray:
      return "ARRAY<" + element().to_sql() + ">";
    case TypeKind::kMap:
      return "MAP<" + key().to_sql() + ", " + value().to_sql() + ">";
    default:
      break;
  }
  std::string out = "STRUCT<";
  for (const Field& field : fields_) {
    if (&field != fields_.data()) out += ", ";
    out += quote_if_needed(field.name) + ": " + field.type->to_sql();
    if (!field.nullable) out += " NOT NULL";
    if (!field.comment.empty()) out += " COMMENT " + quote_comment(field.comment);
  }
  return out + ">";
}

std::string DataType::to_json() const {
  std::string out;
  base::JsonWriter writer(out);
  write_json(writer, *this);
  return out;
}

std::string DataType::to_duckdb() const {
  if (is_simple(kind_)) return simple_name(kind_).duckdb;
  switch (kind_) {
    case TypeKind::kDecimal:
      return decimal_text("DECIMAL", *this);
    case TypeKind::kArray:
      return element().to_duckdb() + "[]";
    case TypeKind::kMap:
      return "MAP(" + key().to_duckdb() + ", " + value().to_duckdb() + ")";
    default:
      break;
  }
  std::string out = "STRUCT(";
  for (const Field& field : fields_) {
    if (&field != fields_.data()) out += ", ";
    out += quote_duckdb(field.name) + " " + field.type->to_duckdb();
  }
  return out + ")";
}

Field make_field(std::string name, DataType type, bool nullable) {
  return Field{.name = std::move(name),
               .type = std::make_shared<const DataType>(std::move(type)),
               .nullable = nullable};
}

}  // namespace sluice::types
