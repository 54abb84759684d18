#include "http/egress.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cstring>
#include <string>

namespace sluice::http {

namespace {

// IANA's special-purpose registries: not globally reachable, or meant for this machine or network.
constexpr std::array<std::string_view, 27> kNotPublic = {
    "0.0.0.0/8",     "10.0.0.0/8",      "100.64.0.0/10",  "127.0.0.0/8",    "169.254.0.0/16",
    "172.16.0.0/12", "192.0.0.0/24",    "192.0.2.0/24",   "192.88.99.0/24", "192.168.0.0/16",
    "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",    "240.0.0.0/4",
    "::/128",        "::1/128",         "64:ff9b:1::/48", "100::/64",       "2001::/23",
    "2001:db8::/32", "3fff::/20",       "5f00::/16",      "fc00::/7",       "fe80::/10",
    "fec0::/10",     "ff00::/8"};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return out;
}

// "localhost", or labels with a dot of which the last is no number: that would be an address.
bool is_host_name(std::string_view text) {
  if (text == "localhost") return true;
  const std::size_t dot = text.rfind('.');
  if (dot == std::string_view::npos || dot == 0 || dot + 1 == text.size()) return false;
  const bool letters = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  });
  return letters && (text[dot + 1] < '0' || text[dot + 1] > '9');
}

}  // namespace

EgressPolicy EgressPolicy::allow_all() {
  EgressPolicy policy;
  policy.all_ = true;
  return policy;
}

base::Result<EgressPolicy, EgressError> EgressPolicy::public_and(
    const std::vector<std::string>& ranges) {
  EgressPolicy policy;
  for (const std::string& text : ranges) {
    if (Range range; parse(text, range)) {
      policy.allowed_.push_back(range);
    } else if (is_host_name(lower(text))) {
      policy.hosts_.push_back(lower(text));
    } else {
      return base::fail(
          EgressError::kBadRange,
          "'" + text + "' is no address, no range such as 10.0.0.0/8 and no name of a host");
    }
  }
  return policy;
}

bool EgressPolicy::parse(std::string_view text, Range& range) {
  const std::size_t slash = text.find('/');
  const std::string address(text.substr(0, slash));
  in_addr v4{};
  int bits_max = 128;
  if (::inet_pton(AF_INET, address.c_str(), &v4) == 1) {
    range.bytes = {};
    range.bytes[10] = range.bytes[11] = 0xff;
    std::memcpy(range.bytes.data() + 12, &v4, 4);
    bits_max = 32;
  } else if (::inet_pton(AF_INET6, address.c_str(), range.bytes.data()) != 1) {
    return false;
  }
  int bits = bits_max;
  if (slash != std::string_view::npos) {
    const std::string_view number = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), bits);
    if (error != std::errc() || end != number.data() + number.size()) return false;
    if (bits < 0 || bits > bits_max) return false;
  }
  range.bits = 128 - bits_max + bits;
  return true;
}

bool EgressPolicy::within(const Bytes& address, const Range& range) {
  const int whole = range.bits / 8;
  if (!std::equal(address.begin(), address.begin() + whole, range.bytes.begin())) return false;
  if (range.bits % 8 == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xff << (8 - range.bits % 8));
  return (address[whole] & mask) == (range.bytes[whole] & mask);
}

// The IPv4 address that a NAT64 (64:ff9b::/96) or 6to4 (2002::/16) address leads to; else itself.
EgressPolicy::Bytes EgressPolicy::embedded_v4(const Bytes& address) {
  Bytes v4{};
  v4[10] = v4[11] = 0xff;
  constexpr std::array<std::uint8_t, 12> nat64 = {0, 0x64, 0xff, 0x9b};
  if (std::equal(nat64.begin(), nat64.end(), address.begin())) {
    std::copy_n(address.begin() + 12, 4, v4.begin() + 12);
    return v4;
  }
  if (address[0] == 0x20 && address[1] == 0x02) {
    std::copy_n(address.begin() + 2, 4, v4.begin() + 12);
    return v4;
  }
  return address;
}

bool EgressPolicy::permits(const Bytes& address) const {
  if (all_) return true;
  const Bytes real = embedded_v4(address);
  const auto holds = [&](const Range& range) {
    return within(real, range) || within(address, range);
  };
  if (std::any_of(allowed_.begin(), allowed_.end(), holds)) return true;
  return std::none_of(kNotPublic.begin(), kNotPublic.end(), [&](std::string_view text) {
    Range range;
    const bool parsed = parse(text, range);
    assert(parsed);
    static_cast<void>(parsed);
    return holds(range);
  });
}

bool EgressPolicy::permits(const sockaddr& address) const {
  Bytes bytes{};
  if (address.sa_family == AF_INET) {
    bytes[10] = bytes[11] = 0xff;
    std::memcpy(bytes.data() + 12, &reinterpret_cast<const sockaddr_in&>(address).sin_addr, 4);
  } else if (address.sa_family == AF_INET6) {
    std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr, 16);
  } else {
    return false;  // Unix sockets and the like are never meant
  }
  return permits(bytes);
}

bool EgressPolicy::permits_host(std::string_view name) const {
  return std::find(hosts_.begin(), hosts_.end(), lower(name)) != hosts_.end();
}

bool EgressPolicy::permits(std::string_view address) const {
  Range range;
  return address.find('/') == std::string_view::npos && parse(address, range) &&
         permits(range.bytes);
}

}  // namespace sluice::http
