#include "base/config.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <toml++/toml.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <charconv>
#include <optional>
#include <sstream>
#include <system_error>
#include <utility>

extern char** environ;  // NOLINT(readability-identifier-naming): POSIX' name

namespace sluice::base {

namespace {

constexpr std::size_t kFileBytesMax = std::size_t{1} << 20;
constexpr std::string_view kEnvironmentPrefix = "SLUICE_";

struct Unit {
  std::string_view name;
  std::int64_t size;
};
constexpr std::array<Unit, 5> kByteUnits = {{{"TiB", std::int64_t{1} << 40},
                                             {"GiB", std::int64_t{1} << 30},
                                             {"MiB", std::int64_t{1} << 20},
                                             {"KiB", std::int64_t{1} << 10},
                                             {"", 1}}};
constexpr std::array<Unit, 5> kTimeUnits = {
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return n;
}

// A number and a unit of the table, without blanks; nullopt also when it does not fit.
template <std::size_t N>
std::optional<std::int64_t> parse_with_unit(std::string_view text,
                                            const std::array<Unit, N>& units) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = parse_integer(text.substr(0, digits));
  if (!number) return std::nullopt;
  for (const Unit& unit : units) {
    std::int64_t product = 0;
    if (unit.name != text.substr(digits)) continue;
    if (__builtin_mul_overflow(*number, unit.size, &product)) return std::nullopt;
    return product;
  }
  return std::nullopt;
}

template <std::size_t N>
std::string format_with_unit(std::int64_t n, const std::array<Unit, N>& units) {
  for (const Unit& unit : units) {
    if (n != 0 && n % unit.size == 0) return fmt::format("{}{}", n / unit.size, unit.name);
  }
  return fmt::format("{}{}", n, units.back().name);
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    std::string_view part = text.substr(0, comma);
    while (part.starts_with(' '))
      part.remove_prefix(1);
    while (part.ends_with(' '))
      part.remove_suffix(1);
    if (!part.empty()) parts.emplace_back(part);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return parts;
}

std::string_view kind_hint(SettingKind kind) {
  switch (kind) {
    case SettingKind::kInteger:
      return "a whole number";
    case SettingKind::kBytes:
      return "a size such as 65536, 64KiB or 16MiB";
    case SettingKind::kDuration:
      return "a duration such as 250ms, 5s, 10m or 7d";
    case SettingKind::kBool:
      return "true or false";
    case SettingKind::kText:
      return "text";
    case SettingKind::kEnum:
      return "one of its choices";
    case SettingKind::kList:
      return "a list of texts";
  }
  return "";
}

std::string format_value(SettingKind kind, const SettingEntry::Value& value) {
  switch (kind) {
    case SettingKind::kInteger:
      return fmt::format("{}", std::get<std::int64_t>(value));
    case SettingKind::kBytes:
      return format_bytes(std::get<std::int64_t>(value));
    case SettingKind::kDuration:
      return format_duration(std::get<std::chrono::milliseconds>(value));
    case SettingKind::kBool:
      return std::get<bool>(value) ? "true" : "false";
    case SettingKind::kText:
    case SettingKind::kEnum:
      return std::get<std::string>(value);
    case SettingKind::kList: {
      std::string out;
      for (const std::string& item : std::get<std::vector<std::string>>(value)) {
        out.append(out.empty() ? "" : ",").append(item);
      }
      return out;
    }
  }
  return {};
}

std::string format_number(const SettingEntry& entry, std::int64_t n) {
  if (entry.kind == SettingKind::kBytes) return format_bytes(n);
  if (entry.kind == SettingKind::kDuration) return format_duration(std::chrono::milliseconds(n));
  return fmt::format("{}", n);
}

// "4096 to 16MiB", the choices, or nothing.
std::string range_text(const SettingEntry& entry) {
  if (entry.kind == SettingKind::kEnum) {
    std::string out;
    for (const std::string& choice : entry.choices)
      out.append(out.empty() ? "" : ", ").append(choice);
    return out;
  }
  if (entry.kind == SettingKind::kBool) return "true, false";
  const bool numeric = entry.kind == SettingKind::kInteger || entry.kind == SettingKind::kBytes ||
                       entry.kind == SettingKind::kDuration;
  if (!numeric) return {};
  return fmt::format("{} to {}", format_number(entry, entry.min), format_number(entry, entry.max));
}

// What a flag, a variable or a TOML string says, as the setting's kind.
std::optional<SettingEntry::Value> parse_value(SettingKind kind, std::string_view text) {
  switch (kind) {
    case SettingKind::kInteger:
      if (const auto n = parse_integer(text)) return *n;
      return std::nullopt;
    case SettingKind::kBytes:
      if (const auto n = parse_with_unit(text, kByteUnits)) return *n;
      return std::nullopt;
    case SettingKind::kDuration:
      if (const auto n = parse_with_unit(text, kTimeUnits)) return std::chrono::milliseconds(*n);
      return std::nullopt;
    case SettingKind::kBool:
      if (text == "true" || text == "1") return true;
      if (text == "false" || text == "0") return false;
      return std::nullopt;
    case SettingKind::kText:
    case SettingKind::kEnum:
      return std::string(text);
    case SettingKind::kList:
      return split_list(text);
  }
  return std::nullopt;
}

bool same_name(std::string_view setting, std::string_view given) {
  if (setting.size() != given.size()) return false;
  for (std::size_t i = 0; i < setting.size(); ++i) {
    const bool separator = setting[i] == '.' || setting[i] == '_';
    if (setting[i] != given[i] && !(separator && given[i] == '-')) return false;
  }
  return true;
}

}  // namespace

