// Parser, places of errors, lowering of flows, sessions. What queries mean is checked against
// Spark's recorded answers (tests/conformance/spark).
#include "sparksql/sparksql.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "sparksql/parser.h"
#include "sparksql/session.h"

namespace sluice::sparksql {
namespace {

using testing::HasSubstr;

class Views final : public Catalog {
 public:
  std::optional<Relation> find(const TableName& name) const override {
    const auto found = relations.find(name.back());
    return found == relations.end() ? std::nullopt : std::optional(found->second);
  }
  std::vector<std::string> names() const override {
    std::vector<std::string> out;
    for (const auto& [name, relation] : relations) {
      out.push_back("`" + name + "`");
    }
    return out;
  }
  void add_view(const std::string& name, const std::string& text) {
    Relation relation;
    relation.kind = Relation::Kind::kView;
    relation.view = parse_statements(text, name)->at(0).query;
    relation.full_name = {name};
    relations[name] = relation;
  }
  std::map<std::string, Relation> relations;
};

SqlError error_of(const std::string& sql) {
  const auto statements = parse_statements(sql, "a.sql");
  if (!statements) {
    return statements.error();
  }
  const auto lowered = lower_query(statements->at(0).query, Views(), {});
  return lowered ? SqlError{} : lowered.error();
}

std::string lines_of(const std::string& text) {
  auto database = duck::Database::open({});
  auto connection = database->connect();
  const Views views;
  auto session = Session::open(*connection, views);
  std::string out;
  (*session)->run_text(text, "a.sql", [&](std::string_view piece) { out += piece; });
  return out;
}

TEST(Parser, SplitsStatementsAndKeepsTheirPlaces) {
  const auto all =
      parse_statements("-- first\nSELECT 1;\n\n  /* a /* b */ c; */ SET a.b = c d;", "x");
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 2U);
  EXPECT_EQ(all->at(0).place.line, 2);
  EXPECT_EQ(all->at(1).place.column, 22);
  EXPECT_EQ(all->at(1).properties.at("a.b"), "c d");
}

TEST(Parser, TakesNamesThatStartWithADigit) {
  const auto all = parse_statements("SELECT t.0e1x FROM 0e36c8cd403d_geo_table t", "x");
  ASSERT_TRUE(all);
  EXPECT_EQ(tables_read(*all->at(0).query), (std::vector<TableName>{{"0e36c8cd403d_geo_table"}}));
}

TEST(Parser, SaysWhereAnErrorIs) {
  const SqlError error = error_of("SELECT a,\n  FROM t");
  EXPECT_EQ(error.error_class, "PARSE_SYNTAX_ERROR");
  EXPECT_EQ(error.sql_state, "42601");
  EXPECT_EQ(error.place.line, 2);
  EXPECT_EQ(error.place.column, 3);
  EXPECT_EQ(error.place.file, "a.sql");
}

TEST(Parser, RefusesEndlessNesting) {
  const std::string deep(100000, '(');
  EXPECT_EQ(error_of("SELECT " + deep).error_class, "UNSUPPORTED_BY_SLUICE");
  std::string chain = "SELECT 1";
  for (int i = 0; i < 5000; ++i) {
    chain += " + 1";
  }
  EXPECT_EQ(error_of(chain).error_class, "UNSUPPORTED_BY_SLUICE");
}

std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i)
    out += text;
  return out;
}

TEST(Parser, RefusesEndlessTexts) {
  const std::string text = "SELECT 1 --";
  EXPECT_EQ(error_of(text + std::string((16 << 20) - text.size(), 'x')).error_class, "");
  const SqlError error = error_of(text + std::string((16 << 20) - text.size() + 1, 'x'));
  EXPECT_EQ(error.error_class, "UNSUPPORTED_BY_SLUICE");
}

TEST(Parser, RefusesManyGroupingSets) {
  const auto rollup = [](int columns) {
    return "SELECT count(*) FROM t GROUP BY ROLLUP(1" + repeated(", 1", columns - 1) + ")";
  };
  const auto cube = [](int columns) {
    return "SELECT count(*) FROM t GROUP BY CUBE(1" + repeated(", 1", columns - 1) + ")";
  };
  EXPECT_THAT(error_of(rollup(13)).message, testing::HasSubstr("12"));
  EXPECT_THAT(error_of(cube(13)).message, testing::HasSubstr("12"));
}

