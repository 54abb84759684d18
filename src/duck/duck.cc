// Database, connection and results over the C API. Errors keep the text that a function of ours
// gave; DuckDB's own get a code by their type.
#include "duck/duck.h"

#include <array>
#include <cassert>
#include <utility>

#include "duck/state.h"

namespace sluice::duck {
namespace {

constexpr std::string_view kFunctionErrorPrefix = "Invalid Input Error: ";

DuckError classify(duckdb_error_type type, std::string_view message) {
  switch (type) {
    case DUCKDB_ERROR_OUT_OF_MEMORY:
      return DuckError::kOutOfMemory;
    case DUCKDB_ERROR_INTERRUPT:
      return DuckError::kInterrupted;
    case DUCKDB_ERROR_IO:
    case DUCKDB_ERROR_PERMISSION:
    case DUCKDB_ERROR_HTTP:
      return DuckError::kIo;
    case DUCKDB_ERROR_INVALID_INPUT:
    case DUCKDB_ERROR_OUT_OF_RANGE:
    case DUCKDB_ERROR_CONVERSION:
    case DUCKDB_ERROR_DECIMAL:
    case DUCKDB_ERROR_DIVIDE_BY_ZERO:
    case DUCKDB_ERROR_CONSTRAINT:
      return DuckError::kInvalidInput;
    case DUCKDB_ERROR_INVALID:
      if (message.starts_with("INTERRUPT")) return DuckError::kInterrupted;
      return DuckError::kInternal;
    default:
      return DuckError::kInternal;
  }
}

std::unexpected<base::Failure<DuckError>> failure(duckdb_error_type type, const char* text) {
  std::string_view message = text == nullptr ? "unknown error" : text;
  const DuckError code = classify(type, message);
  if (message.starts_with(kFunctionErrorPrefix)) message.remove_prefix(kFunctionErrorPrefix.size());
  return base::fail(code, std::string(message));
}

std::unexpected<base::Failure<DuckError>> failure(duckdb_result* result) {
  auto out = failure(duckdb_result_error_type(result), duckdb_result_error(result));
  duckdb_destroy_result(result);
  return out;
}

struct Config {
  duckdb_config raw = nullptr;
  Config() { duckdb_create_config(&raw); }
  Config(const Config&) = delete;
  Config& operator=(const Config&) = delete;
  ~Config() { duckdb_destroy_config(&raw); }
};

// The settings that DuckDB takes only after it is open, in the order in which they must come.
std::vector<std::string> late_settings(const DatabaseOptions& options) {
  std::string directories = "SET GLOBAL allowed_directories = [";
  for (const std::string& directory : options.allowed_directories) {
    if (!directories.ends_with('[')) directories += ", ";
    directories += quote_text(directory);
  }
  std::vector<std::string> settings;
  settings.push_back("SET GLOBAL TimeZone = 'UTC'");
  settings.push_back("SET GLOBAL temp_directory = " + quote_text(options.temp_directory));
  if (!options.temp_directory.empty()) {
    settings.push_back("SET GLOBAL max_temp_directory_size = '" +
                       std::to_string(options.max_temp_directory_bytes) + "B'");
  }
  settings.push_back(directories + "]");
  settings.push_back("SET GLOBAL enable_external_access = false");
  settings.push_back("SET GLOBAL lock_configuration = true");
  return settings;
}

}  // namespace

Vector::Vector(duckdb_vector vector)
    : vector_(vector),
      data_(duckdb_vector_get_data(vector)),
      validity_(duckdb_vector_get_validity(vector)) {
  duckdb_logical_type type = duckdb_vector_get_column_type(vector);
  type_ = duckdb_get_type_id(type);
  if (type_ == DUCKDB_TYPE_DECIMAL) type_ = duckdb_decimal_internal_type(type);
  duckdb_destroy_logical_type(&type);
}

std::int64_t Vector::int64(std::uint64_t row) const {
  switch (type_) {
    case DUCKDB_TYPE_BOOLEAN:
      return data<bool>()[row] ? 1 : 0;
    case DUCKDB_TYPE_TINYINT:
      return data<std::int8_t>()[row];
    case DUCKDB_TYPE_UTINYINT:
      return data<std::uint8_t>()[row];
    case DUCKDB_TYPE_SMALLINT:
      return data<std::int16_t>()[row];
    case DUCKDB_TYPE_USMALLINT:
      return data<std::uint16_t>()[row];
    case DUCKDB_TYPE_INTEGER:
    case DUCKDB_TYPE_DATE:
      return data<std::int32_t>()[row];
    case DUCKDB_TYPE_UINTEGER:
      return data<std::uint32_t>()[row];
    case DUCKDB_TYPE_HUGEINT:
      return static_cast<std::int64_t>(data<duckdb_hugeint>()[row].lower);
    default:
      return data<std::int64_t>()[row];
  }
}

double Vector::real(std::uint64_t row) const {
  if (type_ == DUCKDB_TYPE_FLOAT) return data<float>()[row];
  return data<double>()[row];
}

ListEntry Vector::list(std::uint64_t row) const {
  const duckdb_list_entry entry = data<duckdb_list_entry>()[row];
  return {entry.offset, entry.length};
}

Vector Vector::list_child() const {
  return Vector(duckdb_list_vector_get_child(vector_));
}

Vector Vector::struct_child(std::uint64_t at) const {
  return Vector(duckdb_struct_vector_get_child(vector_, at));
}

Chunk::Chunk(Chunk&& other) noexcept : chunk_(std::exchange(other.chunk_, nullptr)) {}

Chunk& Chunk::operator=(Chunk&& other) noexcept {
  std::swap(chunk_, other.chunk_);
  return *this;
}

Chunk::~Chunk() {
  if (chunk_ != nullptr) duckdb_destroy_data_chunk(&chunk_);
}

std::uint64_t Chunk::size() const {
  return duckdb_data_chunk_get_size(chunk_);
}

Vector Chunk::column(std::uint64_t at) const {
  return Vector(duckdb_data_chunk_get_vector(chunk_, at));
}

QueryResult::QueryResult(duckdb_result result) : result_(result) {}

QueryResult::QueryResult(QueryResult&& other) noexcept
    : result_(std::exchange(other.result_, duckdb_result{})) {}

QueryResult& QueryResult::operator=(QueryResult&& other) noexcept {
  std::swap(result_, other.result_);
  return *this;
}

QueryResult::~QueryResult() {
  if (result_.internal_data != nullptr) duckdb_destroy_result(&result_);
}

std::uint64_t QueryResult::column_count() const {
  return duckdb_column_count(const_cast<duckdb_result*>(&result_));
}

std::string QueryResult::column_name(std::uint64_t at) const {
  const char* name = duckdb_column_name(const_cast<duckdb_result*>(&result_), at);
  return name == nullptr ? "" : name;
}

DuckResult<std::optional<Chunk>> QueryResult::next() {
  duckdb_data_chunk chunk = duckdb_fetch_chunk(result_);
  if (chunk != nullptr) return std::optional<Chunk>(Chunk(chunk));
  const char* error = duckdb_result_error(&result_);
  if (error != nullptr && *error != '\0') return failure(duckdb_result_error_type(&result_), error);
  return std::optional<Chunk>();
}

std::int64_t QueryResult::rows_changed() const {
  return static_cast<std::int64_t>(duckdb_rows_changed(const_cast<duckdb_result*>(&result_)));
}

Connection::Connection(Connection&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)), state_(std::move(other.state_)) {}

