// delta_tables FOLDER: writes one table for each thing that other readers must understand, and
// beside it `<table>.rows.json`, the rows it must have, made from the source queries and not from
// the table. tests/interop/delta_readers.py compares the two.
#include <fmt/core.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <functional>

#include "delta/delta.h"

namespace {

using namespace sluice;
using types::DataType;
using types::TypeKind;

template <class T>
auto must(T result) {
  if (!result) {
    fmt::print(stderr, "delta_tables: {}\n", result.error().message);
    std::exit(1);
  }
  if constexpr (!std::is_void_v<typename T::value_type>) return std::move(*result);
}

// A value in the form that the script brings every reader's values to.
std::string plain(const DataType& type, const std::string& e) {
  switch (type.kind()) {
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampNtz:
      return fmt::format("epoch_us({})", e);
    case TypeKind::kDate:
    case TypeKind::kDecimal:
      return fmt::format("CAST({} AS VARCHAR)", e);
    case TypeKind::kBinary:
      return fmt::format("lower(hex({}))", e);
    case TypeKind::kFloat:
    case TypeKind::kDouble:
      return fmt::format("'f:' || CAST(CAST({} AS DOUBLE) AS VARCHAR)", e);
    case TypeKind::kArray:
      return fmt::format("[{} for x in {}]", plain(type.element(), "x"), e);
    case TypeKind::kMap:
      return fmt::format("[{{'key': {}, 'value': {}}} for x in map_entries({})]",
                         plain(type.key(), "x.key"), plain(type.value(), "x.value"), e);
    case TypeKind::kStruct: {
      std::string members;
      for (const auto& field : type.fields()) {
        const auto name = duck::quote_identifier(field.name);
        members += fmt::format("{}{}: {}", members.empty() ? "" : ", ", name,
                               plain(*field.type, e + "." + name));
      }
      return fmt::format("CASE WHEN {} IS NULL THEN NULL ELSE {{{}}} END", e, members);
    }
    default:
      return e;
  }
}

class Maker {
 public:
  explicit Maker(std::string folder)
      : folder_(std::move(folder)),
        database_(must(duck::Database::open(options(folder_)))),
        engine_(must(database_.connect())) {}

  struct Made {
    delta::Table table;
    std::vector<std::string> sources;
  };

  Made create(const std::string& name, std::vector<types::Field> fields,
              std::vector<std::string> partition_columns = {}) {
    delta::Metadata metadata;
    metadata.schema = DataType::structure(std::move(fields));
    metadata.partition_columns = std::move(partition_columns);
    return {must(delta::Table::create(env_, clock_, path(name), metadata)), {}};
  }

  void append(Made& made, const std::string& sql, const std::string& app_id = "") {
    const auto snapshot = must(made.table.refresh());
    const auto& metadata = snapshot->metadata;
    delta::Transaction transaction;
    transaction.adds = must(delta::write_files(engine_, env_, made.table.root(), sql,
                                               metadata.schema, delta::write_options(metadata)));
    transaction.info.operation = "STREAMING UPDATE";
    transaction.info.parameters = {{"outputMode", "Append"}, {"queryId", app_id}, {"epochId", "0"}};
    transaction.info.extra = {{"sluice", R"({"batch":1,"shards":[]})"}};
    transaction.info.blind_append = true;
    if (!app_id.empty())
      transaction.txns = {{app_id, snapshot->txn_version(app_id) + 1, clock_.now_ms()}};
    must(made.table.commit(*snapshot, std::move(transaction)));
    must(made.table.maybe_checkpoint());
    made.sources.push_back(sql);
  }

  void add_columns(Made& made, std::vector<types::Field> fields) {
    const auto snapshot = must(made.table.refresh());
    auto merged = must(
        delta::merge_schema(snapshot->metadata.schema, DataType::structure(std::move(fields))));
    delta::Transaction transaction;
    transaction.metadata = snapshot->metadata;
    transaction.metadata->schema = merged.schema;
    transaction.info.operation = "ADD COLUMNS";
    must(made.table.commit(*snapshot, std::move(transaction)));
  }

