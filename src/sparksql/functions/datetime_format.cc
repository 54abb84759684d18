#include "sparksql/functions/datetime_format.h"

#include <algorithm>
#include <array>
#include <limits>

#include "sparksql/functions/java_number.h"
#include "sparksql/functions/unicode.h"

namespace sluice::sparksql {
namespace {

using Item = DateTimeFormat::Item;

constexpr std::array<const char*, 12> kMonths = {"January",   "February", "March",    "April",
                                                 "May",       "June",     "July",     "August",
                                                 "September", "October",  "November", "December"};
constexpr std::array<const char*, 7> kWeekdays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                  "Thursday", "Friday", "Saturday"};
constexpr std::size_t kMaxPattern = 1000;

std::string unrecognized(std::string_view pattern) {
  return "[INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION] You may get a "
         "different result due to the upgrading to Spark >= 3.0: Fail to recognize '" +
         std::string(pattern) +
         "' pattern in the DateTimeFormatter. 1) You can set \"spark.sql.legacy.timeParserPolicy\" "
         "to \"LEGACY\" to restore the behavior before Spark 3.0. 2) You can form a valid datetime "
         "pattern with the guide from "
         "'https://spark.apache.org/docs/latest/sql-ref-datetime-pattern.html'. SQLSTATE: 42K0B";
}

std::string unsupported(std::string_view pattern, char letter) {
  return "[UNSUPPORTED_BY_SLUICE] The datetime pattern '" + std::string(pattern) +
         "' has the letter '" + std::string(1, letter) + "', which is not implemented. SQLSTATE: ";
}

// Whether Spark 3 and later takes the letter so often. Text styles of five letters are refused.
bool is_allowed(char letter, int width, bool for_parsing) {
  switch (letter) {
    case 'y':
      return width <= 6;
    case 'G':
    case 'M':
    case 'L':
    case 'z':
      return width <= 4;
    case 'E':
    case 'Q':
    case 'q':
      return width <= 4 && !for_parsing;
    case 'F':
      return width == 1 && !for_parsing;
    case 'd':
    case 'h':
    case 'H':
    case 'k':
    case 'K':
    case 'm':
    case 's':
      return width <= 2;
    case 'D':
      return width <= 3;
    case 'S':
      return width <= 9;
    case 'a':
      return width == 1;
    case 'V':
      return width == 2;
    case 'X':
    case 'x':
    case 'Z':
      return width <= 5;
    case 'O':
      return width == 1 || width == 4;
    default:
      return false;
  }
}

bool is_number(const Item& item) {
  if (item.kind != Item::Kind::kField) return false;
  if (item.letter == 'M' || item.letter == 'L') return item.width <= 2;
  return std::string_view("yDdhHkKmsS").find(item.letter) != std::string_view::npos;
}

// Digits a fixed-width number takes; zero: not fixed.
int fixed_width(const Item& item) {
  if (!is_number(item)) return 0;
  if (item.letter == 'y') return item.width == 2 ? 2 : 0;
  if (item.letter == 'S' || item.letter == 'D') return 0;
  return item.width == 2 ? 2 : 0;
}

void append_padded(std::string& out, std::int64_t value, int width) {
  const std::string digits = std::to_string(value < 0 ? -value : value);
  if (value < 0) out += '-';
  if (static_cast<int>(digits.size()) < width)
    out.append(static_cast<std::size_t>(width) - digits.size(), '0');
  out += digits;
}

void append_year(std::string& out, std::int64_t year, int width) {
  if (width == 2) return append_padded(out, floor_mod(year, 100), 2);
  if (width >= 4 && year > 0 && static_cast<int>(std::to_string(year).size()) > width) out += '+';
  append_padded(out, year, width);
}

// ±hh[mm[ss]] with or without colons, as the letters X, x and Z want it.
void append_offset(std::string& out, int offset, char letter, int width) {
  const bool zulu = letter == 'X' || (letter == 'Z' && width == 5);
  if (offset == 0 && zulu) {
    out += 'Z';
    return;
  }
  if (letter == 'O' || (letter == 'Z' && width == 4)) {
    out += "GMT";
    if (offset == 0) return;
  }
  const int all = offset < 0 ? -offset : offset;
  const int hours = all / 3600;
  const int minutes = all / 60 % 60;
  const int seconds = all % 60;
  out += offset < 0 ? '-' : '+';
  if (letter == 'O' && width == 1) {
    out += std::to_string(hours);
    if (minutes != 0 || seconds != 0) {
      out += ':';
      append_padded(out, minutes, 2);
    }
    return;
  }
  append_padded(out, hours, 2);
  const bool plain = letter == 'Z' && width <= 3;
  const bool colon = plain ? false : width == 3 || width == 5 || letter == 'O' || letter == 'Z';
  if (!plain && width == 1 && minutes == 0) return;
  if (colon) out += ':';
  append_padded(out, minutes, 2);
  if ((width >= 4 || letter == 'O') && seconds != 0) {
    if (colon) out += ':';
    append_padded(out, seconds, 2);
  }
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

// What a text said.
struct Fields {
  std::optional<std::int64_t> year, month, day, day_of_year;
  std::optional<std::int64_t> hour, clock_hour, hour12, clock_hour12, half;  // H k K h a
  std::optional<std::int64_t> minute, second, nano;
  std::optional<std::int64_t> era;
  const TimeZone* zone = nullptr;
  std::optional<int> offset;
};

class Parser {
 public:
  Parser(const std::vector<Item>& items, std::string_view text) : items_(items), text_(text) {}

  std::optional<Fields> parse() {
    if (!run(0, items_.size()) || at_ != text_.size()) return std::nullopt;
    return fields_;
  }

 private:
  bool run(std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to; ++i) {
      const Item& item = items_[i];
      switch (item.kind) {
        case Item::Kind::kLiteral:
          if (!equal_ignoring_case(text_.substr(at_, item.text.size()), item.text)) return false;
          at_ += item.text.size();
          break;
        case Item::Kind::kField:
          if (!field(item)) return false;
          break;
        case Item::Kind::kOptionalStart: {
          std::size_t end = i + 1;
          for (int depth = 1; end < to; ++end) {
            if (items_[end].kind == Item::Kind::kOptionalStart) ++depth;
            if (items_[end].kind == Item::Kind::kOptionalEnd && --depth == 0) break;
          }
          const std::size_t before = at_;
          const Fields kept = fields_;
          if (!run(i + 1, end)) {
            at_ = before;
            fields_ = kept;
          }
          i = end;
          break;
        }
        case Item::Kind::kOptionalEnd:
          break;
      }
    }
    return true;
  }

  bool set(std::optional<std::int64_t>& field, std::int64_t value, std::int64_t min,
           std::int64_t max) {
    if (value < min || value > max) return false;
    if (field && *field != value) return false;
    field = value;
    return true;
  }

  std::size_t digits_ahead(std::size_t at) const {
    std::size_t n = 0;
    while (at + n < text_.size() && text_[at + n] >= '0' && text_[at + n] <= '9')
      ++n;
    return n;
  }

  // At least `min` and at most `max` digits, but `reserved` of them stay for what follows.
  bool number(int min, int max, int reserved, std::int64_t& value) {
    auto count = static_cast<int>(
        std::min<std::size_t>(digits_ahead(at_), static_cast<std::size_t>(max + reserved)));
    if (reserved > 0) count = std::max(min, count - reserved);
    count = std::min(count, max);
    if (count < min || count > 18 || static_cast<int>(digits_ahead(at_)) < count) return false;
    value = 0;
    for (int i = 0; i < count; ++i)
      value = value * 10 + (text_[at_++] - '0');
    return true;
  }

  bool year(const Item& item) {
    std::int64_t value = 0;
    if (item.width == 2) {
      if (!number(2, 2, 0, value)) return false;
      return set(fields_.year, 2000 + value, 2000, 2099);
    }
    const bool exceeds = item.width >= 4;
    char sign = 0;
    if (at_ < text_.size() && (text_[at_] == '-' || (text_[at_] == '+' && exceeds)))
      sign = text_[at_++];
    const std::size_t start = at_;
    if (!number(item.width, 18, item.reserved, value)) return false;
    const auto length = static_cast<int>(at_ - start);
    if (exceeds && sign != '-' && (sign == '+' ? length <= item.width : length > item.width))
      return false;
    if (sign == '-') {
      if (value == 0) return false;
      value = -value;
    }
    return set(fields_.year, value, -999'999'999, 999'999'999);
  }

  bool small(const Item& item, std::optional<std::int64_t>& field, std::int64_t min,
             std::int64_t max) {
    std::int64_t value = 0;
    const bool ok = item.width == 1 ? number(1, 18, item.reserved, value) : number(2, 2, 0, value);
    return ok && set(field, value, min, max);
  }

  template <std::size_t N>
  bool name(const std::array<const char*, N>& names, bool full, std::int64_t& value) {
    for (std::size_t i = 0; i < N; ++i) {
      const std::string_view whole = names[i];
      const std::string_view word = full ? whole : whole.substr(0, 3);
      if (!equal_ignoring_case(text_.substr(at_, word.size()), word)) continue;
      at_ += word.size();
      value = static_cast<std::int64_t>(i) + 1;
      return true;
    }
    return false;
  }

  bool offset(const Item& item) {
    if (item.letter == 'O' || (item.letter == 'Z' && item.width == 4)) {
      if (!equal_ignoring_case(text_.substr(at_, 3), "GMT")) return false;
      at_ += 3;
      if (at_ == text_.size() || (text_[at_] != '+' && text_[at_] != '-')) {
        fields_.offset = 0;
        return true;
      }
    } else if (at_ < text_.size() && (text_[at_] == 'Z' || text_[at_] == 'z')) {
      if (item.letter == 'x' || (item.letter == 'Z' && item.width <= 3)) return false;
      ++at_;
      fields_.offset = 0;
      return true;
    }
    if (at_ == text_.size() || (text_[at_] != '+' && text_[at_] != '-')) return false;
    const int sign = text_[at_++] == '-' ? -1 : 1;
    const bool plain = item.letter == 'Z' && item.width <= 3;
    const bool colon =
        !plain && (item.width == 3 || item.width == 5 || item.letter == 'O' || item.letter == 'Z');
    std::int64_t hours = 0;
    std::int64_t minutes = 0;
    std::int64_t seconds = 0;
    const bool short_hour = item.letter == 'O' && item.width == 1;
    if (!number(short_hour ? 1 : 2, 2, 0, hours)) return false;
    const bool optional = (!plain && item.width == 1) || short_hour;
    const std::size_t before = at_;
    const bool has_minutes = (!colon || (at_ < text_.size() && text_[at_] == ':' && ++at_ != 0)) &&
                             number(2, 2, 0, minutes);
    if (!has_minutes) {
      if (!optional) return false;
      at_ = before;
    } else if (item.width >= 4) {
      const std::size_t mark = at_;
      if (!((!colon || (at_ < text_.size() && text_[at_] == ':' && ++at_ != 0)) &&
            number(2, 2, 0, seconds)))
        at_ = mark;
    }
    if (hours > 18 || minutes > 59 || seconds > 59) return false;
    fields_.offset = sign * static_cast<int>(hours * 3600 + minutes * 60 + seconds);
    return true;
  }

  bool zone() {
    std::size_t end = at_;
    while (end < text_.size()) {
      const char c = text_[end];
      if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
            c == '/' || c == '_' || c == '+' || c == '-' || c == ':'))
        break;
      ++end;
    }
    for (; end > at_; --end) {
      fields_.zone = TimeZone::find(text_.substr(at_, end - at_));
      if (fields_.zone == nullptr) continue;
      at_ = end;
      return true;
    }
    return false;
  }

  bool fraction(const Item& item) {
    const std::size_t start = at_;
    std::int64_t value = 0;
    if (!number(1, item.width, 0, value)) return false;
    for (auto digits = at_ - start; digits < 9; ++digits)
      value *= 10;
    return set(fields_.nano, value, 0, 999'999'999);
  }

  bool field(const Item& item) {
    std::int64_t value = 0;
    switch (item.letter) {
      case 'y':
        return year(item);
      case 'M':
      case 'L':
        if (item.width <= 2) return small(item, fields_.month, 1, 12);
        return name(kMonths, item.width == 4, value) && set(fields_.month, value, 1, 12);
      case 'd':
        return small(item, fields_.day, 1, 31);
      case 'D':
        return number(item.width == 1 ? 1 : item.width, item.width == 1 ? 18 : 3, item.reserved,
                      value) &&
               set(fields_.day_of_year, value, 1, 366);
      case 'H':
        return small(item, fields_.hour, 0, 23);
      case 'k':
        return small(item, fields_.clock_hour, 1, 24);
      case 'K':
        return small(item, fields_.hour12, 0, 11);
      case 'h':
        return small(item, fields_.clock_hour12, 1, 12);
      case 'm':
        return small(item, fields_.minute, 0, 59);
      case 's':
        return small(item, fields_.second, 0, 59);
      case 'S':
        return fraction(item);
      case 'a': {
        const std::string_view word = text_.substr(at_, 2);
        const bool pm = equal_ignoring_case(word, "PM");
        if (!pm && !equal_ignoring_case(word, "AM")) return false;
        at_ += 2;
        return set(fields_.half, pm ? 1 : 0, 0, 1);
      }
      case 'G': {
        const bool full = item.width == 4;
        for (const auto& [word, era] : {std::pair{full ? "Anno Domini" : "AD", 1},
                                        std::pair{full ? "Before Christ" : "BC", 0}}) {
          const std::string_view view = word;
          if (!equal_ignoring_case(text_.substr(at_, view.size()), view)) continue;
          at_ += view.size();
          return set(fields_.era, era, 0, 1);
        }
        return false;
      }
      case 'V':
      case 'z':
        return zone();
      default:
        return offset(item);
    }
  }

  const std::vector<Item>& items_;
  std::string_view text_;
  std::size_t at_ = 0;
  Fields fields_;
};

