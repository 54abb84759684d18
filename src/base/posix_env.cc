// PosixEnv: the machine's disk. Every system call's error becomes an IoError with path and errno
// text.
#include <dirent.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/env.h"

namespace sluice::base {
namespace {

std::unexpected<Failure<IoError>> io_failure(std::string_view what, std::string_view path,
                                             int error) {
  IoError code = IoError::kOther;
  if (error == ENOENT || error == ENOTDIR) code = IoError::kNotFound;
  if (error == EEXIST) code = IoError::kExists;
  if (error == ENOSPC || error == EDQUOT) code = IoError::kNoSpace;
  if (error == EWOULDBLOCK) code = IoError::kLocked;
  return fail(code, fmt::format("{} {}: {}", what, path, std::strerror(error)));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

class PosixFile final : public File {
 public:
  PosixFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}

  IoResult<std::size_t> read_at(std::uint64_t offset, std::span<char> out) const override {
    std::size_t done = 0;
    while (done < out.size()) {
      const ssize_t n = ::pread(fd_.get(), out.data() + done, out.size() - done,
                                static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return io_failure("read", path_, errno);
      if (n == 0) break;
      done += static_cast<std::size_t>(n);
    }
    return done;
  }

  IoStatus write_at(std::uint64_t offset, std::span<const std::string_view> parts) override {
    std::vector<iovec> vectors;
    vectors.reserve(parts.size());
    for (const auto part : parts) {
      if (!part.empty()) vectors.push_back({const_cast<char*>(part.data()), part.size()});
    }
    std::size_t first = 0;
    while (first < vectors.size()) {
      const int count = static_cast<int>(std::min<std::size_t>(vectors.size() - first, IOV_MAX));
      ssize_t n = ::pwritev(fd_.get(), vectors.data() + first, count, static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return io_failure("write", path_, errno);
      offset += static_cast<std::uint64_t>(n);
      while (n > 0) {  // skip what was written, which may end inside a part
        auto& v = vectors[first];
        const auto used = std::min(static_cast<std::size_t>(n), v.iov_len);
        v.iov_base = static_cast<char*>(v.iov_base) + used;
        v.iov_len -= used;
        n -= static_cast<ssize_t>(used);
        if (v.iov_len == 0) ++first;
      }
    }
    return {};
  }

  IoStatus sync() override {
    if (::fdatasync(fd_.get()) != 0) return io_failure("sync", path_, errno);
    return {};
  }

  IoResult<std::uint64_t> size() const override {
    struct stat s{};
    if (::fstat(fd_.get(), &s) != 0) return io_failure("stat", path_, errno);
    return static_cast<std::uint64_t>(s.st_size);
  }

  IoStatus truncate(std::uint64_t size) override {
    if (::ftruncate(fd_.get(), static_cast<off_t>(size)) != 0)
      return io_failure("truncate", path_, errno);
    return {};
  }

 private:
  Descriptor fd_;
  std::string path_;
};

class PosixLock final : public FileLock {
 public:
  explicit PosixLock(int fd) : fd_(fd) {}

 private:
  Descriptor fd_;  // closing it gives the lock back
};

class PosixEnv final : public Env {
 public:
  IoResult<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    int flags = O_CLOEXEC;
    if (mode == OpenMode::kRead) flags |= O_RDONLY;
    if (mode == OpenMode::kReadWrite) flags |= O_RDWR;
    if (mode == OpenMode::kCreateExclusive) flags |= O_RDWR | O_CREAT | O_EXCL;
    const int fd = ::open(path.c_str(), flags, 0644);
    if (fd < 0) return io_failure("open", path, errno);
    return std::make_unique<PosixFile>(fd, path);
  }

  IoStatus rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return io_failure("rename", from, errno);
    return {};
  }

  IoStatus link(const std::string& from, const std::string& to) override {
    if (::link(from.c_str(), to.c_str()) != 0) return io_failure("link", to, errno);
    return {};
  }

  IoStatus remove(const std::string& path) override {
    if (::unlink(path.c_str()) != 0) return io_failure("remove", path, errno);
    return {};
  }

  IoStatus remove_all(const std::string& path) override {
    std::error_code error;
    std::filesystem::remove_all(path, error);
    if (error) return io_failure("remove", path, error.value());
    return {};
  }

  IoStatus make_dirs(const std::string& path) override {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (error) return io_failure("make folder", path, error.value());
    return {};
  }

  IoResult<std::vector<std::string>> list(const std::string& path) override {
    DIR* folder = ::opendir(path.c_str());
    if (folder == nullptr) return io_failure("list", path, errno);
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(folder)) {
      std::string name = entry->d_name;
      if (name != "." && name != "..") names.push_back(std::move(name));
    }
    ::closedir(folder);
    std::ranges::sort(names);
    return names;
  }

  IoResult<FileInfo> stat(const std::string& path) override {
    struct stat s{};
    if (::stat(path.c_str(), &s) != 0) return io_failure("stat", path, errno);
    return FileInfo{.size_bytes = static_cast<std::uint64_t>(s.st_size),
                    .modified_ms = s.st_mtim.tv_sec * 1000 + s.st_mtim.tv_nsec / 1'000'000,
                    .is_directory = S_ISDIR(s.st_mode)};
  }

  IoStatus sync_dir(const std::string& path) override {
    const Descriptor fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd.get() < 0) return io_failure("open", path, errno);
    if (::fsync(fd.get()) != 0) return io_failure("sync", path, errno);
    return {};
  }

  IoResult<std::unique_ptr<FileLock>> lock(const std::string& path) override {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) return io_failure("open", path, errno);
    auto held = std::make_unique<PosixLock>(fd);
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) return io_failure("lock", path, errno);
    return held;
  }
};

}  // namespace

Env& posix_env() {
  static PosixEnv env;
  return env;
}

}  // namespace sluice::base
