// Rows to Parquet files: one COPY a partition, fresh names, synced before anybody names them.
#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "base/log.h"
#include "base/uuid.h"
#include "delta/data_files.h"
#include "delta/log_state.h"
#include "delta/paths.h"
#include "delta/stats.h"

namespace sluice::delta {
namespace {

constexpr base::Logger kLog{"delta"};
constexpr std::size_t kPartitionsMax = 10'000;  // of one call
constexpr std::size_t kNameBytesMax = 200;  // a partition's folder name; the disk's limit is 255
constexpr std::int64_t kFileBytesMin = std::int64_t{1} << 20;

using PartitionValues = std::map<std::string, std::optional<std::string>>;

// What one file of a COPY turned out to be.
struct WrittenFile {
  std::string path;  // on disk
  std::int64_t rows = 0;
  FileStats stats;
};

std::optional<std::string> text_at(const duck::Vector& vector, std::uint64_t row) {
  if (vector.is_null(row)) return std::nullopt;
  return std::string(vector.text(row));
}

std::int64_t parse_count(std::string_view text) {
  std::int64_t count = -1;
  std::from_chars(text.data(), text.data() + text.size(), count);
  return count;
}

// MAP(column path, MAP(name, text)).
FileStats read_stats(const duck::Vector& column, std::uint64_t row) {
  FileStats stats;
  if (column.is_null(row)) return stats;
  const auto columns = column.list(row);
  const auto entries = column.list_child();
  const auto paths = entries.struct_child(0);
  const auto values = entries.struct_child(1);
  for (auto at = columns.offset; at < columns.offset + columns.length; ++at) {
    ColumnStats& out = stats[std::string(paths.text(at))];
    if (values.is_null(at)) continue;
    const auto members = values.list(at);
    const auto pairs = values.list_child();
    const auto names = pairs.struct_child(0);
    const auto texts = pairs.struct_child(1);
    for (auto i = members.offset; i < members.offset + members.length; ++i) {
      const auto name = names.text(i);
      const auto text = text_at(texts, i);
      if (!text) continue;
      if (name == "min") out.min = *text;
      if (name == "max") out.max = *text;
      if (name == "has_nan") out.has_nan = *text == "true";
      if (name == "null_count")
        if (const auto count = parse_count(*text); count >= 0) out.null_count = count;
    }
  }
  return stats;
}

DeltaResult<std::vector<WrittenFile>> read_written(duck::QueryResult& result) {
  std::map<std::string, std::uint64_t> columns;
  for (std::uint64_t i = 0; i < result.column_count(); ++i)
    columns[result.column_name(i)] = i;
  for (const auto* name : {"filename", "count", "column_statistics"})
    if (!columns.contains(name))
      return base::fail(DeltaError::kEngine, fmt::format("COPY returned no column {}", name));
  std::vector<WrittenFile> files;
  while (true) {
    auto chunk = result.next();
    if (!chunk) return engine_failure(chunk.error());
    if (!*chunk) return files;
    const auto names = (*chunk)->column(columns["filename"]);
    const auto counts = (*chunk)->column(columns["count"]);
    const auto stats = (*chunk)->column(columns["column_statistics"]);
    for (std::uint64_t row = 0; row < (*chunk)->size(); ++row)
      files.push_back({.path = std::string(names.text(row)),
                       .rows = counts.int64(row),
                       .stats = read_stats(stats, row)});
  }
}

// Writes the rows of one call.
class Writer {
 public:
  Writer(duck::Connection& engine, base::Env& env, const std::string& table_root,
         const types::DataType& schema, const WriteOptions& options)
      : engine_(engine), env_(env), root_(table_root), options_(options) {
    std::vector<types::Field> data;
    for (const auto& field : schema.fields()) {
      const auto& names = options.partition_columns;
      const auto at = std::ranges::find(names, field.name);
      if (at == names.end())
        data.push_back(field);
      else
        partition_fields_.push_back(field);
    }
    data_schema_ = types::DataType::structure(std::move(data));
  }

  DeltaResult<std::vector<AddFile>> run(const std::string& select_sql) {
    auto done = options_.partition_columns.empty() ? write_plain(select_sql)
                                                   : write_partitioned(select_sql);
    if (!done) {
      remove_written();
      return std::unexpected(done.error());
    }
    return std::move(adds_);
  }

  // The rows of `select_sql` belong to one partition and have the data columns alone.
  DeltaResult<std::vector<AddFile>> run_one(const std::string& select_sql,
                                            const PartitionValues& values) {
    if (auto done = write_one(select_sql, values); !done) {
      remove_written();
      return std::unexpected(done.error());
    }
    return std::move(adds_);
  }

 private:
  DeltaResult<void> write_one(const std::string& select_sql, const PartitionValues& values);

  static std::string cast(const types::Field& field) {
    const auto name = duck::quote_identifier(field.name);
    return fmt::format("CAST({} AS {}) AS {}", name, field.type->to_duckdb(), name);
  }

