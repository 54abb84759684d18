// One table function per database, __sluice_batch(id), finds its source by id; a relation is a
// temporary view over it, so that two connections may use one name for two batches.
#include "duck/batch_relation.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <utility>

#include "duck/state.h"

namespace sluice::duck {
namespace {

constexpr std::uint64_t kMaxThreads = 64;

struct BindData {
  std::shared_ptr<const BatchSource> source;
};

struct ScanState {
  std::vector<std::uint64_t> columns;  // of the source, in the order DuckDB wants them
  std::atomic<std::uint64_t> next_row = 0;
};

template <class T>
void destroy(void* object) {
  delete static_cast<T*>(object);
}

void bind_batch(duckdb_bind_info info) {
  const auto& state =
      *static_cast<std::shared_ptr<DatabaseState>*>(duckdb_bind_get_extra_info(info));
  duckdb_value value = duckdb_bind_get_parameter(info, 0);
  const std::int64_t id = duckdb_get_int64(value);
  duckdb_destroy_value(&value);
  std::shared_ptr<const BatchSource> source;
  {
    const std::lock_guard lock(state->mutex);
    const auto found = state->batches.find(id);
    if (found != state->batches.end()) source = found->second;
  }
  if (source == nullptr) {
    duckdb_bind_set_error(info, "the batch behind this relation is gone");
    return;
  }
  for (const BatchSource::Column& column : source->columns())
    duckdb_bind_add_result_column(info, column.name.c_str(), column.type.raw());
  duckdb_bind_set_cardinality(info, source->row_count(), true);
  duckdb_bind_set_bind_data(info, new BindData{std::move(source)}, destroy<BindData>);
}

void init_batch(duckdb_init_info info) {
  const auto* bind = static_cast<const BindData*>(duckdb_init_get_bind_data(info));
  auto state = std::make_unique<ScanState>();
  const idx_t count = duckdb_init_get_column_count(info);
  for (idx_t i = 0; i < count; ++i)
    state->columns.push_back(duckdb_init_get_column_index(info, i));
  const std::uint64_t chunks = bind->source->row_count() / duckdb_vector_size() + 1;
  duckdb_init_set_max_threads(info, std::min(chunks, kMaxThreads));
  duckdb_init_set_init_data(info, state.release(), destroy<ScanState>);
}

void scan_batch(duckdb_function_info info, duckdb_data_chunk output) {
  const auto* bind = static_cast<const BindData*>(duckdb_function_get_bind_data(info));
  auto* state = static_cast<ScanState*>(duckdb_function_get_init_data(info));
  const BatchSource& source = *bind->source;
  const std::uint64_t total = source.row_count();
  const std::uint64_t first = state->next_row.fetch_add(duckdb_vector_size());
  const std::uint64_t count = first >= total ? 0 : std::min(total - first, duckdb_vector_size());
  duckdb_data_chunk_set_size(output, count);
  if (count == 0) return;
  try {
    for (std::size_t i = 0; i < state->columns.size(); ++i) {
      // count(*) asks for no column, by an index beyond the last.
      if (state->columns[i] >= source.columns().size()) continue;
      Writer writer(duckdb_data_chunk_get_vector(output, i));
      const std::string error = source.fill(state->columns[i], first, count, writer);
      if (!error.empty()) {
        duckdb_function_set_error(info, error.c_str());
        return;
      }
    }
  } catch (const std::exception& error) {
    duckdb_function_set_error(info, error.what());
  }
}

DuckResult<void> register_batch_function(Connection& connection,
                                         const std::shared_ptr<DatabaseState>& state) {
  const std::lock_guard lock(state->mutex);
  if (state->has_batch_function) return {};
  duckdb_table_function function = duckdb_create_table_function();
  duckdb_table_function_set_name(function, "__sluice_batch");
  const LogicalType id(DUCKDB_TYPE_BIGINT);
  duckdb_table_function_add_parameter(function, id.raw());
  duckdb_table_function_set_extra_info(function, new std::shared_ptr<DatabaseState>(state),
                                       destroy<std::shared_ptr<DatabaseState>>);
  duckdb_table_function_set_bind(function, bind_batch);
  duckdb_table_function_set_init(function, init_batch);
  duckdb_table_function_set_function(function, scan_batch);
  duckdb_table_function_supports_projection_pushdown(function, true);
  const duckdb_state registered = duckdb_register_table_function(connection.raw(), function);
  duckdb_destroy_table_function(&function);
  if (registered != DuckDBSuccess)
    return base::fail(DuckError::kInternal, "DuckDB takes no table function");
  state->has_batch_function = true;
  return {};
}

class RecordSource final : public BatchSource {
 public:
  explicit RecordSource(std::span<const SourceRecord> records) : records_(records) {
    static constexpr std::pair<const char*, duckdb_type> kColumns[] = {
        {"partitionKey", DUCKDB_TYPE_VARCHAR},
        {"data", DUCKDB_TYPE_BLOB},
        {"stream", DUCKDB_TYPE_VARCHAR},
        {"shardId", DUCKDB_TYPE_VARCHAR},
        {"sequenceNumber", DUCKDB_TYPE_VARCHAR},
        {"approximateArrivalTimestamp", DUCKDB_TYPE_TIMESTAMP_TZ},
    };
    for (const auto& [name, type] : kColumns)
      columns_.push_back({name, LogicalType(type)});
  }
  const std::vector<Column>& columns() const override { return columns_; }
  std::uint64_t row_count() const override { return records_.size(); }
  std::string fill(std::uint64_t column, std::uint64_t first, std::uint64_t count,
                   Writer& writer) const override {
    static constexpr std::string_view SourceRecord::* kTexts[] = {
        &SourceRecord::partition_key, &SourceRecord::data, &SourceRecord::stream,
        &SourceRecord::shard_id, &SourceRecord::sequence_number};
    for (std::uint64_t i = 0; i < count; ++i) {
      const SourceRecord& record = records_[first + i];
      if (column < std::size(kTexts))
        writer.set_text_in_place(i, record.*kTexts[column]);
      else
        writer.set(i, record.arrival_us);
    }
    return {};
  }

