#include "pipeline/spec.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "base/uuid.h"

namespace sluice::pipeline {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string error_of(const std::string& yaml) {
  const auto spec = parse_spec(yaml, "/p/spark-pipeline.yml");
  if (spec) return "accepted";
  EXPECT_EQ(spec.error().code, PipelineError::kInvalidProject);
  return spec.error().message;
}

const std::string kGood = "name: n\nstorage: file:///tmp/s\n";

TEST(Spec, ReadsEveryField) {
  const auto spec = parse_spec(kGood +
                                   "catalog: spark_catalog\nschema: s\nlibraries:\n"
                                   "  - glob: {include: transformations/**}\n"
                                   "  - glob:\n      include: ./more/a.sql\n"
                                   "configuration:\n  k: \"2\"\n  z: 'true'\n  w: plain\n",
                               "p");
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(spec->name, "n");
  EXPECT_EQ(spec->catalog, "spark_catalog");
  EXPECT_EQ(spec->database, "s");
  EXPECT_THAT(spec->libraries, ElementsAre("transformations/**", "more/a.sql"));
  EXPECT_EQ(spec->configuration.at("k"), "2");
  EXPECT_EQ(spec->configuration.at("z"), "true");
  EXPECT_EQ(spec->configuration.at("w"), "plain");
  EXPECT_EQ(parse_spec(kGood + "database: d\nschema: s\n", "p")->database, "d");
}

TEST(Spec, SaysWhatSparkSays) {
  EXPECT_THAT(error_of(kGood + "foo: 1\n"),
              HasSubstr("[PIPELINE_SPEC_UNEXPECTED_FIELD] Pipeline spec field `foo` is "
                        "unexpected."));
  EXPECT_THAT(error_of("name: n\n"),
              HasSubstr("[PIPELINE_SPEC_MISSING_REQUIRED_FIELD] Pipeline spec missing required "
                        "field `storage`."));
  for (const auto& [value, type] : std::vector<std::pair<std::string, std::string>>{
           {"2", "int"}, {"true", "bool"}, {"1.5", "float"}, {"~", "NoneType"}, {"[a]", "list"}})
    EXPECT_THAT(error_of(kGood + "configuration:\n  k: " + value + "\n"),
                HasSubstr("[PIPELINE_SPEC_DICT_VALUE_NOT_STRING] For pipeline spec field "
                          "`configuration`, value for key `k` should be a string, got " +
                          type + "."));
  EXPECT_THAT(error_of(kGood + "configuration: [1]\n"), HasSubstr("PIPELINE_SPEC_FIELD_NOT_DICT"));
  for (const char* storage : {"st", "/abs/path", "file:", "1x:/a"})
    EXPECT_THAT(error_of(std::string("name: n\nstorage: '") + storage + "'\n"),
                HasSubstr("[PIPELINE_STORAGE_ROOT_INVALID]"));
  for (const char* glob : {"a/*.sql", "**", "a/**/b.sql", "a*/**", "a/b?.sql"})
    EXPECT_THAT(error_of(kGood + "libraries:\n  - glob: {include: '" + glob + "'}\n"),
                HasSubstr("[PIPELINE_SPEC_INVALID_GLOB_PATTERN]"));
  EXPECT_THAT(error_of(kGood + "libraries:\n  - file: a.sql\n"), HasSubstr("libraries"));
  EXPECT_THAT(error_of(kGood + "libraries:\n  - glob: {include: '../x/**'}\n"),
              HasSubstr("UNSUPPORTED_BY_SLUICE"));
  EXPECT_THAT(error_of("{"), HasSubstr("not YAML"));
  EXPECT_THAT(error_of("- a"), HasSubstr("got list"));
}

TEST(Spec, GlobsNameFiles) {
  const auto spec = parse_spec(
      kGood + "libraries:\n  - glob: {include: t/**}\n  - glob: {include: t/a.sql}\n", "p");
  ASSERT_TRUE(spec);
  const std::map<std::string, std::string> files = {
      {"t/a.sql", ""}, {"t/deep/b.sql", ""}, {"tt/c.sql", ""}, {"README.md", ""}};
  EXPECT_THAT(*library_files(*spec, files), ElementsAre("t/a.sql", "t/deep/b.sql", "t/a.sql"));
  EXPECT_THAT(library_files(*spec, {{"t/README.md", ""}}).error().message,
              HasSubstr("[PIPELINE_UNSUPPORTED_DEFINITIONS_FILE_EXTENSION]"));
  EXPECT_THAT(library_files(*spec, {{"t/a.py", ""}}).error().message,
              HasSubstr("UNSUPPORTED_BY_SLUICE"));
}

class LoadProject : public ::testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(root_ / "p" / "t" / "deep"); }
  void TearDown() override { std::filesystem::remove_all(root_); }
  void write(const std::string& name, const std::string& text) {
    std::ofstream(root_ / name) << text;
  }
  const std::filesystem::path root_ =
      std::filesystem::temp_directory_path() / ("sluice-" + base::random_uuid());
};

