// Classic (V1) checkpoints, read and written through a DuckDB of our own: rows travel as the log's
// own JSON lines, so that there is one parser and one writer of actions. The Parquet file itself
// goes through a scratch folder: the store may be anything.
#include <fmt/core.h>
#include <stdlib.h>

#include <filesystem>

#include "base/json_writer.h"
#include "delta/log_state.h"
#include "delta/protocol.h"

namespace sluice::delta {
namespace {

constexpr std::int64_t kRetentionDefaultMs = std::int64_t{7} * 86'400'000;
constexpr std::string_view kTexts = "MAP(VARCHAR, VARCHAR)";

// A folder of its own on the local disk, gone with its owner.
class Scratch {
 public:
  static DeltaResult<Scratch> make() {
    std::error_code error;
    const auto parent = std::filesystem::temp_directory_path(error);
    std::string name =
        (error ? std::filesystem::path("/tmp") : parent) / "sluice-checkpoint-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr)
      return base::fail(DeltaError::kIo, fmt::format("cannot make the folder {}", name));
    return Scratch(std::move(name));
  }
  Scratch(Scratch&& other) noexcept : folder_(std::exchange(other.folder_, {})) {}
  Scratch& operator=(Scratch&&) = delete;
  ~Scratch() {
    std::error_code ignored;  // a left-over scratch folder harms nobody
    if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
  }
  const std::string& folder() const { return folder_; }
  std::string path(std::string_view name) const { return base::join_path(folder_, name); }