 private:
  std::span<const SourceRecord> records_;
  std::vector<Column> columns_;
};

}  // namespace

DuckResult<BatchRelation> BatchRelation::create(Connection& connection, const std::string& name,
                                                std::shared_ptr<const BatchSource> source) {
  std::shared_ptr<DatabaseState> state = connection.shared_state();
  if (auto done = register_batch_function(connection, state); !done)
    return std::unexpected(std::move(done.error()));
  std::int64_t id = 0;
  {
    const std::lock_guard lock(state->mutex);
    id = state->next_batch_id++;
    state->batches.emplace(id, std::move(source));
  }
  BatchRelation relation(std::move(state), id);
  auto view = connection.execute("CREATE OR REPLACE TEMP VIEW " + quote_identifier(name) +
                                 " AS SELECT * FROM __sluice_batch(" + std::to_string(id) + ")");
  if (!view) return std::unexpected(std::move(view.error()));
  return relation;
}

BatchRelation::BatchRelation(BatchRelation&& other) noexcept
    : state_(std::move(other.state_)), id_(std::exchange(other.id_, 0)) {}

BatchRelation& BatchRelation::operator=(BatchRelation&& other) noexcept {
  std::swap(state_, other.state_);
  std::swap(id_, other.id_);
  return *this;
}

BatchRelation::~BatchRelation() {
  if (state_ == nullptr) return;
  const std::lock_guard lock(state_->mutex);
  state_->batches.erase(id_);
}

void BatchRelation::set(std::shared_ptr<const BatchSource> source) {
  const std::lock_guard lock(state_->mutex);
  state_->batches[id_] = std::move(source);
}

std::shared_ptr<const BatchSource> make_record_source(std::span<const SourceRecord> records) {
  return std::make_shared<const RecordSource>(records);
}

}  // namespace sluice::duck
