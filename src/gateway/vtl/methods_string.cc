// java.lang.String. Offsets count UTF-16 units, as Java's do; ASCII text takes the short way.
#include <algorithm>

#include "gateway/value/regex.h"
#include "gateway/value/utf.h"
#include "gateway/vtl/interpreter.h"

namespace sluice::gateway::vtl {
namespace {

using Args = std::span<const Value>;

bool strings(Args args, std::size_t n) {
  return args.size() == n &&
         std::all_of(args.begin(), args.end(), [](const Value& v) { return v.is_string(); });
}
bool ints(Args args, std::size_t n) {
  return args.size() == n &&
         std::all_of(args.begin(), args.end(), [](const Value& v) { return v.kind == Kind::kInt; });
}

bool is_java_space(char16_t c) {
  return c <= 0x20 ? c == ' ' || (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x1f)
                   : c == 0x1680 || (c >= 0x2000 && c <= 0x200a && c != 0x2007) || c == 0x2028 ||
                         c == 0x2029 || c == 0x205f || c == 0x3000;
}

Value substring(Interpreter& in, std::string_view self, std::int64_t from, std::int64_t to) {
  const auto length = static_cast<std::int64_t>(utf16_length(self));
  if (to < 0) to = length;
  if (from < 0 || to > length || from > to) {
    return in.fail("begin " + std::to_string(from) + ", end " + std::to_string(to) + ", length " +
                   std::to_string(length));
  }
  if (is_ascii(self)) {
    return Value::of(
        self.substr(static_cast<std::size_t>(from), static_cast<std::size_t>(to - from)));
  }
  const std::u16string wide = to_utf16(self);
  return in.string(to_utf8(std::u16string_view(wide).substr(static_cast<std::size_t>(from),
                                                            static_cast<std::size_t>(to - from))));
}

std::int64_t units_before(std::string_view self, std::size_t at) {
  return at == std::string_view::npos ? -1
                                      : static_cast<std::int64_t>(utf16_length(self.substr(0, at)));
}

// The byte at UTF-16 offset `units`, at most the end.
std::size_t byte_at(std::string_view self, std::int64_t units) {
  if (units <= 0) return 0;
  std::size_t i = 0;
  for (std::int64_t n = 0; i < self.size() && n < units;) {
    const auto c = static_cast<unsigned char>(self[i]);
    n += c >= 0xf0 ? 2 : 1;
    ++i;
    while (i < self.size() && (static_cast<unsigned char>(self[i]) & 0xc0) == 0x80)
      ++i;
  }
  return i;
}

// indexOf and lastIndexOf take text or a character's number.
Value find(std::string_view self, Args args, bool last) {
  if (args.empty() || args.size() > 2 || (args.size() == 2 && args[1].kind != Kind::kInt)) {
    return Value::null();
  }
  std::string needle;
  if (args[0].is_string()) {
    needle = args[0].text();
  } else if (args[0].kind == Kind::kInt) {
    append_utf8(needle, static_cast<unsigned>(args[0].integer));
  } else {
    return Value::null();
  }
  if (!last) {
    const std::size_t from = args.size() == 2 ? byte_at(self, args[1].integer) : 0;
    return Value::of_int(units_before(self, self.find(needle, from)));
  }
  if (args.size() == 2 && args[1].integer < 0) return Value::of_int(-1);
  const std::size_t from = args.size() == 2 ? byte_at(self, args[1].integer) : std::string::npos;
  return Value::of_int(units_before(self, self.rfind(needle, from)));
}

// Characters of the Latin, Greek and Cyrillic blocks; others keep their case.
char16_t change_case(char16_t c, bool upper) {
  if (c < 0x80) {
    if (upper && c >= 'a' && c <= 'z') return static_cast<char16_t>(c - 32);
    if (!upper && c >= 'A' && c <= 'Z') return static_cast<char16_t>(c + 32);
    return c;
  }
  const auto between = [&](unsigned from, unsigned to) { return c >= from && c <= to; };
  if (upper) {
    if (c == 0xff) return 0x178;
    if (c == 0xb5) return 0x39c;
    if (c == 0x131) return 'I';
    if (between(0xe0, 0xfe) && c != 0xf7) return static_cast<char16_t>(c - 32);
    if ((between(0x100, 0x137) || between(0x14a, 0x177)) && c % 2 == 1)
      return static_cast<char16_t>(c - 1);
    if ((between(0x139, 0x148) || between(0x179, 0x17e)) && c % 2 == 0)
      return static_cast<char16_t>(c - 1);
    if (between(0x3b1, 0x3c9)) return static_cast<char16_t>(c == 0x3c2 ? 0x3a3 : c - 32);
    if (between(0x430, 0x44f)) return static_cast<char16_t>(c - 32);
    if (between(0x450, 0x45f)) return static_cast<char16_t>(c - 80);
    return c;
  }
  if (c == 0x178) return 0xff;
  if (between(0xc0, 0xde) && c != 0xd7) return static_cast<char16_t>(c + 32);
  if ((between(0x100, 0x137) || between(0x14a, 0x177)) && c % 2 == 0 && c != 0x130)
    return static_cast<char16_t>(c + 1);
  if ((between(0x139, 0x148) || between(0x179, 0x17e)) && c % 2 == 1)
    return static_cast<char16_t>(c + 1);
  if (between(0x391, 0x3a9)) return static_cast<char16_t>(c + 32);
  if (between(0x410, 0x42f)) return static_cast<char16_t>(c + 32);
  if (between(0x400, 0x40f)) return static_cast<char16_t>(c + 80);
  return c;
}

std::string cased(std::string_view self, bool upper) {
  std::u16string out;
  for (const char16_t c : to_utf16(self)) {
    if (upper && c == 0xdf) {
      out += u"SS";
    } else if (!upper && c == 0x130) {
      out += u"i\u0307";
    } else {
      out += change_case(c, upper);
    }
  }
  return to_utf8(out);
}

Value strip(Interpreter& in, std::string_view self, bool leading, bool trailing, bool ascii_only) {
  const std::u16string wide = to_utf16(self);
  const auto blank = [&](char16_t c) { return ascii_only ? c <= 0x20 : is_java_space(c); };
  std::size_t from = 0;
  std::size_t to = wide.size();
  while (leading && from < to && blank(wide[from]))
    ++from;
  while (trailing && to > from && blank(wide[to - 1]))
    --to;
  return in.string(to_utf8(std::u16string_view(wide).substr(from, to - from)));
}

Value compare(std::string_view a, std::string_view b, bool ignore_case) {
  std::u16string x = to_utf16(a);
  std::u16string y = to_utf16(b);
  if (ignore_case) {
    for (auto* s : {&x, &y}) {
      for (char16_t& c : *s)
        c = change_case(change_case(c, true), false);
    }
  }
  const std::size_t n = std::min(x.size(), y.size());
  for (std::size_t i = 0; i < n; ++i) {
    if (x[i] != y[i]) return Value::of_int(x[i] - y[i]);
  }
  return Value::of_int(static_cast<std::int64_t>(x.size()) - static_cast<std::int64_t>(y.size()));
}

Value replace(Interpreter& in, std::string_view self, std::string_view from, std::string_view to) {
  std::string out;
  if (from.empty()) {  // between all characters
    out = to;
    for (std::size_t i = 0; i < self.size();) {
      const std::size_t next = byte_at(self.substr(i), 1);
      out += self.substr(i, next);
      out += to;
      i += next;
      if (out.size() > in.text_bytes_max()) break;
    }
  } else {
    std::size_t at = 0;
    for (std::size_t hit = self.find(from); hit != std::string_view::npos;
         hit = self.find(from, at)) {
      out += self.substr(at, hit - at);
      out += to;
      at = hit + from.size();
      if (out.size() > in.text_bytes_max()) break;
    }
    out += self.substr(at);
  }
  if (out.size() > in.text_bytes_max())
    return in.fail(RenderError::kLimit, "a text grows too long");
  return in.string(out);
}

Value split(Interpreter& in, std::string_view self, Args args) {
  const bool limited = args.size() == 2;
  if (args.empty() || args.size() > 2 || !args[0].is_string() ||
      (limited && args[1].kind != Kind::kInt)) {
    return Value::null();
  }
  const auto parts =
      regex_split(args[0].text(), self, limited ? static_cast<int>(args[1].integer) : 0);
  if (!parts) return in.fail(parts.error());
  List* list = make_list(in.arena(), ListKind::kArrayList);
  for (const std::string_view part : *parts)
    list->items.push(in.arena(), Value::of(part));
  return Value::of(list);
}

Value repeat(Interpreter& in, std::string_view self, std::int64_t n) {
  if (n < 0) return in.fail("count is negative: " + std::to_string(n));
  if (!self.empty() && static_cast<std::uint64_t>(n) > in.text_bytes_max() / self.size()) {
    return in.fail(RenderError::kLimit, "a text grows too long");
  }
  std::string out;
  if (!self.empty()) {
    for (std::int64_t i = 0; i < n; ++i)
      out += self;
  }
  return in.string(out);
}

Value regex(Interpreter& in, std::string_view self, Method m, Args args) {
  if (m == Method::k_matches) {
    if (!strings(args, 1)) return Value::null();
    const auto good = regex_matches(args[0].text(), self);
    return good ? Value::of(*good) : in.fail(good.error());
  }
  if (!strings(args, 2)) return Value::null();
  const auto text = regex_replace(args[0].text(), self, args[1].text(), m == Method::k_replaceAll,
                                  in.text_bytes_max());
  return text ? in.string(*text) : in.fail(text.error());
}

Value char_at(Interpreter& in, std::string_view self, Method m, Args args) {
  if (!ints(args, 1)) return Value::null();
  const std::u16string wide = to_utf16(self);
  const std::int64_t at = args[0].integer;
  if (at < 0 || at >= static_cast<std::int64_t>(wide.size())) {
    return in.fail("String index out of range: " + std::to_string(at));
  }
  const auto i = static_cast<std::size_t>(at);
  if (m == Method::k_charAt) return in.string(to_utf8(std::u16string_view(wide).substr(i, 1)));
  std::int64_t code = wide[i];
  if (code >= 0xd800 && code < 0xdc00 && i + 1 < wide.size() && wide[i + 1] >= 0xdc00 &&
      wide[i + 1] < 0xe000) {
    code = 0x10000 + ((code - 0xd800) << 10) + (wide[i + 1] - 0xdc00);
  }
  return Value::of_int(code);
}

Value starts_with(std::string_view self, Args args) {
  if (strings(args, 1)) return Value::of(self.starts_with(args[0].text()));
  if (args.size() != 2 || !args[0].is_string() || args[1].kind != Kind::kInt) return Value::null();
  const std::int64_t from = args[1].integer;
  if (from < 0 || from > static_cast<std::int64_t>(utf16_length(self))) return Value::of(false);
  return Value::of(self.substr(byte_at(self, from)).starts_with(args[0].text()));
}

}  // namespace

std::int32_t java_hash(std::string_view text) {
  std::uint32_t h = 0;
  for (const char16_t c : to_utf16(text))
    h = h * 31 + c;
  return static_cast<std::int32_t>(h);
}

Value call_string(Interpreter& in, std::string_view self, Method m, Args args) {
  switch (m) {
    case Method::k_length:
      return args.empty() ? Value::of_int(static_cast<std::int64_t>(utf16_length(self)))
                          : Value::null();
    case Method::k_isEmpty:
      return args.empty() ? Value::of(self.empty()) : Value::null();
    case Method::k_isBlank: {
      const std::u16string wide = to_utf16(self);
      return Value::of(std::all_of(wide.begin(), wide.end(), is_java_space));
    }
    case Method::k_contains:
      return strings(args, 1) ? Value::of(self.find(args[0].text()) != std::string_view::npos)
                              : Value::null();
    case Method::k_startsWith:
      return starts_with(self, args);
    case Method::k_endsWith:
      return strings(args, 1) ? Value::of(self.ends_with(args[0].text())) : Value::null();
    case Method::k_indexOf:
      return find(self, args, false);
    case Method::k_lastIndexOf:
      return find(self, args, true);
    case Method::k_substring:
    case Method::k_subSequence:
      if (ints(args, 1) && m == Method::k_substring)
        return substring(in, self, args[0].integer, -1);
      if (!ints(args, 2)) return Value::null();
      if (args[1].integer < 0) return in.fail("end " + std::to_string(args[1].integer));
      return substring(in, self, args[0].integer, args[1].integer);
    case Method::k_charAt:
    case Method::k_codePointAt:
      return char_at(in, self, m, args);
    case Method::k_toLowerCase:
    case Method::k_toUpperCase:
      return args.empty() ? in.string(cased(self, m == Method::k_toUpperCase)) : Value::null();
    case Method::k_trim:
      return args.empty() ? strip(in, self, true, true, true) : Value::null();
    case Method::k_strip:
      return strip(in, self, true, true, false);
    case Method::k_stripLeading:
      return strip(in, self, true, false, false);
    case Method::k_stripTrailing:
      return strip(in, self, false, true, false);
    case Method::k_concat:
      if (!strings(args, 1)) return Value::null();
      if (self.size() + args[0].length > in.text_bytes_max()) {
        return in.fail(RenderError::kLimit, "a text grows too long");
      }
      return in.string(std::string(self) + std::string(args[0].text()));
    case Method::k_equalsIgnoreCase:
      return strings(args, 1) ? Value::of(compare(self, args[0].text(), true).integer == 0)
                              : Value::of(false);
    case Method::k_compareTo:
      if (args.size() == 1 && !args[0].is_string() && !args[0].is_null()) {
        return in.fail("compareTo takes a value of the same class");
      }
      return strings(args, 1) ? compare(self, args[0].text(), false) : Value::null();
    case Method::k_compareToIgnoreCase:
      return strings(args, 1) ? compare(self, args[0].text(), true) : Value::null();
    case Method::k_contentEquals:
      return strings(args, 1) ? Value::of(self == args[0].text()) : Value::null();
    case Method::k_replace:
      return strings(args, 2) ? replace(in, self, args[0].text(), args[1].text()) : Value::null();
    case Method::k_matches:
    case Method::k_replaceAll:
    case Method::k_replaceFirst:
      return regex(in, self, m, args);
    case Method::k_split:
      return split(in, self, args);
    case Method::k_repeat:
      return ints(args, 1) ? repeat(in, self, args[0].integer) : Value::null();
    case Method::k_intern:
      return Value::of(self);
    case Method::k_hashCode:
      return Value::of_int(java_hash(self));
    case Method::k_toCharArray: {
      List* list = make_list(in.arena(), ListKind::kArrayList);
      for (const char16_t c : to_utf16(self))
        list->items.push(in.arena(), in.string(to_utf8({&c, 1})));
      return Value::of(list);
    }
    case Method::k_valueOf:
      return args.size() == 1 ? Value::of(in.text_of(args[0])) : Value::null();
    default:
      return Value::null();
  }
}

}  // namespace sluice::gateway::vtl
