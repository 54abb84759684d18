// Java's DateTimeFormatter patterns as Spark 4 uses them (timeParserPolicy CORRECTED): the common
// letters; a pattern with any other letter is refused when it is compiled, with its reason.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sparksql/functions/calendar.h"

namespace sluice::sparksql {

class DateTimeFormat {
 public:
  // The error is a whole message `[CLASS] text SQLSTATE: x`.
  static std::expected<DateTimeFormat, std::string> compile(std::string_view pattern,
                                                            bool for_parsing);

  // An empty text, or why this value cannot be printed (zone names other than UTC are not known).
  std::string format(std::string& out, std::int64_t utc_micros, const TimeZone& zone) const;

  // Microseconds UTC; text without a zone is local to `zone`.
  std::optional<std::int64_t> parse_timestamp(std::string_view text, const TimeZone& zone) const;
  // Wall-clock microseconds; a zone in the text is read and passed over.
  std::optional<std::int64_t> parse_local(std::string_view text) const;
  std::optional<std::int32_t> parse_date(std::string_view text) const;

  struct Item {
    enum class Kind { kLiteral, kField, kOptionalStart, kOptionalEnd } kind = Kind::kLiteral;
    std::string text = {};  // of a literal
    char letter = 0;        // of a field
    int width = 0;          // how often the letter stands
    int reserved = 0;       // digits that fixed fields right behind keep for themselves
  };

 private:
  std::vector<Item> items_;
};

}  // namespace sluice::sparksql