std::optional<std::int64_t> resolve_days(const Fields& f) {
  std::int64_t year = f.year.value_or(1970);
  if (f.era == 0) year = 1 - year;
  if (f.day_of_year && !f.month && !f.day) {
    if (*f.day_of_year == 366 && !is_leap_year(year)) return std::nullopt;
    return days_from_civil(year, 1, 1) + *f.day_of_year - 1;
  }
  const auto days = checked_days(year, static_cast<int>(f.month.value_or(1)),
                                 static_cast<int>(f.day.value_or(1)));
  if (!days) return std::nullopt;
  if (f.day_of_year && *days - days_from_civil(year, 1, 1) + 1 != *f.day_of_year)
    return std::nullopt;
  return days;
}

std::int64_t resolve_hour(const Fields& f) {
  if (f.hour) return *f.hour;
  if (f.clock_hour) return *f.clock_hour % 24;
  std::int64_t hour = 0;
  if (f.hour12) hour = *f.hour12;
  if (f.clock_hour12) hour = *f.clock_hour12 % 12;
  return hour + f.half.value_or(0) * 12;
}

std::optional<std::int64_t> resolve_local(const Fields& f) {
  const auto days = resolve_days(f);
  if (!days) return std::nullopt;
  const std::int64_t seconds =
      (resolve_hour(f) * 60 + f.minute.value_or(0)) * 60 + f.second.value_or(0);
  const Int128 micros = static_cast<Int128>(*days) * kMicrosPerDay + seconds * kMicrosPerSecond +
                        f.nano.value_or(0) / 1000;
  constexpr std::int64_t kEdge = std::numeric_limits<std::int64_t>::max() - kMicrosPerDay;
  if (micros > kEdge || micros < -kEdge) return std::nullopt;
  return static_cast<std::int64_t>(micros);
}

}  // namespace

