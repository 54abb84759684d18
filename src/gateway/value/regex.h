// Java's regular expressions by PCRE2, with a match limit. A message is the error.
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::gateway {

template <class T>
using RegexResult = std::expected<T, std::string>;

// Does the pattern match the whole text? (Java's String.matches.)
RegexResult<bool> regex_matches(std::string_view pattern, std::string_view text,
                                bool ignore_case = false);
// Java's replaceAll / replaceFirst; $1 and \ in the replacement. Longer than bytes_max: an error.
RegexResult<std::string> regex_replace(std::string_view pattern, std::string_view text,
                                       std::string_view replacement, bool all,
                                       std::size_t bytes_max);
// Java's split(pattern, limit); limit 0: no trailing empty parts. Parts point into `text`.
RegexResult<std::vector<std::string_view>> regex_split(std::string_view pattern,
                                                       std::string_view text, int limit);

}  // namespace sluice::gateway
