// One template, rendered by hand: `sluice apis render TEMPLATE [--body …] [--vars …] [--params …]
// [--context …]`.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::gateway {

struct RenderInputs {
  std::string body;             // the payload; empty: {} as on AWS
  std::string vars;             // JSON object: variables by name
  std::string params;           // JSON: {"path": {…}, "querystring": {…}, "header": {…}}
  std::string context;          // JSON object: $context
  std::string stage_variables;  // JSON object
};

struct RenderProblem {
  std::string message;
  int line = 0;  // of the template; 0: an input is broken
  int column = 0;
};

struct SeenReference {
  int line = 0;
  int column = 0;
  std::string written;  // $input.path('$.a')
  std::string type;     // of its value: null, string, number, boolean, list, object
  std::string value;    // what it prints, the first kilobyte
};

// `seen`: the references that were evaluated, in order, also those before a failure.
std::expected<std::string, RenderProblem> render_template(
    std::string_view text, const RenderInputs& inputs, std::vector<SeenReference>* seen = nullptr);

}  // namespace sluice::gateway
