#include "cli/credentials.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "aws/credentials.h"
#include "base/clock.h"
#include "base/env.h"

namespace sluice::cli {
namespace {

constexpr std::uint64_t kFileBytesMax = std::uint64_t{1} << 20;

std::string environment(const char* name, std::string_view otherwise = "") {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? std::string(otherwise) : value;
}

std::string_view service_of(const http::Request& request) {
  if (request.headers.find("X-Amz-Target")) return "kinesis";
  return request.target.starts_with("/_sluice/") ? "sluice" : "apigateway";
}

}  // namespace

Outcome<aws::Credentials> find_credentials() {
  aws::Credentials found{environment("AWS_ACCESS_KEY_ID"), environment("AWS_SECRET_ACCESS_KEY"),
                         environment("AWS_SESSION_TOKEN")};
  if (!found.access_key_id.empty() && !found.secret.empty()) return found;
  const std::string name = environment("AWS_PROFILE", "default");
  const std::string path =
      environment("AWS_SHARED_CREDENTIALS_FILE", environment("HOME", ".") + "/.aws/credentials");
  const auto text = base::read_file(base::posix_env(), path, kFileBytesMax);
  if (!text)
    return std::unexpected(
        fmt::format("the server asks for a signature, and there is neither AWS_ACCESS_KEY_ID with "
                    "AWS_SECRET_ACCESS_KEY nor {}",
                    path));
  const auto profiles = aws::parse_credentials(*text);
  if (!profiles) return std::unexpected(fmt::format("{}: {}", path, profiles.error().message));
  const auto profile = std::ranges::find(*profiles, name, &aws::Profile::name);
  if (profile == profiles->end())
    return std::unexpected(fmt::format(
        "the server asks for a signature, and {} has no key of profile {}", path, name));
  return profile->credentials;
}

void sign_request(http::Request& request, std::string_view endpoint,
                  const aws::Credentials& credentials) {
  endpoint.remove_prefix(std::min(endpoint.find("://") + 3, endpoint.size()));
  const std::string_view host = endpoint.substr(0, endpoint.find('/'));
  request.headers.set("Host", host);
  const std::string path = std::string(endpoint.substr(host.size())) + std::string(request.path());
  aws::SignedRequest whole{request.method, path, request.query(), {}, request.body};
  for (const auto& [name, value] : request.headers.items())
    whole.headers.emplace_back(name, value);
  const std::string region =
      environment("AWS_REGION", environment("AWS_DEFAULT_REGION", "us-east-1"));
  for (const auto& [name, value] : aws::sign_headers(
           whole, credentials, region, service_of(request), base::system_clock().now_ms()))
    request.headers.set(name, value);
}

}  // namespace sluice::cli
