// Compaction: small files of one partition become large ones, in a commit that changes no data.
#include <fmt/core.h>

#include <algorithm>

#include "base/log.h"
#include "delta/data_files.h"
#include "delta/paths.h"

namespace sluice::delta {
namespace {

constexpr base::Logger kLog{"delta"};

using Bin = std::vector<AddFile>;

// Bins of at least two files of one partition, together at most `target` bytes.
std::vector<Bin> pack(const Snapshot& snapshot, std::int64_t target) {
  std::map<std::map<std::string, std::optional<std::string>>, Bin> partitions;
  for (const auto& file : snapshot.files)
    if (file.size_bytes < target) partitions[file.partition_values].push_back(file);
  std::vector<Bin> bins;
  for (auto& [values, files] : partitions) {
    std::ranges::stable_sort(files, {}, &AddFile::size_bytes);
    Bin bin;
    std::int64_t bytes = 0;
    const auto close = [&] {
      if (bin.size() > 1) bins.push_back(std::move(bin));
      bin.clear();
      bytes = 0;
    };
    for (auto& file : files) {
      if (bytes + file.size_bytes > target) close();
      bytes += file.size_bytes;
      bin.push_back(std::move(file));
    }
    close();
  }
  return bins;
}

std::int64_t bytes_of(const std::vector<AddFile>& files) {
  std::int64_t bytes = 0;
  for (const auto& file : files)
    bytes += file.size_bytes;
  return bytes;
}

CommitInfo optimize_info(const std::vector<Bin>& bins, const std::vector<AddFile>& adds) {
  std::size_t removed = 0;
  std::int64_t removed_bytes = 0;
  for (const auto& bin : bins) {
    removed += bin.size();
    removed_bytes += bytes_of(bin);
  }
  CommitInfo info;
  info.operation = "OPTIMIZE";
  info.parameters = {
      {"predicate", "[]"}, {"zOrderBy", "[]"}, {"clusterBy", "[]"}, {"auto", "false"}};
  info.metrics = {{"numRemovedFiles", std::to_string(removed)},
                  {"numRemovedBytes", std::to_string(removed_bytes)},
                  {"numAddedFiles", std::to_string(adds.size())},
                  {"numAddedBytes", std::to_string(bytes_of(adds))}};
  return info;
}

// Files that no commit names. What cannot be removed is invisible all the same.
void drop_files(base::Env& env, const std::string& root, const std::vector<AddFile>& files) {
  for (const auto& file : files) {
    const auto path = local_path(file.path);
    if (!path) continue;
    if (auto ok = env.remove(base::join_path(root, *path)); !ok)
      kLog.warn("left behind: {}", ok.error().message);
  }
}

DeltaResult<std::vector<AddFile>> rewrite(duck::Connection& engine, base::Env& env,
                                          const std::string& root, const Metadata& metadata,
                                          const Bin& bin, const WriteOptions& options) {
  const auto schema = data_schema(metadata);
  const auto sql = files_sql(root, bin, schema, "");
  if (!sql) return std::unexpected(sql.error());
  auto adds =
      write_partition(engine, env, root, *sql, schema, options, bin.front().partition_values);
  if (!adds) return adds;
  // Not one row may be lost or doubled on the way.
  std::int64_t before = 0;
  for (const auto& file : bin) {
    if (file.records() < 0) return adds;  // a foreign file without statistics
    before += file.records();
  }
  std::int64_t after = 0;
  for (const auto& file : *adds)
    after += file.records();
  if (before == after) return adds;
  drop_files(env, root, *adds);
  return base::fail(
      DeltaError::kCorrupt,
      fmt::format("{}: {} files should hold {} rows and hold {}", root, bin.size(), before, after));
}

}  // namespace

DeltaResult<OptimizeResult> optimize(duck::Connection& engine, base::Env& env, base::Clock& clock,
                                     Table& table, std::int64_t file_bytes_target) {
  auto snapshot = table.refresh();
  if (!snapshot) return std::unexpected(snapshot.error());
  const auto& metadata = (*snapshot)->metadata;
  const auto bins = pack(**snapshot, file_bytes_target);
  if (bins.empty()) return OptimizeResult{};
  auto options = write_options(metadata);
  options.data_change = false;
  options.file_bytes_target = 2 * file_bytes_target;  // a bin is one file, however it compresses
  Transaction transaction;
  for (const auto& bin : bins) {
    auto adds = rewrite(engine, env, table.root(), metadata, bin, options);
    if (!adds) {
      drop_files(env, table.root(), transaction.adds);
      return std::unexpected(adds.error());
    }
    std::ranges::move(*adds, std::back_inserter(transaction.adds));
    for (const auto& file : bin)
      transaction.removes.push_back({.path = file.path,
                                     .deleted_ms = clock.now_ms(),
                                     .data_change = false,
                                     .partition_values = file.partition_values,
                                     .size_bytes = file.size_bytes});
  }
  transaction.info = optimize_info(bins, transaction.adds);
  OptimizeResult result{.version = std::nullopt,
                        .files_removed = transaction.removes.size(),
                        .files_added = transaction.adds.size()};
  const auto adds = transaction.adds;
  auto version = table.commit(**snapshot, std::move(transaction));
  if (!version) {
    // After an IO error the commit may be there: its files must stay.
    if (version.error().code == DeltaError::kConflict) drop_files(env, table.root(), adds);
    return std::unexpected(version.error());
  }
  result.version = *version;
  return result;
}

}  // namespace sluice::delta
