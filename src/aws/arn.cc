#include "aws/arn.h"

#include <fmt/core.h>

#include <array>

namespace sluice::aws {

std::string Arn::to_string() const {
  return fmt::format("arn:{}:{}:{}:{}:{}", partition, service, region, account, resource);
}

std::optional<Arn> parse_arn(std::string_view text) {
  std::array<std::string_view, 5> part;
  for (auto& p : part) {
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    p = text.substr(0, colon);
    text.remove_prefix(colon + 1);
  }
  if (part[0] != "arn" || part[1].empty() || part[2].empty() || text.empty()) return std::nullopt;
  return Arn{std::string(part[1]), std::string(part[2]), std::string(part[3]), std::string(part[4]),
             std::string(text)};
}

}  // namespace sluice::aws
