// The lexer: one pass over the bytes; every branch consumes at least one byte.
#include "sparksql/lexer.h"

#include <array>
#include <cctype>

#include "sparksql/error.h"

namespace sluice::sparksql {
namespace {

constexpr std::size_t kTextBytesMax = std::size_t{16} << 20;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_word(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         (static_cast<unsigned char>(c) & 0x80U) != 0;
}

void append_utf8(std::string& out, std::uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0U | (code >> 6U));
    out += static_cast<char>(0x80U | (code & 0x3FU));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0U | (code >> 12U));
    out += static_cast<char>(0x80U | ((code >> 6U) & 0x3FU));
    out += static_cast<char>(0x80U | (code & 0x3FU));
  } else {
    out += static_cast<char>(0xF0U | (code >> 18U));
    out += static_cast<char>(0x80U | ((code >> 12U) & 0x3FU));
    out += static_cast<char>(0x80U | ((code >> 6U) & 0x3FU));
    out += static_cast<char>(0x80U | (code & 0x3FU));
  }
}

// `count` hexadecimal digits at `at`, or nothing.
std::optional<std::uint32_t> hex_digits(std::string_view body, std::size_t at, std::size_t count) {
  if (at + count > body.size()) {
    return std::nullopt;
  }
  std::uint32_t code = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const char c = body[at + i];
    if (std::isxdigit(static_cast<unsigned char>(c)) == 0) {
      return std::nullopt;
    }
    const auto digit = is_digit(c) ? c - '0' : std::tolower(c) - 'a' + 10;
    code = code * 16 + static_cast<std::uint32_t>(digit);
  }
  return code;
}

class Lexer {
 public:
  Lexer(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  SqlResult<std::vector<Token>> run() {
    while (!error_) {
      skip_blank();
      if (error_ || at_ >= text_.size()) {
        break;
      }
      next();
    }
    if (error_) {
      return std::unexpected(*error_);
    }
    begin_token();
    token_.kind = TokenKind::kEnd;
    finish();
    return std::move(tokens_);
  }

 private:
  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }

  void advance(std::size_t count = 1) {
    for (; count > 0 && at_ < text_.size(); --count, ++at_) {
      if (text_[at_] == '\n') {
        ++line_;
        column_ = 1;
      } else if ((static_cast<unsigned char>(text_[at_]) & 0xC0U) != 0x80U) {
        ++column_;
      }
    }
  }

  void fail(const std::string& error_class, const std::string& state, const std::string& message) {
    error_ =
        make_error(error_class, state, message, Stage::kParse, {file_, token_.line, token_.column});
  }

  void begin_token() {
    token_ = Token{};
    token_.begin = at_;
    token_.line = line_;
    token_.column = column_;
  }

  void finish() {
    token_.end = at_;
    tokens_.push_back(std::move(token_));
  }

