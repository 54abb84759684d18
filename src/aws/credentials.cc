#include "aws/credentials.h"

#include <fmt/core.h>

#include <algorithm>

#include "aws/sigv4_text.h"

namespace sluice::aws {
namespace {

constexpr std::string_view kBlank = " \t\r";

// What a line sets in `credentials`; nullptr: nothing of ours.
std::string* member_of(Credentials& credentials, std::string_view name) {
  if (name == "aws_access_key_id") return &credentials.access_key_id;
  if (name == "aws_secret_access_key") return &credentials.secret;
  if (name == "aws_session_token") return &credentials.session_token;
  return nullptr;
}

std::string_view strip(std::string_view text) {
  while (!text.empty() && kBlank.find(text.front()) != std::string_view::npos)
    text.remove_prefix(1);
  while (!text.empty() && kBlank.find(text.back()) != std::string_view::npos)
    text.remove_suffix(1);
  return text;
}

std::unexpected<base::Failure<CredentialsError>> malformed(std::size_t line, std::string_view why) {
  return base::fail(CredentialsError::kMalformed, fmt::format("line {}: {}", line, why));
}

}  // namespace

// Values never reach a message: they may be secrets.
base::Result<std::vector<Profile>, CredentialsError> parse_credentials(std::string_view text) {
  std::vector<Profile> profiles;
  std::size_t number = 0;
  for (const std::string_view raw : split(text, '\n')) {
    ++number;
    const std::string_view line = strip(raw);
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    if (line.front() == '[') {
      if (!line.ends_with(']')) return malformed(number, "a profile's name must end with ]");
      profiles.push_back({std::string(strip(line.substr(1, line.size() - 2))), {}});
      continue;
    }
    if (kBlank.find(raw.front()) != std::string_view::npos) continue;  // of a nested section
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) return malformed(number, "neither [profile] nor a = b");
    if (profiles.empty()) return malformed(number, "a value stands before the first [profile]");
    std::string* const member =
        member_of(profiles.back().credentials, strip(line.substr(0, equals)));
    if (member != nullptr) *member = strip(line.substr(equals + 1));
  }
  std::erase_if(profiles, [](const Profile& p) {
    return p.credentials.access_key_id.empty() && p.credentials.secret.empty();
  });
  for (const Profile& p : profiles) {
    if (p.credentials.access_key_id.empty() || p.credentials.secret.empty())
      return base::fail(CredentialsError::kMalformed,
                        fmt::format("profile {} needs both aws_access_key_id and "
                                    "aws_secret_access_key",
                                    p.name));
    const bool twice = std::ranges::any_of(profiles, [&p](const Profile& other) {
      return other.credentials.access_key_id == p.credentials.access_key_id &&
             other.credentials.secret != p.credentials.secret;
    });
    if (twice)
      return base::fail(CredentialsError::kMalformed,
                        fmt::format("access key {} has two secrets", p.credentials.access_key_id));
  }
  return profiles;
}

}  // namespace sluice::aws
