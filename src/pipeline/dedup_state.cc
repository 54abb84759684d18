#include "pipeline/dedup_state.h"

#include <fmt/core.h>

#include <algorithm>
#include <cassert>
#include <charconv>
#include <set>

#include "base/log.h"
#include "base/uuid.h"
#include "pipeline/flow_id.h"
#include "pipeline/key_file.h"

namespace sluice::pipeline {
namespace {

constexpr base::Logger kLog{"pipeline"};

// Levels of merging: 0 for 1 … 7 batches, 1 for 8 … 63, and so on.
std::size_t level_of(const KeyFileRef& file) {
  std::size_t level = 0;
  for (std::int64_t batches = file.to - file.from + 1;
       batches >= static_cast<std::int64_t>(DedupState::kFanOut); batches /= DedupState::kFanOut)
    ++level;
  return level;
}

PipelineError code_of(base::IoError error) {
  return error == base::IoError::kNotFound ? PipelineError::kStopped : PipelineError::kRetry;
}

// The last batch of a key file's name; −1: not such a name.
std::int64_t last_batch_of(const std::string& name) {
  const auto dash = name.find('-');
  const auto dot = name.find('.');
  if (dash == std::string::npos || dot == std::string::npos || dash > dot) return -1;
  std::int64_t to = -1;
  const auto read = std::from_chars(name.data() + dash + 1, name.data() + dot, to);
  return read.ec == std::errc() && read.ptr == name.data() + dot ? to : -1;
}

}  // namespace

PipelineResult<void> DedupState::check_room(std::uint64_t keys) const {
  const std::uint64_t keys_max = settings_.memory_bytes_max / KeySet::kBytesPerKey;
  if (keys <= keys_max) return {};
  return base::fail(
      PipelineError::kStopped,
      fmt::format("the set of distinct rows needs more than state.memory ({} bytes, {} rows). "
                  "Raise state.memory; state beyond memory is not there yet",
                  settings_.memory_bytes_max, keys_max));
}

PipelineResult<std::vector<base::Uint128>> DedupState::read(const KeyFileRef& file) {
  const std::string path = base::join_path(settings_.folder, file.file);
  auto bytes = base::read_file(env_, path, std::uint64_t{1} << 36);
  damaged_ = !bytes && bytes.error().code == base::IoError::kNotFound;
  if (!bytes) return base::fail(code_of(bytes.error().code), bytes.error().message);
  auto decoded = decode_key_file(*bytes, path);
  damaged_ = !decoded;
  if (!decoded) return std::unexpected(decoded.error());
  const auto wrong = [this, &path](std::string_view what) {
    damaged_ = true;
    return base::fail(PipelineError::kStopped, fmt::format("{}: {}", path, what));
  };
  if (key_file_crc(*bytes) != file.crc || decoded->from != file.from || decoded->to != file.to ||
      decoded->keys.size() != file.count)
    return wrong("is not the file that the commit names");
  if (decoded->seed_id != settings_.seed_id) return wrong("was made with another hash seed");
  if (decoded->schema_id != settings_.schema_id)
    return base::fail(PipelineError::kStopped,
                      "the columns under DISTINCT are not those of the earlier batches, so rows "
                      "cannot be compared with them. Take the change back, or refresh the table "
                      "fully");
  return std::move(decoded->keys);
}

PipelineResult<void> DedupState::load(std::vector<KeyFileRef> files) {
  damaged_ = false;
  std::uint64_t total = 0;
  for (const KeyFileRef& file : files)
    total += file.count;
  if (auto ok = check_room(total); !ok) return ok;
  abandon();
  files_.clear();
  set_.clear();
  set_.reserve(total);
  for (const KeyFileRef& file : files) {
    auto keys = read(file);
    if (!keys) {
      // A key left behind would not be fresh when its row is read again, and so be in no file.
      set_.clear();
      return std::unexpected(keys.error());
    }
    for (const base::Uint128 key : *keys)
      set_.insert(key);
  }
  files_ = std::move(files);
  return {};
}

PipelineResult<bool> DedupState::add_new(base::Uint128 key) {
  if (set_.contains(key) || !fresh_set_.insert(key)) return false;
  fresh_.push_back(key);
  if (auto ok = check_room(set_.size() + fresh_.size()); !ok) return std::unexpected(ok.error());
  return true;
}

PipelineResult<KeyFileRef> DedupState::write_file(std::int64_t from, std::int64_t to,
                                                  std::vector<base::Uint128> keys,
                                                  base::Random& random) {
  KeyFile file{settings_.seed_id, settings_.schema_id, from, to, std::move(keys)};
  const std::string bytes = encode_key_file(file);
  KeyFileRef ref{from, to, key_file_name(from, to, base::random_uuid(random)), file.keys.size(),
                 key_file_crc(bytes)};
  if (auto ok = base::put_if_absent(env_, base::join_path(settings_.folder, ref.file), bytes); !ok)
    return base::fail(PipelineError::kRetry, ok.error().message);
  return ref;
}

PipelineResult<KeyFileRef> DedupState::write(std::int64_t from, std::int64_t to,
                                             base::Random& random) {
  std::ranges::sort(fresh_);
  return write_file(from, to, fresh_, random);
}

void DedupState::commit(const KeyFileRef& file) {
  assert(file.count == fresh_.size());
  set_.reserve(std::max(set_.size() + fresh_.size(), std::size_t{64}));
  for (const base::Uint128 key : fresh_)
    set_.insert(key);
  files_.push_back(file);
  abandon();
}

PipelineResult<bool> DedupState::merge(base::Random& random) {
  bool merged = false;
  while (files_.size() >= kFanOut) {
    const std::size_t level = level_of(files_.back());
    std::size_t first = files_.size();
    while (first > 0 && level_of(files_[first - 1]) == level)
      --first;
    if (files_.size() - first < kFanOut) break;
    std::vector<std::vector<base::Uint128>> runs;
    for (std::size_t i = first; i < files_.size(); ++i) {
      auto keys = read(files_[i]);
      if (!keys) return std::unexpected(keys.error());
      runs.push_back(*std::move(keys));
    }
    auto file = write_file(files_[first].from, files_.back().to, merge_keys(runs), random);
    if (!file) return std::unexpected(file.error());
    files_.resize(first);
    files_.push_back(*std::move(file));
    merged = true;
  }
  return merged;
}

void DedupState::remove_unused(std::int64_t committed) {
  std::set<std::string> used;
  for (const KeyFileRef& file : files_)
    used.insert(file.file);
  auto names = env_.list(settings_.folder);
  if (!names) return;  // nothing depends on removing; the next batch tries again
  for (const std::string& name : *names) {
    const std::int64_t last = name.ends_with(".keys") ? last_batch_of(name) : -1;
    if (last < 0 || last > committed || used.contains(name)) continue;
    if (auto ok = env_.remove(base::join_path(settings_.folder, name)); !ok)
      kLog.debug("{}: {}", name, ok.error().message);
  }
}

}  // namespace sluice::pipeline
