// The tables of a data folder: Delta tables below <data>/lake/<schema>/<table>, found by name. What
// `sluice sql` and `sluice tables` read with, and what a project's queries see besides the project.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/env.h"
#include "delta/delta.h"
#include "pipeline/pipeline.h"
#include "sparksql/sparksql.h"

namespace sluice::pipeline {

struct LakeTable {
  std::string schema;
  std::string name;
  std::string root;  // folder
};

// Stateless and thread-safe: every question looks at the disk.
class Lake {
 public:
  // `root` is <data>/lake; it need not exist.
  Lake(base::Env& env, base::Clock& clock, std::string root)
      : env_(env), clock_(clock), root_(std::move(root)) {}

  const std::string& root() const { return root_; }
  std::string table_root(const std::string& schema, const std::string& table) const;
  // By schema, then name.
  PipelineResult<std::vector<LakeTable>> list() const;
  // `name` of one to three parts, without regard to case. nullopt: there is no such table.
  std::optional<LakeTable> find(const sparksql::TableName& name,
                                const std::string& catalog = "spark_catalog",
                                const std::string& schema = "default") const;
  PipelineResult<delta::Table> open(const LakeTable& table) const;

 private:
  base::Env& env_;
  base::Clock& clock_;
  std::string root_;
};

// Stored tables as relations, each at one snapshot for the catalog's life: all statements of a
// query see the same rows. One thread at a time.
class LakeCatalog final : public sparksql::Catalog {
 public:
  explicit LakeCatalog(const Lake& lake, std::string catalog = "spark_catalog",
                       std::string schema = "default")
      : lake_(lake), catalog_(std::move(catalog)), schema_(std::move(schema)) {}

  std::optional<sparksql::Relation> find(const sparksql::TableName& name) const override;
  std::vector<std::string> names() const override;
  // Why a table that is there could not be opened, when find() gave nothing; empty: no such case.
  const std::string& error() const { return error_; }
  // Some table was found: what was lowered is of this moment.
  bool used() const { return !found_.empty(); }

 private:
  const Lake& lake_;
  const std::string catalog_;
  const std::string schema_;
  mutable std::map<std::string, sparksql::Relation> found_;  // by folder
  mutable std::string error_;
};

}  // namespace sluice::pipeline
