// Translates a Java pattern. Letters under (?i) become pairs, since Java folds ASCII only; `.`,
// `^`,
// `$` and \b are written out with Java's line ends and letters.
#include <charconv>
#include <optional>

#include "sparksql/functions/regex.h"
#include "sparksql/functions/unicode.h"

namespace sluice::sparksql {
namespace {

constexpr int kMaxNesting = 100;

struct Flags {
  bool ignore_case = false;
  bool dot_all = false;
  bool multi_line = false;
};

bool is_letter(char32_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char32_t c) {
  return c >= '0' && c <= '9';
}

std::string code_point_text(char32_t c) {
  if (is_letter(c) || is_digit(c) || c == ' ' || c == '_' || c >= 0x80) {
    std::string out;
    append_utf8(out, c);
    return out;
  }
  char buffer[16];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, static_cast<unsigned>(c), 16).ptr;
  return "\\x{" + std::string(buffer, end) + "}";
}

class Translator {
 public:
  explicit Translator(std::string_view pattern) : pattern_(pattern) {}

  std::expected<std::string, RegexError> run() {
    if (!sequence(0)) return std::unexpected(error_);
    if (at_ < pattern_.size()) {
      invalid("unmatched closing ')'");
      return std::unexpected(error_);
    }
    return out_;
  }

 private:
  bool invalid(std::string why) {
    error_ = {false, std::move(why)};
    return false;
  }
  bool unsupported(std::string what) {
    error_ = {true, std::move(what)};
    return false;
  }
  bool more() const { return at_ < pattern_.size(); }
  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < pattern_.size() ? pattern_[at_ + ahead] : '\0';
  }

  // Up to an unmatched ')' or the end. Flags set inside end with the group.
  bool sequence(int depth) {
    if (depth > kMaxNesting) return unsupported("groups nested deeper than 100");
    const Flags outer = flags_;
    bool repeatable = false;
    while (more()) {
      const char c = peek();
      if (c == ')') break;
      if (c == '|') {
        out_ += '|';
        ++at_;
        repeatable = false;
        continue;
      }
      if (c == '*' || c == '+' || c == '?' || c == '{') {
        if (!repeatable) return invalid(std::string("dangling meta character '") + c + "'");
        if (!quantifier()) return false;
        repeatable = false;
        continue;
      }
      if (!atom(depth, repeatable)) return false;
    }
    flags_ = outer;
    return true;
  }

  bool quantifier() {
    const char c = peek();
    if (c == '{') {
      std::size_t end = at_ + 1;
      const auto digits = [&] {
        const std::size_t start = end;
        while (end < pattern_.size() && is_digit(pattern_[end]))
          ++end;
        return end > start && end - start <= 5;
      };
      if (!digits()) return invalid("illegal repetition");
      if (end < pattern_.size() && pattern_[end] == ',') {
        ++end;
        if (end < pattern_.size() && pattern_[end] != '}' && !digits())
          return invalid("illegal repetition");
      }
      if (end >= pattern_.size() || pattern_[end] != '}') return invalid("unclosed repetition");
      out_.append(pattern_, at_, end + 1 - at_);
      at_ = end + 1;
    } else {
      out_ += c;
      ++at_;
    }
    if (peek() == '?' || peek() == '+') out_ += pattern_[at_++];
    return true;
  }

  bool atom(int depth, bool& repeatable) {
    repeatable = true;
    const char c = peek();
    switch (c) {
      case '(':
        return group(depth, repeatable);
      case '[':
        return char_class();
      case '\\':
        return escape(repeatable);
      case '.':
        ++at_;
        out_ += flags_.dot_all ? "(?s:.)" : "[^\\n\\r\\x{85}\\x{2028}\\x{2029}]";
        return true;
      case '^':
        ++at_;
        out_ += flags_.multi_line ? "(?:\\A|(?<=[\\n\\x{85}\\x{2028}\\x{2029}])(?!\\z)|"
                                    "(?<=\\r)(?!\\n)(?!\\z))"
                                  : "\\A";
        return true;
      case '$':
        ++at_;
        out_ += flags_.multi_line ? "(?:(?=[\\r\\x{85}\\x{2028}\\x{2029}])|(?<!\\r)(?=\\n)|\\z)"
                                  : kBeforeFinalLineEnd;
        return true;
      default:
        literal(next_code_point(pattern_, at_));
        return true;
    }
  }

  static constexpr const char* kBeforeFinalLineEnd =
      "(?:(?=\\r\\n\\z)|(?<!\\r)(?=\\n\\z)|(?=[\\r\\x{85}\\x{2028}\\x{2029}]\\z)|\\z)";