  // The rows that a reader must find, one JSON object a line.
  void finish(Made& made, const std::string& name) {
    const auto snapshot = must(made.table.refresh());
    const auto& schema = snapshot->metadata.schema;
    std::string all;
    std::string nothing;
    std::string columns;
    for (const auto& field : schema.fields()) {
      const auto column = duck::quote_identifier(field.name);
      nothing += fmt::format("{}CAST(NULL AS {}) AS {}", nothing.empty() ? "" : ", ",
                             field.type->to_duckdb(), column);
      columns += fmt::format(
          "{}{} AS {}", columns.empty() ? "" : ", ",
          plain(*field.type, "CAST(" + column + " AS " + field.type->to_duckdb() + ")"), column);
    }
    all = "SELECT " + nothing + " WHERE false";
    for (const auto& source : made.sources)
      all += " UNION ALL BY NAME SELECT * FROM (" + source + ")";
    must(engine_.execute(fmt::format("COPY (SELECT {} FROM ({})) TO {} (FORMAT json)", columns, all,
                                     duck::quote_text(path(name) + ".rows.json"))));
    // And what we read ourselves.
    const auto scan = must(delta::scan_sql(made.table.root(), *snapshot));
    must(engine_.execute(fmt::format("COPY (SELECT {} FROM {}) TO {} (FORMAT json)", columns, scan,
                                     duck::quote_text(path(name) + ".own.json"))));
  }

  void read(const std::string& name) {
    auto table = must(delta::Table::open(env_, clock_, path(name)));
    const auto snapshot = must(table.refresh());
    std::string columns;
    for (const auto& field : snapshot->metadata.schema.fields()) {
      const auto column = duck::quote_identifier(field.name);
      columns += fmt::format("{}{} AS {}", columns.empty() ? "" : ", ", plain(*field.type, column),
                             column);
    }
    must(engine_.execute(fmt::format("COPY (SELECT {} FROM {}) TO {} (FORMAT json)", columns,
                                     must(delta::scan_sql(table.root(), *snapshot)),
                                     duck::quote_text(path(name) + ".own.json"))));
  }

  void optimize(Made& made) {
    const auto result =
        must(delta::optimize(engine_, env_, clock_, made.table, std::int64_t{128} << 20));
    if (!result.version) {
      fmt::print(stderr, "delta_tables: nothing to optimize\n");
      std::exit(1);
    }
  }

  // As log cleanup leaves a table: the commits before a checkpoint gone.
  void drop_commits(Made& made, int before) {
    for (int version = 0; version < before; ++version)
      must(env_.remove(fmt::format("{}/_delta_log/{:020d}.json", made.table.root(), version)));
  }

  std::string path(const std::string& name) const { return folder_ + "/" + name; }

 private:
  static duck::DatabaseOptions options(const std::string& folder) {
    duck::DatabaseOptions options;
    options.allowed_directories = {folder};
    return options;
  }

