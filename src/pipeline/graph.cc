#include "pipeline/graph.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "pipeline/flow_files.h"
#include "pipeline/names.h"

namespace sluice::pipeline {
namespace {

using sparksql::Statement;
using sparksql::StatementKind;
using sparksql::TableName;

// Of the statements that a flow is made of; views that read views multiply.
constexpr std::size_t kFlowBytesMax = std::size_t{4} << 20;

std::string at(const sparksql::Place& place) {
  return fmt::format("{}:{}:{}", place.file, place.line, place.column);
}

std::unexpected<base::Failure<PipelineError>> invalid(const sparksql::Place& place,
                                                      const std::string& message) {
  return base::fail(PipelineError::kInvalidProject, fmt::format("{} ({})", message, at(place)));
}

std::unexpected<base::Failure<PipelineError>> invalid(const sparksql::SqlError& error) {
  return base::fail(PipelineError::kInvalidProject, error.to_string());
}

std::string_view plan_name(StatementKind kind) {
  switch (kind) {
    case StatementKind::kQuery:
      return "Project";
    case StatementKind::kOther:
      return "Command";
    default:
      return "Unknown";
  }
}

std::string_view type_name(GraphDataset::Kind kind) {
  return kind == GraphDataset::Kind::kView ? "PERSISTED_VIEW" : "TABLE";
}

}  // namespace

struct Graph::FileContext {
  sparksql::SessionConf conf;
  std::string catalog;
  std::string schema;
};

PipelineResult<Graph> Graph::make(const ProjectFiles& files) {
  Graph graph;
  auto spec = parse_spec(files.spec, files.spec_path);
  if (!spec) return std::unexpected(spec.error());
  graph.spec_ = *std::move(spec);
  auto paths = library_files(graph.spec_, files.files);
  if (!paths) return std::unexpected(paths.error());
  graph.files_ = *std::move(paths);
  for (const std::string& path : graph.files_)
    if (auto ok = graph.read_file(path, files.files.at(path)); !ok)
      return std::unexpected(ok.error());
  if (graph.datasets_.empty())
    return base::fail(
        PipelineError::kInvalidProject,
        "[RUN_EMPTY_PIPELINE] Pipelines are expected to have at least one non-temporary dataset "
        "defined (tables, persisted views) but no non-temporary datasets were found in your "
        "pipeline. Please verify that you have included the expected source files, and that your "
        "source code includes table definitions (e.g., CREATE MATERIALIZED VIEW in SQL code, "
        "@sdp.table in python code). SQLSTATE: 42617");
  if (auto ok = graph.check_targets(); !ok) return std::unexpected(ok.error());
  if (auto ok = graph.resolve_reads(); !ok) return std::unexpected(ok.error());
  if (auto ok = graph.order_flows(); !ok) return std::unexpected(ok.error());
  return graph;
}

PipelineResult<void> Graph::read_file(const std::string& path, const std::string& text) {
  FileContext context;
  for (const auto& [key, value] : spec_.configuration)
    if (auto ok = context.conf.set(key, value); !ok) {
      ok.error().place.file = "configuration";
      return invalid(ok.error());
    }
  context.catalog = spec_.catalog.value_or(std::string(kDefaultCatalog));
  context.schema = spec_.database.value_or(std::string(kDefaultSchema));
  auto statements = sparksql::parse_statements(text, path);
  if (!statements) return invalid(statements.error());
  for (const Statement& statement : *statements)
    if (auto ok = add_statement(statement, context); !ok) return ok;
  return {};
}

PipelineResult<void> Graph::add_statement(const Statement& statement, FileContext& context) {
  switch (statement.kind) {
    case StatementKind::kCreateStreamingTable:
      return add_dataset(statement, GraphDataset::Kind::kStreamingTable, context);
    case StatementKind::kCreateMaterializedView:
      return add_dataset(statement, GraphDataset::Kind::kMaterializedView, context);
    case StatementKind::kCreateView:
      return add_dataset(statement, GraphDataset::Kind::kView, context);
    case StatementKind::kCreateTemporaryView:
      return add_view(statement);
    case StatementKind::kCreateFlow:
      return add_flow(statement, context);
    case StatementKind::kUseSchema:
      if (statement.name.empty() || statement.name.size() > 2)
        return invalid(statement.place, "USE SCHEMA takes a name of one or two parts");
      context.schema = statement.name.back();
      if (statement.name.size() == 2) context.catalog = statement.name.front();
      return {};
    case StatementKind::kSetCatalog:
      if (statement.name.size() != 1)
        return invalid(statement.place, "SET CATALOG takes a name of one part");
      context.catalog = statement.name.front();
      return {};
    case StatementKind::kSet:
      for (const auto& [key, value] : statement.properties) {
        // As in Spark: how a cast behaves is fixed before SET is seen.
        if (lower_ascii(key) == "spark.sql.ansi.enabled") continue;
        if (auto ok = context.conf.set(key, value); !ok) {
          ok.error().place = statement.place;
          return invalid(ok.error());
        }
      }
      return {};
    case StatementKind::kQuery:
    case StatementKind::kOther:
      break;
  }
  return invalid(statement.place,
                 fmt::format("[PIPELINE_SQL_GRAPH_ELEMENT_REGISTRATION_ERROR] Unsupported plan {} "
                             "parsed from SQL query.\nOffending query:\n{}\nQuery defined at {}:{}",
                             plan_name(statement.kind), statement.text, statement.place.file,
                             statement.place.line));
}

PipelineResult<void> Graph::add_dataset(const Statement& statement, GraphDataset::Kind kind,
                                        const FileContext& context) {
  GraphDataset dataset{kind, full_name(statement.name, context.catalog, context.schema), statement};
  const std::string catalog = spec_.catalog.value_or(std::string(kDefaultCatalog));
  if (!equal_names(dataset.name[0], catalog) && !equal_names(dataset.name[0], kDefaultCatalog))
    return invalid(statement.place,
                   fmt::format("[UNSUPPORTED_BY_SLUICE] {}: there is one catalog here, `{}`.",
                               quoted(dataset.name), catalog));
  const TableName key = name_key(dataset.name);
  if (const auto other = datasets_.find(key); other != datasets_.end())
    return invalid(statement.place,
                   fmt::format("[PIPELINE_DUPLICATE_IDENTIFIERS.OUTPUT] Attempted to register a {} "
                               "with identifier {}, but a {} has already been registered with that "
                               "identifier. Also defined at {}",
                               type_name(kind), quoted(dataset.name), type_name(other->second.kind),
                               at(other->second.statement.place)));
  if (statement.query != nullptr) {
    GraphFlow flow;
    flow.name = dataset.name.back();
    flow.full = flow.target = dataset.name;
    flow.query = statement.query;
    flow.place = statement.place;
    flow.conf = context.conf;
    flow.catalog = context.catalog;
    flow.schema = context.schema;
    flow.sql_hash = statement.text;  // hashed with its views' texts by resolve_reads()
    flows_.push_back(std::move(flow));
  }
  datasets_.emplace(key, std::move(dataset));
  return {};
}

PipelineResult<void> Graph::add_view(const Statement& statement) {
  if (statement.name.size() != 1)
    return invalid(statement.place,
                   fmt::format("[INVALID_TEMP_OBJ_QUALIFIER] Temporary view {} cannot be qualified "
                               "with a catalog or schema.",
                               quoted(statement.name)));
  const std::string key = lower_ascii(statement.name[0]);
  if (const auto other = views_.find(key); other != views_.end() && !statement.or_replace)
    return invalid(
        statement.place,
        fmt::format("[PIPELINE_DUPLICATE_IDENTIFIERS.OUTPUT] Attempted to register a VIEW with "
                    "identifier {}, but a VIEW has already been registered with that identifier. "
                    "Also defined at {}",
                    quoted(statement.name), at(other->second.statement.place)));
  views_[key] = GraphView{statement.name[0], statement, sparksql::reads_stream(*statement.query)};
  return {};
}

PipelineResult<void> Graph::add_flow(const Statement& statement, const FileContext& context) {
  if (statement.name.size() != 1)
    return invalid(statement.place,
                   fmt::format("[MULTIPART_FLOW_NAME_NOT_SUPPORTED] Flow with multi part name '{}' "
                               "is not supported.",
                               dotted(statement.name)));
  if (!statement.by_name)
    return invalid(statement.place, "Only INSERT INTO by name flows supported.");
  GraphFlow flow;
  flow.name = statement.name[0];
  flow.full = full_name(statement.name, context.catalog, context.schema);
  flow.target = full_name(statement.target, context.catalog, context.schema);
  flow.query = statement.query;
  flow.place = statement.place;
  flow.conf = context.conf;
  flow.catalog = context.catalog;
  flow.schema = context.schema;
  flow.sql_hash = statement.text;
  flows_.push_back(std::move(flow));
  return {};
}

const GraphDataset* Graph::find_dataset(const TableName& full) const {
  const auto found = datasets_.find(name_key(full));
  return found == datasets_.end() ? nullptr : &found->second;
}

std::vector<const GraphFlow*> Graph::flows_into(const TableName& full) const {
  std::vector<const GraphFlow*> out;
  for (const GraphFlow& flow : flows_)
    if (name_key(flow.target) == name_key(full)) out.push_back(&flow);
  return out;
}

PipelineResult<void> Graph::check_targets() const {
  std::map<TableName, const GraphFlow*> by_name;  // within its table, where its id comes from
  for (const GraphFlow& flow : flows_) {
    const GraphDataset* target = find_dataset(flow.target);
    if (target == nullptr)
      return invalid(flow.place,
                     fmt::format("Unsupported destination {} in flow: {} at transformDownNodes",
                                 dotted(flow.target), dotted(flow.full)));
    if (target->kind != GraphDataset::Kind::kStreamingTable && flow.full != flow.target)
      return invalid(flow.place, fmt::format("Flow {} writes to {}, which is no streaming table.",
                                             dotted(flow.full), dotted(flow.target)));
    TableName key = name_key(flow.target);
    key.push_back(lower_ascii(flow.name));
    const auto [other, fresh] = by_name.emplace(key, &flow);
    if (!fresh)
      return invalid(flow.place,
                     fmt::format("[PIPELINE_DUPLICATE_IDENTIFIERS.FLOW] Flow {} was "
                                 "found in multiple datasets: {}. Also defined at {}",
                                 quoted(flow.full), dotted(flow.target), at(other->second->place)));
  }
  for (const auto& [key, dataset] : datasets_)
    if (flows_into(dataset.name).empty())
      return invalid(
          dataset.statement.place,
          fmt::format("[PIPELINE_DATASET_WITHOUT_FLOW] Pipeline dataset {} does not have any "
                      "defined flows. Please attach a query with the dataset's definition, or "
                      "explicitly define at least one flow that writes to the dataset.",
                      quoted(dataset.name)));
  return {};
}

// Which datasets each flow reads, through views too; views that read themselves are refused here,
// so that inlining them ends.
PipelineResult<void> Graph::resolve_reads() {
  const auto check_view = [this](const GraphView& view) -> PipelineResult<void> {
    GraphFlow nowhere;
    nowhere.full = {view.name};
    nowhere.catalog = spec_.catalog.value_or(std::string(kDefaultCatalog));
    nowhere.schema = spec_.database.value_or(std::string(kDefaultSchema));
    std::vector<std::string> path = {lower_ascii(view.name)};
    std::string texts;
    return collect_reads(*view.statement.query, nowhere, path, texts);
  };
  for (const auto& [key, view] : views_)
    if (auto ok = check_view(view); !ok) return ok;
  for (GraphFlow& flow : flows_) {
    std::vector<std::string> path;
    std::string texts = flow.sql_hash;
    if (auto ok = collect_reads(*flow.query, flow, path, texts); !ok) return ok;
    flow.sql_hash = text_hash(texts);
  }
  return {};
}

PipelineResult<void> Graph::collect_reads(const sparksql::Query& query, GraphFlow& flow,
                                          std::vector<std::string>& path, std::string& texts) {
  if (texts.size() > kFlowBytesMax)
    return invalid(flow.place,
                   fmt::format("the views below {} are too many to be inlined", dotted(flow.full)));
  for (const TableName& name : sparksql::tables_read(query)) {
    const auto view = name.size() == 1 ? views_.find(lower_ascii(name[0])) : views_.end();
    if (view != views_.end()) {
      if (std::ranges::find(path, view->first) != path.end())
        return invalid(
            view->second.statement.place,
            fmt::format("The downstream table '{0}' is referenced when creating the upstream table "
                        "or view '{1}'. Circular dependencies are not supported in a pipeline. "
                        "Please remove the dependency between '{1}' and '{0}'.",
                        view->second.name, path.back()));
      path.push_back(view->first);
      texts += "\n;\n" + view->second.statement.text;
      auto ok = collect_reads(*view->second.statement.query, flow, path, texts);
      path.pop_back();
      if (!ok) return ok;
      continue;
    }
    const TableName full = full_name(name, flow.catalog, flow.schema);
    if (find_dataset(full) != nullptr) flow.reads.push_back(full);
  }
  return {};
}

// Topological, by tables; a cycle is refused.
PipelineResult<void> Graph::order_flows() {
  std::map<TableName, std::set<TableName>> needs;  // table → tables that its flows read
  for (const GraphFlow& flow : flows_)
    for (const TableName& read : flow.reads)
      needs[name_key(flow.target)].insert(name_key(read));
  std::vector<TableName> order;
  std::set<TableName> done;
  bool progress = true;
  while (progress) {
    progress = false;
    for (const auto& [key, dataset] : datasets_) {
      if (done.contains(key)) continue;
      if (!std::ranges::all_of(needs[key], [&](const TableName& n) { return done.contains(n); }))
        continue;
      done.insert(key);
      order.push_back(key);
      progress = true;
    }
  }
  for (const auto& [key, dataset] : datasets_) {
    if (done.contains(key)) continue;
    for (const TableName& other : needs[key])
      if (!done.contains(other))
        return invalid(
            dataset.statement.place,
            fmt::format("The downstream table '{0}' is referenced when creating the upstream table "
                        "or view '{1}'. Circular dependencies are not supported in a pipeline. "
                        "Please remove the dependency between '{1}' and '{0}'.",
                        dotted(find_dataset(other)->name), dotted(dataset.name)));
  }
  std::ranges::stable_sort(flows_, {}, [&](const GraphFlow& flow) {
    return std::ranges::find(order, name_key(flow.target)) - order.begin();
  });
  return {};
}

std::optional<sparksql::Relation> ProjectCatalog::find(const TableName& name) const {
  if (name.size() == 1) {
    const auto view = graph_.views().find(lower_ascii(name[0]));
    if (view != graph_.views().end()) {
      sparksql::Relation relation;
      relation.kind = sparksql::Relation::Kind::kView;
      relation.streaming = view->second.streaming;
      relation.view = view->second.statement.query;
      relation.view_columns = view->second.statement.columns;
      relation.full_name = {view->second.name};
      return relation;
    }
  }
  return stored_.find(name);
}

std::vector<std::string> ProjectCatalog::names() const {
  std::vector<std::string> out = stored_.names();
  for (const auto& [key, view] : graph_.views())
    out.push_back(view.name);
  for (const auto& [key, dataset] : graph_.datasets())
    out.push_back(dataset.name.back());
  return out;
}

}  // namespace sluice::pipeline
