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

TEST(Settings, OnlyLoopbackForNow) {
  for (const char* host : {"0.0.0.0", "192.168.1.5", "::", "example.test"}) {
    Settings settings;
    const auto loaded = settings.load("", {{"host", host}});
    ASSERT_FALSE(loaded.has_value()) << host;
    EXPECT_THAT(loaded.error().message, HasSubstr("only loopback"));
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
