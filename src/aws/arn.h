// Amazon resource names: arn:partition:service:region:account:resource.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sluice::aws {

struct Arn {
  std::string partition;  // "aws", "aws-cn", "aws-us-gov" …
  std::string service;
  std::string region;
  std::string account;   // may be empty ("arn:aws:apigateway:us-east-1::/restapis")
  std::string resource;  // the rest, colons included: "stream/orders"

  std::string to_string() const;
  bool operator==(const Arn&) const = default;
};

// nullopt: fewer than six parts, not "arn", an empty partition, service or resource.
std::optional<Arn> parse_arn(std::string_view text);

}  // namespace sluice::aws
