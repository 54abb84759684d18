// Dates and timestamps as text by Spark's CAST rules (DateTimeUtils), without patterns.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sparksql/functions/calendar.h"

namespace sluice::sparksql {

// Days since 1970. "2020", "2020-1", "2020-1-2", "2020-01-02Tanything".
std::optional<std::int32_t> parse_date(std::string_view text);

// Microseconds since 1970 UTC. `zone` is for text that names none. A time alone means today: the
// one answer that depends on the clock.
std::optional<std::int64_t> parse_timestamp(std::string_view text, const TimeZone& zone);
// Without a zone: text that names one is refused where `allow_zone` is false, else the zone is
// passed over.
std::optional<std::int64_t> parse_timestamp_ntz(std::string_view text, bool allow_zone);

void append_date(std::string& out, std::int64_t days);
// yyyy-MM-dd HH:mm:ss and the fraction without closing zeros.
void append_timestamp_ntz(std::string& out, std::int64_t micros);
void append_timestamp(std::string& out, std::int64_t micros, const TimeZone& zone);

}  // namespace sluice::sparksql
