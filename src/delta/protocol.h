// Which tables we may read and write: protocol versions, table features, properties. What we lack
// is refused by name.
#pragma once

#include <string_view>

#include "delta/delta.h"

namespace sluice::delta {

DeltaResult<void> check_readable(const Protocol& protocol, const Metadata& metadata,
                                 std::string_view format);
// `schema_string`: as the table has it; its field metadata names constraints, defaults, generated
// columns.
DeltaResult<void> check_writable(const Protocol& protocol, const Metadata& metadata,
                                 std::string_view schema_string);

// What a new table with this metadata needs: (1,2), or (3,7) with features that its schema uses.
// kUnsupported: a property that asks for what we lack, or a type that Delta has not.
DeltaResult<Protocol> protocol_for(const Metadata& metadata);

// `interval 7 days`, `2 hours` …, in milliseconds; nullopt: not understood.
std::optional<std::int64_t> parse_interval_ms(std::string_view text);

}  // namespace sluice::delta
