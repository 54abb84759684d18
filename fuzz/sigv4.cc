// Authorization headers and queries as a client may send them: no crash; what is read has the parts
// that verification needs; an unknown signature is never accepted. The same text as a credentials
// file.
#include "aws/sigv4.h"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "aws/arn.h"
#include "aws/credentials.h"
#include "aws/json_protocol.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;  // NOLINT(google-build-using-namespace)
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto line = text.find('\n');
  const std::string_view authorization = text.substr(0, line);
  const std::string_view query =
      line == std::string_view::npos ? std::string_view() : text.substr(line + 1);
  const auto header = [&](std::string_view name) -> std::string_view {
    if (name == "authorization") return authorization;
    return name == "x-amz-date" ? "20150830T123600Z" : "";
  };
  const auto caller = aws::caller_of(aws::read_scope(authorization, query));
  if (caller.region.empty() || caller.account.size() != 12) std::abort();
  const auto place = aws::find_signature(header, query);
  if (place && *place != aws::SignaturePlace::kNone) {
    const aws::SignedRequest request{"POST", authorization, query, {{"Host", "h"}}, text};
    const auto signature = aws::read_signature(*place, header, query);
    if (signature) {
      const auto secret = [](std::string_view) { return std::optional<std::string>("secret"); };
      const auto now_ms = aws::parse_amz_date(signature->amz_date);
      const auto verified =
          aws::verify(request, *signature, signature->scope.service, secret, now_ms.value_or(0));
      if (!now_ms || verified) std::abort();
    }
  }
  if (const auto profiles = aws::parse_credentials(text)) {
    for (const aws::Profile& profile : *profiles) {
      if (profile.credentials.access_key_id.empty() || profile.credentials.secret.empty())
        std::abort();
    }
  }
  (void)aws::parse_arn(text);
  (void)aws::parse_target(text);
  (void)aws::media_type(text);
  return 0;
}
