#include "base/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

namespace sluice::base {
namespace {

using std::chrono::milliseconds;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

struct Example {
  Config config;
  Setting<std::int64_t> port =
      config.integer({.name = "port", .help = "where to listen"}, 4566, 0, 65535);
  Setting<std::int64_t> body =
      config.bytes({.name = "http.body_bytes", .help = "largest body"}, 16 << 20, 1024, 1 << 30);
  Setting<milliseconds> idle =
      config.duration({.name = "http.idle_timeout", .help = "between requests"},
                      milliseconds(75'000), milliseconds(10), milliseconds(3'600'000));
  Setting<bool> fast = config.boolean({.name = "fast", .help = "no waiting"}, false);
  Setting<std::string> data = config.text({.name = "data", .help = "folder"}, "/tmp");
  Setting<std::string> level =
      config.choice({.name = "log.level", .help = "what is told"}, "info", {"debug", "info"});
  Setting<std::vector<std::string>> hosts = config.list({.name = "hosts", .help = "names"}, {});
  Setting<std::string> token =
      config.text({.name = "console.token", .help = "login", .secret = true}, "");
};

TEST(Config, LaterSourcesWin) {
  Example e;
  EXPECT_EQ(e.port(), 4566);
  ASSERT_TRUE(
      e.config.load_toml("port = 1\nfast = true\nhosts = ['a', 'b']\n[http]\n"
                         "body_bytes = '64KiB'\nidle_timeout = '5s'\n[log]\nlevel='debug'",
                         "sluice.toml", true));
  ASSERT_TRUE(e.config.load_toml("data = '/tmp/\xc3\xa4'  # \xc3\xa4\n", "sluice.toml", true));
  EXPECT_EQ(e.data(), "/tmp/\xc3\xa4");
  EXPECT_EQ(e.port(), 1);
  EXPECT_EQ(e.body(), 65536);
  EXPECT_EQ(e.idle(), milliseconds(5000));
  EXPECT_TRUE(e.fast());
  EXPECT_EQ(e.level(), "debug");
  EXPECT_THAT(e.hosts(), ElementsAre("a", "b"));
  const std::vector<std::string> variables = {"PATH=/bin", "SLUICE_PORT=2", "SLUICE_ENDPOINT=x",
                                              "SLUICE_HTTP_IDLE_TIMEOUT=250ms",
                                              "SLUICE_HOSTS=c, d"};
  const std::vector<std::string_view> others = {"SLUICE_ENDPOINT"};
  ASSERT_TRUE(e.config.load_environment(variables, others));
  EXPECT_EQ(e.port(), 2);
  EXPECT_EQ(e.idle(), milliseconds(250));
  EXPECT_THAT(e.hosts(), ElementsAre("c", "d"));
  ASSERT_TRUE(e.config.set_flag("port", "3"));
  ASSERT_TRUE(e.config.set_flag("http-body-bytes", "2048"));
  EXPECT_EQ(e.port(), 3);
  EXPECT_EQ(e.body(), 2048);
  EXPECT_THAT(e.config.effective_values(),
              AllOf(HasSubstr("port = 3  # --port\n"), HasSubstr("fast = true  # sluice.toml:2\n"),
                    HasSubstr("http.idle_timeout = 250ms  # SLUICE_HTTP_IDLE_TIMEOUT\n"),
                    HasSubstr("log.level = debug  # sluice.toml:8\n")));
}

TEST(Config, ErrorsNameFileLineAndKey) {
  struct Case {
    const char* toml;
    ConfigError code;
    const char* says;
  };
  const Case cases[] = {
      {"port = 1\n\nprot = 2", ConfigError::kUnknownKey, "f.toml:3: there is no setting 'prot'"},
      {"[http]\nbody = 2", ConfigError::kUnknownKey, "f.toml:2: there is no setting 'http.body'"},
      {"port = 65536", ConfigError::kBadValue,
       "f.toml:1: port = 65536 is out of range (0 to 65535)"},
      {"port = '80'", ConfigError::kBadValue, "f.toml:1: port must be a whole number"},
      {"port = 8.5", ConfigError::kBadValue, "f.toml:1: port has a type that no setting has"},
      {"\nfast = 'yes'", ConfigError::kBadValue, "f.toml:2: fast must be true or false"},
      {"data = 1", ConfigError::kBadValue, "f.toml:1: data must be text"},
      {"hosts = [1]", ConfigError::kBadValue, "f.toml:1: hosts: a list holds texts only"},
      {"hosts = 'a'", ConfigError::kBadValue, "f.toml:1: hosts must be a list of texts"},
      {"port = [1]", ConfigError::kBadValue, "f.toml:1: port: a list holds texts only"},
      {"http.idle_timeout = 5", ConfigError::kBadValue,
       "f.toml:1: http.idle_timeout must be a duration"},
      {"http.idle_timeout = '9ms'", ConfigError::kBadValue, "is out of range (10ms to 1h)"},
      {"http.body_bytes = '99999999999TiB'", ConfigError::kBadValue,
       "http.body_bytes must be a size"},
      {"http.body_bytes = '1 KiB'", ConfigError::kBadValue, "http.body_bytes must be a size"},
      {"http.body_bytes = -1", ConfigError::kBadValue, "is out of range (1KiB to 1GiB)"},
      {"log.level = 'loud'", ConfigError::kBadValue, "(debug, info)"},
      {"port = ", ConfigError::kBadFile, "f.toml:1: "},
      {"port = 1\n[=]", ConfigError::kBadFile, "f.toml:2: "},
      {"port = 1\n[[", ConfigError::kBadFile, "f.toml:2: "},
      {"a\xc3\xa4 = 1", ConfigError::kBadFile, "f.toml:1: "},
      {"[\v", ConfigError::kBadFile, "f.toml:1: "},
      {"console.token = 'hunter2'", ConfigError::kUnsafeFile, "chmod 600 f.toml"},
  };
  for (const Case& c : cases) {
    Example e;
    const auto done = e.config.load_toml(c.toml, "f.toml", true);
    ASSERT_FALSE(done.has_value()) << c.toml;
    EXPECT_EQ(done.error().code, c.code) << c.toml;
    EXPECT_THAT(done.error().message, HasSubstr(c.says)) << c.toml;
    EXPECT_THAT(done.error().message, Not(HasSubstr("hunter2")));
  }
}

TEST(Config, EnvironmentAndFlagErrors) {
  Example e;
  const auto env = [&](std::string v) {
    return e.config.load_environment(std::vector<std::string>{std::move(v)});
  };
  EXPECT_EQ(env("SLUICE_PROT=1").error().code, ConfigError::kUnknownKey);
  EXPECT_THAT(env("SLUICE_PORT=x").error().message,
              HasSubstr("SLUICE_PORT: port = 'x' is not a whole number"));
  EXPECT_EQ(env("SLUICE_PORT").error().code, ConfigError::kBadValue);
  EXPECT_EQ(e.config.set_flag("prot", "1").error().code, ConfigError::kUnknownKey);
  EXPECT_EQ(e.config.set_flag("port", "-1").error().code, ConfigError::kBadValue);
  EXPECT_EQ(e.config.set_flag("console-token", "x").error().code, ConfigError::kNotAllowed);
  EXPECT_EQ(e.port(), 4566);
}

TEST(Config, SecretsComeByPrivateFileOrEnvironmentAndAreNotPrinted) {
  std::string path = testing::TempDir() + "/config_test_XXXXXX";
  const int fd = ::mkstemp(path.data());
  ASSERT_GE(fd, 0);
  ::close(fd);
  std::ofstream(path) << "[console]\ntoken = 'hunter2'\n";
  Example e;
  ASSERT_EQ(::chmod(path.c_str(), 0640), 0);
  const auto open_to_all = e.config.load_file(path);
  ASSERT_FALSE(open_to_all.has_value());
  EXPECT_EQ(open_to_all.error().code, ConfigError::kUnsafeFile);
  ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  ASSERT_TRUE(e.config.load_file(path));
  EXPECT_EQ(e.token(), "hunter2");
  EXPECT_THAT(e.config.effective_values(),
              AllOf(HasSubstr("console.token = ***"), Not(HasSubstr("hunter2"))));
  EXPECT_THAT(e.config.reference_table(), Not(HasSubstr("hunter2")));
  const std::vector<std::string> variables = {"SLUICE_CONSOLE_TOKEN=other"};
  ASSERT_TRUE(e.config.load_environment(variables));
  EXPECT_EQ(e.token(), "other");
  ::unlink(path.c_str());
  EXPECT_EQ(e.config.load_file(path).error().code, ConfigError::kBadFile);
}

TEST(Config, ALargeFileIsRefused) {
  std::string path = testing::TempDir() + "/config_test_XXXXXX";
  const int fd = ::mkstemp(path.data());
  ASSERT_GE(fd, 0);
  ::close(fd);
  Example e;
  const std::string text = "port = 1\n";
  std::ofstream(path) << text << std::string((1 << 20) - text.size(), '\n');
  EXPECT_TRUE(e.config.load_file(path));
  std::ofstream(path, std::ios::app) << '\n';
  const auto loaded = e.config.load_file(path);
  ::unlink(path.c_str());
  ASSERT_FALSE(loaded.has_value());
  EXPECT_EQ(loaded.error().code, ConfigError::kBadFile);
  EXPECT_THAT(loaded.error().message, HasSubstr("larger than 1MiB"));
}

TEST(Config, PrintsAReferenceTable) {
  Example e;
  EXPECT_THAT(e.config.reference_table(),
              AllOf(HasSubstr("| `port` | `4566` | 0 to 65535 | where to listen |\n"),
                    HasSubstr("| `http.body_bytes` | `16MiB` | 1KiB to 1GiB | largest body |\n"),
                    HasSubstr("| `http.idle_timeout` | `75s` | 10ms to 1h | between requests |\n"),
                    HasSubstr("| `log.level` | `info` | debug, info | what is told |\n"),
                    HasSubstr("| `console.token` |  |  | login (secret) |\n")));
  EXPECT_EQ(Config::flag_name("http.idle_timeout"), "--http-idle-timeout");
  EXPECT_EQ(format_bytes(0), "0");
  EXPECT_EQ(format_duration(milliseconds(0)), "0ms");
}

}  // namespace
}  // namespace sluice::base
