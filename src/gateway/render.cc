#include "gateway/render.h"

#include "gateway/value/json_read.h"
#include "gateway/value/utf.h"
#include "gateway/vtl/vtl.h"

namespace sluice::gateway {
namespace {

using Problem = std::unexpected<RenderProblem>;

std::expected<Map*, RenderProblem> object(Arena& arena, std::string_view text, const char* what) {
  if (text.empty()) return nullptr;
  const auto v = read_json(arena, text);
  if (v && v->kind == Kind::kMap) return v->map;
  return Problem(
      {std::string(what) + ": a JSON object is expected" + (v ? "" : ": " + v.error().message), 0,
       0});
}

std::expected<void, RenderProblem> read_params(Arena& arena, const Map* from,
                                               vtl::Parameters& out) {
  if (from == nullptr) return {};
  for (const Entry* group : from->entries) {
    const std::string_view name = group->key.text();
    vtl::Pairs* pairs = name == "path"          ? &out.path
                        : name == "querystring" ? &out.querystring
                        : name == "header"      ? &out.header
                                                : nullptr;
    if (pairs == nullptr || group->value.kind != Kind::kMap) {
      return Problem(
          {"params: 'path', 'querystring' and 'header' are objects of names and values", 0, 0});
    }
    for (const Entry* e : group->value.map->entries) {
      std::string value;
      append_java(value, e->value, 1 << 20);
      pairs->emplace_back(e->key.text(), arena.copy(value));
    }
  }
  return {};
}

}  // namespace

std::expected<std::string, RenderProblem> render_template(std::string_view text,
                                                          const RenderInputs& inputs,
                                                          std::vector<SeenReference>* seen) {
  auto compiled = vtl::Template::compile(std::string(text));
  if (!compiled) {
    return Problem({compiled.error().message, compiled.error().line, compiled.error().column});
  }
  Arena values;
  vtl::Parameters params;
  const auto given = object(values, inputs.params, "params");
  if (!given) return Problem(given.error());
  if (auto good = read_params(values, *given, params); !good) return Problem(good.error());
  vtl::Environment env(params);
  const auto context = object(values, inputs.context, "context");
  if (!context) return Problem(context.error());
  if (*context != nullptr) env.context = Value::of(*context);
  const auto stage = object(values, inputs.stage_variables, "stage variables");
  if (!stage) return Problem(stage.error());
  if (*stage != nullptr) env.stage_variables = Value::of(*stage);
  const auto vars = object(values, inputs.vars, "vars");
  if (!vars) return Problem(vars.error());
  if (*vars != nullptr) {
    for (const Entry* e : (*vars)->entries)
      env.variables.emplace_back(e->key.text(), e->value);
  }
  const std::string body = replace_invalid_utf8(inputs.body);
  std::string out;
  std::vector<vtl::Seen> noted;
  if (seen != nullptr) env.seen = &noted;
  const auto done = compiled->render(env, body, out);
  for (vtl::Seen& s : noted) {
    seen->push_back(
        {s.line, s.column, std::string(s.written), std::string(s.type), std::move(s.value)});
  }
  if (!done) return Problem({done.error().message, done.error().line, done.error().column});
  return out;
}

}  // namespace sluice::gateway
