// Makers of Spark's errors: class, SQLSTATE and text in one place, for parser, analyzer and
// session.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sparksql/sparksql.h"

namespace sluice::sparksql {

SqlError make_error(std::string error_class, std::string sql_state, std::string message,
                    Stage stage, Place place);
// Spark takes it, this program does not (yet).
SqlError unsupported(std::string_view what, Stage stage, Place place);
// "`a`.`b c`", as Spark writes names in messages.
std::string quote_name(const std::vector<std::string>& parts);
// The names nearest to `wanted`, nearest first, at most five: [`a`, `b`].
std::string suggestions(std::string_view wanted, std::vector<std::string> names);

}  // namespace sluice::sparksql
