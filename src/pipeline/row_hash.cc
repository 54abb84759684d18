#include "pipeline/row_hash.h"

#include <fmt/core.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "base/digest.h"

namespace sluice::pipeline {
namespace {

using types::DataType;
using types::TypeKind;

// One byte in front of every value: a type's tag, or 0 for NULL. Never renumber.
constexpr char kNullTag = 0;

char tag_of(TypeKind kind) {
  switch (kind) {
    case TypeKind::kNull:
      return 1;
    case TypeKind::kBoolean:
      return 2;
    case TypeKind::kByte:
      return 3;
    case TypeKind::kShort:
      return 4;
    case TypeKind::kInt:
      return 5;
    case TypeKind::kLong:
      return 6;
    case TypeKind::kFloat:
      return 7;
    case TypeKind::kDouble:
      return 8;
    case TypeKind::kDecimal:
      return 9;
    case TypeKind::kString:
      return 10;
    case TypeKind::kBinary:
      return 11;
    case TypeKind::kDate:
      return 12;
    case TypeKind::kTimestamp:
      return 13;
    case TypeKind::kTimestampNtz:
      return 14;
    case TypeKind::kArray:
      return 15;
    case TypeKind::kStruct:
      return 16;
    case TypeKind::kMap:
      return 17;
  }
  return 0;
}

template <class T>
void append_little(std::string& out, T value) {
  static_assert(std::endian::native == std::endian::little);
  out.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

template <class T>
T at(duckdb_vector vector, std::uint64_t row) {
  T value;
  std::memcpy(&value, static_cast<const T*>(duckdb_vector_get_data(vector)) + row, sizeof(T));
  return value;
}

bool is_null(duckdb_vector vector, std::uint64_t row) {
  std::uint64_t* validity = duckdb_vector_get_validity(vector);
  return validity != nullptr && !duckdb_validity_row_is_valid(validity, row);
}

template <class T>
void append_real(std::string& out, T value) {
  if (std::isnan(value)) value = std::numeric_limits<T>::quiet_NaN();
  if (value == T{0}) value = T{0};  // −0.0 too
  append_little(out, value);
}

void append_decimal(std::string& out, const DataType& type, duckdb_vector vector,
                    std::uint64_t row) {
  __extension__ using Int128 = __int128;
  Int128 value = 0;
  if (type.precision() <= 4)
    value = at<std::int16_t>(vector, row);
  else if (type.precision() <= 9)
    value = at<std::int32_t>(vector, row);
  else if (type.precision() <= 18)
    value = at<std::int64_t>(vector, row);
  else
    value = at<Int128>(vector, row);
  append_little(out, value);
}

void append_value(std::string& out, const DataType& type, duckdb_vector vector, std::uint64_t row);

void append_nested(std::string& out, const DataType& type, duckdb_vector vector,
                   std::uint64_t row) {
  if (type.kind() == TypeKind::kStruct) {
    for (std::size_t i = 0; i < type.fields().size(); ++i)
      append_value(out, *type.fields()[i].type, duckdb_struct_vector_get_child(vector, i), row);
    return;
  }
  const auto list = at<duckdb_list_entry>(vector, row);
  append_little<std::uint64_t>(out, list.length);
  duckdb_vector child = duckdb_list_vector_get_child(vector);
  for (std::uint64_t i = 0; i < list.length; ++i)
    append_value(out, type.element(), child, list.offset + i);
}

void append_value(std::string& out, const DataType& type, duckdb_vector vector, std::uint64_t row) {
  if (is_null(vector, row)) {
    out.push_back(kNullTag);
    return;
  }
  out.push_back(tag_of(type.kind()));
  switch (type.kind()) {
    case TypeKind::kNull:
      return;
    case TypeKind::kBoolean:
    case TypeKind::kByte:
      return append_little(out, at<std::int8_t>(vector, row));
    case TypeKind::kShort:
      return append_little(out, at<std::int16_t>(vector, row));
    case TypeKind::kInt:
    case TypeKind::kDate:
      return append_little(out, at<std::int32_t>(vector, row));
    case TypeKind::kLong:
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampNtz:
      return append_little(out, at<std::int64_t>(vector, row));
    case TypeKind::kFloat:
      return append_real(out, at<float>(vector, row));
    case TypeKind::kDouble:
      return append_real(out, at<double>(vector, row));
    case TypeKind::kDecimal:
      return append_decimal(out, type, vector, row);
    case TypeKind::kString:
    case TypeKind::kBinary: {
      auto text = at<duckdb_string_t>(vector, row);
      const std::uint32_t length = duckdb_string_t_length(text);
      append_little<std::uint64_t>(out, length);
      out.append(duckdb_string_t_data(&text), length);
      return;
    }
    case TypeKind::kArray:
    case TypeKind::kStruct:
      return append_nested(out, type, vector, row);
    case TypeKind::kMap:
      return;  // make() refuses them
  }
}

bool has_map(const DataType& type) {
  if (type.kind() == TypeKind::kMap) return true;
  if (type.kind() == TypeKind::kArray) return has_map(type.element());
  if (type.kind() != TypeKind::kStruct) return false;
  for (const types::Field& field : type.fields())
    if (has_map(*field.type)) return true;
  return false;
}

}  // namespace

PipelineResult<RowHasher> RowHasher::make(const DataType& row, std::uint64_t seed) {
  for (const types::Field& field : row.fields())
    if (has_map(*field.type))
      return base::fail(
          PipelineError::kInvalidProject,
          fmt::format("[UNSUPPORTED_FEATURE.SET_OPERATION_ON_MAP_TYPE] The feature is not "
                      "supported: Cannot have MAP type columns in DataFrame which calls set "
                      "operations (INTERSECT, EXCEPT, etc.), but the type of column `{}` is "
                      "\"{}\". SQLSTATE: 0A000",
                      field.name, field.type->to_sql()));
  return RowHasher(row, seed);
}

void RowHasher::hash(const duck::Chunk& chunk, std::vector<base::Uint128>& out) {
  const std::size_t columns = row_.fields().size();
  std::vector<duckdb_vector> vectors;
  vectors.reserve(columns);
  for (std::size_t i = 0; i < columns; ++i)
    vectors.push_back(duckdb_data_chunk_get_vector(chunk.raw(), i));
  const std::uint64_t rows = chunk.size();
  for (std::uint64_t row = 0; row < rows; ++row) {
    encoded_.clear();
    for (std::size_t i = 0; i < columns; ++i)
      append_value(encoded_, *row_.fields()[i].type, vectors[i], row);
    out.push_back(base::xxh3_128(encoded_, seed_));
  }
}

}  // namespace sluice::pipeline
