// TOML text, and a flag's value, through the typed settings: whatever is taken lies within its
// bounds.
#include "base/config.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using std::chrono::milliseconds;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  sluice::base::Config config;
  const auto port = config.integer({.name = "port", .help = "p"}, 1, 0, 65535);
  const auto body = config.bytes({.name = "http.body_bytes", .help = "b"}, 1024, 1024, 1 << 20);
  const auto idle = config.duration({.name = "http.idle_timeout", .help = "i"}, milliseconds(10),
                                    milliseconds(1), milliseconds(1000));
  const auto level = config.choice({.name = "log.level", .help = "l"}, "a", {"a", "b"});
  const auto hosts = config.list({.name = "hosts", .help = "h"}, {});
  const auto token = config.text({.name = "token", .help = "t", .secret = true}, "");
  static_cast<void>(config.load_toml(text, "fuzz.toml", size % 2 == 0));
  static_cast<void>(config.set_flag("http-body-bytes", text));
  static_cast<void>(config.set_flag("http-idle-timeout", text));
  static_cast<void>(config.set_flag("hosts", text));
  const bool held = port() >= 0 && port() <= 65535 && body() >= 1024 && body() <= 1 << 20 &&
                    idle() >= milliseconds(1) && idle() <= milliseconds(1000) &&
                    (level() == "a" || level() == "b") && (size % 2 != 0 || token().empty());
  if (!held) std::abort();
  static_cast<void>(hosts);
  static_cast<void>(config.effective_values());
  return 0;
}
