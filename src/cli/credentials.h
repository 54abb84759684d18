// The access key that commands sign with, found where AWS' own tools find it.
#pragma once

#include <string>

#include "aws/sigv4.h"
#include "cli/backend.h"
#include "http/http.h"

namespace sluice::cli {

// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN; else the profile AWS_PROFILE
// (default) of AWS_SHARED_CREDENTIALS_FILE (~/.aws/credentials).
Outcome<aws::Credentials> find_credentials();

// Adds Host and the signature's headers; `endpoint` as http://host:port. The region is AWS_REGION's
// or AWS_DEFAULT_REGION's, else us-east-1; the service follows from the path and the target.
void sign_request(http::Request& request, std::string_view endpoint,
                  const aws::Credentials& credentials);

}  // namespace sluice::cli
