#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "base/log.h"
#include "base/uuid.h"
#include "delta/log_state.h"
#include "delta/paths.h"
#include "delta/protocol.h"

namespace sluice::delta {
namespace {

constexpr base::Logger kLog{"delta"};
constexpr int kAttemptsMax = 1000;  // lost races of one commit
constexpr std::int64_t kCheckpointIntervalDefault = 10;

std::int64_t checkpoint_interval(const Metadata& metadata) {
  const auto found = metadata.configuration.find("delta.checkpointInterval");
  std::int64_t interval = 0;
  if (found == metadata.configuration.end()) return kCheckpointIntervalDefault;
  const auto& text = found->second;
  std::from_chars(text.data(), text.data() + text.size(), interval);
  return interval > 0 ? interval : kCheckpointIntervalDefault;
}

std::string commit_text(const Transaction& transaction, std::int64_t timestamp_ms,
                        std::optional<Version> read_version) {
  std::string text;
  append_commit_info(text, transaction.info, timestamp_ms, read_version);
  if (transaction.protocol) append_protocol(text, *transaction.protocol);
  if (transaction.metadata) append_metadata(text, *transaction.metadata, "");
  for (const auto& txn : transaction.txns)
    append_txn(text, txn);
  for (const auto& remove : transaction.removes)
    append_remove(text, remove);
  for (const auto& add : transaction.adds)
    append_add(text, add);
  return text;
}

std::string partition_names_json(const std::vector<std::string>& names) {
  std::string text = "[";
  for (const auto& name : names) {
    if (text.size() > 1) text += ",";
    text += "\"" + name + "\"";
  }
  return text + "]";
}

bool changes_data(const Transaction& transaction) {
  return std::ranges::any_of(transaction.removes, &RemoveFile::data_change);
}

// What a commit that came in between does to ours (delta concurrency rules for appends and
// rearrangements; anything that reads more must plan again).
DeltaResult<void> check_winner(const Transaction& ours, const Actions& winner, Version version) {
  const auto lost = [&](DeltaError error, std::string_view why) {
    return base::fail(error, fmt::format("version {}: {}", version(), why));
  };
  for (const auto& txn : winner.txns) {
    if (!ours.fence_app_id.empty() && txn.app_id == ours.fence_app_id)
      return lost(DeltaError::kFenced,
                  fmt::format("another process committed batch {} of {}", txn.version, txn.app_id));
    if (std::ranges::find(ours.txns, txn.app_id, &Txn::app_id) != ours.txns.end())
      return lost(DeltaError::kConflict, fmt::format("txn of {} was moved", txn.app_id));
  }
  if (winner.protocol) return lost(DeltaError::kConflict, "the table's protocol was changed");
  if (winner.metadata) return lost(DeltaError::kConflict, "the table's metadata was changed");
  if (!ours.removes.empty()) {
    std::set<std::string_view> gone;
    for (const auto& remove : winner.removes)
      gone.insert(remove.path);
    for (const auto& remove : ours.removes)
      if (gone.contains(remove.path))
        return lost(DeltaError::kConflict, fmt::format("file {} was removed", remove.path));
    if (changes_data(ours) && std::ranges::any_of(winner.adds, &AddFile::data_change))
      return lost(DeltaError::kConflict, "rows were added");
  }
  return {};
}

DeltaResult<void> check_transaction(const Snapshot& base, const Transaction& transaction,
                                    const std::string& schema_string) {
  const auto invalid = [](std::string message) {
    return base::fail(DeltaError::kUnsupported, std::move(message));
  };
  std::set<std::string> app_ids;
  for (const auto& txn : transaction.txns)
    if (!app_ids.insert(txn.app_id).second)
      return invalid(fmt::format("two txn of {} in one commit", txn.app_id));
  const auto append_only = base.metadata.configuration.find("delta.appendOnly");
  if (changes_data(transaction) && append_only != base.metadata.configuration.end() &&
      append_only->second == "true")
    return invalid(
        "[DELTA_CANNOT_MODIFY_APPEND_ONLY] This table is configured to only allow appends. If you "
        "would like to permit updates or deletes, use 'ALTER TABLE <table_name> SET TBLPROPERTIES "
        "(delta.appendOnly=false)'.");
  if (!transaction.metadata) return {};
  const auto& metadata = *transaction.metadata;
  if (metadata.id != base.metadata.id) return invalid("a table's id never changes");
  auto needed = protocol_for(metadata);
  if (!needed) return std::unexpected(needed.error());
  const auto& protocol = transaction.protocol.value_or(base.protocol);
  for (const auto& feature : needed->reader_features)
    if (std::ranges::find(protocol.reader_features, feature) == protocol.reader_features.end())
      return invalid(fmt::format("the schema needs table feature '{}'", feature));
  // Field metadata other than comments would be lost with the new schemaString.
  if (const auto keys = schema_metadata_keys(schema_string); !keys.empty())
    return invalid(fmt::format("changing a schema whose fields carry '{}'", keys.front()));
  return {};
}

DeltaResult<void> check_files(const Metadata& metadata, const std::vector<AddFile>& adds) {
  for (const auto& add : adds) {
    if (auto path = local_path(add.path); !path) return std::unexpected(path.error());
    bool matches = add.partition_values.size() == metadata.partition_columns.size();
    for (const auto& column : metadata.partition_columns)
      matches = matches && add.partition_values.contains(column);
    if (!matches)
      return base::fail(DeltaError::kConflict,
                        fmt::format("{}: its partition values are not those of the table's "
                                    "partition columns",
                                    add.path));
  }
  return {};
}

enum class Put { kDone, kTaken };

// Puts one version; an answer that got lost is read back.
DeltaResult<Put> put_version(LogStore& log, Version version, std::string_view text,
                             const std::string& txn_id) {
  const auto name = commit_name(version);
  const auto put = log.put_if_absent(name, text);
  if (put) return Put::kDone;
  if (put.error().code == base::IoError::kExists) return Put::kTaken;
  const auto lost = [&](std::string_view outcome) {
    return base::fail(DeltaError::kIo,
                      fmt::format("{}: {} ({})", name, put.error().message, outcome));
  };
  const auto found = read_commit(log, version);
  if (!found)
    return lost(fmt::format("unknown whether it is committed: {}", found.error().message));
  if (!*found) return lost("not committed");
  if (!(*found)->info || (*found)->info->txn_id != txn_id) return Put::kTaken;
  // Ours; but its name may not be on the device yet.
  if (auto ok = log.sync(); !ok) return lost("committed, but perhaps not durable");
  return Put::kDone;
}

// A log whose first versions were cleaned up still is a log.
DeltaResult<void> check_absent(LogStore& log, const std::string& root) {
  const auto names = log.list_from("");
  if (!names && names.error().code == base::IoError::kNotFound) return {};
  if (!names) return io_failure(names.error());
  for (const auto& name : *names)
    if (parse_log_name(name).kind != LogFileKind::kOther)
      return base::fail(DeltaError::kExists, fmt::format("{}: a table is there already", root));
  return {};
}

// After a very long pause the versions after `base` may have been cleaned up: their names are free
// again, and must not be taken.
DeltaResult<void> check_not_cleaned(LogStore& log, const Snapshot& base) {
  if (read_checkpoint_hint(log) <= base.version) return {};
  const auto next = read_commit(log, base.version.plus(1));
  if (!next) return std::unexpected(next.error());
  if (*next) return {};
  return base::fail(DeltaError::kConflict,
                    fmt::format("version {} is long gone from the log", base.version()));
}

}  // namespace

struct Table::State {
  base::Clock* clock = nullptr;
  std::string root;
  std::unique_ptr<LogStore> log;
  LogState replayed;
  bool stale = false;  // an error came in the middle of a replay: load anew
};

Table::Table(std::shared_ptr<State> state) : root_(state->root), state_(std::move(state)) {}

DeltaResult<Table> Table::open(base::Env& env, base::Clock& clock, const std::string& root,
                               std::unique_ptr<LogStore> log) {
  auto state = std::make_shared<State>();
  state->clock = &clock;
  state->root = root;
  state->log = log ? std::move(log) : local_log_store(env, root);
  // A version that a process put just before it died may be visible and not yet durable; whoever
  // builds on it must not lose it.
  if (auto ok = state->log->sync(); !ok) return io_failure(ok.error());
  auto loaded = load_log(*state->log, std::nullopt);
  if (!loaded)
    return base::fail(loaded.error().code, fmt::format("{}: {}", root, loaded.error().message));
  state->replayed = std::move(*loaded);
  return Table(std::move(state));
}

DeltaResult<Table> Table::create(base::Env& env, base::Clock& clock, const std::string& root,
                                 const Metadata& metadata, std::unique_ptr<LogStore> log) {
  if (!log) log = local_log_store(env, root);
  if (auto ok = check_absent(*log, root); !ok) return std::unexpected(ok.error());
  Transaction transaction;
  auto protocol = protocol_for(metadata);
  if (!protocol) return std::unexpected(protocol.error());
  transaction.protocol = std::move(*protocol);
  transaction.metadata = metadata;
  const auto now_ms = clock.now_ms();
  if (metadata.id.empty()) transaction.metadata->id = base::random_uuid();
  if (metadata.created_ms == 0) transaction.metadata->created_ms = now_ms;
  transaction.info.operation = "CREATE TABLE";
  transaction.info.parameters = {{"isManaged", "false"},
                                 {"description", metadata.description},
                                 {"partitionBy", partition_names_json(metadata.partition_columns)}};
  transaction.info.blind_append = true;
  transaction.info.txn_id = base::random_uuid();
  const auto text = commit_text(transaction, now_ms, std::nullopt);
  auto put = put_version(*log, Version(0), text, transaction.info.txn_id);
  if (!put) return std::unexpected(put.error());
  if (*put == Put::kTaken) {
    // A lost answer again: the first try may have got through.
    const auto found = read_commit(*log, Version(0));
    if (!found || !*found || !(*found)->info || (*found)->info->txn_id != transaction.info.txn_id)
      return base::fail(DeltaError::kExists, fmt::format("{}: a table is there already", root));
  }
  return open(env, clock, root, std::move(log));
}

DeltaResult<std::shared_ptr<const Snapshot>> Table::refresh() {
  auto& state = *state_;
  if (!state.stale) {
    state.stale = true;
    const auto applied = advance_log(*state.log, state.replayed);
    if (!applied) return std::unexpected(applied.error());
    // Nothing new may also mean that the next versions were cleaned up while we slept.
    const auto version = state.replayed.snapshot->version;
    state.stale = *applied == 0 && read_checkpoint_hint(*state.log) > version;
  }
  if (state.stale) {
    auto loaded = load_log(*state.log, std::nullopt);
    if (!loaded) return std::unexpected(loaded.error());
    state.replayed = std::move(*loaded);
    state.stale = false;
  }
  return state.replayed.snapshot;
}

DeltaResult<std::shared_ptr<const Snapshot>> Table::snapshot_at(Version version) {
  auto loaded = load_log(*state_->log, version);
  if (!loaded) return std::unexpected(loaded.error());
  return loaded->snapshot;
}

DeltaResult<std::vector<HistoryEntry>> Table::history(std::size_t count) {
  auto names = state_->log->list_from(fmt::format("{:020d}", 0));
  if (!names) return io_failure(names.error());
  std::erase_if(*names, [](const std::string& name) {
    return parse_log_name(name).kind != LogFileKind::kCommit;
  });
  if (names->size() > count)
    names->erase(names->begin(), names->end() - static_cast<std::ptrdiff_t>(count));
  std::vector<HistoryEntry> entries;
  std::int64_t previous_ms = 0;
  for (const auto& name : *names) {
    const auto version = parse_log_name(name).version;
    auto actions = read_commit(*state_->log, version);
    if (!actions) return std::unexpected(actions.error());
    if (!*actions) continue;  // cleaned up since it was listed
    auto info = (*actions)->info.value_or(CommitRecord{});
    previous_ms = std::max(info.timestamp_ms.value_or(0), previous_ms + 1);
    entries.push_back({.version = version,
                       .commit_ms = previous_ms,
                       .operation = std::move(info.operation),
                       .parameters = std::move(info.parameters),
                       .metrics = std::move(info.metrics),
                       .engine = std::move(info.engine),
                       .commit_info_json = std::move(info.json)});
  }
  std::ranges::reverse(entries);
  return entries;
}

DeltaResult<Version> Table::commit(const Snapshot& base, Transaction transaction) {
  auto& log = *state_->log;
  const auto& schema_string = state_->replayed.schema_string;
  if (auto ok = check_writable(base.protocol, base.metadata, schema_string); !ok)
    return std::unexpected(ok.error());
  if (auto ok = check_transaction(base, transaction, schema_string); !ok)
    return std::unexpected(ok.error());
  const auto& metadata = transaction.metadata ? *transaction.metadata : base.metadata;
  if (auto ok = check_files(metadata, transaction.adds); !ok) return std::unexpected(ok.error());
  if (auto ok = check_not_cleaned(log, base); !ok) return std::unexpected(ok.error());
  if (transaction.info.txn_id.empty()) transaction.info.txn_id = base::random_uuid();

  auto version = base.version.plus(1);
  auto previous_ms = base.commit_ms;
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    const auto timestamp_ms = std::max(state_->clock->now_ms(), previous_ms + 1);
    const auto text = commit_text(transaction, timestamp_ms, base.version);
    auto put = put_version(log, version, text, transaction.info.txn_id);
    if (!put) return std::unexpected(put.error());
    if (*put == Put::kDone) return version;
    // Read from the taken version to the newest.
    for (;; ++version) {
      const auto found = read_commit(log, version);
      if (!found) return std::unexpected(found.error());
      if (!*found) break;
      const auto& winner = **found;
      if (winner.info && winner.info->txn_id == transaction.info.txn_id) {
        if (auto ok = log.sync(); !ok) return io_failure(ok.error());
        return version;
      }
      if (auto ok = check_winner(transaction, winner, version); !ok)
        return std::unexpected(ok.error());
      const auto winner_ms = winner.info ? winner.info->timestamp_ms.value_or(0) : 0;
      previous_ms = std::max(winner_ms, previous_ms + 1);
    }
  }
  return base::fail(DeltaError::kConflict,
                    fmt::format("lost {} races for the next version", kAttemptsMax));
}

