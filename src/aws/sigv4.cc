#include "aws/sigv4.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>

#include "aws/sigv4_text.h"
#include "base/digest.h"

namespace sluice::aws {
namespace {

std::string as_text(const std::array<unsigned char, 32>& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
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

}  // namespace

std::string CredentialScope::text() const {
  return fmt::format("{}/{}/{}/{}", date, region, service, kTerminator);
}

std::string canonical_request(const SignedRequest& request,
                              const std::vector<std::string>& signed_headers) {
  std::vector<std::string> names = signed_headers;
  std::ranges::sort(names);
  const std::string path = encode(normal_path(request.path), true);
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

namespace {

// The texts are AWS'; its services tolerate 5 or 15 minutes.
SigResult<void> check_age(const Signature& signature, std::int64_t now_ms) {
  const auto signed_ms = parse_amz_date(signature.amz_date);
  if (!signed_ms || signature.amz_date.substr(0, 8) != signature.scope.date)
    return base::fail(
        SigError::kScope,
        fmt::format("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of "
                    "date from HTTP: '{}' != '{}', from '{}'.",
                    signature.scope.date, signature.amz_date.substr(0, 8), signature.amz_date));
  const std::int64_t lifetime_ms =
      signature.expires_s ? std::int64_t{*signature.expires_s} * 1000 : kClockSkewMaxMs;
  const std::string now = format_amz_date(now_ms);
  if (*signed_ms < now_ms - lifetime_ms)
    return base::fail(
        SigError::kSkewed,
        fmt::format("Signature expired: {} is now earlier than {} ({} - {}.)", signature.amz_date,
                    format_amz_date(now_ms - lifetime_ms), now,
                    signature.expires_s ? fmt::format("{} sec", *signature.expires_s) : "15 min"));
  if (*signed_ms > now_ms + kClockSkewMaxMs)
    return base::fail(
        SigError::kSkewed,
        fmt::format("Signature not yet current: {} is still later than {} ({} + 15 min.)",
                    signature.amz_date, format_amz_date(now_ms + kClockSkewMaxMs), now));
  return {};
}

// A header that decides what the request does must be under the signature: else who overhears a
// call could send it again as another one.
SigResult<void> check_signed_headers(const SignedRequest& request, const Signature& signature) {
  const auto is_signed = [&](std::string_view name) {
    return std::ranges::find(signature.signed_headers, name) != signature.signed_headers.end();
  };
  if (!is_signed("host"))
    return base::fail(SigError::kMismatch,
                      "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
  for (const auto& [name, value] : request.headers) {
    if (lower(name) == "x-amz-target" && !is_signed("x-amz-target"))
      return base::fail(SigError::kMismatch,
                        "'X-Amz-Target' must be a 'SignedHeader' in the AWS Authorization.");
  }
  return {};
}

}  // namespace

SigResult<void> verify(const SignedRequest& request, const Signature& signature,
                       std::string_view service,
                       const std::function<std::optional<std::string>(std::string_view)>& secret_of,
                       std::int64_t now_ms) {
  if (signature.scope.service != service)
    return base::fail(
        SigError::kScope,
        fmt::format("Credential should be scoped to correct service: '{}'. ", service));
  if (auto fresh = check_age(signature, now_ms); !fresh) return fresh;
  if (auto covered = check_signed_headers(request, signature); !covered) return covered;
  const auto secret = secret_of(signature.scope.access_key_id);
  if (!secret)
    return base::fail(SigError::kUnknownKey,
                      "The security token included in the request is invalid.");
  const std::string expected = sign(*secret, signature.amz_date, signature.scope,
                                    canonical_request(request, signature.signed_headers));
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
