// A YAML or JSON document as one tree of Values, with the limits of an import.
#pragma once

#include <string_view>

#include "base/result.h"
#include "gateway/openapi.h"
#include "gateway/value/value.h"

namespace sluice::gateway {

// JSON is read strictly. YAML: plain scalars by the core schema, aliases counted as often as they
// are used. `text` must outlive the value.
base::Result<Value, ImportError> read_document(Arena& arena, std::string_view text);

}  // namespace sluice::gateway
