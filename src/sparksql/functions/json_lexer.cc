#include "sparksql/functions/json_lexer.h"

#include <algorithm>
#include <cstring>

#include "sparksql/functions/unicode.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace sluice::sparksql {
namespace {

constexpr std::size_t kFirstBlock = 16 << 10;
constexpr std::size_t kLargestBlock = 1 << 20;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// What may not follow a literal: Character.isJavaIdentifierPart, ASCII and beyond.
bool continues_word(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' ||
         (c & 0x80) != 0;
}

// The first byte that ends a plain run: the quote, a backslash, a control character; and whether a
// byte beyond ASCII came before it.
const char* plain_run(const char* at, const char* end, char quote, bool& beyond_ascii) {
#if defined(__SSE2__)
  const __m128i quotes = _mm_set1_epi8(quote);
  const __m128i backslashes = _mm_set1_epi8('\\');
  const __m128i controls = _mm_set1_epi8(0x1F);
  while (end - at >= 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, controls), bytes);
    const __m128i stop = _mm_or_si128(
        control, _mm_or_si128(_mm_cmpeq_epi8(bytes, quotes), _mm_cmpeq_epi8(bytes, backslashes)));
    const auto stops = static_cast<unsigned>(_mm_movemask_epi8(stop));
    const auto high = static_cast<unsigned>(_mm_movemask_epi8(bytes));
    if (stops != 0) {
      const int n = __builtin_ctz(stops);
      beyond_ascii = beyond_ascii || (high & ((1U << n) - 1)) != 0;
      return at + n;
    }
    beyond_ascii = beyond_ascii || high != 0;
    at += 16;
  }
#endif
  for (; at < end; ++at) {
    const auto c = static_cast<unsigned char>(*at);
    if (c < 0x20 || *at == quote || c == '\\') break;
    beyond_ascii = beyond_ascii || c >= 0x80;
  }
  return at;
}

}  // namespace

char* Arena::allocate(std::size_t size, std::size_t alignment) {
  while (block_ < blocks_.size()) {
    const std::size_t start = (used_ + alignment - 1) / alignment * alignment;
    if (start + size <= blocks_[block_].size) {
      used_ = start + size;
      return blocks_[block_].memory.get() + start;
    }
    ++block_;
    used_ = 0;
  }
  std::size_t wanted = blocks_.empty() ? kFirstBlock : blocks_.back().size * 2;
  wanted = std::max(std::min(wanted, kLargestBlock), size);
  blocks_.push_back({std::make_unique_for_overwrite<char[]>(wanted), wanted});
  total_ += wanted;
  used_ = size;
  return blocks_[block_].memory.get();
}

std::string_view Arena::copy(std::string_view text) {
  if (text.empty()) return {};
  char* to = allocate(text.size());
  std::memcpy(to, text.data(), text.size());
  return {to, text.size()};
}

void Arena::reset() {
  block_ = 0;
  used_ = 0;
}

