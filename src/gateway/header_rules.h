// What API Gateway does to headers on their way: which it keeps from integrations, drops, renames.
// The lists are AWS' own, as recorded there.
#pragma once

#include <string>
#include <string_view>

#include "gateway/model.h"

namespace sluice::gateway {

// The media type without parameters, lower case.
std::string media_type_of(std::string_view header);

bool may_be_header_name(std::string_view text);
bool may_be_header_value(std::string_view text);

// Of a client's request: not even $input.params() and mappings see them.
bool is_dropped_from_request(std::string_view name);
// May not be mapped into the request to the integration: such a method answers 500.
bool is_forbidden_mapping(std::string_view name, IntegrationType type);
// Taken out of the request to an HTTP endpoint at the last.
bool is_dropped_from_integration(std::string_view name);
// Taken out of the answer of an HTTP_PROXY integration.
bool is_dropped_from_answer(std::string_view name);
// The name under which a header of an integration's answer reaches the client.
std::string shown_name(std::string_view name, IntegrationType type);

}  // namespace sluice::gateway
