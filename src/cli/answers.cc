#include "cli/answers.h"

#include <fmt/format.h>

#include <charconv>

#include "base/env.h"
#include "sparksql/sparksql.h"

namespace sluice::cli {
namespace {

constexpr std::uint64_t kFileBytesMax = std::uint64_t{16} << 20;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    lines.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return lines;
}

// The `--` lines right above line `number` (from 1).
std::string title_above(const std::vector<std::string>& lines, int number) {
  std::string title;
  for (auto at = static_cast<std::size_t>(number) - 1; at-- > 0 && lines[at].starts_with("--");) {
    const std::size_t start = lines[at].find_first_not_of("- ");
    const std::string line = start == std::string::npos ? "" : lines[at].substr(start);
    title = title.empty() ? line : line + " " + title;
  }
  return title;
}

}  // namespace

Outcome<std::vector<Question>> read_questions(const std::string& path) {
  auto text = base::read_file(base::posix_env(), path, kFileBytesMax);
  if (!text) return std::unexpected(text.error().message);
  auto statements = sparksql::parse_statements(*text, path);
  if (!statements) return std::unexpected(statements.error().to_string());
  const auto lines = lines_of(*text);
  std::vector<Question> questions;
  for (const auto& statement : *statements)
    questions.push_back({title_above(lines, statement.place.line), statement.text});
  return questions;
}

std::string format_chart(const ResultTable& table) {
  const auto& fields = table.schema.fields();
  std::size_t value_at = fields.size();
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].type->is_numeric()) value_at = i;
  }
  if (value_at == fields.size()) return "";
  std::vector<Bar> bars;
  for (const auto& row : table.rows) {
    Bar bar;
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i == value_at) continue;
      bar.label += (bar.label.empty() ? "" : ", ") + row[i].value_or("NULL");
    }
    bar.text = row[value_at].value_or("NULL");
    std::from_chars(bar.text.data(), bar.text.data() + bar.text.size(), bar.value);
    bars.push_back(std::move(bar));
  }
  return format_bars(bars);
}

}  // namespace sluice::cli
