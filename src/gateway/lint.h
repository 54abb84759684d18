// What will surprise in a mapping template or an API's document, with its place: for `apis lint`.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::gateway {

struct Finding {
  int line = 0;  // of the file
  int column = 0;
  std::string rule;  // unknown-variable, …: docs/compat.md has them all
  std::string message;
};

std::vector<Finding> lint_template(std::string_view text);

// An OpenAPI document: its integrations and their templates. The error says why it cannot be read.
std::expected<std::vector<Finding>, std::string> lint_document(const std::string& text);

}  // namespace sluice::gateway
