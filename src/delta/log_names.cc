#include <fmt/core.h>

#include <charconv>

#include "delta/actions.h"

namespace sluice::delta {
namespace {

// Exactly `width` digits at the front; taken off `text`.
std::optional<std::int64_t> take_digits(std::string_view& text, std::size_t width) {
  if (text.size() < width) return std::nullopt;
  std::int64_t number = 0;
  const auto result = std::from_chars(text.data(), text.data() + width, number);
  if (result.ec != std::errc() || result.ptr != text.data() + width || number < 0)
    return std::nullopt;
  text.remove_prefix(width);
  return number;
}

bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

}  // namespace

std::string commit_name(Version version) {
  return fmt::format("{:020d}.json", version());
}

std::string checkpoint_name(Version version) {
  return fmt::format("{:020d}.checkpoint.parquet", version());
}

LogFile parse_log_name(std::string_view name) {
  const auto version = take_digits(name, 20);
  if (!version) return {};
  LogFile file{.version = Version(*version)};
  if (name == ".json") file.kind = LogFileKind::kCommit;
  if (!take(name, ".checkpoint.")) return file;
  if (name == "parquet") {
    file.kind = LogFileKind::kCheckpoint;
    return file;
  }
  std::string_view rest = name;
  const auto part = take_digits(rest, 10);
  const bool dot = part && take(rest, ".");
  const auto parts = dot ? take_digits(rest, 10) : std::nullopt;
  if (parts && rest == ".parquet" && *part >= 1 && *part <= *parts && *parts <= 100'000) {
    file.kind = LogFileKind::kMultiPartCheckpoint;
    file.part = static_cast<int>(*part);
    file.parts = static_cast<int>(*parts);
    return file;
  }
  if (name.size() > 36 && (name.ends_with(".parquet") || name.ends_with(".json")))
    file.kind = LogFileKind::kV2Checkpoint;  // <version>.checkpoint.<uuid>.parquet or .json
  return file;
}

}  // namespace sluice::delta