  void skip_blank() {
    while (at_ < text_.size() && !error_) {
      const char c = peek();
      if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
        advance();
      } else if (text_.substr(at_).starts_with("\xC2\xA0")) {  // no-break space
        advance(2);
      } else if (c == '-' && peek(1) == '-') {
        skip_line_comment();
      } else if (c == '/' && peek(1) == '*') {
        skip_bracketed_comment();
      } else {
        return;
      }
    }
  }

  void skip_line_comment() {
    while (at_ < text_.size() && peek() != '\n' && peek() != '\r') {
      advance(peek() == '\\' && peek(1) == '\n' ? 2 : 1);
    }
  }

  void skip_bracketed_comment() {
    begin_token();
    int depth = 0;
    while (at_ < text_.size()) {
      if (peek() == '/' && peek(1) == '*') {
        ++depth;
        advance(2);
      } else if (peek() == '*' && peek(1) == '/') {
        advance(2);
        if (--depth == 0) {
          return;
        }
      } else {
        advance();
      }
    }
    fail("UNCLOSED_BRACKETED_COMMENT", "42601",
         "Found an unclosed bracketed comment. Please, append */ at the end of the comment.");
  }

  void next() {
    begin_token();
    const char c = peek();
    if (c == '\'' || c == '"') {
      string(c, false);
    } else if ((c == 'r' || c == 'R') && (peek(1) == '\'' || peek(1) == '"')) {
      advance();
      string(peek(), true);
    } else if (c == '`') {
      quoted();
    } else if (is_digit(c) || (c == '.' && is_digit(peek(1)))) {
      number_or_word();
    } else if (is_word(c)) {
      word();
    } else {
      symbol();
    }
  }

  void word() {
    while (is_word(peek())) {
      advance();
    }
    token_.kind = TokenKind::kWord;
    token_.text = text_.substr(token_.begin, at_ - token_.begin);
    finish();
  }

  void string(char quote, bool raw) {
    advance();
    const std::size_t begin = at_;
    std::string body;
    while (true) {
      if (at_ >= text_.size()) {
        fail("PARSE_SYNTAX_ERROR", "42601",
             "Syntax error at or near end of input: unclosed string.");
        return;
      }
      const char c = peek();
      if (c == '\\' && !raw) {
        body += text_.substr(at_, 2);
        advance(2);
      } else if (c == quote && !raw && peek(1) == quote) {
        body += '\\';
        body += quote;
        advance(2);
      } else if (c == quote) {
        break;
      } else {
        body += c;
        advance();
      }
    }
    token_.kind = TokenKind::kString;
    token_.text = raw ? std::string(text_.substr(begin, at_ - begin)) : unescape_sql(body);
    advance();
    finish();
  }

  void quoted() {
    advance();
    while (true) {
      if (at_ >= text_.size()) {
        fail("PARSE_SYNTAX_ERROR", "42601", "Syntax error at or near '`'.");
        return;
      }
      if (peek() == '`' && peek(1) == '`') {
        token_.text += '`';
        advance(2);
      } else if (peek() == '`') {
        break;
      } else {
        token_.text += peek();
        advance();
      }
    }
    advance();
    token_.kind = TokenKind::kQuoted;
    finish();
  }

  std::size_t digits_from(std::size_t at) const {
    while (at < text_.size() && is_digit(text_[at])) {
      ++at;
    }
    return at;
  }

  char char_at(std::size_t at) const { return at < text_.size() ? text_[at] : '\0'; }

  // The longest match wins, as in ANTLR: a number, or an identifier that starts with a digit.
  void number_or_word() {
    std::size_t end = digits_from(at_);
    bool fraction = false;
    bool exponent = false;
    // `t.1`: after a name the dot is the dot of a path.
    if (char_at(end) == '.' && !(char_at(end + 1) == '.')) {
      const std::size_t after = digits_from(end + 1);
      if (!is_word(char_at(after)) || is_number_tail(after)) {
        end = after;
        fraction = true;
      }
    }
    if (char_at(end) == 'e' || char_at(end) == 'E') {
      const std::size_t sign = (char_at(end + 1) == '+' || char_at(end + 1) == '-') ? 1 : 0;
      const std::size_t after = digits_from(end + 1 + sign);
      if (after > end + 1 + sign) {
        end = after;
        exponent = true;
      }
    }
    std::size_t number_end = end;
    const TokenKind kind = suffix(fraction, exponent, number_end);
    std::size_t word_end = at_;
    while (is_word(char_at(word_end))) {
      ++word_end;
    }
    if (word_end > number_end) {
      word();
      return;
    }
    if (number_end == at_) {  // a dot before a name that starts with a digit
      symbol();
      return;
    }
    token_.kind = kind;
    token_.text = text_.substr(at_, end - at_);
    advance(number_end - at_);
    finish();
  }

  // What follows the digits after a dot still belongs to a number: an exponent or a suffix.
  bool is_number_tail(std::size_t at) const {
    std::size_t end = at;
    if (char_at(end) == 'e' || char_at(end) == 'E') {
      const std::size_t sign = (char_at(end + 1) == '+' || char_at(end + 1) == '-') ? 1 : 0;
      const std::size_t after = digits_from(end + 1 + sign);
      if (after > end + 1 + sign) {
        end = after;
      }
    }
    suffix(true, end > at, end);
    return end > at && !is_word(char_at(end));
  }

  TokenKind suffix(bool fraction, bool exponent, std::size_t& end) const {
    const char c = static_cast<char>(std::toupper(static_cast<unsigned char>(char_at(end))));
    if (c == 'B' && std::toupper(static_cast<unsigned char>(char_at(end + 1))) == 'D') {
      end += 2;
      return TokenKind::kBigDecimal;
    }
    if (c == 'D' || c == 'F') {
      end += 1;
      return c == 'D' ? TokenKind::kDouble : TokenKind::kFloat;
    }
    if (!fraction && !exponent && (c == 'L' || c == 'S' || c == 'Y')) {
      end += 1;
      return c == 'L' ? TokenKind::kLong : c == 'S' ? TokenKind::kShort : TokenKind::kByte;
    }
    return exponent ? TokenKind::kExponent : fraction ? TokenKind::kDecimal : TokenKind::kInteger;
  }

  void symbol() {
    static constexpr std::array<std::string_view, 19> kSymbols = {
        "<=>", ">>>", "::", "->", "=>", "==", "<>", "!=", "<=", ">=",
        "||",  "<<",  ">>", "|>", "!<", "!>", "/*", "*/", "--"};
    token_.kind = TokenKind::kSymbol;
    for (const auto symbol : kSymbols) {
      if (text_.substr(at_).starts_with(symbol)) {
        token_.text = symbol;
        advance(symbol.size());
        finish();
        return;
      }
    }
    static constexpr std::string_view kSingles = "()[]{},.;:=<>!+-*/%&|^~?@#$\\";
    if (kSingles.find(peek()) == std::string_view::npos) {
      fail("PARSE_SYNTAX_ERROR", "42601",
           "Syntax error at or near '" + std::string(1, peek()) + "'.");
      return;
    }
    token_.text = std::string(1, peek());
    advance();
    finish();
  }

  std::string_view text_;
  const std::string& file_;
  std::size_t at_ = 0;
  int line_ = 1;
  int column_ = 1;
  Token token_;
  std::vector<Token> tokens_;
  std::optional<SqlError> error_;
};

