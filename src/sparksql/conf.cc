// The settings of a session.
#include <chrono>

#include "base/clock.h"
#include "sparksql/analyzer.h"
#include "sparksql/error.h"

namespace sluice::sparksql {

namespace {

// Settings that change what a query means, with the one value that is taken: Spark's default.
bool changes_meaning(const std::string& name, const std::string& value) {
  static const std::map<std::string, std::string> kDefaults = {
      {"spark.sql.orderbyordinal", "true"},
      {"spark.sql.prioritizeordinalresolutioninsort.enabled", "true"},
      {"spark.sql.groupbyordinal", "true"},
      {"spark.sql.groupbyaliases", "true"},
      {"spark.sql.casesensitive", "false"},
      {"spark.sql.parser.escapedstringliterals", "false"},
      {"spark.sql.ansi.doublequotedidentifiers", "false"},
      {"spark.sql.ansi.enforcereservedkeywords", "false"}};
  const auto found = kDefaults.find(name);
  return name.starts_with("spark.sql.legacy.") ||
         (found != kDefaults.end() && found->second != value);
}

}  // namespace

SqlResult<void> SessionConf::set(const std::string& key, const std::string& value) {
  const std::string name = lower_case(key);
  if (name == "spark.sql.ansi.enabled") {
    const std::string flag = lower_case(value);
    if (flag != "true" && flag != "false") {
      return std::unexpected(make_error("INVALID_CONF_VALUE.TYPE_MISMATCH", "22022",
                                        "The value '" + value + "' in the config \"" + key +
                                            "\" is invalid. It should be boolean.",
                                        Stage::kAnalysis, {}));
    }
    ansi = flag == "true";
  } else if (name == "spark.sql.session.timezone") {
    const bool good = !value.empty() && value.size() < 64 &&
                      value.find_first_not_of(
                          "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                          "0123456789_/+-:") == std::string::npos;
    if (!good) {
      return std::unexpected(make_error("INVALID_CONF_VALUE.TIME_ZONE", "22022",
                                        "The value '" + value + "' in the config \"" + key +
                                            "\" is invalid. Cannot resolve the given timezone.",
                                        Stage::kAnalysis, {}));
    }
    time_zone = value;
  } else if (changes_meaning(name, lower_case(value))) {
    return std::unexpected(unsupported("the setting " + key + " = " + value, Stage::kAnalysis, {}));
  } else {
    other[key] = value;
  }
  return {};
}

std::int64_t Analyzer::now_us() {
  if (!now_us_) {
    now_us_ = conf_.now_us.value_or(base::system_clock().now_ms() * 1000);
  }
  return *now_us_;
}

}  // namespace sluice::sparksql
