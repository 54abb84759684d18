#include "sparksql/functions/datetime_text.h"

#include <array>
#include <chrono>
#include <limits>

#include "sparksql/functions/java_number.h"

namespace sluice::sparksql {
namespace {

// What a timestamp's text says.
struct TimestampText {
  std::array<std::int64_t, 9> segments{1, 1, 1, 0, 0, 0, 0, 0, 0};  // year … second, microseconds
  std::string_view zone;                                            // empty: none
  bool time_only = false;
};

// One scan, as Spark makes it: segments 0-2 date, 3-5 time, 6 fraction, 7 zone.
class TimestampScanner {
 public:
  explicit TimestampScanner(std::string_view text) : text_(trim_all(text)) {}

  std::optional<TimestampText> scan() {
    if (text_.empty()) return std::nullopt;
    std::int64_t sign = 1;
    bool has_sign = false;
    if (text_[0] == '-' || text_[0] == '+') {
      sign = text_[0] == '-' ? -1 : 1;
      has_sign = true;
      at_ = 1;
    }
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c >= '0' && c <= '9') {
        digit(c);
      } else if (!separator(c, has_sign)) {
        return std::nullopt;
      }
    }
    if (!good_digits(segment_)) return std::nullopt;
    out_.segments[segment_] = value_;
    for (; fraction_digits_ < 6; ++fraction_digits_)
      out_.segments[6] *= 10;
    out_.segments[0] *= sign;
    return out_;
  }

 private:
  void digit(char c) {
    if (segment_ == 6) ++fraction_digits_;
    // The fraction is cut off after microseconds; too many digits elsewhere are refused anyway.
    if (segment_ != 6 || digits_ < 6) {
      if (value_ < 100'000'000) value_ = value_ * 10 + (c - '0');
    }
    ++digits_;
  }
  bool good_digits(std::size_t segment) const {
    switch (segment) {
      case 0:
        return digits_ >= 4 && digits_ <= 6;
      case 6:
        return true;
      case 7:
        return digits_ <= 2;
      default:
        return digits_ > 0 && digits_ <= 2;
    }
  }
  bool next(std::size_t check, std::size_t store, std::size_t to) {
    if (!good_digits(check)) return false;
    out_.segments[store] = value_;
    value_ = 0;
    digits_ = 0;
    segment_ = to;
    return true;
  }
  bool separator(char c, bool has_sign) {
    if (at_ == 0 && c == 'T') {
      out_.time_only = true;
      segment_ = 3;
      return true;
    }
    if (segment_ < 2) {
      if (c == '-') return next(segment_, segment_, segment_ + 1);
      if (segment_ == 0 && c == ':' && !has_sign) {
        out_.time_only = true;
        return next(3, 3, 4);
      }
      return false;
    }
    if (segment_ == 2) return (c == ' ' || c == 'T') && next(2, 2, 3);
    if (segment_ == 3 || segment_ == 4) return c == ':' && next(segment_, segment_, segment_ + 1);
    if (segment_ == 5 && c == '.') return next(5, 5, 6);
    if (segment_ == 5 || segment_ == 6) {
      if (!next(segment_, segment_, 7)) return false;
      out_.zone = java_trim(text_.substr(at_));
      if (out_.zone.empty()) return false;
      at_ = text_.size() - 1;
      return true;
    }
    return false;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t segment_ = 0;
  std::int64_t value_ = 0;
  int digits_ = 0;
  int fraction_digits_ = 0;
  TimestampText out_;
};

// Wall-clock microseconds; nullopt: no such date or time, or beyond what a long holds.
std::optional<std::int64_t> local_micros(const TimestampText& text, std::int64_t today) {
  const auto& s = text.segments;
  if (s[3] > 23 || s[4] > 59 || s[5] > 59) return std::nullopt;
  std::int64_t days = today;
  if (!text.time_only) {
    const auto checked = checked_days(s[0], static_cast<int>(s[1]), static_cast<int>(s[2]));
    if (!checked) return std::nullopt;
    days = *checked;
  }
  const std::int64_t rest = ((s[3] * 60 + s[4]) * 60 + s[5]) * kMicrosPerSecond + s[6];
  const Int128 micros = static_cast<Int128>(days) * kMicrosPerDay + rest;
  if (micros > std::numeric_limits<std::int64_t>::max() ||
      micros < std::numeric_limits<std::int64_t>::min())
    return std::nullopt;
  return static_cast<std::int64_t>(micros);
}

void append_padded(std::string& out, std::int64_t value, std::size_t width) {
  const std::string digits = std::to_string(value);
  if (digits.size() < width) out.append(width - digits.size(), '0');
  out += digits;
}

}  // namespace