bool JsonLexer::blanks() {
  for (;;) {
    while (at_ < end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\t' || *at_ == '\r'))
      ++at_;
    if (at_ == end_ || *at_ != '/' || !options_.comments) return true;
    if (end_ - at_ < 2) return false;
    if (at_[1] == '/') {
      while (at_ < end_ && *at_ != '\n' && *at_ != '\r')
        ++at_;
    } else if (at_[1] == '*') {
      const std::string_view rest(at_ + 2, static_cast<std::size_t>(end_ - at_ - 2));
      const auto close = rest.find("*/");
      if (close == std::string_view::npos) return false;
      at_ += 2 + close + 2;
    } else {
      return false;
    }
  }
}

JsonToken JsonLexer::literal(std::string_view rest, JsonToken token) {
  if (static_cast<std::size_t>(end_ - at_) < rest.size() ||
      std::memcmp(at_, rest.data(), rest.size()) != 0)
    return JsonToken::kFatal;
  at_ += rest.size();
  if (at_ < end_ && continues_word(*at_)) return JsonToken::kFatal;
  return token;
}

// NaN, Infinity, +INF, -INF, +Infinity, -Infinity; `start` is the sign or the first letter.
JsonToken JsonLexer::special(const char* start) {
  if (!options_.non_numeric_numbers) return JsonToken::kFatal;
  const bool sign = *start == '+' || *start == '-';
  at_ = start + (sign ? 1 : 0);
  const auto word = [&](std::string_view text) {
    const char* before = at_;
    if (literal(text, JsonToken::kReal) != JsonToken::kFatal) return true;
    at_ = before;
    return false;
  };
  const bool good = sign ? word("Infinity") || word("INF") : word("NaN") || word("Infinity");
  if (!good) return JsonToken::kFatal;
  special_ = true;
  number_ = {start, static_cast<std::size_t>(at_ - start)};
  return JsonToken::kReal;
}

JsonToken JsonLexer::number_token(bool negative) {
  const char* start = at_ - 1;
  const char* digits = negative ? at_ : start;
  if (negative && (at_ == end_ || !is_digit(*at_))) return special(start);
  at_ = digits;
  if (*at_ == '0' && at_ + 1 < end_ && is_digit(at_[1])) {
    if (!options_.leading_zeros) return JsonToken::kFatal;
    while (at_ + 1 < end_ && *at_ == '0' && is_digit(at_[1]))
      ++at_;
    digits = at_;
  }
  while (at_ < end_ && is_digit(*at_))
    ++at_;
  JsonToken token = JsonToken::kInteger;
  if (at_ < end_ && *at_ == '.') {
    token = JsonToken::kReal;
    const char* fraction = ++at_;
    while (at_ < end_ && is_digit(*at_))
      ++at_;
    if (at_ == fraction) return JsonToken::kFatal;
  }
  if (at_ < end_ && (*at_ | 32) == 'e') {
    token = JsonToken::kReal;
    ++at_;
    if (at_ < end_ && (*at_ == '+' || *at_ == '-')) ++at_;
    const char* exponent = at_;
    while (at_ < end_ && is_digit(*at_))
      ++at_;
    if (at_ == exponent) return JsonToken::kFatal;
  }
  if (static_cast<std::size_t>(at_ - digits) > kMaxNumber) return JsonToken::kFatal;
  special_ = false;
  if (negative && digits != start + 1) {
    // Leading zeros between the sign and the digits: put together anew.
    char* copy = arena_.allocate(static_cast<std::size_t>(at_ - digits) + 1);
    copy[0] = '-';
    std::memcpy(copy + 1, digits, static_cast<std::size_t>(at_ - digits));
    number_ = {copy, static_cast<std::size_t>(at_ - digits) + 1};
  } else {
    number_ = {negative ? start : digits,
               static_cast<std::size_t>(at_ - (negative ? start : digits))};
  }
  return token;
}

JsonToken JsonLexer::value() {
  if (!blanks()) return JsonToken::kFatal;
  if (at_ == end_) return JsonToken::kEnd;
  const char c = *at_++;
  switch (c) {
    case '"':
      quote_ = '"';
      return JsonToken::kString;
    case '\'':
      quote_ = '\'';
      return options_.single_quotes ? JsonToken::kString : JsonToken::kFatal;
    case '{':
      return JsonToken::kObject;
    case '[':
      return JsonToken::kArray;
    case 't':
      return literal("rue", JsonToken::kTrue);
    case 'f':
      return literal("alse", JsonToken::kFalse);
    case 'n':
      return literal("ull", JsonToken::kNull);
    case 'N':
    case 'I':
    case '+':
      return special(at_ - 1);
    case '-':
      return number_token(true);
    default:
      return is_digit(c) ? number_token(false) : JsonToken::kFatal;
  }
}

JsonToken JsonLexer::element(bool first) {
  if (!blanks() || at_ == end_) return JsonToken::kFatal;
  if (*at_ == ']') {
    ++at_;
    return JsonToken::kEndArray;
  }
  if (!first) {
    if (*at_ != ',') return JsonToken::kFatal;
    ++at_;
  }
  const JsonToken token = value();
  return token == JsonToken::kEnd ? JsonToken::kFatal : token;
}

bool JsonLexer::colon() {
  if (at_ < end_ && *at_ == ':') {
    ++at_;
    return true;
  }
  if (!blanks() || at_ == end_ || *at_ != ':') return false;
  ++at_;
  return true;
}

JsonToken JsonLexer::name(bool first, std::string_view& name) {
  if (!blanks() || at_ == end_) return JsonToken::kFatal;
  if (*at_ == '}') {
    ++at_;
    return JsonToken::kEndObject;
  }
  if (!first) {
    if (*at_ != ',') return JsonToken::kFatal;
    ++at_;
    if (!blanks() || at_ == end_) return JsonToken::kFatal;
  }
  if (*at_ == '"' || (*at_ == '\'' && options_.single_quotes)) {
    quote_ = *at_++;
    if (!scan_string(name, kMaxName)) return JsonToken::kFatal;
  } else if (options_.unquoted_names && continues_word(*at_) && !is_digit(*at_)) {
    const char* start = at_;
    while (at_ < end_ && (continues_word(*at_) || *at_ == '@' || *at_ == '#' || *at_ == '*' ||
                          *at_ == '-' || *at_ == '+'))
      ++at_;
    name = {start, static_cast<std::size_t>(at_ - start)};
  } else {
    return JsonToken::kFatal;
  }
  return colon() ? JsonToken::kString : JsonToken::kFatal;
}

bool JsonLexer::hex4(unsigned& out) {
  out = 0;
  for (int i = 0; i < 4; ++i, ++at_) {
    if (at_ == end_) return false;
    const char c = *at_;
    const char lower = static_cast<char>(c | 32);
    if (is_digit(c))
      out = out * 16 + static_cast<unsigned>(c - '0');
    else if (lower >= 'a' && lower <= 'f')
      out = out * 16 + static_cast<unsigned>(lower - 'a' + 10);
    else
      return false;
  }
  return true;
}

// Behind a backslash.
bool JsonLexer::escape(std::string& out) {
  if (at_ == end_) return false;
  const char c = *at_++;
  switch (c) {
    case 'b':
      out.push_back('\b');
      return true;
    case 't':
      out.push_back('\t');
      return true;
    case 'n':
      out.push_back('\n');
      return true;
    case 'f':
      out.push_back('\f');
      return true;
    case 'r':
      out.push_back('\r');
      return true;
    case '"':
    case '/':
    case '\\':
      out.push_back(c);
      return true;
    case 'u':
      break;
    default:
      if (!options_.backslash_any && !(c == '\'' && options_.single_quotes)) return false;
      out.push_back(c);
      return true;
  }
  unsigned unit = 0;
  if (!hex4(unit)) return false;
  if (unit >= 0xD800 && unit < 0xDC00 && end_ - at_ >= 6 && at_[0] == '\\' && at_[1] == 'u') {
    const char* before = at_;
    at_ += 2;
    unsigned low = 0;
    if (!hex4(low)) return false;
    if (low >= 0xDC00 && low < 0xE000) {
      append_utf8(out, 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00));
      return true;
    }
    at_ = before;
  }
  // A surrogate alone has no bytes; Java writes a question mark.
  append_utf8(out, unit >= 0xD800 && unit < 0xE000 ? U'?' : static_cast<char32_t>(unit));
  return true;
}

