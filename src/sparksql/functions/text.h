// Spark's string functions (UTF8String), positions in code points. No DuckDB here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::sparksql {

enum class TrimSide { kBoth, kLeft, kRight };
// Characters of the set `chars` off the ends.
std::string_view trim_set(std::string_view text, std::string_view chars, TrimSide side);

// substring(text, position, length): from 1, backwards from the end when negative.
std::string_view substring(std::string_view text, std::int64_t position, std::int64_t length);
std::string_view substring_index(std::string_view text, std::string_view delimiter,
                                 std::int64_t count);
std::string translate(std::string_view text, std::string_view from, std::string_view to);
// locate(needle, text, start); instr is the same from 1.
std::int32_t locate(std::string_view needle, std::string_view text, std::int64_t start);
std::string pad(std::string_view text, std::int64_t length, std::string_view with, bool left);
std::string reverse(std::string_view text);

// A LIKE pattern against a text; nullopt: the pattern is wrong, `error` says how
// ([INVALID_FORMAT.…] …).
std::optional<bool> like(std::string_view text, std::string_view pattern, char32_t escape,
                         std::string& error);

}  // namespace sluice::sparksql