  void literal(char32_t c) {
    if (flags_.ignore_case && is_letter(c)) {
      out_ += '[';
      out_ += static_cast<char>(c | 32);
      out_ += static_cast<char>(c & ~32U);
      out_ += ']';
    } else {
      out_ += code_point_text(c);
    }
  }

  bool read_flags(Flags& flags) {
    bool on = true;
    for (; more(); ++at_) {
      const char c = peek();
      if (c == ')' || c == ':') return true;
      switch (c) {
        case '-':
          on = false;
          break;
        case 'i':
          flags.ignore_case = on;
          break;
        case 's':
          flags.dot_all = on;
          break;
        case 'm':
          flags.multi_line = on;
          break;
        case 'x':
        case 'u':
        case 'U':
        case 'd':
          if (!on) break;
          return unsupported(std::string("the flag (?") + c + ")");
        default:
          return invalid("unknown inline modifier");
      }
    }
    return invalid("unclosed group");
  }

  bool group(int depth, bool& repeatable) {
    ++at_;
    std::string open = "(";
    const Flags outer = flags_;
    Flags inner = flags_;
    if (peek() == '?') {
      static constexpr std::string_view kPlain[] = {"?:", "?=", "?!", "?>", "?<=", "?<!"};
      bool plain = false;
      for (const std::string_view kind : kPlain) {
        if (pattern_.substr(at_, kind.size()) != kind) continue;
        open += kind;
        at_ += kind.size();
        plain = true;
        break;
      }
      if (!plain && peek(1) == '<') {
        std::size_t end = at_ + 2;
        while (end < pattern_.size() && (is_letter(pattern_[end]) || is_digit(pattern_[end])))
          ++end;
        if (end == at_ + 2 || is_digit(pattern_[at_ + 2]) || end >= pattern_.size() ||
            pattern_[end] != '>')
          return invalid("a group's name is wrong");
        open.append(pattern_, at_, end + 1 - at_);
        at_ = end + 1;
        ++groups_;
      } else if (!plain) {
        ++at_;
        if (!read_flags(inner)) return false;
        if (pattern_[at_++] == ')') {
          flags_ = inner;
          repeatable = false;
          return true;
        }
        open += "?:";
      }
    } else {
      ++groups_;
    }
    out_ += open;
    flags_ = inner;
    if (!sequence(depth + 1)) return false;
    flags_ = outer;
    if (!more()) return invalid("unclosed group");
    ++at_;
    out_ += ')';
    return true;
  }

  // One character named by an escape; nullopt: the escape is none. `at_` stands behind the
  // backslash.
  std::optional<char32_t> escaped_character(bool& bad) {
    bad = false;
    const char c = peek();
    const auto hex = [&](std::size_t digits, char32_t& value) {
      value = 0;
      for (std::size_t i = 0; i < digits; ++i, ++at_) {
        const char h = peek();
        const int lower = h | 32;
        if (is_digit(h))
          value = value * 16 + static_cast<char32_t>(h - '0');
        else if (lower >= 'a' && lower <= 'f')
          value = value * 16 + static_cast<char32_t>(lower - 'a' + 10);
        else
          return false;
      }
      return true;
    };
    static constexpr std::pair<char, char32_t> kSimple[] = {{'t', '\t'}, {'n', '\n'}, {'r', '\r'},
                                                            {'f', '\f'}, {'a', 7},    {'e', 0x1B}};
    for (const auto& [letter, value] : kSimple) {
      if (c != letter) continue;
      ++at_;
      return value;
    }
    char32_t value = 0;
    switch (c) {
      case '0': {
        ++at_;
        int digits = 0;
        const int most = peek() <= '3' ? 3 : 2;
        for (; digits < most && peek() >= '0' && peek() <= '7'; ++digits)
          value = value * 8 + static_cast<char32_t>(pattern_[at_++] - '0');
        bad = digits == 0;
        return value;
      }
      case 'x':
        ++at_;
        if (peek() == '{') {
          ++at_;
          std::size_t digits = 0;
          while (peek(digits) != '}' && peek(digits) != '\0' && digits <= 6)
            ++digits;
          bad = digits == 0 || !hex(digits, value) || peek() != '}' || value > 0x10FFFF;
          if (!bad) ++at_;
        } else {
          bad = !hex(2, value);
        }
        return value;
      case 'u':
        ++at_;
        bad = !hex(4, value);
        if (!bad && value >= 0xD800 && value < 0xDC00 && peek() == '\\' && peek(1) == 'u') {
          at_ += 2;
          char32_t low = 0;
          bad = !hex(4, low) || low < 0xDC00 || low > 0xDFFF;
          value = 0x10000 + ((value - 0xD800) << 10) + (low - 0xDC00);
        }
        bad = bad || (value >= 0xD800 && value < 0xE000);
        return value;
      case 'c':
        ++at_;
        bad = !more() || (peek() & 0x80) != 0;
        if (!bad) value = static_cast<char32_t>(pattern_[at_++] ^ 64);
        return value;
      default:
        break;
    }
    if (is_letter(c) || is_digit(c)) return std::nullopt;
    return next_code_point(pattern_, at_);
  }

