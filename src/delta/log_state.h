// A table's log replayed: the snapshot, and what only the room itself needs of it (tombstones, the
// schemaString as found). Loading picks the newest usable checkpoint and the commits after it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "delta/actions.h"
#include "delta/delta.h"

namespace sluice::delta {

struct LogState {
  std::shared_ptr<const Snapshot> snapshot;
  std::string schema_string;
  std::string format;
  std::unordered_map<std::string, RemoveFile> tombstones;  // by decoded path
  std::vector<std::string> unsupported;                    // what the log holds and we lack
  Version checkpoint{-1};                                  // the newest one known
};

// The state at `target`, or the newest. kNotATable, kNoVersion, kUnsupported, kCorrupt, kIo.
DeltaResult<LogState> load_log(LogStore& log, std::optional<Version> target);
// Applies the commits after state's version, as long as there are any. After an error the state
// must be loaded anew. The number of commits applied.
DeltaResult<std::size_t> advance_log(LogStore& log, LogState& state);

// One commit; nullopt: that version is not there.
DeltaResult<std::optional<Actions>> read_commit(LogStore& log, Version version);

// ---- checkpoints (checkpoint.cc)
// The rows of the checkpoint's files.
DeltaResult<Actions> read_checkpoint(LogStore& log, const std::vector<std::string>& names);
// The file of `state` and its hint. `now_ms` decides which removes have expired.
DeltaResult<void> write_checkpoint(LogStore& log, const LogState& state, std::int64_t now_ms);
// −1: no hint, or one that cannot be read.
Version read_checkpoint_hint(LogStore& log);

DeltaError delta_error(base::IoError error);
std::unexpected<base::Failure<DeltaError>> io_failure(const base::Failure<base::IoError>& error);
std::unexpected<base::Failure<DeltaError>> engine_failure(
    const base::Failure<duck::DuckError>& error);

}  // namespace sluice::delta
