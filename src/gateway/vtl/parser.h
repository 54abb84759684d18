// Velocity 1.7's grammar over its lexer: text -> Program. Recursion is bounded.
#pragma once

#include <expected>
#include <memory>
#include <string>

#include "gateway/vtl/ast.h"

namespace sluice::gateway::vtl {

// What is wrong with a template, and where (both count from 1, columns in bytes).
struct TemplateFailure {
  std::string message;
  int line = 0;
  int column = 0;
};

void locate(std::string_view text, std::size_t at, int& line, int& column);

std::expected<std::unique_ptr<Program>, TemplateFailure> parse(std::string text);

}  // namespace sluice::gateway::vtl
