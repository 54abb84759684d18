#include "aws/sigv4.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <chrono>
#include <map>

#include "base/digest.h"

namespace sluice::aws {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kTerminator = "aws4_request";
constexpr std::size_t kSignedHeadersMax = 100;
constexpr int kExpiresMaxS = 7 * 24 * 3600;

std::string as_text(const std::array<unsigned char, 32>& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> split(std::string_view text, char by) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto at = text.find(by);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

bool unreserved(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.' ||
         c == '~';
}

std::string encode(std::string_view text, bool keep_slash) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (unreserved(c) || (keep_slash && c == '/')) {
      out.push_back(c);
    } else {
      out.push_back('%');
      out.push_back(kDigits[static_cast<unsigned char>(c) >> 4]);
      out.push_back(kDigits[static_cast<unsigned char>(c) & 15]);
    }
  }
  return out;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const int letter = std::tolower(static_cast<unsigned char>(c));
  return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

// Broken escapes stay as they are: then the signature simply does not match.
std::string decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 &&
                        hex_value(text[i + 2]) >= 0;
    if (escape) {
      out.push_back(static_cast<char>(hex_value(text[i + 1]) << 4 | hex_value(text[i + 2])));
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

std::string normal_path(std::string_view path) {
  std::vector<std::string_view> kept;
  for (const std::string_view part : split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (!kept.empty()) kept.pop_back();
      continue;
    }
    kept.push_back(part);
  }
  std::string out;
  for (const std::string_view part : kept) {
    out.push_back('/');
    out += part;
  }
  if (out.empty() || path.ends_with('/')) out.push_back('/');
  return out;
}

std::vector<std::pair<std::string, std::string>> query_pairs(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> pairs;
  if (query.empty()) return pairs;
  for (const std::string_view part : split(query, '&')) {
    if (part.empty()) continue;
    const auto equals = part.find('=');
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1);
    pairs.emplace_back(decode(part.substr(0, equals)), decode(value));
  }
  return pairs;
}

std::string canonical_query(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const auto& [name, value] : query_pairs(query)) {
    if (name != "X-Amz-Signature") pairs.emplace_back(encode(name, false), encode(value, false));
  }
  std::ranges::sort(pairs);
  std::string out;
  for (const auto& [name, value] : pairs)
    out += fmt::format("{}{}={}", out.empty() ? "" : "&", name, value);
  return out;
}

// Runs of blanks become one, outside quotes too: that is what all SDKs sign.
std::string canonical_value(std::string_view value) {
  std::string out;
  for (const char c : trim(value)) {
    if (c == ' ' && out.ends_with(' ')) continue;
    out.push_back(c);
  }
  return out;
}

std::string header_values(const Headers& headers, std::string_view name) {
  std::string out;
  bool first = true;
  for (const auto& [key, value] : headers) {
    if (lower(key) != name) continue;
    if (!first) out.push_back(',');
    first = false;
    out += canonical_value(value);
  }
  return out;
}

std::optional<CredentialScope> parse_credential(std::string_view credential) {
  const auto parts = split(credential, '/');
  // An access key may hold slashes of its own: the last four parts are fixed.
  if (parts.size() < 5 || parts.back() != kTerminator) return std::nullopt;
  const std::size_t n = parts.size();
  CredentialScope scope;
  scope.date = parts[n - 4];
  scope.region = parts[n - 3];
  scope.service = parts[n - 2];
  const std::size_t tail =
      scope.date.size() + scope.region.size() + scope.service.size() + kTerminator.size() + 4;
  scope.access_key_id = credential.substr(0, credential.size() - tail);
  if (scope.access_key_id.empty() || scope.date.size() != 8 || scope.region.empty() ||
      scope.service.empty())
    return std::nullopt;
  return scope;
}

using Parameters = std::map<std::string, std::string, std::less<>>;

