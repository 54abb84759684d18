#include "delta/log_state.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <ranges>
#include <span>
#include <unordered_set>

#include "base/log.h"
#include "delta/paths.h"
#include "delta/protocol.h"

namespace sluice::delta {
namespace {

constexpr base::Logger kLog{"delta"};

// The same file may be spelt in two ways; a path that cannot be decoded stands for itself.
std::string file_key(const std::string& path) {
  return decode_path(path).value_or(path);
}

// Builds the next snapshot from a copy of the last one.
class Replay {
 public:
  explicit Replay(LogState& state)
      : state_(state),
        next_(state.snapshot ? std::make_shared<Snapshot>(*state.snapshot)
                             : std::make_shared<Snapshot>()) {
    index();
  }

  void apply(Actions&& actions, Version version) {
    next_->version = version;
    const auto previous_ms = next_->commit_ms;
    const auto found_ms = actions.info ? actions.info->timestamp_ms : std::nullopt;
    next_->commit_ms = std::max(found_ms.value_or(0), previous_ms + 1);
    if (actions.protocol) next_->protocol = std::move(*actions.protocol);
    if (actions.metadata) {
      next_->metadata = std::move(*actions.metadata);
      state_.schema_string = std::move(actions.schema_string);
      state_.format = std::move(actions.format);
    }
    for (auto& txn : actions.txns)
      next_->txns.insert_or_assign(txn.app_id, txn);
    remove_files(actions.removes);
    for (auto& add : actions.adds)
      add_file(std::move(add));
    for (auto& name : actions.unsupported)
      if (std::ranges::find(state_.unsupported, name) == state_.unsupported.end())
        state_.unsupported.push_back(std::move(name));
  }

  void set_commit_ms(std::int64_t commit_ms) { next_->commit_ms = commit_ms; }

  DeltaResult<void> finish() {
    if (state_.format.empty())
      return base::fail(DeltaError::kCorrupt, "the log has no metaData action");
    if (auto ok = check_readable(next_->protocol, next_->metadata, state_.format); !ok) return ok;
    for (const auto& name : state_.unsupported)
      if (name != "domainMetadata")  // writers alone must keep it; check_writable refuses those
        return base::fail(DeltaError::kUnsupported, fmt::format("the log holds '{}'", name));
    state_.snapshot = std::move(next_);
    return {};
  }

 private:
  void index() {
    at_.clear();
    for (std::size_t i = 0; i < next_->files.size(); ++i)
      at_.emplace(file_key(next_->files[i].path), i);
  }

  void remove_files(std::vector<RemoveFile>& removes) {
    if (removes.empty()) return;
    std::unordered_set<std::string> gone;
    for (auto& remove : removes) {
      auto key = file_key(remove.path);
      if (at_.contains(key)) gone.insert(key);
      state_.tombstones.insert_or_assign(std::move(key), std::move(remove));
    }
    if (gone.empty()) return;
    std::erase_if(next_->files, [&](const auto& f) { return gone.contains(file_key(f.path)); });
    index();
  }

  void add_file(AddFile add) {
    auto key = file_key(add.path);
    state_.tombstones.erase(key);
    const auto [found, fresh] = at_.emplace(std::move(key), next_->files.size());
    if (fresh)
      next_->files.push_back(std::move(add));
    else
      next_->files[found->second] = std::move(add);
  }

