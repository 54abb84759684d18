// Java counts text in UTF-16 units; ours is UTF-8. These translate where it can be seen.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sluice::gateway {

// Lone surrogates become '?', as Java's UTF-8 encoder writes them.
void append_utf8(std::string& out, unsigned code);
bool is_ascii(std::string_view text);
std::size_t utf16_length(std::string_view text);
std::u16string to_utf16(std::string_view text);
std::string to_utf8(std::u16string_view text);
// The text with every byte that is not UTF-8 replaced by U+FFFD; `text` itself when there is none.
bool is_utf8(std::string_view text);
std::string replace_invalid_utf8(std::string_view text);

}  // namespace sluice::gateway