Parameters authorization_parameters(std::string_view authorization) {
  Parameters parameters;
  authorization.remove_prefix(std::min(kAlgorithm.size(), authorization.size()));
  for (const std::string_view item : split(authorization, ',')) {
    // Some clients separate by blanks alone.
    for (const std::string_view part : split(trim(item), ' ')) {
      const auto equals = part.find('=');
      if (equals != std::string_view::npos)
        parameters.emplace(part.substr(0, equals), part.substr(equals + 1));
    }
  }
  return parameters;
}

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

std::vector<std::string> header_names(std::string_view list) {
  std::vector<std::string> names;
  for (const std::string_view name : split(list, ';'))
    names.push_back(lower(name));
  return names;
}

SigResult<std::optional<Signature>> finish(Signature signature, std::string_view credential,
                                           std::string_view signed_headers) {
  auto scope = parse_credential(credential);
  if (!scope)
    return base::fail(SigError::kIncomplete,
                      fmt::format("Credential must have exactly 5 slash-delimited elements, e.g. "
                                  "keyid/date/region/service/term, got '{}'",
                                  credential));
  signature.scope = std::move(*scope);
  signature.signed_headers = header_names(signed_headers);
  if (signature.signed_headers.size() > kSignedHeadersMax)
    return base::fail(SigError::kIncomplete, "too many signed headers");
  if (!parse_amz_date(signature.amz_date))
    return base::fail(
        SigError::kIncomplete,
        fmt::format("Date must be in ISO-8601 'basic format'. Got '{}'.", signature.amz_date));
  return signature;
}

SigResult<std::optional<Signature>> read_header_signature(std::string_view authorization,
                                                          const HeaderLookup& header) {
  const Parameters parameters = authorization_parameters(authorization);
  std::string missing;
  for (const std::string_view name : {"Credential", "Signature", "SignedHeaders"}) {
    if (get(parameters, name).empty())
      missing += fmt::format("Authorization header requires '{}' parameter. ", name);
  }
  Signature signature;
  signature.amz_date = trim(header("x-amz-date"));
  if (signature.amz_date.empty())
    missing +=
        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ";
  // The signature itself is not repeated: error texts end up in logs.
  if (!missing.empty()) {
    missing.pop_back();
    return base::fail(SigError::kIncomplete, missing);
  }
  signature.signature = get(parameters, "Signature");
  return finish(std::move(signature), get(parameters, "Credential"),
                get(parameters, "SignedHeaders"));
}

SigResult<std::optional<Signature>> read_query_signature(const Parameters& parameters) {
  std::string missing;
  for (const std::string_view name : {"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature",
                                      "X-Amz-SignedHeaders", "X-Amz-Date"}) {
    if (get(parameters, name).empty())
      missing += fmt::format("AWS query-string parameters must include '{}'. ", name);
  }
  if (!missing.empty())
    return base::fail(SigError::kIncomplete, missing + "Re-examine the query-string parameters.");
  Signature signature;
  signature.in_query = true;
  signature.amz_date = get(parameters, "X-Amz-Date");
  signature.signature = get(parameters, "X-Amz-Signature");
  const std::string_view expires = get(parameters, "X-Amz-Expires");
  if (!expires.empty()) {
    const char* const begin = expires.data();
    const char* const end = begin + expires.size();
    const auto parsed = std::from_chars(begin, end, signature.expires_s);
    if (parsed.ec != std::errc() || parsed.ptr != end || signature.expires_s < 0 ||
        signature.expires_s > kExpiresMaxS)
      return base::fail(SigError::kIncomplete, "X-Amz-Expires must be between 0 and 604800");
  }
  return finish(std::move(signature), get(parameters, "X-Amz-Credential"),
                get(parameters, "X-Amz-SignedHeaders"));
}

}  // namespace

std::string CredentialScope::text() const {
  return fmt::format("{}/{}/{}/{}", date, region, service, kTerminator);
}

