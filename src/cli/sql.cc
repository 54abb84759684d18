// sluice sql: Spark SQL over the tables of the data folder.
#include <editline/readline.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <optional>
#include <system_error>

#include "base/env.h"
#include "cli/answers.h"
#include "cli/arguments.h"
#include "cli/interrupt.h"
#include "cli/lake_view.h"
#include "cli/text_table.h"

namespace sluice::cli {
namespace {

constexpr std::uint64_t kTextBytesMax = std::uint64_t{64} << 20;
constexpr std::size_t kShownRowsMax =
    10'000;  // of a table printed for people; JSON and CSV print all

// As fmt::print: throws what main() turns into words, or into a quiet end.
void write_out(std::string_view text) {
  fmt::print("{}", text);
}

void flush_out() {
  if (std::fflush(stdout) != 0)
    throw std::system_error(errno, std::generic_category(), "standard output");
}

std::string csv_field(const Cell& cell) {
  if (!cell) return "";
  if (!cell->empty() && cell->find_first_of("\",\r\n") == std::string::npos) return *cell;
  std::string quoted = "\"";
  for (const char c : *cell)
    quoted.append(c == '"' ? 2 : 1, c);
  return quoted + '"';
}

class Shell {
 public:
  Shell(LakeView& lake, const SqlArguments& arguments) : lake_(lake), arguments_(arguments) {}

  // How many statements failed.
  int run_text(const std::string& text, const std::string& file) {
    if (arguments_.where.json) return lake_.run_json(text, file, write_out);
    int failed = 0;
    for (const auto& statement : sparksql::parse_statements_leniently(text, file)) {
      if (!statement) {
        complain(statement.error().to_string());
        ++failed;
        continue;
      }
      failed += run_statement(*statement) ? 0 : 1;
    }
    flush_out();
    return failed;
  }

 private:
  bool run_statement(const sparksql::Statement& statement) {
    auto rows = lake_.run(statement);
    if (!rows) {
      complain(rows.error().to_string());
      return false;
    }
    if (rows->schema().fields().empty()) return true;  // SET, CREATE VIEW
    return arguments_.csv ? print_csv(*rows) : print_table(*rows);
  }

  static bool print_csv(sparksql::RowReader& rows) {
    std::string line;
    for (const auto& field : rows.schema().fields())
      line += (line.empty() ? "" : ",") + csv_field(field.name);
    write_out(line + "\n");
    for (;;) {
      auto row = rows.next();
      if (!row) {
        complain(row.error().to_string());
        return false;
      }
      if (!*row) return true;
      line.clear();
      for (std::size_t i = 0; i < (*row)->size(); ++i)
        line += (i == 0 ? "" : ",") + csv_field((**row)[i]);
      write_out(line + "\n");
    }
  }

  bool print_table(sparksql::RowReader& rows) const {
    ResultTable table = empty_result(rows.schema());
    std::size_t left_out = 0;
    for (;;) {
      auto row = rows.next();
      if (!row) {
        complain(row.error().to_string());
        return false;
      }
      if (!*row) break;
      if (table.rows.size() < kShownRowsMax) {
        table.rows.push_back(readable_row(rows.schema(), std::move(**row)));
      } else {
        ++left_out;
      }
    }
    write_out(format_table(table.columns, table.rows));
    write_out(fmt::format("({})\n",
                          counted(static_cast<std::int64_t>(table.rows.size() + left_out), "row")));
    if (left_out > 0)
      write_out(fmt::format("({} more rows not shown; --csv or --json prints all)\n",
                            with_commas(static_cast<std::int64_t>(left_out))));
    if (arguments_.chart == "bar") write_out("\n" + format_chart(table));
    return true;
  }

  LakeView& lake_;
  const SqlArguments& arguments_;
};

// A statement may take several lines; it runs at the line that ends with ';'.
int interactive(Shell& shell, const std::string& history_path) {
  using_history();
  read_history(history_path.c_str());  // absent at first
  fmt::print(
      "Spark SQL over the tables of the data folder. A statement ends with ';'; Ctrl-D leaves.\n");
  std::string text;
  while (char* line = readline(text.empty() ? "sql> " : "  -> ")) {
    text += line;
    text += '\n';
    std::free(line);
    const auto last = text.find_last_not_of(" \t\n");
    if (last == std::string::npos) {
      text.clear();
    } else if (text[last] == ';') {
      add_history(text.substr(0, last + 1).c_str());
      shell.run_text(text, "input");
      text.clear();
    }
  }
  write_history(history_path.c_str());
  fmt::print("\n");
  return 0;
}

Outcome<std::string> read_input(const std::string& file) {
  if (file == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  auto text = base::read_file(base::posix_env(), file, kTextBytesMax);
  if (!text) return std::unexpected(text.error().message);
  return std::move(*text);
}

}  // namespace

int run(const SqlArguments& arguments) {
  auto lake = LakeView::open(arguments.where.data, DataFolder::kMayBeAbsent);
  if (!lake) return complain(lake.error());
  Shell shell(**lake, arguments);
  int failed = 0;
  if (!arguments.file.empty()) {
    auto text = read_input(arguments.file);
    if (!text) return complain(text.error());
    failed += shell.run_text(*text, arguments.file);
  }
  for (const auto& statement : arguments.execute)
    failed += shell.run_text(statement, "-e");
  if (!arguments.file.empty() || !arguments.execute.empty()) return failed == 0 ? 0 : 1;
  if (isatty(STDIN_FILENO) != 0)
    return interactive(shell, base::join_path(arguments.where.data, ".sql_history"));
  auto text = read_input("-");
  return shell.run_text(*text, "standard input") == 0 ? 0 : 1;
}

}  // namespace sluice::cli
