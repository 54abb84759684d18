#include "sparksql/functions/calendar.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <mutex>
#include <utility>

namespace sluice::sparksql {
namespace {

constexpr const char* kZoneFolder = "/usr/share/zoneinfo/";
constexpr std::size_t kMaxZoneFile = 1 << 20;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// ZoneOffset.of: Z, ±h, ±hh, ±hh:mm, ±hhmm, ±hh:mm:ss, ±hhmmss, at most 18 hours.
std::optional<int> parse_offset(std::string_view text) {
  if (text == "Z") return 0;
  if (text.size() < 2 || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  const bool negative = text[0] == '-';
  text.remove_prefix(1);
  int parts[3] = {0, 0, 0};
  const auto two = [&](std::size_t at, int& value) {
    if (at + 2 > text.size() || !is_digit(text[at]) || !is_digit(text[at + 1])) return false;
    value = (text[at] - '0') * 10 + (text[at + 1] - '0');
    return true;
  };
  bool good = false;
  switch (text.size()) {
    case 1:
      good = is_digit(text[0]);
      parts[0] = text[0] - '0';
      break;
    case 2:
      good = two(0, parts[0]);
      break;
    case 4:
      good = two(0, parts[0]) && two(2, parts[1]);
      break;
    case 5:
      good = two(0, parts[0]) && text[2] == ':' && two(3, parts[1]);
      break;
    case 6:
      good = two(0, parts[0]) && two(2, parts[1]) && two(4, parts[2]);
      break;
    case 8:
      good = two(0, parts[0]) && text[2] == ':' && two(3, parts[1]) && text[5] == ':' &&
             two(6, parts[2]);
      break;
    default:
      break;
  }
  if (!good || parts[1] > 59 || parts[2] > 59) return std::nullopt;
  const int total = parts[0] * 3600 + parts[1] * 60 + parts[2];
  if (total > 18 * 3600) return std::nullopt;
  return negative ? -total : total;
}

// Spark's getZoneId: "+7:30" → "+07:30", "+07:3" → "+07:03".
std::string widen_offset(std::string_view id) {
  std::string out(id);
  for (std::size_t i = 0; i + 2 < out.size(); ++i) {
    if ((out[i] == '+' || out[i] == '-') && is_digit(out[i + 1]) && out[i + 2] == ':') {
      out.insert(i + 1, "0");
      break;
    }
  }
  const std::size_t n = out.size();
  if (n >= 5 && (out[n - 5] == '+' || out[n - 5] == '-') && is_digit(out[n - 4]) &&
      is_digit(out[n - 3]) && out[n - 2] == ':' && is_digit(out[n - 1]))
    out.insert(n - 1, "0");
  return out;
}

// ZoneId.SHORT_IDS.
std::string_view short_id(std::string_view id) {
  static constexpr std::pair<std::string_view, std::string_view> kIds[] = {
      {"ACT", "Australia/Darwin"},
      {"AET", "Australia/Sydney"},
      {"AGT", "America/Argentina/Buenos_Aires"},
      {"ART", "Africa/Cairo"},
      {"AST", "America/Anchorage"},
      {"BET", "America/Sao_Paulo"},
      {"BST", "Asia/Dhaka"},
      {"CAT", "Africa/Harare"},
      {"CNT", "America/St_Johns"},
      {"CST", "America/Chicago"},
      {"CTT", "Asia/Shanghai"},
      {"EAT", "Africa/Addis_Ababa"},
      {"ECT", "Europe/Paris"},
      {"IET", "America/Indiana/Indianapolis"},
      {"IST", "Asia/Kolkata"},
      {"JST", "Asia/Tokyo"},
      {"MIT", "Pacific/Apia"},
      {"NET", "Asia/Yerevan"},
      {"NST", "Pacific/Auckland"},
      {"PLT", "Asia/Karachi"},
      {"PNT", "America/Phoenix"},
      {"PRT", "America/Puerto_Rico"},
      {"PST", "America/Los_Angeles"},
      {"SST", "Pacific/Guadalcanal"},
      {"VST", "Asia/Ho_Chi_Minh"},
      {"EST", "-05:00"},
      {"MST", "-07:00"},
      {"HST", "-10:00"}};
  for (const auto& [from, to] : kIds) {
    if (from == id) return to;
  }
  return id;
}

bool is_region_name(std::string_view id) {
  if (id.size() < 2 || id.size() > 64) return false;
  const auto letter = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); };
  if (!letter(id[0])) return false;
  for (const char c : id) {
    if (!letter(c) && !is_digit(c) && c != '~' && c != '/' && c != '_' && c != '+' && c != '-')
      return false;
  }
  return !id.starts_with("posix/") && !id.starts_with("right/") && id != "Factory" &&
         id != "localtime" && id != "posixrules" && id.find("//") == std::string_view::npos;
}

std::int64_t read_big_endian(std::string_view bytes, std::size_t at, int width) {
  std::uint64_t value = 0;
  for (int i = 0; i < width; ++i)
    value = value << 8 | static_cast<unsigned char>(bytes[at + static_cast<std::size_t>(i)]);
  if (width == 4) return static_cast<std::int32_t>(static_cast<std::uint32_t>(value));
  return static_cast<std::int64_t>(value);
}

// A POSIX TZ rule, as far as zone files have them.
class RuleParser {
 public:
  explicit RuleParser(std::string_view text) : text_(text) {}

