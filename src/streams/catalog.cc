#include "streams/catalog.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "base/digest.h"

namespace sluice::streams {
namespace {

using base::SqliteStatement;
using base::SqliteTransaction;

constexpr std::string_view kSchemaVersion = "1";
// How long the creation second of a removed stream is remembered: longer than any clock step that
// could make a new stream of the same name look as old as the removed one.
constexpr std::int64_t kRemovedKeptMs = 24LL * 3'600'000;

constexpr const char* kSchema = R"(
CREATE TABLE IF NOT EXISTS streams_meta(
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS streams_streams(
  incarnation TEXT PRIMARY KEY,
  account TEXT NOT NULL,
  region TEXT NOT NULL,
  name TEXT NOT NULL,
  mode TEXT NOT NULL CHECK (mode IN ('ON_DEMAND', 'PROVISIONED')),
  created_ms INTEGER NOT NULL,
  retention_hours INTEGER NOT NULL,
  UNIQUE (account, region, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS streams_shards(
  incarnation TEXT NOT NULL REFERENCES streams_streams ON DELETE CASCADE,
  shard INTEGER NOT NULL,
  lane INTEGER NOT NULL UNIQUE,
  hash_first TEXT NOT NULL,
  hash_last TEXT NOT NULL,
  created_s INTEGER NOT NULL,
  parent INTEGER,
  adjacent_parent INTEGER,
  closed_at INTEGER,
  PRIMARY KEY (incarnation, shard)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS streams_expired(
  incarnation TEXT NOT NULL REFERENCES streams_streams ON DELETE CASCADE,
  shard INTEGER NOT NULL,
  below INTEGER NOT NULL,
  parent INTEGER,
  adjacent_parent INTEGER,
  PRIMARY KEY (incarnation, shard)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS streams_tags(
  incarnation TEXT NOT NULL REFERENCES streams_streams ON DELETE CASCADE,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (incarnation, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS streams_removed(
  account TEXT NOT NULL,
  region TEXT NOT NULL,
  name TEXT NOT NULL,
  created_s INTEGER NOT NULL,
  removed_ms INTEGER NOT NULL,
  PRIMARY KEY (account, region, name)) WITHOUT ROWID;
INSERT OR IGNORE INTO streams_meta VALUES ('schema', '1'), ('next_lane', '1');
)";

template <class T>
std::unexpected<base::Failure<StreamError>> down(const base::SqliteResult<T>& result) {
  return base::fail(StreamError::kUnavailable, fmt::format("meta.db: {}", result.error().message));
}

std::unexpected<base::Failure<StreamError>> broken(std::string_view what) {
  return base::fail(StreamError::kUnavailable, fmt::format("meta.db: {}", what));
}

std::string_view mode_text(StreamMode mode) {
  return mode == StreamMode::kOnDemand ? "ON_DEMAND" : "PROVISIONED";
}

template <class Id>
void bind_optional(SqliteStatement& statement, int at, const std::optional<Id>& id) {
  if (id) {
    statement.bind(at, static_cast<std::int64_t>((*id)()));
  } else {
    statement.bind_null(at);
  }
}

std::optional<ShardIndex> optional_shard(const SqliteStatement& row, int at) {
  if (row.is_null(at)) return std::nullopt;
  return ShardIndex(static_cast<std::uint32_t>(row.int64(at)));
}

// Runs a statement that gives no rows.
StreamResult<void> run(SqliteStatement& statement) {
  auto done = statement.step();
  if (!done) return down(done);
  statement.reset();
  return {};
}

int hex_digit(char c) {
  return c <= '9' ? c - '0' : c - 'a' + 10;
}

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes.push_back(static_cast<char>(hex_digit(hex[i]) << 4 | hex_digit(hex[i + 1])));
  return bytes;
}

}  // namespace

StreamResult<Catalog> Catalog::open(const std::string& path) {
  auto db = base::Sqlite::open(path, base::Sqlite::Mode::kMetadata);
  if (!db) return down(db);
  if (auto ok = db->execute(kSchema); !ok) return down(ok);
  auto version = db->prepare("SELECT value FROM streams_meta WHERE name = 'schema'");
  if (!version) return down(version);
  auto row = version->step();
  if (!row) return down(row);
  if (!*row || version->text(0) != kSchemaVersion)
    return broken(fmt::format("streams_meta names schema '{}', this program knows '{}'",
                              *row ? version->text(0) : "", kSchemaVersion));
  return Catalog(std::move(*db));
}

StreamResult<std::vector<Stream>> Catalog::load() {
  std::map<std::string, Stream> streams;  // by incarnation
  auto rows = db_.prepare(
      "SELECT incarnation, account, region, name, mode, created_ms, retention_hours "
      "FROM streams_streams");
  if (!rows) return down(rows);
  for (;;) {
    auto more = rows->step();
    if (!more) return down(more);
    if (!*more) break;
    Stream stream;
    stream.incarnation = rows->text(0);
    stream.key = {std::string(rows->text(1)), std::string(rows->text(2)),
                  std::string(rows->text(3))};
    stream.settings.mode =
        rows->text(4) == "ON_DEMAND" ? StreamMode::kOnDemand : StreamMode::kProvisioned;
    stream.created_ms = rows->int64(5);
    stream.settings.retention_hours = static_cast<int>(rows->int64(6));
    streams.emplace(stream.incarnation, std::move(stream));
  }
  if (auto ok = load_shards(streams); !ok) return std::unexpected(ok.error());
  if (auto ok = load_expired(streams); !ok) return std::unexpected(ok.error());
  if (auto ok = load_tags(streams); !ok) return std::unexpected(ok.error());
  std::vector<Stream> all;
  for (auto& [incarnation, stream] : streams) {
    if (stream.shards.empty())
      return broken(fmt::format("stream {} has no shards", stream.key.name));
    stream.index_shards();
    all.push_back(std::move(stream));
  }
  return all;
}

StreamResult<void> Catalog::load_shards(std::map<std::string, Stream>& streams) {
  auto rows = db_.prepare(
      "SELECT incarnation, shard, lane, hash_first, hash_last, created_s, parent, adjacent_parent, "
      "closed_at FROM streams_shards ORDER BY incarnation, shard");
  if (!rows) return down(rows);
  for (;;) {
    auto more = rows->step();
    if (!more) return down(more);
    if (!*more) return {};
    const auto stream = streams.find(std::string(rows->text(0)));
    const auto first = base::parse_decimal_u128(rows->text(3));
    const auto last = base::parse_decimal_u128(rows->text(4));
    if (stream == streams.end() || !first || !last)
      return broken(fmt::format("shard {} of {} is damaged", rows->int64(1), rows->text(0)));
    Shard shard;
    shard.index = ShardIndex(static_cast<std::uint32_t>(rows->int64(1)));
    shard.lane = journal::LaneId(static_cast<std::uint32_t>(rows->int64(2)));
    shard.hash_first = *first;
    shard.hash_last = *last;
    shard.created_s = rows->int64(5);
    shard.parent = optional_shard(*rows, 6);
    shard.adjacent_parent = optional_shard(*rows, 7);
    if (!rows->is_null(8))
      shard.closed_at = journal::Index(static_cast<std::uint64_t>(rows->int64(8)));
    stream->second.shards.push_back(shard);
  }
}

StreamResult<void> Catalog::load_expired(std::map<std::string, Stream>& streams) {
  auto rows = db_.prepare(
      "SELECT incarnation, shard, below, parent, adjacent_parent FROM streams_expired "
      "ORDER BY incarnation, shard");
  if (!rows) return down(rows);
  for (;;) {
    auto more = rows->step();
    if (!more) return down(more);
    if (!*more) return {};
    const auto stream = streams.find(std::string(rows->text(0)));
    if (stream == streams.end()) return broken("an expired shard of no stream");
    const ShardIndex index(static_cast<std::uint32_t>(rows->int64(1)));
    const journal::Index below(static_cast<std::uint64_t>(rows->int64(2)));
    auto& shards = stream->second.shards;
    const auto shard = std::ranges::find(shards, index, &Shard::index);
    if (shard != shards.end()) {
      shard->expired_below = below;
    } else {
      stream->second.gone.push_back(
          {index, optional_shard(*rows, 3), optional_shard(*rows, 4), below});
    }
  }
}

StreamResult<void> Catalog::load_tags(std::map<std::string, Stream>& streams) {
  auto rows = db_.prepare("SELECT incarnation, key, value FROM streams_tags");
  if (!rows) return down(rows);
  for (;;) {
    auto more = rows->step();
    if (!more) return down(more);
    if (!*more) return {};
    const auto stream = streams.find(std::string(rows->text(0)));
    if (stream == streams.end()) return broken("a tag of no stream");
    stream->second.settings.tags.emplace(rows->text(1), rows->text(2));
  }
}

StreamResult<std::optional<std::int64_t>> Catalog::number(std::string_view name) {
  auto row = db_.prepare("SELECT CAST(value AS INTEGER) FROM streams_meta WHERE name = ?");
  if (!row) return down(row);
  row->bind(0, name);
  auto there = row->step();
  if (!there) return down(there);
  return *there ? std::optional(row->int64(0)) : std::nullopt;
}

StreamResult<std::uint32_t> Catalog::next_lane() {
  auto lane = number("next_lane");
  if (!lane) return std::unexpected(lane.error());
  if (!*lane) return broken("no next_lane");
  return static_cast<std::uint32_t>(**lane);
}

StreamResult<JournalMark> Catalog::journal_mark() {
  auto frames = number("journal_frames");
  if (!frames) return std::unexpected(frames.error());
  auto floor = number("index_floor");
  if (!floor) return std::unexpected(floor.error());
  return JournalMark{.frames = static_cast<std::uint64_t>(frames->value_or(0)),
                     .index_floor = static_cast<std::uint64_t>(floor->value_or(1))};
}

StreamResult<void> Catalog::set_journal_mark(const JournalMark& mark) {
  auto row = db_.prepare(
      "INSERT OR REPLACE INTO streams_meta VALUES ('journal_frames', ?), ('index_floor', ?)");
  if (!row) return down(row);
  row->bind(0, fmt::format("{}", mark.frames)).bind(1, fmt::format("{}", mark.index_floor));
  return run(*row);
}

StreamResult<void> Catalog::insert(Stream& stream) {
  auto transaction = SqliteTransaction::begin(db_);
  if (!transaction) return down(transaction);
  auto row = db_.prepare("INSERT INTO streams_streams VALUES (?, ?, ?, ?, ?, ?, ?)");
  if (!row) return down(row);
  row->bind(0, stream.incarnation).bind(1, stream.key.account).bind(2, stream.key.region);
  row->bind(3, stream.key.name).bind(4, mode_text(stream.settings.mode));
  row->bind(5, stream.created_ms).bind(6, std::int64_t{stream.settings.retention_hours});
  if (auto ok = run(*row); !ok) return ok;
  if (auto ok = insert_shards(stream, 0); !ok) return ok;
  if (auto ok = write_tags(stream); !ok) return ok;
  auto committed = transaction->commit();
  if (!committed) return down(committed);
  return {};
}

StreamResult<void> Catalog::reshape(const Stream& before, Stream& next) {
  auto transaction = SqliteTransaction::begin(db_);
  if (!transaction) return down(transaction);
  auto close =
      db_.prepare("UPDATE streams_shards SET closed_at = ? WHERE incarnation = ? AND shard = ?");
  if (!close) return down(close);
  for (std::size_t i = 0; i < before.shards.size(); ++i) {
    const Shard& shard = next.shards[i];
    if (shard.open() || !before.shards[i].open()) continue;
    close->bind(0, static_cast<std::int64_t>((*shard.closed_at)()));
    close->bind(1, next.incarnation).bind(2, std::int64_t{shard.index()});
    if (auto ok = run(*close); !ok) return ok;
  }
  if (auto ok = insert_shards(next, before.shards.size()); !ok) return ok;
  auto committed = transaction->commit();
  if (!committed) return down(committed);
  return {};
}

StreamResult<void> Catalog::insert_shards(Stream& stream, std::size_t from) {
  auto lane = next_lane();
  if (!lane) return std::unexpected(lane.error());
  auto row = db_.prepare("INSERT INTO streams_shards VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
  if (!row) return down(row);
  for (Shard& shard : std::span(stream.shards).subspan(from)) {
    shard.lane = journal::LaneId((*lane)++);
    row->bind(0, stream.incarnation).bind(1, std::int64_t{shard.index()});
    row->bind(2, std::int64_t{shard.lane()}).bind(3, base::to_decimal(shard.hash_first));
    row->bind(4, base::to_decimal(shard.hash_last)).bind(5, shard.created_s);
    bind_optional(*row, 6, shard.parent);
    bind_optional(*row, 7, shard.adjacent_parent);
    bind_optional(*row, 8, shard.closed_at);
    if (auto ok = run(*row); !ok) return ok;
  }
  auto next = db_.prepare("UPDATE streams_meta SET value = ? WHERE name = 'next_lane'");
  if (!next) return down(next);
  next->bind(0, fmt::format("{}", *lane));
  return run(*next);
}

StreamResult<void> Catalog::write_tags(const Stream& stream) {
  auto clear = db_.prepare("DELETE FROM streams_tags WHERE incarnation = ?");
  if (!clear) return down(clear);
  clear->bind(0, stream.incarnation);
  if (auto ok = run(*clear); !ok) return ok;
  auto row = db_.prepare("INSERT INTO streams_tags VALUES (?, ?, ?)");
  if (!row) return down(row);
  for (const auto& [key, value] : stream.settings.tags) {
    row->bind(0, stream.incarnation).bind(1, key).bind(2, value);
    if (auto ok = run(*row); !ok) return ok;
  }
  return {};
}

StreamResult<void> Catalog::update_settings(const Stream& stream) {
  auto transaction = SqliteTransaction::begin(db_);
  if (!transaction) return down(transaction);
  auto row =
      db_.prepare("UPDATE streams_streams SET mode = ?, retention_hours = ? WHERE incarnation = ?");
  if (!row) return down(row);
  row->bind(0, mode_text(stream.settings.mode));
  row->bind(1, std::int64_t{stream.settings.retention_hours}).bind(2, stream.incarnation);
  if (auto ok = run(*row); !ok) return ok;
  if (auto ok = write_tags(stream); !ok) return ok;
  auto committed = transaction->commit();
  if (!committed) return down(committed);
  return {};
}

StreamResult<void> Catalog::expire(const Stream& before, const Stream& next) {
  auto transaction = SqliteTransaction::begin(db_);
  if (!transaction) return down(transaction);
  auto note = db_.prepare("INSERT OR REPLACE INTO streams_expired VALUES (?, ?, ?, ?, ?)");
  if (!note) return down(note);
  auto remove = db_.prepare("DELETE FROM streams_shards WHERE incarnation = ? AND shard = ?");
  if (!remove) return down(remove);
  for (const Shard& was : before.shards) {
    const Shard* shard = next.find(was.index);
    if (shard != nullptr && shard->expired_below == was.expired_below) continue;
    const journal::Index below = shard != nullptr ? shard->expired_below : *was.closed_at;
    note->bind(0, next.incarnation).bind(1, std::int64_t{was.index()});
    note->bind(2, static_cast<std::int64_t>(below()));
    bind_optional(*note, 3, was.parent);
    bind_optional(*note, 4, was.adjacent_parent);
    if (auto ok = run(*note); !ok) return ok;
    if (shard != nullptr) continue;
    remove->bind(0, next.incarnation).bind(1, std::int64_t{was.index()});
    if (auto ok = run(*remove); !ok) return ok;
  }
  if (!next.gone.empty()) {
    auto forget = db_.prepare(
        "DELETE FROM streams_expired WHERE incarnation = ?1 AND shard < ?2 AND NOT EXISTS "
        "(SELECT 1 FROM streams_shards s WHERE s.incarnation = ?1 AND s.shard = "
        "streams_expired.shard)");
    if (!forget) return down(forget);
    forget->bind(0, next.incarnation).bind(1, std::int64_t{next.gone.front().index()});
    if (auto ok = run(*forget); !ok) return ok;
  }
  auto committed = transaction->commit();
  if (!committed) return down(committed);
  return {};
}

StreamResult<void> Catalog::remove(const Stream& stream, std::int64_t now_ms) {
  auto transaction = SqliteTransaction::begin(db_);
  if (!transaction) return down(transaction);
  auto row = db_.prepare("DELETE FROM streams_streams WHERE incarnation = ?");
  if (!row) return down(row);
  row->bind(0, stream.incarnation);
  if (auto ok = run(*row); !ok) return ok;
  auto forget = db_.prepare("DELETE FROM streams_removed WHERE removed_ms < ?");
  if (!forget) return down(forget);
  forget->bind(0, now_ms - kRemovedKeptMs);
  if (auto ok = run(*forget); !ok) return ok;
  auto remember = db_.prepare("INSERT OR REPLACE INTO streams_removed VALUES (?, ?, ?, ?, ?)");
  if (!remember) return down(remember);
  remember->bind(0, stream.key.account).bind(1, stream.key.region).bind(2, stream.key.name);
  const std::int64_t created_s =
      std::ranges::max_element(stream.shards, {}, &Shard::created_s)->created_s;
  remember->bind(3, created_s).bind(4, now_ms);
  if (auto ok = run(*remember); !ok) return ok;
  auto committed = transaction->commit();
  if (!committed) return down(committed);
  return {};
}

StreamResult<std::int64_t> Catalog::removed_created_s(const StreamKey& key) {
  auto row = db_.prepare(
      "SELECT created_s FROM streams_removed WHERE account = ? AND region = ? AND name = ?");
  if (!row) return down(row);
  row->bind(0, key.account).bind(1, key.region).bind(2, key.name);
  auto there = row->step();
  if (!there) return down(there);
  return *there ? row->int64(0) : 0;
}

StreamResult<std::string> Catalog::secret(const std::string& name, std::size_t bytes,
                                          base::Random& random) {
  std::string fresh;
  while (fresh.size() < bytes) {
    const std::uint64_t word = random.next();
    fresh.append(reinterpret_cast<const char*>(&word), sizeof word);
  }
  fresh.resize(bytes);
  auto insert = db_.prepare("INSERT OR IGNORE INTO streams_meta VALUES (?, ?)");
  if (!insert) return down(insert);
  insert->bind(0, name).bind(1, base::to_hex(fresh));
  if (auto ok = run(*insert); !ok) return std::unexpected(ok.error());
  auto row = db_.prepare("SELECT value FROM streams_meta WHERE name = ?");
  if (!row) return down(row);
  row->bind(0, name);
  auto there = row->step();
  if (!there) return down(there);
  const std::string kept = *there ? from_hex(row->text(0)) : "";
  if (kept.size() != bytes) return broken(fmt::format("the secret {} is damaged", name));
  return kept;
}

}  // namespace sluice::streams
