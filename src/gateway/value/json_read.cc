// A reader in json-smart's shape (which characters stop what) so that the odd inputs agree too.
#include "gateway/value/json_read.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "gateway/value/decimal.h"
#include "gateway/value/utf.h"

namespace sluice::gateway {
namespace {

constexpr char kEnd = 0x1a;  // json-smart's own end mark: in a text it ends the text

enum class Stop { kTop, kKey, kValue, kArray };

bool is_stop(Stop stop, char c) {
  switch (stop) {
    case Stop::kTop:
      return false;
    case Stop::kKey:
      return c == ':';
    case Stop::kValue:
      return c == ',' || c == '}';
    case Stop::kArray:
      return c == ',' || c == ']';
  }
  return false;
}

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

class Reader {
 public:
  Reader(Arena& arena, std::string_view text) : arena_(arena), text_(text) {}

  base::Result<Value, JsonError> run() {
    Value v;
    if (!value(v, Stop::kTop, 0)) return std::unexpected(std::move(failure_));
    return v;
  }

 private:
  char now() const { return at_ < text_.size() ? text_[at_] : kEnd; }
  void skip_space() {
    while (is_space(now()))
      ++at_;
  }
  bool fail(JsonError code, std::string message) {
    failure_ = {code, std::move(message)};
    return false;
  }
  // Positions count characters, not bytes.
  std::string place(std::ptrdiff_t at) const {
    if (at < 0) return std::to_string(at);
    const auto inside = [&] {
      return static_cast<std::size_t>(at) < text_.size() &&
             (static_cast<unsigned char>(text_[static_cast<std::size_t>(at)]) & 0xc0) == 0x80;
    };
    while (at > 0 && inside())
      --at;
    return std::to_string(utf16_length(text_.substr(0, static_cast<std::size_t>(at))));
  }
  // The whole character at at_.
  std::string character() const {
    std::size_t n = 1;
    while (at_ + n < text_.size() && (static_cast<unsigned char>(text_[at_ + n]) & 0xc0) == 0x80)
      ++n;
    return std::string(text_.substr(std::min(at_, text_.size()), n));
  }
  bool unexpected_char(std::size_t at) {
    return fail(JsonError::kSyntax,
                "Unexpected character (" + character() + ") at position " + place(at) + ".");
  }
  bool unexpected_end(std::ptrdiff_t at, const char* what) {
    return fail(JsonError::kSyntax, "Unexpected End Of File position " + place(at) + ": " + what);
  }
  std::string_view trimmed(std::size_t from) const {
    std::string_view s = text_.substr(from, at_ - from);
    while (!s.empty() && static_cast<unsigned char>(s.front()) <= ' ')
      s.remove_prefix(1);
    while (!s.empty() && static_cast<unsigned char>(s.back()) <= ' ')
      s.remove_suffix(1);
    return s;
  }
  std::string_view bare(Stop stop) {
    const std::size_t from = at_;
    while (now() != kEnd && !is_stop(stop, now()))
      ++at_;
    return trimmed(from);
  }

  bool value(Value& out, Stop stop, int depth);
  bool object(Value& out, int depth);
  bool member(Map& map, int depth, bool& closed);
  bool array(Value& out, int depth);
  bool quoted(std::string_view& out);
  bool quoted_slow(std::string_view& out);
  bool escape(std::string& buffer);
  bool unicode(int digits, unsigned& code);
  bool number(Value& out, Stop stop);
  bool finish_number(Value& out, Stop stop, std::size_t from, bool real);