std::expected<DateTimeFormat, std::string> DateTimeFormat::compile(std::string_view pattern,
                                                                   bool for_parsing) {
  if (pattern.size() > kMaxPattern) return std::unexpected(unrecognized(pattern.substr(0, 100)));
  DateTimeFormat out;
  std::vector<Item>& items = out.items_;
  const auto literal = [&](char c) {
    if (items.empty() || items.back().kind != Item::Kind::kLiteral) items.push_back({});
    items.back().text += c;
  };
  int depth = 0;
  for (std::size_t i = 0; i < pattern.size();) {
    const char c = pattern[i];
    const bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (letter) {
      std::size_t end = i;
      while (end < pattern.size() && pattern[end] == c)
        ++end;
      const auto width = static_cast<int>(end - i);
      if (c == 'B' || c == 'A' || c == 'n' || c == 'N' || c == 'p')
        return std::unexpected(unsupported(pattern, c));
      if (!is_allowed(c, width, for_parsing)) return std::unexpected(unrecognized(pattern));
      items.push_back({.kind = Item::Kind::kField, .letter = c, .width = width});
      i = end;
    } else if (c == '\'') {
      if (i + 1 < pattern.size() && pattern[i + 1] == '\'') {
        literal('\'');
        i += 2;
        continue;
      }
      for (++i;; ++i) {
        if (i >= pattern.size()) return std::unexpected(unrecognized(pattern));
        if (pattern[i] != '\'') {
          literal(pattern[i]);
        } else if (i + 1 < pattern.size() && pattern[i + 1] == '\'') {
          literal('\'');
          ++i;
        } else {
          break;
        }
      }
      ++i;
    } else if (c == '[' || c == ']') {
      depth += c == '[' ? 1 : -1;
      if (depth < 0) return std::unexpected(unrecognized(pattern));
      items.push_back({.kind = c == '[' ? Item::Kind::kOptionalStart : Item::Kind::kOptionalEnd});
      ++i;
    } else if (c == '{' || c == '}' || c == '#') {
      return std::unexpected(unrecognized(pattern));
    } else {
      literal(c);
      ++i;
    }
  }
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (!is_number(items[i]) || fixed_width(items[i]) != 0) continue;
    for (std::size_t k = i + 1; k < items.size() && fixed_width(items[k]) != 0; ++k)
      items[i].reserved += fixed_width(items[k]);
  }
  return out;
}

