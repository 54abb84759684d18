// A table's page as text: shared by `tables describe` and the demo.
#pragma once

#include <string>

#include "cli/lake_view.h"

namespace sluice::cli {

Outcome<ResultTable> table_sample(LakeView& lake, const TableDetails& table, std::size_t rows);
std::vector<Row> readable_rows(const ResultTable& table);
std::string format_details(const TableDetails& table, const ResultTable& sample);

}  // namespace sluice::cli
