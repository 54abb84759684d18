// A Java pattern (up to the first line end) against the rest: what our translation takes PCRE2
// takes too, or refuses with a message; matches lie in the text and go forward.
#include "sparksql/functions/regex.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "sparksql/functions/unicode.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using sluice::sparksql::Regex;
  if (size > 400) return 0;
  const std::string input =
      sluice::sparksql::replace_invalid_utf8({reinterpret_cast<const char*>(data), size});
  const auto split = input.find('\n');
  const std::string_view pattern = std::string_view(input).substr(0, split);
  const std::string_view text =
      split == std::string::npos ? std::string_view() : std::string_view(input).substr(split + 1);
  const auto regex = Regex::compile(pattern);
  if (!regex) {
    if (regex.error().message.empty()) std::abort();
    return 0;
  }
  Regex::Matcher matcher(*regex, text);
  std::size_t last = 0;
  for (int i = 0; i < 100 && matcher.find(); ++i) {
    // A look-around with \K is refused, so a match never starts before the one before it ended.
    if (matcher.start() < last || matcher.end() > text.size()) std::abort();
    last = matcher.end();
    for (int group = 0; group <= regex->group_count(); ++group) {
      if (matcher.group(group).size() > text.size()) std::abort();
    }
  }
  return 0;
}
