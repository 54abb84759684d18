// Text helpers that reading and computing signatures share. Internal to the room.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::aws {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kTerminator = "aws4_request";

std::string lower(std::string_view text);
std::string_view trim(std::string_view text);  // blanks and tabs
std::vector<std::string_view> split(std::string_view text, char by);
// The parameters of a query, decoded, in their order.
std::vector<std::pair<std::string, std::string>> query_pairs(std::string_view query);

}  // namespace sluice::aws
