// The example project, as its files are, over the real stream engine: what a reader of Delta sees
// in the three tables is what the walkthrough says.
#include <gmock/gmock.h>

#include <set>

#include "pipeline/engine_test_util.h"
#include "pipeline/runner.h"
#include "pipeline/spec.h"

namespace sluice::pipeline {
namespace {

const std::string kPin =
    R"j({"index":7528,"unique_id":"fbe5","title":"No Title Data Available","description":"No description available Story format","poster_name":"User Info Error","follower_count":"User Info Error","tag_list":"N,o, ,T,a,g,s, ,A,v,a,i,l,a,b,l,e","is_image_or_video":"multi-video(story page format)","image_src":"Image src error.","downloaded":0,"save_location":"Local save in /data/mens-fashion","category":"mens-fashion"})j";
const std::string kPin2 =
    R"j({"index":2863,"unique_id":"9bf3","title":"25 Super Fun \"Crafts\"","description":"Keep\nbusy","poster_name":"Of Life & Lisa","follower_count":"124k","tag_list":"a,b","is_image_or_video":"image","image_src":"https://example.invalid/2863.jpg","downloaded":1,"save_location":"Local save in /data/diy","category":"diy-and-crafts"})j";

std::multiset<std::string> rows_of(EngineBench& bench, const std::string& table,
                                   const std::string& columns) {
  const Lake lake(base::posix_env(), bench.clock, bench.root + "/lake");
  const LakeCatalog catalog(lake);
  const auto relation = catalog.find({table});
  EXPECT_TRUE(relation) << catalog.error();
  std::multiset<std::string> out;
  if (!relation) return out;
  duck::DatabaseOptions options;
  options.allowed_directories = {bench.root};
  auto database = duck::Database::open(options);
  auto connection = database->connect();
  auto result =
      connection->query("SELECT (" + columns + ")::VARCHAR FROM " + relation->duckdb_relation);
  EXPECT_TRUE(result) << result.error().message;
  while (true) {
    auto chunk = result->next();
    if (!chunk || !*chunk) return out;
    for (std::uint64_t i = 0; i < (*chunk)->size(); ++i)
      out.insert((*chunk)->column(0).is_null(i) ? "NULL"
                                                : std::string((*chunk)->column(0).text(i)));
  }
}

TEST(Pinterest, TheExampleMakesTheWalkthroughsTables) {
  EngineBench bench;
  for (const char* name : {"pin", "geo", "user"})
    bench.create(std::string("streaming-0e36c8cd403d-") + name, 4);
  for (int i = 0; i < 2; ++i) {  // every record twice
    bench.put("streaming-0e36c8cd403d-pin", kPin);
    bench.put("streaming-0e36c8cd403d-pin", kPin2);
    bench.put("streaming-0e36c8cd403d-pin", "no json");
    bench.put(
        "streaming-0e36c8cd403d-geo",
        R"j({"ind":7528,"timestamp":"2020-08-28T03:52:47","latitude":-89.9787,"longitude":-173.293,"country":"Cote d'Ivoire"})j");
    bench.put(
        "streaming-0e36c8cd403d-geo",
        R"j({"longitude":-173.293,"ind":7528,"timestamp":"2020-08-28T03:52:47","latitude":-89.9787,"country":"Cote d'Ivoire","more":1})j");
    bench.put(
        "streaming-0e36c8cd403d-user",
        R"j({"ind":7528,"first_name":"Abigail","last_name":"Ali","age":20,"date_joined":"2015-10-24T11:23:51"})j");
    bench.put("streaming-0e36c8cd403d-user",
              R"j({"ind":1,"first_name":"Ann","age":"20","date_joined":"soon"})j");
  }
  const auto project =
      load_project(std::string(SLUICE_SOURCE_DIR) + "/examples/pinterest/transformations", "");
  ASSERT_TRUE(project) << project.error().message;
  const auto result = run(*project,
                          {base::posix_env(), base::system_clock(), base::system_random(),
                           bench.root + "/lake", local_sources(*bench.engine, *bench.engine)},
                          {});
  ASSERT_TRUE(result) << result.error().message;
  for (const FlowStatus& flow : result->flows) {
    EXPECT_EQ(flow.state, FlowState::kCompleted) << flow.name << ": " << flow.last_error;
    const bool pin = flow.name.ends_with("pin_table");
    EXPECT_EQ(flow.malformed_records, pin ? 2U : 0U) << flow.name;
    EXPECT_EQ(flow.malformed_sample, pin ? "no json" : "");
  }
  EXPECT_EQ(rows_of(bench, "0e36c8cd403d_pin_table",
                    "concat_ws('|', coalesce(ind::VARCHAR, '~'), coalesce(title, '~'), "
                    "coalesce(description, '~'), coalesce(follower_count::VARCHAR, '~'), "
                    "coalesce(poster_name, '~'), coalesce(tag_list, '~'), coalesce(image_src, "
                    "'~'), coalesce(save_location, '~'), coalesce(category, '~'))"),
            (std::multiset<std::string>{
                "7528|~|~|~|~|~|~|/data/mens-fashion|mens-fashion",
                "2863|25 Super Fun \"Crafts\"|Keep\nbusy|124000|Of Life & "
                "Lisa|a,b|https://example.invalid/2863.jpg|/data/diy|diy-and-crafts",
                "~|~|~|~|~|~|~|~|~"}));
  EXPECT_EQ(rows_of(bench, "0e36c8cd403d_geo_table",
                    "{'i': ind, 'c': country, 'l': coordinates, 't': epoch_us(timestamp)}"),
            (std::multiset<std::string>{
                "{'i': 7528, 'c': 'Cote d\\'Ivoire', 'l': [-89.9787, -173.293], 't': "
                "1598586767000000}"}));
  EXPECT_EQ(rows_of(bench, "0e36c8cd403d_user_table",
                    "concat_ws('|', ind, coalesce(user_name, '~'), coalesce(age::VARCHAR, '~'), "
                    "coalesce(epoch_us(date_joined)::VARCHAR, '~'))"),
            (std::multiset<std::string>{"7528|Abigail Ali|20|1445685831000000", "1|~|~|~"}));
}

}  // namespace
}  // namespace sluice::pipeline
