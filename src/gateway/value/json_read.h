// Reads JSON as API Gateway does: json-smart's permissive mode. Bare words and single quotes are
// text, useless commas and everything after the first value are ignored, `a=b` is a string; only
// broken objects, arrays and strings fail.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "gateway/value/value.h"

namespace sluice::gateway {

enum class JsonError {
  kSyntax,  // the message is json-smart's own, as AWS passes it on
  kLimit,   // deeper than 1,024 or more memory than the arena may take
};

inline constexpr int kJsonDepthMax = 1024;

// Strings of the result may point into `text`, which must outlive it.
base::Result<Value, JsonError> read_json(Arena& arena, std::string_view text);

}  // namespace sluice::gateway
