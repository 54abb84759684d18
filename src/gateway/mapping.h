// Parameter mappings: `integration.request.header.X ← method.request.querystring.y` and the like.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gateway/jsonpath/jsonpath.h"

namespace sluice::gateway {

// The right side of a parameter mapping.
struct Expression {
  enum class Source {
    kStatic,
    kPath,
    kQuery,
    kMultiQuery,
    kHeader,
    kMultiHeader,
    kBody,
    kStageVariable,
    kContext,
    kBroken,
  };
  Source source = Source::kBroken;
  std::string name;  // or the text of kStatic
  std::optional<jsonpath::Path> path;
};

struct Mapping {
  enum class Place { kHeader, kPath, kQuery };
  Place place = Place::kHeader;
  std::string name;
  Expression value;
};

// `request_root` is "method.request." or "integration.response."; kBroken: no such expression.
Expression parse_expression(std::string_view text, std::string_view request_root,
                            std::string_view body_root);

std::optional<Mapping> parse_request_mapping(std::string_view target, std::string_view source);
std::optional<Mapping> parse_response_mapping(std::string_view target, std::string_view source);

}  // namespace sluice::gateway