std::string format_bytes(std::int64_t bytes) {
  return format_with_unit(bytes, kByteUnits);
}

std::string format_duration(std::chrono::milliseconds duration) {
  return format_with_unit(duration.count(), kTimeUnits);
}

SettingEntry& Config::declare(SettingInfo info, SettingKind kind, SettingEntry::Value value) {
  assert(find(info.name) == nullptr);
  SettingEntry& entry = entries_.emplace_back();
  entry.info = std::move(info);
  entry.kind = kind;
  entry.default_value = value;
  entry.value = std::move(value);
  return entry;
}

Setting<std::int64_t> Config::integer(SettingInfo info, std::int64_t value, std::int64_t min,
                                      std::int64_t max) {
  SettingEntry& entry = declare(std::move(info), SettingKind::kInteger, value);
  assert(min <= value && value <= max);
  entry.min = min;
  entry.max = max;
  return Setting<std::int64_t>(&entry);
}

Setting<std::int64_t> Config::bytes(SettingInfo info, std::int64_t value, std::int64_t min,
                                    std::int64_t max) {
  SettingEntry& entry = declare(std::move(info), SettingKind::kBytes, value);
  assert(min <= value && value <= max);
  entry.min = min;
  entry.max = max;
  return Setting<std::int64_t>(&entry);
}

Setting<std::chrono::milliseconds> Config::duration(SettingInfo info,
                                                    std::chrono::milliseconds value,
                                                    std::chrono::milliseconds min,
                                                    std::chrono::milliseconds max) {
  SettingEntry& entry = declare(std::move(info), SettingKind::kDuration, value);
  assert(min <= value && value <= max);
  entry.min = min.count();
  entry.max = max.count();
  return Setting<std::chrono::milliseconds>(&entry);
}

Setting<bool> Config::boolean(SettingInfo info, bool value) {
  return Setting<bool>(&declare(std::move(info), SettingKind::kBool, value));
}

Setting<std::string> Config::text(SettingInfo info, std::string value) {
  return Setting<std::string>(&declare(std::move(info), SettingKind::kText, std::move(value)));
}

Setting<std::string> Config::choice(SettingInfo info, std::string value,
                                    std::vector<std::string> choices) {
  assert(std::find(choices.begin(), choices.end(), value) != choices.end());
  SettingEntry& entry = declare(std::move(info), SettingKind::kEnum, std::move(value));
  entry.choices = std::move(choices);
  return Setting<std::string>(&entry);
}

