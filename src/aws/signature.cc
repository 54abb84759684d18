// What a request says of its signature, as AWS reads it; the texts of AWS where parts are missing.
#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "aws/sigv4.h"
#include "aws/sigv4_text.h"

namespace sluice::aws {
namespace {

constexpr std::size_t kSignedHeadersMax = 100;
constexpr int kExpiresMaxS = 7 * 24 * 3600;

std::optional<CredentialScope> parse_credential(std::string_view credential) {
  const auto parts = split(credential, '/');
  if (parts.size() != 5) return std::nullopt;
  return CredentialScope{std::string(parts[0]), std::string(parts[1]), std::string(parts[2]),
                         std::string(parts[3]), std::string(parts[4])};
}

// The value of `name` in "AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…": parts are separated by
// commas and blanks, the first is the algorithm.
std::string_view part_of(std::string_view authorization, std::string_view name) {
  authorization.remove_prefix(std::min(authorization.find_first_of(", "), authorization.size()));
  while (!authorization.empty()) {
    authorization.remove_prefix(1);
    const std::string_view part = authorization.substr(0, authorization.find_first_of(", "));
    if (part.starts_with(name) && part.substr(name.size()).starts_with('='))
      return part.substr(name.size() + 1);
    authorization.remove_prefix(part.size());
  }
  return {};
}

using Parameters = std::map<std::string, std::string, std::less<>>;

Parameters query_parameters(std::string_view query) {
  Parameters parameters;
  for (auto& [name, value] : query_pairs(query))
    parameters.emplace(std::move(name), std::move(value));
  return parameters;
}

std::string_view get(const Parameters& parameters, std::string_view name) {
  const auto found = parameters.find(name);
  return found == parameters.end() ? std::string_view() : std::string_view(found->second);
}

bool has_parameter(std::string_view query, std::string_view name) {
  if (query.empty()) return false;
  return std::ranges::any_of(split(query, '&'), [name](std::string_view part) {
    return part.substr(0, part.find('=')) == name;
  });
}

std::string_view date_of(const HeaderLookup& header) {
  const std::string_view date = trim(header("x-amz-date"));
  return date.empty() ? trim(header("date")) : date;
}

// The client's own text back, as AWS does; a header may be long, an error's text is not.
std::string missing_in_header(std::string_view authorization, const HeaderLookup& header) {
  constexpr std::size_t kEchoMax = 4096;
  std::string missing;
  for (const std::string_view name : {"Credential", "Signature", "SignedHeaders"}) {
    if (part_of(authorization, name).empty())
      missing += fmt::format("Authorization header requires '{}' parameter. ", name);
  }
  if (date_of(header).empty())
    missing +=
        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ";
  if (!missing.empty())
    missing += fmt::format("Authorization={}", authorization.substr(0, kEchoMax));
  return missing;
}

std::string missing_in_query(std::string_view query) {
  const Parameters parameters = query_parameters(query);
  std::string missing;
  for (const std::string_view name : {"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature",
                                      "X-Amz-SignedHeaders", "X-Amz-Date"}) {
    if (get(parameters, name).empty())
      missing += fmt::format("AWS query-string parameters must include '{}'. ", name);
  }
  if (!missing.empty()) missing += "Re-examine the query-string parameters.";
  return missing;
}

SigResult<void> read_expires(Signature& signature, std::string_view expires) {
  if (expires.empty()) return {};
  int seconds = 0;
  const char* const end = expires.data() + expires.size();
  const auto parsed = std::from_chars(expires.data(), end, seconds);
  if (parsed.ec != std::errc() || parsed.ptr != end || seconds < 0 || seconds > kExpiresMaxS)
    return base::fail(SigError::kIncomplete, "X-Amz-Expires must be between 0 and 604800 seconds");
  signature.expires_s = seconds;
  return {};
}

SigResult<Signature> finish(Signature signature, std::string_view algorithm,
                            std::string_view credential, std::string_view signed_headers) {
  if (algorithm != kAlgorithm)
    return base::fail(SigError::kIncomplete,
                      fmt::format("Unsupported AWS 'algorithm': '{}'.", algorithm));
  auto scope = parse_credential(credential);
  if (!scope)
    return base::fail(SigError::kIncomplete,
                      fmt::format("Credential must have exactly 5 slash-delimited elements, e.g. "
                                  "keyid/date/region/service/term, got '{}'",
                                  credential));
  if (scope->terminator != kTerminator)
    return base::fail(
        SigError::kScope,
        fmt::format("Credential should be scoped with a valid terminator: '{}', not '{}'. ",
                    kTerminator, scope->terminator));
  signature.scope = std::move(*scope);
  for (const std::string_view name : split(signed_headers, ';'))
    signature.signed_headers.push_back(lower(name));
  if (signature.signed_headers.size() > kSignedHeadersMax)
    return base::fail(SigError::kIncomplete, "too many signed headers");
  if (!parse_amz_date(signature.amz_date))
    return base::fail(SigError::kIncomplete,
                      fmt::format("Date must be in ISO-8601 'basic format'. Got '{}'. See "
                                  "http://en.wikipedia.org/wiki/ISO_8601",
                                  signature.amz_date));
  return signature;
}

}  // namespace

SigResult<SignaturePlace> find_signature(const HeaderLookup& header, std::string_view query) {
  const std::string_view authorization = trim(header("authorization"));
  const bool in_query = has_parameter(query, "X-Amz-Algorithm");
  if (!authorization.empty() && in_query)
    return base::fail(SigError::kBothPlaces,
                      "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as "
                      "HTTP header.");
  if (authorization.empty() && !in_query) return SignaturePlace::kNone;
  std::string missing =
      in_query ? missing_in_query(query) : missing_in_header(authorization, header);
  if (!missing.empty()) return base::fail(SigError::kIncomplete, std::move(missing));
  return in_query ? SignaturePlace::kQuery : SignaturePlace::kHeader;
}

SigResult<Signature> read_signature(SignaturePlace place, const HeaderLookup& header,
                                    std::string_view query) {
  Signature signature;
  if (place == SignaturePlace::kHeader) {
    const std::string_view authorization = trim(header("authorization"));
    signature.amz_date = date_of(header);
    signature.signature = part_of(authorization, "Signature");
    signature.session_token = trim(header("x-amz-security-token"));
    return finish(std::move(signature), authorization.substr(0, authorization.find_first_of(", ")),
                  part_of(authorization, "Credential"), part_of(authorization, "SignedHeaders"));
  }
  const Parameters parameters = query_parameters(query);
  signature.amz_date = get(parameters, "X-Amz-Date");
  signature.signature = get(parameters, "X-Amz-Signature");
  signature.session_token = get(parameters, "X-Amz-Security-Token");
  if (auto read = read_expires(signature, get(parameters, "X-Amz-Expires")); !read)
    return std::unexpected(read.error());
  return finish(std::move(signature), get(parameters, "X-Amz-Algorithm"),
                get(parameters, "X-Amz-Credential"), get(parameters, "X-Amz-SignedHeaders"));
}

std::optional<CredentialScope> read_scope(std::string_view authorization, std::string_view query) {
  std::string from_query;
  std::string_view credential = part_of(trim(authorization), "Credential");
  if (credential.empty() && query.find("X-Amz-Credential=") != std::string_view::npos) {
    from_query = get(query_parameters(query), "X-Amz-Credential");
    credential = from_query;
  }
  auto scope = parse_credential(credential);
  if (!scope || scope->access_key_id.empty() || scope->region.empty() || scope->service.empty())
    return std::nullopt;
  return scope;
}

Caller caller_of(const std::optional<CredentialScope>& scope) {
  Caller caller;
  if (!scope) return caller;
  caller.region = scope->region;
  caller.access_key_id = scope->access_key_id;
  const bool twelve_digits =
      scope->access_key_id.size() == 12 &&
      std::ranges::all_of(scope->access_key_id, [](char c) { return c >= '0' && c <= '9'; });
  if (twelve_digits) caller.account = scope->access_key_id;
  return caller;
}

}  // namespace sluice::aws
