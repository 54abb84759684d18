#include "cli/arguments.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace sluice::cli {
namespace {

std::string default_data_folder() {
  if (const char* set = std::getenv("SLUICE_DATA"); set != nullptr && *set != '\0') return set;
  if (const char* share = std::getenv("XDG_DATA_HOME"); share != nullptr && *share != '\0')
    return std::string(share) + "/sluice";
  const char* home = std::getenv("HOME");
  return std::string(home != nullptr ? home : ".") + "/.local/share/sluice";
}

void add_folder(CLI::App& command, Where& where) {
  where.data = default_data_folder();
  command.add_option("--data", where.data, "data folder")
      ->envname("SLUICE_DATA")
      ->capture_default_str();
  command.add_flag("--json", where.json, "print JSON, for scripts");
}

void add_where(CLI::App& command, Where& where) {
  add_folder(command, where);
  command
      .add_option("--endpoint", where.endpoint,
                  "server, as http://host:port; without it the server of the data folder, or the "
                  "folder itself")
      ->envname("SLUICE_ENDPOINT");
}

// One level of commands below `parent`: exactly one must be given.
CLI::App* add_group(CLI::App& parent, const char* name, const char* help) {
  CLI::App* group = parent.add_subcommand(name, help);
  group->require_subcommand(1);
  return group;
}

// Holds every command's struct while CLI11 writes into it, and which of them was given.
class Parser {
 public:
  Parser()
      : app_(
            "Sluice: HTTP requests through mapping templates into durable streams, streams through "
            "Spark SQL into Delta tables.",
            "sluice") {
    app_.require_subcommand(1);
    app_.set_version_flag("--version", "sluice " SLUICE_VERSION);
    app_.footer("Each command has --help with examples. The whole line at once: sluice demo");
    add_serve();
    add_demo();
    add_feed();
    add_pipelines();
    add_sql();
    add_streams();
    add_apis();
    add_tables();
    add_repair();
  }

  std::expected<Arguments, int> parse(int argc, char** argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::RequiredError& error) {
      const bool unknown = argc > 1 && argv[1][0] != '-' && app_.get_subcommands().empty();
      if (unknown) std::fprintf(stderr, "sluice: there is no command '%s'\n", argv[1]);
      return std::unexpected(unknown ? 2 : app_.exit(error) == 0 ? 0 : 2);
    } catch (const CLI::ParseError& error) {
      const int status = app_.exit(error);
      return std::unexpected(status == 0 ? 0 : 2);
    }
    return chosen_;
  }

 private:
  template <class T>
  void choose(CLI::App* command, T& arguments) {
    command->callback([this, &arguments] { chosen_ = arguments; });
  }

  void add_serve() {
    CLI::App* c = app_.add_subcommand(
        "serve", "Runs the server until SIGINT or SIGTERM; prints one line when it is ready.");
    add_where(*c, serve_.where);
    c->add_option("--config", serve_.config,
                  "settings file (TOML); default: sluice.toml in the data folder, if there");
    c->add_option("--port", serve_.port, "port; 0: a free one (default 4566)");
    c->add_option("--set", serve_.settings, "NAME=VALUE of any setting; may be repeated");
    c->footer(
        "Examples:\n  sluice serve\n  sluice serve --data ./data --port 4567 --set "
        "default_api=0e36c8cd403d");
    choose(c, serve_);
  }

  void add_demo() {
    CLI::App* c = app_.add_subcommand("demo",
                                      "The whole line on real input: feed, gateway, streams, "
                                      "pipelines, tables, questions, check.");
    c->add_option("--data", demo_.data,
                  "data folder, absent or empty; default: a new temporary one");
    c->add_option("--posts", demo_.posts, "PUTs to make")
        ->check(CLI::Range(3, 10'000'000))
        ->capture_default_str();
    c->add_option("--seed", demo_.seed, "of the source's rows and of what is picked")
        ->capture_default_str();
    c->add_flag("--keep", demo_.keep, "leave the server up until Ctrl-C");
    c->footer("Examples:\n  sluice demo\n  sluice demo --posts 3000 --keep");
    choose(c, demo_);
  }

