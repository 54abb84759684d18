// How values print: Java's toString() and json-smart's writer, byte for byte (checked against
// both).
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "gateway/value/value.h"

namespace sluice::gateway {
namespace {

constexpr int kPrintDepthMax = 1100;

class Printer {
 public:
  Printer(std::string& out, std::size_t bytes_max) : out_(out), bytes_max_(bytes_max) {}

  bool java(const Value& v, int depth);
  bool json(const Value& v, Slash slash, int depth);
  void json_string(std::string_view text, Slash slash);

 private:
  bool enter(int depth) const { return depth <= kPrintDepthMax && out_.size() <= bytes_max_; }
  bool java_list(const List& list, int depth);
  bool java_map(const Map& map, int depth);
  bool json_list(const List& list, Slash slash, int depth);
  bool json_map(const Map& map, Slash slash, int depth);
  void integer(std::int64_t n) {
    std::array<char, 24> buffer;
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), n);
    out_.append(buffer.data(), end.ptr);
  }

  std::string& out_;
  std::size_t bytes_max_;
};

bool Printer::java_list(const List& list, int depth) {
  if (list.kind == ListKind::kJsonArray) return json_list(list, Slash::kEscaped, depth);
  out_ += '[';
  for (std::size_t i = 0; i < list.items.size; ++i) {
    if (i != 0) out_ += ", ";
    if (!java(list.items[i], depth + 1)) return false;
  }
  out_ += ']';
  return true;
}

bool Printer::java_map(const Map& map, int depth) {
  if (map.prints_nothing) return true;
  out_ += '{';
  for (std::size_t i = 0; i < map.entries.size; ++i) {
    if (i != 0) out_ += ", ";
    if (!java(map.entries[i]->key, depth + 1)) return false;
    out_ += '=';
    if (!java(map.entries[i]->value, depth + 1)) return false;
  }
  out_ += '}';
  return true;
}

bool Printer::java(const Value& v, int depth) {
  if (!enter(depth)) return false;
  switch (v.kind) {
    case Kind::kNull:
      out_ += "null";
      break;
    case Kind::kBool:
      out_ += v.boolean ? "true" : "false";
      break;
    case Kind::kInt:
    case Kind::kLong:
      integer(v.integer);
      break;
    case Kind::kDouble:
      append_double(out_, v.real);
      break;
    case Kind::kString:
    case Kind::kBigInteger:
    case Kind::kBigDecimal:
      out_ += v.text();
      break;
    case Kind::kList:
      return java_list(*v.list, depth);
    case Kind::kMap:
      return java_map(*v.map, depth);
    case Kind::kEntry:
      if (!java(v.entry->key, depth + 1)) return false;
      out_ += '=';
      return java(v.entry->value, depth + 1);
    case Kind::kObject:
      out_ += "{}";
      break;
  }
  return out_.size() <= bytes_max_;
}

void Printer::json_string(std::string_view text, Slash slash) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  const auto unicode = [&](unsigned code) {
    out_ += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4)
      out_ += kHex[(code >> shift) & 15];
  };
  out_ += '"';
  std::size_t from = 0;
  const auto flush = [&](std::size_t to) { out_.append(text, from, to - from); };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\' && c != '/' && c < 0x7f) continue;
    std::size_t bytes = 1;
    const auto tail = [&](std::size_t at) {
      return static_cast<unsigned char>(text[i + at]) & 63U;
    };
    if (c >= 0x80) {
      if (c == 0xc2 && i + 1 < text.size() && tail(1) < 0x20) {  // U+0080 to U+009F
        flush(i);
        unicode(0x80 | tail(1));
        bytes = 2;
      } else if (c == 0xe2 && i + 2 < text.size() && tail(1) < 4) {  // U+2000 to U+20FF
        flush(i);
        unicode(0x2000 | tail(1) << 6 | tail(2));
        bytes = 3;
      } else {
        continue;
      }
    } else if (c == '/') {
      if (slash == Slash::kPlain) continue;
      flush(i);
      out_ += "\\/";
    } else {
      flush(i);
      switch (c) {
        case '"':
          out_ += "\\\"";
          break;
        case '\\':
          out_ += "\\\\";
          break;
        case '\b':
          out_ += "\\b";
          break;
        case '\f':
          out_ += "\\f";
          break;
        case '\n':
          out_ += "\\n";
          break;
        case '\r':
          out_ += "\\r";
          break;
        case '\t':
          out_ += "\\t";
          break;
        default:
          unicode(c);
      }
    }
    i += bytes - 1;
    from = i + 1;
  }
  flush(text.size());
  out_ += '"';
}

