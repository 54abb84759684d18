// What is wrong with a stream's description: empty when nothing is. Before and after a change.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "streams/streams.h"

namespace sluice::sim {

// Of any stream at any time: open shards tile the hash space, children come after their parents.
std::string flaw_of(const streams::Stream& stream);
// A change by which nothing but these settings changes.
std::string flaw_of_settings(const streams::Stream& before, const streams::Stream& after,
                             const streams::StreamSettings& settings);
// Nothing changed, but that closed shards may go for which `may_go` says so.
std::string flaw_of_rest(const streams::Stream& before, const streams::Stream& after,
                         const std::function<bool(const streams::Shard&)>& may_go);
// `closing` were closed (and others too only if `others`), their children are the new shards;
// `open` shards are open.
std::string flaw_of_reshape(const streams::Stream& before, const streams::Stream& after,
                            const std::vector<streams::ShardIndex>& closing, bool others, int open);
std::string flaw_of_new(const streams::NewStream& wanted, const streams::Stream& after);

}  // namespace sluice::sim
