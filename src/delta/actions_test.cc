// Lines of the log, golden; what a reader tolerates; names in _delta_log; paths.
#include "delta/actions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "delta/paths.h"
#include "delta/protocol.h"
#include "delta/test_tables.h"

namespace sluice::delta {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Actions, CommitInfoAsSparksStreamingSinkWritesIt) {
  CommitInfo info;
  info.operation = "STREAMING UPDATE";
  info.parameters = {{"outputMode", "Append"}, {"queryId", "e4a2"}, {"epochId", "0"}};
  info.metrics = {{"numRemovedFiles", "0"}, {"numOutputRows", "5"}};
  info.extra = {{"sluice", R"({"batch":7})"}};
  info.txn_id = "2f6e";
  info.blind_append = true;
  std::string line;
  append_commit_info(line, info, 1564524299648, Version(2));
  EXPECT_EQ(line, R"({"commitInfo":{"timestamp":1564524299648,"operation":"STREAMING UPDATE",)"
                  R"("operationParameters":{"outputMode":"Append","queryId":"e4a2","epochId":"0"},)"
                  R"("readVersion":2,"isolationLevel":"Serializable","isBlindAppend":true,)"
                  R"("operationMetrics":{"numRemovedFiles":"0","numOutputRows":"5"},)"
                  R"("engineInfo":"Sluice/0.1.0","txnId":"2f6e","sluice":{"batch":7}}})"
                  "\n");
}

TEST(Actions, GoldenLines) {
  std::string lines;
  append_protocol(lines, Protocol{});
  append_protocol(lines, Protocol{.min_reader = 3,
                                  .min_writer = 7,
                                  .reader_features = {"timestampNtz"},
                                  .writer_features = {"appendOnly", "timestampNtz"}});
  auto metadata = simple_metadata();
  metadata.id = "6a3f";
  metadata.partition_columns = {"text"};
  metadata.configuration = {{"delta.appendOnly", "true"}};
  metadata.created_ms = 7;
  append_metadata(lines, metadata, "");
  append_txn(lines, Txn{"app", 3, 9});
  auto add = fake_file("text=a%20b/x.parquet");
  add.partition_values = {{"text", "a b"}};
  append_add(lines, add);
  append_remove(lines, RemoveFile{.path = "x.parquet",
                                  .deleted_ms = 5,
                                  .data_change = false,
                                  .partition_values = {{"text", std::nullopt}},
                                  .size_bytes = 100});
  append_remove(lines, RemoveFile{.path = "y.parquet",
                                  .deleted_ms = 5,
                                  .data_change = true,
                                  .partition_values = {},
                                  .size_bytes = -1});
  EXPECT_EQ(lines,
            R"({"protocol":{"minReaderVersion":1,"minWriterVersion":2}}
{"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["timestampNtz"],"writerFeatures":["appendOnly","timestampNtz"]}}
{"metaData":{"id":"6a3f","format":{"provider":"parquet","options":{}},"schemaString":"{\"type\":\"struct\",\"fields\":[{\"name\":\"id\",\"type\":\"integer\",\"nullable\":true,\"metadata\":{}},{\"name\":\"text\",\"type\":\"string\",\"nullable\":true,\"metadata\":{}}]}","partitionColumns":["text"],"configuration":{"delta.appendOnly":"true"},"createdTime":7}}
{"txn":{"appId":"app","version":3,"lastUpdated":9}}
{"add":{"path":"text=a%20b/x.parquet","partitionValues":{"text":"a b"},"size":100,"modificationTime":1,"dataChange":true,"stats":"{\"numRecords\":1}"}}
{"remove":{"path":"x.parquet","deletionTimestamp":5,"dataChange":false,"extendedFileMetadata":true,"partitionValues":{"text":null},"size":100}}
{"remove":{"path":"y.parquet","deletionTimestamp":5,"dataChange":true}}
)");
  const auto actions = parse_actions(lines, "x");
  ASSERT_TRUE(actions) << actions.error().message;
  EXPECT_EQ(actions->protocol->writer_features.size(), 2U);
  EXPECT_TRUE(actions->metadata->schema.same_as(metadata.schema));
  EXPECT_EQ(actions->metadata->configuration, metadata.configuration);
  EXPECT_EQ(actions->txns[0].version, 3);
  EXPECT_EQ(actions->adds[0].partition_values, add.partition_values);
  EXPECT_EQ(actions->adds[0].records(), 1);
  EXPECT_EQ(actions->removes[0].partition_values.at("text"), std::nullopt);
  EXPECT_EQ(actions->removes[1].size_bytes, -1);
}

// The sample of Delta 0.2.0 in the protocol's own test data, and things of the future.
TEST(Actions, ReadsOldAndTolerantly) {
  const auto actions = parse_actions(
      R"({"commitInfo":{"timestamp":1564524299648,"operation":"STREAMING UPDATE","operationParameters":{"outputMode":"Append","queryId":"e4","epochId":"0","x":{"y":[1]}},"readVersion":2,"isBlindAppend":true}}
{"txn":{"appId":"e4","version":0,"lastUpdated":1564524299648}}

{"add":{"path":"part-00000.snappy.parquet","partitionValues":{},"size":404,"modificationTime":1564524299000,"dataChange":true,"tags":null,"stats":null,"new":{"a":1}}}
{"somethingNew":{"a":[1,2,{"b":null}]}}
{"cdc":{"path":"c","partitionValues":{},"size":1,"dataChange":false}}
{"add":null,"txn":{"appId":"f","version":9007199254740993},"remove":null})",
      "x");
  ASSERT_TRUE(actions) << actions.error().message;
  EXPECT_EQ(actions->info->operation, "STREAMING UPDATE");
  EXPECT_EQ(actions->info->parameters.at("x"), R"({"y":[1]})");
  EXPECT_EQ(actions->info->timestamp_ms, 1564524299648);
  ASSERT_EQ(actions->adds.size(), 1U);
  EXPECT_EQ(actions->adds[0].records(), -1);
  ASSERT_EQ(actions->txns.size(), 2U);
  EXPECT_EQ(actions->txns[1].version, 9007199254740993);
  EXPECT_THAT(actions->unsupported, testing::IsEmpty());
}