DeltaResult<void> Table::maybe_checkpoint() {
  auto snapshot = refresh();
  if (!snapshot) return std::unexpected(snapshot.error());
  auto& replayed = state_->replayed;
  const auto version = replayed.snapshot->version;
  const auto next = std::max(replayed.checkpoint(), std::int64_t{0}) +
                    checkpoint_interval(replayed.snapshot->metadata);
  if (version() < next) return {};
  // Somebody else may have written it.
  replayed.checkpoint = std::max(replayed.checkpoint, read_checkpoint_hint(*state_->log));
  if (version() < std::max(replayed.checkpoint(), std::int64_t{0}) +
                      checkpoint_interval(replayed.snapshot->metadata))
    return {};
  if (auto ok = check_writable(replayed.snapshot->protocol, replayed.snapshot->metadata,
                               replayed.schema_string);
      !ok)
    return ok;
  if (auto ok = write_checkpoint(*state_->log, replayed, state_->clock->now_ms()); !ok) return ok;
  replayed.checkpoint = version;
  kLog.debug("{}: checkpoint at version {}", root_, version());
  return {};
}

std::int64_t Snapshot::txn_version(const std::string& app_id) const {
  const auto found = txns.find(app_id);
  return found == txns.end() ? -1 : found->second.version;
}

}  // namespace sluice::delta
