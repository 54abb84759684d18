// sluice demo: the walkthrough from nothing, through the public endpoints, on real input, and a
// check at the end.
#include <fmt/format.h>
#include <stdlib.h>

#include <array>
#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "base/clock.h"
#include "base/env.h"
#include "base/log.h"
#include "cli/answers.h"
#include "cli/arguments.h"
#include "cli/demo_reference.h"
#include "cli/feed_sender.h"
#include "cli/interrupt.h"
#include "cli/pipeline_client.h"
#include "cli/progress.h"
#include "cli/tables.h"
#include "feed/feeder.h"
#include "feed/sample_source.h"
#include "pipeline/spec.h"
#include "server/instance.h"

namespace sluice::cli {
namespace {

namespace json = boost::json;

constexpr std::int64_t kShowEveryMs = 200;
constexpr int kFeedConnections = 16;
constexpr double kRepeatShare = 0.05;
constexpr const char* kApi = "0e36c8cd403d";  // its title in api.yaml

struct Line {
  DemoTable kind;
  const char* name;
  const char* source_table;
  const char* stream;
  const char* table;
};
constexpr std::array<Line, 3> kLines = {{
    {DemoTable::kPin, "pin", "pinterest_data", "streaming-0e36c8cd403d-pin",
     "0e36c8cd403d_pin_table"},
    {DemoTable::kGeo, "geo", "geolocation_data", "streaming-0e36c8cd403d-geo",
     "0e36c8cd403d_geo_table"},
    {DemoTable::kUser, "user", "user_data", "streaming-0e36c8cd403d-user",
     "0e36c8cd403d_user_table"},
}};

std::string example(const std::string& path) {
  return std::string(SLUICE_EXAMPLES_DIR "/pinterest/") + path;
}

class Demo {
 public:
  explicit Demo(const DemoArguments& arguments) : arguments_(arguments) {}

  Outcome<int> run() {
    if (auto ok = prepare_folder(); !ok) return std::unexpected(ok.error());
    if (auto ok = start_server(); !ok) return std::unexpected(ok.error());
    if (auto ok = make_streams_and_api(); !ok) return std::unexpected(ok.error());
    if (auto ok = feed_and_run(); !ok) return std::unexpected(ok.error());
    if (interrupt_.requested()) return 130;
    auto lake = LakeView::open(folder_);
    if (!lake) return std::unexpected(lake.error());
    if (auto ok = show_tables(**lake); !ok) return std::unexpected(ok.error());
    if (auto ok = show_answers(**lake); !ok) return std::unexpected(ok.error());
    show_how_to_open();
    auto same = check(**lake);
    if (!same) return same;
    if (arguments_.keep && !interrupt_.requested()) {
      progress_.done(
          fmt::format("the server stays up on {}; Ctrl-C stops it", instance_->endpoint()));
      while (interrupt_.wait_ms(1'000'000)) {
      }
    }
    instance_->stop();
    return same;
  }

 private:
  Outcome<void> prepare_folder();
  Outcome<void> start_server();
  Outcome<void> make_streams_and_api();
  Outcome<void> create_stream(const char* stream);
  Outcome<void> feed_and_run();
  Outcome<void> feed(feed::RowReader& rows, const std::string& run);
  Outcome<void> catch_up(const std::string& run);
  Outcome<void> run_once(const pipeline::ProjectFiles& files);
  std::string live_line(const feed::FeedTotals& totals, double seconds,
                        const json::object* run) const;
  Outcome<void> show_tables(LakeView& lake);
  Outcome<void> show_answers(LakeView& lake);
  void show_how_to_open() const;
  Outcome<int> check(LakeView& lake);
  std::string source_path() const { return folder_ + "/source.db"; }

