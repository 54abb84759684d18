#include "feed/row_reader.h"

#include <fmt/core.h>
#include <sqlite3.h>

#include <map>

#include "base/json_writer.h"
#include "base/sqlite.h"

namespace sluice::feed {
namespace {

std::string quoted(const std::string& name) {
  std::string text = "\"";
  for (const char c : name)
    text.append(c == '"' ? 2 : 1, c);
  return text + '"';
}

bool is_date_time(const std::string& declared) {
  return declared.starts_with("DATETIME") || declared.starts_with("TIMESTAMP");
}

// 2015-10-24 11:23:51 → 2015-10-24T11:23:51; anything else stays as it is.
std::string iso_8601(std::string_view text) {
  std::string iso(text);
  if (iso.size() >= 19 && iso[4] == '-' && iso[7] == '-' && iso[10] == ' ') iso[10] = 'T';
  return iso;
}

void append_value(base::JsonWriter& json, const base::SqliteStatement& row, int at) {
  switch (row.type(at)) {
    case SQLITE_NULL:
      json.null();
      return;
    case SQLITE_INTEGER:
      json.value(row.int64(at));
      return;
    case SQLITE_FLOAT:
      json.value(row.real(at));
      return;
    default:
      break;
  }
  if (is_date_time(row.declared_type(at))) {
    json.value(iso_8601(row.text(at)));
  } else {
    json.value(row.text(at));
  }
}

class SqliteRows final : public RowReader {
 public:
  explicit SqliteRows(base::Sqlite db) : db_(std::move(db)) {}

  FeedResult<std::int64_t> count(const std::string& table) override {
    auto query = db_.prepare("SELECT count(*) FROM " + quoted(table));
    if (!query) return base::fail(FeedError::kSource, query.error().message);
    if (auto row = query->step(); !row) return base::fail(FeedError::kSource, row.error().message);
    return query->int64(0);
  }

  FeedResult<std::string> row_json(const std::string& table, std::int64_t number) override {
    auto found = statements_.find(table);
    if (found == statements_.end()) {
      auto query = db_.prepare(
          fmt::format("SELECT * FROM {} ORDER BY rowid LIMIT 1 OFFSET ?", quoted(table)));
      if (!query) return base::fail(FeedError::kSource, query.error().message);
      found = statements_.emplace(table, std::move(*query)).first;
    }
    base::SqliteStatement& query = found->second;
    query.reset();
    auto row = query.bind(0, number).step();
    if (!row) return base::fail(FeedError::kSource, row.error().message);
    if (!*row)
      return base::fail(FeedError::kSource, fmt::format("table {} has no row {}", table, number));
    std::string text;
    base::JsonWriter json(text);
    json.begin_object();
    for (int at = 0; at < query.column_count(); ++at) {
      json.key(query.column_name(at));
      append_value(json, query, at);
    }
    json.end_object();
    return text;
  }

 private:
  base::Sqlite db_;
  std::map<std::string, base::SqliteStatement> statements_;  // by table
};

}  // namespace

FeedResult<std::unique_ptr<RowReader>> open_rows(const std::string& source) {
  constexpr std::string_view kSqlite = "sqlite:";
  if (!source.starts_with(kSqlite)) {
    return base::fail(FeedError::kInvalid,
                      fmt::format("source {}: only sqlite:FILE is supported", source));
  }
  auto db = base::Sqlite::open(source.substr(kSqlite.size()), base::Sqlite::Mode::kReadOnly);
  if (!db) return base::fail(FeedError::kSource, db.error().message);
  return std::make_unique<SqliteRows>(std::move(*db));
}

}  // namespace sluice::feed
