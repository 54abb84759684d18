// The rows that a flow with DISTINCT has seen: 16-byte keys in memory, backed by immutable sorted
// files (design: exactly once, dedup state). State and table move in the same commit: a batch's
// keys are written and synced before the commit that names their file, and enter the set only after
// it. One thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/env.h"
#include "base/random.h"
#include "pipeline/flow_files.h"
#include "pipeline/key_set.h"

namespace sluice::pipeline {

class DedupState {
 public:
  // Files of one level are merged when there are this many: each key is rewritten once a level.
  static constexpr std::size_t kFanOut = 8;

  struct Settings {
    std::string folder;  // <flow>/state
    std::uint64_t seed_id = 0;
    std::uint64_t schema_id = 0;
    std::uint64_t memory_bytes_max = 0;
  };

  DedupState(base::Env& env, Settings settings) : env_(env), settings_(std::move(settings)) {}

  // Reads `files`, which must cover batches 0 … n. kStopped: one is missing or damaged, was made
  // for other columns, or does not fit into memory. After an error the state is empty.
  PipelineResult<void> load(std::vector<KeyFileRef> files);
  // load() failed because a file is missing, damaged or of another seed: the rows read before can
  // make the state again.
  bool damaged() const { return damaged_; }

  // ---- one batch. Keys given to add_new() are remembered as the batch's until commit() or
  // abandon().
  // True: never seen before, in earlier batches or in this one. kStopped: no room.
  PipelineResult<bool> add_new(base::Uint128 key);
  // Writes and syncs the batch's file; batches without new keys have one too.
  PipelineResult<KeyFileRef> write(std::int64_t from, std::int64_t to, base::Random& random);
  // The commit that names the file is durable.
  void commit(const KeyFileRef& file);
  void abandon() { fresh_.clear(), fresh_set_.clear(); }

  // Merges committed files where a level is full; the caller writes head.json and then calls
  // remove_unused(). True: something was merged.
  PipelineResult<bool> merge(base::Random& random);
  // Removes files of the folder that neither the state nor a batch after `committed` names.
  void remove_unused(std::int64_t committed);

  const std::vector<KeyFileRef>& files() const { return files_; }
  std::uint64_t keys() const { return set_.size(); }
  std::uint64_t bytes() const { return set_.bytes(); }

 private:
  PipelineResult<std::vector<base::Uint128>> read(const KeyFileRef& file);
  PipelineResult<KeyFileRef> write_file(std::int64_t from, std::int64_t to,
                                        std::vector<base::Uint128> keys, base::Random& random);
  PipelineResult<void> check_room(std::uint64_t keys) const;

  base::Env& env_;
  Settings settings_;
  KeySet set_;
  std::vector<KeyFileRef> files_;     // committed, by `from`, without holes
  std::vector<base::Uint128> fresh_;  // the running batch's
  KeySet fresh_set_;
  bool damaged_ = false;
};

}  // namespace sluice::pipeline
