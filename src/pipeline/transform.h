// Runs one batch on DuckDB: records → `__source<i>` → rows under DISTINCT, of which only the never
// seen ones go on → the query that the sink writes. Made anew for each batch, on the flow's own
// connection; what it puts behind names lives as long as it does.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "duck/batch_relation.h"
#include "duck/duck.h"
#include "pipeline/dedup_state.h"
#include "pipeline/pipeline.h"
#include "sparksql/sparksql.h"

namespace sluice::pipeline {

class Transform {
 public:
  explicit Transform(duck::Connection& engine) : engine_(engine) {}

  // The records that `source` of the query reads, in order; one call for each source.
  PipelineResult<void> add_source(const sparksql::StreamSource& source,
                                  std::vector<std::vector<SourceRecord>> records);
  // After all sources: leaves rows never seen before behind kDistinctRelation; their keys are the
  // batch's in `state`. Only for a query with `distinct_input`.
  PipelineResult<void> keep_distinct(const sparksql::LoweredQuery& distinct_input,
                                     std::uint64_t seed, DedupState& state);

  std::uint64_t input_records() const { return input_records_; }

  // Records whose data is no JSON, for a query that parses JSON; for people to look at. After
  // add_source().
  struct Malformed {
    std::uint64_t records = 0;
    std::string sample;  // the beginning of one
  };
  Malformed malformed(const sparksql::FlowQuery& query) const;

 private:
  duck::Connection& engine_;
  std::uint64_t input_records_ = 0;
  // Addresses in here are stable: the relations point at them.
  std::deque<std::vector<SourceRecord>> records_;
  std::deque<std::vector<duck::SourceRecord>> views_;
  std::vector<duck::BatchRelation> relations_;
};

// What DuckDB said, as Spark would say it, with a code for the runner.
std::unexpected<base::Failure<PipelineError>> engine_failure(
    const base::Failure<duck::DuckError>& failure);

}  // namespace sluice::pipeline
