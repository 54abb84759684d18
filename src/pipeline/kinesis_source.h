// A stream of this machine's engine as a Source: exact ranges by index. Const and thread-safe as
// its StreamStore and ShardLog are.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "pipeline/pipeline.h"
#include "streams/streams.h"

namespace sluice::pipeline {

enum class InitialPosition { kLatest, kEarliest, kAtTimestamp };

struct KinesisOptions {
  streams::StreamKey stream;
  InitialPosition position = InitialPosition::kLatest;
  std::int64_t at_ms = 0;  // of kAtTimestamp
};

// `options` of read_kinesis, names lower-cased. kInvalidProject: one is missing, unknown or wrong.
PipelineResult<KinesisOptions> kinesis_options(const std::map<std::string, std::string>& options);

class KinesisSource final : public Source {
 public:
  // kRetry: the stream is not there (yet).
  static PipelineResult<std::unique_ptr<Source>> open(const streams::StreamStore& store,
                                                      const streams::ShardLog& log,
                                                      const KinesisOptions& options);

  std::string name() const override { return options_.stream.arn(); }
  std::string incarnation() const override { return incarnation_; }
  PipelineResult<std::vector<SourceBounds>> bounds() const override;
  PipelineResult<std::vector<SourceBounds>> gone() const override;
  PipelineResult<std::uint64_t> initial(const SourceBounds& shard) const override;
  PipelineResult<ShardRange> plan(const std::string& shard_id, std::uint64_t from,
                                  std::uint64_t below, std::uint64_t records_max,
                                  std::uint64_t bytes_max) const override;
  PipelineResult<std::vector<SourceRecord>> read(const ShardRange& range) const override;

 private:
  struct Position {
    streams::StreamRef stream;
    streams::ShardIndex shard;
  };
  KinesisSource(const streams::StreamStore& store, const streams::ShardLog& log,
                KinesisOptions options, std::string incarnation)
      : store_(store),
        log_(log),
        options_(std::move(options)),
        incarnation_(std::move(incarnation)) {}

  // The stream as it is now; kStopped when it was removed or made anew since open().
  PipelineResult<streams::StreamRef> stream() const;
  PipelineResult<Position> find(const std::string& shard_id) const;
  // kStopped when a record after `from` has expired unread.
  PipelineResult<void> check_expiry(const Position& at, std::uint64_t from,
                                    std::uint64_t first) const;
  // Pages from `from` (exclusive) on, below `below`, until a limit; the next index to read.
  PipelineResult<std::uint64_t> collect(const Position& at, std::uint64_t from, std::uint64_t below,
                                        std::uint64_t records_max, std::uint64_t bytes_max,
                                        std::vector<SourceRecord>& out) const;

  const streams::StreamStore& store_;
  const streams::ShardLog& log_;
  const KinesisOptions options_;
  const std::string incarnation_;

  // What plan() read last, so that read() of the same ranges need not read again. Each range is
  // handed out once.
  mutable std::mutex mutex_;
  mutable std::map<std::string, std::pair<ShardRange, std::vector<SourceRecord>>> planned_;
};

}  // namespace sluice::pipeline
