// Statistics of a data file: what DuckDB's COPY … RETURN_STATS says, as Delta's `stats` JSON.
// Readers skip files by it, so a bound is exact, on the safe side, or left out. Pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "types/data_type.h"

namespace sluice::delta {

// Of one Parquet column, in DuckDB's text form.
struct ColumnStats {
  std::optional<std::string> min;
  std::optional<std::string> max;
  std::optional<std::int64_t> null_count;
  bool has_nan = false;
};

// By column path as RETURN_STATS spells it: "a" or "s"."x", quoted.
using FileStats = std::map<std::string, ColumnStats, std::less<>>;

// `schema` without partition columns. The first `columns_max` leaf columns (−1: all).
std::string stats_json(const types::DataType& schema, std::int64_t records, const FileStats& stats,
                       int columns_max);

// One bound as JSON; nullopt: none for this type or value. Maxima of cut texts and of timestamps
// between two milliseconds are rounded up, minima down.
std::optional<std::string> min_json(const types::DataType& type, std::string_view text);
std::optional<std::string> max_json(const types::DataType& type, std::string_view text);

}  // namespace sluice::delta
