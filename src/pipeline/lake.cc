#include "pipeline/lake.h"

#include <fmt/core.h>

#include "pipeline/names.h"

namespace sluice::pipeline {

std::string Lake::table_root(const std::string& schema, const std::string& table) const {
  return base::join_path(base::join_path(root_, encode_name(schema)), encode_name(table));
}

PipelineResult<std::vector<LakeTable>> Lake::list() const {
  std::vector<LakeTable> out;
  auto schemas = env_.list(root_);
  if (!schemas && schemas.error().code == base::IoError::kNotFound) return out;
  if (!schemas) return base::fail(PipelineError::kRetry, schemas.error().message);
  for (const std::string& schema : *schemas) {
    const std::string folder = base::join_path(root_, schema);
    auto tables = env_.list(folder);
    if (!tables) continue;  // not a folder
    for (const std::string& table : *tables) {
      const std::string root = base::join_path(folder, table);
      if (env_.stat(base::join_path(root, "_delta_log")))
        out.push_back({decode_name(schema), decode_name(table), root});
    }
  }
  return out;
}

std::optional<LakeTable> Lake::find(const sparksql::TableName& name, const std::string& catalog,
                                    const std::string& schema) const {
  if (name.empty() || name.size() > 3) return std::nullopt;
  const sparksql::TableName full = full_name(name, catalog, schema);
  if (!equal_names(full[0], catalog) && !equal_names(full[0], kDefaultCatalog)) return std::nullopt;
  if (full[1].empty() || full[2].empty()) return std::nullopt;
  LakeTable table{lower_ascii(full[1]), lower_ascii(full[2]), table_root(full[1], full[2])};
  if (!env_.stat(base::join_path(table.root, "_delta_log"))) return std::nullopt;
  return table;
}

PipelineResult<delta::Table> Lake::open(const LakeTable& table) const {
  auto opened = delta::Table::open(env_, clock_, table.root);
  if (opened) return *std::move(opened);
  return base::fail(opened.error().code == delta::DeltaError::kIo ? PipelineError::kRetry
                                                                  : PipelineError::kStopped,
                    fmt::format("{}.{}: {}", table.schema, table.name, opened.error().message));
}

std::optional<sparksql::Relation> LakeCatalog::find(const sparksql::TableName& name) const {
  const auto table = lake_.find(name, catalog_, schema_);
  if (!table) return std::nullopt;
  if (const auto known = found_.find(table->root); known != found_.end()) return known->second;
  const auto failed = [this](const std::string& message) {
    error_ = message;
    return std::nullopt;
  };
  auto opened = lake_.open(*table);
  if (!opened) return failed(opened.error().message);
  auto snapshot = opened->refresh();
  if (!snapshot) return failed(snapshot.error().message);
  auto scan = delta::scan_sql(table->root, **snapshot);
  if (!scan) return failed(scan.error().message);
  sparksql::Relation relation;
  relation.kind = sparksql::Relation::Kind::kTable;
  relation.streaming = true;  // a Delta table may be read either way
  relation.schema = (*snapshot)->metadata.schema;
  relation.duckdb_relation = *scan;
  relation.full_name = {catalog_, table->schema, table->name};
  return found_.emplace(table->root, std::move(relation)).first->second;
}

std::vector<std::string> LakeCatalog::names() const {
  std::vector<std::string> out;
  const auto tables = lake_.list();
  if (!tables) return out;
  for (const LakeTable& table : *tables)
    out.push_back(equal_names(table.schema, schema_) ? table.name
                                                     : table.schema + "." + table.name);
  return out;
}

}  // namespace sluice::pipeline
