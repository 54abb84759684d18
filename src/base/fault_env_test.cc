// MemEnv and FaultEnv: what a power cut leaves, and faults that were planned.
#include "base/fault_env.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/mem_env.h"

namespace sluice::base {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::unique_ptr<File> create(Env& env, const std::string& path) {
  auto file = env.open(path, OpenMode::kCreateExclusive);
  EXPECT_TRUE(file.has_value()) << file.error().message;
  return std::move(*file);
}

std::string content(Env& env, const std::string& path) {
  auto text = read_file(env, path);
  return text ? *text : "absent";
}

TEST(MemEnv, behaves_like_a_disk) {
  MemEnv env;
  ASSERT_TRUE(env.make_dirs("/a/b"));
  {
    const auto file = create(env, "/a/b/f");
    ASSERT_TRUE(file->write_at(5000, "tail"));
    ASSERT_TRUE(file->write_at(0, "head"));
    EXPECT_EQ(*file->size(), 5004U);
    std::string buffer(10'000, 'x');
    EXPECT_EQ(*file->read_at(4999, std::span(buffer.data(), 3)), 3U);
    EXPECT_EQ(buffer.substr(0, 3), std::string("\0ta", 3));
    ASSERT_TRUE(file->truncate(2));
    EXPECT_EQ(*file->read_at(0, std::span(buffer.data(), 100)), 2U);
    ASSERT_TRUE(file->truncate(4));
  }
  EXPECT_EQ(content(env, "/a/b/f"), std::string("he\0\0", 4));
  EXPECT_EQ(env.open("/a/b/f", OpenMode::kCreateExclusive).error().code, IoError::kExists);
  EXPECT_EQ(env.open("/a/x", OpenMode::kRead).error().code, IoError::kNotFound);
  EXPECT_EQ(env.open("/no/x", OpenMode::kCreateExclusive).error().code, IoError::kNotFound);
  ASSERT_TRUE(env.link("/a/b/f", "/a/b/g"));
  EXPECT_EQ(env.link("/a/b/f", "/a/b/g").error().code, IoError::kExists);
  EXPECT_THAT(*env.list("/a/b"), ElementsAre("f", "g"));
  EXPECT_THAT(*env.list("/a"), ElementsAre("b"));
  EXPECT_THAT(*env.list("/"), ElementsAre("a"));
  ASSERT_TRUE(env.rename("/a/b", "/a/c"));
  EXPECT_THAT(*env.list("/a/c"), ElementsAre("f", "g"));
  ASSERT_TRUE(env.remove("/a/c/f"));
  EXPECT_EQ(content(env, "/a/c/g").size(), 4U);
  ASSERT_TRUE(env.remove_all("/a"));
  EXPECT_THAT(*env.list("/"), IsEmpty());
  const auto held = env.lock("/lock");
  EXPECT_EQ(env.lock("/lock").error().code, IoError::kLocked);
}

TEST(MemEnv, a_copy_is_apart) {
  MemEnv env;
  const auto file = create(env, "/f");
  ASSERT_TRUE(file->write_at(0, "one"));
  const auto copy = env.copy();
  ASSERT_TRUE(file->write_at(0, "two"));
  EXPECT_EQ(content(env, "/f"), "two");
  EXPECT_EQ(content(*copy, "/f"), "one");
}

TEST(MemEnv, a_power_cut_keeps_what_was_synced) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    SeededRandom random(seed);
    MemEnv env;
    const auto file = create(env, "/f");
    ASSERT_TRUE(file->write_at(0, std::string(2048, 'a')));
    ASSERT_TRUE(file->sync());
    ASSERT_TRUE(env.sync_dir("/"));
    EXPECT_EQ(content(*env.after_power_cut(random), "/f"), std::string(2048, 'a'));
  }
}

TEST(MemEnv, a_power_cut_drops_tears_and_reorders_what_was_not_synced) {
  std::set<std::string> seen;
  std::set<std::string> names_seen;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SeededRandom random(seed);
    MemEnv env;
    const auto file = create(env, "/f");
    ASSERT_TRUE(file->write_at(0, std::string(1024, 'a')));
    ASSERT_TRUE(file->sync());
    ASSERT_TRUE(env.sync_dir("/"));
    ASSERT_TRUE(file->write_at(0, std::string(1024, 'b')));
    (void)create(env, "/x");
    ASSERT_TRUE(env.rename("/f", "/g"));
    const auto left = env.after_power_cut(random);
    const bool renamed = left->stat("/g").has_value();
    EXPECT_NE(left->stat("/f").has_value(), renamed) << "a rename is atomic";
    const auto text = content(*left, renamed ? "/g" : "/f");
    ASSERT_EQ(text.size(), 1024U);
    seen.insert({text[0], text[511], text[512], text[1023]});
    names_seen.insert(std::string(renamed ? "g" : "f") + (left->stat("/x") ? "x" : ""));
  }
  EXPECT_THAT(seen, ElementsAre("aaaa", "aabb", "bbaa", "bbbb"));
  EXPECT_THAT(names_seen, ElementsAre("f", "fx", "g", "gx"));
}

