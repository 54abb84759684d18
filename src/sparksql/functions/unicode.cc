#include "sparksql/functions/unicode.h"

#include <algorithm>
#include <iterator>

namespace sluice::sparksql {
namespace {

struct CaseRange {
  char32_t first;
  char32_t last;
  char32_t step;
  std::int32_t distance;
};
struct CaseExpansion {
  char32_t from;
  char32_t to[3];  // zero: no more
};
#include "sparksql/functions/unicode_case_tables.inc"

template <std::size_t N>
char32_t map_case(const CaseRange (&table)[N], char32_t c) {
  const auto* at = std::upper_bound(std::begin(table), std::end(table), c,
                                    [](char32_t v, const CaseRange& r) { return v < r.first; });
  if (at == std::begin(table)) return c;
  --at;
  if (c > at->last || (c - at->first) % at->step != 0) return c;
  return static_cast<char32_t>(static_cast<std::int32_t>(c) + at->distance);
}

const CaseExpansion* find_expansion(char32_t c) {
  const auto* at = std::lower_bound(std::begin(kUpperExpansions), std::end(kUpperExpansions), c,
                                    [](const CaseExpansion& e, char32_t v) { return e.from < v; });
  return at != std::end(kUpperExpansions) && at->from == c ? at : nullptr;
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c & 0x80) == 0; });
}

char32_t lower_one(char32_t c) {
  if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 32 : c;
  return map_case(kLower, c);
}

bool is_cased(char32_t c) {
  if (c < 0x80) return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  return map_case(kLower, c) != c || map_case(kUpper, c) != c || find_expansion(c) != nullptr ||
         map_case(kTitle, c) != c;
}

// Characters that the rule of the final sigma looks through.
bool is_case_ignorable(char32_t c) {
  return c == '\'' || c == '.' || c == ':' || c == '^' || c == '`' || c == 0xA8 || c == 0xAD ||
         c == 0xB7 || c == 0x2019 || (c >= 0x300 && c <= 0x36F) || (c >= 0x200B && c <= 0x200F);
}

// A capital sigma after a letter and not before one.
bool is_final_sigma(std::string_view text, std::size_t begin, std::size_t end) {
  bool before = false;
  for (std::size_t at = 0; at < begin;) {
    const char32_t c = next_code_point(text, at);
    if (!is_case_ignorable(c)) before = is_cased(c);
  }
  if (!before) return false;
  for (std::size_t at = end; at < text.size();) {
    const char32_t c = next_code_point(text, at);
    if (!is_case_ignorable(c)) return !is_cased(c);
  }
  return true;
}

void append_lower(std::string& out, std::string_view text, std::size_t begin, std::size_t end,
                  char32_t c) {
  if (c == 0x3A3) {
    append_utf8(out, is_final_sigma(text, begin, end) ? 0x3C2 : 0x3C3);
  } else if (c == 0x130) {
    append_utf8(out, 'i');
    append_utf8(out, 0x307);
  } else {
    append_utf8(out, lower_one(c));
  }
}

void append_title(std::string& out, char32_t c) {
  if (c < 0x80) {
    append_utf8(out, c >= 'a' && c <= 'z' ? c - 32 : c);
    return;
  }
  const char32_t title = map_case(kTitle, c);
  const CaseExpansion* expansion = title == c ? find_expansion(c) : nullptr;
  if (expansion == nullptr) {
    append_utf8(out, title);
    return;
  }
  append_utf8(out, expansion->to[0]);
  for (std::size_t i = 1; i < 3 && expansion->to[i] != 0; ++i)
    append_utf8(out, lower_one(expansion->to[i]));
}

}  // namespace

char32_t next_code_point(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(at++);
  if (first < 0x80) return first;
  int more = 0;
  unsigned low = 0x80;
  unsigned high = 0xBF;
  char32_t value = 0;
  if (first >= 0xC2 && first <= 0xDF) {
    more = 1;
    value = first & 0x1F;
  } else if (first >= 0xE0 && first <= 0xEF) {
    more = 2;
    value = first & 0x0F;
    if (first == 0xE0) low = 0xA0;
    if (first == 0xED) high = 0x9F;
  } else if (first >= 0xF0 && first <= 0xF4) {
    more = 3;
    value = first & 0x07;
    if (first == 0xF0) low = 0x90;
    if (first == 0xF4) high = 0x8F;
  } else {
    return kReplacement;
  }
  for (; more > 0; --more) {
    if (at >= text.size() || byte(at) < low || byte(at) > high) return kReplacement;
    value = value << 6 | (byte(at) & 0x3F);
    ++at;
    low = 0x80;
    high = 0xBF;
  }
  return value;
}

