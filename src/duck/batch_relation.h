// Rows in memory as a relation: a batch that C++ holds is read by SQL without being copied into a
// table. Several threads take chunks of it; only the columns that a query needs are filled.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "duck/duck.h"
#include "duck/scalar_function.h"

namespace sluice::duck {

// What a relation reads. Const and safe from several threads.
class BatchSource {
 public:
  struct Column {
    std::string name;
    LogicalType type;
  };
  virtual ~BatchSource() = default;
  virtual const std::vector<Column>& columns() const = 0;
  virtual std::uint64_t row_count() const = 0;
  // Fills rows [first, first + count) of column `column` into rows 0… of the writer. Text may be
  // set in place: the source lives until every query that reads it has ended. An error message ends
  // the query; empty: fine.
  virtual std::string fill(std::uint64_t column, std::uint64_t first, std::uint64_t count,
                           Writer& writer) const = 0;
};

// A name, known to one connection, behind which a source's rows stand (a temporary view).
class BatchRelation {
 public:
  // `name` is one identifier, `__source0`. An equal name of the connection is replaced.
  static DuckResult<BatchRelation> create(Connection& connection, const std::string& name,
                                          std::shared_ptr<const BatchSource> source);
  BatchRelation(BatchRelation&& other) noexcept;
  BatchRelation& operator=(BatchRelation&& other) noexcept;
  // Queries that start later find no rows' owner and fail; the view itself stays until it is
  // replaced.
  ~BatchRelation();
  // Another source with the same columns, for queries that start later.
  void set(std::shared_ptr<const BatchSource> source);

 private:
  BatchRelation(std::shared_ptr<DatabaseState> state, std::int64_t id)
      : state_(std::move(state)), id_(id) {}
  std::shared_ptr<DatabaseState> state_;
  std::int64_t id_ = 0;
};

// A record of a stream, as `read_kinesis` shows it.
struct SourceRecord {
  std::string_view partition_key;
  std::string_view data;
  std::string_view stream;
  std::string_view shard_id;
  std::string_view sequence_number;
  std::int64_t arrival_us = 0;  // µs since 1970, UTC
};

// partitionKey VARCHAR, data BLOB, stream VARCHAR, shardId VARCHAR, sequenceNumber VARCHAR,
// approximateArrivalTimestamp TIMESTAMPTZ; nothing is copied, so what the views point at and the
// records must outlive every query that reads them.
std::shared_ptr<const BatchSource> make_record_source(std::span<const SourceRecord> records);

}  // namespace sluice::duck
