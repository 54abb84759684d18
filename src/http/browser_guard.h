// Keeps web pages from talking to a server on this machine. Any page may make a browser post to
// loopback, and may point a name of its own at 127.0.0.1; so the name asked for must be one of
// ours, and a request that a browser made for a foreign page is refused. Cheap to copy;
// thread-safe.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/http.h"

namespace sluice::http {

// What a path is, for the guard.
enum class PathClass {
  kUserApi,     // stages of the user's own APIs: their own rules of CORS; only the name is checked
  kPage,        // static files that hold no data: only the name is checked
  kAws,         // AWS actions and API Gateway's control plane
  kAdmin,       // health, metrics, admin
  kConsoleApi,  // what the console calls: header X-Sluice-Request: 1
};

class BrowserGuard {
 public:
  // `names`: further names of this server, without port; "*.example.test" for all below one.
  explicit BrowserGuard(std::vector<std::string> names = {});

  // The refusal, or nullopt: the request may pass. `signed_by_known_key`: it carries a valid SigV4
  // signature by a configured key, which no page can make.
  std::optional<Response> check(const Request& request, PathClass path,
                                bool signed_by_known_key = false) const;

  // Of a Host header's value (a port is ignored): localhost, 127.0.0.1, [::1], *.localhost,
  // localhost.localstack.cloud and below, kinesis.*.amazonaws.com, apigateway.*.amazonaws.com,
  // *.execute-api.*.amazonaws.com, and the configured names.
  bool knows_host(std::string_view host) const;

 private:
  std::shared_ptr<const std::vector<std::string>> names_;
};

}  // namespace sluice::http