  LogState& state_;
  std::shared_ptr<Snapshot> next_;
  std::unordered_map<std::string, std::size_t> at_;  // of next_->files, by file_key
};

// What a listing says, up to the target.
struct Listing {
  std::vector<Version> commits;                             // ascending
  std::map<Version, std::vector<std::string>> checkpoints;  // whole ones
  bool has_v2_checkpoint = false;
};

Listing sort_names(const std::vector<std::string>& names, std::optional<Version> target) {
  Listing listing;
  std::map<std::pair<Version, int>, std::vector<std::string>> parts;  // by version and part count
  for (const auto& name : names) {
    const auto file = parse_log_name(name);
    if (file.kind == LogFileKind::kOther || (target && file.version > *target)) continue;
    if (file.kind == LogFileKind::kCommit) listing.commits.push_back(file.version);
    if (file.kind == LogFileKind::kCheckpoint) listing.checkpoints[file.version] = {name};
    if (file.kind == LogFileKind::kV2Checkpoint) listing.has_v2_checkpoint = true;
    if (file.kind != LogFileKind::kMultiPartCheckpoint) continue;
    parts[{file.version, file.parts}].push_back(name);  // each part's name is its own: no repeats
  }
  for (auto& [key, files] : parts)
    if (static_cast<int>(files.size()) == key.second)
      listing.checkpoints.try_emplace(key.first, std::move(files));
  return listing;
}

DeltaResult<LogState> from_checkpoint(LogStore& log, Version version,
                                      const std::vector<std::string>& names) {
  auto actions = read_checkpoint(log, names);
  if (!actions) return std::unexpected(actions.error());
  if (!actions->protocol || !actions->metadata)
    return base::fail(DeltaError::kCorrupt,
                      fmt::format("{}: no protocol or no metaData", names.front()));
  LogState state;
  state.checkpoint = version;
  Replay replay(state);
  // A checkpoint keeps no commitInfo; the commit of its version still may be there.
  const auto commit = read_commit(log, version);
  replay.apply(std::move(*actions), version);
  if (commit && *commit && (*commit)->info)
    replay.set_commit_ms((*commit)->info->timestamp_ms.value_or(0));
  if (auto ok = replay.finish(); !ok) return std::unexpected(ok.error());
  return state;
}

DeltaResult<void> replay_commits(LogStore& log, LogState& state, std::span<const Version> commits) {
  if (commits.empty()) return {};
  Replay replay(state);
  auto expected = state.snapshot ? state.snapshot->version.plus(1) : Version(0);
  for (const auto version : commits) {
    if (version != expected)
      return base::fail(DeltaError::kCorrupt,
                        fmt::format("_delta_log/{} is missing", commit_name(expected)));
    auto actions = read_commit(log, version);
    if (!actions) return std::unexpected(actions.error());
    if (!*actions)
      return base::fail(DeltaError::kIo,
                        fmt::format("{} went away while it was read", commit_name(version)));
    if (version == Version(0) && (!(*actions)->protocol || !(*actions)->metadata))
      return base::fail(DeltaError::kCorrupt,
                        fmt::format("{}: no protocol or no metaData", commit_name(version)));
    replay.apply(std::move(**actions), version);
    expected = version.plus(1);
  }
  return replay.finish();
}

DeltaResult<LogState> load_listed(LogStore& log, const Listing& listing) {
  LogState state;
  std::optional<base::Failure<DeltaError>> passed_over;
  for (const auto& [version, names] : std::views::reverse(listing.checkpoints)) {
    auto found = from_checkpoint(log, version, names);
    if (found) {
      state = std::move(*found);
      break;
    }
    // An older one, or the log's beginning, may do.
    kLog.warn("checkpoint {} is passed over: {}", names.front(), found.error().message);
    if (!passed_over) passed_over = found.error();
  }
  std::span<const Version> commits = listing.commits;
  if (state.snapshot) {
    const auto first = std::ranges::upper_bound(commits, state.snapshot->version);
    commits = commits.subspan(static_cast<std::size_t>(first - commits.begin()));
  } else if (commits.empty() || commits.front() != Version(0)) {
    if (passed_over) return std::unexpected(*passed_over);
    if (listing.has_v2_checkpoint)
      return base::fail(DeltaError::kUnsupported, "checkpoints of format V2 (v2Checkpoint)");
    return base::fail(DeltaError::kCorrupt, "the log has neither its beginning nor a checkpoint");
  }
  if (auto ok = replay_commits(log, state, commits); !ok) return std::unexpected(ok.error());
  return state;
}

}  // namespace

DeltaError delta_error(base::IoError error) {
  return error == base::IoError::kNotFound ? DeltaError::kNotATable : DeltaError::kIo;
}

std::unexpected<base::Failure<DeltaError>> io_failure(const base::Failure<base::IoError>& error) {
  return base::fail(delta_error(error.code), error.message);
}

std::unexpected<base::Failure<DeltaError>> engine_failure(
    const base::Failure<duck::DuckError>& error) {
  switch (error.code) {
    case duck::DuckError::kInvalidInput:
      return base::fail(DeltaError::kQuery, error.message);
    case duck::DuckError::kInterrupted:
      return base::fail(DeltaError::kInterrupted, error.message);
    default:
      return base::fail(DeltaError::kEngine, error.message);
  }
}

DeltaResult<std::optional<Actions>> read_commit(LogStore& log, Version version) {
  const auto name = commit_name(version);
  const auto text = log.read(name);
  if (!text && text.error().code == base::IoError::kNotFound) return std::nullopt;
  if (!text) return io_failure(text.error());
  // Somebody's commit whose bytes a power cut took: not a commit that changed nothing.
  if (text->find_first_not_of(" \r\n\t") == std::string::npos)
    return base::fail(DeltaError::kCorrupt, fmt::format("{}: the file is empty", name));
  auto actions = parse_actions(*text, name);
  if (!actions) return std::unexpected(actions.error());
  return std::move(*actions);
}

DeltaResult<LogState> load_log(LogStore& log, std::optional<Version> target) {
  auto from = read_checkpoint_hint(log);
  if (from < Version(0) || (target && from > *target)) from = Version(0);
  auto names = log.list_from(fmt::format("{:020d}", from()));
  if (!names) return io_failure(names.error());
  auto listing = sort_names(*names, target);
  // A hint may be wrong: without the checkpoint it speaks of, look at everything.
  if (from > Version(0) && listing.checkpoints.empty()) {
    names = log.list_from(fmt::format("{:020d}", 0));
    if (!names) return io_failure(names.error());
    listing = sort_names(*names, target);
  }
  if (listing.commits.empty() && listing.checkpoints.empty())
    return base::fail(
        target ? DeltaError::kNoVersion : DeltaError::kNotATable,
        target ? fmt::format("version {} is not there", (*target)()) : std::string("no Delta log"));
  auto state = load_listed(log, listing);
  if (!state && from > Version(0)) {  // the only checkpoint listed was unusable
    names = log.list_from(fmt::format("{:020d}", 0));
    if (!names) return io_failure(names.error());
    state = load_listed(log, sort_names(*names, target));
  }
  if (state && target && state->snapshot->version != *target)
    return base::fail(DeltaError::kNoVersion,
                      fmt::format("version {} is not there; the newest is {}", (*target)(),
                                  state->snapshot->version()));
  return state;
}

DeltaResult<std::size_t> advance_log(LogStore& log, LogState& state) {
  std::size_t applied = 0;
  std::optional<Replay> replay;
  for (auto version = state.snapshot->version.plus(1);; ++version, ++applied) {
    auto actions = read_commit(log, version);
    if (!actions) return std::unexpected(actions.error());
    if (!*actions) break;
    if (!replay) replay.emplace(state);
    replay->apply(std::move(**actions), version);
  }
  if (replay)
    if (auto ok = replay->finish(); !ok) return std::unexpected(ok.error());
  return applied;
}

}  // namespace sluice::delta
