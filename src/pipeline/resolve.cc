// From graph to runnable flows: each query typed and lowered, each table's schema made of its flows
// and checked against its declaration.
#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "pipeline/kinesis_source.h"
#include "pipeline/names.h"
#include "pipeline/runner.h"

namespace sluice::pipeline {
namespace {

std::unexpected<base::Failure<PipelineError>> invalid(const std::string& message) {
  return base::fail(PipelineError::kInvalidProject, message);
}

std::string placed(const std::string& message, const sparksql::Place& place) {
  return fmt::format("{} ({}:{}:{})", message, place.file, place.line, place.column);
}

PipelineResult<sparksql::FlowQuery> lower(const Graph& graph, const Lake& lake,
                                          const GraphFlow& flow, std::int64_t batch_time_ms) {
  const LakeCatalog stored(lake, flow.catalog, flow.schema);
  const ProjectCatalog catalog(graph, stored);
  sparksql::SessionConf conf = flow.conf;
  conf.now_us = batch_time_ms * 1000;
  auto query = sparksql::lower_flow(flow.query, catalog, conf);
  if (query) return *std::move(query);
  if (!stored.error().empty()) return invalid(stored.error());
  return invalid(query.error().to_string());
}

PipelineResult<void> check_reads(const Graph& graph, const GraphFlow& flow) {
  if (flow.reads.empty()) return {};
  return invalid(placed(
      fmt::format("[UNSUPPORTED_BY_SLUICE] Flow {} reads {}, a dataset of this project: reading "
                  "the project's own tables is not there yet. Read the source itself.",
                  dotted(flow.full), dotted(graph.find_dataset(flow.reads[0])->name)),
      flow.place));
}

PipelineResult<void> check_sources(const GraphFlow& flow, const sparksql::FlowQuery& query) {
  if (query.sources.empty())
    return invalid(placed(
        fmt::format("[INVALID_FLOW_QUERY_TYPE.BATCH_RELATION_FOR_STREAMING_TABLE] Flow {} returns "
                    "an invalid relation type. Streaming tables may only be defined by streaming "
                    "relations, but the flow {} attempts to write a batch relation to the "
                    "streaming table {}.",
                    quoted(flow.full), quoted(flow.full), quoted(flow.target)),
        flow.place));
  std::set<std::string> streams;
  for (const sparksql::StreamSource& source : query.sources) {
    if (source.kind != sparksql::StreamSource::Kind::kKinesis)
      return invalid(placed(
          fmt::format("[UNSUPPORTED_BY_SLUICE] STREAM {}: a stored table is not read as a stream "
                      "yet.",
                      dotted(source.table)),
          source.place));
    auto options = kinesis_options(source.options);
    if (!options) return invalid(placed(options.error().message, source.place));
    if (!streams.insert(options->stream.arn()).second)
      return invalid(placed(fmt::format("[UNSUPPORTED_BY_SLUICE] Flow {} reads stream {} twice; "
                                        "write it as two flows.",
                                        dotted(flow.full), options->stream.name),
                            source.place));
  }
  return {};
}

types::DataType nullable(const types::DataType& schema) {
  std::vector<types::Field> fields = schema.fields();
  for (types::Field& field : fields)
    field.nullable = true;
  return types::DataType::structure(std::move(fields));
}

// The table's schema: that of its flows by name, or the declared one where there is one.
PipelineResult<types::DataType> table_schema(const GraphDataset& dataset,
                                             const types::DataType& inferred) {
  const auto& declared = dataset.statement.columns;
  if (declared.empty()) return inferred;
  std::vector<types::Field> fields;
  for (const sparksql::ColumnDefinition& column : declared) {
    if (!column.type)
      return invalid(placed("the columns of a table need types", dataset.statement.place));
    if (column.not_null)
      return invalid(placed(fmt::format("[UNSUPPORTED_BY_SLUICE] {}: NOT NULL of column `{}` is "
                                        "not kept yet.",
                                        dotted(dataset.name), column.name),
                            dataset.statement.place));
    fields.push_back(types::make_field(column.name, *column.type));
    fields.back().comment = column.comment;
  }
  types::DataType schema = types::DataType::structure(std::move(fields));
  for (const types::Field& field : inferred.fields()) {
    const auto found = std::ranges::find_if(
        schema.fields(), [&](const types::Field& f) { return equal_names(f.name, field.name); });
    if (found == schema.fields().end() || !found->type->same_as(*field.type))
      return invalid(placed(
          fmt::format("[USER_SPECIFIED_AND_INFERRED_SCHEMA_NOT_COMPATIBLE] Table '{}' has a "
                      "user-specified schema that is incompatible with the schema inferred from "
                      "its query.\nDeclared schema: {}\nInferred schema: {}",
                      dotted(dataset.name), schema.to_sql(), inferred.to_sql()),
          dataset.statement.place));
  }
  return schema;
}

PipelineResult<TableDefinition> define_table(const GraphDataset& dataset, const Lake& lake,
                                             const types::DataType& inferred) {
  auto schema = table_schema(dataset, inferred);
  if (!schema) return std::unexpected(schema.error());
  TableDefinition table;
  table.root = lake.table_root(dataset.name[1], dataset.name[2]);
  table.name = dotted(dataset.name);
  table.schema = *std::move(schema);
  table.comment = dataset.statement.comment;
  table.properties = dataset.statement.properties;
  for (const std::string& column : dataset.statement.partitioned_by) {
    const auto found = std::ranges::find_if(
        table.schema.fields(), [&](const types::Field& f) { return equal_names(f.name, column); });
    if (found == table.schema.fields().end())
      return invalid(
          placed(fmt::format("PARTITIONED BY: column `{}` is not in table {}", column, table.name),
                 dataset.statement.place));
    table.partitioned_by.push_back(found->name);
  }
  return table;
}

// What one look at all flows gathers.
class Resolver {
 public:
  Resolver(std::shared_ptr<const Graph> graph, std::shared_ptr<const Lake> lake)
      : graph_(std::move(graph)), lake_(std::move(lake)) {}