  const DemoArguments& arguments_;
  const Interrupt interrupt_;
  Progress progress_;
  std::string folder_;
  server::Settings settings_;
  std::unique_ptr<server::Instance> instance_;
  std::unique_ptr<Backend> backend_;
  std::array<std::set<std::int64_t>, 3> posted_;  // row numbers accepted, by line
  std::int64_t accepted_ = 0;
};

Outcome<void> Demo::prepare_folder() {
  if (arguments_.data.empty()) {
    std::string pattern = (std::filesystem::temp_directory_path() / "sluice-demo-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr)
      return std::unexpected(fmt::format("{}: cannot be made", pattern));
    folder_ = pattern;
    return {};
  }
  folder_ = std::filesystem::absolute(arguments_.data).string();
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error) return std::unexpected(fmt::format("{}: {}", folder_, error.message()));
  if (!std::filesystem::is_empty(folder_))
    return std::unexpected(fmt::format("{} is not empty: the demo wants a fresh folder", folder_));
  return {};
}

Outcome<void> Demo::start_server() {
  const std::map<std::string, std::string> flags{
      {"data", folder_},     {"port", "0"},
      {"default_api", kApi}, {"journal.file_bytes", "32MiB"},
      {"log.level", "warn"}, {"pipelines.trigger", "500ms"}};
  if (auto loaded = settings_.load("", flags); !loaded)
    return std::unexpected(loaded.error().message);
  auto started = server::Instance::start(settings_);
  if (!started) return std::unexpected(started.error());
  instance_ = std::move(*started);
  backend_ = connect(instance_->endpoint());
  progress_.done(fmt::format("server on {}, data in {}", instance_->endpoint(), folder_));
  return {};
}

Outcome<void> Demo::create_stream(const char* stream) {
  auto made = backend_->kinesis(
      "CreateStream",
      {{"StreamName", stream}, {"StreamModeDetails", {{"StreamMode", "ON_DEMAND"}}}});
  if (!made) return std::unexpected(made.error());
  while (!interrupt_.requested()) {
    auto summary = backend_->kinesis("DescribeStreamSummary", {{"StreamName", stream}});
    if (!summary) return std::unexpected(summary.error());
    if (summary->at("StreamDescriptionSummary").at("StreamStatus").as_string() == "ACTIVE")
      return {};
    interrupt_.wait_ms(kShowEveryMs);
  }
  return std::unexpected(std::string("interrupted"));
}

Outcome<void> Demo::make_streams_and_api() {
  for (const Line& line : kLines) {
    if (auto made = create_stream(line.stream); !made) return made;
  }
  auto document = base::read_file(base::posix_env(), example("api.yaml"));
  if (!document) return std::unexpected(document.error().message);
  auto api = backend_->json("POST", "/restapis?mode=import", std::move(*document));
  if (!api) return std::unexpected(api.error());
  const std::string id(api->at("id").as_string());
  auto deployed =
      backend_->json("POST", "/restapis/" + id + "/deployments", R"({"stageName":"Prod"})");
  if (!deployed) return std::unexpected(deployed.error());
  progress_.done("three streams made, API imported and deployed to Prod");
  return {};
}

std::string Demo::live_line(const feed::FeedTotals& totals, double seconds,
                            const json::object* run) const {
  const auto posts = totals.posts.load();
  std::string text = fmt::format(
      "{} posts, {:.0f}/s; {} records in the streams", with_commas(posts),
      seconds > 0 ? static_cast<double>(posts) / seconds : 0.0, with_commas(totals.accepted));
  if (run == nullptr) return text;
  std::int64_t rows = 0;
  std::int64_t lag = 0;
  for (const auto& flow : run->at("flows").as_array()) {
    rows += flow.at("rowsTotal").to_number<std::int64_t>();
    lag += flow.at("lagRecords").to_number<std::int64_t>();
  }
  return text + fmt::format("; {} rows in the tables; lag {} records", with_commas(rows),
                            with_commas(lag));
}

// Feeds on this thread; another one shows where things stand and hands Ctrl-C on.
Outcome<void> Demo::feed(feed::RowReader& rows, const std::string& run) {
  feed::FeedOptions options;
  options.url = instance_->endpoint() + "/Prod";
  for (const Line& line : kLines)
    options.map.push_back({line.source_table, line.stream});
  options.seed = arguments_.seed;
  options.posts = arguments_.posts;
  options.repeat_share = kRepeatShare;
  options.connections = kFeedConnections;
  feed::Feeder feeder(options, rows, make_http_sender);

  const std::int64_t begin = base::system_clock().monotonic_ns();
  const auto seconds = [&] {
    return static_cast<double>(base::system_clock().monotonic_ns() - begin) / 1e9;
  };
  std::jthread watcher([&](const std::stop_token& done) {
    auto own = connect(instance_->endpoint());
    PipelineClient client(*own);
    while (!done.stop_requested()) {
      auto status = client.status(run, UINT64_MAX);
      progress_.update(live_line(feeder.totals(), seconds(), status ? &*status : nullptr));
      if (!interrupt_.wait_ms(kShowEveryMs)) {
        feeder.stop();
        return;
      }
    }
  });
  std::ofstream log(folder_ + "/posted.jsonl");
  std::string refusal;
  const auto fed = feeder.run([&](const feed::Post& post, const feed::Reply& reply) {
    if (feed::is_accepted(reply)) {
      posted_[post.table].insert(post.row);
      log << post.body << '\n';
    } else if (refusal.empty()) {
      refusal = fmt::format("{}: {} {}", post.url, reply.status, reply.body);
    }
  });
  const double took = seconds();
  watcher.request_stop();
  watcher.join();
  if (!fed) return std::unexpected(fed.error().message);
  if (!refusal.empty()) return std::unexpected(fmt::format("a post was refused: {}", refusal));
  if (!log.flush())
    return std::unexpected(fmt::format("{}/posted.jsonl cannot be written", folder_));
  accepted_ = feeder.totals().accepted;
  progress_.done(fmt::format(
      "{} posts accepted in {:.1f} s, {:.0f} a second, each one synced before its answer",
      with_commas(accepted_), took, static_cast<double>(accepted_) / took));
  return {};
}

// Waits until the flows have read what the streams hold.
Outcome<void> Demo::catch_up(const std::string& run) {
  PipelineClient client(*backend_);
  while (!interrupt_.requested()) {
    auto status = client.status(run, UINT64_MAX);
    if (!status) return std::unexpected(status.error());
    if (status->at("state").as_string() != "RUNNING")
      return std::unexpected(fmt::format("the pipelines ended: {}", json::serialize(*status)));
    std::int64_t lag = 0;
    std::int64_t rows = 0;
    for (const auto& flow : status->at("flows").as_array()) {
      if (!flow.at("error").is_null())
        return std::unexpected(std::string(flow.at("error").as_string()));
      lag += flow.at("lagRecords").to_number<std::int64_t>();
      rows += flow.at("rowsTotal").to_number<std::int64_t>();
    }
    if (lag == 0) break;
    progress_.update(
        fmt::format("{} rows in the tables; lag {} records", with_commas(rows), with_commas(lag)));
    interrupt_.wait_ms(kShowEveryMs);
  }
  if (auto asked = client.request_stop(run); !asked) return asked;
  for (;;) {
    auto status = client.status(run, UINT64_MAX);
    if (!status) return std::unexpected(status.error());
    if (status->at("state").as_string() != "RUNNING") return {};
    interrupt_.wait_ms(kShowEveryMs / 4);
  }
}

// One more run to the end, as a scheduler would: reads what is left and packs small files.
Outcome<void> Demo::run_once(const pipeline::ProjectFiles& files) {
  PipelineClient client(*backend_);
  auto run = client.start(files, "once");
  if (!run) return std::unexpected(run.error());
  for (;;) {
    auto status = client.status(*run, UINT64_MAX);
    if (!status) return std::unexpected(status.error());
    const auto& state = status->at("state").as_string();
    if (state == "COMPLETED") return {};
    if (state != "RUNNING")
      return std::unexpected(fmt::format("the pipelines ended: {}", json::serialize(*status)));
    if (!interrupt_.wait_ms(kShowEveryMs / 4)) return client.request_stop(*run);
  }
}

Outcome<void> Demo::feed_and_run() {
  if (auto made = feed::make_sample_source(source_path(), arguments_.seed); !made)
    return std::unexpected(made.error().message);
  auto rows = feed::open_rows("sqlite:" + source_path());
  if (!rows) return std::unexpected(rows.error().message);
  progress_.done(
      fmt::format("source.db made: three tables of {} rows", with_commas(feed::kSampleRows)));

  auto files = pipeline::load_project(example(""), "");
  if (!files) return std::unexpected(files.error().message);
  auto run = PipelineClient(*backend_).start(*files, "continuous");
  if (!run) return std::unexpected(run.error());
  if (auto fed = feed(**rows, *run); !fed || interrupt_.requested()) return fed;
  const std::int64_t begin = base::system_clock().monotonic_ns();
  if (auto done = catch_up(*run); !done) return done;
  if (auto done = run_once(*files); !done) return done;
  progress_.done(
      fmt::format("pipelines caught up {:.1f} s after the last post",
                  static_cast<double>(base::system_clock().monotonic_ns() - begin) / 1e9));
  return {};
}

Outcome<void> Demo::show_tables(LakeView& lake) {
  for (const Line& line : kLines) {
    auto details = lake.details(line.table);
    if (!details) return std::unexpected(details.error());
    auto sample = table_sample(lake, *details, 5);
    if (!sample) return std::unexpected(sample.error());
    fmt::print("\n{}", format_details(*details, *sample));
  }
  return {};
}

Outcome<void> Demo::show_answers(LakeView& lake) {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(example("queries")))
    paths.push_back(entry.path());
  std::ranges::sort(paths);
  int number = 0;
  for (const auto& path : paths) {
    auto questions = read_questions(path);
    if (!questions) return std::unexpected(questions.error());
    ++number;
    for (const auto& question : *questions) {
      auto answer = lake.query(question.sql);
      if (!answer) return std::unexpected(fmt::format("{}: {}", path, answer.error()));
      fmt::print("\n{}. {}\n\n{}\n{}", number, question.title,
                 format_table(answer->columns, answer->rows), format_chart(*answer));
    }
  }
  return {};
}

void Demo::show_how_to_open() const {
  const std::string path = fmt::format("{}/lake/default/{}", folder_, kLines[0].table);
  fmt::print(
      "\nThe tables are Delta Lake; open them with\n"
      "  Spark      spark.read.format(\"delta\").load(\"{0}\")\n"
      "  DuckDB     SELECT * FROM delta_scan('{0}')\n"
      "  deltalake  deltalake.DeltaTable(\"{0}\").to_pandas()\n"
      "  sluice     sluice sql --data {1} -e 'SELECT * FROM `{2}` LIMIT 5'\n\n",
      path, folder_, kLines[0].table);
}

std::string row_text(const Row& row) {
  std::string text;
  for (const auto& cell : row)
    text += (text.empty() ? "" : " | ") + cell.value_or("NULL");
  return text;
}

// The tables against the plain reference; 0 when equal.
Outcome<int> Demo::check(LakeView& lake) {
  auto source = feed::open_rows("sqlite:" + source_path());
  if (!source) return std::unexpected(source.error().message);
  std::string verdict;
  bool equal = true;
  for (std::size_t i = 0; i < kLines.size(); ++i) {
    auto expected = expected_rows(**source, kLines[i].kind, posted_[i]);
    if (!expected) return std::unexpected(expected.error().message);
    auto actual = lake.query(fmt::format("SELECT * FROM {}", quoted_name(kLines[i].table)));
    if (!actual) return std::unexpected(actual.error());
    const std::size_t want = expected->size();
    const std::size_t have = actual->rows.size();
    const Difference difference = compare_rows(std::move(*expected), std::move(actual->rows));
    verdict += fmt::format(
        "{}{} {} rows {}", verdict.empty() ? "" : ", ", kLines[i].name,
        with_commas(static_cast<std::int64_t>(have)),
        difference.none() ? "equal" : fmt::format("DIFFERENT from the {} expected", want));
    equal = equal && difference.none();
    for (std::size_t k = 0; k < std::min<std::size_t>(3, difference.missing.size()); ++k)
      fmt::print("{}: missing    {}\n", kLines[i].name, row_text(difference.missing[k]));
    for (std::size_t k = 0; k < std::min<std::size_t>(3, difference.unexpected.size()); ++k)
      fmt::print("{}: unexpected {}\n", kLines[i].name, row_text(difference.unexpected[k]));
  }
  fmt::print("check of {} posts against the tables: {}\n", with_commas(accepted_), verdict);
  std::fflush(stdout);
  return equal ? 0 : 1;
}

}  // namespace

int run(const DemoArguments& arguments) {
  base::set_log_level(base::LogLevel::kWarn);
  auto status = Demo(arguments).run();
  if (!status) return complain(status.error());
  return *status;
}

}  // namespace sluice::cli
