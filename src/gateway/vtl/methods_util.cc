// $util: the six functions that REST mapping templates have.
#include <algorithm>

#include "base/base64.h"
#include "gateway/value/json_read.h"
#include "gateway/value/utf.h"
#include "gateway/vtl/interpreter.h"
#include "http/http.h"

namespace sluice::gateway::vtl {
namespace {

bool is_plain(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
         c == '_' || c == '.' || c == '*';
}

// Java's decoder takes text without its padding, too.
std::optional<std::string> decode_base64(std::string_view text) {
  std::string padded(text);
  while (padded.size() % 4 != 0)
    padded += '=';
  return base::base64_decode(padded);
}

Value parse_json(Interpreter& in, std::string_view text) {
  const auto v = read_json(in.arena(), text);
  if (v) return *v;
  return in.fail(v.error().code == JsonError::kLimit ? RenderError::kLimit : RenderError::kTemplate,
                 "$util.parseJson: " + v.error().message);
}

}  // namespace

// commons-lang 2: quotes and '/' escaped, everything beyond ASCII as \uXXXX.
void append_escaped_javascript(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  const auto unicode = [&](unsigned c) {
    out += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4)
      out += kHex[(c >> shift) & 15];
  };
  for (const char16_t c : to_utf16(text)) {
    switch (c) {
      case '\b':
        out += "\\b";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\'':
        out += "\\'";
        break;
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '/':
        out += "\\/";
        break;
      default:
        if (c < 0x20 || c > 0x7f) {
          unicode(c);
        } else {
          out += static_cast<char>(c);
        }
    }
  }
}

// application/x-www-form-urlencoded, as Java's URLEncoder writes it.
void append_form_encoded(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  for (const char c : text) {
    if (is_plain(c)) {
      out += c;
    } else if (c == ' ') {
      out += '+';
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
}

Value call_util(Interpreter& in, Method m, std::span<const Value> args) {
  if (args.size() != 1 || args[0].is_null()) return Value::null();
  const std::string_view text = in.text_of(args[0]);
  std::string out;
  switch (m) {
    case Method::k_base64Encode: {
      const std::size_t size = (text.size() + 2) / 3 * 4;
      if (size > in.text_bytes_max()) return in.fail(RenderError::kLimit, "a text grows too long");
      out.reserve(size);
      base::base64_append(out, text);
      break;
    }
    case Method::k_base64Decode: {
      auto bytes = decode_base64(text);
      if (!bytes) return in.fail("$util.base64Decode: this is no base64");
      out = is_utf8(*bytes) ? std::move(*bytes) : replace_invalid_utf8(*bytes);
      break;
    }
    case Method::k_escapeJavaScript:
      append_escaped_javascript(out, text);
      break;
    case Method::k_urlEncode:
      append_form_encoded(out, text);
      break;
    case Method::k_urlDecode: {
      auto decoded = http::percent_decode(text, true);
      if (!decoded) return in.fail("$util.urlDecode: a broken %-escape");
      out = is_utf8(*decoded) ? std::move(*decoded) : replace_invalid_utf8(*decoded);
      break;
    }
    case Method::k_parseJson:
      return parse_json(in, text);
    default:
      return Value::null();
  }
  if (out.size() > in.text_bytes_max())
    return in.fail(RenderError::kLimit, "a text grows too long");
  return in.string(out);
}

}  // namespace sluice::gateway::vtl