// One escape at body[at] == '\\'; returns the bytes consumed.
std::size_t unescape_one(std::string_view body, std::size_t at, std::string& out) {
  const char c = body[at + 1];
  if (c == 'u') {
    if (const auto code = hex_digits(body, at + 2, 4)) {
      // A pair of surrogates is one character.
      if (*code >= 0xD800 && *code < 0xDC00 && body.substr(at + 6).starts_with("\\u")) {
        const auto low = hex_digits(body, at + 8, 4);
        if (low && *low >= 0xDC00 && *low < 0xE000) {
          append_utf8(out, 0x10000 + ((*code - 0xD800) << 10U) + (*low - 0xDC00));
          return 12;
        }
      }
      append_utf8(out, *code >= 0xD800 && *code < 0xE000 ? '?' : *code);
      return 6;
    }
  }
  if (c == 'U') {
    const auto code = hex_digits(body, at + 2, 8);
    if (code && *code <= 0x10FFFF) {
      append_utf8(out, *code);
      return 10;
    }
  }
  if ((c == '0' || c == '1') && at + 3 < body.size() && body[at + 2] >= '0' &&
      body[at + 2] <= '7' && body[at + 3] >= '0' && body[at + 3] <= '7') {
    append_utf8(out, static_cast<std::uint32_t>(((c - '0') * 64) + ((body[at + 2] - '0') * 8) +
                                                (body[at + 3] - '0')));
    return 4;
  }
  switch (c) {
    case '0':
      out += '\0';
      break;
    case 'b':
      out += '\b';
      break;
    case 'n':
      out += '\n';
      break;
    case 'r':
      out += '\r';
      break;
    case 't':
      out += '\t';
      break;
    case 'Z':
      out += '\x1A';
      break;
    case '%':
      out += "\\%";
      break;
    case '_':
      out += "\\_";
      break;
    default:
      out += c;
  }
  return 2;
}

}  // namespace

std::string unescape_sql(std::string_view body) {
  std::string out;
  out.reserve(body.size());
  for (std::size_t at = 0; at < body.size();) {
    if (body[at] != '\\' || at + 1 >= body.size()) {
      out += body[at++];
    } else {
      at += unescape_one(body, at, out);
    }
  }
  return out;
}

SqlResult<std::vector<Token>> tokenize(std::string_view text, const std::string& file) {
  if (text.size() > kTextBytesMax) {
    return std::unexpected(unsupported("a text over 16 MiB", Stage::kParse, {file, 1, 1}));
  }
  return Lexer(text, file).run();
}

}  // namespace sluice::sparksql
