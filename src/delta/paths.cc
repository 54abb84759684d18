#include "delta/paths.h"

#include <fmt/core.h>

namespace sluice::delta {
namespace {

constexpr std::string_view kHex = "0123456789ABCDEF";
constexpr std::string_view kEscaped = "\"#%'*/:=?\\{}[]^<>|";  // by Hive, beside control characters
constexpr std::string_view kKept =
    "-_.!~*'()/=:@&+$,";  // in a URI's path, beside letters and digits

bool is_alnum(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

void append_percent(std::string& out, char c) {
  out.push_back('%');
  out.push_back(kHex[static_cast<unsigned char>(c) >> 4]);
  out.push_back(kHex[static_cast<unsigned char>(c) & 15]);
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// `scheme:` at the start, as RFC 3986 spells it; a colon further on, after a slash, is a plain one.
bool has_scheme(std::string_view path) {
  for (std::size_t i = 0; i < path.size(); ++i) {
    const char c = path[i];
    if (c == ':') return i > 0;
    if (!is_alnum(c) && c != '+' && c != '-' && c != '.') return false;
  }
  return false;
}

void append_hive(std::string& out, std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 32 || byte == 127 || kEscaped.contains(c))
      append_percent(out, c);
    else
      out.push_back(c);
  }
}

}  // namespace

std::string encode_path(std::string_view path) {
  std::string out;
  out.reserve(path.size());
  for (const char c : path) {
    if (is_alnum(c) || kKept.contains(c))
      out.push_back(c);
    else
      append_percent(out, c);
  }
  return out;
}

std::optional<std::string> decode_path(std::string_view path) {
  std::string out;
  out.reserve(path.size());
  for (std::size_t i = 0; i < path.size(); ++i) {
    char c = path[i];
    if (c == '%') {
      if (i + 2 >= path.size()) return std::nullopt;
      const int high = hex_value(path[i + 1]);
      const int low = hex_value(path[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (c == '\0') return std::nullopt;
    out.push_back(c);
  }
  return out;
}

DeltaResult<std::string> local_path(std::string_view add_path) {
  const auto refuse = [&](std::string_view why) {
    return base::fail(DeltaError::kUnsupported, fmt::format("data file '{}': {}", add_path, why));
  };
  if (has_scheme(add_path)) return refuse("files outside the table's folder are not supported");
  const auto path = decode_path(add_path);
  if (!path || path->empty()) return refuse("not a percent-encoded path");
  if (path->front() == '/') return refuse("files outside the table's folder are not supported");
  std::string_view rest = *path;
  while (true) {
    const auto slash = rest.find('/');
    const auto part = rest.substr(0, slash);
    if (part.empty() || part == "." || part == "..") return refuse("not a plain relative path");
    if (slash == std::string_view::npos) break;
    rest.remove_prefix(slash + 1);
  }
  return *path;
}

std::string partition_folder(std::string_view column, const std::optional<std::string>& value) {
  std::string out;
  append_hive(out, column);
  out.push_back('=');
  if (value && !value->empty())
    append_hive(out, *value);
  else
    out += "__HIVE_DEFAULT_PARTITION__";
  return out;
}

}  // namespace sluice::delta