  // The members, to stand inside brackets, of \d, \w … \p{…}; empty: not such an escape, or wrong.
  std::string class_escape() {
    const char c = peek();
    switch (c) {
      case 'd':
      case 'D':
      case 's':
      case 'S':
      case 'w':
      case 'W':
      case 'h':
      case 'H':
      case 'v':
      case 'V':
        ++at_;
        return std::string("\\") + c;
      case 'p':
      case 'P':
        return property();
      default:
        return {};
    }
  }

  std::string property() {
    const bool negated = pattern_[at_++] == 'P';
    std::string name;
    if (peek() == '{') {
      const auto close = pattern_.find('}', at_);
      if (close == std::string_view::npos) {
        invalid("unclosed character family");
        return {};
      }
      name = pattern_.substr(at_ + 1, close - at_ - 1);
      at_ = close + 1;
    } else if (more()) {
      name = std::string(1, pattern_[at_++]);
    }
    static constexpr std::pair<std::string_view, std::string_view> kPosix[] = {
        {"Lower", "a-z"},
        {"Upper", "A-Z"},
        {"ASCII", "\\x{0}-\\x{7F}"},
        {"Alpha", "a-zA-Z"},
        {"Digit", "0-9"},
        {"Alnum", "a-zA-Z0-9"},
        {"Punct", "\\x{21}-\\x{2F}\\x{3A}-\\x{40}\\x{5B}-\\x{60}\\x{7B}-\\x{7E}"},
        {"Graph", "\\x{21}-\\x{7E}"},
        {"Print", "\\x{20}-\\x{7E}"},
        {"Blank", "\\x{20}\\t"},
        {"Cntrl", "\\x{0}-\\x{1F}\\x{7F}"},
        {"XDigit", "0-9a-fA-F"},
        {"Space", "\\x{20}\\t\\n\\x{B}\\f\\r"}};
    for (const auto& [posix, members] : kPosix) {
      if (name != posix) continue;
      if (!negated) return std::string(members);
      unsupported("\\P{" + name + "}");
      return {};
    }
    std::string_view category = name;
    if (category.starts_with("Is") && category.size() <= 4) category.remove_prefix(2);
    static constexpr std::string_view kCategories =
        " L Lu Ll Lt Lm Lo M Mn Mc Me N Nd Nl No P Pc Pd Ps Pe Pi Pf Po S Sm Sc Sk So Z Zs Zl Zp C "
        "Cc "
        "Cf Co Cn ";
    std::string member;
    if (!category.empty() &&
        kCategories.find(" " + std::string(category) + " ") != std::string_view::npos)
      member = category;
    static constexpr std::string_view kScripts =
        " Latin Greek Cyrillic Han Hiragana Katakana Hangul Arabic Hebrew Thai Devanagari Armenian "
        "Georgian ";
    if (name.starts_with("Is") &&
        kScripts.find(" " + name.substr(2) + " ") != std::string_view::npos)
      member = name.substr(2);
    if (member.empty()) {
      unsupported("\\p{" + name + "}");
      return {};
    }
    return (negated ? "\\P{" : "\\p{") + member + "}";
  }

  bool escape(bool& repeatable) {
    ++at_;
    if (!more()) return invalid("a backslash at the end");
    const char c = peek();
    if (c == 'Q') {
      const auto close = pattern_.find("\\E", at_ + 1);
      const std::size_t end = close == std::string_view::npos ? pattern_.size() : close;
      ++at_;
      repeatable = at_ < end;
      while (at_ < end)
        literal(next_code_point(pattern_, at_));
      if (close != std::string_view::npos) at_ += 2;
      return true;
    }
    static constexpr std::string_view kWord = "[\\p{L}\\p{Nd}_]";
    if (c == 'b' || c == 'B') {
      ++at_;
      if (peek() == '{') return unsupported("\\b{g}");
      const std::string w(kWord);
      out_ += c == 'b' ? "(?:(?<=" + w + ")(?!" + w + ")|(?<!" + w + ")(?=" + w + "))"
                       : "(?:(?<=" + w + ")(?=" + w + ")|(?<!" + w + ")(?!" + w + "))";
      return true;
    }
    if (c == 'A' || c == 'z' || c == 'Z' || c == 'R') {
      ++at_;
      out_ += c == 'Z' ? kBeforeFinalLineEnd : std::string("\\") + c;
      return true;
    }
    if (c == 'G' || c == 'X' || c == 'N') return unsupported(std::string("the construct \\") + c);
    if (c == 'k') return named_reference();
    if (c >= '1' && c <= '9') return back_reference();
    error_ = {};
    if (std::string members = class_escape(); !members.empty()) {
      // A pair of brackets: \p{Alpha} is several ranges.
      out_ += "[" + members + "]";
      return true;
    }
    if (!error_.message.empty()) return false;
    bool bad = false;
    const auto value = escaped_character(bad);
    if (!value || bad) return invalid(std::string("illegal escape \\") + c);
    literal(*value);
    return true;
  }

