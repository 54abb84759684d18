#include "base/env.h"

#include <fmt/core.h>

#include "base/uuid.h"

namespace sluice::base {
namespace {

// A name beside `path` that no other writer uses; a crash leaves it behind, nothing ever reads it.
std::string temporary_name(const std::string& path) {
  return join_path(parent_path(path), fmt::format(".tmp-{}", random_uuid()));
}

IoStatus write_synced(Env& env, const std::string& path, std::string_view data) {
  auto file = env.open(path, OpenMode::kCreateExclusive);
  if (!file) return std::unexpected(file.error());
  if (auto ok = (*file)->write_at(0, data); !ok) return ok;
  return (*file)->sync();
}

}  // namespace

IoResult<std::string> read_file(Env& env, const std::string& path, std::uint64_t bytes_max) {
  auto file = env.open(path, OpenMode::kRead);
  if (!file) return std::unexpected(file.error());
  auto size = (*file)->size();
  if (!size) return std::unexpected(size.error());
  if (*size > bytes_max)
    return fail(IoError::kOther,
                fmt::format("{}: {} bytes, more than the limit of {}", path, *size, bytes_max));
  std::string text(*size, '\0');
  auto got = (*file)->read_at(0, std::span(text.data(), text.size()));
  if (!got) return std::unexpected(got.error());
  text.resize(*got);
  return text;
}

IoStatus sync_file(Env& env, const std::string& path) {
  auto file = env.open(path, OpenMode::kReadWrite);
  if (!file) return std::unexpected(file.error());
  return (*file)->sync();
}

IoStatus replace_file(Env& env, const std::string& path, std::string_view data) {
  const std::string temporary = temporary_name(path);
  if (auto ok = write_synced(env, temporary, data); !ok) {
    (void)env.remove(temporary);  // best effort: the write's own error is the one to report
    return ok;
  }
  if (auto ok = env.rename(temporary, path); !ok) {
    (void)env.remove(temporary);
    return ok;
  }
  return env.sync_dir(parent_path(path));
}

IoStatus put_if_absent(Env& env, const std::string& path, std::string_view data) {
  const std::string temporary = temporary_name(path);
  IoStatus ok = write_synced(env, temporary, data);
  if (ok) ok = env.link(temporary, path);
  (void)env.remove(temporary);  // the link is the file now, or the error above is the one to report
  if (!ok) return ok;
  return env.sync_dir(parent_path(path));
}

std::string join_path(std::string_view folder, std::string_view name) {
  if (folder.empty()) return std::string(name);
  if (folder.back() == '/') return fmt::format("{}{}", folder, name);
  return fmt::format("{}/{}", folder, name);
}

std::string parent_path(std::string_view path) {
  const auto slash = path.find_last_of('/');
  if (slash == std::string_view::npos) return ".";
  return std::string(path.substr(0, slash == 0 ? 1 : slash));
}

}  // namespace sluice::base
