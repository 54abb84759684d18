#include "server/keys.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "base/random.h"

namespace sluice::server {
namespace {

using testing::HasSubstr;

class Keys : public testing::Test {
 protected:
  ~Keys() override { std::filesystem::remove(path_); }

  std::expected<std::vector<aws::Profile>, std::string> load(const std::string& text, mode_t mode) {
    std::ofstream(path_) << text;
    EXPECT_EQ(::chmod(path_.c_str(), mode), 0);
    return load_keys(path_);
  }

  std::string path_ = testing::TempDir() + fmt::format("keys-{}", base::system_random().next());
};

TEST_F(Keys, AreReadFromAPrivateFileOnly) {
  const std::string text = "[default]\naws_access_key_id=A\naws_secret_access_key=s3cr3t\n";
  const auto keys = load(text, 0600);
  ASSERT_TRUE(keys) << keys.error();
  ASSERT_EQ(keys->size(), 1U);
  EXPECT_EQ((*keys)[0].credentials.secret, "s3cr3t");
  EXPECT_TRUE(load(text, 0400));
  for (const mode_t mode : {0640, 0604, 0620, 0644})
    EXPECT_THAT(load(text, mode).error(), HasSubstr("chmod 600"));
}

TEST_F(Keys, RefuseWhatHoldsNoneAndNeverPrintThem) {
  EXPECT_EQ(load_keys("")->size(), 0U);
  EXPECT_THAT(load_keys(path_ + "-absent").error(), HasSubstr("No such file"));
  EXPECT_THAT(load_keys(testing::TempDir()).error(), HasSubstr("is not a file"));
  EXPECT_THAT(load("[a]\n", 0600).error(), HasSubstr("holds no key"));
  EXPECT_THAT(load(std::string((1 << 20) + 1, '#'), 0600).error(), HasSubstr("larger than 1 MiB"));
  const auto half = load("[a]\naws_secret_access_key=s3cr3t\n", 0600);
  EXPECT_THAT(half.error(), HasSubstr("needs both"));
  EXPECT_THAT(half.error(), testing::Not(HasSubstr("s3cr3t")));
}

}  // namespace
}  // namespace sluice::server
