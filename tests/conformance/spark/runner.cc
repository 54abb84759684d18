// Compares Sluice with what Apache Spark 4.2 answered, case by case (README.md beside this file).
// Equal: the same schema and rows, or an error where Spark has one at the same stage or later.
// Refused: we say before running that we do not take it. Anything else is DIFFERENT and fails.
#include <fmt/format.h>

#include <boost/json.hpp>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "duck/duck.h"
#include "sparksql/session.h"

namespace sluice::sparksql {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

class NoTables final : public Catalog {
 public:
  std::optional<Relation> find(const TableName&) const override { return std::nullopt; }
  std::vector<std::string> names() const override { return {}; }
};

enum class Verdict { kEqual, kRefused, kDifferent };

struct Outcome {
  Verdict verdict = Verdict::kDifferent;
  std::string detail;
};

using Rows = std::vector<RowReader::Row>;

// A cell as the recorded row has it, as the text that as_text_query gives.
std::optional<std::string> cell_text(const json::value& cell) {
  if (cell.is_null()) {
    return std::nullopt;
  }
  return cell.is_string() ? std::string(cell.as_string()) : json::serialize(cell);
}

bool is_real(const types::DataType& type) {
  return type.kind() == types::TypeKind::kDouble || type.kind() == types::TypeKind::kFloat;
}

bool same_number(const std::string& left, const std::string& right, bool approx) {
  if (left == right) {
    return true;
  }
  const double a = std::strtod(left.c_str(), nullptr);
  const double b = std::strtod(right.c_str(), nullptr);
  const double tolerance = approx ? 1e-9 * std::max(std::abs(a), std::abs(b)) : 0.0;
  return std::abs(a - b) <= tolerance && !std::isnan(a) && !std::isnan(b);
}

bool same_nested(const json::value& left, const json::value& right, const types::DataType& type,
                 bool approx) {
  if (left.is_null() || right.is_null()) {
    return left.is_null() && right.is_null();
  }
  if (left.is_string() || right.is_string()) {
    if (!left.is_string() || !right.is_string()) {
      return false;
    }
    return is_real(type)
               ? same_number(std::string(left.as_string()), std::string(right.as_string()), approx)
               : left == right;
  }
  const auto& a = left.as_array();
  const auto& b = right.as_array();
  if (a.size() != b.size()) {
    return false;
  }
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (type.kind() == types::TypeKind::kMap) {
      if (!same_nested(a[i].as_array()[0], b[i].as_array()[0], type.key(), approx) ||
          !same_nested(a[i].as_array()[1], b[i].as_array()[1], type.value(), approx)) {
        return false;
      }
    } else if (!same_nested(a[i], b[i],
                            type.kind() == types::TypeKind::kStruct ? *type.fields()[i].type
                                                                    : type.element(),
                            approx)) {
      return false;
    }
  }
  return true;
}

bool same_cell(const std::optional<std::string>& left, const std::optional<std::string>& right,
               const types::DataType& type, bool approx) {
  if (!left || !right) {
    return left.has_value() == right.has_value();
  }
  switch (type.kind()) {
    case types::TypeKind::kDouble:
    case types::TypeKind::kFloat:
      return same_number(*left, *right, approx);
    case types::TypeKind::kArray:
    case types::TypeKind::kMap:
    case types::TypeKind::kStruct: {
      boost::system::error_code a;
      boost::system::error_code b;
      const json::value x = json::parse(*left, a);
      const json::value y = json::parse(*right, b);
      return !a && !b && same_nested(x, y, type, approx);
    }
    default:
      return *left == *right;
  }
}

bool same_row(const RowReader::Row& left, const RowReader::Row& right,
              const types::DataType& schema, bool approx) {
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (!same_cell(left[i], right[i], *schema.fields()[i].type, approx)) {
      return false;
    }
  }
  return left.size() == right.size();
}

std::string print(const Rows& rows) {
  std::string out;
  for (std::size_t i = 0; i < rows.size() && i < 4; ++i) {
    out += "[";
    for (const auto& cell : rows[i]) {
      out += (cell ? *cell : "NULL") + "|";
    }
    out += "] ";
  }
  return fmt::format("{} rows {}", rows.size(), out.substr(0, 500));
}

