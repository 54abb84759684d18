// One logger a room: `constexpr base::Logger kLog{"journal"};` then `kLog.info("opened {} files",
// n)`. Lines go to standard error. No secrets, no record data, nothing per request at level info.
#pragma once

#include <fmt/core.h>

#include <string_view>

namespace sluice::base {

enum class LogLevel { kDebug, kInfo, kWarn, kError, kOff };

void set_log_level(LogLevel level);
bool log_enabled(LogLevel level);
void log_line(LogLevel level, std::string_view room, std::string_view message);

class Logger {
 public:
  constexpr explicit Logger(std::string_view room) : room_(room) {}

  template <class... Args>
  void debug(fmt::format_string<Args...> text, Args&&... args) const {
    write(LogLevel::kDebug, text, std::forward<Args>(args)...);
  }
  template <class... Args>
  void info(fmt::format_string<Args...> text, Args&&... args) const {
    write(LogLevel::kInfo, text, std::forward<Args>(args)...);
  }
  template <class... Args>
  void warn(fmt::format_string<Args...> text, Args&&... args) const {
    write(LogLevel::kWarn, text, std::forward<Args>(args)...);
  }
  template <class... Args>
  void error(fmt::format_string<Args...> text, Args&&... args) const {
    write(LogLevel::kError, text, std::forward<Args>(args)...);
  }

 private:
  template <class... Args>
  void write(LogLevel level, fmt::format_string<Args...> text, Args&&... args) const {
    if (log_enabled(level)) log_line(level, room_, fmt::format(text, std::forward<Args>(args)...));
  }

  std::string_view room_;
};

}  // namespace sluice::base