  DeltaResult<void> write_plain(const std::string& select_sql) {
    return write_one(fmt::format("SELECT {} FROM ({})", data_columns(true), select_sql), {});
  }

  DeltaResult<void> write_partitioned(const std::string& select_sql);
  DeltaResult<void> write_partitions(const std::string& rows, const std::string& id_column);

  std::string data_columns(bool with_casts) const {
    std::string columns;
    for (const auto& field : data_schema_.fields()) {
      columns += columns.empty() ? "" : ", ";
      columns += with_casts ? cast(field) : duck::quote_identifier(field.name);
    }
    return columns;
  }

  DeltaResult<std::string> make_folder(const PartitionValues& values);
  DeltaResult<AddFile> finish(const WrittenFile& written, const PartitionValues& values);
  void remove_written();

  duck::Connection& engine_;
  base::Env& env_;
  const std::string& root_;
  const WriteOptions& options_;
  types::DataType data_schema_;
  std::vector<types::Field> partition_fields_;  // in the schema's order
  const std::string uuid_ = base::random_uuid();
  int copies_ = 0;                 // COPY statements so far; part of the names
  std::set<std::string> folders_;  // where files may lie
  std::vector<AddFile> adds_;
};

// A partition value as the protocol writes it; timestamps in UTC.
std::string partition_text(const types::Field& field) {
  const auto name = duck::quote_identifier(field.name);
  switch (field.type->kind()) {
    case types::TypeKind::kString:
      return fmt::format("NULLIF({}, '')", name);  // the protocol has no empty text
    case types::TypeKind::kTimestamp:
      return fmt::format("strftime({} AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ')", name);
    case types::TypeKind::kTimestampNtz:
      return fmt::format("strftime({}, '%Y-%m-%d %H:%M:%S.%f')", name);
    default:
      return fmt::format("CAST({} AS VARCHAR)", name);
  }
}

DeltaResult<void> Writer::write_partitioned(const std::string& select_sql) {
  // The rows are kept once, sorted by partition, so that each COPY reads its own part only.
  const auto rows = duck::quote_identifier("sluice_rows_" + uuid_);
  const std::string id_column = "__sluice_partition_" + uuid_.substr(0, 8);
  std::string columns = data_columns(true);
  std::string order;
  for (const auto& field : partition_fields_) {
    columns += ", " + cast(field);
    order += (order.empty() ? "" : ", ") + partition_text(field);
  }
  const auto sql = fmt::format(
      "CREATE TEMP TABLE {0} AS SELECT *, dense_rank() OVER (ORDER BY {1}) AS {2} FROM (SELECT {3} "
      "FROM ({4})) ORDER BY {2}",
      rows, order, id_column, columns, select_sql);
  if (auto ok = engine_.execute(sql); !ok) return engine_failure(ok.error());
  auto done = write_partitions(rows, id_column);
  const auto dropped = engine_.execute(fmt::format("DROP TABLE {}", rows));
  if (done && !dropped) return engine_failure(dropped.error());
  return done;
}

DeltaResult<void> Writer::write_partitions(const std::string& rows, const std::string& id_column) {
  std::string texts;
  for (const auto& field : partition_fields_)
    texts += fmt::format(", any_value({})", partition_text(field));
  auto result = engine_.query(
      fmt::format("SELECT {0}{1} FROM {2} GROUP BY {0} ORDER BY {0}", id_column, texts, rows));
  if (!result) return engine_failure(result.error());
  std::vector<std::pair<std::int64_t, PartitionValues>> partitions;
  while (true) {
    auto chunk = result->next();
    if (!chunk) return engine_failure(chunk.error());
    if (!*chunk) break;
    for (std::uint64_t row = 0; row < (*chunk)->size(); ++row) {
      PartitionValues values;
      for (std::size_t i = 0; i < partition_fields_.size(); ++i)
        values[partition_fields_[i].name] = text_at((*chunk)->column(i + 1), row);
      partitions.emplace_back((*chunk)->column(0).int64(row), std::move(values));
    }
  }
  if (partitions.size() > kPartitionsMax)
    return base::fail(DeltaError::kUnsupported,
                      fmt::format("{} partitions in one write; the limit is {}", partitions.size(),
                                  kPartitionsMax));
  for (const auto& [id, values] : partitions) {
    const auto sql =
        fmt::format("SELECT {} FROM {} WHERE {} = {}", data_columns(false), rows, id_column, id);
    if (auto ok = write_one(sql, values); !ok) return ok;
  }
  return {};
}

DeltaResult<void> Writer::write_one(const std::string& select_sql, const PartitionValues& values) {
  auto folder = make_folder(values);
  if (!folder) return std::unexpected(folder.error());
  const auto sql = fmt::format(
      "COPY ({}) TO {} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, WRITE_BLOOM_FILTER "
      "false, DICTIONARY_SIZE_LIMIT 2000, FILE_SIZE_BYTES {}, FILENAME_PATTERN "
      "'part-{{i}}-{}-c{:03}.zstd', OVERWRITE_OR_IGNORE true, RETURN_STATS true)",
      select_sql, duck::quote_text(*folder), std::max(options_.file_bytes_target, kFileBytesMin),
      uuid_, copies_++);
  auto result = engine_.query(sql);
  if (!result) return engine_failure(result.error());
  auto written = read_written(*result);
  if (!written) return std::unexpected(written.error());
  bool any = false;
  for (const auto& file : *written) {
    if (file.rows == 0) {
      if (auto ok = env_.remove(file.path); !ok) return io_failure(ok.error());
      continue;
    }
    auto add = finish(file, values);
    if (!add) return std::unexpected(add.error());
    adds_.push_back(std::move(*add));
    any = true;
  }
  if (any)
    if (auto ok = env_.sync_dir(*folder); !ok) return io_failure(ok.error());
  return {};
}

// `<root>/a=1/b=2`, synced with its parents. Names too long for a disk lie in the root: readers
// take the values from the log.
DeltaResult<std::string> Writer::make_folder(const PartitionValues& values) {
  std::string folder = root_;
  std::vector<std::string> parents;
  for (const auto& column : options_.partition_columns) {
    auto name = partition_folder(column, values.at(column));
    if (name.size() > kNameBytesMax) break;
    parents.push_back(folder);
    folder = base::join_path(folder, name);
  }
  if (folders_.insert(folder).second && !parents.empty()) {
    if (auto ok = env_.make_dirs(folder); !ok) return io_failure(ok.error());
    for (const auto& parent : parents)
      if (auto ok = env_.sync_dir(parent); !ok) return io_failure(ok.error());
  }
  return folder;
}

DeltaResult<AddFile> Writer::finish(const WrittenFile& written, const PartitionValues& values) {
  const auto null_in = [](const std::string& column) {
    return base::fail(DeltaError::kSchema,
                      fmt::format("[DELTA_NOT_NULL_CONSTRAINT_VIOLATED] NOT NULL constraint "
                                  "violated for column: {}.",
                                  column));
  };
  for (const auto& field : data_schema_.fields()) {
    if (field.nullable) continue;
    const auto stats = written.stats.find(duck::quote_identifier(field.name));
    if (stats != written.stats.end() && stats->second.null_count.value_or(0) > 0)
      return null_in(field.name);
  }
  for (const auto& field : partition_fields_)
    if (!field.nullable && !values.at(field.name)) return null_in(field.name);
  if (!written.path.starts_with(root_ + "/"))
    return base::fail(DeltaError::kEngine, fmt::format("COPY wrote {}", written.path));
  if (auto ok = base::sync_file(env_, written.path); !ok) return io_failure(ok.error());
  auto info = env_.stat(written.path);
  if (!info) return io_failure(info.error());
  return AddFile{
      .path = encode_path(std::string_view(written.path).substr(root_.size() + 1)),
      .partition_values = values,
      .size_bytes = static_cast<std::int64_t>(info->size_bytes),
      .modified_ms = info->modified_ms,
      .data_change = options_.data_change,
      .stats_json = stats_json(data_schema_, written.rows, written.stats, options_.stats_columns),
      .tags = {}};
}

// After a failure. What stays behind is invisible to readers; vacuum takes it.
void Writer::remove_written() {
  for (const auto& folder : folders_) {
    const auto names = env_.list(folder);
    if (!names) continue;
    for (const auto& name : *names) {
      if (!name.contains(uuid_)) continue;
      if (auto ok = env_.remove(base::join_path(folder, name)); !ok)
        kLog.warn("left behind: {}", ok.error().message);
    }
  }
}

}  // namespace

WriteOptions write_options(const Metadata& metadata) {
  WriteOptions options;
  options.partition_columns = metadata.partition_columns;
  const auto found = metadata.configuration.find("delta.dataSkippingNumIndexedCols");
  if (found != metadata.configuration.end()) {
    const auto& text = found->second;
    std::from_chars(text.data(), text.data() + text.size(), options.stats_columns);
  }
  return options;
}

DeltaResult<std::vector<AddFile>> write_files(duck::Connection& engine, base::Env& env,
                                              const std::string& table_root,
                                              const std::string& select_sql,
                                              const types::DataType& schema,
                                              const WriteOptions& options) {
  return Writer(engine, env, table_root, schema, options).run(select_sql);
}

DeltaResult<std::vector<AddFile>> write_partition(
    duck::Connection& engine, base::Env& env, const std::string& table_root,
    const std::string& select_sql, const types::DataType& schema, const WriteOptions& options,
    const std::map<std::string, std::optional<std::string>>& partition_values) {
  return Writer(engine, env, table_root, schema, options).run_one(select_sql, partition_values);
}

}  // namespace sluice::delta