Setting<std::vector<std::string>> Config::list(SettingInfo info, std::vector<std::string> value) {
  return Setting<std::vector<std::string>>(
      &declare(std::move(info), SettingKind::kList, std::move(value)));
}

SettingEntry* Config::find(std::string_view name) {
  for (SettingEntry& entry : entries_) {
    if (entry.info.name == name) return &entry;
  }
  return nullptr;
}

ConfigStatus Config::set_value(SettingEntry& entry, SettingEntry::Value value,
                               const std::string& origin) {
  // A secret's value stays out of messages.
  const std::string shown = entry.info.secret ? "***" : format_value(entry.kind, value);
  bool good = true;
  switch (entry.kind) {
    case SettingKind::kInteger:
    case SettingKind::kBytes:
      good =
          std::get<std::int64_t>(value) >= entry.min && std::get<std::int64_t>(value) <= entry.max;
      break;
    case SettingKind::kDuration: {
      const std::int64_t ms = std::get<std::chrono::milliseconds>(value).count();
      good = ms >= entry.min && ms <= entry.max;
      break;
    }
    case SettingKind::kEnum:
      good = std::find(entry.choices.begin(), entry.choices.end(), std::get<std::string>(value)) !=
             entry.choices.end();
      break;
    default:
      break;
  }
  if (!good) {
    return fail(ConfigError::kBadValue, fmt::format("{}: {} = {} is out of range ({})", origin,
                                                    entry.info.name, shown, range_text(entry)));
  }
  entry.value = std::move(value);
  entry.origin = origin;
  return {};
}

ConfigStatus Config::set_text(SettingEntry& entry, std::string_view text,
                              const std::string& origin) {
  auto value = parse_value(entry.kind, text);
  if (!value) {
    return fail(ConfigError::kBadValue,
                fmt::format("{}: {} = '{}' is not {}", origin, entry.info.name,
                            entry.info.secret ? "***" : text, kind_hint(entry.kind)));
  }
  return set_value(entry, std::move(*value), origin);
}

namespace {

// Whether a line has non-ASCII text only within quotes or a comment, and no control characters.
bool is_plain_line(std::string_view line) {
  char quote = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\t') || byte == 0x7f) return false;
    if (quote != 0) {
      if (c == '\\' && quote == '"') ++i;
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (byte >= 0x80) {
      return false;
    } else if (c == '#') {
      quote = '\n';  // to the end of the line
    }
  }
  return true;
}

// Whether a line that starts with '[' goes on with a key, as a table's header does.
bool opens_table(std::string_view line) {
  line.remove_prefix(line.starts_with("[[") ? 2 : 1);
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  if (line.empty()) return false;
  const char c = line[0];
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         std::string_view("_-\"']").find(c) != std::string_view::npos;
}

// toml++ 3.3 takes for granted that a key follows '[', and that bare keys are ASCII (both found by
// fuzzing). So this is checked here first, line by line, a bit more strictly than TOML does: no
// lines of non-ASCII text in multi-line strings. 0, or the number of the line that is wrong.
int line_toml_would_trip_over(std::string_view text) {
  int number = 0;
  while (!text.empty()) {
    ++number;
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!is_plain_line(line)) return number;
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    if (line.starts_with('[') && !opens_table(line)) return number;
  }
  return 0;
}

struct TomlItem {
  std::string name;
  std::string origin;  // file:line
  // Text, or what TOML has a type of its own for.
  std::variant<std::string, std::int64_t, bool, std::vector<std::string>> value;
};

