// JSON for people, laid out as API Gateway's exports are.
#pragma once

#include <string>
#include <string_view>

namespace sluice::gateway {

// `json` is valid JSON; otherwise it comes back as it is.
std::string print_json(std::string_view json);
std::string print_yaml(std::string_view json);

}  // namespace sluice::gateway
