#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace sluice::base {
namespace {

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
    case LogLevel::kOff:
      return spdlog::level::off;
  }
  return spdlog::level::off;
}

spdlog::logger& sink() {
  static spdlog::logger logger = [] {
    spdlog::logger made("sluice", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made.set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
    made.set_level(spdlog::level::warn);
    return made;
  }();
  return logger;
}

}  // namespace

void set_log_level(LogLevel level) {
  sink().set_level(to_spdlog(level));
}
bool log_enabled(LogLevel level) {
  return sink().should_log(to_spdlog(level));
}
void log_line(LogLevel level, std::string_view room, std::string_view message) {
  sink().log(to_spdlog(level), "{}: {}", room, message);
}

}  // namespace sluice::base
