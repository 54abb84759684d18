// JSON text as Jackson's generator writes it.
#pragma once

#include <string>
#include <string_view>

namespace sluice::sparksql {

// In quotes; quote, backslash and control characters escaped (\u001F in capitals), nothing else.
void append_jackson_string(std::string& out, std::string_view text);

}  // namespace sluice::sparksql