// The leaves of a table, in order; the first that has a type no setting has is an error.
ConfigStatus flatten(const toml::table& table, const std::string& prefix,
                     const std::string& file_name, std::vector<TomlItem>& out) {
  for (const auto& [key, node] : table) {
    TomlItem item;
    item.name = prefix + std::string(key.str());
    item.origin = fmt::format("{}:{}", file_name, key.source().begin.line);
    if (const auto* sub = node.as_table()) {
      if (auto done = flatten(*sub, item.name + ".", file_name, out); !done) return done;
      continue;
    }
    if (const auto* text = node.as_string()) {
      item.value = text->get();
    } else if (const auto* number = node.as_integer()) {
      item.value = number->get();
    } else if (const auto* truth = node.as_boolean()) {
      item.value = truth->get();
    } else if (const auto* array = node.as_array();
               array != nullptr && !array->is_array_of_tables()) {
      std::vector<std::string> items;
      for (const auto& element : *array) {
        if (!element.is_string()) {
          return fail(ConfigError::kBadValue,
                      fmt::format("{}: {}: a list holds texts only", item.origin, item.name));
        }
        items.push_back(element.as_string()->get());
      }
      item.value = std::move(items);
    } else {
      return fail(ConfigError::kBadValue,
                  fmt::format("{}: {} has a type that no setting has", item.origin, item.name));
    }
    out.push_back(std::move(item));
  }
  return {};
}

// The TOML value as the setting's kind: integers also stand for byte counts, and texts for anything
// written with a unit. nullopt: not of that kind.
std::optional<SettingEntry::Value> from_toml(SettingKind kind, const TomlItem& item) {
  if (const auto* items = std::get_if<std::vector<std::string>>(&item.value)) {
    return kind == SettingKind::kList ? std::optional<SettingEntry::Value>(*items) : std::nullopt;
  }
  if (const auto* number = std::get_if<std::int64_t>(&item.value)) {
    const bool counts = kind == SettingKind::kInteger || kind == SettingKind::kBytes;
    return counts ? std::optional<SettingEntry::Value>(*number) : std::nullopt;
  }
  if (const auto* truth = std::get_if<bool>(&item.value)) {
    return kind == SettingKind::kBool ? std::optional<SettingEntry::Value>(*truth) : std::nullopt;
  }
  const bool written_as_text = kind == SettingKind::kText || kind == SettingKind::kEnum ||
                               kind == SettingKind::kBytes || kind == SettingKind::kDuration;
  if (!written_as_text) return std::nullopt;
  return parse_value(kind, std::get<std::string>(item.value));
}

}  // namespace

ConfigStatus Config::load_toml(std::string_view text, const std::string& file_name,
                               bool group_or_others_may_read) {
  if (const int line = line_toml_would_trip_over(text); line != 0) {
    return fail(ConfigError::kBadFile,
                fmt::format("{}:{}: this line is not TOML", file_name, line));
  }
  std::vector<TomlItem> items;
  try {
    const toml::table table = toml::parse(text, file_name);
    if (auto done = flatten(table, "", file_name, items); !done) return done;
  } catch (const toml::parse_error& e) {
    return fail(ConfigError::kBadFile,
                fmt::format("{}:{}: {}", file_name, e.source().begin.line, e.description()));
  }
  for (const TomlItem& item : items) {
    SettingEntry* entry = find(item.name);
    if (entry == nullptr) {
      return fail(ConfigError::kUnknownKey,
                  fmt::format("{}: there is no setting '{}'", item.origin, item.name));
    }
    if (entry->info.secret && group_or_others_may_read) {
      return fail(ConfigError::kUnsafeFile,
                  fmt::format("{}: {} is a secret and others may read the file; run: chmod 600 {}",
                              item.origin, item.name, file_name));
    }
    auto value = from_toml(entry->kind, item);
    if (!value) {
      return fail(ConfigError::kBadValue,
                  fmt::format("{}: {} must be {}", item.origin, item.name, kind_hint(entry->kind)));
    }
    if (auto done = set_value(*entry, std::move(*value), item.origin); !done) return done;
  }
  return {};
}

