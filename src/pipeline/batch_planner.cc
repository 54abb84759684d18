#include "pipeline/batch_planner.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

namespace sluice::pipeline {
namespace {

// One shard that may be read, with what is known of it.
struct Candidate {
  const Source* source = nullptr;
  ShardKey key;
  SourceBounds bounds;
};

std::uint64_t fair_share(std::uint64_t left, std::size_t shards) {
  return std::max<std::uint64_t>(1, left / std::max<std::size_t>(1, shards));
}

class Planner {
 public:
  Planner(const Positions& positions, const std::optional<Targets>& targets,
          const BatchLimits& limits)
      : positions_(positions), targets_(targets), limits_(limits) {}

  PipelineResult<void> add_source(const Source& source) {
    auto bounds = source.bounds();
    if (!bounds) return std::unexpected(bounds.error());
    for (SourceBounds& shard : *bounds) {
      ShardKey key{source.incarnation(), shard.shard_id};
      candidates_.push_back({&source, key, shard});
      known_[key] = std::move(shard);
    }
    return check_gone(source);
  }

  PipelineResult<PlannedRanges> plan(const std::vector<const Source*>& sources, bool all_shards) {
    // Children that become readable when their parents end within this plan come in the next round.
    for (bool progress = true; progress;) {
      progress = false;
      std::vector<const Candidate*> round;
      for (const Candidate& candidate : candidates_) {
        if (ranges_.contains(candidate.key)) continue;
        auto readable = parents_done(candidate);
        if (!readable) return std::unexpected(readable.error());
        if (*readable) round.push_back(&candidate);
      }
      for (std::size_t i = 0; i < round.size(); ++i) {
        if (auto ok = plan_shard(*round[i], round.size() - i); !ok)
          return std::unexpected(ok.error());
        progress = true;
      }
    }
    return collect(sources, all_shards);
  }

 private:
  // A shard that is gone must have been read to its end, if it was there after the flow's start:
  // one that the flow knows, or a child of such.
  PipelineResult<void> check_gone(const Source& source) {
    auto gone = source.gone();
    if (!gone) return std::unexpected(gone.error());
    for (const SourceBounds& shard : *gone) {  // by index: parents first
      const ShardKey key{source.incarnation(), shard.shard_id};
      const bool appeared = std::ranges::any_of(shard.parents, [&](const std::string& parent) {
        const ShardKey of{source.incarnation(), parent};
        return positions_.contains(of) || appeared_.contains(of);
      });
      if (appeared) appeared_.insert(key);
      if ((appeared || positions_.contains(key)) && position(key) + 1 < shard.end)
        return unread(shard.shard_id);
      gone_.insert(key);
    }
    return {};
  }

  static std::unexpected<base::Failure<PipelineError>> unread(const std::string& shard_id) {
    return base::fail(
        PipelineError::kStopped,
        fmt::format("{} is gone before it was read to its end: its records have expired. A full "
                    "refresh starts again from what the stream still has",
                    shard_id));
  }

  std::uint64_t position(const ShardKey& key) const {
    const auto planned = ranges_.find(key);
    if (planned != ranges_.end()) return planned->second.to;
    const auto known = positions_.find(key);
    return known == positions_.end() ? 0 : known->second;
  }

  // Its end lies in a plan up to this one.
  PipelineResult<bool> parents_done(const Candidate& candidate) const {
    for (const std::string& parent : candidate.bounds.parents) {
      const ShardKey key{candidate.key.incarnation, parent};
      const auto found = known_.find(key);
      if (found != known_.end()) {
        // In `ranges_`: its own parents have ended, even if it never had a record.
        if (!found->second.closed || !ranges_.contains(key) ||
            position(key) + 1 < found->second.end)
          return false;
      } else if (!gone_.contains(key) && positions_.contains(key) &&
                 !positions_.contains(candidate.key)) {
        return unread(parent);  // the stream does not even know it: nothing says that it was read
      }
    }
    return true;
  }

  PipelineResult<void> plan_shard(const Candidate& candidate, std::size_t shards_left) {
    const std::uint64_t from = position(candidate.key);
    ShardRange range{candidate.key.shard_id, from, from};
    std::uint64_t below = candidate.bounds.end;
    if (targets_) {
      const auto target = targets_->find(candidate.key);
      below = target == targets_->end() ? 0 : std::min(below, target->second);
    }
    if (below > from + 1 && records_ < limits_.records_max && bytes_ < limits_.bytes_max) {
      auto planned = candidate.source->plan(candidate.key.shard_id, from, below,
                                            fair_share(limits_.records_max - records_, shards_left),
                                            fair_share(limits_.bytes_max - bytes_, shards_left));
      if (!planned) return std::unexpected(planned.error());
      range = *planned;
      records_ += range.count;
      bytes_ += range.bytes;
    }
    ranges_.emplace(candidate.key, std::move(range));
    return {};
  }

  PlannedRanges collect(const std::vector<const Source*>& sources, bool all_shards) const {
    PlannedRanges out;
    for (const Source* source : sources) {
      PlannedStream stream{source->name(), source->incarnation(), {}};
      for (const Candidate& candidate : candidates_) {
        const auto found = ranges_.find(candidate.key);
        if (candidate.source != source || found == ranges_.end()) continue;
        const bool moves = found->second.to > found->second.from;
        out.moves = out.moves || moves;
        out.records += found->second.count;
        if (moves || all_shards) stream.shards.push_back(found->second);
      }
      out.streams.push_back(std::move(stream));
    }
    return out;
  }

  const Positions& positions_;
  const std::optional<Targets>& targets_;
  const BatchLimits limits_;
  std::vector<Candidate> candidates_;
  std::map<ShardKey, SourceBounds> known_;
  std::set<ShardKey> gone_;
  std::set<ShardKey> appeared_;  // those of them that appeared after the flow's start
  std::map<ShardKey, ShardRange> ranges_;
  std::uint64_t records_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace

PipelineResult<PlannedRanges> plan_ranges(const std::vector<const Source*>& sources,
                                          const Positions& positions,
                                          const std::optional<Targets>& targets,
                                          const BatchLimits& limits, bool all_shards) {
  Planner planner(positions, targets, limits);
  for (const Source* source : sources)
    if (auto ok = planner.add_source(*source); !ok) return std::unexpected(ok.error());
  return planner.plan(sources, all_shards);
}

PipelineResult<Targets> current_ends(const std::vector<const Source*>& sources) {
  Targets targets;
  for (const Source* source : sources) {
    auto bounds = source->bounds();
    if (!bounds) return std::unexpected(bounds.error());
    for (const SourceBounds& shard : *bounds)
      targets[{source->incarnation(), shard.shard_id}] = shard.end;
  }
  return targets;
}

void advance(Positions& positions, const std::vector<PlannedStream>& streams) {
  for (const PlannedStream& stream : streams)
    for (const ShardRange& range : stream.shards)
      positions[{stream.incarnation, range.shard_id}] = range.to;
}

}  // namespace sluice::pipeline