Connection& Connection::operator=(Connection&& other) noexcept {
  std::swap(connection_, other.connection_);
  std::swap(state_, other.state_);
  return *this;
}

Connection::~Connection() {
  if (connection_ != nullptr) duckdb_disconnect(&connection_);
}

DuckResult<QueryResult> Connection::query(const std::string& sql) {
  duckdb_result result{};
  if (duckdb_query(connection_, sql.c_str(), &result) != DuckDBSuccess) return failure(&result);
  return QueryResult(result);
}

DuckResult<QueryResult> Connection::stream(const std::string& sql) {
  duckdb_prepared_statement statement = nullptr;
  if (duckdb_prepare(connection_, sql.c_str(), &statement) != DuckDBSuccess) {
    // Run it the plain way for the error's type, which a failed preparation does not tell.
    auto failed = failure(DUCKDB_ERROR_INVALID, duckdb_prepare_error(statement));
    duckdb_destroy_prepare(&statement);
    auto again = query(sql);
    if (!again) return std::unexpected(again.error());
    return failed;
  }
  duckdb_pending_result pending = nullptr;
  duckdb_result result{};
  duckdb_state state = duckdb_pending_prepared_streaming(statement, &pending);
  if (state != DuckDBSuccess) {
    auto failed = failure(DUCKDB_ERROR_INVALID, duckdb_pending_error(pending));
    duckdb_destroy_pending(&pending);
    duckdb_destroy_prepare(&statement);
    return failed;
  }
  state = duckdb_execute_pending(pending, &result);
  duckdb_destroy_pending(&pending);
  duckdb_destroy_prepare(&statement);
  if (state != DuckDBSuccess) return failure(&result);
  return QueryResult(result);
}

