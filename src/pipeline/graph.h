// A project's files as a graph of datasets and flows, checked as Spark checks it and refused with
// its classes and words. Immutable once made; reads nothing but the files it was given.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/pipeline.h"
#include "pipeline/spec.h"
#include "sparksql/sparksql.h"

namespace sluice::pipeline {

struct GraphView {  // CREATE TEMPORARY VIEW: inlined into its readers
  std::string name;
  sparksql::Statement statement;
  bool streaming = false;
};

struct GraphDataset {
  enum class Kind { kStreamingTable, kMaterializedView, kView };
  Kind kind = Kind::kStreamingTable;
  sparksql::TableName name;  // three parts
  sparksql::Statement statement;
};

struct GraphFlow {
  std::string name;            // of one part: the table's own for its AS query
  sparksql::TableName full;    // three parts, as log lines have it
  sparksql::TableName target;  // three parts
  sparksql::QueryRef query;
  sparksql::Place place;
  sparksql::SessionConf conf;
  std::string catalog;  // what unqualified names mean here
  std::string schema;
  std::string sql_hash;                    // of the flow's statement and of every view it reads
  std::vector<sparksql::TableName> reads;  // the project's datasets that it reads, three parts
};

class Graph {
 public:
  // Parses and checks everything that needs no table. kInvalidProject with Spark's words.
  static PipelineResult<Graph> make(const ProjectFiles& files);

  const Spec& spec() const { return spec_; }
  // By key (names.h); in order of name.
  const std::map<sparksql::TableName, GraphDataset>& datasets() const { return datasets_; }
  const std::vector<GraphFlow>& flows() const { return flows_; }  // readers after what they read
  const std::map<std::string, GraphView>& views() const { return views_; }  // by lower-case name
  const GraphDataset* find_dataset(const sparksql::TableName& full) const;
  std::vector<const GraphFlow*> flows_into(const sparksql::TableName& full) const;
  const std::vector<std::string>& registered_files() const { return files_; }

 private:
  struct FileContext;
  PipelineResult<void> read_file(const std::string& path, const std::string& text);
  PipelineResult<void> add_statement(const sparksql::Statement& statement, FileContext& context);
  PipelineResult<void> add_dataset(const sparksql::Statement& statement, GraphDataset::Kind kind,
                                   const FileContext& context);
  PipelineResult<void> add_view(const sparksql::Statement& statement);
  PipelineResult<void> add_flow(const sparksql::Statement& statement, const FileContext& context);
  PipelineResult<void> check_targets() const;
  PipelineResult<void> resolve_reads();
  PipelineResult<void> collect_reads(const sparksql::Query& query, GraphFlow& flow,
                                     std::vector<std::string>& path, std::string& texts);
  PipelineResult<void> order_flows();

  Spec spec_;
  std::vector<std::string> files_;
  std::map<sparksql::TableName, GraphDataset> datasets_;
  std::map<std::string, GraphView> views_;
  std::vector<GraphFlow> flows_;
};

// What a flow's query sees: the project's views, then stored tables. `stored` answers for the
// latter.
class ProjectCatalog final : public sparksql::Catalog {
 public:
  ProjectCatalog(const Graph& graph, const sparksql::Catalog& stored)
      : graph_(graph), stored_(stored) {}
  std::optional<sparksql::Relation> find(const sparksql::TableName& name) const override;
  std::vector<std::string> names() const override;

 private:
  const Graph& graph_;
  const sparksql::Catalog& stored_;
};

}  // namespace sluice::pipeline
