// Signature Version 4: reading the Authorization header or query, signing, verifying
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html). Pure functions;
// the caller (authenticator.cc, the command line) owns HTTP, keys and clock. Reading is in
// signature.cc, computing in sigv4.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aws/service.h"
#include "base/result.h"

namespace sluice::aws {

enum class SigError {
  kIncomplete,  // IncompleteSignatureException: a part is missing or malformed
  kBothPlaces,  // InvalidSignatureException: header and query at once
  kScope,       // InvalidSignatureException: made for another service or day
  kUnknownKey,  // UnrecognizedClientException: no such access key
  kMismatch,    // InvalidSignatureException: wrong secret, or the request was changed
  kSkewed,      // the date is too far from now, or a presigned URL has expired
};

template <class T>
using SigResult = base::Result<T, SigError>;

struct CredentialScope {
  std::string access_key_id;
  std::string date;  // 20150830
  std::string region;
  std::string service;
  std::string terminator = "aws4_request";
  // 20150830/us-east-1/iam/aws4_request
  std::string text() const;
};

struct Signature {
  CredentialScope scope;
  std::vector<std::string> signed_headers;  // lower case, in the order given
  std::string signature;                    // 64 hex digits
  std::string amz_date;                     // 20150830T123600Z
  std::string session_token;                // empty: none
  std::optional<int> expires_s;             // of a presigned URL
};

using Headers = std::vector<std::pair<std::string, std::string>>;
// The first header of that name, compared without case; empty: absent.
using HeaderLookup = std::function<std::string_view(std::string_view name)>;

struct SignedRequest {
  std::string_view method;
  std::string_view path;   // as sent, percent-encoded
  std::string_view query;  // as sent, without '?'
  Headers headers;         // names in any case
  std::string_view body;
};

enum class SignaturePlace { kNone, kHeader, kQuery };
// Where the signature is, all its parts being there; kIncomplete with AWS' text otherwise. An
// Authorization header of any kind counts as one, as it does for AWS.
SigResult<SignaturePlace> find_signature(const HeaderLookup& header, std::string_view query);
// The parts' form is checked, nothing more.
SigResult<Signature> read_signature(SignaturePlace place, const HeaderLookup& header,
                                    std::string_view query);
// The scope alone, leniently, from `Authorization` or the query: for routing and for callers whose
// signature is not checked.
std::optional<CredentialScope> read_scope(std::string_view authorization, std::string_view query);
// Region from the scope, account from an access key of twelve digits; defaults otherwise.
Caller caller_of(const std::optional<CredentialScope>& scope);

// As every service but S3 signs: the path normalised and encoded twice.
std::string canonical_request(const SignedRequest& request,
                              const std::vector<std::string>& signed_headers);
std::string string_to_sign(std::string_view amz_date, const CredentialScope& scope,
                           std::string_view canonical_request);
std::string signing_key(std::string_view secret, const CredentialScope& scope);
std::string sign(std::string_view secret, std::string_view amz_date, const CredentialScope& scope,
                 std::string_view canonical_request);

struct Credentials {
  std::string access_key_id;
  std::string secret;
  std::string session_token;  // may be empty
};
// The headers to add to a request (Authorization, X-Amz-Date, X-Amz-Security-Token). `request` must
// hold Host and whatever else is to be signed.
Headers sign_headers(const SignedRequest& request, const Credentials& credentials,
                     std::string_view region, std::string_view service, std::int64_t now_ms);

constexpr std::int64_t kClockSkewMaxMs = 15LL * 60 * 1000;
// In AWS' order: service, date, signed headers, key, signature; compares in constant time.
// `secret_of`: nullopt for an unknown access key.
SigResult<void> verify(const SignedRequest& request, const Signature& signature,
                       std::string_view service,
                       const std::function<std::optional<std::string>(std::string_view)>& secret_of,
                       std::int64_t now_ms);

std::string format_amz_date(std::int64_t ms);                           // 20150830T123600Z
std::optional<std::int64_t> parse_amz_date(std::string_view amz_date);  // ms

}  // namespace sluice::aws
