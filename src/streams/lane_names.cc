#include "streams/lane_names.h"

#include <fmt/core.h>

#include "base/sqlite.h"

namespace sluice::streams {
namespace {

constexpr std::string_view kShards =
    "SELECT s.lane, s.shard, t.account, t.region, t.name, t.retention_hours FROM streams_shards s "
    "JOIN streams_streams t ON t.incarnation = s.incarnation";

std::unexpected<base::Failure<StreamError>> unreadable(
    const std::string& path, const base::Failure<base::SqliteError>& error) {
  return base::fail(StreamError::kUnavailable, fmt::format("{}: {}", path, error.message));
}

}  // namespace

StreamResult<std::map<journal::LaneId, LaneName>> read_lane_names(const std::string& meta_path) {
  auto db = base::Sqlite::open(meta_path, base::Sqlite::Mode::kReadOnly);
  if (!db) return unreadable(meta_path, db.error());
  auto row = db->prepare(kShards);
  if (!row) return unreadable(meta_path, row.error());
  std::map<journal::LaneId, LaneName> out;
  for (;;) {
    const auto more = row->step();
    if (!more) return unreadable(meta_path, more.error());
    if (!*more) return out;
    out[journal::LaneId(static_cast<std::uint32_t>(row->int64(0)))] = {
        .stream = {.account = std::string(row->text(2)),
                   .region = std::string(row->text(3)),
                   .name = std::string(row->text(4))},
        .shard = shard_id(ShardIndex(static_cast<std::uint32_t>(row->int64(1)))),
        .retention_hours = row->int64(5)};
  }
}

}  // namespace sluice::streams
