// What is exported imports to the same API: of each document here and of the walkthrough's, in both
// versions of OpenAPI, as JSON and as YAML.
#include "gateway/export.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "gateway/model_json.h"
#include "gateway/openapi.h"
#include "gateway/print_document.h"

namespace sluice::gateway {
namespace {

using testing::HasSubstr;

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

RestApi import(const std::string& text, const ImportOptions& options = {}) {
  base::SeededRandom random(1);
  auto api = import_openapi(text, random, options);
  EXPECT_TRUE(api) << api.error().message << "\n" << text;
  if (!api) return {};
  api->warnings.clear();
  return std::move(*api);
}

std::vector<std::filesystem::path> documents() {
  const std::filesystem::path source(SLUICE_SOURCE_DIR);
  std::vector<std::filesystem::path> out = {source / "examples/pinterest/api.yaml"};
  for (const auto& entry :
       std::filesystem::directory_iterator(source / "src/gateway/testdata/openapi"))
    out.push_back(entry.path());
  return out;
}

constexpr ExportOptions kAll = {.integrations = true, .authorizers = true, .others = true};

TEST(Export, ImportsToTheSameApi) {
  const auto all = documents();
  ASSERT_GE(all.size(), 4U);
  for (const auto& path : all) {
    RestApi api = import(read_file(path));
    api.id = "abc";
    api.region = "eu-west-1";
    const std::string want = api_document(api);
    for (const auto type : {ExportType::kOas30, ExportType::kSwagger}) {
      for (const auto format : {ExportFormat::kJson, ExportFormat::kYaml}) {
        const std::string text = export_openapi(api, "Prod",
                                                {.type = type,
                                                 .format = format,
                                                 .integrations = true,
                                                 .authorizers = true,
                                                 .others = true});
        EXPECT_EQ(text.starts_with(format == ExportFormat::kJson ? "{\n  \"" : "---\n"), true);
        EXPECT_EQ(api_document(import(text, {.existing = &api})), want) << path << "\n" << text;
        // So is a new API of it, but for its ids.
        RestApi copy = import(text);
        copy.id = api.id;
        copy.region = api.region;
        EXPECT_EQ(export_openapi(copy, "Prod", kAll), export_openapi(api, "Prod", kAll)) << path;
      }
    }
  }
}

TEST(Export, WithoutExtensionsSaysWhatClientsNeed) {
  RestApi api = import(read_file(std::filesystem::path(SLUICE_SOURCE_DIR) /
                                 "src/gateway/testdata/openapi/parts.yaml"));
  const std::string plain = export_openapi(api, "Prod", {});
  EXPECT_THAT(plain, testing::Not(HasSubstr("x-amazon-apigateway-i")));
  EXPECT_THAT(plain, testing::Not(HasSubstr("x-amazon-apigateway-auth")));
  EXPECT_THAT(plain, testing::Not(HasSubstr("x-amazon-apigateway-policy")));
  EXPECT_THAT(plain, HasSubstr("\"api_key\" : [ ]"));
  EXPECT_THAT(plain, HasSubstr("\"default\" : \"Prod\""));
  const std::string integrations = export_openapi(api, "Prod", {.integrations = true});
  EXPECT_THAT(integrations, HasSubstr("x-amazon-apigateway-integration\""));
  EXPECT_THAT(integrations, testing::Not(HasSubstr("x-amazon-apigateway-policy")));
}

TEST(PrintDocument, LaysOutAsApiGatewayDoes) {
  const char* json = R"({"a":{"b":[1,"x",{"c":null}],"e":{},"l":[]},"200":true,"on":"two\nlines"})";
  EXPECT_EQ(print_json(json),
            "{\n  \"a\" : {\n    \"b\" : [ 1, \"x\", {\n      \"c\" : null\n    } ],\n"
            "    \"e\" : { },\n    \"l\" : [ ]\n  },\n  \"200\" : true,\n"
            "  \"on\" : \"two\\nlines\"\n}");
  EXPECT_EQ(print_yaml(json),
            "---\na:\n  b:\n  - 1\n  - \"x\"\n  - c: null\n  e: {}\n  l: []\n\"200\": true\n"
            "\"on\": \"two\\nlines\"\n");
}

}  // namespace
}  // namespace sluice::gateway
