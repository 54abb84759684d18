#include "journal/file_store.h"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <cassert>
#include <charconv>

namespace sluice::journal {
namespace {

constexpr std::string_view kLogSuffix = ".sluicelog";
constexpr std::string_view kUnfinishedSuffix = ".unfinished";
constexpr std::string_view kDamagedSuffix = ".damaged";
constexpr std::string_view kSparePrefix = "spare-";
constexpr std::string_view kReserveName = "reserve";
constexpr std::string_view kLockName = "lock";
constexpr std::size_t kDigits = 16;
constexpr std::uint64_t kZerosAtOnce = std::uint64_t{1} << 20;
// A spare is synced in pieces: one large sync would hold up those of the puts.
constexpr std::uint64_t kSyncEvery = std::uint64_t{8} << 20;

std::optional<std::uint32_t> number_of(std::string_view name) {
  if (name.size() != kDigits + kLogSuffix.size() || !name.ends_with(kLogSuffix))
    return std::nullopt;
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(name.begin(), name.begin() + kDigits, number);
  if (error != std::errc() || end != name.begin() + kDigits || number == 0) return std::nullopt;
  return number;
}

}  // namespace

FileStore::FileStore(base::Env& env, std::string folder, Limits limits)
    : env_(env), folder_(std::move(folder)), limits_(limits) {}

std::string FileStore::path_of(std::uint32_t number) const {
  return base::join_path(folder_, fmt::format("{:016}{}", number, kLogSuffix));
}

base::IoStatus FileStore::lock() {
  auto lock = env_.lock(base::join_path(folder_, kLockName));
  if (!lock) return std::unexpected(lock.error());
  lock_ = std::move(*lock);
  return {};
}

base::IoResult<std::vector<std::uint32_t>> FileStore::numbers() const {
  const auto names = env_.list(folder_);
  if (!names) return std::unexpected(names.error());
  std::vector<std::uint32_t> out;
  for (const auto& name : *names) {
    if (const auto number = number_of(name)) out.push_back(*number);
  }
  std::ranges::sort(out);
  return out;
}

base::IoResult<std::vector<std::uint32_t>> FileStore::open() {
  if (auto ok = env_.make_dirs(folder_); !ok) return std::unexpected(ok.error());
  if (auto ok = env_.sync_dir(base::parent_path(folder_)); !ok) return std::unexpected(ok.error());
  if (auto ok = lock(); !ok) return std::unexpected(ok.error());
  // A process that died may have left names that are not on the device: what is built on them must
  // not get there before them.
  if (auto ok = env_.sync_dir(folder_); !ok) return std::unexpected(ok.error());
  auto names = env_.list(folder_);
  if (!names) return std::unexpected(names.error());
  const std::lock_guard guard(mutex_);
  std::vector<std::uint32_t> numbers;
  for (const auto& name : *names) {
    const std::string path = base::join_path(folder_, name);
    if (const auto number = number_of(name)) {
      const auto info = env_.stat(path);
      if (!info) return std::unexpected(info.error());
      log_bytes_ += info->size_bytes;
      numbers.push_back(*number);
    } else if (name == kReserveName) {
      has_reserve_ = true;
    } else if (name.ends_with(kUnfinishedSuffix)) {
      if (auto ok = env_.remove(path); !ok) return std::unexpected(ok.error());
    } else if (name.starts_with(kSparePrefix)) {
      const auto info = env_.stat(path);
      if (!info) return std::unexpected(info.error());
      if (auto ok = note_spare(name, info->size_bytes); !ok) return std::unexpected(ok.error());
    }
  }
  std::ranges::sort(numbers);
  return numbers;
}

base::IoStatus FileStore::note_spare(const std::string& name, std::uint64_t bytes) {
  std::uint64_t number = 0;
  (void)std::from_chars(name.data() + kSparePrefix.size(), name.data() + name.size(), number);
  spare_number_ = std::max(spare_number_, number);
  std::string path = base::join_path(folder_, name);
  if (bytes < limits_.first_file_bytes || bytes > limits_.file_bytes) return env_.remove(path);
  spares_.push_back({.path = std::move(path), .bytes = bytes});
  return {};
}

base::IoResult<DataFileRef> FileStore::open_file(std::uint32_t number) const {
  auto out = std::make_shared<DataFile>();
  out->number = number;
  out->path = path_of(number);
  auto file = env_.open(out->path, base::OpenMode::kReadWrite);
  if (!file) return std::unexpected(file.error());
  out->file = std::move(*file);
  const auto size = out->file->size();
  if (!size) return std::unexpected(size.error());
  out->bytes = *size;
  return out;
}

bool FileStore::has_spare(std::uint64_t bytes) const {
  return std::ranges::any_of(spares_, [&](const Spare& spare) { return spare.bytes >= bytes; });
}

base::IoStatus FileStore::await_spare(std::uint64_t bytes, bool wait) {
  bytes = std::min(bytes, limits_.file_bytes);
  std::unique_lock lock(mutex_);
  // Without any the upkeep thread is at work on one.
  if (wait) changed_.wait(lock, [this] { return stopped_ || full_ || !spares_.empty(); });
  if (has_spare(bytes)) return {};
  if (wait && stopped_) return base::fail(base::IoError::kOther, "the journal is stopping");
  if (wait && full_)
    return base::fail(base::IoError::kNoSpace,
                      fmt::format("{}: no space for another file of the journal", folder_));
  const std::uint64_t least = std::min(std::bit_ceil(bytes), limits_.file_bytes);
  const std::uint64_t size = std::max(least, std::min(next_bytes(), limits_.awaited_bytes));
  // Too small ones would keep the upkeep thread from making what is needed.
  const auto too_small = std::exchange(spares_, {});
  lock.unlock();
  for (const auto& spare : too_small) {
    if (auto ok = env_.remove(spare.path); !ok) return ok;
  }
  return make_spare(size);
}

base::IoResult<DataFileRef> FileStore::take_spare(std::uint32_t number, std::uint64_t bytes) {
  bytes = std::min(bytes, limits_.file_bytes);
  Spare spare;
  {
    const std::lock_guard lock(mutex_);
    const auto at =
        std::ranges::find_if(spares_, [&](const Spare& found) { return found.bytes >= bytes; });
    assert(at != spares_.end());
    spare = std::move(*at);
    spares_.erase(at);
    log_bytes_ += spare.bytes;
    changed_.notify_all();
  }
  auto out = std::make_shared<DataFile>();
  out->number = number;
  out->path = path_of(number);
  out->bytes = spare.bytes;
  if (auto ok = env_.rename(spare.path, out->path); !ok) return std::unexpected(ok.error());
  if (auto ok = env_.sync_dir(folder_); !ok) return std::unexpected(ok.error());
  auto file = env_.open(out->path, base::OpenMode::kReadWrite);
  if (!file) return std::unexpected(file.error());
  out->file = std::move(*file);
  return out;
}

base::IoResult<DataFileRef> FileStore::make_rewrite(std::uint32_t number) {
  auto out = std::make_shared<DataFile>();
  out->number = number;
  out->path = path_of(number) + std::string(kUnfinishedSuffix);
  if (auto ok = env_.remove(out->path); !ok && ok.error().code != base::IoError::kNotFound)
    return std::unexpected(ok.error());
  auto file = env_.open(out->path, base::OpenMode::kCreateExclusive);
  if (!file) return std::unexpected(file.error());
  out->file = std::move(*file);
  return out;
}

base::IoResult<std::string> FileStore::keep_aside(const DataFile& file) {
  std::string name = file.path + std::string(kDamagedSuffix);
  auto linked = env_.link(file.path, name);
  for (int i = 2; !linked && linked.error().code == base::IoError::kExists; ++i) {
    name = fmt::format("{}{}-{}", file.path, kDamagedSuffix, i);
    linked = env_.link(file.path, name);
  }
  if (linked) linked = env_.sync_dir(folder_);
  if (!linked) return std::unexpected(linked.error());
  return name;
}

base::IoStatus FileStore::put_in_place(DataFile& rewritten) {
  const std::string path = path_of(rewritten.number);
  if (auto ok = env_.rename(rewritten.path, path); !ok) return ok;
  rewritten.path = path;
  return env_.sync_dir(folder_);
}

base::IoStatus FileStore::discard(DataFileRef file) {
  const std::string path = file->path;
  file.reset();
  if (auto ok = env_.remove(path); !ok) return ok;
  return env_.sync_dir(folder_);
}

base::IoStatus FileStore::retire(DataFileRef file) {
  const bool in_use = file.use_count() > 1;  // a reader may still be in it: never overwrite it then
  const std::uint64_t bytes = file->bytes;
  const std::string path = file->path;
  file.reset();
  std::string spare;
  {
    const std::lock_guard lock(mutex_);
    const bool right_size = bytes >= next_bytes() && bytes <= limits_.file_bytes;
    if (!in_use && right_size && spares_.size() < limits_.spares_max) spare = next_spare_path();
  }
  if (spare.empty()) return env_.remove(path);
  if (auto ok = env_.rename(path, spare); !ok) return ok;
  const std::lock_guard lock(mutex_);
  spares_.push_back({.path = std::move(spare), .bytes = bytes});
  full_ = false;
  changed_.notify_all();
  return {};
}

base::IoResult<bool> FileStore::give_up_reserve() {
  {
    const std::lock_guard lock(mutex_);
    if (!has_reserve_) return false;
    has_reserve_ = false;
  }
  if (auto ok = env_.remove(base::join_path(folder_, kReserveName)); !ok)
    return std::unexpected(ok.error());
  if (auto ok = env_.sync_dir(folder_); !ok) return std::unexpected(ok.error());
  return true;
}

bool FileStore::has_work() const {
  const std::lock_guard lock(mutex_);
  return spares_.size() < limits_.spares_min || (!has_reserve_ && limits_.reserve_bytes > 0);
}

// With the lock held.
std::uint64_t FileStore::next_bytes() const {
  return std::clamp(std::bit_floor(log_bytes_), limits_.first_file_bytes, limits_.file_bytes);
}

base::IoStatus FileStore::make_missing() {
  if (!has_work()) return {};
  if (spares() < limits_.spares_min) return make_spare(0);
  const auto ok = make_zeros(base::join_path(folder_, kReserveName), limits_.reserve_bytes);
  const std::lock_guard lock(mutex_);
  has_reserve_ = has_reserve_ || ok;
  return ok;
}

// Of 0 bytes: as large as the next file should be.
base::IoStatus FileStore::make_spare(std::uint64_t bytes) {
  Spare spare{.path = {}, .bytes = bytes};
  {
    const std::lock_guard lock(mutex_);
    spare.path = next_spare_path();
    if (bytes == 0) spare.bytes = next_bytes();
  }
  const auto ok = make_zeros(spare.path, spare.bytes);
  const std::lock_guard lock(mutex_);
  full_ = !ok && ok.error().code == base::IoError::kNoSpace;
  if (ok) spares_.push_back(std::move(spare));
  changed_.notify_all();
  return ok;
}

// Under its name only once it is whole; gone again if there was no room for it.
base::IoStatus FileStore::make_zeros(const std::string& path, std::uint64_t bytes) {
  const std::string unfinished = path + std::string(kUnfinishedSuffix);
  auto ok = write_zeros(unfinished, bytes);
  if (ok) ok = env_.rename(unfinished, path);
  if (ok) ok = env_.sync_dir(folder_);
  if (ok || ok.error().code != base::IoError::kNoSpace) return ok;
  if (auto removed = env_.remove(unfinished);
      !removed && removed.error().code != base::IoError::kNotFound)
    return removed;
  return ok;
}

std::size_t FileStore::spares() const {
  const std::lock_guard lock(mutex_);
  return spares_.size();
}

void FileStore::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  changed_.notify_all();
}

base::IoStatus FileStore::write_zeros(const std::string& path, std::uint64_t bytes) {
  auto file = env_.open(path, base::OpenMode::kCreateExclusive);
  if (!file) return std::unexpected(file.error());
  const std::string zeros(std::min(bytes, kZerosAtOnce), '\0');
  for (std::uint64_t at = 0; at < bytes;) {
    const std::uint64_t n = std::min<std::uint64_t>(zeros.size(), bytes - at);
    if (auto ok = (*file)->write_at(at, std::string_view(zeros).substr(0, n)); !ok) return ok;
    at += n;
    if (at == bytes || at % kSyncEvery == 0) {
      if (auto ok = (*file)->sync(); !ok) return ok;
    }
  }
  return {};
}

std::string FileStore::next_spare_path() {
  return base::join_path(folder_, fmt::format("{}{}", kSparePrefix, ++spare_number_));
}

}  // namespace sluice::journal
