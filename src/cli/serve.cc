// sluice serve: the server in the foreground.
#include <fmt/format.h>

#include <cstdio>
#include <map>

#include "base/log.h"
#include "cli/arguments.h"
#include "cli/backend.h"
#include "runtime/signals.h"
#include "server/instance.h"
#include "server/settings.h"

namespace sluice::cli {
namespace {

// The settings given on the command line: --data, and NAME=VALUE pairs.
Outcome<std::map<std::string, std::string>> flags_of(const ServeArguments& arguments) {
  std::map<std::string, std::string> flags{{"data", arguments.where.data}};
  for (const auto& setting : arguments.settings) {
    const auto equals = setting.find('=');
    if (equals == std::string::npos)
      return std::unexpected(fmt::format("--set {}: expected NAME=VALUE", setting));
    flags[setting.substr(0, equals)] = setting.substr(equals + 1);
  }
  if (!arguments.port.empty()) flags["port"] = arguments.port;
  return flags;
}

}  // namespace

int run(const ServeArguments& arguments) {
  auto flags = flags_of(arguments);
  if (!flags) return complain(flags.error());
  server::Settings settings;
  if (auto loaded = settings.load(arguments.config, *flags); !loaded)
    return complain(loaded.error().message);
  base::set_log_level(settings.log_level_value());
  auto instance = server::Instance::start(settings);
  if (!instance) return complain(instance.error());

  bool healthy = false;
  {
    const runtime::Signals signals((*instance)->first_loop(),
                                   [&](int) { (*instance)->request_stop(); });
    if (arguments.where.json) {
      fmt::print("{{\"endpoint\":\"{}\"}}\n", (*instance)->endpoint());
    } else {
      fmt::print("sluice is ready on {} (data: {})\n", (*instance)->endpoint(), settings.data());
    }
    std::fflush(stdout);
    healthy = (*instance)->wait();
  }
  (*instance)->stop();
  if (!healthy)
    return complain(
        "the journal can write no more; see the log. Nothing that was acknowledged is lost.");
  return 0;
}

}  // namespace sluice::cli
