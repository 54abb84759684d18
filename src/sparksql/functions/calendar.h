// Days, microseconds and time zones as java.time counts them (proleptic Gregorian). Zones come from
// the system's zone files; without them only UTC and fixed offsets are known.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::sparksql {

constexpr std::int64_t kMicrosPerSecond = 1'000'000;
constexpr std::int64_t kSecondsPerDay = 86'400;
constexpr std::int64_t kMicrosPerDay = kSecondsPerDay * kMicrosPerSecond;

struct CivilDate {
  std::int64_t year = 1970;
  int month = 1;
  int day = 1;
};

std::int64_t days_from_civil(std::int64_t year, int month, int day);
CivilDate civil_from_days(std::int64_t days);
int days_in_month(std::int64_t year, int month);
bool is_leap_year(std::int64_t year);
// nullopt: no such day, or a year beyond ±999,999,999.
std::optional<std::int64_t> checked_days(std::int64_t year, int month, int day);
constexpr std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  return a / b - ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0);
}
constexpr std::int64_t floor_mod(std::int64_t a, std::int64_t b) {
  return a - floor_div(a, b) * b;
}

class TimeZone {
 public:
  // ZoneId.of(id, SHORT_IDS) after Spark's own leniencies (+7:30, +07:3). null: unknown. Zones are
  // kept for the life of the process.
  static const TimeZone* find(std::string_view id);
  static const TimeZone& utc();

  const std::string& id() const { return id_; }
  // Seconds east of UTC.
  int offset_at(std::int64_t utc_seconds) const;
  // Local wall-clock seconds → UTC seconds; in a gap forward by its length, in an overlap the
  // earlier instant.
  std::int64_t to_utc(std::int64_t local_seconds) const;
  bool is_fixed() const { return transitions_.empty() && !rule_; }

  struct Transition {
    std::int64_t at;  // UTC seconds
    int offset;       // from then on
  };
  // The rule that a zone file ends with ("EST5EDT,M3.2.0,M11.1.0").
  struct Rule {
    struct Day {
      enum class Kind { kMonthWeek, kJulian, kZeroBased } kind = Kind::kMonthWeek;
      int month = 1, week = 1, weekday = 0, day = 0;
      int seconds = 7200;
    };
    int standard_offset = 0;
    int daylight_offset = 0;
    Day start, end;
  };
  TimeZone(std::string id, int first_offset, std::vector<Transition> transitions,
           std::optional<Rule> rule);

 private:
  int rule_offset(std::int64_t utc_seconds) const;

  std::string id_;
  int first_offset_;
  std::vector<Transition> transitions_;
  std::optional<Rule> rule_;
};

// Wall-clock microseconds of an instant in a zone, and back.
std::int64_t to_local_micros(std::int64_t utc_micros, const TimeZone& zone);
std::int64_t to_utc_micros(std::int64_t local_micros, const TimeZone& zone);

}  // namespace sluice::sparksql