TEST(Actions, NamesFileAndLineOfWhatIsBroken) {
  const auto message = [](std::string_view text) {
    const auto actions = parse_actions(text, "7.json");
    EXPECT_FALSE(actions) << text;
    if (actions) return std::string();
    EXPECT_EQ(actions.error().code, DeltaError::kCorrupt);
    return actions.error().message;
  };
  EXPECT_THAT(message("{\"a\":{}}\n{\"add\":{\"path\":\"x\""), HasSubstr("7.json:2: "));
  EXPECT_THAT(message("[]"), HasSubstr("not a JSON object"));
  EXPECT_THAT(message(R"({"add":{"path":7,"size":1}})"), HasSubstr("'path' is not a string"));
  EXPECT_THAT(message(R"({"add":{"path":"x"}})"), HasSubstr("'size' is not there"));
  EXPECT_THAT(message(R"({"add":{"path":"x","size":-1}})"), HasSubstr("'size'"));
  EXPECT_THAT(message(R"({"txn":{"appId":"x","version":1.5}})"), HasSubstr("an integer"));
  EXPECT_THAT(message(R"({"metaData":{"id":"x","schemaString":"{"}})"), HasSubstr("format"));
  EXPECT_THAT(message(R"({"protocol":{"minReaderVersion":99999,"minWriterVersion":1}})"),
              HasSubstr("protocol"));
  EXPECT_THAT(message("{\"add\":{\"path\":\"\xff\",\"size\":1}}"), HasSubstr("UTF-8"));
  EXPECT_THAT(message(std::string(5000, '[')), HasSubstr("7.json:1"));
}

TEST(Actions, DeletionVectorsAndSidecarsAreNamed) {
  const auto actions = parse_actions(
      R"({"add":{"path":"x","size":1,"deletionVector":{"storageType":"u"}}}
{"sidecar":{"path":"y"}}
{"domainMetadata":{"domain":"d","configuration":"","removed":false}})",
      "x");
  ASSERT_TRUE(actions);
  EXPECT_THAT(actions->unsupported, ElementsAre("deletionVectors", "sidecar", "domainMetadata"));
}

