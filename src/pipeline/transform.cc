#include "pipeline/transform.h"

#include <fmt/core.h>
#include <simdjson.h>

#include <algorithm>

#include "pipeline/row_hash.h"
#include "sparksql/functions/from_json.h"

namespace sluice::pipeline {
namespace {

struct FreeAppender {
  void operator()(duckdb_appender appender) const { duckdb_appender_destroy(&appender); }
};
using Appender = std::unique_ptr<std::remove_pointer_t<duckdb_appender>, FreeAppender>;

struct FreeSelection {
  void operator()(duckdb_selection_vector selection) const {
    duckdb_destroy_selection_vector(selection);
  }
};
using Selection = std::unique_ptr<std::remove_pointer_t<duckdb_selection_vector>, FreeSelection>;

std::unexpected<base::Failure<PipelineError>> appender_failure(const Appender& appender) {
  duckdb_error_data error = duckdb_appender_error_data(appender.get());
  std::string message = duckdb_error_data_message(error);
  duckdb_destroy_error_data(&error);
  return base::fail(PipelineError::kRetry, "DuckDB: " + message);
}

// A chunk with the rows of `from` that `kept` names.
duck::Chunk select_rows(const duck::Chunk& from, const std::vector<std::uint32_t>& kept,
                        std::uint64_t columns) {
  std::vector<duckdb_logical_type> types;
  for (std::uint64_t i = 0; i < columns; ++i)
    types.push_back(duckdb_vector_get_column_type(duckdb_data_chunk_get_vector(from.raw(), i)));
  duck::Chunk out(duckdb_create_data_chunk(types.data(), columns));
  for (duckdb_logical_type& type : types)
    duckdb_destroy_logical_type(&type);
  const Selection selection(duckdb_create_selection_vector(kept.size()));
  std::copy(kept.begin(), kept.end(), duckdb_selection_vector_get_data_ptr(selection.get()));
  for (std::uint64_t i = 0; i < columns; ++i)
    duckdb_vector_copy_sel(duckdb_data_chunk_get_vector(from.raw(), i),
                           duckdb_data_chunk_get_vector(out.raw(), i), selection.get(), kept.size(),
                           0, 0);
  duckdb_data_chunk_set_size(out.raw(), kept.size());
  return out;
}

// The query's first from_json; nullptr: it parses no JSON.
const sparksql::NativeFunction* json_parser(const sparksql::FlowQuery& query) {
  const auto find = [](const sparksql::LoweredQuery& lowered) {
    const auto found =
        std::ranges::find(lowered.functions, "from_json", &sparksql::NativeFunction::kind);
    return found == lowered.functions.end() ? nullptr : &*found;
  };
  const sparksql::NativeFunction* found =
      query.distinct_input ? find(*query.distinct_input) : nullptr;
  return found != nullptr ? found : find(query.query);
}

std::string create_table_sql(const types::DataType& row) {
  std::string columns;
  for (const types::Field& field : row.fields()) {
    if (!columns.empty()) columns += ", ";
    columns += duck::quote_identifier(field.name) + " " + field.type->to_duckdb();
  }
  return fmt::format("CREATE OR REPLACE TEMP TABLE {} ({})",
                     duck::quote_identifier(sparksql::FlowQuery::kDistinctRelation), columns);
}

}  // namespace

std::unexpected<base::Failure<PipelineError>> engine_failure(
    const base::Failure<duck::DuckError>& failure) {
  switch (failure.code) {
    case duck::DuckError::kInvalidInput:
      return base::fail(PipelineError::kStopped,
                        sparksql::execution_error(failure.message, {}).to_string());
    case duck::DuckError::kInternal:
      return base::fail(PipelineError::kStopped, "internal error: " + failure.message);
    case duck::DuckError::kOutOfMemory:
    case duck::DuckError::kInterrupted:
    case duck::DuckError::kIo:
      break;
  }
  return base::fail(PipelineError::kRetry, failure.message);
}

PipelineResult<void> Transform::add_source(const sparksql::StreamSource& source,
                                           std::vector<std::vector<SourceRecord>> records) {
  std::vector<duck::SourceRecord>& views = views_.emplace_back();
  for (std::vector<SourceRecord>& part : records) {
    const std::vector<SourceRecord>& kept = records_.emplace_back(std::move(part));
    input_records_ += kept.size();
    for (const SourceRecord& record : kept)
      views.push_back({record.partition_key, record.data, record.stream, record.shard_id,
                       record.sequence_number, record.arrival_ms * 1000});
  }
  auto relation =
      duck::BatchRelation::create(engine_, source.duckdb_relation, duck::make_record_source(views));
  if (!relation) return engine_failure(relation.error());
  relations_.push_back(*std::move(relation));
  return {};
}

Transform::Malformed Transform::malformed(const sparksql::FlowQuery& query) const {
  constexpr std::size_t kSampleBytes = 200;
  Malformed out;
  const sparksql::NativeFunction* parser = json_parser(query);
  if (parser == nullptr) return out;
  // Spark takes more than strict JSON: what simdjson refuses is asked of Spark's own reading.
  auto decoder = sparksql::JsonDecoder::make(parser->type, parser->options);
  if (!decoder) return out;
  simdjson::dom::parser strict;
  sparksql::Arena arena;
  for (const std::vector<SourceRecord>& part : records_)
    for (const SourceRecord& record : part) {
      if (strict.parse(record.data).error() == simdjson::SUCCESS) continue;
      arena.reset();
      sparksql::JsonValue value;
      if (decoder->decode(record.data, arena, value) == sparksql::JsonDecoder::Outcome::kGood)
        continue;
      ++out.records;
      if (out.sample.empty()) out.sample = record.data.substr(0, kSampleBytes);
    }
  return out;
}

PipelineResult<void> Transform::keep_distinct(const sparksql::LoweredQuery& distinct_input,
                                              std::uint64_t seed, DedupState& state) {
  auto hasher = RowHasher::make(distinct_input.schema, seed);
  if (!hasher) return std::unexpected(hasher.error());
  if (auto ok = engine_.execute(create_table_sql(distinct_input.schema)); !ok)
    return engine_failure(ok.error());
  auto rows = engine_.query(distinct_input.duckdb_sql);
  if (!rows) return engine_failure(rows.error());
  duckdb_appender made = nullptr;
  const std::string table(sparksql::FlowQuery::kDistinctRelation);
  const auto created =
      duckdb_appender_create_ext(engine_.raw(), "temp", "main", table.c_str(), &made);
  const Appender appender(made);
  if (created == DuckDBError) return appender_failure(appender);
  std::vector<base::Uint128> keys;
  std::vector<std::uint32_t> kept;
  while (true) {
    auto chunk = rows->next();
    if (!chunk) return engine_failure(chunk.error());
    if (!*chunk) break;
    keys.clear();
    kept.clear();
    hasher->hash(**chunk, keys);
    for (std::uint32_t row = 0; row < keys.size(); ++row) {
      auto is_new = state.add_new(keys[row]);
      if (!is_new) return std::unexpected(is_new.error());
      if (*is_new) kept.push_back(row);
    }
    if (kept.empty()) continue;
    const bool all = kept.size() == keys.size();
    const duck::Chunk picked =
        all ? std::move(**chunk) : select_rows(**chunk, kept, rows->column_count());
    if (duckdb_append_data_chunk(appender.get(), picked.raw()) == DuckDBError)
      return appender_failure(appender);
  }
  if (duckdb_appender_close(appender.get()) == DuckDBError) return appender_failure(appender);
  return {};
}

}  // namespace sluice::pipeline
