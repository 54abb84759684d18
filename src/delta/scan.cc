// A snapshot as SQL: its data files by name, partition values from the log, missing columns NULL.
#include <fmt/core.h>

#include <algorithm>

#include "delta/data_files.h"
#include "delta/paths.h"

namespace sluice::delta {
namespace {

// DuckDB takes file names as glob patterns.
std::string escape_glob(std::string_view path) {
  std::string out;
  for (const char c : path) {
    if (c == '*' || c == '?' || c == '[')
      out.append({'[', c, ']'});
    else
      out.push_back(c);
  }
  return out;
}

// No rows, but every column with its type: UNION ALL BY NAME fills what files lack.
std::string empty_sql(const types::DataType& schema) {
  std::string columns;
  for (const auto& field : schema.fields()) {
    columns += fmt::format("{}CAST(NULL AS {}) AS {}", columns.empty() ? "" : ", ",
                           field.type->to_duckdb(), duck::quote_identifier(field.name));
  }
  return fmt::format("SELECT {} WHERE false", columns);
}

std::string casts(const types::DataType& schema) {
  std::string columns;
  for (const auto& field : schema.fields()) {
    const auto name = duck::quote_identifier(field.name);
    columns += fmt::format("{}CAST({} AS {}) AS {}", columns.empty() ? "" : ", ", name,
                           field.type->to_duckdb(), name);
  }
  return columns;
}

bool is_partition_column(const Metadata& metadata, const std::string& name) {
  return std::ranges::find(metadata.partition_columns, name) != metadata.partition_columns.end();
}

// (path, value of each partition column …) of each file, as text.
DeltaResult<std::string> partition_values_sql(const std::string& table_root,
                                              const Snapshot& snapshot) {
  std::string rows;
  for (const auto& file : snapshot.files) {
    const auto path = local_path(file.path);
    if (!path) return std::unexpected(path.error());
    rows += rows.empty() ? "(" : ", (";
    rows += duck::quote_text(base::join_path(table_root, *path));
    for (const auto& column : snapshot.metadata.partition_columns) {
      const auto found = file.partition_values.find(column);
      const bool has_value = found != file.partition_values.end() && found->second &&
                             !found->second->empty();  // the protocol's empty text is NULL
      rows += has_value ? ", " + duck::text_expression(*found->second) : ", CAST(NULL AS VARCHAR)";
    }
    rows += ")";
  }
  return rows;
}

}  // namespace

types::DataType data_schema(const Metadata& metadata) {
  std::vector<types::Field> fields;
  for (const auto& field : metadata.schema.fields())
    if (!is_partition_column(metadata, field.name)) fields.push_back(field);
  return types::DataType::structure(std::move(fields));
}

DeltaResult<std::string> files_sql(const std::string& table_root, std::span<const AddFile> files,
                                   const types::DataType& schema, const std::string& file_column) {
  std::string list;
  for (const auto& file : files) {
    const auto path = local_path(file.path);
    if (!path) return std::unexpected(path.error());
    list += list.empty() ? "" : ", ";
    list += duck::quote_text(escape_glob(base::join_path(table_root, *path)));
  }
  if (list.empty()) return empty_sql(schema);
  const auto file_name = file_column.empty() ? "" : ", filename = " + duck::quote_text(file_column);
  return fmt::format(
      "SELECT {}{} FROM ({} UNION ALL BY NAME SELECT * FROM read_parquet([{}], union_by_name = "
      "true, hive_partitioning = false{}))",
      casts(schema), file_column.empty() ? "" : ", " + duck::quote_identifier(file_column),
      empty_sql(schema), list, file_name);
}

DeltaResult<std::string> scan_sql(const std::string& table_root, const Snapshot& snapshot) {
  const auto& metadata = snapshot.metadata;
  if (metadata.partition_columns.empty() || snapshot.files.empty()) {
    auto sql = files_sql(table_root, snapshot.files, metadata.schema, "");
    if (!sql) return sql;
    return "(" + *sql + ")";
  }
  const std::string file_column = "__sluice_file";
  const auto files = files_sql(table_root, snapshot.files, data_schema(metadata), file_column);
  if (!files) return files;
  const auto values = partition_values_sql(table_root, snapshot);
  if (!values) return values;
  std::string columns;
  std::string names = "sluice_file";
  for (std::size_t i = 0; i < metadata.partition_columns.size(); ++i)
    names += fmt::format(", value{}", i);
  for (const auto& field : metadata.schema.fields()) {
    const auto name = duck::quote_identifier(field.name);
    const auto& partitions = metadata.partition_columns;
    const auto at = std::ranges::find(partitions, field.name) - partitions.begin();
    columns += columns.empty() ? "" : ", ";
    if (at == static_cast<std::ptrdiff_t>(partitions.size()))
      columns += "d." + name;
    else
      columns += fmt::format("CAST(p.value{} AS {}) AS {}", at, field.type->to_duckdb(), name);
  }
  return fmt::format("(SELECT {} FROM ({}) d JOIN (VALUES {}) p({}) ON d.{} = p.sluice_file)",
                     columns, *files, *values, names, file_column);
}

}  // namespace sluice::delta
