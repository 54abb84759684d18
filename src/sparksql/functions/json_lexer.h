// Reads one JSON text token by token and forgives exactly what Jackson forgives Spark: single
// quotes, NaN and Infinity, text after the first value; and what options add. A malformed token is
// kFatal for the whole record; a string's contents are only looked at when they are wanted.
//
// Strings without escapes are views of the text itself; others are built in an arena.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::sparksql {

// Memory that lives as long as the values that point into it; reset() keeps the blocks.
class Arena {
 public:
  char* allocate(std::size_t size, std::size_t alignment = 1);
  std::string_view copy(std::string_view text);
  void reset();
  std::size_t bytes() const { return total_; }

 private:
  struct Block {
    std::unique_ptr<char[]> memory;
    std::size_t size = 0;
  };
  std::vector<Block> blocks_;
  std::size_t block_ = 0;  // the one in use
  std::size_t used_ = 0;
  std::size_t total_ = 0;
};

struct JsonLexerOptions {
  bool comments = false;
  bool unquoted_names = false;
  bool single_quotes = true;
  bool leading_zeros = false;
  bool non_numeric_numbers = true;
  bool backslash_any = false;
  bool control_chars = false;
};

enum class JsonToken : std::uint8_t {
  kEnd,  // no more text
  kFatal,
  kObject,
  kArray,
  kEndObject,
  kEndArray,
  kString,
  kInteger,
  kReal,  // NaN and Infinity too
  kTrue,
  kFalse,
  kNull,
};

class JsonLexer {
 public:
  static constexpr int kMaxDepth = 1000;           // Jackson's StreamReadConstraints
  static constexpr std::size_t kMaxNumber = 1000;  // digits
  static constexpr std::size_t kMaxName = 50'000;
  static constexpr std::size_t kMaxString = 100'000'000;

  JsonLexer(std::string_view text, const JsonLexerOptions& options, Arena& arena)
      : at_(text.data()), end_(text.data() + text.size()), options_(options), arena_(arena) {}

  // The next value where a value must stand (the top, after a name, after `[` or `,`).
  JsonToken value();
  // Inside an object: its next name (then value() follows), kEndObject, or kFatal. `first`: no
  // comma yet.
  JsonToken name(bool first, std::string_view& name);
  // Inside an array: the next value's token, kEndArray or kFatal.
  JsonToken element(bool first);

  // Of the last kString: false: malformed; reading goes on behind the place.
  bool string(std::string_view& out);
  // Over the last token's rest (a string's, an object's, an array's). False: fatal.
  bool skip(JsonToken token, int depth);
  // Of the last kInteger or kReal, as written ("NaN", "-INF", …).
  std::string_view number() const { return number_; }
  bool number_is_special() const { return special_; }

 private:
  bool blanks();  // false: a malformed comment
  JsonToken literal(std::string_view rest, JsonToken token);
  JsonToken number_token(bool negative);
  JsonToken special(const char* start);
  bool colon();
  bool skip_string();
  bool scan_string(std::string_view& out, std::size_t limit);
  bool slow_string(const char* start, std::string_view& out);
  bool escape(std::string& out);
  bool hex4(unsigned& out);

  const char* at_;
  const char* end_;
  const JsonLexerOptions& options_;
  Arena& arena_;
  char quote_ = '"';
  bool special_ = false;
  std::string_view number_;
  std::string scratch_;
};

}  // namespace sluice::sparksql
