// Opening a flow: everything is found again from the table, its log and the flow's folder, and what
// cannot be restored stops the flow with words (design: exactly once, "Open" and the failure
// table).
#include <fmt/core.h>

#include <limits>

#include "base/log.h"
#include "base/uuid.h"
#include "pipeline/flow.h"
#include "pipeline/flow_id.h"
#include "pipeline/key_file.h"
#include "pipeline/transform.h"

namespace sluice::pipeline {
namespace {

constexpr base::Logger kLog{"pipeline"};
constexpr std::size_t kRecentCommits = 64;

template <class... Args>
std::unexpected<base::Failure<PipelineError>> stopped(fmt::format_string<Args...> text,
                                                      Args&&... args) {
  return base::fail(PipelineError::kStopped, fmt::format(text, std::forward<Args>(args)...));
}

// Files that cover batches 0 … `last`: merged ones of the folder, which only hold committed
// batches, and those that commits name. Empty: some batch has none.
std::vector<KeyFileRef> cover(const std::map<std::int64_t, std::vector<KeyFileRef>>& by_first,
                              std::int64_t last) {
  std::vector<KeyFileRef> files;
  for (std::int64_t next = 0; next <= last; next = files.back().to + 1) {
    const auto found = by_first.find(next);
    const KeyFileRef* best = nullptr;
    if (found != by_first.end())
      for (const KeyFileRef& file : found->second)
        if (file.to <= last && (best == nullptr || file.to > best->to)) best = &file;
    if (best == nullptr) return {};
    files.push_back(*best);
  }
  return files;
}

}  // namespace

PipelineResult<std::unique_ptr<Flow>> Flow::open(FlowDefinition definition, FlowSettings settings,
                                                 FlowParts parts) {
  std::unique_ptr<Flow> flow(new Flow(std::move(definition), settings, std::move(parts)));
  auto query = flow->definition_.lower(flow->parts_.clock.now_ms());
  if (!query) return std::unexpected(query.error());
  if (auto ok = flow->open_table(); !ok) return std::unexpected(ok.error());
  if (auto ok = flow->open_file(); !ok) return std::unexpected(ok.error());
  if (auto ok = flow->check_streams(); !ok) return std::unexpected(ok.error());
  flow->restore_positions();
  if (auto ok = flow->open_state(*query); !ok) return std::unexpected(ok.error());
  return flow;
}

PipelineResult<void> Flow::open_table() {
  auto sink = DeltaSink::open(parts_.env, parts_.clock, parts_.random, definition_.table);
  if (!sink) return std::unexpected(sink.error());
  sink_.emplace(*std::move(sink));
  const std::string& table_id = sink_->snapshot().metadata.id;
  id_ = flow_id(table_id, definition_.name);
  store_.emplace(parts_.env, flow_folder(definition_.table.root, id_));
  const auto others = FlowStore::neighbours(parts_.env, definition_.table.root, table_id);
  if (const auto found = others.find(definition_.name); found != others.end())
    return stopped(
        "the table {} was recreated: its id is {}, flow {} wrote to {}. To start anew, remove the "
        "folder {}/_sluice",
        definition_.table.name, table_id, definition_.name, found->second, definition_.table.root);
  if (auto ok = passed("table made"); !ok) return ok;
  if (auto ok = store_->make_folders(); !ok) return ok;
  if (!settings_.take_lock) return {};
  auto lock = store_->lock();
  if (!lock) return std::unexpected(lock.error());
  lock_ = *std::move(lock);
  if (lock_ == nullptr)
    return stopped("another process runs flow {} of {}", definition_.name, definition_.table.name);
  return {};
}

PipelineResult<void> Flow::open_file() {
  const delta::Snapshot& snapshot = sink_->snapshot();
  const std::int64_t generation =
      std::max<std::int64_t>(0, snapshot.txn_version(generation_app_id(id_)));
  app_id_ = batch_app_id(id_, generation);
  batch_ = snapshot.txn_version(app_id_);
  auto found = store_->read_flow();
  if (!found) return std::unexpected(found.error());
  if (*found && (*found)->generation < generation) {
    // A full refresh was committed; what belongs to the generation before it goes.
    if (auto ok = store_->wipe(); !ok) return ok;
    auto next = first_file();
    if (!next) return std::unexpected(next.error());
    next->generation = generation;
    if (auto ok = store_->replace_flow(*next); !ok) return ok;
    *found = *next;
  }
  if (!*found) {
    auto made = batch_ < 0 ? first_file() : restored_file();
    if (!made) return std::unexpected(made.error());
    made->generation = generation;
    auto kept = store_->write_flow(*made);
    if (!kept) return std::unexpected(kept.error());
    *found = *kept;
  }
  file_ = **found;
  if (file_.flow_id != id_ || file_.table_id != snapshot.metadata.id ||
      file_.generation != generation)
    return stopped("{} belongs to another flow, table or generation",
                   flow_file_path(store_->folder()));
  return passed("flow.json written");
}

PipelineResult<FlowStream> Flow::stream_start(const Source& source) const {
  FlowStream stream{source.name(), source.incarnation(), {}};
  auto bounds = source.bounds();
  if (!bounds) return std::unexpected(bounds.error());
  for (const SourceBounds& shard : *bounds) {
    auto start = source.initial(shard);
    if (!start) return std::unexpected(start.error());
    stream.start[shard.shard_id] = *start;
  }
  return stream;
}

PipelineResult<FlowFile> Flow::first_file() {
  FlowFile file;
  file.flow_id = id_;
  file.flow_name = definition_.name;
  file.table_id = sink_->snapshot().metadata.id;
  file.hash_seed = parts_.random.next();
  for (const auto& source : parts_.sources) {
    auto stream = stream_start(*source);
    if (!stream) return std::unexpected(stream.error());
    file.streams.push_back(*std::move(stream));
  }
  return file;
}

// The table holds our batches, flow.json is gone: positions are in the table, the streams must be
// those that it names.
PipelineResult<FlowFile> Flow::restored_file() {
  FlowFile file;
  file.flow_id = id_;
  file.flow_name = definition_.name;
  file.table_id = sink_->snapshot().metadata.id;
  file.hash_seed = parts_.random.next();
  for (const auto& source : parts_.sources) {
    const std::string prefix = position_app_id(app_id_, source->incarnation(), "");
    const auto first = sink_->snapshot().txns.lower_bound(prefix);
    if (first == sink_->snapshot().txns.end() || !first->first.starts_with(prefix))
      return stopped(
          "{} is gone and the table holds no position in stream {} as it is now: it was recreated, "
          "or the flow did not read it before. A full refresh starts again",
          flow_file_path(store_->folder()), source->name());
    file.streams.push_back({source->name(), source->incarnation(), {}});
  }
  kLog.warn("flow {}: {} is gone, positions were restored from the table", definition_.name,
            flow_file_path(store_->folder()));
  return file;
}

PipelineResult<void> Flow::check_streams() {
  bool added = false;
  for (const auto& source : parts_.sources) {
    const FlowStream* known = file_.find(source->name());
    if (known == nullptr) {
      auto stream = stream_start(*source);
      if (!stream) return std::unexpected(stream.error());
      file_.streams.push_back(*std::move(stream));
      added = true;
    } else if (known->incarnation != source->incarnation()) {
      return stopped(
          "stream {} was recreated since flow {} read it: its records and positions are others. A "
          "full refresh starts again",
          source->name(), definition_.name);
    }
  }
  return added ? store_->replace_flow(file_) : PipelineResult<void>();
}

void Flow::restore_positions() {
  const std::string prefix = app_id_ + "/";
  for (const FlowStream& stream : file_.streams)
    for (const auto& [shard, index] : stream.start)
      positions_[{stream.incarnation, shard}] = index;
  const auto& txns = sink_->snapshot().txns;
  for (auto it = txns.lower_bound(prefix); it != txns.end() && it->first.starts_with(prefix);
       ++it) {
    const std::string rest = it->first.substr(prefix.size());
    const auto slash = rest.find('/');
    if (slash == std::string::npos || it->second.version < 1) continue;
    positions_[{rest.substr(0, slash), rest.substr(slash + 1)}] =
        static_cast<std::uint64_t>(it->second.version - 1);
  }
  const auto idle = store_->read_idle();
  if (!idle || idle->generation != file_.generation) return;
  for (const PlannedStream& stream : idle->streams)
    for (const ShardRange& hole : stream.shards) {
      std::uint64_t& position = positions_[{stream.incarnation, hole.shard_id}];
      if (hole.count == 0 && position >= hole.from && position < hole.to) position = hole.to;
    }
}

PipelineResult<void> Flow::open_state(const sparksql::FlowQuery& query) {
  batch_time_ms_ = sink_->snapshot().commit_ms;
  if (const auto head = store_->read_head(); head && head->generation == file_.generation)
    batch_time_ms_ = std::max(batch_time_ms_, head->batch_time_ms);
  if (!query.distinct_input) return {};
  state_.emplace(parts_.env,
                 DedupState::Settings{state_folder(store_->folder()), seed_id(file_.hash_seed),
                                      schema_id(query.distinct_input->schema.to_ddl()),
                                      settings_.state_memory_bytes});
  if (batch_ < 0) return {};
  auto loaded = load_from_head();
  if (loaded && !*loaded) loaded = load_from_log();
  if (!loaded) return std::unexpected(loaded.error());
  if (*loaded) return {};
  return rebuild_state(query);
}

// The head, and the newest commit where the head is one behind it.
PipelineResult<bool> Flow::load_from_head() {
  auto head = store_->read_head();
  if (!head || head->generation != file_.generation) return false;
  if (head->batch == batch_ - 1) {
    auto recent = sink_->records(id_, file_.generation, kRecentCommits);
    if (!recent) return std::unexpected(recent.error());
    const auto newest = recent->find(batch_);
    if (newest == recent->end() || !newest->second.state) return false;
    if (head->files.empty() && head->batch >= 0) return false;
    head->files.push_back(*newest->second.state);
  } else if (head->batch != batch_ || head->files.empty()) {
    return false;
  }
  auto loaded = state_->load(head->files);
  if (loaded) return true;
  if (!state_->damaged()) return std::unexpected(loaded.error());
  kLog.warn("flow {}: {}; the table's log is asked", definition_.name, loaded.error().message);
  return false;
}

PipelineResult<bool> Flow::load_from_log() {
  auto records = sink_->records(id_, file_.generation, std::numeric_limits<std::int32_t>::max());
  if (!records) return std::unexpected(records.error());
  std::map<std::int64_t, std::vector<KeyFileRef>> by_first;
  for (const auto& [batch, record] : *records)
    if (record.state) by_first[record.state->from].push_back(*record.state);
  auto names = parts_.env.list(state_folder(store_->folder()));
  if (!names) return base::fail(PipelineError::kRetry, names.error().message);
  for (const std::string& name : *names) {
    if (!name.ends_with(".keys")) continue;
    auto bytes = base::read_file(parts_.env, base::join_path(state_folder(store_->folder()), name));
    if (!bytes) return base::fail(PipelineError::kRetry, bytes.error().message);
    auto file = decode_key_file(*bytes, name);
    // A file of one batch counts only when a commit names it: it may be an attempt's that failed.
    if (!file || file->from == file->to || file->seed_id != seed_id(file_.hash_seed)) continue;
    by_first[file->from].push_back(
        {file->from, file->to, name, file->keys.size(), key_file_crc(*bytes)});
  }
  const std::vector<KeyFileRef> files = cover(by_first, batch_);
  if (files.empty()) return false;
  auto loaded = state_->load(files);
  if (loaded) return true;
  if (!state_->damaged()) return std::unexpected(loaded.error());
  kLog.warn("flow {}: {}", definition_.name, loaded.error().message);
  return false;
}

// Reads all batches again, if the log still says what they read and the streams still have it.
PipelineResult<void> Flow::rebuild_state(const sparksql::FlowQuery& query) {
  kLog.warn("flow {}: the rows seen before are read again from the streams", definition_.name);
  auto records = sink_->records(id_, file_.generation, std::numeric_limits<std::int32_t>::max());
  if (!records) return std::unexpected(records.error());
  for (std::int64_t batch = 0; batch <= batch_; ++batch)
    if (!records->contains(batch))
      return stopped(
          "the rows that flow {} has seen are lost, and the table's log does not say any more what "
          "batch {} read. A full refresh starts again",
          definition_.name, batch);
  state_->abandon();
  for (const auto& [batch, record] : *records) {
    Transform transform(parts_.engine);
    if (auto ok = read_into(record.plan.streams, query, transform, nullptr); !ok) return ok;
    if (auto ok = transform.keep_distinct(*query.distinct_input, file_.hash_seed, *state_); !ok)
      return ok;
  }
  auto file = state_->write(0, batch_, parts_.random);
  if (!file) return std::unexpected(file.error());
  state_->commit(*file);
  return store_->replace_head({batch_, file_.generation, batch_time_ms_, state_->files()});
}

}  // namespace sluice::pipeline
