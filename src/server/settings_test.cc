#include "server/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::server {
namespace {

using testing::HasSubstr;

TEST(Settings, DefaultsAreThoseOfTheHttpServer) {
  const Settings settings;
  const http::ServerLimits from_settings = settings.http_limits();
  const http::ServerLimits built_in;
  EXPECT_EQ(settings.port(), 4566);
  EXPECT_EQ(from_settings.parser.body_bytes, built_in.parser.body_bytes);
  EXPECT_EQ(from_settings.parser.header_bytes, built_in.parser.header_bytes);
  EXPECT_EQ(from_settings.connections, built_in.connections);
  EXPECT_EQ(from_settings.write_timeout, built_in.write_timeout);
}

TEST(Settings, BeyondLoopbackOnlyInSoManyWordsAndWithKeys) {
  const auto refusal = [](std::map<std::string, std::string> flags) {
    Settings settings;
    const auto loaded = settings.load("", flags);
    return loaded ? "" : loaded.error().message;
  };
  for (const char* host : {"0.0.0.0", "192.168.1.5", "::", "example.test"}) {
    EXPECT_THAT(refusal({{"host", host}}), HasSubstr("insecure_remote_http = true")) << host;
    EXPECT_THAT(refusal({{"host", host}, {"keys-file", "k"}}), HasSubstr("insecure_remote_http"));
    EXPECT_THAT(refusal({{"host", host}, {"insecure-remote-http", "true"}}),
                HasSubstr("keys_file must be set"));
    EXPECT_EQ(refusal({{"host", host}, {"insecure-remote-http", "true"}, {"keys-file", "k"}}), "");
  }
  Settings settings;
  EXPECT_TRUE(settings.load("", {{"host", "::1"}, {"http-body-bytes", "1MiB"}}).has_value());
  EXPECT_EQ(settings.http_limits().parser.body_bytes, 1U << 20);
}

TEST(Settings, EverySettingHasHelp) {
  const Settings settings;
  for (const auto& entry : settings.config().entries()) {
    EXPECT_FALSE(entry.info.help.empty()) << entry.info.name;
    EXPECT_FALSE(entry.info.help.ends_with('.')) << entry.info.name;
  }
}

}  // namespace
}  // namespace sluice::server
