// The command line, whole: every command's options as a plain struct, filled by parse_arguments.
// Commands are functions of their struct and return the process' exit status (0 good, 1 failed, 2
// bad arguments).
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <variant>
#include <vector>

namespace sluice::cli {

// Which server or folder a command speaks to.
struct Where {
  std::string
      endpoint;  // http://host:port; empty: the server of the data folder, else the folder itself
  std::string data;   // the data folder; never empty after parsing
  bool json = false;  // print for scripts
};

struct ServeArguments {
  Where where;
  std::string config;                 // TOML file; empty: <data>/sluice.toml if it is there
  std::string port;                   // empty: as the settings say
  std::vector<std::string> settings;  // name=value, strongest
};

struct DemoArguments {
  std::string data;  // empty: a new temporary folder
  std::int64_t posts = 20'000;
  std::uint64_t seed = 1;
  bool keep = false;
};

struct FeedArguments {
  Where where;
  std::string make_source;  // makes the example's source database there and ends
  std::string source;
  std::string url;
  std::vector<std::string> map;  // table=stream
  double rate = 0;
  std::uint64_t seed = 0;
  std::int64_t rows = 0;
  double repeat = -1;
  std::string pace = "full";
  int connections = 4;
  bool verbose = false;
};

struct PipelinesArguments {
  enum class Action { kRun, kDryRun, kStatus };
  Where where;
  Action action = Action::kRun;
  std::string spec;  // file or folder; empty: searched from the current folder upwards
  bool continuous = false;
};

struct SqlArguments {
  Where where;
  std::string file;
  std::vector<std::string> execute;
  bool csv = false;
  std::string chart;  // empty, bar
};

struct StreamsArguments {
  enum class Action { kCreate, kList, kDescribe, kPut, kTail, kDelete };
  Where where;
  Action action = Action::kList;
  std::string name;
  int shards = 0;  // 0: on-demand
  std::string partition_key;
  std::string text;  // what to put; empty: the lines of `file`, else of standard input
  std::string file;
  std::string from = "latest";  // earliest, latest, or a time
  std::int64_t count = 0;       // records to show, then end; 0: follow
};

struct ApisArguments {
  enum class Action { kImport, kList, kRender, kLint };
  Where where;
  Action action = Action::kList;
  std::string file;  // OpenAPI file, or template
  std::string stage;
  std::string body, vars, params, context;  // files of `render`
  bool explain = false;                     // `render`: each reference and its value
};

struct TablesArguments {
  enum class Action { kList, kDescribe, kHistory };
  Where where;
  Action action = Action::kList;
  std::string name;
};

struct RepairArguments {
  Where where;  // without an endpoint
  bool apply = false;
  bool accept_loss = false;
};

using Arguments =
    std::variant<ServeArguments, DemoArguments, FeedArguments, PipelinesArguments, SqlArguments,
                 StreamsArguments, ApisArguments, TablesArguments, RepairArguments>;

// The arguments, or the exit status when there is nothing (more) to do: help was printed, or an
// error was.
std::expected<Arguments, int> parse_arguments(int argc, char** argv);

int run(const ServeArguments& arguments);
int run(const DemoArguments& arguments);
int run(const FeedArguments& arguments);
int run(const PipelinesArguments& arguments);
int run(const SqlArguments& arguments);
int run(const StreamsArguments& arguments);
int run(const ApisArguments& arguments);
int run(const TablesArguments& arguments);
int run(const RepairArguments& arguments);

}  // namespace sluice::cli
