// What the demo's three tables must hold, computed in plain C++ from the rows that were posted. It
// shares no code with the streams, Spark SQL or Delta, so that an error of theirs shows.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "cli/text_table.h"
#include "feed/row_reader.h"

namespace sluice::cli {

enum class DemoTable { kPin, kGeo, kUser };

// The cleaned form (walkthrough, step 5) of the distinct rows among those posted: one Row a table
// row, values as Spark prints them, columns in the table's order. `posted`: row numbers of the
// source's table.
feed::FeedResult<std::vector<Row>> expected_rows(feed::RowReader& source, DemoTable table,
                                                 const std::set<std::int64_t>& posted);

struct Difference {
  std::vector<Row> missing;     // expected, not in the table
  std::vector<Row> unexpected;  // in the table, not expected
  bool none() const { return missing.empty() && unexpected.empty(); }
};

// As multisets.
Difference compare_rows(std::vector<Row> expected, std::vector<Row> actual);

// A follower text as the pipeline cleans it: 124k → 124000, 5M → 5000000, anything else that is no
// INT → NULL.
Cell clean_follower_count(const std::string& text);
// As Java prints a double: 10.0, -89.9787, 5.0E-4.
std::string java_double(double value);

}  // namespace sluice::cli
