// The 16-byte identity of a typed row, as SELECT DISTINCT understands "same row": NULL equals NULL,
// NaN equals NaN, -0.0 equals 0.0. Encoding of a row: docs/formats/flow.md. Columns and nested
// values come straight from DuckDB's vectors.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/uint128.h"
#include "duck/duck.h"
#include "pipeline/pipeline.h"
#include "types/data_type.h"

namespace sluice::pipeline {

class RowHasher {
 public:
  // kInvalidProject: a column's type cannot be compared (a map).
  static PipelineResult<RowHasher> make(const types::DataType& row, std::uint64_t seed);
  // Appends one key for each row of the chunk, in order.
  void hash(const duck::Chunk& chunk, std::vector<base::Uint128>& out);

 private:
  RowHasher(types::DataType row, std::uint64_t seed) : row_(std::move(row)), seed_(seed) {}
  types::DataType row_;
  std::uint64_t seed_;
  std::string encoded_;  // kept to spare allocations
};

}  // namespace sluice::pipeline
