// UUIDs as lower-case text.
#pragma once

#include <string>
#include <string_view>

#include "base/random.h"

namespace sluice::base {

// Version 4.
std::string random_uuid(Random& random = system_random());
// Version 5: SHA-1 of the namespace's 16 bytes and the name. `space` must be a UUID's text.
std::string named_uuid(std::string_view space, std::string_view name);

}  // namespace sluice::base
