// Which stage a URL calls: the forms that clients of API Gateway and of its emulators use.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::gateway {

struct InvokeUrl {
  std::string api_id;  // lower case
  std::string stage;
  std::string path_and_query;  // after the stage, still percent-encoded; starts with '/'
};

// By Host: {api}.execute-api.{region}.amazonaws.com, {api}.execute-api.localhost[.localstack.cloud]
// (also {api}-{vpce}); by path: /_aws/execute-api/{api}/{stage}/… and
// /restapis/{api}/{stage}/_user_request_/…. `host` may have a port. nullopt: none of them.
std::optional<InvokeUrl> resolve_invoke_url(std::string_view host, std::string_view target);

// Last rule, after all else (design/security.md): the first segment of the path is a stage of
// `default_api`. `find_api` gives the id of the API of that id or name that has such a stage.
// nullopt: no default, or no such stage.
std::optional<InvokeUrl> resolve_default_api(
    std::string_view default_api, std::string_view target,
    const std::function<std::optional<std::string>(std::string_view api, std::string_view stage)>&
        find_api);

}  // namespace sluice::gateway