std::string DateTimeFormat::format(std::string& out, std::int64_t utc_micros,
                                   const TimeZone& zone) const {
  const std::int64_t local = to_local_micros(utc_micros, zone);
  const int offset = static_cast<int>((local - utc_micros) / kMicrosPerSecond);
  const std::int64_t days = floor_div(local, kMicrosPerDay);
  const std::int64_t of_day = floor_mod(local, kMicrosPerDay);
  const CivilDate date = civil_from_days(days);
  const std::int64_t hour = of_day / (3600 * kMicrosPerSecond);
  const bool has_era = std::any_of(items_.begin(), items_.end(),
                                   [](const Item& item) { return item.letter == 'G'; });
  for (const Item& item : items_) {
    if (item.kind == Item::Kind::kLiteral) out += item.text;
    if (item.kind != Item::Kind::kField) continue;
    const int width = item.width;
    switch (item.letter) {
      case 'G':
        if (width == 4)
          out += date.year > 0 ? "Anno Domini" : "Before Christ";
        else
          out += date.year > 0 ? "AD" : "BC";
        break;
      case 'y':
        append_year(out, has_era && date.year <= 0 ? 1 - date.year : date.year, width);
        break;
      case 'M':
      case 'L': {
        const std::string_view name = kMonths[static_cast<std::size_t>(date.month - 1)];
        if (width <= 2)
          append_padded(out, date.month, width);
        else
          out += width == 3 ? name.substr(0, 3) : name;
        break;
      }
      case 'd':
        append_padded(out, date.day, width);
        break;
      case 'D':
        append_padded(out, days - days_from_civil(date.year, 1, 1) + 1, width);
        break;
      case 'Q':
      case 'q': {
        const int quarter = (date.month - 1) / 3 + 1;
        static constexpr std::array<const char*, 4> kQuarters = {"1st quarter", "2nd quarter",
                                                                 "3rd quarter", "4th quarter"};
        if (width <= 2)
          append_padded(out, quarter, width);
        else if (width == 3)
          out += "Q" + std::to_string(quarter);
        else
          out += kQuarters[static_cast<std::size_t>(quarter - 1)];
        break;
      }
      case 'E': {
        const std::string_view name = kWeekdays[static_cast<std::size_t>(floor_mod(days + 4, 7))];
        out += width <= 3 ? name.substr(0, 3) : name;
        break;
      }
      case 'F':
        append_padded(out, (date.day - 1) % 7 + 1, 1);
        break;
      case 'a':
        out += hour < 12 ? "AM" : "PM";
        break;
      case 'H':
        append_padded(out, hour, width);
        break;
      case 'k':
        append_padded(out, hour == 0 ? 24 : hour, width);
        break;
      case 'K':
        append_padded(out, hour % 12, width);
        break;
      case 'h':
        append_padded(out, hour % 12 == 0 ? 12 : hour % 12, width);
        break;
      case 'm':
        append_padded(out, of_day / (60 * kMicrosPerSecond) % 60, width);
        break;
      case 's':
        append_padded(out, of_day / kMicrosPerSecond % 60, width);
        break;
      case 'S': {
        std::string nanos;
        append_padded(nanos, of_day % kMicrosPerSecond * 1000, 9);
        out.append(nanos, 0, static_cast<std::size_t>(width));
        break;
      }
      case 'V':
        out += zone.id();
        break;
      case 'z':
        if (zone.id() == "UTC" || zone.id() == "Etc/UTC") {
          out += width == 4 ? "Coordinated Universal Time" : "UTC";
        } else if (zone.id()[0] == '+' || zone.id()[0] == '-' || zone.id() == "Z") {
          out += zone.id();
        } else {
          return "[UNSUPPORTED_BY_SLUICE] The names of the time zone " + zone.id() +
                 " (pattern letter z) are not known; use VV or XXX. SQLSTATE: ";
        }
        break;
      default:
        append_offset(out, offset, item.letter, width);
    }
  }
  return {};
}

std::optional<std::int64_t> DateTimeFormat::parse_timestamp(std::string_view text,
                                                            const TimeZone& zone) const {
  const auto fields = Parser(items_, text).parse();
  if (!fields) return std::nullopt;
  const auto local = resolve_local(*fields);
  if (!local) return std::nullopt;
  if (fields->offset) return *local - *fields->offset * kMicrosPerSecond;
  return to_utc_micros(*local, fields->zone != nullptr ? *fields->zone : zone);
}

std::optional<std::int64_t> DateTimeFormat::parse_local(std::string_view text) const {
  const auto fields = Parser(items_, text).parse();
  if (!fields) return std::nullopt;
  return resolve_local(*fields);
}

std::optional<std::int32_t> DateTimeFormat::parse_date(std::string_view text) const {
  const auto fields = Parser(items_, text).parse();
  if (!fields) return std::nullopt;
  const auto days = resolve_days(*fields);
  constexpr std::int64_t kMax = std::numeric_limits<std::int32_t>::max();
  if (!days || *days > kMax || *days < -kMax) return std::nullopt;
  return static_cast<std::int32_t>(*days);
}

}  // namespace sluice::sparksql
