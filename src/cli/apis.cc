// sluice apis: import and list over API Gateway's own control plane; render without any server.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "base/env.h"
#include "cli/arguments.h"
#include "cli/backend.h"
#include "cli/text_table.h"
#include "gateway/lint.h"
#include "gateway/render.h"

namespace sluice::cli {
namespace {

namespace json = boost::json;

constexpr std::uint64_t kFileBytesMax = std::uint64_t{10} << 20;

Outcome<std::string> read_text(const std::string& path) {
  auto text = base::read_file(base::posix_env(), path, kFileBytesMax);
  if (!text) return std::unexpected(text.error().message);
  return std::move(*text);
}

std::string text(const json::value& v) {
  return v.is_string() ? std::string(v.get_string()) : json::serialize(v);
}

// Where a stage is called; without a server only the path is known.
std::string invoke_url(const Backend& backend, const std::string& id, const std::string& stage) {
  const std::string base = backend.name().starts_with("http") ? backend.name() : "";
  return fmt::format("{}/restapis/{}/{}/_user_request_/", base, id, stage);
}

Outcome<json::value> import_api(Backend& backend, const ApisArguments& arguments) {
  auto document = read_text(arguments.file);
  if (!document) return std::unexpected(document.error());
  auto api =
      backend.json("POST", "/restapis?mode=import", std::move(*document), "application/json");
  if (!api || arguments.stage.empty()) return api;
  auto deployment =
      backend.json("POST", fmt::format("/restapis/{}/deployments", text(api->at("id"))),
                   json::serialize(json::object{{"stageName", arguments.stage}}));
  if (!deployment) return deployment;
  api->as_object()["deploymentId"] = deployment->at("id");
  return api;
}

int import(Backend& backend, const ApisArguments& arguments) {
  auto api = import_api(backend, arguments);
  if (!api) return complain(fmt::format("{}: {}", arguments.file, api.error()));
  if (arguments.where.json) {
    fmt::print("{}\n", json::serialize(*api));
    return 0;
  }
  const std::string id = text(api->at("id"));
  fmt::print("imported {} as {}\n", text(api->at("name")), id);
  if (const auto* warnings = api->as_object().if_contains("warnings")) {
    for (const auto& warning : warnings->as_array())
      fmt::print("  warning: {}\n", text(warning));
  }
  if (!arguments.stage.empty())
    fmt::print("deployed to {}: {}\n", arguments.stage, invoke_url(backend, id, arguments.stage));
  return 0;
}

int list(Backend& backend, const ApisArguments& arguments) {
  auto apis = backend.json("GET", "/restapis?limit=500", "");
  if (!apis) return complain(apis.error());
  std::vector<Row> rows;
  json::array all;
  const auto* items = apis->as_object().if_contains("item");
  for (const auto& api : items != nullptr ? items->as_array() : json::array()) {
    const std::string id = text(api.at("id"));
    auto stages = backend.json("GET", fmt::format("/restapis/{}/stages", id), "");
    if (!stages) return complain(stages.error());
    json::object entry = api.as_object();
    entry["stages"] = stages->at("item");
    for (const auto& stage : stages->at("item").as_array()) {
      const std::string name = text(stage.at("stageName"));
      rows.push_back({id, text(api.at("name")), name, invoke_url(backend, id, name)});
    }
    if (stages->at("item").as_array().empty())
      rows.push_back({id, text(api.at("name")), std::nullopt, std::nullopt});
    all.emplace_back(std::move(entry));
  }
  if (arguments.where.json) {
    fmt::print("{}\n", json::serialize(all));
  } else {
    fmt::print("{}", format_table({{"id"}, {"name"}, {"stage"}, {"invoke URL"}}, rows, 120));
  }
  return 0;
}

void print_json(const std::vector<gateway::SeenReference>& seen, bool explain,
                const std::expected<std::string, gateway::RenderProblem>& rendered) {
  json::object all;
  if (rendered) {
    all["rendered"] = *rendered;
  } else {
    all["error"] = json::object{{"message", rendered.error().message},
                                {"line", rendered.error().line},
                                {"column", rendered.error().column}};
  }
  json::array references;
  for (const auto& s : seen) {
    references.push_back(
        json::object{{"line", s.line},
                     {"column", s.column},
                     {"reference", s.written},
                     {"type", s.type},
                     {"value", s.type == "null" ? json::value() : json::value(s.value)}});
  }
  if (explain) all["references"] = std::move(references);
  fmt::print("{}\n", json::serialize(all));
}

void print_seen(const std::vector<gateway::SeenReference>& seen) {
  std::vector<Row> rows;
  for (const auto& s : seen) {
    const bool nothing = s.type == "null" || s.value.empty();
    rows.push_back({fmt::format("{}:{}", s.line, s.column), s.written, s.type,
                    nothing ? "(nothing)" : s.value});
  }
  fmt::print("{}", format_table({{"place"}, {"reference"}, {"type"}, {"prints"}}, rows, 60));
}

int render(const ApisArguments& arguments) {
  gateway::RenderInputs input;
  auto source = read_text(arguments.file);
  if (!source) return complain(source.error());
  for (const auto& [path, into] : {std::pair{&arguments.body, &input.body},
                                   {&arguments.vars, &input.vars},
                                   {&arguments.params, &input.params},
                                   {&arguments.context, &input.context}}) {
    if (path->empty()) continue;
    auto content = read_text(*path);
    if (!content) return complain(content.error());
    *into = std::move(*content);
  }
  std::vector<gateway::SeenReference> seen;
  auto rendered = gateway::render_template(*source, input, arguments.explain ? &seen : nullptr);
  if (arguments.where.json) {
    print_json(seen, arguments.explain, rendered);
  } else {
    if (rendered) fmt::print("{}", *rendered);
    if (rendered && arguments.explain) fmt::print("{}\n", rendered->ends_with('\n') ? "" : "\n");
    if (arguments.explain) print_seen(seen);
  }
  if (!rendered) {
    const auto& problem = rendered.error();
    return complain(problem.line == 0 ? problem.message
                                      : fmt::format("{}:{}:{}: {}", arguments.file, problem.line,
                                                    problem.column, problem.message));
  }
  return 0;
}

int lint(const ApisArguments& arguments) {
  auto text = read_text(arguments.file);
  if (!text) return complain(text.error());
  std::vector<gateway::Finding> findings;
  if (arguments.file.ends_with(".vtl")) {
    findings = gateway::lint_template(*text);
  } else {
    auto found = gateway::lint_document(*text);
    if (!found) return complain(fmt::format("{}: {}", arguments.file, found.error()));
    findings = std::move(*found);
  }
  std::ranges::stable_sort(findings, {},
                           [](const gateway::Finding& f) { return std::pair(f.line, f.column); });
  json::array all;
  for (const auto& f : findings) {
    if (arguments.where.json) {
      all.push_back(json::object{
          {"line", f.line}, {"column", f.column}, {"rule", f.rule}, {"message", f.message}});
    } else {
      fmt::print("{}:{}:{}: {} [{}]\n", arguments.file, f.line, f.column, f.message, f.rule);
    }
  }
  if (arguments.where.json) fmt::print("{}\n", json::serialize(all));
  return findings.empty() ? 0 : 1;
}

}  // namespace

int run(const ApisArguments& arguments) {
  if (arguments.action == ApisArguments::Action::kLint) return lint(arguments);
  if (arguments.action == ApisArguments::Action::kRender) return render(arguments);
  const bool makes = arguments.action == ApisArguments::Action::kImport;
  auto backend =
      open_backend(arguments.where, makes ? DataFolder::kMayBeAbsent : DataFolder::kMustExist);
  if (!backend) return complain(backend.error());
  return arguments.action == ApisArguments::Action::kImport ? import(**backend, arguments)
                                                            : list(**backend, arguments);
}

}  // namespace sluice::cli