std::optional<std::int32_t> parse_date(std::string_view text) {
  text = trim_all(text);
  if (text.empty()) return std::nullopt;
  std::int64_t segments[3] = {1, 1, 1};
  std::size_t segment = 0;
  std::int64_t sign = 1;
  std::size_t at = 0;
  if (text[0] == '-' || text[0] == '+') {
    sign = text[0] == '-' ? -1 : 1;
    at = 1;
  }
  std::int64_t value = 0;
  int digits = 0;
  const auto good_digits = [&] {
    return segment == 0 ? digits >= 4 && digits <= 7 : digits > 0 && digits <= 2;
  };
  for (; at < text.size() && text[at] != ' ' && text[at] != 'T'; ++at) {
    const char c = text[at];
    if (segment < 2 && c == '-') {
      if (!good_digits()) return std::nullopt;
      segments[segment++] = value;
      value = 0;
      digits = 0;
    } else if (c >= '0' && c <= '9') {
      if (value < 100'000'000) value = value * 10 + (c - '0');
      ++digits;
    } else {
      return std::nullopt;
    }
  }
  if (!good_digits()) return std::nullopt;
  if (segment < 2 && at < text.size()) return std::nullopt;
  segments[segment] = value;
  const auto days = checked_days(sign * segments[0], static_cast<int>(segments[1]),
                                 static_cast<int>(segments[2]));
  if (!days || *days < INT32_MIN || *days > INT32_MAX) return std::nullopt;
  return static_cast<std::int32_t>(*days);
}

std::optional<std::int64_t> parse_timestamp(std::string_view text, const TimeZone& zone) {
  const auto parsed = TimestampScanner(text).scan();
  if (!parsed) return std::nullopt;
  const TimeZone* in = &zone;
  if (!parsed->zone.empty()) in = TimeZone::find(parsed->zone);
  if (in == nullptr) return std::nullopt;
  std::int64_t today = 0;
  if (parsed->time_only) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const std::int64_t micros = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
    today = floor_div(to_local_micros(micros, *in), kMicrosPerDay);
  }
  const auto local = local_micros(*parsed, today);
  if (!local) return std::nullopt;
  const std::int64_t seconds = floor_div(*local, kMicrosPerSecond);
  std::int64_t micros = 0;
  if (__builtin_sub_overflow(*local, (seconds - in->to_utc(seconds)) * kMicrosPerSecond, &micros))
    return std::nullopt;
  return micros;
}

std::optional<std::int64_t> parse_timestamp_ntz(std::string_view text, bool allow_zone) {
  const auto parsed = TimestampScanner(text).scan();
  if (!parsed || parsed->time_only) return std::nullopt;
  if (!parsed->zone.empty() && (!allow_zone || TimeZone::find(parsed->zone) == nullptr))
    return std::nullopt;
  return local_micros(*parsed, 0);
}

void append_date(std::string& out, std::int64_t days) {
  const CivilDate date = civil_from_days(days);
  if (date.year > 9999) out += '+';
  if (date.year < 0) out += '-';
  append_padded(out, date.year < 0 ? -date.year : date.year, 4);
  out += '-';
  append_padded(out, date.month, 2);
  out += '-';
  append_padded(out, date.day, 2);
}

void append_timestamp_ntz(std::string& out, std::int64_t micros) {
  append_date(out, floor_div(micros, kMicrosPerDay));
  const std::int64_t of_day = floor_mod(micros, kMicrosPerDay);
  const std::int64_t seconds = of_day / kMicrosPerSecond;
  out += ' ';
  append_padded(out, seconds / 3600, 2);
  out += ':';
  append_padded(out, seconds / 60 % 60, 2);
  out += ':';
  append_padded(out, seconds % 60, 2);
  const std::int64_t fraction = of_day % kMicrosPerSecond;
  if (fraction == 0) return;
  out += '.';
  append_padded(out, fraction, 6);
  while (out.back() == '0')
    out.pop_back();
}

void append_timestamp(std::string& out, std::int64_t micros, const TimeZone& zone) {
  append_timestamp_ntz(out, to_local_micros(micros, zone));
}

}  // namespace sluice::sparksql
