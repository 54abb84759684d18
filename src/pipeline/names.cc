#include "pipeline/names.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

namespace sluice::pipeline {
namespace {

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

}  // namespace

std::string lower_ascii(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  });
  return out;
}

bool equal_names(std::string_view a, std::string_view b) {
  return lower_ascii(a) == lower_ascii(b);
}

sparksql::TableName full_name(const sparksql::TableName& name, const std::string& catalog,
                              const std::string& schema) {
  if (name.size() == 1) return {catalog, schema, name[0]};
  if (name.size() == 2) return {catalog, name[0], name[1]};
  return name;
}

sparksql::TableName name_key(const sparksql::TableName& full) {
  sparksql::TableName key;
  key.reserve(full.size());
  for (const std::string& part : full)
    key.push_back(lower_ascii(part));
  return key;
}

std::string dotted(const sparksql::TableName& name) {
  std::string out;
  for (const std::string& part : name)
    out += (out.empty() ? "" : ".") + part;
  return out;
}

std::string quoted(const sparksql::TableName& name) {
  std::string out;
  for (const std::string& part : name) {
    out += out.empty() ? "`" : ".`";
    for (const char c : part)
      out += c == '`' ? "``" : std::string(1, c);
    out += "`";
  }
  return out;
}

std::string encode_name(std::string_view name) {
  std::string out;
  for (const char c : lower_ascii(name)) {
    if (is_plain(c))
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

std::string decode_name(std::string_view folder) {
  std::string out;
  for (std::size_t i = 0; i < folder.size(); ++i) {
    unsigned value = 0;
    const char* first = folder.data() + i + 1;
    if (folder[i] == '%' && i + 2 < folder.size() &&
        std::from_chars(first, first + 2, value, 16).ptr == first + 2) {
      out += static_cast<char>(value);
      i += 2;
    } else {
      out += folder[i];
    }
  }
  return out;
}

}  // namespace sluice::pipeline
