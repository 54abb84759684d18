#include "pipeline/flow.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/log.h"
#include "pipeline/flow_id.h"
#include "pipeline/transform.h"

namespace sluice::pipeline {
namespace {

constexpr base::Logger kLog{"pipeline"};

}  // namespace

std::vector<const Source*> Flow::source_pointers() const {
  std::vector<const Source*> out;
  out.reserve(parts_.sources.size());
  for (const auto& source : parts_.sources)
    out.push_back(source.get());
  return out;
}

PipelineResult<void> Flow::passed(std::string_view step) const {
  return parts_.hook ? parts_.hook(step) : PipelineResult<void>();
}

PipelineResult<Lag> Flow::lag() const {
  Lag lag;
  for (const auto& source : parts_.sources) {
    auto bounds = source->bounds();
    if (!bounds) return std::unexpected(bounds.error());
    for (const SourceBounds& shard : *bounds) {
      const auto found = positions_.find({source->incarnation(), shard.shard_id});
      const std::uint64_t next =
          std::max(shard.oldest, found == positions_.end() ? 1 : found->second + 1);
      if (shard.end > next) lag.records += shard.end - next;
      lag.newest_arrival_ms = std::max(lag.newest_arrival_ms, shard.newest_arrival_ms);
    }
  }
  return lag;
}

// ---- step 1

PipelineResult<std::optional<Plan>> Flow::take_plan(const sparksql::FlowQuery& query,
                                                    const std::optional<Targets>& targets) {
  auto found = store_->read_plan(batch_ + 1);
  if (!found) return std::unexpected(found.error());
  if (*found && (*found)->generation < file_.generation) {
    // Left by a process that slept through a full refresh.
    if (auto ok = store_->remove_plan(batch_ + 1); !ok) return std::unexpected(ok.error());
    found->reset();
  }
  if (*found) return found;
  auto plan = new_plan(targets);
  if (!plan || !*plan) return plan;
  (*plan)->sql_hash = definition_.sql_hash;
  (*plan)->schema_hash = text_hash(query.query.schema.to_ddl());
  auto kept = store_->write_plan(**plan);
  if (!kept) return std::unexpected(kept.error());
  return *kept;
}

PipelineResult<std::optional<Plan>> Flow::new_plan(const std::optional<Targets>& targets) {
  auto ranges =
      plan_ranges(source_pointers(), positions_, targets, settings_.limits, !positions_in_table());
  if (!ranges) return std::unexpected(ranges.error());
  if (ranges->records == 0) {
    if (ranges->moves)
      if (auto ok = remember_idle(ranges->streams); !ok) return std::unexpected(ok.error());
    return std::nullopt;
  }
  Plan plan;
  plan.batch = batch_ + 1;
  plan.generation = file_.generation;
  plan.batch_time_ms = std::max(batch_time_ms_ + 1, parts_.clock.now_ms());
  plan.streams = std::move(ranges->streams);
  return plan;
}

// Every position is in the table, so that it survives the loss of flow.json.
bool Flow::positions_in_table() const {
  return std::ranges::all_of(positions_, [&](const auto& entry) {
    return sink_->snapshot().txn_version(
               position_app_id(app_id_, entry.first.incarnation, entry.first.shard_id)) >= 0;
  });
}

// Positions move past numbers that were never given, so that a later expiry is not taken for loss.
PipelineResult<void> Flow::remember_idle(const std::vector<PlannedStream>& streams) {
  advance(positions_, streams);
  Plan idle;
  idle.batch = batch_ + 1;
  idle.generation = file_.generation;
  idle.batch_time_ms = parts_.clock.now_ms();
  idle.sql_hash = idle.schema_hash = text_hash("");
  for (const FlowStream& stream : file_.streams) {
    PlannedStream holes{stream.name, stream.incarnation, {}};
    for (const auto& [key, to] : positions_) {
      if (key.incarnation != stream.incarnation) continue;
      const std::int64_t next =
          sink_->snapshot().txn_version(position_app_id(app_id_, key.incarnation, key.shard_id));
      const auto start = stream.start.find(key.shard_id);
      const std::uint64_t from = next > 0 ? static_cast<std::uint64_t>(next - 1)
                                 : start == stream.start.end() ? 0
                                                               : start->second;
      if (from < to) holes.shards.push_back({key.shard_id, from, to});
    }
    idle.streams.push_back(std::move(holes));
  }
  return store_->replace_idle(idle);
}

PipelineResult<void> Flow::check_plan(const Plan& plan) const {
  const auto wrong = [&](const std::string& what) {
    return base::fail(PipelineError::kStopped,
                      fmt::format("{}: {}", plan_file_path(store_->folder(), plan.batch), what));
  };
  if (plan.generation != file_.generation) return wrong("is of another generation");
  for (const PlannedStream& stream : plan.streams) {
    const auto source = std::ranges::find_if(
        parts_.sources, [&](const auto& s) { return s->name() == stream.name; });
    if (source == parts_.sources.end())
      return wrong(fmt::format(
          "reads stream {}, which the query does not read any more. Take the change back until "
          "this batch is done, or refresh the table fully",
          stream.name));
    if ((*source)->incarnation() != stream.incarnation)
      return wrong(fmt::format("stream {} was recreated", stream.name));
    for (const ShardRange& range : stream.shards) {
      const std::int64_t next = sink_->snapshot().txn_version(
          position_app_id(app_id_, stream.incarnation, range.shard_id));
      if (next > 0 && range.from + 1 < static_cast<std::uint64_t>(next))
        return wrong(fmt::format("begins before the table's position in {}", range.shard_id));
    }
  }
  return {};
}

// ---- steps 2 and 3

PipelineResult<void> Flow::read_into(const std::vector<PlannedStream>& streams,
                                     const sparksql::FlowQuery& query, Transform& transform,
                                     BatchResult* result) const {
  if (auto ok = sparksql::register_natives(parts_.engine, query.query.functions); !ok)
    return engine_failure(ok.error());
  if (query.distinct_input)
    if (auto ok = sparksql::register_natives(parts_.engine, query.distinct_input->functions); !ok)
      return engine_failure(ok.error());
  for (std::size_t i = 0; i < parts_.sources.size(); ++i) {
    const Source& source = *parts_.sources[i];
    std::vector<std::vector<SourceRecord>> records;
    for (const PlannedStream& stream : streams) {
      if (stream.name != source.name()) continue;
      if (stream.incarnation != source.incarnation())
        return base::fail(PipelineError::kStopped,
                          fmt::format("stream {} was recreated", stream.name));
      for (const ShardRange& range : stream.shards) {
        if (range.count == 0) continue;
        auto read = source.read(range);
        if (!read) return std::unexpected(read.error());
        if (result != nullptr)
          result->newest_arrival_ms = std::max(result->newest_arrival_ms, read->back().arrival_ms);
        records.push_back(*std::move(read));
      }
    }
    if (auto ok = transform.add_source(query.sources[i], std::move(records)); !ok) return ok;
  }
  return {};
}

PipelineResult<std::optional<BatchResult>> Flow::step(const std::optional<Targets>& targets) {
  if (auto ok = sink_->refresh(); !ok) return std::unexpected(ok.error());
  if (const std::int64_t newest = sink_->snapshot().txn_version(app_id_); newest > batch_)
    return base::fail(PipelineError::kStopped,
                      fmt::format("fenced: another process runs this flow and has committed batch "
                                  "{}",
                                  newest));
  auto query = definition_.lower(std::max(batch_time_ms_ + 1, parts_.clock.now_ms()));
  if (!query) return std::unexpected(query.error());
  auto plan = take_plan(*query, targets);
  if (!plan) return std::unexpected(plan.error());
  if (!*plan) return std::nullopt;
  if (auto ok = check_plan(**plan); !ok) return std::unexpected(ok.error());
  if (auto ok = passed("plan written"); !ok) return std::unexpected(ok.error());
  query = definition_.lower((*plan)->batch_time_ms);
  if (!query) return std::unexpected(query.error());

  BatchResult result;
  result.batch = (*plan)->batch;
  Transform transform(parts_.engine);
  if (auto ok = read_into((*plan)->streams, *query, transform, &result); !ok)
    return std::unexpected(ok.error());
  result.input_records = transform.input_records();
  Transform::Malformed malformed = transform.malformed(*query);
  result.malformed_records = malformed.records;
  result.malformed_sample = std::move(malformed.sample);
  if (auto ok = passed("records read"); !ok) return std::unexpected(ok.error());
  if (state_)
    if (auto ok = transform.keep_distinct(*query->distinct_input, file_.hash_seed, *state_); !ok)
      return std::unexpected(ok.error());
  if (auto ok = passed("rows computed"); !ok) return std::unexpected(ok.error());
  auto written = sink_->write(parts_.engine, query->query.duckdb_sql, query->query.schema);
  if (!written) return std::unexpected(written.error());
  result.rows_written = written->rows;
  if (auto ok = passed("files written"); !ok) return std::unexpected(ok.error());

  BatchCommit commit{id_, app_id_, {}};
  commit.record.plan = **std::move(plan);
  commit.record.sql_hash = definition_.sql_hash;
  commit.record.schema_hash = text_hash(query->query.schema.to_ddl());
  if (state_) {
    auto file = state_->write(result.batch, result.batch, parts_.random);
    if (!file) return std::unexpected(file.error());
    commit.record.state = *std::move(file);
  }
  if (auto ok = passed("state written"); !ok) return std::unexpected(ok.error());
  if (auto version = sink_->commit(commit, *written); !version)
    return std::unexpected(version.error());
  if (auto ok = passed("committed"); !ok) return std::unexpected(ok.error());
  if (auto ok = finish(commit.record); !ok) return std::unexpected(ok.error());
  return result;
}

// Step 7. An error here leaves the batch committed: opening again finds it.
PipelineResult<void> Flow::finish(const CommitRecord& record) {
  batch_ = record.plan.batch;
  batch_time_ms_ = record.plan.batch_time_ms;
  advance(positions_, record.plan.streams);
  if (state_) state_->commit(*record.state);
  const auto write_head = [this] {
    return store_->replace_head({batch_, file_.generation, batch_time_ms_,
                                 state_ ? state_->files() : std::vector<KeyFileRef>()});
  };
  if (auto ok = write_head(); !ok) return ok;
  if (auto ok = passed("head written"); !ok) return ok;
  if (state_) {
    auto merged = state_->merge(parts_.random);
    if (!merged) return std::unexpected(merged.error());
    if (*merged) {
      if (auto ok = write_head(); !ok) return ok;
      state_->remove_unused(batch_);
    }
  }
  if (auto ok = passed("state merged"); !ok) return ok;
  store_->drop_plans_below(batch_ - 2);
  if (auto ok = sink_->refresh(); !ok) return std::unexpected(ok.error());
  kLog.debug("flow {}: batch {} is in the table", definition_.name, batch_);
  return passed("plans dropped");
}

}  // namespace sluice::pipeline
