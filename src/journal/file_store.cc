#include "journal/file_store.h"

#include <fmt/core.h>

#include <algorithm>
#include <cassert>
#include <charconv>

namespace sluice::journal {
namespace {

constexpr std::string_view kLogSuffix = ".sluicelog";
constexpr std::string_view kUnfinishedSuffix = ".unfinished";
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

base::IoResult<std::vector<std::uint32_t>> FileStore::open() {
  if (auto ok = env_.make_dirs(folder_); !ok) return std::unexpected(ok.error());
  if (auto ok = env_.sync_dir(base::parent_path(folder_)); !ok) return std::unexpected(ok.error());
  auto lock = env_.lock(base::join_path(folder_, kLockName));
  if (!lock) return std::unexpected(lock.error());
  lock_ = std::move(*lock);
  auto names = env_.list(folder_);
  if (!names) return std::unexpected(names.error());
  const std::lock_guard guard(mutex_);
  std::vector<std::uint32_t> numbers;
  for (const auto& name : *names) {
    const std::string path = base::join_path(folder_, name);
    if (const auto number = number_of(name)) {
      numbers.push_back(*number);
    } else if (name == kReserveName) {
      has_reserve_ = true;
    } else if (name.ends_with(kUnfinishedSuffix)) {
      if (auto ok = env_.remove(path); !ok) return std::unexpected(ok.error());
    } else if (name.starts_with(kSparePrefix)) {
      std::uint64_t number = 0;
      (void)std::from_chars(name.data() + kSparePrefix.size(), name.data() + name.size(), number);
      spare_number_ = std::max(spare_number_, number);
      const auto info = env_.stat(path);
      if (!info) return std::unexpected(info.error());
      if (info->size_bytes == limits_.file_bytes) {
        spares_.push_back(path);
      } else if (auto ok = env_.remove(path); !ok) {  // of another size setting
        return std::unexpected(ok.error());
      }
    }
  }
  std::ranges::sort(numbers);
  return numbers;
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

base::IoResult<DataFileRef> FileStore::adopt_spare(const std::string& path, std::uint32_t number) {
  std::string spare;
  {
    const std::lock_guard lock(mutex_);
    assert(!spares_.empty());
    spare = std::move(spares_.front());
    spares_.pop_front();
    changed_.notify_all();
  }
  if (auto ok = env_.rename(spare, path); !ok) return std::unexpected(ok.error());
  if (auto ok = env_.sync_dir(folder_); !ok) return std::unexpected(ok.error());
  auto out = std::make_shared<DataFile>();
  out->number = number;
  out->path = path;
  auto file = env_.open(path, base::OpenMode::kReadWrite);
  if (!file) return std::unexpected(file.error());
  out->file = std::move(*file);
  out->bytes = limits_.file_bytes;
  return out;
}

base::IoStatus FileStore::await_spare(bool wait) {
  std::unique_lock lock(mutex_);
  if (!wait && spares_.empty()) {
    lock.unlock();
    return make_spare();
  }
  changed_.wait(lock, [this] { return stopped_ || full_ || !spares_.empty(); });
  if (!spares_.empty()) return {};
  if (full_)
    return base::fail(base::IoError::kNoSpace,
                      fmt::format("{}: no space for another file of the journal", folder_));
  return base::fail(base::IoError::kOther, "the journal is stopping");
}

base::IoResult<DataFileRef> FileStore::take_spare(std::uint32_t number) {
  return adopt_spare(path_of(number), number);
}

base::IoResult<DataFileRef> FileStore::take_spare_for_rewrite(std::uint32_t number) {
  if (auto ok = await_spare(false); !ok) return std::unexpected(ok.error());
  return adopt_spare(path_of(number) + std::string(kUnfinishedSuffix), number);
}

base::IoStatus FileStore::put_in_place(DataFile& rewritten) {
  const std::string path = path_of(rewritten.number);
  if (auto ok = env_.rename(rewritten.path, path); !ok) return ok;
  rewritten.path = path;
  return env_.sync_dir(folder_);
}

base::IoStatus FileStore::retire(DataFileRef file) {
  const bool in_use = file.use_count() > 1;  // a reader may still be in it: never overwrite it then
  const bool right_size = file->bytes == limits_.file_bytes;
  const std::string path = file->path;
  file.reset();
  std::string spare;
  {
    const std::lock_guard lock(mutex_);
    if (!in_use && right_size && spares_.size() < limits_.spares_max) spare = next_spare_path();
  }
  if (spare.empty()) return env_.remove(path);
  if (auto ok = env_.rename(path, spare); !ok) return ok;
  const std::lock_guard lock(mutex_);
  spares_.push_back(std::move(spare));
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

base::IoStatus FileStore::make_spare() {
  std::string path;
  std::uint64_t bytes = limits_.file_bytes;
  bool reserve = false;
  {
    const std::lock_guard lock(mutex_);
    reserve = spares_.size() >= limits_.spares_min && !has_reserve_ && limits_.reserve_bytes > 0;
    path = reserve ? base::join_path(folder_, kReserveName) : next_spare_path();
    if (reserve) bytes = limits_.reserve_bytes;
  }
  const std::string unfinished = path + std::string(kUnfinishedSuffix);
  auto ok = write_zeros(unfinished, bytes);
  if (ok) ok = env_.rename(unfinished, path);
  if (ok) ok = env_.sync_dir(folder_);
  if (!ok && ok.error().code == base::IoError::kNoSpace) {
    if (auto removed = env_.remove(unfinished);
        !removed && removed.error().code != base::IoError::kNotFound)
      return removed;
  }
  const std::lock_guard lock(mutex_);
  if (ok && reserve) has_reserve_ = true;
  if (ok && !reserve) spares_.push_back(path);
  full_ = !ok && ok.error().code == base::IoError::kNoSpace;
  changed_.notify_all();
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
