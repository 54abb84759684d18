// Java regular expressions on PCRE2. A pattern is translated piece by piece, so that each piece
// means what Java means; what has no equal is refused by name. Matching has a step limit.
#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::sparksql {

struct RegexError {
  bool unsupported = false;  // Java takes it, we do not; else Java refuses it, too
  std::string message;
};

// Java's syntax → PCRE2's.
std::expected<std::string, RegexError> translate_java_regex(std::string_view pattern);

class Regex {
 public:
  static constexpr std::size_t kMaxPattern = 10'000;
  static constexpr unsigned kMatchLimit = 5'000'000;

  static std::expected<Regex, RegexError> compile(std::string_view pattern);
  Regex(Regex&&) noexcept;
  Regex& operator=(Regex&&) noexcept;
  ~Regex();

  int group_count() const;

  // Walks through a text as java.util.regex.Matcher.find does. Not shared between threads.
  class Matcher {
   public:
    Matcher(const Regex& regex, std::string_view text);
    ~Matcher();
    Matcher(const Matcher&) = delete;
    Matcher& operator=(const Matcher&) = delete;
    bool find();                             // false: no more, or failed()
    bool failed() const { return failed_; }  // the step limit was reached
    std::size_t start() const { return start_; }
    std::size_t end() const { return end_; }
    // Of the last match; a group that took no part is empty with a null data().
    std::string_view group(int n) const;

   private:
    const Regex& regex_;
    std::string_view text_;
    void* data_;
    bool any_ = false;
    bool failed_ = false;
    std::size_t start_ = 0;
    std::size_t end_ = 0;
  };
  // The group's number, or -1.
  int named_group(std::string_view name) const;

 private:
  struct Code;
  explicit Regex(std::unique_ptr<Code> code);
  std::unique_ptr<Code> code_;
};

}  // namespace sluice::sparksql
