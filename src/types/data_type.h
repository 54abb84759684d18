// Spark's data types: the one model that Spark SQL, the JSON decoder and Delta schemas share. A
// value type, compared by structure. Prints itself as Spark does: DDL text (`struct<a:int>`),
// schema JSON (Delta's schemaString), DuckDB's type.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sluice::types {

enum class TypeKind {
  kNull,  // the type of a bare NULL ("void")
  kBoolean,
  kByte,
  kShort,
  kInt,
  kLong,
  kFloat,
  kDouble,
  kDecimal,
  kString,
  kBinary,
  kDate,
  kTimestamp,     // instant, microseconds UTC; DuckDB TIMESTAMPTZ, Parquet isAdjustedToUTC
  kTimestampNtz,  // wall-clock; DuckDB TIMESTAMP
  kArray,
  kMap,
  kStruct,
};

class DataType;

struct Field {
  std::string name;
  // Owned; never null. shared_ptr: types are immutable and copied often.
  std::shared_ptr<const DataType> type;
  bool nullable = true;
  std::string comment = {};  // empty: none
  // Whatever else the schema JSON keeps in a field's metadata: key → JSON text of its value.
  std::map<std::string, std::string> metadata = {};
};

class DataType {
 public:
  DataType() = default;  // kNull
  static DataType of(TypeKind simple) { return DataType(simple); }
  // 1 ≤ precision ≤ 38, 0 ≤ scale ≤ precision; the parser checks, this asserts.
  static DataType decimal(int precision, int scale);
  static DataType array(DataType element, bool contains_null = true);
  static DataType map(DataType key, DataType value, bool value_contains_null = true);
  static DataType structure(std::vector<Field> fields);

  TypeKind kind() const { return kind_; }
  int precision() const { return precision_; }
  int scale() const { return scale_; }
  const DataType& element() const { return *fields_[0].type; }    // of an array
  const DataType& key() const { return *fields_[0].type; }        // of a map
  const DataType& value() const { return *fields_[1].type; }      // of a map
  const std::vector<Field>& fields() const { return fields_; }    // of a struct
  bool contains_null() const { return fields_.back().nullable; }  // of an array or a map's values

  bool is_integral() const { return kind_ >= TypeKind::kByte && kind_ <= TypeKind::kLong; }
  bool is_numeric() const { return kind_ >= TypeKind::kByte && kind_ <= TypeKind::kDecimal; }

  // Same type, nullability and comments aside.
  bool same_as(const DataType& other) const;

  std::string to_ddl()
      const;  // int, decimal(10,2), array<int>, struct<a:int,b:string> (Spark's catalogString)
  std::string to_sql()
      const;  // INT, DECIMAL(10,2), ARRAY<INT>, STRUCT<a: INT> (Spark's sql text, for messages)
  std::string to_json() const;    // Delta schemaString and its parts
  std::string to_duckdb() const;  // INTEGER, DECIMAL(10,2), INTEGER[], STRUCT("a" INTEGER)

 private:
  explicit DataType(TypeKind kind) : kind_(kind) {}

  TypeKind kind_ = TypeKind::kNull;
  int precision_ = 0;
  int scale_ = 0;
  std::vector<Field> fields_;  // array: element; map: key, value; struct: its fields
};

Field make_field(std::string name, DataType type, bool nullable = true);

enum class SchemaError {
  kInvalid,  // not a schema; the message says where
};

// Delta's schemaString.
base::Result<DataType, SchemaError> parse_schema_json(std::string_view json);

}  // namespace sluice::types