TEST(Analyzer, RefusesWhatGrowsWithoutEnd) {
  // DuckDB writes a quote as two.
  const auto quotes = [](std::size_t count) { return '"' + std::string(count, '\'') + '"'; };
  constexpr std::size_t kMiB = std::size_t{1} << 20;
  EXPECT_EQ(error_of("SELECT " + quotes(3 * kMiB)).error_class, "");
  EXPECT_THAT(error_of("SELECT " + quotes(4 * kMiB)).message,
              testing::HasSubstr("an expression this large"));
  EXPECT_THAT(
      error_of("SELECT " + quotes(3 * kMiB) + ", " + quotes(3 * kMiB) + ", " + quotes(3 * kMiB))
          .message,
      testing::HasSubstr("a query this large"));
  EXPECT_THAT(error_of("SELECT count(*) FROM (SELECT 1 AS a) GROUP BY ROLLUP(a, a, a, a, a, a, a, "
                       "a, a, a, a, a), "
                       "CUBE(a, a, a, a, a, a, a, a, a)")
                  .message,
              testing::HasSubstr("more than 4096 grouping sets"));
}

TEST(Parser, GoesOnAfterAnErrorWhenAsked) {
  const auto all = parse_statements_leniently("SELEC 1; SELECT 2; SELECT FROM; SELECT 4", "x");
  ASSERT_EQ(all.size(), 4U);
  EXPECT_FALSE(all[0]);
  EXPECT_TRUE(all[1]);
  EXPECT_FALSE(all[2]);
  EXPECT_TRUE(all[3]);
}

TEST(Types, ReadSchemaTexts) {
  const auto type = parse_schema_ddl("a INT, b ARRAY<STRUCT<x: MAP<STRING, DECIMAL(3,1)>>>", {});
  ASSERT_TRUE(type);
  EXPECT_EQ(type->to_ddl(), "struct<a:int,b:array<struct<x:map<string,decimal(3,1)>>>>");
  EXPECT_EQ(parse_schema_ddl("a DECIMAL(39,0)", {}).error().error_class,
            "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION");
}

TEST(Analyzer, SpeaksSparksErrors) {
  const SqlError column = error_of("SELECT countri FROM VALUES (1, 2) AS t(country, x)");
  EXPECT_EQ(column.error_class, "UNRESOLVED_COLUMN.WITH_SUGGESTION");
  EXPECT_THAT(column.message, HasSubstr("[`t`.`country`, `t`.`x`]"));
  EXPECT_EQ(column.place.column, 8);
  EXPECT_EQ(error_of("SELECT * FROM nowhere").error_class, "TABLE_OR_VIEW_NOT_FOUND");
  EXPECT_EQ(error_of("SELECT nofunc(1)").error_class, "UNRESOLVED_ROUTINE");
  EXPECT_EQ(error_of("SELECT a, count(*) FROM VALUES (1) AS t(a)").error_class, "MISSING_GROUP_BY");
  EXPECT_EQ(error_of("SELECT a, count(*) FROM VALUES (1, 2) AS t(a, b) GROUP BY b").error_class,
            "MISSING_AGGREGATION");
  EXPECT_EQ(error_of("SELECT a FROM VALUES (1) AS t(a), VALUES (2) AS u(a)").error_class,
            "AMBIGUOUS_REFERENCE");
  EXPECT_EQ(error_of("SELECT true + 1").error_class, "DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES");
}

TEST(Analyzer, RefusesAViewThatReadsItself) {
  Views views;
  views.add_view("a", "SELECT * FROM b");
  views.add_view("b", "SELECT * FROM a");
  const auto query = parse_statements("SELECT * FROM a", "x")->at(0).query;
  const auto lowered = lower_query(query, views, {});
  ASSERT_FALSE(lowered);
  EXPECT_EQ(lowered.error().error_class, "RECURSIVE_VIEW");
}

TEST(Flow, IsCutAtDistinctOverTheStream) {
  Views views;
  views.add_view(
      "rows",
      "SELECT DISTINCT r.* FROM (SELECT from_json(CAST(data AS STRING), 'a INT, b STRING') "
      "AS r FROM STREAM read_kinesis(streamName => 's', initialPosition => 'earliest'))");
  const auto query = parse_statements("SELECT a + 1 AS n, b FROM STREAM rows", "x")->at(0).query;
  EXPECT_TRUE(reads_stream(*query));
  const auto flow = lower_flow(query, views, {});
  ASSERT_TRUE(flow) << flow.error().to_string();
  ASSERT_EQ(flow->sources.size(), 1U);
  EXPECT_EQ(flow->sources[0].options.at("streamname"), "s");
  ASSERT_TRUE(flow->distinct_input);
  EXPECT_EQ(flow->distinct_input->schema.to_ddl(), "struct<a:int,b:string>");
  EXPECT_EQ(flow->distinct_input->functions.size(), 1U);
  EXPECT_THAT(flow->query.duckdb_sql, HasSubstr("__distinct0"));
  EXPECT_EQ(flow->query.schema.to_ddl(), "struct<n:int,b:string>");
  EXPECT_TRUE(flow->query.functions.empty());
}

