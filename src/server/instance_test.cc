// Start order of the server.
#include "server/instance.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "base/env.h"

namespace sluice::server {
namespace {

TEST(Instance, a_taken_port_costs_no_data_folder) {
  auto taken = http::Listener::open("127.0.0.1", 0);
  ASSERT_TRUE(taken) << taken.error().message;
  std::string folder = testing::TempDir() + "sluice-instance-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const std::string data = folder + "/data";
  Settings settings;
  ASSERT_TRUE(settings.load("", {{"data", data}, {"port", std::to_string(taken->port())}}));
  const auto started = Instance::start(settings);
  ASSERT_FALSE(started);
  EXPECT_NE(started.error().find("cannot listen on"), std::string::npos) << started.error();
  EXPECT_FALSE(std::filesystem::exists(data));
  std::filesystem::remove_all(folder);
}

// A server that was killed leaves its note: whoever has the folder next does not listen there.
TEST(Instance, the_note_of_a_killed_server_is_not_believed) {
  std::string folder = testing::TempDir() + "sluice-instance-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  std::ofstream(folder + "/server.json") << R"({"endpoint":"http://127.0.0.1:1"})";
  Settings settings;
  ASSERT_TRUE(settings.load("", {{"data", folder}}));
  {
    const auto engine = Engine::open(settings, Callers::kOwner);
    ASSERT_TRUE(engine) << engine.error();
    EXPECT_TRUE(is_in_use(folder));
    EXPECT_EQ(running_endpoint(folder), std::nullopt);
  }
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace sluice::server