SigResult<std::optional<Signature>> read_signature(const HeaderLookup& header,
                                                   std::string_view query) {
  const std::string_view authorization = trim(header("authorization"));
  const bool in_header = authorization.starts_with("AWS4-");
  const Parameters parameters = query_parameters(query);
  const bool in_query = parameters.contains("X-Amz-Algorithm");
  if (in_header && in_query)
    return base::fail(SigError::kBothPlaces,
                      "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as "
                      "HTTP header.");
  if (!in_header && !in_query) return std::optional<Signature>();
  const std::string_view algorithm = in_header ? authorization.substr(0, authorization.find(' '))
                                               : get(parameters, "X-Amz-Algorithm");
  if (algorithm != kAlgorithm)
    return base::fail(SigError::kIncomplete,
                      fmt::format("Unsupported AWS 'algorithm': '{}'.", algorithm));
  return in_header ? read_header_signature(authorization, header)
                   : read_query_signature(parameters);
}

std::optional<CredentialScope> read_scope(std::string_view authorization, std::string_view query) {
  authorization = trim(authorization);
  if (authorization.starts_with("AWS4-")) {
    const auto at = authorization.find("Credential=");
    if (at == std::string_view::npos) return std::nullopt;
    const std::string_view rest = authorization.substr(at + 11);
    return parse_credential(rest.substr(0, rest.find_first_of(", ")));
  }
  if (query.find("X-Amz-Credential=") == std::string_view::npos) return std::nullopt;
  return parse_credential(get(query_parameters(query), "X-Amz-Credential"));
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

std::string canonical_request(const SignedRequest& request,
                              const std::vector<std::string>& signed_headers, bool normalize_path) {
  std::vector<std::string> names = signed_headers;
  std::ranges::sort(names);
  const std::string path =
      normalize_path ? encode(normal_path(request.path), true) : std::string(request.path);
  std::string out =
      fmt::format("{}\n{}\n{}\n", request.method, path, canonical_query(request.query));
  std::string list;
  for (const std::string& name : names) {
    out += fmt::format("{}:{}\n", name, header_values(request.headers, name));
    list += fmt::format("{}{}", list.empty() ? "" : ";", name);
  }
  return out + fmt::format("\n{}\n{}", list, base::to_hex(as_text(base::sha256(request.body))));
}

std::string string_to_sign(std::string_view amz_date, const CredentialScope& scope,
                           std::string_view canonical_request) {
  return fmt::format("{}\n{}\n{}\n{}", kAlgorithm, amz_date, scope.text(),
                     base::to_hex(as_text(base::sha256(canonical_request))));
}

std::string signing_key(std::string_view secret, const CredentialScope& scope) {
  std::string key = fmt::format("AWS4{}", secret);
  for (const std::string_view part : {std::string_view(scope.date), std::string_view(scope.region),
                                      std::string_view(scope.service), kTerminator})
    key = as_text(base::hmac_sha256(key, part));
  return key;
}

std::string sign(std::string_view secret, std::string_view amz_date, const CredentialScope& scope,
                 std::string_view canonical_request) {
  return base::to_hex(as_text(base::hmac_sha256(
      signing_key(secret, scope), string_to_sign(amz_date, scope, canonical_request))));
}

Headers sign_headers(const SignedRequest& request, const Credentials& credentials,
                     std::string_view region, std::string_view service, std::int64_t now_ms) {
  Headers added;
  added.emplace_back("X-Amz-Date", format_amz_date(now_ms));
  if (!credentials.session_token.empty())
    added.emplace_back("X-Amz-Security-Token", credentials.session_token);
  SignedRequest whole = request;
  whole.headers.insert(whole.headers.end(), added.begin(), added.end());
  std::vector<std::string> names;
  for (const auto& [name, value] : whole.headers)
    names.push_back(lower(name));
  std::ranges::sort(names);
  const auto repeated = std::ranges::unique(names);
  names.erase(repeated.begin(), repeated.end());

  const std::string amz_date = added.front().second;
  const CredentialScope scope{credentials.access_key_id, amz_date.substr(0, 8), std::string(region),
                              std::string(service)};
  std::string list;
  for (const std::string& name : names)
    list += fmt::format("{}{}", list.empty() ? "" : ";", name);
  added.emplace_back(
      "Authorization",
      fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", kAlgorithm,
                  credentials.access_key_id, scope.text(), list,
                  sign(credentials.secret, amz_date, scope, canonical_request(whole, names))));
  return added;
}