bool JsonLexer::slow_string(const char* start, std::string_view& out) {
  scratch_.assign(start, at_);
  bool beyond_ascii = true;
  for (;;) {
    const char* run = at_;
    at_ = plain_run(at_, end_, quote_, beyond_ascii);
    scratch_.append(run, at_);
    if (at_ == end_) return false;
    const char c = *at_++;
    if (c == quote_) break;
    if (c == '\\') {
      if (!escape(scratch_)) return false;
    } else {
      if (!options_.control_chars) return false;
      scratch_.push_back(c);
    }
  }
  if (!is_valid_utf8(scratch_)) scratch_ = replace_invalid_utf8(scratch_);
  out = arena_.copy(scratch_);
  return true;
}

bool JsonLexer::scan_string(std::string_view& out, std::size_t limit) {
  const char* start = at_;
  bool beyond_ascii = false;
  at_ = plain_run(at_, end_, quote_, beyond_ascii);
  if (at_ < end_ && *at_ == quote_) {
    out = {start, static_cast<std::size_t>(at_ - start)};
    ++at_;
    if (beyond_ascii && !is_valid_utf8(out)) out = arena_.copy(replace_invalid_utf8(out));
  } else if (!slow_string(start, out)) {
    return false;
  }
  return out.size() <= limit;
}

bool JsonLexer::string(std::string_view& out) {
  return scan_string(out, kMaxString);
}

bool JsonLexer::skip_string() {
  bool beyond_ascii = false;
  for (;;) {
    at_ = plain_run(at_, end_, quote_, beyond_ascii);
    if (at_ == end_) return false;
    const char c = *at_++;
    if (c == quote_) return true;
    if (c == '\\') {
      scratch_.clear();
      if (!escape(scratch_)) return false;
    } else if (!options_.control_chars) {
      return false;
    }
  }
}

bool JsonLexer::skip(JsonToken token, int depth) {
  if (depth > kMaxDepth) return false;
  switch (token) {
    case JsonToken::kString:
      return skip_string();
    case JsonToken::kFatal:
    case JsonToken::kEnd:
      return false;
    case JsonToken::kArray:
      for (bool first = true;; first = false) {
        const JsonToken next = element(first);
        if (next == JsonToken::kEndArray) return true;
        if (next == JsonToken::kFatal || !skip(next, depth + 1)) return false;
      }
    case JsonToken::kObject:
      for (bool first = true;; first = false) {
        std::string_view unused;
        const JsonToken next = name(first, unused);
        if (next == JsonToken::kEndObject) return true;
        if (next == JsonToken::kFatal || !skip(value(), depth + 1)) return false;
      }
    default:
      return true;
  }
}

}  // namespace sluice::sparksql
