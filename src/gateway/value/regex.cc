#define PCRE2_CODE_UNIT_WIDTH 8
#include "gateway/value/regex.h"

#include <pcre2.h>

#include <memory>
#include <unordered_map>

namespace sluice::gateway {
namespace {

constexpr std::uint32_t kMatchLimit = 1'000'000;
constexpr std::uint32_t kDepthLimit = 10'000;
constexpr std::size_t kPatternBytesMax = 16 << 10;
constexpr std::size_t kCacheMax = 64;
constexpr std::size_t kPartsMax = 1'000'000;

struct FreeCode {
  void operator()(pcre2_code* p) const { pcre2_code_free(p); }
};
struct FreeData {
  void operator()(pcre2_match_data* p) const { pcre2_match_data_free(p); }
};
struct FreeContext {
  void operator()(pcre2_match_context* p) const { pcre2_match_context_free(p); }
};

struct Compiled {
  std::unique_ptr<pcre2_code, FreeCode> code;
  std::unique_ptr<pcre2_match_data, FreeData> data;
};

std::string message(int error) {
  PCRE2_UCHAR buffer[256];
  pcre2_get_error_message(error, buffer, sizeof(buffer));
  return reinterpret_cast<const char*>(buffer);
}

// Compiled patterns of this thread: templates use few, and use them for every request.
RegexResult<const Compiled*> compile(std::string_view pattern, bool whole, bool ignore_case) {
  thread_local std::unordered_map<std::string, Compiled> cache;
  if (pattern.size() > kPatternBytesMax) return std::unexpected("a pattern of more than 16 KiB");
  std::string key(1, static_cast<char>('0' + (whole ? 1 : 0) + (ignore_case ? 2 : 0)));
  key += pattern;
  if (const auto found = cache.find(key); found != cache.end()) return &found->second;
  std::uint32_t options = PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C;
  if (whole) options |= PCRE2_ANCHORED | PCRE2_ENDANCHORED;
  if (ignore_case) options |= PCRE2_CASELESS;
  int error = 0;
  PCRE2_SIZE at = 0;
  Compiled c;
  c.code.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), options,
                             &error, &at, nullptr));
  if (!c.code) return std::unexpected("broken pattern: " + message(error));
  c.data.reset(pcre2_match_data_create_from_pattern(c.code.get(), nullptr));
  if (cache.size() >= kCacheMax) cache.clear();
  return &cache.emplace(std::move(key), std::move(c)).first->second;
}

// Groups found, 0: no match.
RegexResult<int> match(const Compiled& c, std::string_view text, std::size_t from,
                       std::uint32_t options) {
  thread_local const std::unique_ptr<pcre2_match_context, FreeContext> context = [] {
    std::unique_ptr<pcre2_match_context, FreeContext> made(pcre2_match_context_create(nullptr));
    pcre2_set_match_limit(made.get(), kMatchLimit);
    pcre2_set_depth_limit(made.get(), kDepthLimit);
    return made;
  }();
  const int n = pcre2_match(c.code.get(), reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(),
                            from, options, c.data.get(), context.get());
  if (n == PCRE2_ERROR_NOMATCH) return 0;
  if (n < 0) return std::unexpected("pattern stopped: " + message(n));
  return n;
}

// Java's replacement: $n is a group, a backslash takes the next character as it is.
RegexResult<void> append_replacement(std::string& out, std::string_view replacement,
                                     std::string_view text, const PCRE2_SIZE* groups,
                                     std::uint32_t count) {
  for (std::size_t i = 0; i < replacement.size(); ++i) {
    const char c = replacement[i];
    if (c == '\\') {
      if (++i >= replacement.size()) return std::unexpected("a replacement ends in a backslash");
      out += replacement[i];
    } else if (c == '$') {
      ++i;
      if (i >= replacement.size() || replacement[i] < '0' || replacement[i] > '9') {
        return std::unexpected("illegal group reference in a replacement");
      }
      auto group = static_cast<std::uint32_t>(replacement[i] - '0');
      if (group >= count) return std::unexpected("no group " + std::to_string(group));
      while (i + 1 < replacement.size() && replacement[i + 1] >= '0' && replacement[i + 1] <= '9') {
        const std::uint32_t longer =
            group * 10 + static_cast<std::uint32_t>(replacement[i + 1] - '0');
        if (longer >= count) break;
        group = longer;
        ++i;
      }
      if (groups[2 * group] != PCRE2_UNSET) {
        out += text.substr(groups[2 * group], groups[2 * group + 1] - groups[2 * group]);
      }
    } else {
      out += c;
    }
  }
  return {};
}