  Arena& arena_;
  std::string_view text_;
  std::size_t at_ = 0;
  base::Failure<JsonError> failure_{JsonError::kSyntax, ""};
  std::string buffer_;
};

bool Reader::value(Value& out, Stop stop, int depth) {
  if (depth > kJsonDepthMax) return fail(JsonError::kLimit, "JSON nested deeper than 1024");
  if (arena_.exhausted())
    return fail(JsonError::kLimit, "payload takes more than 64 MiB of memory");
  skip_space();
  const char c = now();
  switch (c) {
    case '{':
      return object(out, depth);
    case '[':
      return array(out, depth);
    case '"':
    case '\'': {
      std::string_view s;
      if (!quoted(s)) return false;
      out = Value::of(s);
      return true;
    }
    case ':':
    case '}':
    case ']':
      return unexpected_char(at_);
    case kEnd:
      // json-smart reads an absent member as an empty word.
      if (stop != Stop::kTop) {
        return unexpected_end(static_cast<std::ptrdiff_t>(at_) - 1, "EOF");
      }
      break;
    default:
      break;
  }
  if (c == '-' || is_digit(c)) return number(out, stop);
  const std::string_view word = bare(stop);
  if (word == "null") {
    out = Value::null();
  } else if (word == "true" || word == "false") {
    out = Value::of(word == "true");
  } else if (word == "NaN") {
    out = Value::of(std::numeric_limits<double>::quiet_NaN());
  } else {
    out = Value::of(word);
  }
  return true;
}

bool Reader::member(Map& map, int depth, bool& closed) {
  std::string_view key;
  if (now() == '"' || now() == '\'') {
    if (!quoted(key)) return false;
  } else {
    key = bare(Stop::kKey);
  }
  skip_space();
  const auto before = static_cast<std::ptrdiff_t>(at_) - 1;
  if (now() == kEnd) return unexpected_end(before, "null");
  if (now() != ':') return unexpected_char(static_cast<std::size_t>(before));
  ++at_;
  if (now() == kEnd) return unexpected_end(static_cast<std::ptrdiff_t>(at_) - 1, "EOF");
  Value v;
  if (!value(v, Stop::kValue, depth + 1)) return false;
  map.put(arena_, Value::of(key), v);
  skip_space();
  if (now() == '}') {
    ++at_;
    closed = true;
    return true;
  }
  if (now() == kEnd) return unexpected_end(static_cast<std::ptrdiff_t>(at_) - 1, "null");
  if (now() != ',') {
    return fail(JsonError::kSyntax, "Unexpected token " + character() + " at position " +
                                        place(static_cast<std::ptrdiff_t>(at_) - 1) + ".");
  }
  return true;
}

bool Reader::object(Value& out, int depth) {
  Map* map = make_map(arena_);
  out = Value::of(map);
  for (;;) {
    ++at_;  // past '{', ',' or a blank
    switch (now()) {
      case ' ':
      case '\t':
      case '\r':
      case '\n':
      case ',':
        continue;
      case ':':
      case ']':
      case '[':
      case '{':
        return unexpected_char(at_);
      case '}':
        ++at_;
        return true;
      default: {
        bool closed = false;
        if (!member(*map, depth, closed)) return false;
        if (closed) return true;
      }
    }
  }
}

bool Reader::array(Value& out, int depth) {
  List* list = make_list(arena_, ListKind::kJsonArray);
  out = Value::of(list);
  ++at_;
  for (;;) {
    switch (now()) {
      case ' ':
      case '\t':
      case '\r':
      case '\n':
      case ',':
        ++at_;
        continue;
      case ']':
        ++at_;
        return true;
      case ':':
      case '}':
        return unexpected_char(at_);
      case kEnd:
        return unexpected_end(static_cast<std::ptrdiff_t>(at_) - 1, "EOF");
      default: {
        Value v;
        if (!value(v, Stop::kArray, depth + 1)) return false;
        list->items.push(arena_, v);
      }
    }
  }
}

bool Reader::quoted(std::string_view& out) {
  const std::size_t from = at_ + 1;
  const std::size_t end = text_.find(text_[at_], from);
  if (end == std::string_view::npos) {
    return unexpected_end(static_cast<std::ptrdiff_t>(text_.size()), "null");
  }
  out = text_.substr(from, end - from);
  if (std::memchr(out.data(), '\\', out.size()) != nullptr) return quoted_slow(out);
  at_ = end + 1;
  return true;
}

// Text with escapes; json-smart drops control characters and unknown escapes here, and only here.
bool Reader::quoted_slow(std::string_view& out) {
  const char quote = text_[at_];
  buffer_.clear();
  for (;;) {
    ++at_;
    const char c = now();
    if (c == quote) {
      ++at_;
      out = arena_.copy(buffer_);
      return true;
    }
    if (c == kEnd) return unexpected_end(static_cast<std::ptrdiff_t>(at_) - 1, "null");
    if (c == '\\') {
      ++at_;
      if (!escape(buffer_)) return false;
    } else if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) {
      buffer_ += c;
    }
  }
}

bool Reader::escape(std::string& buffer) {
  unsigned code = 0;
  switch (now()) {
    case 't':
      buffer += '\t';
      return true;
    case 'n':
      buffer += '\n';
      return true;
    case 'r':
      buffer += '\r';
      return true;
    case 'f':
      buffer += '\f';
      return true;
    case 'b':
      buffer += '\b';
      return true;
    case '\\':
    case '/':
    case '\'':
    case '"':
      buffer += now();
      return true;
    case 'x':
      if (!unicode(2, code)) return false;
      break;
    case 'u':
      if (!unicode(4, code)) return false;
      break;
    default:
      return true;
  }
  if (code >= 0xd800 && code < 0xdc00 && text_.substr(at_ + 1).starts_with("\\u")) {
    const std::size_t back = at_;
    unsigned low = 0;
    at_ += 2;
    if (!unicode(4, low)) return false;
    if (low >= 0xdc00 && low < 0xe000) {
      append_utf8(buffer, 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00));
      return true;
    }
    at_ = back;
  }
  append_utf8(buffer, code);
  return true;
}

