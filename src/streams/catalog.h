// Streams and shards in SQLite (tables streams_*, docs/formats/meta.md): what must outlive the
// process besides the records. Called by the engine alone, one call at a time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/sqlite.h"
#include "streams/journal_mark.h"
#include "streams/streams.h"

namespace sluice::streams {

class Catalog {
 public:
  // Makes the tables if they are not there. `path`: the data folder's meta.db, or ":memory:".
  static StreamResult<Catalog> open(const std::string& path);

  StreamResult<std::vector<Stream>> load();
  // Numbers `count` lanes that were never used before, in the transaction that stores the stream.
  // Fills in the shards' lanes.
  StreamResult<void> insert(Stream& stream);
  StreamResult<void> update_settings(const Stream& stream);
  // Stores which shards of `before` are closed in `next`, and those behind them as new, with lanes.
  StreamResult<void> reshape(const Stream& before, Stream& next);
  // Stores how far the shards of `before` have expired in `next`, and which of them are gone.
  StreamResult<void> expire(const Stream& before, const Stream& next);
  StreamResult<void> remove(const Stream& stream, std::int64_t now_ms);
  // One past the highest lane ever given out.
  StreamResult<std::uint32_t> next_lane();
  // When the newest stream of that name, now removed, was made; 0: none that is remembered.
  StreamResult<std::int64_t> removed_created_s(const StreamKey& key);
  StreamResult<JournalMark> journal_mark();
  StreamResult<void> set_journal_mark(const JournalMark& mark);
  // A secret of `bytes` bytes under `name`, made by `random` the first time.
  StreamResult<std::string> secret(const std::string& name, std::size_t bytes,
                                   base::Random& random);

 private:
  explicit Catalog(base::Sqlite db) : db_(std::move(db)) {}
  StreamResult<std::optional<std::int64_t>> number(std::string_view name);  // of streams_meta
  StreamResult<void> insert_shards(Stream& stream, std::size_t from);
  StreamResult<void> write_tags(const Stream& stream);
  StreamResult<void> load_shards(std::map<std::string, Stream>& streams);
  StreamResult<void> load_expired(std::map<std::string, Stream>& streams);
  StreamResult<void> load_tags(std::map<std::string, Stream>& streams);

  base::Sqlite db_;
};

}  // namespace sluice::streams
