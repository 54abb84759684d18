// The lines of a Delta log and of a checkpoint: actions to and from JSON. Reading tolerates what
// the protocol tells a reader to tolerate (unknown actions and members) and names the line of what
// it can't. Pure functions; the fuzz target lives on parse_actions().
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "delta/delta.h"

namespace sluice::delta {

// commitInfo as a reader finds it; every member may be missing.
struct CommitRecord {
  std::optional<std::int64_t> timestamp_ms;  // inCommitTimestamp where there is one
  std::string operation;
  std::map<std::string, std::string> parameters;
  std::map<std::string, std::string> metrics;
  std::string engine;
  std::string txn_id;
  std::string json;  // the object itself
};

// What one commit (or one checkpoint) says, in the order found.
struct Actions {
  std::optional<CommitRecord> info;
  std::optional<Protocol> protocol;
  std::optional<Metadata> metadata;
  std::string schema_string;  // of metadata, as found: field metadata that types do not keep
  std::string format;         // of metadata: parquet
  std::vector<AddFile> adds;
  std::vector<RemoveFile> removes;
  std::vector<Txn> txns;
  std::vector<std::string> unsupported;  // by name: deletion vectors, sidecars, domainMetadata …
};

// Newline-delimited JSON. `name` is the file's, for messages.
DeltaResult<Actions> parse_actions(std::string_view text, std::string_view name);

// One line each, with its newline.
void append_commit_info(std::string& out, const CommitInfo& info, std::int64_t timestamp_ms,
                        std::optional<Version> read_version);
void append_protocol(std::string& out, const Protocol& protocol);
// `schema_string` empty: made from metadata.schema.
void append_metadata(std::string& out, const Metadata& metadata, std::string_view schema_string);
void append_txn(std::string& out, const Txn& txn);
void append_add(std::string& out, const AddFile& add);
void append_remove(std::string& out, const RemoveFile& remove);

// Names of field metadata keys in a schemaString (comment aside), for the feature check.
std::vector<std::string> schema_metadata_keys(std::string_view schema_string);

// The version that _last_checkpoint speaks of; −1: not understood.
Version parse_checkpoint_hint(std::string_view text);

std::string engine_info();  // Sluice/<version>

// ---- names in _delta_log
std::string commit_name(Version version);      // 00000000000000000007.json
std::string checkpoint_name(Version version);  // 00000000000000000010.checkpoint.parquet
inline constexpr std::string_view kLastCheckpoint = "_last_checkpoint";

enum class LogFileKind { kOther, kCommit, kCheckpoint, kMultiPartCheckpoint, kV2Checkpoint };
struct LogFile {
  LogFileKind kind = LogFileKind::kOther;
  Version version;
  int part = 0;  // of a multi-part checkpoint, from 1
  int parts = 0;
};
LogFile parse_log_name(std::string_view name);

}  // namespace sluice::delta
