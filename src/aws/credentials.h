// AWS' credentials file: profiles with an access key each. The server's keys_file and the command
// line's ~/.aws/credentials are read with it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "aws/sigv4.h"
#include "base/result.h"

namespace sluice::aws {

struct Profile {
  std::string name;
  Credentials credentials;
};

enum class CredentialsError {
  kMalformed,  // no such format, half a key, or one key with two secrets; the message has the line
};

// Profiles without a key of their own (single sign-on, roles) are left out.
base::Result<std::vector<Profile>, CredentialsError> parse_credentials(std::string_view text);

}  // namespace sluice::aws