bool Printer::json_list(const List& list, Slash slash, int depth) {
  out_ += '[';
  for (std::size_t i = 0; i < list.items.size; ++i) {
    if (i != 0) out_ += ',';
    if (!json(list.items[i], slash, depth + 1)) return false;
  }
  out_ += ']';
  return true;
}

bool Printer::json_map(const Map& map, Slash slash, int depth) {
  out_ += '{';
  bool first = true;
  for (const Entry* e : map.entries) {
    if (!first) out_ += ',';
    first = false;
    if (e->key.is_string()) {
      json_string(e->key.text(), slash);
    } else {
      std::string key;
      if (!Printer(key, bytes_max_).java(e->key, depth + 1)) return false;
      json_string(key, slash);
    }
    out_ += ':';
    if (!json(e->value, slash, depth + 1)) return false;
  }
  out_ += '}';
  return true;
}

bool Printer::json(const Value& v, Slash slash, int depth) {
  if (!enter(depth)) return false;
  switch (v.kind) {
    case Kind::kString:
      json_string(v.text(), slash);
      break;
    case Kind::kList:
      return json_list(*v.list, slash, depth);
    case Kind::kMap:
      return json_map(*v.map, slash, depth);
    case Kind::kDouble:
      if (std::isinf(v.real)) {
        out_ += "null";
        break;
      }
      return java(v, depth);
    case Kind::kEntry:
    case Kind::kObject: {
      std::string text;
      if (!Printer(text, bytes_max_).java(v, depth)) return false;
      json_string(text, slash);
      break;
    }
    default:
      return java(v, depth);
  }
  return out_.size() <= bytes_max_;
}

}  // namespace

// Java's Double.toString: shortest digits; plain from 1e-3 to below 1e7, else d.dddE[-]n.
void append_double(std::string& out, double d) {
  if (std::isnan(d)) {
    out += "NaN";
    return;
  }
  if (std::isinf(d)) {
    out += d < 0 ? "-Infinity" : "Infinity";
    return;
  }
  if (d == 0) {
    out += std::signbit(d) ? "-0.0" : "0.0";
    return;
  }
  std::array<char, 40> buffer;
  auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), std::fabs(d),
                           std::chars_format::scientific);
  if (buffer[1] != '.') {  // Java prints two digits at least, the nearest ones: 4.9E-324
    end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), std::fabs(d),
                        std::chars_format::scientific, 1);
  }
  const std::string_view text(buffer.data(), static_cast<std::size_t>(end.ptr - buffer.data()));
  const std::size_t e = text.find('e');
  int exponent = 0;
  const char* from = text.data() + e + 1;
  if (*from == '+') ++from;
  std::from_chars(from, end.ptr, exponent);
  std::string digits(1, text[0]);
  if (e > 2) digits += text.substr(2, e - 2);
  if (digits.size() == 2 && digits[1] == '0') digits.pop_back();

  if (d < 0) out += '-';
  const int count = static_cast<int>(digits.size());
  if (exponent < -3 || exponent >= 7) {
    out += digits[0];
    out += '.';
    out += count > 1 ? digits.substr(1) : "0";
    out += 'E';
    out += std::to_string(exponent);
  } else if (exponent < 0) {
    out += "0.";
    out.append(static_cast<std::size_t>(-exponent - 1), '0');
    out += digits;
  } else if (count <= exponent + 1) {
    out += digits;
    out.append(static_cast<std::size_t>(exponent + 1 - count), '0');
    out += ".0";
  } else {
    out.append(digits, 0, static_cast<std::size_t>(exponent) + 1);
    out += '.';
    out.append(digits, static_cast<std::size_t>(exponent) + 1, std::string::npos);
  }
}

bool append_java(std::string& out, const Value& value, std::size_t bytes_max) {
  return Printer(out, bytes_max).java(value, 0);
}

bool append_json(std::string& out, const Value& value, Slash slash, std::size_t bytes_max) {
  return Printer(out, bytes_max).json(value, slash, 0);
}

}  // namespace sluice::gateway