std::size_t next_character(std::string_view text, std::size_t at) {
  ++at;
  while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80)
    ++at;
  return at;
}

}  // namespace

RegexResult<bool> regex_matches(std::string_view pattern, std::string_view text, bool ignore_case) {
  const auto c = compile(pattern, true, ignore_case);
  if (!c) return std::unexpected(c.error());
  const auto n = match(**c, text, 0, 0);
  if (!n) return std::unexpected(n.error());
  return *n > 0;
}

RegexResult<std::string> regex_replace(std::string_view pattern, std::string_view text,
                                       std::string_view replacement, bool all,
                                       std::size_t bytes_max) {
  const auto c = compile(pattern, false, false);
  if (!c) return std::unexpected(c.error());
  std::uint32_t count = 0;
  pcre2_pattern_info((*c)->code.get(), PCRE2_INFO_CAPTURECOUNT, &count);
  std::string out;
  std::size_t copied = 0;
  for (std::size_t from = 0; from <= text.size();) {
    const auto n = match(**c, text, from, from == 0 ? 0 : PCRE2_NO_UTF_CHECK);
    if (!n) return std::unexpected(n.error());
    if (*n == 0) break;
    const PCRE2_SIZE* groups = pcre2_get_ovector_pointer((*c)->data.get());
    if (groups[1] < groups[0]) return std::unexpected("pattern with \\K before its start");
    out += text.substr(copied, groups[0] - copied);
    if (const auto good = append_replacement(out, replacement, text, groups, count + 1); !good) {
      return std::unexpected(good.error());
    }
    copied = groups[1];
    from = groups[1] > groups[0] ? groups[1] : next_character(text, groups[1]);
    if (out.size() > bytes_max) return std::unexpected("a text grows too long");
    if (!all) break;
  }
  out += text.substr(copied);
  if (out.size() > bytes_max) return std::unexpected("a text grows too long");
  return out;
}

RegexResult<std::vector<std::string_view>> regex_split(std::string_view pattern,
                                                       std::string_view text, int limit) {
  const auto c = compile(pattern, false, false);
  if (!c) return std::unexpected(c.error());
  std::vector<std::string_view> parts;
  std::size_t copied = 0;
  for (std::size_t from = 0; from <= text.size();) {
    if (limit > 0 && parts.size() + 1 >= static_cast<std::size_t>(limit)) break;
    const auto n = match(**c, text, from, from == 0 ? 0 : PCRE2_NO_UTF_CHECK);
    if (!n) return std::unexpected(n.error());
    if (*n == 0) break;
    const PCRE2_SIZE* groups = pcre2_get_ovector_pointer((*c)->data.get());
    if (groups[1] < groups[0]) return std::unexpected("pattern with \\K before its start");
    const bool empty = groups[1] == groups[0];
    // An empty match at the start gives no empty part, nor does one at the end.
    if (!(empty && (groups[0] == 0 || groups[0] >= text.size()))) {
      parts.push_back(text.substr(copied, groups[0] - copied));
      copied = groups[1];
    }
    from = empty ? next_character(text, groups[1]) : groups[1];
    if (parts.size() > kPartsMax) return std::unexpected("too many parts");
  }
  if (parts.empty()) return std::vector<std::string_view>{text};
  parts.push_back(text.substr(copied));
  if (limit == 0) {
    while (!parts.empty() && parts.back().empty())
      parts.pop_back();
  }
  return parts;
}

}  // namespace sluice::gateway
