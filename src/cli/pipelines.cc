// sluice pipelines: runs a project's files on the server (or the engine in process) and prints what
// Spark's own command prints.
#include <fmt/format.h>

#include <boost/json.hpp>
#include <cstdio>

#include "base/env.h"
#include "cli/arguments.h"
#include "cli/interrupt.h"
#include "cli/pipeline_client.h"
#include "cli/progress.h"
#include "cli/text_table.h"
#include "pipeline/spec.h"

namespace sluice::cli {
namespace {

namespace json = boost::json;

constexpr std::int64_t kPollMs = 100;

std::string text(const json::value& v) {
  if (v.is_null()) return "";
  return v.is_string() ? std::string(v.get_string()) : json::serialize(v);
}

bool is_folder(const std::string& path) {
  const auto info = base::posix_env().stat(path);
  return info && info->is_directory;
}

std::string progress_text(const json::object& run) {
  std::int64_t rows = 0;
  std::int64_t lag = 0;
  for (const auto& flow : run.at("flows").as_array()) {
    rows += flow.at("rowsTotal").to_number<std::int64_t>();
    lag += flow.at("lagRecords").to_number<std::int64_t>();
  }
  return fmt::format("{} rows written, {} records to read", with_commas(rows), with_commas(lag));
}

// Prints events until the run ends; 0 when it completed.
int follow(PipelineClient& client, const PipelinesArguments& arguments, const std::string& run) {
  const Interrupt interrupt;
  Progress progress;
  std::uint64_t after = 0;
  bool stopping = false;
  for (;;) {
    auto status = client.status(run, after);
    if (!status) return complain(status.error());
    for (const auto& event : status->at("events").as_array()) {
      if (!arguments.where.json) progress.done(text(event.at("text")));
    }
    after = status->at("next").to_number<std::uint64_t>();
    const std::string state = text(status->at("state"));
    if (state != "RUNNING") {
      if (arguments.where.json) fmt::print("{}\n", json::serialize(*status));
      return state == "COMPLETED" || state == "STOPPED" ? 0 : 1;
    }
    progress.update(progress_text(*status));
    if (!interrupt.wait_ms(kPollMs) && !std::exchange(stopping, true)) {
      if (auto asked = client.request_stop(run); !asked) return complain(asked.error());
    }
  }
}

int print_status(PipelineClient& client, const PipelinesArguments& arguments) {
  auto runs = client.list();
  if (!runs) return complain(runs.error());
  if (arguments.where.json) {
    fmt::print("{}\n", json::serialize(*runs));
    return 0;
  }
  std::vector<Row> rows;
  for (const auto& run : runs->at("runs").as_array()) {
    for (const auto& flow : run.at("flows").as_array()) {
      rows.push_back({text(run.at("project")), text(run.at("state")), text(flow.at("flow")),
                      text(flow.at("state")), text(flow.at("batch")), text(flow.at("rowsTotal")),
                      text(flow.at("lagRecords")), text(flow.at("malformed")),
                      text(flow.at("error"))});
    }
  }
  fmt::print("{}", format_table({{"project"},
                                 {"run"},
                                 {"flow"},
                                 {"state"},
                                 {"batch", true},
                                 {"rows", true},
                                 {"lag", true},
                                 {"malformed", true},
                                 {"error"}},
                                rows, 80));
  return 0;
}

}  // namespace

int run(const PipelinesArguments& arguments) {
  auto backend = open_backend(arguments.where);
  if (!backend) return complain(backend.error());
  PipelineClient client(**backend);
  if (arguments.action == PipelinesArguments::Action::kStatus)
    return print_status(client, arguments);
  const bool folder = arguments.spec.empty() || is_folder(arguments.spec);
  auto files = pipeline::load_project(folder && !arguments.spec.empty() ? arguments.spec : ".",
                                      folder ? "" : arguments.spec);
  if (!files) return complain(files.error().message);
  const std::string_view mode = arguments.action == PipelinesArguments::Action::kDryRun ? "dry-run"
                                : arguments.continuous ? "continuous"
                                                       : "once";
  auto run = client.start(*files, mode);
  if (!run) return complain(run.error());
  return follow(client, arguments, *run);
}

}  // namespace sluice::cli
