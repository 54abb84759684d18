#define PCRE2_CODE_UNIT_WIDTH 8
#include "sparksql/functions/regex.h"

#include <pcre2.h>

#include "sparksql/functions/unicode.h"

namespace sluice::sparksql {
namespace {

constexpr std::size_t kJitStackStart = 32 << 10;
constexpr std::size_t kJitStackMost = 1 << 20;
constexpr unsigned kHeapLimitKib = 20 << 10;

// One thread's limits and stack.
struct MatchContext {
  pcre2_match_context* raw = pcre2_match_context_create(nullptr);
  pcre2_jit_stack* stack = pcre2_jit_stack_create(kJitStackStart, kJitStackMost, nullptr);
  MatchContext() {
    pcre2_set_match_limit(raw, Regex::kMatchLimit);
    pcre2_set_heap_limit(raw, kHeapLimitKib);
    pcre2_jit_stack_assign(raw, nullptr, stack);
  }
  MatchContext(const MatchContext&) = delete;
  MatchContext& operator=(const MatchContext&) = delete;
  ~MatchContext() {
    pcre2_jit_stack_free(stack);
    pcre2_match_context_free(raw);
  }
};

}  // namespace

struct Regex::Code {
  pcre2_code* raw = nullptr;
  int groups = 0;
  explicit Code(pcre2_code* code) : raw(code) {
    std::uint32_t count = 0;
    pcre2_pattern_info(raw, PCRE2_INFO_CAPTURECOUNT, &count);
    groups = static_cast<int>(count);
  }
  Code(const Code&) = delete;
  Code& operator=(const Code&) = delete;
  ~Code() { pcre2_code_free(raw); }
};

Regex::Regex(std::unique_ptr<Code> code) : code_(std::move(code)) {}
Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;
Regex::~Regex() = default;

std::expected<Regex, RegexError> Regex::compile(std::string_view pattern) {
  auto translated = translate_java_regex(pattern);
  if (!translated) return std::unexpected(std::move(translated.error()));
  int error = 0;
  PCRE2_SIZE offset = 0;
  pcre2_code* raw =
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated->data()), translated->size(),
                    PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C, &error, &offset, nullptr);
  if (raw == nullptr) {
    PCRE2_UCHAR text[256];
    pcre2_get_error_message(error, text, sizeof text);
    // Java allows look-behinds of bounded length, PCRE2 of fixed length only.
    const bool length = error == PCRE2_ERROR_LOOKBEHIND_NOT_FIXED_LENGTH;
    return std::unexpected(RegexError{length, reinterpret_cast<const char*>(text)});
  }
  pcre2_jit_compile(raw, PCRE2_JIT_COMPLETE);  // without it the interpreter runs
  return Regex(std::make_unique<Code>(raw));
}

int Regex::group_count() const {
  return code_->groups;
}

int Regex::named_group(std::string_view name) const {
  const int number = pcre2_substring_number_from_name(
      code_->raw, reinterpret_cast<PCRE2_SPTR>(std::string(name).c_str()));
  return number > 0 ? number : -1;
}

Regex::Matcher::Matcher(const Regex& regex, std::string_view text)
    : regex_(regex),
      text_(text),
      data_(pcre2_match_data_create_from_pattern(regex.code_->raw, nullptr)) {}

Regex::Matcher::~Matcher() {
  pcre2_match_data_free(static_cast<pcre2_match_data*>(data_));
}

bool Regex::Matcher::find() {
  thread_local const MatchContext context;
  std::size_t from = end_;
  // Behind an empty match the search goes on one character later.
  if (any_ && start_ == end_) from += code_point_offset(text_.substr(end_), 1);
  if (any_ && start_ == end_ && end_ == text_.size()) return false;
  static constexpr char kEmpty[] = "";
  const char* subject = text_.data() == nullptr ? kEmpty : text_.data();
  const int found =
      pcre2_match(regex_.code_->raw, reinterpret_cast<PCRE2_SPTR>(subject), text_.size(), from,
                  PCRE2_NO_UTF_CHECK, static_cast<pcre2_match_data*>(data_), context.raw);
  if (found < 0) {
    failed_ = found != PCRE2_ERROR_NOMATCH;
    return false;
  }
  const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(static_cast<pcre2_match_data*>(data_));
  any_ = true;
  start_ = ends[0];
  end_ = ends[1];
  return true;
}

std::string_view Regex::Matcher::group(int n) const {
  const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(static_cast<pcre2_match_data*>(data_));
  const auto at = static_cast<std::size_t>(n) * 2;
  if (ends[at] == PCRE2_UNSET) return {};
  return text_.substr(ends[at], ends[at + 1] - ends[at]);
}

}  // namespace sluice::sparksql
