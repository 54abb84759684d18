// Every limit of the Kinesis API that this service checks, with AWS' values
// (https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html and the service
// model's constraints). Sizes in bytes, lengths in characters as Java counts them (UTF-16 units).
#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice::kinesis {

constexpr std::int64_t kNameCharsMax = 128;  // streams and shards
constexpr std::int64_t kArnCharsMax = 2048;
constexpr std::int64_t kPartitionKeyCharsMax = 256;
constexpr std::int64_t kDataBytesMax = 1 << 20;  // MaxRecordSizeInKiB 1024, AWS' default
constexpr std::int64_t kMaxRecordSizeKiB = kDataBytesMax / 1024;
constexpr std::int64_t kPutRecordsCountMax = 500;
constexpr std::size_t kPutRecordsBytesMax = std::size_t{10} << 20;  // data and partition keys
constexpr std::int64_t kIteratorCharsMax = 512;
constexpr std::int64_t kNextTokenCharsMax = 1 << 20;
constexpr std::int64_t kNextTokenLifetimeMs = 300'000;
constexpr std::int64_t kGetRecordsCountMax = 10'000;
constexpr std::size_t kGetRecordsBytesMax = std::size_t{10} << 20;
// A second of one shard, where kinesis.shard_limits = aws.
constexpr std::int64_t kShardWriteBytes = 1 << 20;  // data and partition keys
constexpr std::int64_t kShardWriteRecords = 1000;
constexpr std::int64_t kShardReadCalls = 5;
constexpr std::int64_t kShardReadBytes = 2 << 20;
constexpr std::int64_t kShardIdleMs = 10'000;  // after it every bucket is full again

constexpr std::int64_t kPageSizeMax = 10'000;  // what a Limit or MaxResults may say

constexpr std::size_t kListStreamsDefault = 100;
constexpr std::size_t kDescribeShardsDefault = 100;
constexpr std::size_t kListShardsPage = 1000;  // the default, and the most that is given

constexpr std::int64_t kShardCountMax = 100'000;  // of one CreateStream; the engine's own is lower
constexpr int kOnDemandShards = 4;
constexpr std::int64_t kOnDemandStreamsLimit = 50;  // only told by DescribeLimits
constexpr int kRetentionHoursMin = 24;
constexpr int kRetentionHoursMax = 8760;

constexpr std::int64_t kTagsPerCallMax = 200;
constexpr std::size_t kTagsPerStreamMax = 50;
constexpr std::int64_t kTagKeyCharsMax = 128;
constexpr std::int64_t kTagValueCharsMax = 256;
constexpr std::int64_t kListTagsMax = 50;

constexpr std::size_t kValidationErrorsMax = 10;  // AWS lists no more of them
constexpr int kJsonDepthMax = 1024;
constexpr std::uint32_t kEchoedMembersMax = 1000;  // of a list of structures, in an error's text
constexpr std::size_t kEchoedBytesMax = 4096;      // of a client's value in an error's text

}  // namespace sluice::kinesis