  void add_feed() {
    CLI::App* c = app_.add_subcommand(
        "feed", "Posts rows of a database to the API, as a team's emulator of user posts does.");
    add_where(*c, feed_.where);
    c->add_option("--source", feed_.source, "sqlite:FILE");
    c->add_option("--url", feed_.url, "invoke URL with the stage: http://127.0.0.1:4566/Prod");
    c->add_option("--map", feed_.map,
                  "TABLE=STREAM, one post for each picked row; may be repeated");
    c->add_option("--rate", feed_.rate, "posts a second at most; 0: no limit")
        ->check(CLI::NonNegativeNumber);
    c->add_option("--seed", feed_.seed, "which rows are picked: the same seed, the same rows")
        ->capture_default_str();
    c->add_option("--rows", feed_.rows, "rows to pick; 0: until Ctrl-C")
        ->check(CLI::NonNegativeNumber);
    c->add_option("--repeat", feed_.repeat,
                  "share of picks that were sent before; without it any row, each time")
        ->check(CLI::Range(0.0, 1.0));
    c->add_option("--pace", feed_.pace,
                  "full, or human: a random wait of 0 to 2 seconds before each row")
        ->check(CLI::IsMember({"full", "human"}))
        ->capture_default_str();
    c->add_option("--connections", feed_.connections, "posts on their way at once")
        ->check(CLI::Range(1, 256))
        ->capture_default_str();
    c->add_flag("--verbose", feed_.verbose, "print status and reply of every post");
    c->add_option("--make-source", feed_.make_source,
                  "make the example's source database there, and end");
    c->footer(
        "Examples:\n  sluice feed --make-source source.db\n"
        "  sluice feed --source sqlite:source.db --url http://127.0.0.1:4566/Prod --rows 100 \\\n"
        "    --map pinterest_data=streaming-0e36c8cd403d-pin --map "
        "geolocation_data=streaming-0e36c8cd403d-geo \\\n"
        "    --map user_data=streaming-0e36c8cd403d-user --pace human --verbose");
    choose(c, feed_);
  }

  void add_pipelines() {
    CLI::App* group =
        add_group(app_, "pipelines", "Spark Declarative Pipelines projects: run, check, look at.");
    const auto add = [&](const char* name, const char* help, PipelinesArguments& a,
                         PipelinesArguments::Action action) {
      CLI::App* c = group->add_subcommand(name, help);
      a.action = action;
      add_where(*c, a.where);
      if (action != PipelinesArguments::Action::kStatus)
        c->add_option("--spec", a.spec,
                      "spark-pipeline.yml or its folder; default: searched from here upwards");
      choose(c, a);
      return c;
    };
    CLI::App* run = add("run", "Runs every flow until it has caught up.", pipelines_[0],
                        PipelinesArguments::Action::kRun);
    run->add_flag("--continuous", pipelines_[0].continuous,
                  "go on as records arrive, until Ctrl-C");
    run->footer(
        "Examples:\n  sluice pipelines run --spec examples/pinterest\n  sluice pipelines run "
        "--continuous");
    add("dry-run", "Checks the project; reads and writes no data.", pipelines_[1],
        PipelinesArguments::Action::kDryRun)
        ->footer("Example:\n  sluice pipelines dry-run --spec examples/pinterest");
    add("status", "Where each flow stands.", pipelines_[2], PipelinesArguments::Action::kStatus)
        ->footer("Example:\n  sluice pipelines status --json");
  }

  void add_sql() {
    CLI::App* c = app_.add_subcommand(
        "sql", "Spark SQL over the tables of the data folder; no server needed.");
    add_where(*c, sql_.where);
    c->add_option("-e,--execute", sql_.execute, "statements to run; may be repeated");
    c->add_option("-f,--file", sql_.file, "file of statements; - for standard input");
    c->add_flag("--csv", sql_.csv, "print CSV with a header");
    c->add_option("--chart", sql_.chart, "draw the last numeric column")
        ->check(CLI::IsMember({"bar"}));
    c->footer(
        "Examples:\n  sluice sql -e 'SELECT count(*) FROM `0e36c8cd403d_pin_table`'\n"
        "  sluice sql -f examples/pinterest/queries/q1_category_by_country.sql --chart bar\n"
        "  sluice sql -f statements.sql --json      one JSON line a statement");
    choose(c, sql_);
  }

