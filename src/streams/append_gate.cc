#include "streams/append_gate.h"

#include <utility>

namespace sluice::streams {
namespace {

std::size_t bytes_of(const std::vector<PutEntry>& entries) {
  std::size_t bytes = 0;
  for (const PutEntry& entry : entries)
    bytes += sizeof entry + entry.partition_key.size() + entry.data.size();
  return bytes;
}

}  // namespace

ParkedAppend::ParkedAppend(const std::vector<PutEntry>& entries,
                           std::optional<journal::RequestToken> the_token, PutDone the_done)
    : token(the_token), done(std::move(the_done)) {
  places_.reserve(entries.size());
  for (const PutEntry& entry : entries) {
    places_.push_back({entry.partition_key.size(), entry.data.size(), entry.explicit_hash});
    bytes_.append(entry.partition_key).append(entry.data);
  }
}

std::vector<PutEntry> ParkedAppend::entries() const {
  std::vector<PutEntry> entries;
  entries.reserve(places_.size());
  std::string_view rest = bytes_;
  for (const Place& place : places_) {
    entries.push_back({rest.substr(0, place.key_bytes),
                       rest.substr(place.key_bytes, place.data_bytes), place.explicit_hash});
    rest.remove_prefix(place.key_bytes + place.data_bytes);
  }
  return entries;
}

StreamRef AppendGate::enter(const std::vector<PutEntry>& entries,
                            std::optional<journal::RequestToken> token, PutDone& done) {
  std::unique_lock lock(mutex_);
  StreamRef now = now_.lock();
  if (now != nullptr && !shut_) {
    ++inside_;
    return now;
  }
  const std::size_t bytes = bytes_of(entries);
  if (now != nullptr && parked_bytes_ + bytes <= parked_bytes_max_) {
    parked_bytes_ += bytes;
    parked_.emplace_back(entries, token, std::move(done));
    return nullptr;
  }
  lock.unlock();
  if (now == nullptr) {
    done(base::fail(StreamError::kNoSuchStream, "the stream was removed"));
  } else {
    done(base::fail(StreamError::kThrottled, "too many bytes wait for a change of its shards"));
  }
  return nullptr;
}

void AppendGate::leave() {
  const std::lock_guard lock(mutex_);
  if (--inside_ == 0 && shut_) all_left_.notify_one();
}

void AppendGate::publish(const StreamRef& now) {
  const std::lock_guard lock(mutex_);
  now_ = now;
}

void AppendGate::shut() {
  std::unique_lock lock(mutex_);
  shut_ = true;
  all_left_.wait(lock, [this] { return inside_ == 0; });
}

std::vector<ParkedAppend> AppendGate::open() {
  const std::lock_guard lock(mutex_);
  shut_ = false;
  parked_bytes_ = 0;
  return std::exchange(parked_, {});
}

}  // namespace sluice::streams