TEST(LogNames, RoundTripAndForeignOnes) {
  EXPECT_EQ(commit_name(Version(7)), "00000000000000000007.json");
  EXPECT_EQ(checkpoint_name(Version(10)), "00000000000000000010.checkpoint.parquet");
  const auto kind = [](std::string_view name) { return parse_log_name(name).kind; };
  EXPECT_EQ(kind("00000000000000000007.json"), LogFileKind::kCommit);
  EXPECT_EQ(parse_log_name("00000000000000000007.json").version, Version(7));
  EXPECT_EQ(kind("00000000000000000010.checkpoint.parquet"), LogFileKind::kCheckpoint);
  const auto part = parse_log_name("00000000000000000010.checkpoint.0000000002.0000000003.parquet");
  EXPECT_EQ(part.kind, LogFileKind::kMultiPartCheckpoint);
  EXPECT_EQ(part.part, 2);
  EXPECT_EQ(part.parts, 3);
  EXPECT_EQ(kind("00000000000000000010.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json"),
            LogFileKind::kV2Checkpoint);
  for (const auto* name :
       {"_last_checkpoint", ".tmp-x", "7.json", "00000000000000000007.crc", "",
        "0000000000000000000a.json", "00000000000000000007.json.tmp", "-0000000000000000007.json",
        "00000000000000000000.00000000000000000005.compacted.json",
        "00000000000000000010.checkpoint.0000000004.0000000003.parquet"})
    EXPECT_EQ(kind(name), LogFileKind::kOther) << name;
  EXPECT_EQ(parse_checkpoint_hint(R"({"version":20,"size":3})"), Version(20));
  for (const auto* text : {"", "{", "{}", R"({"version":-3})", R"({"version":"3"})", "7"})
    EXPECT_EQ(parse_checkpoint_hint(text), Version(-1)) << text;
}

TEST(Paths, StayBeneathTheTable) {
  EXPECT_EQ(local_path("part-0.parquet").value_or("?"), "part-0.parquet");
  EXPECT_EQ(local_path("a=b%20c%2525/x").value_or("?"), "a=b c%25/x");
  EXPECT_EQ(local_path("a=12:00/x").value_or("?"), "a=12:00/x");
  for (const auto* path :
       {"/etc/passwd", "../x", "a/../../x", "a/..", "%2e%2e/x", "a/%2e%2e/%2E%2E/x", "a//b", "./a",
        "a/", "", "file:///etc/passwd", "s3://bucket/x", "S3A:x", "%2Fetc/passwd", "a%", "a%zz",
        "a%00b", "a/%2F..%2F..%2Fb", "..%2f..%2fetc"}) {
    const auto found = local_path(path);
    ASSERT_FALSE(found) << path << " became " << *found;
    EXPECT_EQ(found.error().code, DeltaError::kUnsupported);
  }
}

TEST(Paths, EncodeAndDecodeAreInverse) {
  std::string all;
  for (int c = 1; c < 256; ++c)
    all.push_back(static_cast<char>(c));
  EXPECT_EQ(decode_path(encode_path(all)), all);
  EXPECT_EQ(encode_path("a=b c/é%"), "a=b%20c/%C3%A9%25");
  EXPECT_EQ(partition_folder("a/b", "x=y/z"), "a%2Fb=x%3Dy%2Fz");
  EXPECT_EQ(partition_folder("a", std::nullopt), "a=__HIVE_DEFAULT_PARTITION__");
  EXPECT_EQ(partition_folder("a", ""), "a=__HIVE_DEFAULT_PARTITION__");
  EXPECT_EQ(partition_folder("a", ".."), "a=..");
}

Metadata with_property(const std::string& name, const std::string& value) {
  auto metadata = simple_metadata();
  metadata.configuration[name] = value;
  return metadata;
}