  PipelineResult<std::vector<ResolvedFlow>> resolve() {
    for (const GraphFlow& flow : graph_->flows())
      if (auto ok = resolve_flow(flow); !ok) failed(flow.full, ok.error().message);
    for (const auto& [key, dataset] : graph_->datasets())
      if (!broken_.contains(key))
        if (auto ok = resolve_table(key, dataset); !ok) failed(dataset.name, ok.error().message);
    if (errors_.empty()) return std::move(flows_);
    return invalid(fmt::format(
        "{}Failed to resolve flows in the pipeline.\n\nA flow can fail to resolve because the flow "
        "itself contains errors or because it reads from an upstream flow which failed to "
        "resolve.\n\nFlows with errors: {}",
        errors_, names_));
  }

 private:
  void failed(const sparksql::TableName& flow, const std::string& message) {
    errors_ += fmt::format("Failed to resolve flow: '{}'.\nError: {}\n", dotted(flow), message);
    names_ += (names_.empty() ? "" : ", ") + dotted(flow);
  }

  PipelineResult<void> resolve_flow(const GraphFlow& flow) {
    broken_.insert(name_key(flow.target));  // until it went well
    const GraphDataset& dataset = *graph_->find_dataset(flow.target);
    if (dataset.kind != GraphDataset::Kind::kStreamingTable)
      return invalid(placed(
          fmt::format(
              "[UNSUPPORTED_BY_SLUICE] {}: {} are not computed yet.", dotted(dataset.name),
              dataset.kind == GraphDataset::Kind::kView ? "stored views" : "materialized views"),
          flow.place));
    if (auto ok = check_reads(*graph_, flow); !ok) return ok;
    const auto lower_flow = [graph = graph_, lake = lake_, at = &flow](std::int64_t batch_time_ms) {
      return lower(*graph, *lake, *at, batch_time_ms);
    };
    auto query = lower_flow(0);
    if (!query) return std::unexpected(query.error());
    if (auto ok = check_sources(flow, *query); !ok) return ok;
    ResolvedFlow resolved;
    resolved.name = dotted(flow.full);
    resolved.definition.name = flow.name;
    resolved.definition.sql_hash = flow.sql_hash;
    resolved.definition.lower = lower_flow;
    resolved.sources = query->sources;
    const sparksql::TableName key = name_key(flow.target);
    const types::DataType schema = nullable(query->query.schema);
    const auto [known, fresh] = schemas_.emplace(key, schema);
    if (!fresh) {
      auto merged = delta::merge_schema(known->second, schema);
      if (!merged) return invalid(placed(merged.error().message, flow.place));
      known->second = merged->schema;
    }
    tables_.push_back(key);
    flows_.push_back(std::move(resolved));
    broken_.erase(key);
    return {};
  }

  PipelineResult<void> resolve_table(const sparksql::TableName& key, const GraphDataset& dataset) {
    const auto schema = schemas_.find(key);
    if (schema == schemas_.end()) return {};  // its flows' errors are known
    auto table = define_table(dataset, *lake_, schema->second);
    if (!table) return std::unexpected(table.error());
    for (std::size_t i = 0; i < flows_.size(); ++i)
      if (tables_[i] == key) flows_[i].definition.table = *table;
    return {};
  }

  std::shared_ptr<const Graph> graph_;
  std::shared_ptr<const Lake> lake_;
  std::vector<ResolvedFlow> flows_;
  std::vector<sparksql::TableName> tables_;  // of each flow
  std::map<sparksql::TableName, types::DataType> schemas_;
  std::set<sparksql::TableName> broken_;
  std::string errors_;
  std::string names_;
};

}  // namespace

PipelineResult<std::vector<ResolvedFlow>> resolve(const std::shared_ptr<const Graph>& graph,
                                                  const std::shared_ptr<const Lake>& lake) {
  return Resolver(graph, lake).resolve();
}

}  // namespace sluice::pipeline
