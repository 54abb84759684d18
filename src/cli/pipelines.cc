// sluice pipelines: runs a project's files on the server (or the engine in process) and prints what
// Spark's own command prints.
#include <fmt/format.h>

#include <boost/json.hpp>
#include <cstdio>
#include <set>

#include "base/env.h"
#include "cli/arguments.h"
#include "cli/interrupt.h"
#include "cli/lake_view.h"
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

std::int64_t number(const json::value& flow, const char* name) {
  return flow.at(name).to_number<std::int64_t>();
}

std::string progress_text(const json::object& run) {
  std::int64_t rows = 0;
  std::int64_t lag = 0;
  for (const auto& flow : run.at("flows").as_array()) {
    rows += number(flow, "rowsWritten");
    lag += number(flow, "lagRecords");
  }
  return fmt::format("{} written, {} to read", counted(rows, "row"), counted(lag, "record"));
}

// Without the catalog and the default schema, which say nothing here.
std::string short_name(const std::string& name) {
  constexpr std::string_view kDefault = "spark_catalog.default.";
  return name.starts_with(kDefault) ? name.substr(kDefault.size()) : name;
}

std::string flows_table(const json::array& runs) {
  std::vector<Row> rows;
  for (const auto& run : runs) {
    for (const auto& flow : run.at("flows").as_array()) {
      rows.push_back(
          {short_name(text(flow.at("flow"))), text(flow.at("state")), text(flow.at("batch")),
           with_commas(number(flow, "inputRecords")), with_commas(number(flow, "rowsWritten")),
           with_commas(number(flow, "rowsTotal")), with_commas(number(flow, "lagRecords")),
           with_commas(number(flow, "malformed")), text(flow.at("error"))});
    }
  }
  return format_table({{"flow"},
                       {"state"},
                       {"batch", true},
                       {"records read", true},
                       {"rows written", true},
                       {"rows in table", true},
                       {"lag", true},
                       {"malformed", true},
                       {"error"}},
                      rows, 80);
}

// The outcome of a run that has ended; the exit status.
int report(const PipelinesArguments& arguments, const json::object& run) {
  const std::string state = text(run.at("state"));
  const bool good = state == "COMPLETED" || state == "STOPPED";
  if (arguments.where.json) {
    fmt::print("{}\n", json::serialize(run));
    return good ? 0 : 1;
  }
  const bool ran = arguments.action == PipelinesArguments::Action::kRun;
  if (ran && !run.at("flows").as_array().empty()) fmt::print("{}", flows_table({run}));
  return good ? 0 : complain(text(run.at("error")));
}

// Prints events as Spark's own command does, until the run ends.
int follow(PipelineClient& client, const PipelinesArguments& arguments, const std::string& run) {
  const Interrupt interrupt;
  Progress progress;
  std::uint64_t after = 0;
  bool stopping = false;
  for (;;) {
    auto status = client.status(run, after);
    if (!status) return complain(status.error());
    for (const auto& event : status->at("events").as_array()) {
      if (!arguments.where.json)
        progress.done(utc_text(number(event, "timeMs")) + ": " + text(event.at("text")));
    }
    after = status->at("next").to_number<std::uint64_t>();
    if (text(status->at("state")) != "RUNNING") return report(arguments, *status);
    if (!status->at("flows").as_array().empty()) progress.update(progress_text(*status));
    if (!interrupt.wait_ms(kPollMs) && !std::exchange(stopping, true)) {
      if (auto asked = client.request_stop(run); !asked) return complain(asked.error());
    }
  }
}

// The newest run of each project.
json::array newest_runs(const json::object& list) {
  json::array newest;
  std::set<std::string> projects;
  for (const auto& run : list.at("runs").as_array()) {
    if (projects.insert(text(run.at("project"))).second) newest.push_back(run);
  }
  return newest;
}

int print_status(PipelineClient& client, const PipelinesArguments& arguments) {
  auto list = client.list();
  if (!list) return complain(list.error());
  const json::array runs = newest_runs(*list);
  if (arguments.where.json) {
    fmt::print("{}\n", json::serialize(json::object{{"runs", runs}}));
    return 0;
  }
  if (runs.empty()) fmt::print("no pipeline has run since the server started\n");
  for (const auto& run : runs) {
    fmt::print("{}: {}, {}\n", text(run.at("project")), text(run.at("mode")),
               text(run.at("state")));
    fmt::print("{}\n", flows_table({run}));
  }
  return 0;
}

}  // namespace

int run(const PipelinesArguments& arguments) {
  auto backend = open_backend(arguments.where, DataFolder::kMustExist);
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