TEST(Protocol, RefusesByName) {
  const auto plain = simple_metadata();
  const Protocol old{
      .min_reader = 1, .min_writer = 2, .reader_features = {}, .writer_features = {}};
  const auto features = [](std::vector<std::string> reader, std::vector<std::string> writer) {
    return Protocol{.min_reader = 3,
                    .min_writer = 7,
                    .reader_features = std::move(reader),
                    .writer_features = std::move(writer)};
  };
  const auto message = [](const DeltaResult<void>& result) {
    return result ? std::string("fine") : result.error().message;
  };
  EXPECT_TRUE(check_readable(old, plain, "parquet"));
  EXPECT_TRUE(check_writable(old, plain, plain.schema.to_json()));
  EXPECT_THAT(message(check_readable(old, plain, "orc")), HasSubstr("orc"));
  EXPECT_THAT(message(check_readable(features({"deletionVectors"}, {}), plain, "parquet")),
              HasSubstr("'deletionVectors'"));
  EXPECT_TRUE(check_readable(features({"timestampNtz", "v2Checkpoint"}, {}), plain, "parquet"));
  EXPECT_THAT(
      message(check_readable(
          Protocol{.min_reader = 4, .min_writer = 8, .reader_features = {}, .writer_features = {}},
          plain, "parquet")),
      HasSubstr("reader version 4"));
  EXPECT_THAT(message(check_writable(features({}, {"rowTracking"}), plain, "{}")),
              HasSubstr("'rowTracking'"));
  EXPECT_TRUE(check_writable(features({}, {"appendOnly", "checkConstraints"}), plain, "{}"));
  EXPECT_THAT(message(check_writable(old, with_property("delta.constraints.c", "id > 0"), "{}")),
              HasSubstr("delta.constraints.c"));
  EXPECT_THAT(
      message(check_readable(
          Protocol{.min_reader = 2, .min_writer = 5, .reader_features = {}, .writer_features = {}},
          with_property("delta.columnMapping.mode", "name"), "parquet")),
      HasSubstr("column mapping"));
  for (const auto* key : {"delta.invariants", "delta.generationExpression", "delta.identity.start",
                          "CURRENT_DEFAULT", "__CHAR_VARCHAR_TYPE_STRING"}) {
    const auto schema = std::string(R"({"type":"struct","fields":[{"name":"a","type":"integer",)") +
                        R"("nullable":true,"metadata":{"comment":"x",")" + key + R"(":"1"}}]})";
    EXPECT_FALSE(check_writable(old, plain, schema)) << key;
  }
}

TEST(Protocol, OfNewTables) {
  EXPECT_EQ(protocol_for(simple_metadata())->min_reader, 1);
  auto ntz = simple_metadata();
  ntz.schema = types::DataType::structure({types::make_field(
      "a", types::DataType::array(types::DataType::of(types::TypeKind::kTimestampNtz)))});
  EXPECT_EQ(protocol_for(ntz)->reader_features, std::vector<std::string>{"timestampNtz"});
  EXPECT_TRUE(protocol_for(with_property("pipelines.reset.allowed", "false")));
  EXPECT_EQ(protocol_for(with_property("delta.enableChangeDataFeed", "true")).error().code,
            DeltaError::kUnsupported);
  EXPECT_EQ(protocol_for(with_property("DELTA.columnMapping.mode", "id")).error().code,
            DeltaError::kUnsupported);
  auto twice = simple_metadata();
  twice.schema = types::DataType::structure(
      {simple_field("a", types::TypeKind::kInt), simple_field("A", types::TypeKind::kInt)});
  EXPECT_THAT(protocol_for(twice).error().message, HasSubstr("COLUMN_ALREADY_EXISTS"));
  auto unknown = simple_metadata();
  unknown.partition_columns = {"nowhere"};
  EXPECT_EQ(protocol_for(unknown).error().code, DeltaError::kSchema);
  auto blank = simple_metadata();
  blank.schema = types::DataType::structure({simple_field("a b", types::TypeKind::kInt)});
  EXPECT_THAT(protocol_for(blank).error().message, HasSubstr("DELTA_INVALID_CHARACTERS"));
}

TEST(Protocol, Intervals) {
  EXPECT_EQ(parse_interval_ms("interval 7 days"), 7LL * 86'400'000);
  EXPECT_EQ(parse_interval_ms("INTERVAL 1 week 2 hours"), 7LL * 86'400'000 + 7'200'000);
  EXPECT_EQ(parse_interval_ms("168 hours"), 168LL * 3'600'000);
  for (const auto* text : {"", "interval", "7", "interval 7 moons", "-1 days", "days 7"})
    EXPECT_EQ(parse_interval_ms(text), std::nullopt) << text;
}

}  // namespace
}  // namespace sluice::delta