DuckResult<void> Connection::execute(const std::string& sql) {
  auto result = query(sql);
  if (!result) return std::unexpected(std::move(result.error()));
  return {};
}

DuckResult<std::optional<std::string>> Connection::scalar(const std::string& sql) {
  auto result = query("SELECT CAST(COLUMNS(*) AS VARCHAR) FROM (" + sql + ") LIMIT 1");
  // What is no query (PRAGMA, SHOW) cannot stand in FROM.
  if (!result && result.error().code == DuckError::kInternal) result = query(sql);
  if (!result) return std::unexpected(std::move(result.error()));
  auto chunk = result->next();
  if (!chunk) return std::unexpected(std::move(chunk.error()));
  if (!chunk->has_value() || (*chunk)->size() == 0) return std::optional<std::string>();
  const Vector column = (*chunk)->column(0);
  if (column.is_null(0)) return std::optional<std::string>();
  if (column.type() != DUCKDB_TYPE_VARCHAR) return std::to_string(column.int64(0));
  return std::string(column.text(0));
}

void Connection::interrupt() {
  duckdb_interrupt(connection_);
}

DuckResult<Database> Database::open(const DatabaseOptions& options) {
  if (duckdb_library_version() != kVersion) {
    return base::fail(DuckError::kInternal, std::string("libduckdb is ") +
                                                duckdb_library_version() + ", this build needs " +
                                                std::string(kVersion));
  }
  const Config config;
  const std::array<std::pair<const char*, std::string>, 7> settings{{
      {"autoinstall_known_extensions", "false"},
      {"autoload_known_extensions", "false"},
      {"allow_community_extensions", "false"},
      {"memory_limit", std::to_string(options.memory_limit_bytes) + "B"},
      {"threads", std::to_string(options.threads)},
      {"external_threads", std::to_string(options.external_threads)},
      {"preserve_insertion_order", options.preserve_insertion_order ? "true" : "false"},
  }};
  for (const auto& [name, value] : settings) {
    if (duckdb_set_config(config.raw, name, value.c_str()) != DuckDBSuccess)
      return base::fail(DuckError::kInternal, std::string("DuckDB has no setting ") + name);
  }
  duckdb_database raw = nullptr;
  char* error = nullptr;
  if (duckdb_open_ext(nullptr, &raw, config.raw, &error) != DuckDBSuccess) {
    auto failed = failure(DUCKDB_ERROR_INVALID, error);
    duckdb_free(error);
    return failed;
  }
  Database database(raw, std::make_shared<DatabaseState>());
  auto connection = database.connect();
  if (!connection) return std::unexpected(std::move(connection.error()));
  for (const std::string& setting : late_settings(options)) {
    if (auto set = connection->execute(setting); !set)
      return base::fail(DuckError::kInternal, setting + ": " + set.error().message);
  }
  return database;
}

Database::Database(Database&& other) noexcept
    : database_(std::exchange(other.database_, nullptr)), state_(std::move(other.state_)) {}

Database& Database::operator=(Database&& other) noexcept {
  std::swap(database_, other.database_);
  std::swap(state_, other.state_);
  return *this;
}

Database::~Database() {
  if (database_ != nullptr) duckdb_close(&database_);
}

DuckResult<Connection> Database::connect() {
  duckdb_connection connection = nullptr;
  if (duckdb_connect(database_, &connection) != DuckDBSuccess)
    return base::fail(DuckError::kInternal, "DuckDB gave no connection");
  return Connection(connection, state_);
}

std::string quote_identifier(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

std::string quote_text(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += '\'';
    out += c;
  }
  return out + "'";
}

std::string text_expression(std::string_view text) {
  std::size_t nul = text.find('\0');
  if (nul == std::string_view::npos) return quote_text(text);
  std::string out = "(";
  for (; nul != std::string_view::npos; nul = text.find('\0')) {
    out += quote_text(text.substr(0, nul)) + " || chr(0) || ";
    text.remove_prefix(nul + 1);
  }
  return out + quote_text(text) + ")";
}

}  // namespace sluice::duck