SigResult<void> verify(const SignedRequest& request, const Signature& signature,
                       const std::function<std::optional<std::string>(std::string_view)>& secret_of,
                       std::int64_t now_ms) {
  const auto signed_ms = parse_amz_date(signature.amz_date);
  if (!signed_ms || !signature.amz_date.starts_with(signature.scope.date))
    return base::fail(SigError::kIncomplete,
                      fmt::format("Date in Credential scope does not match YYYYMMDD from ISO-8601 "
                                  "version of date from HTTP: '{}' != '{}'.",
                                  signature.scope.date, signature.amz_date));
  const std::int64_t lifetime_ms =
      signature.in_query ? std::int64_t{signature.expires_s} * 1000 : kClockSkewMaxMs;
  if (now_ms - *signed_ms > lifetime_ms || *signed_ms - now_ms > kClockSkewMaxMs)
    return base::fail(
        SigError::kSkewed,
        fmt::format("Signature expired: {} is now {} {} ({}).", signature.amz_date,
                    *signed_ms > now_ms ? "later than" : "earlier than", format_amz_date(now_ms),
                    signature.in_query ? "X-Amz-Expires" : "15 min."));
  if (std::ranges::find(signature.signed_headers, "host") == signature.signed_headers.end())
    return base::fail(SigError::kIncomplete,
                      "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
  const auto secret = secret_of(signature.scope.access_key_id);
  if (!secret)
    return base::fail(SigError::kUnknownKey,
                      "The security token included in the request is invalid.");
  const std::string expected =
      sign(*secret, signature.amz_date, signature.scope,
           canonical_request(request, signature.signed_headers, signature.scope.service != "s3"));
  if (!base::constant_time_equal(expected, signature.signature))
    return base::fail(SigError::kMismatch,
                      "The request signature we calculated does not match the signature you "
                      "provided. Check your AWS Secret Access Key and signing method. Consult the "
                      "service documentation for details.");
  return {};
}

std::string format_amz_date(std::int64_t ms) {
  using namespace std::chrono;
  const sys_time<milliseconds> at{milliseconds(ms)};
  const auto day = floor<days>(at);
  const year_month_day date(day);
  const hh_mm_ss time(floor<seconds>(at - day));
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     time.hours().count(), time.minutes().count(), time.seconds().count());
}

std::optional<std::int64_t> parse_amz_date(std::string_view text) {
  using namespace std::chrono;
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
  const auto number = [&](std::size_t at, std::size_t count) {
    int value = 0;
    for (std::size_t i = at; i < at + count; ++i) {
      if (text[i] < '0' || text[i] > '9') return -1;
      value = value * 10 + (text[i] - '0');
    }
    return value;
  };
  const int y = number(0, 4), mo = number(4, 2), d = number(6, 2);
  const int h = number(9, 2), mi = number(11, 2), s = number(13, 2);
  if (std::min({y, mo, d, h, mi, s}) < 0) return std::nullopt;
  const year_month_day date{year(y), month(static_cast<unsigned>(mo)),
                            day(static_cast<unsigned>(d))};
  if (!date.ok() || h > 23 || mi > 59 || s > 60) return std::nullopt;
  const auto at = sys_days(date) + hours(h) + minutes(mi) + seconds(s);
  return duration_cast<milliseconds>(at.time_since_epoch()).count();
}

}  // namespace sluice::aws
