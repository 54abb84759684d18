// Where outgoing connections may go. Loopback, private, link-local and other non-public ranges are
// closed unless listed (settings egress.allow), so that a URL in a template or an API cannot reach
// the machine's neighbours. Checked on the address a socket is about to connect to, after the
// resolver; a host listed by its name may have any address.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

struct sockaddr;

namespace sluice::http {

enum class EgressError {
  kBadRange,  // no address, CIDR range or name of a host; the message names it
};

class EgressPolicy {
 public:
  // Everything is allowed: for the CLI, whose user chose the address.
  static EgressPolicy allow_all();
  // Public addresses, and those in `ranges`: "10.0.0.0/8", "127.0.0.1", "fd00::/8"; "localhost" and
  // names with a dot stand for whatever they resolve to.
  static base::Result<EgressPolicy, EgressError> public_and(const std::vector<std::string>& ranges);

  bool permits(const sockaddr& address) const;
  // Numeric text; false for anything else.
  bool permits(std::string_view address) const;
  bool lists_hosts() const { return !hosts_.empty(); }
  bool permits_host(std::string_view name) const;

 private:
  // IPv4 is kept as ::ffff:a.b.c.d, so that no second spelling of an address escapes.
  using Bytes = std::array<std::uint8_t, 16>;
  struct Range {
    Bytes bytes{};
    int bits = 0;
  };

  static bool parse(std::string_view text, Range& range);
  static bool within(const Bytes& address, const Range& range);
  static Bytes embedded_v4(const Bytes& address);
  bool permits(const Bytes& address) const;

  bool all_ = false;
  std::vector<Range> allowed_;
  std::vector<std::string> hosts_;  // lower case
};

}  // namespace sluice::http