  CLI::App* add_streams_command(CLI::App& group, const char* name, const char* help,
                                StreamsArguments& a, StreamsArguments::Action action) {
    CLI::App* c = group.add_subcommand(name, help);
    a.action = action;
    add_where(*c, a.where);
    if (action != StreamsArguments::Action::kList)
      c->add_option("name", a.name, "stream")->required();
    choose(c, a);
    return c;
  }

  void add_streams() {
    using Action = StreamsArguments::Action;
    CLI::App* group =
        add_group(app_, "streams", "Data streams: make, list, look at, write to, follow.");
    CLI::App* create =
        add_streams_command(*group, "create", "Makes a stream.", streams_[0], Action::kCreate);
    create
        ->add_option("--shards", streams_[0].shards,
                     "provisioned with so many shards; without it on-demand")
        ->check(CLI::Range(1, 10'000));
    create->footer(
        "Examples:\n  sluice streams create streaming-0e36c8cd403d-pin\n  sluice streams create "
        "clicks --shards 2");
    add_streams_command(*group, "list", "Names, status, mode, open shards, retention.", streams_[1],
                        Action::kList)
        ->footer("Example:\n  sluice streams list --json");
    add_streams_command(*group, "describe", "A stream's shards and settings.", streams_[2],
                        Action::kDescribe)
        ->footer("Example:\n  sluice streams describe streaming-0e36c8cd403d-pin");
    CLI::App* put = add_streams_command(*group, "put",
                                        "Writes records: one text, or each line of a file or of "
                                        "standard input.",
                                        streams_[3], Action::kPut);
    CLI::Option* text = put->add_option(
        "text", streams_[3].text, "the record's data; without it standard input, a record a line");
    put->add_option("--file", streams_[3].file, "a file with a record a line")->excludes(text);
    put->add_option("--partition-key", streams_[3].partition_key,
                    "default: a new one for each record");
    put->footer(
        "Examples:\n  sluice streams put clicks '{\"a\":1}' --partition-key a\n  sluice streams "
        "put clicks --file lines.txt\n  tail -f app.log | sluice streams put clicks");
    CLI::App* tail =
        add_streams_command(*group, "tail", "Follows a stream live: each record's data as text.",
                            streams_[4], Action::kTail);
    tail->add_option("--from", streams_[4].from,
                     "earliest, latest, or a time: 2026-11-23T21:04:05Z")
        ->capture_default_str();
    tail->add_option("--count", streams_[4].count,
                     "end after so many records; 0: follow until Ctrl-C")
        ->check(CLI::NonNegativeNumber);
    tail->footer(
        "Examples:\n  sluice streams tail streaming-0e36c8cd403d-pin --from earliest\n  sluice "
        "streams tail clicks --json --count 10\n  sluice streams tail clicks --from "
        "2026-11-23T21:04:05Z | jq .a");
    add_streams_command(*group, "delete", "Removes a stream and its records.", streams_[5],
                        Action::kDelete)
        ->footer("Example:\n  sluice streams delete clicks");
  }

  void add_apis() {
    CLI::App* group = add_group(app_, "apis", "REST APIs and their mapping templates.");
    CLI::App* import = group->add_subcommand(
        "import", "Imports an OpenAPI file as AWS exports it, and deploys it.");
    ApisArguments& i = apis_[0];
    i.action = ApisArguments::Action::kImport;
    add_where(*import, i.where);
    import->add_option("file", i.file, "OpenAPI 3 or Swagger 2, YAML or JSON")->required();
    import->add_option("--stage", i.stage, "deploy to this stage");
    import->footer("Example:\n  sluice apis import examples/pinterest/api.yaml --stage Prod");
    choose(import, i);

    CLI::App* list = group->add_subcommand("list", "APIs with their stages and invoke URLs.");
    apis_[1].action = ApisArguments::Action::kList;
    add_where(*list, apis_[1].where);
    list->footer("Example:\n  sluice apis list --json");
    choose(list, apis_[1]);

    CLI::App* render = group->add_subcommand(
        "render", "Prints what a mapping template renders to; no server needed.");
    ApisArguments& r = apis_[2];
    r.action = ApisArguments::Action::kRender;
    add_where(*render, r.where);
    render->add_option("template", r.file, "template file")->required();
    render->add_option("--body", r.body, "file with the payload");
    render->add_option("--vars", r.vars,
                       "file with a JSON object: each key is bound as a variable");
    render->add_option("--params", r.params,
                       "file with {\"path\":{},\"querystring\":{},\"header\":{}}");
    render->add_option("--context", r.context, "file with a JSON object for $context");
    render->add_flag("--explain", r.explain,
                     "show each reference that was evaluated, and what printed nothing");
    render->footer(
        "Examples:\n  sluice apis render record.put.vtl --body post.json --params params.json\n"
        "  sluice apis render record.put.vtl --body post.json --explain");
    choose(render, r);

    CLI::App* lint = group->add_subcommand(
        "lint", "Finds what will surprise in an OpenAPI file or a mapping template.");
    ApisArguments& l = apis_[3];
    l.action = ApisArguments::Action::kLint;
    add_where(*lint, l.where);
    lint->add_option("file", l.file, "template (*.vtl), or OpenAPI 3 or Swagger 2 in YAML or JSON")
        ->required();
    lint->footer(
        "Exits with 1 when something is found.\n"
        "Examples:\n  sluice apis lint examples/pinterest/api.yaml\n"
        "  sluice apis lint record.put.vtl --json");
    choose(lint, l);
  }

  void add_tables() {
    CLI::App* group =
        add_group(app_, "tables", "Delta tables of the data folder; no server needed.");
    const auto add = [&](const char* name, const char* help, TablesArguments& a,
                         TablesArguments::Action action, const char* example) {
      CLI::App* c = group->add_subcommand(name, help);
      a.action = action;
      add_where(*c, a.where);
      if (action != TablesArguments::Action::kList)
        c->add_option("name", a.name, "table, or schema.table")->required();
      c->footer(example);
      choose(c, a);
    };
    add("list", "Names, rows, files, size, last update.", tables_[0],
        TablesArguments::Action::kList, "Example:\n  sluice tables list");
    add("describe", "Columns, sample rows, rows, files, size, last update.", tables_[1],
        TablesArguments::Action::kDescribe,
        "Example:\n  sluice tables describe 0e36c8cd403d_pin_table");
    add("history", "Versions, newest first.", tables_[2], TablesArguments::Action::kHistory,
        "Example:\n  sluice tables history 0e36c8cd403d_pin_table");
  }

  void add_repair() {
    CLI::App* c = app_.add_subcommand(
        "repair",
        "Looks for damage in the journal of a data folder and repairs it; with no server running. "
        "Alone it changes nothing and lists what is wrong and what would be lost; status 0: "
        "sound.");
    add_folder(*c, repair_.where);
    c->add_flag("--apply", repair_.apply, "repair, unless acknowledged records would be lost");
    c->add_flag("--accept-loss", repair_.accept_loss, "repair, and give up what is lost");
    c->footer(
        "A damaged file is kept as <name>.damaged.\nExamples:\n  sluice repair\n  sluice repair "
        "--data ./data --accept-loss\n  sluice repair --json");
    choose(c, repair_);
  }

  CLI::App app_;
  ServeArguments serve_;
  DemoArguments demo_;
  FeedArguments feed_;
  PipelinesArguments pipelines_[3];
  SqlArguments sql_;
  StreamsArguments streams_[6];
  ApisArguments apis_[4];
  TablesArguments tables_[3];
  RepairArguments repair_;
  Arguments chosen_;
};

}  // namespace

std::expected<Arguments, int> parse_arguments(int argc, char** argv) {
  return Parser().parse(argc, argv);
}

}  // namespace sluice::cli
