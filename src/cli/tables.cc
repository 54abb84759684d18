// sluice tables: the catalog page on the command line.
#include "cli/tables.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json_writer.h"
#include "cli/arguments.h"
#include "cli/lake_view.h"
#include "cli/text_table.h"

namespace sluice::cli {
namespace {

constexpr std::size_t kSampleRows = 5;
constexpr std::size_t kHistoryMax = 1'000;

void write_details(base::JsonWriter& json, const TableDetails& table) {
  json.field("schema", std::string_view(table.schema_name))
      .field("name", std::string_view(table.name));
  json.field("location", std::string_view(table.root))
      .field("version", table.version)
      .field("files", table.files);
  json.field("bytes", table.bytes)
      .field("rows", table.rows)
      .field("lastUpdatedMs", table.updated_ms);
}

int list(LakeView& lake, const TablesArguments& arguments) {
  auto tables = lake.tables();
  if (!tables) return complain(tables.error());
  std::string text;
  base::JsonWriter json(text);
  json.begin_array();
  std::vector<Row> rows;
  for (const auto& table : *tables) {
    json.begin_object();
    write_details(json, table);
    json.end_object();
    rows.push_back({table.schema_name, table.name,
                    table.rows < 0 ? "unknown rows" : counted(table.rows, "row"),
                    counted(table.files, "file"), human_bytes(table.bytes),
                    std::to_string(table.version), utc_text(table.updated_ms)});
  }
  json.end_array();
  if (arguments.where.json) {
    fmt::print("{}\n", text);
  } else {
    fmt::print("{}", format_table({{"schema"},
                                   {"table"},
                                   {"rows", true},
                                   {"files", true},
                                   {"size", true},
                                   {"version", true},
                                   {"last update"}},
                                  rows, 60));
  }
  return 0;
}

int describe_json(const TableDetails& table, const ResultTable& sample) {
  std::string text;
  base::JsonWriter json(text);
  json.begin_object();
  write_details(json, table);
  json.key("columns").begin_array();
  for (const auto& field : table.schema.fields()) {
    json.begin_object()
        .field("name", std::string_view(field.name))
        .field("type", std::string_view(field.type->to_ddl()));
    json.field("comment", std::string_view(field.comment)).end_object();
  }
  json.end_array().key("sample").begin_array();
  for (const auto& row : sample.rows) {
    json.begin_array();
    for (const auto& cell : row)
      cell ? json.value(std::string_view(*cell)) : json.null();
    json.end_array();
  }
  json.end_array().end_object();
  fmt::print("{}\n", text);
  return 0;
}

int describe(LakeView& lake, const TablesArguments& arguments) {
  auto table = lake.details(arguments.name);
  if (!table) return complain(table.error());
  auto sample = table_sample(lake, *table, kSampleRows);
  if (!sample) return complain(sample.error());
  if (arguments.where.json) return describe_json(*table, *sample);
  fmt::print("{}", format_details(*table, *sample));
  return 0;
}

std::string pairs_text(const std::map<std::string, std::string>& pairs) {
  std::string text;
  for (const auto& [name, value] : pairs)
    text += fmt::format("{}{}={}", text.empty() ? "" : " ", name, value);
  return text;
}

void write_pairs(base::JsonWriter& json, std::string_view name,
                 const std::map<std::string, std::string>& pairs) {
  json.key(name).begin_object();
  for (const auto& [key, value] : pairs)
    json.field(key, std::string_view(value));
  json.end_object();
}

int history(LakeView& lake, const TablesArguments& arguments) {
  auto entries = lake.history(arguments.name, kHistoryMax);
  if (!entries) return complain(entries.error());
  std::string text;
  base::JsonWriter json(text);
  json.begin_array();
  std::vector<Row> rows;
  for (const auto& entry : *entries) {
    json.begin_object().field("version", entry.version()).field("timestampMs", entry.commit_ms);
    json.field("operation", std::string_view(entry.operation))
        .field("engineInfo", std::string_view(entry.engine));
    write_pairs(json, "operationParameters", entry.parameters);
    write_pairs(json, "operationMetrics", entry.metrics);
    json.end_object();
    rows.push_back({std::to_string(entry.version()), utc_text(entry.commit_ms), entry.operation,
                    pairs_text(entry.metrics)});
  }
  json.end_array();
  if (arguments.where.json) {
    fmt::print("{}\n", text);
  } else {
    fmt::print("{}",
               format_table({{"version", true}, {"time"}, {"operation"}, {"metrics"}}, rows, 100));
  }
  return 0;
}

}  // namespace

Outcome<ResultTable> table_sample(LakeView& lake, const TableDetails& table, std::size_t rows) {
  return lake.query(fmt::format("SELECT * FROM {}.{} LIMIT {}", quoted_name(table.schema_name),
                                quoted_name(table.name), rows));
}

std::vector<Row> readable_rows(const ResultTable& table) {
  std::vector<Row> rows;
  for (const Row& row : table.rows)
    rows.push_back(readable_row(table.schema, row));
  return rows;
}

std::string format_details(const TableDetails& table, const ResultTable& sample) {
  std::string text = fmt::format(
      "{}.{}\n  {} in {}, {}; version {}, last updated {}\n  {}\n\n", table.schema_name, table.name,
      table.rows < 0 ? "unknown rows" : counted(table.rows, "row"), counted(table.files, "file"),
      human_bytes(table.bytes), table.version, utc_text(table.updated_ms), table.root);
  std::vector<Row> columns;
  for (const auto& field : table.schema.fields())
    columns.push_back({field.name, field.type->to_ddl()});
  return text + format_table({{"column"}, {"type"}}, columns) + "\n" +
         format_table(sample.columns, readable_rows(sample), 24);
}

int run(const TablesArguments& arguments) {
  auto lake = LakeView::open(arguments.where.data);
  if (!lake) return complain(lake.error());
  switch (arguments.action) {
    case TablesArguments::Action::kList:
      return list(**lake, arguments);
    case TablesArguments::Action::kDescribe:
      return describe(**lake, arguments);
    case TablesArguments::Action::kHistory:
      return history(**lake, arguments);
  }
  return 2;
}

}  // namespace sluice::cli
