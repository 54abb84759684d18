// Schema evolution as Spark's pipelines do it: columns are added, never changed or dropped.
#include <fmt/core.h>

#include <algorithm>

#include "delta/delta.h"

namespace sluice::delta {
namespace {

using types::DataType;
using types::TypeKind;

std::string lower(std::string_view text) {
  std::string out(text);
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

DeltaResult<DataType> merge(const DataType& table, const DataType& query, const std::string& path,
                            std::vector<std::string>& added);

// Every field nullable, inside too: old rows have none.
types::Field nullable(const types::Field& field) {
  types::Field out = field;
  out.nullable = true;
  return out;
}

DeltaResult<DataType> merge_structs(const DataType& table, const DataType& query,
                                    const std::string& path, std::vector<std::string>& added) {
  auto fields = table.fields();
  const auto known = fields.size();
  for (const auto& field : query.fields()) {
    const auto same_name = [&](const types::Field& f) {
      return lower(f.name) == lower(field.name);
    };
    const auto found = std::ranges::find_if(fields, same_name);
    const auto full_name = path.empty() ? field.name : path + "." + field.name;
    if (found == fields.end()) {
      fields.push_back(nullable(field));
      added.push_back(full_name);
      continue;
    }
    if (static_cast<std::size_t>(found - fields.begin()) >= known)
      return base::fail(DeltaError::kSchema,
                        fmt::format("[COLUMN_ALREADY_EXISTS] The column `{}` already exists. "
                                    "Choose another name or rename the existing column.",
                                    lower(field.name)));
    auto type = merge(*found->type, *field.type, full_name, added);
    if (!type) return type;
    found->type = std::make_shared<const DataType>(std::move(*type));
  }
  return DataType::structure(std::move(fields));
}

// What the table's type takes without loss of meaning: itself, and a narrower decimal.
bool fits(const DataType& table, const DataType& query) {
  if (query.kind() == TypeKind::kNull) return true;
  if (table.kind() != query.kind()) return false;
  if (table.kind() != TypeKind::kDecimal) return true;
  return table.scale() == query.scale() && table.precision() >= query.precision();
}

DeltaResult<DataType> merge(const DataType& table, const DataType& query, const std::string& path,
                            std::vector<std::string>& added) {
  if (!fits(table, query))
    return base::fail(
        DeltaError::kSchema,
        fmt::format("[CANNOT_MERGE_INCOMPATIBLE_DATA_TYPE] Failed to merge incompatible data types "
                    "\"{}\" and \"{}\". Please check the data types of the columns being merged "
                    "and ensure that they are compatible. If necessary, consider casting the "
                    "columns to compatible data types before attempting the merge. Column: `{}`. "
                    "SQLSTATE: 42825",
                    table.to_sql(), query.to_sql(), path));
  if (query.kind() == TypeKind::kNull) return table;
  switch (table.kind()) {
    case TypeKind::kStruct:
      return merge_structs(table, query, path, added);
    case TypeKind::kArray: {
      auto element = merge(table.element(), query.element(), path + ".element", added);
      if (!element) return element;
      return DataType::array(std::move(*element), table.contains_null());
    }
    case TypeKind::kMap: {
      auto key = merge(table.key(), query.key(), path + ".key", added);
      if (!key) return key;
      auto value = merge(table.value(), query.value(), path + ".value", added);
      if (!value) return value;
      return DataType::map(std::move(*key), std::move(*value), table.contains_null());
    }
    default:
      return table;
  }
}

}  // namespace

DeltaResult<SchemaMerge> merge_schema(const types::DataType& table, const types::DataType& query) {
  SchemaMerge result;
  auto schema = merge(table, query, "", result.added);
  if (!schema) return std::unexpected(schema.error());
  result.schema = std::move(*schema);
  return result;
}

}  // namespace sluice::delta
