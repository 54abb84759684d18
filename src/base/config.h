// Typed settings, declared once with name, help, default and bounds. Values come from defaults,
// then the TOML file, then the environment (SLUICE_HTTP_IDLE_TIMEOUT for http.idle_timeout), then
// flags: the later wins. Whatever is unknown or out of range is an error that names where it
// stands. Used while the program starts, on one thread; afterwards read-only.
//
//   base::Config config;
//   base::Setting<std::int64_t> port = config.integer({.name = "port", .help = "…"}, 4566, 0,
//   65535); if (auto loaded = config.load_file(base::posix_env(), path, /*mode=*/…); !loaded) …
//   listen(port());
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace sluice::base {

enum class ConfigError {
  kUnknownKey,  // no setting of that name
  kBadValue,    // not of the setting's kind, or out of its range
  kBadFile,     // cannot be read, or is not TOML
  kUnsafeFile,  // holds a secret and others may read it: chmod 600
  kNotAllowed,  // a secret on the command line
};

using ConfigStatus = Result<void, ConfigError>;

enum class SettingKind { kInteger, kBytes, kDuration, kBool, kText, kEnum, kList };

// What the reference page, --help and error messages say of a setting.
struct SettingInfo {
  std::string name;     // lower case, parts joined by dots: "http.idle_timeout"
  std::string help;     // one line, no full stop
  bool secret = false;  // never printed, never a flag; its file must be of mode 0600
};

struct SettingEntry {
  using Value = std::variant<std::int64_t, std::chrono::milliseconds, bool, std::string,
                             std::vector<std::string>>;
  SettingInfo info;
  SettingKind kind;
  Value value;
  Value default_value;
  std::int64_t min = 0, max = 0;     // of integers, bytes, and milliseconds of durations
  std::vector<std::string> choices;  // of enums
  std::string origin = "default";    // "default", "sluice.toml:12", "SLUICE_PORT", "--port"
};

// A declared setting; valid as long as its Config.
template <class T>
class Setting {
 public:
  explicit Setting(const SettingEntry* entry) : entry_(entry) {}
  const T& operator()() const { return std::get<T>(entry_->value); }
  const SettingEntry& entry() const { return *entry_; }

 private:
  const SettingEntry* entry_;
};

class Config {
 public:
  Config() = default;
  Config(const Config&) = delete;
  Config& operator=(const Config&) = delete;

  Setting<std::int64_t> integer(SettingInfo info, std::int64_t value, std::int64_t min,
                                std::int64_t max);
  // Written 1048576, "64KiB", "64MiB", "2GiB", "1TiB".
  Setting<std::int64_t> bytes(SettingInfo info, std::int64_t value, std::int64_t min,
                              std::int64_t max);
  // Written "250ms", "5s", "10m", "12h", "7d".
  Setting<std::chrono::milliseconds> duration(SettingInfo info, std::chrono::milliseconds value,
                                              std::chrono::milliseconds min,
                                              std::chrono::milliseconds max);
  Setting<bool> boolean(SettingInfo info, bool value);
  Setting<std::string> text(SettingInfo info, std::string value);
  Setting<std::string> choice(SettingInfo info, std::string value,
                              std::vector<std::string> choices);
  // A TOML array of strings; elsewhere joined by commas.
  Setting<std::vector<std::string>> list(SettingInfo info, std::vector<std::string> value);

  // `group_or_others_may_read`: of the file's mode; then it may hold no secret.
  ConfigStatus load_toml(std::string_view text, const std::string& file_name,
                         bool group_or_others_may_read);
  // Reads the file and its mode.
  ConfigStatus load_file(const std::string& path);
  // "NAME=value" strings; of those that begin with SLUICE_ all must be settings or in `others`.
  ConfigStatus load_environment(std::span<const std::string> variables,
                                std::span<const std::string_view> others = {});
  // The process's environment.
  ConfigStatus load_environment(std::span<const std::string_view> others = {});
  // One flag; `name` as the setting's, or with dashes as flags are written: "http-idle-timeout".
  ConfigStatus set_flag(std::string_view name, std::string_view value);

  const std::deque<SettingEntry>& entries() const { return entries_; }
  // "--http-idle-timeout" for http.idle_timeout.
  static std::string flag_name(std::string_view setting);
  static std::string environment_name(std::string_view setting);

  // The reference page's table, in markdown.
  std::string reference_table() const;
  // A line each: name = value  # origin. Secrets show as ***.
  std::string effective_values() const;

 private:
  SettingEntry& declare(SettingInfo info, SettingKind kind, SettingEntry::Value value);
  SettingEntry* find(std::string_view name);
  ConfigStatus set_text(SettingEntry& entry, std::string_view text, const std::string& origin);
  ConfigStatus set_value(SettingEntry& entry, SettingEntry::Value value, const std::string& origin);

  std::deque<SettingEntry> entries_;
};

// "64MiB" for 67108864: the largest unit that divides it.
std::string format_bytes(std::int64_t bytes);
std::string format_duration(std::chrono::milliseconds duration);

}  // namespace sluice::base
