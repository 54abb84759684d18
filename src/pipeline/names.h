// Names as Spark resolves them: catalog.schema.table, without regard to case. Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "sparksql/sparksql.h"

namespace sluice::pipeline {

inline constexpr std::string_view kDefaultCatalog = "spark_catalog";
inline constexpr std::string_view kDefaultSchema = "default";

// ASCII letters only, as names of folders must not depend on a library's tables.
std::string lower_ascii(std::string_view text);
bool equal_names(std::string_view a, std::string_view b);

// Three parts, whatever is missing filled in.
sparksql::TableName full_name(const sparksql::TableName& name, const std::string& catalog,
                              const std::string& schema);
// For maps: parts in lower case.
sparksql::TableName name_key(const sparksql::TableName& full);
std::string dotted(const sparksql::TableName& name);  // c.d.t, as Spark's log lines have it
std::string quoted(const sparksql::TableName& name);  // `c`.`d`.`t`, as its errors have it

// A folder's name for a schema or table: lower case; what is not a letter, a digit, `_` or `-` as
// %XX.
std::string encode_name(std::string_view name);
std::string decode_name(std::string_view folder);

}  // namespace sluice::pipeline