  bool back_reference() {
    if (flags_.ignore_case) return unsupported("a back reference under (?i)");
    int number = pattern_[at_++] - '0';
    while (is_digit(peek()) && number * 10 + (peek() - '0') <= groups_)
      number = number * 10 + (pattern_[at_++] - '0');
    // A group that does not exist never matches.
    out_ += number > groups_ ? "(?!)" : "\\g{" + std::to_string(number) + "}";
    return true;
  }

  bool named_reference() {
    if (flags_.ignore_case) return unsupported("a back reference under (?i)");
    const auto close = pattern_.find('>', at_);
    if (peek(1) != '<' || close == std::string_view::npos)
      return invalid("\\k is not followed by '<' for a named group");
    out_ += "\\k<" + std::string(pattern_.substr(at_ + 2, close - at_ - 2)) + ">";
    at_ = close + 1;
    return true;
  }

  void class_member(std::string& out, char32_t first, char32_t last) {
    out += code_point_text(first);
    if (last != first) out += "-" + code_point_text(last);
    if (!flags_.ignore_case) return;
    // The other case of the letters among them.
    for (char32_t c = 'A'; c <= 'z'; ++c) {
      if (is_letter(c) && c >= first && c <= last) out += static_cast<char>(c ^ 32);
    }
  }

  // `[` … `]`, nested unions flattened; intersections refused.
  bool char_class() {
    std::string members;
    bool negated = false;
    if (!class_body(members, negated, 0)) return false;
    out_ += negated ? "[^" : "[";
    out_ += members;
    out_ += "]";
    return true;
  }

  bool class_body(std::string& members, bool& negated, int depth) {
    if (depth > kMaxNesting) return unsupported("character classes nested deeper than 100");
    ++at_;
    if (peek() == '^') {
      negated = true;
      ++at_;
    }
    bool any = false;
    for (bool first = true;; first = false) {
      if (!more()) return invalid("unclosed character class");
      const char c = peek();
      if (c == ']' && !first) {
        ++at_;
        break;
      }
      if (c == '&' && peek(1) == '&') return unsupported("the intersection && of classes");
      if (c == '[') {
        bool inner_negated = false;
        std::string inner;
        if (!class_body(inner, inner_negated, depth + 1)) return false;
        if (inner_negated || negated) return unsupported("a negated class inside a class");
        members += inner;
        any = true;
        continue;
      }
      any = true;
      bool set = false;
      char32_t low = 0;
      if (!class_item(members, set, low)) return false;
      if (set) continue;
      if (peek() != '-' || peek(1) == ']' || peek(1) == '[' || peek(1) == '\0') {
        class_member(members, low, low);
        continue;
      }
      ++at_;
      char32_t high = 0;
      if (!class_item(members, set, high)) return false;
      if (set || high < low) return invalid("illegal character range");
      class_member(members, low, high);
    }
    return any || invalid("empty character class");
  }

  // One character, or a set such as \d, which is written at once.
  bool class_item(std::string& members, bool& set, char32_t& value) {
    set = false;
    if (peek() != '\\') {
      value = next_code_point(pattern_, at_);
      return true;
    }
    ++at_;
    if (!more()) return invalid("a backslash at the end");
    const char c = peek();
    if (c == 'Q') return unsupported("\\Q inside a class");
    error_ = {};
    if (const std::string inner = class_escape(); !inner.empty()) {
      members += inner;
      set = true;
      return true;
    }
    if (!error_.message.empty()) return false;
    bool bad = false;
    const auto escaped = escaped_character(bad);
    if (!escaped || bad) return invalid(std::string("illegal escape \\") + c);
    value = *escaped;
    return true;
  }

  std::string_view pattern_;
  std::size_t at_ = 0;
  std::string out_;
  Flags flags_;
  int groups_ = 0;
  RegexError error_;
};

}  // namespace

std::expected<std::string, RegexError> translate_java_regex(std::string_view pattern) {
  if (pattern.size() > Regex::kMaxPattern)
    return std::unexpected(RegexError{true, "a pattern longer than 10000 bytes"});
  return Translator(pattern).run();
}

}  // namespace sluice::sparksql
