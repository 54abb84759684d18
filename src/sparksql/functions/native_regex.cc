// Functions over regular expressions. Compiled patterns are kept per thread.
#include <unordered_map>

#include "sparksql/functions/native.h"
#include "sparksql/functions/regex.h"
#include "sparksql/functions/unicode.h"

namespace sluice::sparksql {
namespace {

constexpr std::size_t kMostPatterns = 64;

std::string pattern_error(const RegexError& error, std::string_view pattern, const char* function) {
  if (error.unsupported)
    return "[UNSUPPORTED_BY_SLUICE] The regular expression '" + std::string(pattern) + "' of `" +
           function + "` uses what is not supported here: " + error.message + ". SQLSTATE: ";
  return "[INVALID_PARAMETER_VALUE.PATTERN] The value of parameter(s) `regexp` in `" +
         std::string(function) + "` is invalid: '" + std::string(pattern) + "'. SQLSTATE: 22023";
}

// Null after a failure.
const Regex* compiled(ScalarCall& call, std::string_view pattern, const char* function) {
  thread_local std::unordered_map<std::string, Regex> patterns;
  thread_local std::string last_pattern;
  thread_local const Regex* last = nullptr;
  if (last != nullptr && last_pattern == pattern) return last;
  auto found = patterns.find(std::string(pattern));
  if (found == patterns.end()) {
    auto regex = Regex::compile(pattern);
    if (!regex) {
      call.fail(pattern_error(regex.error(), pattern, function));
      return nullptr;
    }
    if (patterns.size() >= kMostPatterns) {
      patterns.clear();
      last = nullptr;
    }
    found = patterns.emplace(std::string(pattern), *std::move(regex)).first;
  }
  last_pattern = pattern;
  last = &found->second;
  return last;
}

bool over_limit(ScalarCall& call, const Regex::Matcher& matcher, const char* function) {
  if (!matcher.failed()) return false;
  call.fail("[UNSUPPORTED_BY_SLUICE] The regular expression of `" + std::string(function) +
            "` takes too many steps on this text. SQLSTATE: ");
  return true;
}

// Matcher.appendReplacement: $n, ${name}, \c. An error message, or empty.
std::string append_replacement(std::string& out, std::string_view replacement, const Regex& regex,
                               const Regex::Matcher& matcher) {
  for (std::size_t i = 0; i < replacement.size();) {
    const char c = replacement[i];
    if (c == '\\') {
      if (++i == replacement.size()) return "character to be escaped is missing";
      out += replacement[i++];
      continue;
    }
    if (c != '$') {
      out += c;
      ++i;
      continue;
    }
    if (++i == replacement.size()) return "Illegal group reference: group index is missing";
    int group = -1;
    if (replacement[i] == '{') {
      const auto close = replacement.find('}', i);
      if (close == std::string_view::npos) return "named capturing group is missing trailing '}'";
      group = regex.named_group(replacement.substr(i + 1, close - i - 1));
      if (group < 0)
        return "No group with name {" + std::string(replacement.substr(i + 1, close - i - 1)) + "}";
      i = close + 1;
    } else {
      const auto digit = [&] { return replacement[i] >= '0' && replacement[i] <= '9'; };
      if (!digit()) return "Illegal group reference";
      group = replacement[i++] - '0';
      if (group > regex.group_count()) return "No group " + std::to_string(group);
      while (i < replacement.size() && digit() &&
             group * 10 + (replacement[i] - '0') <= regex.group_count())
        group = group * 10 + (replacement[i++] - '0');
    }
    out += matcher.group(group);
  }
  return {};
}

void replace(ScalarCall& call, std::uint64_t i) {
  static constexpr const char* kName = "regexp_replace";
  const std::string_view text = call.argument(0).text(i);
  const Regex* regex = compiled(call, call.argument(1).text(i), kName);
  if (regex == nullptr) return;
  const std::string_view replacement = call.argument(2).text(i);
  std::int64_t position = call.argument_count() > 3 ? call.argument(3).int64(i) - 1 : 0;
  if (position < 0) position = 0;
  const std::size_t skipped = code_point_offset(text, static_cast<std::size_t>(position));
  if (position > 0 && skipped >= text.size()) return call.result().set_text(i, text);
  const std::string_view region = text.substr(skipped);
  Regex::Matcher matcher(*regex, region);
  std::string out(text.substr(0, skipped));
  std::size_t copied = 0;
  bool any = false;
  while (matcher.find()) {
    any = true;
    out += region.substr(copied, matcher.start() - copied);
    const std::string error = append_replacement(out, replacement, *regex, matcher);
    if (!error.empty())
      return call.fail("[INVALID_REGEXP_REPLACE] Could not perform regexp_replace for source = \"" +
                       std::string(text) + "\", pattern = \"" +
                       std::string(call.argument(1).text(i)) + "\", replacement = \"" +
                       std::string(replacement) +
                       "\" and position = " + std::to_string(position + 1) + ". SQLSTATE: 22023");
    copied = matcher.end();
  }
  if (over_limit(call, matcher, kName)) return;
  if (!any) return call.result().set_text(i, text);
  out += region.substr(copied);
  call.result().set_text(i, out);
}

void rlike(ScalarCall& call, std::uint64_t i) {
  const Regex* regex = compiled(call, call.argument(1).text(i), "rlike");
  if (regex == nullptr) return;
  Regex::Matcher matcher(*regex, call.argument(0).text(i));
  const bool found = matcher.find();
  if (!over_limit(call, matcher, "rlike")) call.result().set(i, found);
}

// False after a failure.
bool good_group(ScalarCall& call, std::int64_t group, const Regex& regex, const char* function) {
  if (group >= 0 && group <= regex.group_count()) return true;
  call.fail("[INVALID_PARAMETER_VALUE.REGEX_GROUP_INDEX] The value of parameter(s) `idx` in `" +
            std::string(function) + "` is invalid: Expects group index between 0 and " +
            std::to_string(regex.group_count()) + ", but got " + std::to_string(group) +
            ". SQLSTATE: 22023");
  return false;
}

void extract(ScalarCall& call, std::uint64_t i) {
  static constexpr const char* kName = "regexp_extract";
  const Regex* regex = compiled(call, call.argument(1).text(i), kName);
  if (regex == nullptr) return;
  const std::int64_t group = call.argument(2).int64(i);
  Regex::Matcher matcher(*regex, call.argument(0).text(i));
  if (!good_group(call, group, *regex, kName)) return;
  const bool found = matcher.find();
  if (over_limit(call, matcher, kName)) return;
  call.result().set_text(i, found ? matcher.group(static_cast<int>(group)) : std::string_view());
}

void put_list(ScalarCall& call, std::uint64_t i, const std::vector<std::string_view>& items) {
  const std::uint64_t at = call.result().append(i, items.size());
  duck::Writer child = call.result().list_child();
  for (std::size_t k = 0; k < items.size(); ++k)
    child.set_text(at + k, items[k]);
}

void extract_all(ScalarCall& call, std::uint64_t i) {
  static constexpr const char* kName = "regexp_extract_all";
  const Regex* regex = compiled(call, call.argument(1).text(i), kName);
  if (regex == nullptr) return;
  const std::int64_t group = call.argument(2).int64(i);
  if (!good_group(call, group, *regex, kName)) return;
  Regex::Matcher matcher(*regex, call.argument(0).text(i));
  std::vector<std::string_view> items;
  while (matcher.find())
    items.push_back(matcher.group(static_cast<int>(group)));
  if (!over_limit(call, matcher, kName)) put_list(call, i, items);
}

std::vector<std::string_view> split_characters(std::string_view text, std::int64_t limit) {
  std::vector<std::string_view> items;
  const auto count = static_cast<std::int64_t>(code_point_count(text));
  if (limit <= 0 || limit > count) limit = count;
  for (std::int64_t k = 0; k < limit; ++k) {
    const std::size_t width = code_point_offset(text, 1);
    items.push_back(text.substr(0, width));
    text.remove_prefix(width);
  }
  return items;
}

void split(ScalarCall& call, std::uint64_t i) {
  static constexpr const char* kName = "split";
  const std::string_view text = call.argument(0).text(i);
  const std::string_view pattern = call.argument(1).text(i);
  const std::int64_t limit = call.argument_count() > 2 ? call.argument(2).int64(i) : -1;
  if (pattern.empty() && !text.empty()) return put_list(call, i, split_characters(text, limit));
  const Regex* regex = compiled(call, pattern, kName);
  if (regex == nullptr) return;
  Regex::Matcher matcher(*regex, text);
  std::vector<std::string_view> items;
  std::size_t from = 0;
  while ((limit <= 0 || static_cast<std::int64_t>(items.size()) < limit - 1) && matcher.find()) {
    // An empty match at the start makes no empty first piece.
    if (from == 0 && matcher.start() == 0 && matcher.end() == 0) continue;
    items.push_back(text.substr(from, matcher.start() - from));
    from = matcher.end();
  }
  if (over_limit(call, matcher, kName)) return;
  items.push_back(text.substr(from));
  put_list(call, i, items);
}

void count(ScalarCall& call, std::uint64_t i) {
  const Regex* regex = compiled(call, call.argument(1).text(i), "regexp_count");
  if (regex == nullptr) return;
  Regex::Matcher matcher(*regex, call.argument(0).text(i));
  std::int32_t found = 0;
  while (matcher.find())
    ++found;
  if (!over_limit(call, matcher, "regexp_count")) call.result().set(i, found);
}

void instr(ScalarCall& call, std::uint64_t i) {
  const std::string_view text = call.argument(0).text(i);
  const Regex* regex = compiled(call, call.argument(1).text(i), "regexp_instr");
  if (regex == nullptr) return;
  Regex::Matcher matcher(*regex, text);
  const bool found = matcher.find();
  if (over_limit(call, matcher, "regexp_instr")) return;
  call.result().set(
      i,
      found ? static_cast<std::int32_t>(code_point_count(text.substr(0, matcher.start())) + 1) : 0);
}

void substr(ScalarCall& call, std::uint64_t i) {
  const Regex* regex = compiled(call, call.argument(1).text(i), "regexp_substr");
  if (regex == nullptr) return;
  Regex::Matcher matcher(*regex, call.argument(0).text(i));
  const bool found = matcher.find();
  if (over_limit(call, matcher, "regexp_substr")) return;
  // An empty match counts as none.
  if (found && matcher.end() > matcher.start())
    call.result().set_text(i, matcher.group(0));
  else
    call.result().set_null(i);
}

}  // namespace

duck::DuckResult<void> register_regex_functions(duck::Connection& connection) {
  NativeTable table(connection);
  // They fail by their pattern, hardly by a row: not marked as throwing, so that DuckDB may fold
  // and share them.
  table.add("spark_regexp_replace", "sss->s", false, replace);
  table.add("spark_regexp_replace", "sss4->s", false, replace);
  table.add("spark_rlike", "ss->?", false, rlike);
  table.add("spark_regexp_extract", "ss4->s", false, extract);
  table.add("spark_regexp_extract_all", "ss4->S", false, extract_all);
  table.add("spark_split", "ss->S", false, split);
  table.add("spark_split", "ss4->S", false, split);
  table.add("spark_regexp_count", "ss->4", false, count);
  table.add("spark_regexp_instr", "ss->4", false, instr);
  table.add("spark_regexp_substr", "ss->s", false, substr);
  return table.finish();
}

}  // namespace sluice::sparksql
