// UTF-8 and Unicode as Java sees them: code points, replacement of invalid bytes, letter case with
// Java's special cases. Invalid UTF-8 reads as U+FFFD, never past the end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::sparksql {

constexpr char32_t kReplacement = 0xFFFD;

// The code point at `at`, which moves behind it. Malformed sequences give kReplacement and are
// skipped as Java's decoder does (the longest valid start, one byte at least).
char32_t next_code_point(std::string_view text, std::size_t& at);
void append_utf8(std::string& out, char32_t code_point);

bool is_valid_utf8(std::string_view text);
// Every malformed sequence becomes U+FFFD, as `new String(bytes, UTF_8)` does.
std::string replace_invalid_utf8(std::string_view text);

// Character.digit(c, 10), or -1.
int unicode_digit(char32_t c);

// Number of code points (of valid text).
std::size_t code_point_count(std::string_view text);
// Byte offset of the n-th code point, or the size.
std::size_t code_point_offset(std::string_view text, std::size_t n);

std::string to_upper(std::string_view text);  // 'ß' → "SS"
std::string to_lower(std::string_view text);  // final sigma, 'İ' → two code points
std::string to_title(std::string_view text);  // initcap: first letter of each word, 'ß' → "Ss"

}  // namespace sluice::sparksql