bool same_rows(Rows left, const Rows& right, const types::DataType& schema, bool ordered,
               bool approx) {
  if (left.size() != right.size()) {
    return false;
  }
  if (ordered) {
    bool in_order = true;
    for (std::size_t i = 0; i < left.size() && in_order; ++i) {
      in_order = same_row(left[i], right[i], schema, approx);
    }
    // Rows equal in every sort key may swap; the keys are not known here, so a multiset must do
    // when the first attempt fails, but then the order is said to differ.
    return in_order;
  }
  for (const auto& wanted : right) {
    const auto found = std::ranges::find_if(
        left, [&](const auto& row) { return same_row(row, wanted, schema, approx); });
    if (found == left.end()) {
      return false;
    }
    left.erase(found);
  }
  return true;
}

int stage_rank(std::string_view stage) {
  return stage == "parse" ? 0 : stage == "analysis" ? 1 : 2;
}

Outcome error_outcome(const SqlError& error, const json::object& test) {
  if (error.error_class == "UNSUPPORTED_BY_SLUICE") {
    return {Verdict::kRefused, error.message};
  }
  const bool internal =
      error.error_class == "INTERNAL_ERROR" || error.error_class == "EXECUTION_ERROR";
  if (internal || !test.contains("error")) {
    return {Verdict::kDifferent, "error instead of rows: " + error.to_string()};
  }
  const auto& expected = test.at("error").as_object();
  const int wanted = stage_rank(expected.at("stage").as_string());
  if (static_cast<int>(error.stage) > wanted) {
    return {Verdict::kDifferent, "a later stage than Spark's: " + error.to_string()};
  }
  return {Verdict::kEqual, error.error_class};
}

class Runner {
 public:
  explicit Runner(bool verbose) : verbose_(verbose) {}

  Outcome run_case(duck::Connection& connection, const json::object& test) {
    SessionConf conf;
    for (const auto& [key, value] : test.at("conf").as_object()) {
      if (auto set = conf.set(std::string(key), std::string(value.as_string())); !set) {
        return {Verdict::kRefused, set.error().message};
      }
    }
    auto session = Session::open(connection, tables_, conf);
    if (!session) {
      return {Verdict::kDifferent, session.error().to_string()};
    }
    if (test.contains("setup")) {
      for (const auto& statement : test.at("setup").as_array()) {
        if (auto done = run_one(**session, std::string(statement.as_string())); !done) {
          return error_outcome(done.error(), test);
        }
      }
    }
    auto reader = run_one(**session, std::string(test.at("sql").as_string()));
    if (!reader) {
      return error_outcome(reader.error(), test);
    }
    Rows rows;
    while (true) {
      auto row = reader->next();
      if (!row) {
        return error_outcome(row.error(), test);
      }
      if (!*row) {
        break;
      }
      rows.push_back(std::move(**row));
    }
    return compare(*reader, rows, test);
  }

 private:
  static SqlResult<RowReader> run_one(Session& session, const std::string& text) {
    auto statements = parse_statements(text, "");
    if (!statements) {
      return std::unexpected(statements.error());
    }
    SqlResult<RowReader> last = RowReader();
    for (const auto& statement : *statements) {
      last = session.run(statement);
      if (!last) {
        return last;
      }
    }
    return last;
  }

  static Outcome compare(const RowReader& reader, const Rows& rows, const json::object& test) {
    if (test.contains("error")) {
      return {Verdict::kDifferent,
              "rows instead of " +
                  std::string(test.at("error").as_object().at("class").as_string()) + ": " +
                  print(rows)};
    }
    const std::string wanted_schema(test.at("schema").as_string());
    const std::string schema = reader.schema().to_ddl();
    if (schema != wanted_schema) {
      return {Verdict::kDifferent, "schema " + schema + " instead of " + wanted_schema};
    }
    Rows wanted;
    for (const auto& row : test.at("rows").as_array()) {
      RowReader::Row cells;
      for (const auto& cell : row.as_array()) {
        cells.push_back(cell_text(cell));
      }
      wanted.push_back(std::move(cells));
    }
    const bool approx = test.contains("approx") && test.at("approx").as_bool();
    const bool ordered = test.contains("ordered") && test.at("ordered").as_bool();
    if (same_rows(rows, wanted, reader.schema(), ordered, approx)) {
      return {Verdict::kEqual, {}};
    }
    return {Verdict::kDifferent, print(rows) + " instead of " + print(wanted)};
  }

