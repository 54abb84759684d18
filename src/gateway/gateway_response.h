// What the gateway itself answers when a call goes no further: AWS' types of gateway responses, and
// what an API makes of them (`x-amazon-apigateway-gateway-responses`).
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/mapping.h"
#include "gateway/model.h"

namespace sluice::gateway {

enum class ResponseType {
  kDefault4xx,
  kDefault5xx,
  kApiConfigurationError,
  kBadRequestBody,
  kBadRequestParameters,
  kIntegrationFailure,
  kIntegrationTimeout,
  kMissingAuthenticationToken,
  kRequestTooLarge,
  kUnsupportedMediaType,
};

// "DEFAULT_4XX"
std::string_view to_text(ResponseType type);

struct CompiledGatewayResponse {
  int status = 0;  // 0: the type's own
  std::vector<Mapping> headers;
  OrderedMap templates;  // by media type; plain text with $context.… and the like
};

// gatewayresponse.header.X ← expression
std::optional<Mapping> parse_gateway_mapping(std::string_view target, std::string_view source);

// The template's text with each $context.a.b, $stageVariables.x and $method.request.header.x taken
// from `value_of` ("context.a.b"). No VTL: that is how AWS does it.
std::string substitute(std::string_view text,
                       const std::function<std::string(std::string_view)>& value_of);

}  // namespace sluice::gateway
