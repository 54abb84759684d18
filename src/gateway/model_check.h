// What an API cannot be, in AWS' words: for imports and for calls of the control plane.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gateway/model.h"

namespace sluice::gateway {

std::optional<std::string> problem_of(const Integration& integration);
// Of a new resource below `parent`; `self` is the resource that is renamed.
std::optional<std::string> problem_of_path_part(const RestApi& api, const Resource& parent,
                                                const std::string& part,
                                                std::string_view self = {});
bool is_json(const std::string& text);

}  // namespace sluice::gateway