  base::Env& env_ = base::posix_env();
  base::Clock& clock_ = base::system_clock();
  std::string folder_;
  duck::Database database_;
  duck::Connection engine_;
};

types::Field field(const std::string& name, TypeKind kind) {
  return types::make_field(name, DataType::of(kind));
}

std::vector<types::Field> all_types() {
  std::vector<types::Field> fields = {field("id", TypeKind::kLong),
                                      field("flag", TypeKind::kBoolean),
                                      field("tiny", TypeKind::kByte),
                                      field("small", TypeKind::kShort),
                                      field("number", TypeKind::kInt),
                                      field("ratio", TypeKind::kFloat),
                                      field("amount", TypeKind::kDouble),
                                      types::make_field("price", DataType::decimal(12, 2)),
                                      types::make_field("huge", DataType::decimal(38, 10)),
                                      field("text", TypeKind::kString),
                                      field("bytes", TypeKind::kBinary),
                                      field("day", TypeKind::kDate),
                                      field("at", TypeKind::kTimestamp)};
  fields.push_back(types::make_field("list", DataType::array(DataType::of(TypeKind::kDouble))));
  fields.push_back(types::make_field(
      "m", DataType::map(DataType::of(TypeKind::kString), DataType::of(TypeKind::kInt))));
  fields.push_back(types::make_field(
      "nested",
      DataType::structure(
          {field("a", TypeKind::kInt),
           types::make_field("inner", DataType::structure({field("name", TypeKind::kString)}))})));
  return fields;
}

constexpr const char* kTypesSql = R"sql(
SELECT * FROM (VALUES
 (1, true, -128, -32768, -2147483648, 1.5::FLOAT, 2.25::DOUBLE, 1.10, 12345678901234567890.0123456789::DECIMAL(38,10), 'Côte d''Ivoire', 'ab'::BLOB,
  DATE '2020-02-29', TIMESTAMPTZ '2020-08-28 03:52:47.123456+00', [1.5::DOUBLE, NULL, -0.0], MAP{'k': 1, 'l': NULL},
  {'a': 1, 'inner': {'name': 'é🎈"\'}}),
 (2, false, 127, 32767, 2147483647, 'NaN', 'NaN', -1.10, -1, 'two
lines	tab', '\x00\xFF'::BLOB, DATE '1969-12-31', TIMESTAMPTZ '1969-12-31 23:59:59.999999+00', [], MAP{}, {'a': NULL, 'inner': NULL}),
 (3, NULL, NULL, NULL, NULL, '-inf', 'inf', NULL, NULL, '', ''::BLOB, DATE '0001-01-01', TIMESTAMPTZ '9999-12-31 23:59:59.999999+00',
  ['NaN'::DOUBLE], NULL, {'a': 3, 'inner': {'name': NULL}}),
 (4, NULL, NULL, NULL, NULL, NULL, 5e-324, NULL, NULL, repeat('ÿ', 31) || repeat('z', 40), NULL, NULL, NULL, NULL, NULL, NULL),
 (9223372036854775807, NULL, NULL, NULL, NULL, NULL, -1.7976931348623157e308, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)
) t(id, flag, tiny, small, number, ratio, amount, price, huge, text, bytes, day, "at", list, m, nested))sql";

void make_types(Maker& maker) {
  auto made = maker.create("types", all_types());
  maker.append(made, kTypesSql, "app");
  maker.append(made, fmt::format("SELECT * FROM ({}) WHERE false", kTypesSql));
  maker.append(made, fmt::format("SELECT * FROM ({}) WHERE id = 4", kTypesSql), "app");
  maker.finish(made, "types");
}

void make_partitioned(Maker& maker) {
  auto made = maker.create("partitioned",
                           {field("id", TypeKind::kInt), field("text", TypeKind::kString),
                            field("day", TypeKind::kDate), field("at", TypeKind::kTimestamp),
                            field("n", TypeKind::kLong), field("value", TypeKind::kString)},
                           {"text", "day", "at", "n"});
  maker.append(made, R"sql(SELECT * FROM (VALUES
    (1, 'plain', DATE '2024-01-31', TIMESTAMPTZ '2024-01-31 10:00:00+00', 7, 'a'),
    (2, 'a/b c%=é+#?*[x]''"', DATE '2024-01-31', TIMESTAMPTZ '2024-01-31 10:00:00.000001+00', -7, 'b'),
    (3, NULL, NULL, NULL, NULL, 'c'),
    (4, 'plain', DATE '2024-01-31', TIMESTAMPTZ '2024-01-31 10:00:00+00', 7, NULL),
    (5, 'dots..', DATE '1969-07-20', TIMESTAMPTZ '1969-07-20 20:17:40.5+00', 0, ''),
    (6, repeat('long', 40), DATE '1969-07-20', NULL, 0, 'f')
    ) t(id, text, day, "at", n, value))sql");
  maker.append(made,
               "SELECT i AS id, 'p' || (i % 7) AS text, DATE '2024-01-01' AS day, "
               "TIMESTAMPTZ '2024-01-01 00:00:00+00' AS \"at\", i % 3 AS n, 'v' || i AS value "
               "FROM range(100, 1100) r(i)");
  maker.finish(made, "partitioned");
}

// A value that is too long for a folder's name: its file lies in the table's folder itself.
void make_long_partition(Maker& maker) {
  auto made = maker.create(
      "long_partition", {field("id", TypeKind::kInt), field("text", TypeKind::kString)}, {"text"});
  maker.append(made, "SELECT 1 AS id, 'short' AS text UNION ALL SELECT 2, repeat('long', 80)");
  maker.finish(made, "long_partition");
}

// Many commits, a checkpoint, the commits before it gone.
void make_checkpointed(Maker& maker) {
  auto made = maker.create("checkpointed",
                           {field("id", TypeKind::kLong), field("text", TypeKind::kString)});
  for (int i = 0; i < 23; ++i)
    maker.append(made,
                 fmt::format("SELECT {0}*10 + i AS id, 'row ' || i AS text FROM range(10) r(i)", i),
                 "sluice:checkpointed:1");
  maker.drop_commits(made, 20);
  maker.finish(made, "checkpointed");
}

void make_optimized(Maker& maker) {
  auto made = maker.create(
      "optimized", {field("id", TypeKind::kLong), field("part", TypeKind::kString)}, {"part"});
  for (int i = 0; i < 8; ++i)
    maker.append(made, fmt::format("SELECT {0}*100 + i AS id, CASE i % 3 WHEN 0 THEN 'a' WHEN 1 "
                                   "THEN 'b' END AS part FROM range(100) r(i)",
                                   i));
  maker.optimize(made);
  maker.append(made, "SELECT 100000 AS id, 'late' AS part");
  maker.append(made, "SELECT 100001 AS id, 'late' AS part");  // version 11, after a checkpoint
  maker.finish(made, "optimized");
}

void make_evolved(Maker& maker) {
  auto made = maker.create("evolved", {field("id", TypeKind::kLong)});
  maker.append(made, "SELECT 1 AS id UNION ALL SELECT 2");
  maker.add_columns(made, {field("ID", TypeKind::kLong), field("added", TypeKind::kString)});
  maker.append(made, "SELECT 3 AS id, 'three' AS added");
  maker.finish(made, "evolved");
}

void make_wall_clock(Maker& maker) {
  auto made = maker.create("wall_clock",
                           {field("id", TypeKind::kLong), field("at", TypeKind::kTimestampNtz)});
  maker.append(made,
               "SELECT 1 AS id, TIMESTAMP '2024-03-31 02:30:00.25' AS \"at\" UNION ALL "
               "SELECT 2, NULL");
  maker.finish(made, "wall_clock");
}

void make_empty(Maker& maker) {
  auto made = maker.create("empty", all_types());
  maker.finish(made, "empty");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 4 && std::string_view(argv[1]) == "--read") {
    Maker(std::filesystem::absolute(argv[2]).string()).read(argv[3]);
    return 0;
  }
  if (argc != 2) {
    fmt::print(stderr, "usage: delta_tables FOLDER | delta_tables --read FOLDER TABLE\n");
    return 2;
  }
  Maker maker(std::filesystem::absolute(argv[1]).string());
  make_types(maker);
  make_partitioned(maker);
  make_long_partition(maker);
  make_checkpointed(maker);
  make_optimized(maker);
  make_evolved(maker);
  make_wall_clock(maker);
  make_empty(maker);
  return 0;
}