  bool parse(TimeZone::Rule& rule, bool& has_daylight) {
    if (!name()) return false;
    if (!offset(rule.standard_offset)) return false;
    rule.standard_offset = -rule.standard_offset;
    has_daylight = at_ < text_.size();
    if (!has_daylight) return true;
    if (!name()) return false;
    rule.daylight_offset = rule.standard_offset + 3600;
    if (at_ < text_.size() && text_[at_] != ',') {
      if (!offset(rule.daylight_offset)) return false;
      rule.daylight_offset = -rule.daylight_offset;
    }
    return skip(',') && day(rule.start) && skip(',') && day(rule.end) && at_ == text_.size();
  }

 private:
  bool skip(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool name() {
    if (skip('<')) {
      while (at_ < text_.size() && text_[at_] != '>')
        ++at_;
      return skip('>');
    }
    const std::size_t start = at_;
    while (at_ < text_.size() && ((text_[at_] | 32) >= 'a' && (text_[at_] | 32) <= 'z'))
      ++at_;
    return at_ > start;
  }
  bool number(int& value) {
    const auto [end, error] =
        std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (error != std::errc()) return false;
    at_ = static_cast<std::size_t>(end - text_.data());
    return true;
  }
  bool offset(int& seconds) {
    int sign = 1;
    if (skip('-'))
      sign = -1;
    else
      skip('+');
    int parts[3] = {0, 0, 0};
    if (!number(parts[0])) return false;
    for (int i = 1; i < 3 && skip(':'); ++i) {
      if (!number(parts[i])) return false;
    }
    seconds = sign * (parts[0] * 3600 + parts[1] * 60 + parts[2]);
    return true;
  }
  bool day(TimeZone::Rule::Day& day) {
    using Kind = TimeZone::Rule::Day::Kind;
    if (skip('M')) {
      day.kind = Kind::kMonthWeek;
      if (!number(day.month) || !skip('.') || !number(day.week) || !skip('.') ||
          !number(day.weekday))
        return false;
    } else {
      day.kind = skip('J') ? Kind::kJulian : Kind::kZeroBased;
      if (!number(day.day)) return false;
    }
    if (skip('/')) return offset(day.seconds);
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

// Version 2 or 3 of the zone file format (RFC 8536): the block of 64-bit times.
std::unique_ptr<TimeZone> parse_zone_file(const std::string& id, std::string_view bytes) {
  constexpr std::size_t kHeader = 44;
  const auto count = [&](std::size_t header, int i) {
    return static_cast<std::size_t>(
        read_big_endian(bytes, header + 20 + static_cast<std::size_t>(i) * 4, 4));
  };
  const auto sane = [&](std::size_t header) {
    if (bytes.size() < header + kHeader || bytes.substr(header, 4) != "TZif") return false;
    for (int i = 0; i < 6; ++i) {
      if (count(header, i) > kMaxZoneFile) return false;
    }
    return true;
  };
  if (!sane(0) || bytes[4] < '2') return nullptr;
  const auto body_size = [&](std::size_t header, std::size_t time_size) {
    return count(header, 3) * (time_size + 1) + count(header, 4) * 6 + count(header, 5) +
           count(header, 2) * (time_size + 4) + count(header, 1) + count(header, 0);
  };
  const std::size_t second = kHeader + body_size(0, 4);
  if (!sane(second)) return nullptr;
  const std::size_t times = count(second, 3);
  const std::size_t types = count(second, 4);
  const std::size_t body = second + kHeader;
  const std::size_t footer = body + body_size(second, 8);
  if (footer > bytes.size() || types == 0) return nullptr;
  const std::size_t type_table = body + times * 9;
  const auto offset_of = [&](std::size_t type) {
    return static_cast<int>(read_big_endian(bytes, type_table + type * 6, 4));
  };
  std::vector<TimeZone::Transition> transitions;
  for (std::size_t i = 0; i < times; ++i) {
    const auto type = static_cast<unsigned char>(bytes[body + times * 8 + i]);
    if (type >= types) return nullptr;
    transitions.push_back({read_big_endian(bytes, body + i * 8, 8), offset_of(type)});
  }
  std::string_view tail = bytes.substr(footer);
  std::optional<TimeZone::Rule> rule;
  if (tail.size() > 2 && tail.front() == '\n') {
    tail.remove_prefix(1);
    tail = tail.substr(0, tail.find('\n'));
    TimeZone::Rule parsed;
    bool has_daylight = false;
    if (!tail.empty()) {
      if (!RuleParser(tail).parse(parsed, has_daylight)) return nullptr;
      if (has_daylight) rule = parsed;
    }
  }
  return std::make_unique<TimeZone>(id, offset_of(0), std::move(transitions), rule);
}

std::unique_ptr<TimeZone> load_region(const std::string& id) {
  if (!is_region_name(id)) return nullptr;
  std::ifstream file(kZoneFolder + id, std::ios::binary);
  if (!file) return nullptr;
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (bytes.size() > kMaxZoneFile) return nullptr;
  return parse_zone_file(id, bytes);
}

std::unique_ptr<TimeZone> fixed_zone(const std::string& id, int offset) {
  return std::make_unique<TimeZone>(id, offset, std::vector<TimeZone::Transition>(), std::nullopt);
}

std::unique_ptr<TimeZone> make_zone(std::string_view raw) {
  const std::string widened = widen_offset(raw);
  const std::string id(short_id(widened));
  if (id.empty()) return nullptr;
  if (id == "Z" || id[0] == '+' || id[0] == '-') {
    const auto offset = parse_offset(id);
    if (!offset) return nullptr;
    return fixed_zone(id, *offset);
  }
  for (const std::string_view prefix : {"UTC", "GMT", "UT"}) {
    if (!id.starts_with(prefix)) continue;
    if (id.size() == prefix.size()) return fixed_zone(id, 0);
    const char next = id[prefix.size()];
    if (next != '+' && next != '-') continue;
    const auto offset = parse_offset(std::string_view(id).substr(prefix.size()));
    if (!offset) return nullptr;
    return fixed_zone(id, *offset);
  }
  return load_region(id);
}

std::int64_t rule_day(const TimeZone::Rule::Day& day, std::int64_t year) {
  using Kind = TimeZone::Rule::Day::Kind;
  const std::int64_t january = days_from_civil(year, 1, 1);
  if (day.kind == Kind::kZeroBased) return january + day.day;
  if (day.kind == Kind::kJulian)
    return january + day.day - 1 + (is_leap_year(year) && day.day >= 60 ? 1 : 0);
  const std::int64_t first = days_from_civil(year, day.month, 1);
  const std::int64_t first_weekday = floor_mod(first + 4, 7);
  std::int64_t date = first + floor_mod(day.weekday - first_weekday, 7) + (day.week - 1) * 7;
  while (date >= first + days_in_month(year, day.month))
    date -= 7;
  return date;
}

}  // namespace

std::int64_t days_from_civil(std::int64_t year, int month, int day) {
  year -= month <= 2 ? 1 : 0;
  const std::int64_t era = floor_div(year, 400);
  const std::int64_t year_of_era = year - era * 400;
  const std::int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const std::int64_t day_of_era =
      year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

CivilDate civil_from_days(std::int64_t days) {
  days += 719468;
  const std::int64_t era = floor_div(days, 146097);
  const std::int64_t day_of_era = days - era * 146097;
  const std::int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const std::int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t shifted = (5 * day_of_year + 2) / 153;
  const int day = static_cast<int>(day_of_year - (153 * shifted + 2) / 5 + 1);
  const int month = static_cast<int>(shifted < 10 ? shifted + 3 : shifted - 9);
  return {year_of_era + era * 400 + (month <= 2 ? 1 : 0), month, day};
}

bool is_leap_year(std::int64_t year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int days_in_month(std::int64_t year, int month) {
  static constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap_year(year) ? 29 : kDays[month - 1];
}

std::optional<std::int64_t> checked_days(std::int64_t year, int month, int day) {
  if (year < -999'999'999 || year > 999'999'999 || month < 1 || month > 12 || day < 1 ||
      day > days_in_month(year, month))
    return std::nullopt;
  return days_from_civil(year, month, day);
}

TimeZone::TimeZone(std::string id, int first_offset, std::vector<Transition> transitions,
                   std::optional<Rule> rule)
    : id_(std::move(id)),
      first_offset_(first_offset),
      transitions_(std::move(transitions)),
      rule_(rule) {}

const TimeZone& TimeZone::utc() {
  static const TimeZone zone("UTC", 0, {}, std::nullopt);
  return zone;
}

const TimeZone* TimeZone::find(std::string_view id) {
  if (id == "UTC") return &utc();
  static std::mutex mutex;
  // Never emptied: ids are few. What is unknown is looked up again, so that a caller's bad ids
  // cannot fill it.
  static std::map<std::string, std::unique_ptr<TimeZone>, std::less<>> zones;
  const std::lock_guard lock(mutex);
  if (const auto found = zones.find(id); found != zones.end()) return found->second.get();
  auto zone = make_zone(id);
  if (zone == nullptr) return nullptr;
  return zones.emplace(std::string(id), std::move(zone)).first->second.get();
}

int TimeZone::rule_offset(std::int64_t utc_seconds) const {
  const std::int64_t year = civil_from_days(floor_div(utc_seconds, kSecondsPerDay)).year;
  // The offset before the year's first change holds at its start; look at three years' changes.
  int offset = rule_->standard_offset;
  std::int64_t best = std::numeric_limits<std::int64_t>::min();
  for (std::int64_t y = year - 1; y <= year + 1; ++y) {
    const std::int64_t start =
        rule_day(rule_->start, y) * kSecondsPerDay + rule_->start.seconds - rule_->standard_offset;
    const std::int64_t end =
        rule_day(rule_->end, y) * kSecondsPerDay + rule_->end.seconds - rule_->daylight_offset;
    if (start <= utc_seconds && start > best) {
      best = start;
      offset = rule_->daylight_offset;
    }
    if (end <= utc_seconds && end > best) {
      best = end;
      offset = rule_->standard_offset;
    }
  }
  return offset;
}

int TimeZone::offset_at(std::int64_t utc_seconds) const {
  if (rule_ && (transitions_.empty() || utc_seconds >= transitions_.back().at))
    return rule_offset(utc_seconds);
  const auto next =
      std::upper_bound(transitions_.begin(), transitions_.end(), utc_seconds,
                       [](std::int64_t at, const Transition& t) { return at < t.at; });
  return next == transitions_.begin() ? first_offset_ : std::prev(next)->offset;
}

std::int64_t TimeZone::to_utc(std::int64_t local_seconds) const {
  if (is_fixed()) return local_seconds - first_offset_;
  // A change of offset lies within a day of any instant that could be meant.
  const int before = offset_at(local_seconds - kSecondsPerDay);
  const int after = offset_at(local_seconds + kSecondsPerDay);
  if (offset_at(local_seconds - before) == before) return local_seconds - before;
  if (offset_at(local_seconds - after) == after) return local_seconds - after;
  return local_seconds - before;  // in a gap
}

std::int64_t to_local_micros(std::int64_t utc_micros, const TimeZone& zone) {
  return utc_micros + zone.offset_at(floor_div(utc_micros, kMicrosPerSecond)) * kMicrosPerSecond;
}

std::int64_t to_utc_micros(std::int64_t local_micros, const TimeZone& zone) {
  const std::int64_t seconds = floor_div(local_micros, kMicrosPerSecond);
  return local_micros - (seconds - zone.to_utc(seconds)) * kMicrosPerSecond;
}

}  // namespace sluice::sparksql
