// Who may call: the keys of the server, and what AWS answers to everybody else. With no keys
// anybody may, signed or not; a signature that lacks a part is told so even then. Used by the
// server's front on the event loops; immutable, thread-safe.
#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "aws/credentials.h"
#include "aws/service.h"
#include "aws/sigv4.h"
#include "base/clock.h"

namespace sluice::aws {

class Authenticator {
 public:
  Authenticator(std::vector<Profile> keys, base::Clock& clock);

  bool has_keys() const { return !keys_.empty(); }
  // nullopt: the call may go on. `service` is what its signature must be made for; `whole` is asked
  // for only where there is a signature to verify.
  std::optional<Refusal> check(std::string_view service, const HeaderLookup& header,
                               std::string_view query,
                               const std::function<SignedRequest()>& whole) const;

 private:
  SigResult<void> verify_call(SignaturePlace place, std::string_view service,
                              const HeaderLookup& header, std::string_view query,
                              const std::function<SignedRequest()>& whole) const;

  std::vector<Profile> keys_;
  base::Clock& clock_;
};

}  // namespace sluice::aws
