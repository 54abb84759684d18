// References between the models of an API. Kept as "#/components/schemas/X"; API Gateway's own
// calls give them as URLs, Swagger 2 as "#/definitions/X".
#pragma once

#include <string>
#include <string_view>

namespace sluice::gateway {

// Of all three forms.
std::string with_internal_references(std::string schema);
std::string with_model_urls(std::string schema, std::string_view api_id);
std::string with_definitions(std::string schema);

}  // namespace sluice::gateway