 private:
  explicit Scratch(std::string folder) : folder_(std::move(folder)) {}
  std::string folder_;
};

struct Engine {
  duck::Database database;
  duck::Connection connection;
};

DeltaResult<Engine> open_engine(const std::string& folder) {
  duck::DatabaseOptions options;
  options.threads = 1;
  options.allowed_directories = {folder};
  options.temp_directory = base::join_path(folder, "spill");
  auto database = duck::Database::open(options);
  if (!database) return engine_failure(database.error());
  auto connection = database->connect();
  if (!connection) return engine_failure(connection.error());
  return Engine{std::move(*database), std::move(*connection)};
}

base::IoStatus write_scratch(const std::string& path, std::string_view data) {
  auto file = base::posix_env().open(path, base::OpenMode::kCreateExclusive);
  if (!file) return std::unexpected(file.error());
  return (*file)->write_at(0, data);
}

std::int64_t retention_ms(const Metadata& metadata) {
  const auto found = metadata.configuration.find("delta.deletedFileRetentionDuration");
  if (found == metadata.configuration.end()) return kRetentionDefaultMs;
  // Not understood: keep every remove, which harms no reader.
  return parse_interval_ms(found->second).value_or(std::int64_t{1} << 50);
}

// The lines of the checkpoint; `count` is their number.
std::string checkpoint_lines(const LogState& state, std::int64_t now_ms, std::size_t& count) {
  const auto& snapshot = *state.snapshot;
  std::string lines;
  append_protocol(lines, snapshot.protocol);
  append_metadata(lines, snapshot.metadata, state.schema_string);
  count = 2;
  for (const auto& [app_id, txn] : snapshot.txns) {
    append_txn(lines, txn);
    ++count;
  }
  const auto keep_from = now_ms - retention_ms(snapshot.metadata);
  for (const auto& [path, remove] : state.tombstones) {
    if (remove.deleted_ms <= keep_from) continue;
    append_remove(lines, remove);
    ++count;
  }
  for (const auto& file : snapshot.files) {
    AddFile add = file;
    add.data_change = false;  // as Spark's checkpoints have it: nothing changes here
    append_add(lines, add);
    ++count;
  }
  return lines;
}

// The protocol's checkpoint schema, as DuckDB's types of the JSON lines.
std::string checkpoint_columns(const Protocol& protocol) {
  std::string features;
  if (protocol.min_reader >= 3) features += ", \"readerFeatures\" VARCHAR[]";
  if (protocol.min_writer >= 7) features += ", \"writerFeatures\" VARCHAR[]";
  return fmt::format(
      "{{txn: 'STRUCT(\"appId\" VARCHAR, version BIGINT, \"lastUpdated\" BIGINT)', "
      "add: 'STRUCT(path VARCHAR, \"partitionValues\" {0}, size BIGINT, \"modificationTime\" "
      "BIGINT, \"dataChange\" BOOLEAN, tags {0}, stats VARCHAR)', "
      "remove: 'STRUCT(path VARCHAR, \"deletionTimestamp\" BIGINT, \"dataChange\" BOOLEAN, "
      "\"extendedFileMetadata\" BOOLEAN, \"partitionValues\" {0}, size BIGINT)', "
      "\"metaData\": 'STRUCT(id VARCHAR, name VARCHAR, description VARCHAR, format "
      "STRUCT(provider VARCHAR, options {0}), \"schemaString\" VARCHAR, \"partitionColumns\" "
      "VARCHAR[], configuration {0}, \"createdTime\" BIGINT)', "
      "protocol: 'STRUCT(\"minReaderVersion\" INTEGER, \"minWriterVersion\" INTEGER{1})'}}",
      kTexts, features);
}

// DuckDB's JSON reader takes buffers of twice this size.
std::size_t longest_line(std::string_view lines) {
  std::size_t longest = std::size_t{1} << 20;
  for (std::size_t at = 0; at < lines.size();) {
    const auto end = lines.find('\n', at);  // every line has one
    longest = std::max(longest, end - at + 1);
    at = end + 1;
  }
  return longest;
}

DeltaResult<std::string> lines_to_parquet(std::string_view lines, const Protocol& protocol) {
  auto scratch = Scratch::make();
  if (!scratch) return std::unexpected(scratch.error());
  const auto from = scratch->path("lines.json");
  const auto to = scratch->path("checkpoint.parquet");
  if (auto ok = write_scratch(from, lines); !ok) return io_failure(ok.error());
  auto engine = open_engine(scratch->folder());
  if (!engine) return std::unexpected(engine.error());
  const auto sql = fmt::format(
      "COPY (SELECT * FROM read_json({}, format = 'newline_delimited', compression = "
      "'uncompressed', "
      "maximum_object_size = {}, columns = {})) TO {} (FORMAT parquet, COMPRESSION zstd, "
      "COMPRESSION_LEVEL 1, WRITE_BLOOM_FILTER false)",
      duck::quote_text(from), longest_line(lines), checkpoint_columns(protocol),
      duck::quote_text(to));
  if (auto ok = engine->connection.execute(sql); !ok) return engine_failure(ok.error());
  auto bytes = base::read_file(base::posix_env(), to);
  if (!bytes) return io_failure(bytes.error());
  return std::move(*bytes);
}

std::string hint_text(Version version, std::size_t actions, std::size_t bytes, std::size_t files) {
  std::string text;
  base::JsonWriter json(text);
  json.begin_object().field("version", version());
  json.field("size", static_cast<std::uint64_t>(actions));
  json.field("sizeInBytes", static_cast<std::uint64_t>(bytes));
  json.field("numOfAddFiles", static_cast<std::uint64_t>(files)).end_object();
  return text;
}

}  // namespace

DeltaResult<Actions> read_checkpoint(LogStore& log, const std::vector<std::string>& names) {
  auto scratch = Scratch::make();
  if (!scratch) return std::unexpected(scratch.error());
  std::string files;
  for (const auto& name : names) {
    auto bytes = log.read(name);
    if (!bytes) return io_failure(bytes.error());
    const auto path = scratch->path(name);
    if (auto ok = write_scratch(path, *bytes); !ok) return io_failure(ok.error());
    files += (files.empty() ? "" : ", ") + duck::quote_text(path);
  }
  auto engine = open_engine(scratch->folder());
  if (!engine) return std::unexpected(engine.error());
  const auto corrupt = [&](const std::string& message) {
    return base::fail(DeltaError::kCorrupt, fmt::format("{}: {}", names.front(), message));
  };
  auto result = engine->connection.query(fmt::format(
      "SELECT CAST(to_json(t) AS VARCHAR) FROM read_parquet([{}], union_by_name = true) t", files));
  if (!result) return corrupt(result.error().message);
  std::string lines;
  while (true) {
    auto chunk = result->next();
    if (!chunk) return corrupt(chunk.error().message);
    if (!*chunk) break;
    const auto column = (*chunk)->column(0);
    for (std::uint64_t row = 0; row < (*chunk)->size(); ++row) {
      lines += column.text(row);
      lines.push_back('\n');
    }
  }
  return parse_actions(lines, names.front());
}

Version read_checkpoint_hint(LogStore& log) {
  // A hint and no more: whatever is wrong with it, the listing knows better.
  const auto text = log.read(std::string(kLastCheckpoint));
  return text ? parse_checkpoint_hint(*text) : Version(-1);
}

DeltaResult<void> write_checkpoint(LogStore& log, const LogState& state, std::int64_t now_ms) {
  const auto version = state.snapshot->version;
  std::size_t count = 0;
  const auto lines = checkpoint_lines(state, now_ms, count);
  auto bytes = lines_to_parquet(lines, state.snapshot->protocol);
  if (!bytes) return std::unexpected(bytes.error());
  const auto put = log.put_if_absent(checkpoint_name(version), *bytes);
  // Somebody else's checkpoint of the same version says the same.
  if (!put && put.error().code != base::IoError::kExists) return io_failure(put.error());
  if (read_checkpoint_hint(log) >= version) return {};
  const auto hint = hint_text(version, count, bytes->size(), state.snapshot->files.size());
  if (auto ok = log.replace(std::string(kLastCheckpoint), hint); !ok) return io_failure(ok.error());
  return {};
}

}  // namespace sluice::delta