// at_ stands on the 'u' or 'x', then on the last digit.
bool Reader::unicode(int digits, unsigned& code) {
  code = 0;
  for (int i = 0; i < digits; ++i) {
    ++at_;
    const char c = now();
    unsigned digit = 0;
    if (is_digit(c)) {
      digit = static_cast<unsigned>(c - '0');
    } else if ((c | 32) >= 'a' && (c | 32) <= 'f') {
      digit = static_cast<unsigned>((c | 32) - 'a' + 10);
    } else if (now() == kEnd) {
      return unexpected_end(static_cast<std::ptrdiff_t>(at_), "EOF");
    } else {
      return fail(JsonError::kSyntax, "Unexpected unicode escape sequence " + character() +
                                          " at position " +
                                          place(static_cast<std::ptrdiff_t>(at_)) + ".");
    }
    code = code * 16 + digit;
  }
  return true;
}

bool Reader::finish_number(Value& out, Stop stop, std::size_t from, bool real) {
  const char c = now();
  if (c != kEnd && static_cast<unsigned char>(c) < 126 && !is_stop(stop, c)) {
    bare(stop);
    out = Value::of(trimmed(from));
    return true;
  }
  const std::string_view text = trimmed(from);
  if (!real) {
    out = read_integer(arena_, text);
    return true;
  }
  if (text.size() > 18) {
    if (!read_decimal(arena_, text, out)) {
      return fail(JsonError::kSyntax, "For input string: \"" + std::string(text) + "\"");
    }
    return true;
  }
  std::string_view digits = text;
  double d = 0;
  const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), d);
  if (end.ec == std::errc::result_out_of_range) {
    d = std::strtod(std::string(digits).c_str(), nullptr);
  } else if (end.ec != std::errc() || end.ptr != digits.data() + digits.size()) {
    return fail(JsonError::kSyntax, "For input string: \"" + std::string(text) + "\"");
  }
  out = Value::of(d);
  return true;
}

bool Reader::number(Value& out, Stop stop) {
  const std::size_t from = at_;
  ++at_;
  const auto digits = [&] {
    while (is_digit(now()))
      ++at_;
  };
  digits();
  bool real = false;
  if (now() == '.') {
    real = true;
    ++at_;
    digits();
  }
  if (now() == 'e' || now() == 'E') {
    real = true;
    ++at_;
    if (now() != '+' && now() != '-' && !is_digit(now())) {
      bare(stop);
      out = Value::of(trimmed(from));
      return true;
    }
    ++at_;
    digits();
  }
  skip_space();
  return finish_number(out, stop, from, real);
}

}  // namespace

base::Result<Value, JsonError> read_json(Arena& arena, std::string_view text) {
  return Reader(arena, text).run();
}

}  // namespace sluice::gateway
