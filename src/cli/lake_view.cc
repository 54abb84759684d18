#include "cli/lake_view.h"

#include <fmt/format.h>

#include <ctime>

#include "base/clock.h"
#include "base/env.h"
#include "duck/duck.h"
#include "pipeline/lake.h"
#include "sparksql/sparksql.h"

namespace sluice::cli {
namespace {

constexpr std::int64_t kMemoryLimit = std::int64_t{2} << 30;

std::string readable(const types::DataType& type, std::string text) {
  if (type.kind() == types::TypeKind::kArray && type.element().is_numeric()) std::erase(text, '"');
  return text;
}

sparksql::TableName split_name(const std::string& name) {
  sparksql::TableName parts;
  for (std::size_t start = 0; start <= name.size();) {
    const std::size_t end = std::min(name.find('.', start), name.size());
    parts.push_back(name.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

}  // namespace

// The tables at snapshots that are taken anew for each statement.
class NewestTables final : public sparksql::Catalog {
 public:
  explicit NewestTables(const pipeline::Lake& lake) : lake_(lake) { renew(); }
  void renew() { current_.emplace(lake_); }
  std::optional<sparksql::Relation> find(const sparksql::TableName& name) const override {
    return current_->find(name);
  }
  std::vector<std::string> names() const override { return current_->names(); }

 private:
  const pipeline::Lake& lake_;
  std::optional<pipeline::LakeCatalog> current_;
};

// In the order of construction; each refers to those above it.
struct LakeView::Parts {
  Parts(const std::string& root, duck::Database db, duck::Connection c)
      : lake(base::posix_env(), base::system_clock(), root),
        database(std::move(db)),
        connection(std::move(c)),
        catalog(lake) {}

  pipeline::Lake lake;
  duck::Database database;
  duck::Connection connection;
  NewestTables catalog;
  std::unique_ptr<sparksql::Session> session;
};

LakeView::LakeView(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
LakeView::~LakeView() = default;

Outcome<std::unique_ptr<LakeView>> LakeView::open(const std::string& data_folder,
                                                  DataFolder folder) {
  if (folder == DataFolder::kMustExist && !base::posix_env().stat(data_folder))
    return std::unexpected(fmt::format("there is no data folder {}", data_folder));
  const std::string root = base::join_path(data_folder, "lake");
  duck::DatabaseOptions options;
  options.memory_limit_bytes = kMemoryLimit;
  options.allowed_directories = {root};
  auto database = duck::Database::open(options);
  if (!database) return std::unexpected(database.error().message);
  auto connection = database->connect();
  if (!connection) return std::unexpected(connection.error().message);
  auto parts = std::make_unique<Parts>(root, std::move(*database), std::move(*connection));
  auto session = sparksql::Session::open(parts->connection, parts->catalog);
  if (!session) return std::unexpected(session.error().to_string());
  parts->session = std::move(*session);
  return std::unique_ptr<LakeView>(new LakeView(std::move(parts)));
}

Outcome<std::vector<TableDetails>> LakeView::tables() {
  auto found = parts_->lake.list();
  if (!found) return std::unexpected(found.error().message);
  std::vector<TableDetails> all;
  for (const auto& table : *found) {
    auto details = this->details(table.schema + "." + table.name);
    if (!details) return std::unexpected(details.error());
    all.push_back(std::move(*details));
  }
  return all;
}

Outcome<TableDetails> LakeView::details(const std::string& name) {
  const auto found = parts_->lake.find(split_name(name));
  if (!found) return std::unexpected(fmt::format("there is no table {}", name));
  auto table = parts_->lake.open(*found);
  if (!table) return std::unexpected(table.error().message);
  auto snapshot = table->refresh();
  if (!snapshot) return std::unexpected(snapshot.error().message);
  TableDetails details;
  details.schema_name = found->schema;
  details.name = found->name;
  details.root = found->root;
  details.schema = (*snapshot)->metadata.schema;
  details.version = (*snapshot)->version();
  details.updated_ms = (*snapshot)->commit_ms;
  details.rows = 0;
  for (const auto& file : (*snapshot)->files) {
    ++details.files;
    details.bytes += file.size_bytes;
    const std::int64_t records = file.records();
    details.rows = records < 0 || details.rows < 0 ? -1 : details.rows + records;
  }
  return details;
}

Outcome<std::vector<delta::HistoryEntry>> LakeView::history(const std::string& name,
                                                            std::size_t count) {
  const auto found = parts_->lake.find(split_name(name));
  if (!found) return std::unexpected(fmt::format("there is no table {}", name));
  auto table = parts_->lake.open(*found);
  if (!table) return std::unexpected(table.error().message);
  auto entries = table->history(count);
  if (!entries) return std::unexpected(entries.error().message);
  return std::move(*entries);
}

Row readable_row(const types::DataType& schema, Row row) {
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (row[i]) row[i] = readable(*schema.fields()[i].type, std::move(*row[i]));
  }
  return row;
}

ResultTable empty_result(const types::DataType& schema) {
  ResultTable table;
  table.schema = schema;
  for (const auto& field : schema.fields())
    table.columns.push_back({field.name, field.type->is_numeric()});
  return table;
}

Outcome<ResultTable> LakeView::query(const std::string& sql) {
  const auto statements = sparksql::parse_statements(sql, "query");
  if (!statements) return std::unexpected(statements.error().to_string());
  if (statements->size() != 1) return std::unexpected(std::string("one query is expected"));
  auto rows = run(statements->front());
  if (!rows) return std::unexpected(rows.error().to_string());
  ResultTable table = empty_result(rows->schema());
  for (;;) {
    auto row = rows->next();
    if (!row) return std::unexpected(row.error().to_string());
    if (!*row) return table;
    table.rows.push_back(std::move(**row));
  }
}

sparksql::SqlResult<sparksql::RowReader> LakeView::run(const sparksql::Statement& statement) {
  parts_->catalog.renew();
  return parts_->session->run(statement);
}

int LakeView::run_json(const std::string& text, const std::string& file,
                       const std::function<void(std::string_view)>& emit) {
  parts_->catalog.renew();
  return parts_->session->run_text(text, file, emit);
}

std::string utc_text(std::int64_t ms) {
  const std::time_t seconds = ms / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02} UTC", parts.tm_year + 1900,
                     parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

std::string quoted_name(const std::string& name) {
  std::string text = "`";
  for (const char c : name)
    text.append(c == '`' ? 2 : 1, c);
  return text + '`';
}

}  // namespace sluice::cli