  NoTables tables_;
  bool verbose_;
};

struct Counts {
  int equal = 0;
  int refused = 0;
  int different = 0;
};

int run_file(const fs::path& path, bool verbose, bool whole) {
  duck::DatabaseOptions options;
  options.threads = 1;
  auto database = duck::Database::open(options);
  if (!database) {
    std::cerr << database.error().message << "\n";
    return 1;
  }
  auto connection = database->connect();
  if (!connection) {
    std::cerr << connection.error().message << "\n";
    return 1;
  }
  std::map<std::string, Counts> groups;
  Counts total;
  std::ifstream in(path);
  Runner runner(verbose);
  for (std::string line; std::getline(in, line);) {
    const json::object test = json::parse(line).as_object();
    std::vector<json::object> variants{test};
    if (test.contains("both_modes") && test.at("both_modes").as_bool()) {
      json::object legacy = test;
      json::object& conf = legacy["conf"].as_object();
      conf["spark.sql.ansi.enabled"] =
          conf.contains("spark.sql.ansi.enabled") && conf["spark.sql.ansi.enabled"] == "false"
              ? "true"
              : "false";
      variants.push_back(std::move(legacy));
    }
    Outcome worst{Verdict::kEqual, {}};
    for (const auto& variant : variants) {
      Outcome outcome = runner.run_case(*connection, variant);
      if (outcome.verdict > worst.verdict) {
        worst = std::move(outcome);
      }
    }
    Counts& group = groups[std::string(test.at("group").as_string())];
    for (Counts* counts : {&group, &total}) {
      ++(worst.verdict == Verdict::kEqual     ? counts->equal
         : worst.verdict == Verdict::kRefused ? counts->refused
                                              : counts->different);
    }
    const bool show = worst.verdict == Verdict::kDifferent ||
                      (worst.verdict == Verdict::kRefused && (verbose || whole));
    if (show) {
      std::cout << (worst.verdict == Verdict::kDifferent ? "DIFFERENT " : "refused ")
                << test.at("id").as_string() << "\n    "
                << test.at("sql").as_string().subview(0, 300) << "\n    " << worst.detail << "\n";
    }
  }
  for (const auto& [name, counts] : groups) {
    std::cout << fmt::format("  {:<40} {:>5} equal {:>5} refused {:>5} different\n", name,
                             counts.equal, counts.refused, counts.different);
  }
  std::cout << fmt::format("{}: {} equal, {} refused, {} different\n", path.filename().string(),
                           total.equal, total.refused, total.different);
  return total.different > 0 || (whole && total.refused > 0) ? 1 : 0;
}

int main_(int argc, char** argv) {
  bool verbose = false;
  std::set<std::string> only;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--verbose") {
      verbose = true;
    } else {
      only.insert(argv[i]);
    }
  }
  const char* environment = std::getenv("SLUICE_VECTORS");
  std::vector<fs::path> folders{fs::path(SLUICE_SOURCE_DIR) / "tests/conformance/spark/vectors"};
  const fs::path more = environment != nullptr
                            ? fs::path(environment) / "spark"
                            : fs::path(SLUICE_SOURCE_DIR) / "../shared/conformance/spark";
  if (fs::exists(more)) {
    folders.push_back(more);
  } else {
    std::cout << "No further vectors at " << more.string()
              << " (SLUICE_VECTORS names another folder): only those of this repository are run.\n";
  }
  int failed = 0;
  std::set<std::string> done;
  for (const auto& folder : folders) {
    std::set<fs::path> files;
    for (const auto& entry : fs::directory_iterator(folder)) {
      files.insert(entry.path());
    }
    for (const auto& file : files) {
      const std::string name = file.stem().string();
      if (file.extension() != ".jsonl" || !done.insert(name).second ||
          (!only.empty() && !only.contains(name))) {
        continue;
      }
      failed |= run_file(file, verbose, name.starts_with("walkthrough-"));
    }
  }
  return failed;
}

}  // namespace
}  // namespace sluice::sparksql

int main(int argc, char** argv) {
  return sluice::sparksql::main_(argc, argv);
}
