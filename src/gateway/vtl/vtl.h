// Mapping templates as Amazon API Gateway runs them: Apache Velocity 1.7 where null prints as
// nothing, inline macros and #evaluate are off. Compile once (at deployment), render per request.
// A render cannot run away: steps, output, memory, depth and loop rounds are limited.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "gateway/value/value.h"
#include "gateway/vtl/parser.h"

namespace sluice::gateway::vtl {

struct Limits {
  std::uint64_t steps = 1'000'000;
  std::size_t output_bytes = std::size_t{10} << 20;
  std::size_t arena_bytes = Arena::kLimitBytes;
  int depth = 100;
  std::size_t loop_rounds = 1000;  // of one #foreach; more are left out, as AWS does
};

inline constexpr std::size_t kTemplateBytesMax = std::size_t{300} << 10;

using Pairs = std::vector<std::pair<std::string_view, std::string_view>>;

// What $input.params() shows; the texts belong to the request. The last of several values of a name
// counts.
struct Parameters {
  Pairs path;
  Pairs querystring;
  Pairs header;
};

// A reference that a render evaluated, in the order in which it was.
struct Seen {
  int line = 0;
  int column = 0;
  std::string_view written;  // belongs to the template
  std::string_view type;     // of its value: null, string, number, boolean, list, object
  std::string value;         // its text, cut after kSeenBytesMax
};

inline constexpr std::size_t kSeenBytesMax = 1024;
inline constexpr std::size_t kSeenMax = 10'000;

// Of one request: shared by its request and response templates, so that what one of them puts into
// $context is there for the other. Payloads and parameters given to it must outlive it.
class Environment {
 public:
  explicit Environment(const Parameters& params, Limits limits = {})
      : arena_(limits.arena_bytes), params_(params), limits_(limits) {}

  Arena& arena() { return arena_; }
  const Parameters& params() const { return params_; }
  const Limits& limits() const { return limits_; }

  Value context;          // a map; null: none
  Value stage_variables;  // a map; null: none
  // More variables, by name, before the template runs (tests and `apis render`).
  std::vector<std::pair<std::string, Value>> variables;
  std::vector<Seen>* seen = nullptr;  // kept for `apis render --explain`; the first kSeenMax

 private:
  Arena arena_;
  const Parameters& params_;
  Limits limits_;
};

enum class RenderError {
  kPayload,   // the payload is no JSON: 400, with json-smart's words
  kTemplate,  // the template failed: 500
  kLimit,     // it took too much: 500
};

struct RenderFailure {
  RenderError code = RenderError::kTemplate;
  std::string message;
  int line = 0;
  int column = 0;
};

class Template {
 public:
  static std::expected<Template, TemplateFailure> compile(std::string text);

  // Appends to `out`. `body` is $input.body and must outlive `env`. Thread-safe.
  std::expected<void, RenderFailure> render(Environment& env, std::string_view body,
                                            std::string& out) const;
  bool uses(Slot slot) const { return program_->used[slot]; }
  const std::string& text() const { return program_->text; }

 private:
  explicit Template(std::shared_ptr<const Program> program) : program_(std::move(program)) {}
  std::shared_ptr<const Program> program_;  // deployments share what did not change
};

}  // namespace sluice::gateway::vtl