TEST(MemEnv, a_lost_folder_takes_its_files_along) {
  bool lost = false;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    SeededRandom random(seed);
    MemEnv env;
    ASSERT_TRUE(env.make_dirs("/d"));
    ASSERT_TRUE(create(env, "/d/f")->sync());
    ASSERT_TRUE(env.sync_dir("/d"));
    const auto left = env.after_power_cut(random);
    EXPECT_EQ(left->stat("/d").has_value(), left->stat("/d/f").has_value());
    lost = lost || !left->stat("/d");
  }
  EXPECT_TRUE(lost);
}

TEST(FaultEnv, fails_the_change_that_was_planned) {
  MemEnv disk;
  SeededRandom random(1);
  FaultEnv env(disk, random);
  const auto file = create(env, "/f");
  env.fail_change(FaultEnv::Change::kSync, 2, IoError::kOther);
  env.fail_change(FaultEnv::Change::kAny, 1, IoError::kNoSpace);
  EXPECT_EQ(file->write_at(0, "x").error().code, IoError::kNoSpace);
  EXPECT_TRUE(file->sync());
  EXPECT_EQ(file->sync().error().code, IoError::kOther);
  EXPECT_TRUE(file->sync());
  EXPECT_EQ(*file->size(), 0U);
  EXPECT_EQ(env.changes(FaultEnv::Change::kSync), 3U);
  EXPECT_EQ(env.failed_changes(), 2U);
}

TEST(FaultEnv, a_failed_sync_may_leave_pages_that_are_read_and_never_written) {
  MemEnv disk;
  SeededRandom random(1);
  FaultEnv env(disk, random);
  env.on_failed_sync([&](const std::string& path) { disk.forget_unsynced(path); });
  const auto file = create(env, "/f");
  ASSERT_TRUE(file->write_at(0, "first"));
  ASSERT_TRUE(file->sync());
  ASSERT_TRUE(env.sync_dir("/"));
  ASSERT_TRUE(file->write_at(0, "other"));
  env.fail_change(FaultEnv::Change::kSync, 1, IoError::kOther);
  EXPECT_FALSE(file->sync());
  EXPECT_TRUE(file->sync()) << "the next one knows nothing of it";
  EXPECT_EQ(content(env, "/f"), "other");
  EXPECT_EQ(content(*disk.after_power_cut(random), "/f"), "first");
  ASSERT_TRUE(file->write_at(0, "O"));
  ASSERT_TRUE(file->sync());
  EXPECT_EQ(content(*disk.after_power_cut(random), "/f"), "Other") << "the page was written again";
}

TEST(FaultEnv, a_full_disk_takes_overwrites_only) {
  MemEnv disk;
  SeededRandom random(1);
  FaultEnv env(disk, random);
  const auto file = create(env, "/f");
  ASSERT_TRUE(file->write_at(0, "abcd"));
  env.set_full(true);
  EXPECT_TRUE(file->write_at(0, "ABCD"));
  EXPECT_EQ(file->write_at(2, "ABCD").error().code, IoError::kNoSpace);
  EXPECT_EQ(env.open("/g", OpenMode::kCreateExclusive).error().code, IoError::kNoSpace);
  EXPECT_TRUE(env.remove("/f"));
}

TEST(FaultEnv, each_change_can_be_looked_at_before_it_is_done) {
  MemEnv disk;
  SeededRandom random(1);
  FaultEnv env(disk, random);
  std::vector<std::string> seen;
  env.on_change([&] { seen.push_back(content(disk, "/f")); });
  const auto file = create(env, "/f");
  ASSERT_TRUE(file->write_at(0, "a"));
  ASSERT_TRUE(file->sync());
  EXPECT_EQ(content(env, "/f"), "a");
  env.cut_power();
  EXPECT_TRUE(env.is_down());
  EXPECT_FALSE(file->write_at(0, "b"));
  EXPECT_THAT(seen, ElementsAre("absent", "", "a"));
  EXPECT_EQ(content(disk, "/f"), "a");
}

TEST(FaultEnv, after_a_cut_nothing_works_and_the_change_may_have_happened) {
  std::set<std::string> seen;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    MemEnv disk;
    SeededRandom random(seed);
    FaultEnv env(disk, random);
    const auto file = create(env, "/f");
    ASSERT_TRUE(file->write_at(0, "a"));
    env.cut_power_at(1);
    EXPECT_FALSE(file->write_at(0, "b"));
    EXPECT_TRUE(env.is_down());
    EXPECT_FALSE(env.list("/"));
    EXPECT_FALSE(file->sync());
    seen.insert(content(disk, "/f"));
  }
  EXPECT_THAT(seen, ElementsAre("a", "b"));
}

}  // namespace
}  // namespace sluice::base
