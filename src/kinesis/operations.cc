// Every operation's fields with AWS' constraints, in the order in which AWS lists broken ones.
#include "kinesis/operations.h"

#include <algorithm>
#include <array>

#include "kinesis/limits.h"

namespace sluice::kinesis {
namespace {

constexpr Field name_field(std::string_view name, bool required = false) {
  return {.name = name,
          .required = required,
          .pattern = Pattern::kName,
          .min = 1,
          .max = kNameCharsMax};
}
constexpr Field arn_field(std::string_view name, bool required = false) {
  return {.name = name,
          .required = required,
          .pattern = Pattern::kStreamArn,
          .min = 1,
          .max = kArnCharsMax};
}
constexpr Field text_field(std::string_view name, bool required, std::int64_t max) {
  return {.name = name, .required = required, .min = 1, .max = max};
}
constexpr Field integer_field(std::string_view name, bool required, std::int64_t min,
                              std::int64_t max) {
  return {.name = name, .kind = Kind::kInteger, .required = required, .min = min, .max = max};
}
constexpr Field plain_field(std::string_view name, Kind kind) {
  return {.name = name, .kind = kind};
}

constexpr Field kStreamName = {.name = "StreamName",
                               .required = true,
                               .unless = "StreamARN",
                               .pattern = Pattern::kName,
                               .min = 1,
                               .max = kNameCharsMax};
constexpr Field kStreamArn = arn_field("StreamARN");
constexpr Field kDryRun = plain_field("DryRun", Kind::kBoolean);
constexpr Field kPartitionKey = text_field("PartitionKey", true, kPartitionKeyCharsMax);
constexpr Field kExplicitHashKey = {.name = "ExplicitHashKey", .pattern = Pattern::kHashKey};
constexpr Field kData = {
    .name = "Data", .kind = Kind::kBlob, .required = true, .min = 0, .max = kDataBytesMax};

constexpr std::array kPutRecordFields{
    Field{.name = "SequenceNumberForOrdering", .pattern = Pattern::kSequenceNumber},
    kPartitionKey,
    kExplicitHashKey,
    kData,
    kStreamName,
    kStreamArn,
    kDryRun};
static_assert(kPutRecordFields[kPutOrdering].name == "SequenceNumberForOrdering" &&
              kPutRecordFields[kPutPartitionKey].name == "PartitionKey" &&
              kPutRecordFields[kPutHashKey].name == "ExplicitHashKey" &&
              kPutRecordFields[kPutData].name == "Data" &&
              kPutRecordFields[kPutStreamName].name == "StreamName" &&
              kPutRecordFields[kPutStreamArn].name == "StreamARN" &&
              kPutRecordFields[kPutDryRun].name == "DryRun");

constexpr std::array kPutEntryFields{kPartitionKey, kExplicitHashKey, kData};
static_assert(kPutEntryFields.size() == kEntryFields &&
              kPutEntryFields[kEntryPartitionKey].name == "PartitionKey" &&
              kPutEntryFields[kEntryHashKey].name == "ExplicitHashKey" &&
              kPutEntryFields[kEntryData].name == "Data");
constexpr Shape kPutEntry{kPutEntryFields};
constexpr std::array kPutRecordsFields{
    Field{.name = "Records",
          .kind = Kind::kStructureList,
          .required = true,
          .min = 1,
          .max = kPutRecordsCountMax,
          .members = &kPutEntry,
          .member_text = "com.amazonaws.kinesis.v20131202.PutRecordsRequestEntry@c965e310"},
    kStreamName, kStreamArn, kDryRun};

constexpr std::array<std::string_view, 5> kIteratorTypes{
    "AFTER_SEQUENCE_NUMBER", "LATEST", "AT_TIMESTAMP", "AT_SEQUENCE_NUMBER", "TRIM_HORIZON"};
constexpr std::array kGetShardIteratorFields{
    name_field("ShardId", true),
    Field{.name = "ShardIteratorType", .required = true, .values = kIteratorTypes},
    Field{.name = "StartingSequenceNumber", .pattern = Pattern::kSequenceNumber},
    kStreamName,
    kStreamArn,
    plain_field("Timestamp", Kind::kTimestamp),
    kDryRun};
constexpr std::array kGetRecordsFields{integer_field("Limit", false, 1, kGetRecordsCountMax),
                                       text_field("ShardIterator", true, kIteratorCharsMax),
                                       kStreamArn, kDryRun};

constexpr std::array<std::string_view, 6> kFilterTypes{"AT_LATEST",       "FROM_TIMESTAMP",
                                                       "AFTER_SHARD_ID",  "AT_TIMESTAMP",
                                                       "AT_TRIM_HORIZON", "FROM_TRIM_HORIZON"};
constexpr std::array kShardFilterFields{
    Field{.name = "Type", .required = true, .values = kFilterTypes}, name_field("ShardId"),
    plain_field("Timestamp", Kind::kTimestamp)};
constexpr Shape kShardFilter{kShardFilterFields};
constexpr std::array kListShardsFields{
    name_field("ExclusiveStartShardId"),
    integer_field("MaxResults", false, 1, kPageSizeMax),
    text_field("NextToken", false, kNextTokenCharsMax),
    plain_field("StreamCreationTimestamp", Kind::kTimestamp),
    name_field("StreamName"),
    kStreamArn,
    Field{.name = "ShardFilter", .kind = Kind::kStructure, .members = &kShardFilter}};

constexpr std::array kSplitShardFields{
    Field{.name = "NewStartingHashKey", .required = true, .pattern = Pattern::kHashKey},
    kStreamName, name_field("ShardToSplit", true), kStreamArn};
constexpr std::array kMergeShardsFields{name_field("ShardToMerge", true),
                                        name_field("AdjacentShardToMerge", true), kStreamName,
                                        kStreamArn};
constexpr std::array<std::string_view, 1> kScalingTypes{"UNIFORM_SCALING"};
constexpr std::array kUpdateShardCountFields{
    integer_field("TargetShardCount", true, 1, kShardCountMax), kStreamName,
    Field{.name = "ScalingType", .required = true, .values = kScalingTypes}, kStreamArn};

constexpr std::array<std::string_view, 2> kModes{"PROVISIONED", "ON_DEMAND"};
constexpr std::array kModeFields{Field{.name = "StreamMode", .required = true, .values = kModes}};
constexpr Shape kMode{kModeFields};
constexpr Field kModeDetails = {
    .name = "StreamModeDetails", .kind = Kind::kStructure, .members = &kMode};
constexpr Field kTags = {.name = "Tags",
                         .kind = Kind::kStringMap,
                         .max = kTagsPerCallMax,
                         .key_max = kTagKeyCharsMax,
                         .value_max = kTagValueCharsMax};
constexpr std::array<std::string_view, 2> kDistributions{"AUTO", "USER_PARTITION_KEY"};
constexpr std::array kCreateStreamFields{
    integer_field("ShardCount", false, 1, kShardCountMax),
    name_field("StreamName", true),
    kModeDetails,
    kTags,
    integer_field("WarmThroughputMiBps", false, 0, 1 << 30),
    integer_field("MaxRecordSizeInKiB", false, 1024, 10240),
    Field{.name = "RecordDistributionStrategy", .values = kDistributions}};

constexpr std::array kStreamFields{kStreamName, kStreamArn};
constexpr std::array kDescribeStreamFields{integer_field("Limit", false, 1, kPageSizeMax),
                                           name_field("ExclusiveStartShardId"), kStreamName,
                                           kStreamArn};
constexpr std::array kListStreamsFields{integer_field("Limit", false, 1, kPageSizeMax),
                                        name_field("ExclusiveStartStreamName"),
                                        text_field("NextToken", false, kNextTokenCharsMax)};
constexpr std::array<Field, 0> kNoFields{};

constexpr Field required(Field field) {
  field.required = true;
  return field;
}
constexpr Field at_least_one(Field field) {
  field.min = 1;
  return field;
}
constexpr Field kTagKeys = {.name = "TagKeys",
                            .kind = Kind::kStringList,
                            .required = true,
                            .min = 1,
                            .max = kListTagsMax,
                            .key_max = kTagKeyCharsMax};
constexpr Field kResourceArn = arn_field("ResourceARN", true);
constexpr std::array kAddTagsFields{required(at_least_one(kTags)), kStreamName, kStreamArn};
constexpr std::array kRemoveTagsFields{kTagKeys, kStreamName, kStreamArn};
constexpr std::array kListTagsFields{integer_field("Limit", false, 1, kListTagsMax),
                                     text_field("ExclusiveStartTagKey", false, kTagKeyCharsMax),
                                     kStreamName, kStreamArn};
constexpr std::array kTagResourceFields{required(at_least_one(kTags)), kResourceArn};
constexpr std::array kUntagResourceFields{kTagKeys, kResourceArn};
constexpr std::array kListTagsForResourceFields{kResourceArn};
constexpr std::array kRetentionFields{
    integer_field("RetentionPeriodHours", true, 1, kRetentionHoursMax), kStreamName, kStreamArn};
constexpr std::array kUpdateModeFields{required(kModeDetails), arn_field("StreamARN", true),
                                       integer_field("WarmThroughputMiBps", false, 0, 1 << 30)};

constexpr Shape kPutRecord{kPutRecordFields};
constexpr Shape kPutRecords{kPutRecordsFields};
constexpr Shape kGetShardIterator{kGetShardIteratorFields};
constexpr Shape kGetRecords{kGetRecordsFields};
constexpr Shape kListShards{kListShardsFields};
constexpr Shape kSplitShard{kSplitShardFields};
constexpr Shape kMergeShards{kMergeShardsFields};
constexpr Shape kUpdateShardCount{kUpdateShardCountFields};
constexpr Shape kCreateStream{kCreateStreamFields};
constexpr Shape kStream{kStreamFields};
constexpr Shape kDescribeStream{kDescribeStreamFields};
constexpr Shape kListStreams{kListStreamsFields};
constexpr Shape kNothing{kNoFields};
constexpr Shape kAddTags{kAddTagsFields};
constexpr Shape kRemoveTags{kRemoveTagsFields};
constexpr Shape kListTags{kListTagsFields};
constexpr Shape kTagResource{kTagResourceFields};
constexpr Shape kUntagResource{kUntagResourceFields};
constexpr Shape kListTagsForResource{kListTagsForResourceFields};
constexpr Shape kRetention{kRetentionFields};
constexpr Shape kUpdateMode{kUpdateModeFields};

constexpr bool kBlocks = true;

// The hot ones first: the table is searched from the front.
constexpr std::array kOperations{
    Operation{"PutRecord", &kPutRecord, nullptr, put_record},
    Operation{"PutRecords", &kPutRecords, nullptr, put_records},
    Operation{"GetRecords", &kGetRecords, get_records, nullptr, kBlocks},
    Operation{"GetShardIterator", &kGetShardIterator, get_shard_iterator, nullptr, kBlocks},
    Operation{"ListShards", &kListShards, list_shards},
    Operation{"DescribeStreamSummary", &kStream, describe_stream_summary},
    Operation{"DescribeStream", &kDescribeStream, describe_stream},
    Operation{"ListStreams", &kListStreams, list_streams},
    Operation{"CreateStream", &kCreateStream, create_stream, nullptr, kBlocks},
    Operation{"DeleteStream", &kStream, delete_stream, nullptr, kBlocks},
    Operation{"SplitShard", &kSplitShard, split_shard, nullptr, kBlocks},
    Operation{"MergeShards", &kMergeShards, merge_shards, nullptr, kBlocks},
    Operation{"UpdateShardCount", &kUpdateShardCount, update_shard_count, nullptr, kBlocks},
    Operation{"AddTagsToStream", &kAddTags, add_tags_to_stream, nullptr, kBlocks},
    Operation{"RemoveTagsFromStream", &kRemoveTags, remove_tags_from_stream, nullptr, kBlocks},
    Operation{"ListTagsForStream", &kListTags, list_tags_for_stream},
    Operation{"TagResource", &kTagResource, add_tags_to_stream, nullptr, kBlocks},
    Operation{"UntagResource", &kUntagResource, remove_tags_from_stream, nullptr, kBlocks},
    Operation{"ListTagsForResource", &kListTagsForResource, list_tags_for_resource},
    Operation{"IncreaseStreamRetentionPeriod", &kRetention, increase_retention, nullptr, kBlocks},
    Operation{"DecreaseStreamRetentionPeriod", &kRetention, decrease_retention, nullptr, kBlocks},
    Operation{"UpdateStreamMode", &kUpdateMode, update_stream_mode, nullptr, kBlocks},
    Operation{"DescribeLimits", &kNothing, describe_limits},
};

constexpr std::array<std::string_view, 22> kNotYet{"CreateChannel",
                                                   "DeleteChannel",
                                                   "DeleteResourcePolicy",
                                                   "DeregisterStreamConsumer",
                                                   "DescribeAccountSettings",
                                                   "DescribeChannel",
                                                   "DescribeStreamConsumer",
                                                   "DisableEnhancedMonitoring",
                                                   "EnableEnhancedMonitoring",
                                                   "GetResourcePolicy",
                                                   "ListChannels",
                                                   "ListStreamConsumers",
                                                   "PutResourcePolicy",
                                                   "RegisterStreamConsumer",
                                                   "StartStreamEncryption",
                                                   "StopStreamEncryption",
                                                   "SubscribeToShard",
                                                   "UpdateAccountSettings",
                                                   "UpdateChannel",
                                                   "UpdateMaxRecordSize",
                                                   "UpdateStreamRecordDistributionStrategy",
                                                   "UpdateStreamWarmThroughput"};
static_assert(kOperations.size() + kNotYet.size() == 45);  // AWS has 45 actions

}  // namespace

std::vector<std::string_view> operation_names() {
  std::vector<std::string_view> names;
  for (const Operation& operation : kOperations)
    names.push_back(operation.name);
  return names;
}

const Operation* find_operation(std::string_view name) {
  const auto found = std::ranges::find(kOperations, name, &Operation::name);
  return found == kOperations.end() ? nullptr : &*found;
}

bool known_to_aws(std::string_view name) {
  return std::ranges::find(kNotYet, name) != kNotYet.end() || find_operation(name) != nullptr;
}

}  // namespace sluice::kinesis
