#include "aws/authenticator.h"

#include <algorithm>

#include "base/digest.h"

namespace sluice::aws {
namespace {

std::string_view type_of(SigError error) {
  switch (error) {
    case SigError::kIncomplete:
      return "IncompleteSignatureException";
    case SigError::kUnknownKey:
      return "UnrecognizedClientException";
    case SigError::kBothPlaces:
    case SigError::kScope:
    case SigError::kMismatch:
    case SigError::kSkewed:
      break;
  }
  return "InvalidSignatureException";
}

Refusal refusal(const base::Failure<SigError>& failure) {
  return {std::string(type_of(failure.code)), failure.message};
}

}  // namespace

Authenticator::Authenticator(std::vector<Profile> keys, base::Clock& clock)
    : keys_(std::move(keys)), clock_(clock) {}

std::optional<Refusal> Authenticator::check(std::string_view service, const HeaderLookup& header,
                                            std::string_view query,
                                            const std::function<SignedRequest()>& whole) const {
  const auto place = find_signature(header, query);
  if (!place) return refusal(place.error());
  if (!has_keys()) return std::nullopt;
  if (*place == SignaturePlace::kNone)
    return Refusal{"MissingAuthenticationTokenException", "Missing Authentication Token"};
  if (const auto good = verify_call(*place, service, header, query, whole); !good)
    return refusal(good.error());
  return std::nullopt;
}

SigResult<void> Authenticator::verify_call(SignaturePlace place, std::string_view service,
                                           const HeaderLookup& header, std::string_view query,
                                           const std::function<SignedRequest()>& whole) const {
  const auto signature = read_signature(place, header, query);
  if (!signature) return std::unexpected(signature.error());
  // A session token belongs to its key: with another one, or none, the key is not known.
  const auto secret_of = [&](std::string_view id) -> std::optional<std::string> {
    for (const Profile& key : keys_) {
      if (key.credentials.access_key_id == id &&
          base::constant_time_equal(key.credentials.session_token, signature->session_token))
        return key.credentials.secret;
    }
    return std::nullopt;
  };
  return verify(whole(), *signature, service, secret_of, clock_.now_ms());
}

}  // namespace sluice::aws