void append_utf8(std::string& out, char32_t c) {
  if (c < 0x80) {
    out.push_back(static_cast<char>(c));
  } else if (c < 0x800) {
    out.push_back(static_cast<char>(0xC0 | c >> 6));
    out.push_back(static_cast<char>(0x80 | (c & 0x3F)));
  } else if (c < 0x10000) {
    out.push_back(static_cast<char>(0xE0 | c >> 12));
    out.push_back(static_cast<char>(0x80 | (c >> 6 & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (c & 0x3F)));
  } else {
    out.push_back(static_cast<char>(0xF0 | c >> 18));
    out.push_back(static_cast<char>(0x80 | (c >> 12 & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (c >> 6 & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (c & 0x3F)));
  }
}

bool is_valid_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    if ((text[at] & 0x80) == 0) {
      ++at;
      continue;
    }
    const std::size_t start = at;
    if (next_code_point(text, at) == kReplacement && text.substr(start, 3) != "\xEF\xBF\xBD")
      return false;
  }
  return true;
}

std::string replace_invalid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();)
    append_utf8(out, next_code_point(text, at));
  return out;
}

int unicode_digit(char32_t c) {
  static constexpr char32_t kZeros[] = {
      '0',     0x660,   0x6F0,   0x7C0,   0x966,   0x9E6,   0xA66,   0xAE6,   0xB66,   0xBE6,
      0xC66,   0xCE6,   0xD66,   0xDE6,   0xE50,   0xED0,   0xF20,   0x1040,  0x1090,  0x17E0,
      0x1810,  0x1946,  0x19D0,  0x1A80,  0x1A90,  0x1B50,  0x1BB0,  0x1C40,  0x1C50,  0xA620,
      0xA8D0,  0xA900,  0xA9D0,  0xA9F0,  0xAA50,  0xABF0,  0xFF10,  0x104A0, 0x10D30, 0x11066,
      0x110F0, 0x11136, 0x111D0, 0x112F0, 0x11450, 0x114D0, 0x11650, 0x116C0, 0x11730, 0x118E0,
      0x11950, 0x11C50, 0x11D50, 0x11DA0, 0x16A60, 0x16B50, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC,
      0x1D7F6, 0x1E140, 0x1E2F0, 0x1E950, 0x1FBF0};
  const auto* at = std::upper_bound(std::begin(kZeros), std::end(kZeros), c);
  if (at == std::begin(kZeros)) return -1;
  const char32_t distance = c - *(at - 1);
  return distance < 10 ? static_cast<int>(distance) : -1;
}

std::size_t code_point_count(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::size_t code_point_offset(std::string_view text, std::size_t n) {
  std::size_t at = 0;
  for (; n > 0 && at < text.size(); --n) {
    ++at;
    while (at < text.size() && (text[at] & 0xC0) == 0x80)
      ++at;
  }
  return at;
}

std::string to_upper(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  if (is_ascii(text)) {
    for (const char c : text)
      out.push_back(c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c);
    return out;
  }
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = next_code_point(text, at);
    if (c < 0x80) {
      append_utf8(out, c >= 'a' && c <= 'z' ? c - 32 : c);
    } else if (const CaseExpansion* expansion = find_expansion(c)) {
      for (const char32_t to : expansion->to) {
        if (to != 0) append_utf8(out, to);
      }
    } else {
      append_utf8(out, map_case(kUpper, c));
    }
  }
  return out;
}

std::string to_lower(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  if (is_ascii(text)) {
    for (const char c : text)
      out.push_back(static_cast<char>(lower_one(static_cast<unsigned char>(c))));
    return out;
  }
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    const char32_t c = next_code_point(text, at);
    append_lower(out, text, begin, at, c);
  }
  return out;
}

std::string to_title(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  bool start = true;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    const char32_t c = next_code_point(text, at);
    if (start)
      append_title(out, c);
    else
      append_lower(out, text, begin, at, c);
    start = c == ' ';
  }
  return out;
}

}  // namespace sluice::sparksql
