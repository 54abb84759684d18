#include "pipeline/graph.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "pipeline/names.h"

namespace sluice::pipeline {
namespace {

using ::testing::HasSubstr;

ProjectFiles project(std::map<std::string, std::string> files) {
  ProjectFiles out;
  out.spec_path = "spark-pipeline.yml";
  out.spec = "name: n\nstorage: file:///tmp/s\nlibraries:\n  - glob: {include: t/**}\n";
  for (auto& [name, text] : files)
    out.files["t/" + name] = std::move(text);
  return out;
}

std::string error_of(std::map<std::string, std::string> files) {
  const auto graph = Graph::make(project(std::move(files)));
  if (graph) return "accepted";
  EXPECT_EQ(graph.error().code, PipelineError::kInvalidProject);
  return graph.error().message;
}

const std::string kRead = "FROM STREAM read_kinesis(streamName => 's')";

TEST(Graph, KnowsTablesFlowsAndViewsOverAllFiles) {
  const auto graph = Graph::make(project({
      {"a.sql",
       "CREATE STREAMING TABLE t COMMENT 'c' AS SELECT * FROM STREAM v;\n"
       "-- one without a query\nCREATE STREAMING TABLE `0x u` (a INT);"},
      {"b.sql", "CREATE TEMPORARY VIEW v AS SELECT data " + kRead +
                    ";\nCREATE FLOW f AS INSERT INTO `0x u` BY NAME SELECT 1 AS a " + kRead},
  }));
  ASSERT_TRUE(graph) << graph.error().message;
  EXPECT_EQ(graph->datasets().size(), 2U);
  EXPECT_EQ(graph->flows().size(), 2U);
  EXPECT_TRUE(graph->views().at("v").streaming);
  const auto into = graph->flows_into({"spark_catalog", "default", "0X U"});
  ASSERT_EQ(into.size(), 1U);
  EXPECT_EQ(dotted(into[0]->full), "spark_catalog.default.f");
  const GraphDataset* t = graph->find_dataset({"spark_catalog", "default", "T"});
  ASSERT_NE(t, nullptr);
  EXPECT_EQ(t->statement.comment, "c");
}

TEST(Graph, TheTextOfAFlowsViewsIsBounded) {
  // Each view reads both below: what is inlined doubles.
  std::string sql =
      "CREATE TEMPORARY VIEW v0 AS SELECT 1 AS a; CREATE TEMPORARY VIEW w0 AS SELECT 1 AS a;";
  for (int i = 1; i < 30; ++i)
    for (const char* name : {"v", "w"})
      sql += fmt::format(
          "CREATE TEMPORARY VIEW {0}{1} AS SELECT v{2}.a FROM v{2} JOIN w{2} ON v{2}.a = w{2}.a;\n",
          name, i, i - 1);
  sql += "CREATE STREAMING TABLE t AS SELECT v29.a " + kRead + " s JOIN v29 ON true;";
  EXPECT_THAT(error_of({{"a.sql", sql}}), HasSubstr("too many to be inlined"));
}

TEST(Graph, TheHashOfAFlowCoversItsViews) {
  const auto hash_of = [](const std::string& view) {
    const auto graph = Graph::make(project({{"a.sql",
                                             "CREATE STREAMING TABLE t AS SELECT * FROM STREAM v; "
                                             "CREATE TEMPORARY VIEW v AS " +
                                                 view + kRead}}));
    EXPECT_TRUE(graph) << graph.error().message;
    return graph->flows()[0].sql_hash;
  };
  EXPECT_EQ(hash_of("SELECT data "), hash_of("SELECT data "));
  EXPECT_NE(hash_of("SELECT data "), hash_of("SELECT stream "));
}

TEST(Graph, RefusesWithSparksWords) {
  EXPECT_THAT(error_of({{"a.sql", "-- nothing"}}), HasSubstr("[RUN_EMPTY_PIPELINE]"));
  EXPECT_THAT(error_of({{"a.sql", "CREATE TEMPORARY VIEW v AS SELECT 1"}}),
              HasSubstr("[RUN_EMPTY_PIPELINE]"));
  EXPECT_THAT(error_of({{"a.sql", "CREATE STREAMING TABLE t"}}),
              HasSubstr("[PIPELINE_DATASET_WITHOUT_FLOW] Pipeline dataset "
                        "`spark_catalog`.`default`.`t` does not have any defined flows."));
  const std::string t = "CREATE STREAMING TABLE t AS SELECT data " + kRead + ";";
  EXPECT_THAT(error_of({{"a.sql", t}, {"b.sql", t}}),
              HasSubstr("[PIPELINE_DUPLICATE_IDENTIFIERS.OUTPUT] Attempted to register a TABLE "
                        "with identifier `spark_catalog`.`default`.`t`"));
  EXPECT_THAT(
      error_of({{"a.sql", t + "CREATE FLOW t AS INSERT INTO t BY NAME SELECT data " + kRead}}),
      HasSubstr("[PIPELINE_DUPLICATE_IDENTIFIERS.FLOW]"));
  EXPECT_THAT(
      error_of({{"a.sql", t + "CREATE FLOW f AS INSERT INTO nosuch BY NAME SELECT data " + kRead}}),
      HasSubstr("Unsupported destination spark_catalog.default.nosuch in flow: "
                "spark_catalog.default.f at transformDownNodes"));
  EXPECT_THAT(error_of({{"a.sql", t + "CREATE FLOW f AS INSERT INTO t SELECT data " + kRead}}),
              HasSubstr("Only INSERT INTO by name flows supported."));
  EXPECT_THAT(error_of({{"a.sql", t + "\nSELECT 1"}}),
              HasSubstr("[PIPELINE_SQL_GRAPH_ELEMENT_REGISTRATION_ERROR] Unsupported plan"));
  EXPECT_THAT(error_of({{"a.sql",
                         "CREATE STREAMING TABLE a AS SELECT * FROM STREAM b;"
                         "CREATE STREAMING TABLE b AS SELECT * FROM STREAM a"}}),
              HasSubstr("Circular dependencies are not supported in a pipeline."));
  EXPECT_THAT(error_of({{"a.sql", t + "CREATE TEMPORARY VIEW v AS SELECT * FROM STREAM w;"
                                      "CREATE TEMPORARY VIEW w AS SELECT * FROM STREAM v"}}),
              HasSubstr("Circular dependencies"));
  EXPECT_THAT(error_of({{"a.sql", "CREATE STREAMING TABLE other.d.t AS SELECT data " + kRead}}),
              HasSubstr("UNSUPPORTED_BY_SLUICE"));
  const std::string parse = error_of({{"a.sql", "\n\nSELEC 1"}});
  EXPECT_THAT(parse, HasSubstr("PARSE_SYNTAX_ERROR"));
  EXPECT_THAT(parse, HasSubstr("t/a.sql"));
}

TEST(Graph, SchemaOfTheFileIsHonoured) {
  const auto graph = Graph::make(
      project({{"a.sql", "USE SCHEMA d; CREATE STREAMING TABLE t AS SELECT data " + kRead},
               {"b.sql", "CREATE STREAMING TABLE t AS SELECT data " + kRead}}));
  ASSERT_TRUE(graph) << graph.error().message;
  EXPECT_NE(graph->find_dataset({"spark_catalog", "d", "t"}), nullptr);
  EXPECT_NE(graph->find_dataset({"spark_catalog", "default", "t"}), nullptr);
}

TEST(Names, FoldersOfNamesAreReadBack) {
  for (const std::string name : {"plain_1", "with space", "ü.ß", "..", "a/b", "%41"}) {
    EXPECT_EQ(decode_name(encode_name(name)), name);
    EXPECT_EQ(encode_name(name).find('/'), std::string::npos);
  }
  EXPECT_EQ(encode_name("A.b c"), "a%2Eb%20c");
}

}  // namespace
}  // namespace sluice::pipeline
