// The access keys of the server, read once at start.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "aws/credentials.h"

namespace sluice::server {

// The keys in AWS' credentials format; refused where others than its owner may read the file, or
// where it holds no key. An empty path: no keys. Errors are for people and never hold a secret.
std::expected<std::vector<aws::Profile>, std::string> load_keys(const std::string& path);

}  // namespace sluice::server