ConfigStatus Config::load_file(const std::string& path) {
  const auto bad = [&](int error) {
    return fail(ConfigError::kBadFile,
                fmt::format("{}: {}", path, std::generic_category().message(error)));
  };
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return bad(errno);
  std::string text;
  std::array<char, 16384> some;
  ssize_t got = 0;
  while (text.size() <= kFileBytesMax && (got = ::read(fd, some.data(), some.size())) > 0) {
    text.append(some.data(), static_cast<std::size_t>(got));
  }
  const int read_error = got < 0 ? errno : 0;
  struct stat info{};
  const int stat_error = ::fstat(fd, &info) != 0 ? errno : 0;
  ::close(fd);
  if (read_error != 0) return bad(read_error);
  if (stat_error != 0) return bad(stat_error);
  if (text.size() > kFileBytesMax) {
    return fail(ConfigError::kBadFile,
                fmt::format("{}: larger than {}", path, format_bytes(kFileBytesMax)));
  }
  return load_toml(text, path, (info.st_mode & 077) != 0);
}

ConfigStatus Config::load_environment(std::span<const std::string> variables,
                                      std::span<const std::string_view> others) {
  for (const std::string& variable : variables) {
    if (!variable.starts_with(kEnvironmentPrefix)) continue;
    const std::size_t equals = std::min(variable.find('='), variable.size());
    const std::string name = variable.substr(0, equals);
    if (std::find(others.begin(), others.end(), name) != others.end()) continue;
    const auto entry = std::find_if(entries_.begin(), entries_.end(), [&](const SettingEntry& e) {
      return environment_name(e.info.name) == name;
    });
    if (entry == entries_.end()) {
      return fail(ConfigError::kUnknownKey,
                  fmt::format("environment: there is no setting for {}", name));
    }
    const std::string_view value =
        std::string_view(variable).substr(std::min(equals + 1, variable.size()));
    if (auto done = set_text(*entry, value, name); !done) return done;
  }
  return {};
}

ConfigStatus Config::load_environment(std::span<const std::string_view> others) {
  std::vector<std::string> variables;
  for (char** at = environ; at != nullptr && *at != nullptr; ++at)
    variables.emplace_back(*at);
  return load_environment(variables, others);
}

ConfigStatus Config::set_flag(std::string_view name, std::string_view value) {
  const auto entry = std::find_if(entries_.begin(), entries_.end(), [&](const SettingEntry& e) {
    return same_name(e.info.name, name);
  });
  if (entry == entries_.end()) {
    return fail(ConfigError::kUnknownKey, fmt::format("flag: there is no setting '{}'", name));
  }
  const std::string flag = flag_name(entry->info.name);
  if (entry->info.secret) {
    return fail(ConfigError::kNotAllowed,
                fmt::format("{}: a secret is given by file or as {}, never on the command line",
                            flag, environment_name(entry->info.name)));
  }
  return set_text(*entry, value, flag);
}

std::string Config::flag_name(std::string_view setting) {
  std::string out = "--" + std::string(setting);
  std::replace_if(out.begin(), out.end(), [](char c) { return c == '.' || c == '_'; }, '-');
  return out;
}

std::string Config::environment_name(std::string_view setting) {
  std::string out(kEnvironmentPrefix);
  for (const char c : setting) {
    out.push_back(c == '.' ? '_' : (c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c));
  }
  return out;
}

std::string Config::reference_table() const {
  std::string out = "| setting | default | range | what it is |\n|---|---|---|---|\n";
  for (const SettingEntry& entry : entries_) {
    const std::string value = format_value(entry.kind, entry.default_value);
    out += fmt::format("| `{}` | {} | {} | {}{} |\n", entry.info.name,
                       value.empty() ? "" : "`" + value + "`", range_text(entry), entry.info.help,
                       entry.info.secret ? " (secret)" : "");
  }
  return out;
}

std::string Config::effective_values() const {
  std::string out;
  for (const SettingEntry& entry : entries_) {
    std::string value = format_value(entry.kind, entry.value);
    if (entry.info.secret && !value.empty()) value = "***";
    out += fmt::format("{} = {}  # {}\n", entry.info.name, value, entry.origin);
  }
  return out;
}

}  // namespace sluice::base
