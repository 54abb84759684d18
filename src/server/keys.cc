#include "server/keys.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace sluice::server {
namespace {

constexpr std::size_t kFileBytesMax = std::size_t{1} << 20;

struct OpenFile {
  int fd = -1;
  ~OpenFile() {
    if (fd >= 0) ::close(fd);
  }
};

std::expected<std::string, std::string> read_private(const std::string& path) {
  const auto failed = [] { return std::unexpected(std::generic_category().message(errno)); };
  const OpenFile file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.fd < 0) return failed();
  struct stat info{};
  if (::fstat(file.fd, &info) != 0) return failed();
  if (!S_ISREG(info.st_mode)) return std::unexpected("is not a file");
  if ((info.st_mode & 077) != 0)
    return std::unexpected("holds secrets and others may read it: chmod 600");
  std::string text(kFileBytesMax + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(file.fd, text.data() + size, text.size() - size);
    if (got < 0) return failed();
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > kFileBytesMax) return std::unexpected("is larger than 1 MiB");
  text.resize(size);
  return text;
}

}  // namespace

std::expected<std::vector<aws::Profile>, std::string> load_keys(const std::string& path) {
  if (path.empty()) return std::vector<aws::Profile>();
  const auto text = read_private(path);
  if (!text) return std::unexpected(fmt::format("keys_file {}: {}", path, text.error()));
  auto keys = aws::parse_credentials(*text);
  if (!keys) return std::unexpected(fmt::format("keys_file {}: {}", path, keys.error().message));
  if (keys->empty()) return std::unexpected(fmt::format("keys_file {}: holds no key", path));
  return std::move(*keys);
}

}  // namespace sluice::server
