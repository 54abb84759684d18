// A file of questions run over the tables: each statement with the comment above it as its title,
// the answer as a table and as bars. Used by the demo and by `sql --chart bar`.
#pragma once

#include <string>
#include <vector>

#include "cli/lake_view.h"

namespace sluice::cli {

struct Question {
  std::string title;  // the comment lines above the statement, joined; may be empty
  std::string sql;
};

// The statements of a file, in order. The error has file, line and column.
Outcome<std::vector<Question>> read_questions(const std::string& path);

// Bars of the last numeric column, labelled by the columns that are not numbers (or the first);
// empty when no column is a number.
std::string format_chart(const ResultTable& table);

}  // namespace sluice::cli
