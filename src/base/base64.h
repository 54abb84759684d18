// Base64 with the standard alphabet and padding, strict: AWS refuses anything else.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sluice::base {

std::string base64_encode(std::string_view bytes);
void base64_append(std::string& out, std::string_view bytes);
// nullopt: wrong length, a character outside the alphabet, or bits left over in the last group.
std::optional<std::string> base64_decode(std::string_view text);
// Appends the bytes; false (and `out` as it was) where base64_decode gives nullopt.
bool base64_decode_append(std::string& out, std::string_view text);

}  // namespace sluice::base