TEST_F(LoadProject, FindsTheSpecAboveAndReadsWhatItNames) {
  write("p/spark-pipeline.yml", kGood + "libraries:\n  - glob: {include: t/**}\n");
  write("p/t/a.sql", "A");
  write("p/t/deep/b.sql", "B");
  write("p/other.sql", "no");
  const auto project = load_project((root_ / "p" / "t" / "deep").string(), "");
  ASSERT_TRUE(project) << project.error().message;
  EXPECT_EQ(project->spec_path, (root_ / "p" / "spark-pipeline.yml").string());
  EXPECT_EQ(project->files,
            (std::map<std::string, std::string>{{"t/a.sql", "A"}, {"t/deep/b.sql", "B"}}));
}

TEST_F(LoadProject, FilesAreBounded) {
  const std::string spec = kGood + "libraries:\n  - glob: {include: t/**}\n";
  write("p/spark-pipeline.yml", spec);
  write("p/t/a.sql", "A");
  const auto words = [&] {
    const auto project = load_project((root_ / "p").string(), "");
    return project ? "loaded" : project.error().message;
  };
  std::filesystem::resize_file(root_ / "p" / "t" / "a.sql", 16 << 20);
  EXPECT_EQ(words(), "loaded");
  std::filesystem::resize_file(root_ / "p" / "t" / "a.sql", (16 << 20) + 1);
  EXPECT_THAT(words(), HasSubstr("more than the limit of 16777216"));
  std::filesystem::remove(root_ / "p" / "t" / "a.sql");
  for (int i = 0; i < 10'000; ++i)
    write("p/t/" + std::to_string(i) + ".sql", "");
  EXPECT_EQ(words(), "loaded");
  write("p/t/more.sql", "");
  EXPECT_EQ(words(), "more than 10000 files");
}

TEST(Spec, IsAtMostAMebibyte) {
  const std::string comment = kGood + "#";
  EXPECT_EQ(error_of(comment + std::string((1 << 20) - comment.size(), 'x')), "accepted");
  EXPECT_THAT(error_of(comment + std::string((1 << 20) - comment.size() + 1, 'x')),
              HasSubstr("larger than 1048576 bytes"));
}

TEST_F(LoadProject, SaysWhatSparkSays) {
  EXPECT_THAT(load_project(root_.string(), (root_ / "no.yml").string()).error().message,
              HasSubstr("[PIPELINE_SPEC_FILE_DOES_NOT_EXIST]"));
  EXPECT_THAT(load_project(root_.string(), "").error().message,
              HasSubstr("[PIPELINE_SPEC_FILE_NOT_FOUND]"));
  write("spark-pipeline.yml", kGood);
  write("spark-pipeline.yaml", kGood);
  EXPECT_THAT(load_project(root_.string(), "").error().message,
              HasSubstr("[MULTIPLE_PIPELINE_SPEC_FILES_FOUND]"));
}

}  // namespace
}  // namespace sluice::pipeline