TEST(Flow, RefusesWhatAnAppendOnlyTableCannotBe) {
  const auto refused = [](const std::string& text) {
    const auto query = parse_statements(text, "x")->at(0).query;
    const auto flow = lower_flow(query, Views(), {});
    return flow ? std::string() : flow.error().error_class;
  };
  const std::string from = " FROM STREAM read_kinesis(streamName => 's')";
  EXPECT_EQ(refused("SELECT count(*)" + from), "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION");
  EXPECT_EQ(refused("SELECT data" + from + " ORDER BY data"),
            "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION");
  EXPECT_EQ(refused("SELECT row_number() OVER (ORDER BY data)" + from),
            "NON_TIME_WINDOW_NOT_SUPPORTED_IN_STREAMING");
  EXPECT_EQ(refused("SELECT data FROM STREAM read_kinesis(streamName => 's', awsAccessKey => 'k')"),
            "UNSUPPORTED_BY_SLUICE");
}

TEST(Examples, ThePinterestProjectIsTaken) {
  const std::filesystem::path folder =
      std::filesystem::path(SLUICE_SOURCE_DIR) / "examples/pinterest/transformations";
  Views views;
  std::vector<Statement> tables;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream in(entry.path());
    std::stringstream text;
    text << in.rdbuf();
    auto statements = parse_statements(text.str(), entry.path().filename());
    ASSERT_TRUE(statements) << statements.error().to_string();
    for (const auto& statement : *statements) {
      if (statement.kind == StatementKind::kCreateTemporaryView) {
        Relation relation;
        relation.kind = Relation::Kind::kView;
        relation.view = statement.query;
        relation.full_name = statement.name;
        views.relations[statement.name[0]] = relation;
      } else {
        tables.push_back(statement);
      }
    }
  }
  ASSERT_EQ(tables.size(), 3U);
  for (const auto& table : tables) {
    const auto flow = lower_flow(table.query, views, {});
    ASSERT_TRUE(flow) << flow.error().to_string();
    EXPECT_TRUE(flow->distinct_input);
  }
}

TEST(Session, PrintsOneLineAStatementAndGoesOn) {
  EXPECT_EQ(lines_of("CREATE TEMPORARY VIEW v AS SELECT 1 AS a, 'x\"' AS b;\n"
                     "SELECT a, b, array(a, NULL) AS c FROM v; SELECT nope FROM v"),
            "{\"schema\":\"struct<>\",\"rows\":[]}\n"
            "{\"schema\":\"struct<a:int,b:string,c:array<int>>\","
            "\"rows\":[[\"1\",\"x\\\"\",[\"1\",null]]]}\n"
            "{\"error\":{\"class\":\"UNRESOLVED_COLUMN.WITH_SUGGESTION\",\"sqlState\":\"42703\","
            "\"message\":\"A column, variable, or function parameter with name `nope` cannot be "
            "resolved. Did you mean one of the following? [`v`.`a`, `v`.`b`].\","
            "\"stage\":\"analysis\",\"line\":2,\"column\":49}}\n");
}

TEST(Session, MapsErrorsOfExecution) {
  EXPECT_THAT(lines_of("SELECT CAST('x' AS INT) AS a"),
              HasSubstr("\"class\":\"CAST_INVALID_INPUT\""));
  EXPECT_THAT(lines_of("SELECT 2147483647 + 1 AS a"),
              HasSubstr("\"class\":\"ARITHMETIC_OVERFLOW\""));
  EXPECT_THAT(lines_of("SELECT 1 / 0 AS a"), HasSubstr("\"class\":\"DIVIDE_BY_ZERO\""));
  EXPECT_THAT(lines_of("SET spark.sql.ansi.enabled = false; SELECT 1 / 0 AS a"),
              HasSubstr("\"rows\":[[null]]"));
}

TEST(Registry, ListsEveryFunctionOnce) {
  EXPECT_THAT(functions_markdown(), HasSubstr("`regexp_replace`"));
}

}  // namespace
}  // namespace sluice::sparksql
