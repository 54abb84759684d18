#include "base/mem_env.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <ranges>
#include <unordered_map>

#include "base/clock.h"

namespace sluice::base {
namespace {

using Page = std::array<char, MemEnv::kPageBytes>;
using PageRef = std::shared_ptr<Page>;  // shared by copies of the disk; null: zeros

std::unexpected<Failure<IoError>> refuse(IoError code, std::string_view what,
                                         std::string_view path) {
  return fail(code, fmt::format("{} {}: {}", what, path,
                                code == IoError::kNotFound ? "no such file or folder"
                                : code == IoError::kExists ? "the name is taken"
                                                           : "refused"));
}

std::string normal(std::string_view path) {
  std::string out(path);
  while (out.size() > 1 && out.back() == '/')
    out.pop_back();
  return out;
}

std::string folder_prefix(const std::string& path) {
  return path == "/" ? path : path + "/";
}

}  // namespace

struct MemEnv::Node {
  explicit Node(bool folder) : is_folder(folder) {}

  void write(std::uint64_t offset, std::string_view data) {
    size = std::max(size, offset + data.size());
    while (!data.empty()) {
      const std::size_t at = offset / kPageBytes;
      const std::size_t inside = offset % kPageBytes;
      const std::size_t n = std::min(kPageBytes - inside, data.size());
      std::memcpy(own_page(at).data() + inside, data.data(), n);
      data.remove_prefix(n);
      offset += n;
    }
    modified_ms = system_clock().now_ms();
  }

  std::size_t read(std::uint64_t offset, std::span<char> out) const {
    if (offset >= size) return 0;
    const std::size_t total = std::min<std::uint64_t>(out.size(), size - offset);
    for (std::size_t done = 0; done < total;) {
      const std::size_t at = (offset + done) / kPageBytes;
      const std::size_t inside = (offset + done) % kPageBytes;
      const std::size_t n = std::min(kPageBytes - inside, total - done);
      if (at < pages.size() && pages[at] != nullptr) {
        std::memcpy(out.data() + done, pages[at]->data() + inside, n);
      } else {
        std::memset(out.data() + done, 0, n);
      }
      done += n;
    }
    return total;
  }

  void truncate(std::uint64_t to) {
    for (std::size_t at = to / kPageBytes; at < pages.size(); ++at) {
      if (pages[at] == nullptr) continue;
      const std::size_t keep = at == to / kPageBytes ? to % kPageBytes : 0;
      auto& page = own_page(at);
      std::memset(page.data() + keep, 0, kPageBytes - keep);
    }
    size = to;
  }

  void sync() {
    synced_pages.resize(std::max(synced_pages.size(), pages.size()));
    for (const std::size_t at : dirty)
      synced_pages[at] = pages[at];
    dirty.clear();
    synced_size = size;
  }

  std::shared_ptr<Node> copy() const { return std::make_shared<Node>(*this); }

  std::shared_ptr<Node> after_power_cut(Random& random) const {
    auto node = std::make_shared<Node>(*this);
    node->pages = synced_pages;
    node->size = synced_size;
    node->dirty.clear();
    const std::uint64_t mood = random.below(4);  // all lost, all kept, or each for itself
    const auto keep = [&] { return mood == 1 || (mood > 1 && random.below(2) == 0); };
    if (size != synced_size && keep()) node->size = size;
    for (const std::size_t at : dirty) {
      for (std::size_t sector = 0; sector < kPageBytes; sector += kSectorBytes) {
        if (!keep()) continue;
        std::memcpy(node->own_page(at).data() + sector, pages[at]->data() + sector, kSectorBytes);
      }
    }
    node->sync();
    return node;
  }

  Page& own_page(std::size_t at) {
    if (at >= pages.size()) pages.resize(at + 1);
    auto& page = pages[at];
    if (page == nullptr) page = std::make_shared<Page>();
    if (page.use_count() > 1) page = std::make_shared<Page>(*page);
    dirty.insert(at);
    return *page;
  }

  bool is_folder;
  std::vector<PageRef> pages;
  std::uint64_t size = 0;
  std::int64_t modified_ms = system_clock().now_ms();
  std::vector<PageRef> synced_pages;
  std::uint64_t synced_size = 0;
  std::set<std::size_t> dirty;  // pages written since the last sync
};

struct MemEnv::Locks {
  std::mutex mutex;
  std::set<std::string> held;
};

class MemEnv::OpenFile final : public File {
 public:
  OpenFile(const MemEnv* env, NodeRef node, bool writable, std::string path)
      : env_(env), node_(std::move(node)), writable_(writable), path_(std::move(path)) {}

  IoResult<std::size_t> read_at(std::uint64_t offset, std::span<char> out) const override {
    const std::lock_guard lock(env_->mutex_);
    return node_->read(offset, out);
  }
  IoStatus write_at(std::uint64_t offset, std::span<const std::string_view> parts) override {
    if (!writable_) return refuse(IoError::kOther, "write", path_);
    const std::lock_guard lock(env_->mutex_);
    for (const auto part : parts) {
      node_->write(offset, part);
      offset += part.size();
    }
    return {};
  }
  IoStatus sync() override {
    const std::lock_guard lock(env_->mutex_);
    node_->sync();
    return {};
  }
  IoResult<std::uint64_t> size() const override {
    const std::lock_guard lock(env_->mutex_);
    return node_->size;
  }
  IoStatus truncate(std::uint64_t size) override {
    if (!writable_) return refuse(IoError::kOther, "truncate", path_);
    const std::lock_guard lock(env_->mutex_);
    node_->truncate(size);
    return {};
  }

 private:
  const MemEnv* env_;  // outlives its open files
  NodeRef node_;
  bool writable_;
  std::string path_;
};

class MemEnv::HeldLock final : public FileLock {
 public:
  HeldLock(std::shared_ptr<Locks> locks, std::string path)
      : locks_(std::move(locks)), path_(std::move(path)) {}
  ~HeldLock() override {
    const std::lock_guard lock(locks_->mutex);
    locks_->held.erase(path_);
  }

 private:
  std::shared_ptr<Locks> locks_;
  std::string path_;
};

MemEnv::MemEnv() : locks_(std::make_shared<Locks>()) {
  names_["/"] = std::make_shared<Node>(true);
  names_["."] = std::make_shared<Node>(true);
  synced_names_ = names_;
}

MemEnv::~MemEnv() = default;

std::unique_ptr<MemEnv> MemEnv::copy() const {
  const std::lock_guard lock(mutex_);
  auto out = std::make_unique<MemEnv>();
  std::unordered_map<const Node*, NodeRef> copies;  // names of one file stay names of one file
  const auto copy_of = [&](const NodeRef& node) -> NodeRef {
    if (node == nullptr) return nullptr;
    auto& made = copies[node.get()];
    if (made == nullptr) made = node->copy();
    return made;
  };
  out->names_.clear();
  out->synced_names_.clear();
  for (const auto& [path, node] : names_)
    out->names_[path] = copy_of(node);
  for (const auto& [path, node] : synced_names_)
    out->synced_names_[path] = copy_of(node);
  for (const auto& change : changes_) {
    Change made;
    for (const auto& [path, node] : change.names)
      made.names.emplace_back(path, copy_of(node));
    out->changes_.push_back(std::move(made));
  }
  return out;
}

std::unique_ptr<MemEnv> MemEnv::after_power_cut(Random& random) const {
  const std::lock_guard lock(mutex_);
  auto out = std::make_unique<MemEnv>();
  Names names = synced_names_;
  // A file system that keeps the order of its changes loses a tail of them, another one any.
  const std::uint64_t mood = random.below(3);
  const std::size_t kept = random.below(changes_.size() + 1);
  for (std::size_t i = 0; i < changes_.size(); ++i) {
    const bool keep = mood == 0 ? i < kept : random.below(mood + 1) != 0;
    if (keep) apply(names, changes_[i]);
  }
  std::unordered_map<const Node*, NodeRef> copies;
  out->names_.clear();
  for (const auto& [path, node] : names) {
    // A folder that is lost takes with it what is below.
    if (path != "/" && path != "." && !out->names_.contains(parent_path(path))) continue;
    auto& made = copies[node.get()];
    if (made == nullptr) made = node->after_power_cut(random);
    out->names_[path] = made;
  }
  out->synced_names_ = out->names_;
  return out;
}

void MemEnv::forget_unsynced(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (const auto node = find(path); node != nullptr) node->dirty.clear();
}

IoStatus MemEnv::flip_bit(const std::string& path, std::uint64_t offset, int bit) {
  const std::lock_guard lock(mutex_);
  const auto node = find(path);
  if (node == nullptr || offset >= node->size) return refuse(IoError::kNotFound, "flip", path);
  const std::size_t at = offset / kPageBytes;
  char& byte = node->own_page(at)[offset % kPageBytes];
  byte = static_cast<char>(byte ^ (1 << bit));
  node->sync();
  return {};
}

MemEnv::NodeRef MemEnv::find(const std::string& path) const {
  const auto at = names_.find(normal(path));
  return at == names_.end() ? nullptr : at->second;
}

bool MemEnv::has_children(const std::string& path) const {
  const std::string prefix = folder_prefix(normal(path));
  const auto at = names_.upper_bound(prefix);
  return at != names_.end() && at->first.starts_with(prefix);
}

IoStatus MemEnv::check_parent(const std::string& path) const {
  const auto parent = find(parent_path(normal(path)));
  if (parent == nullptr || !parent->is_folder) return refuse(IoError::kNotFound, "open", path);
  return {};
}

void MemEnv::apply(Names& names, const Change& change) {
  for (const auto& [path, node] : change.names) {
    if (node == nullptr) {
      names.erase(path);
    } else {
      names[path] = node;
    }
  }
}

void MemEnv::change_names(Change change) {
  apply(names_, change);
  changes_.push_back(std::move(change));
}

IoResult<std::unique_ptr<File>> MemEnv::open(const std::string& path, OpenMode mode) {
  const std::lock_guard lock(mutex_);
  auto node = find(path);
  if (mode == OpenMode::kCreateExclusive) {
    if (node != nullptr) return refuse(IoError::kExists, "open", path);
    if (auto ok = check_parent(path); !ok) return std::unexpected(ok.error());
    node = std::make_shared<Node>(false);
    change_names({{{normal(path), node}}});
  }
  if (node == nullptr) return refuse(IoError::kNotFound, "open", path);
  if (node->is_folder) return refuse(IoError::kOther, "open folder", path);
  return std::make_unique<OpenFile>(this, std::move(node), mode != OpenMode::kRead, path);
}

IoStatus MemEnv::rename(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  const auto node = find(from);
  if (node == nullptr) return refuse(IoError::kNotFound, "rename", from);
  if (auto ok = check_parent(to); !ok) return ok;
  const auto there = find(to);
  if (there == node) return {};
  if (there != nullptr && (there->is_folder || node->is_folder))
    return refuse(IoError::kExists, "rename", to);
  Change change;
  const std::string old_name = normal(from);
  const std::string new_name = normal(to);
  for (const auto& [path, below] : names_) {
    if (!path.starts_with(folder_prefix(old_name))) continue;
    change.names.emplace_back(path, nullptr);
    change.names.emplace_back(new_name + path.substr(old_name.size()), below);
  }
  change.names.emplace_back(old_name, nullptr);
  change.names.emplace_back(new_name, node);
  change_names(std::move(change));
  return {};
}

IoStatus MemEnv::link(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  const auto node = find(from);
  if (node == nullptr || node->is_folder) return refuse(IoError::kNotFound, "link", from);
  if (find(to) != nullptr) return refuse(IoError::kExists, "link", to);
  if (auto ok = check_parent(to); !ok) return ok;
  change_names({{{normal(to), node}}});
  return {};
}

IoStatus MemEnv::remove(const std::string& path) {
  const std::lock_guard lock(mutex_);
  const auto node = find(path);
  if (node == nullptr) return refuse(IoError::kNotFound, "remove", path);
  if (node->is_folder) return refuse(IoError::kOther, "remove folder", path);
  change_names({{{normal(path), nullptr}}});
  return {};
}

IoStatus MemEnv::remove_all(const std::string& path) {
  const std::lock_guard lock(mutex_);
  const std::string top = normal(path);
  Change change;
  for (const auto& [name, node] : names_) {
    if (name == top || name.starts_with(folder_prefix(top)))
      change.names.emplace_back(name, nullptr);
  }
  if (!change.names.empty()) change_names(std::move(change));
  return {};
}

IoStatus MemEnv::make_dirs(const std::string& path) {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> missing;
  for (std::string at = normal(path);; at = parent_path(at)) {
    const auto node = find(at);
    if (node != nullptr && !node->is_folder) return refuse(IoError::kExists, "make folder", at);
    if (node != nullptr) break;
    missing.push_back(at);
  }
  for (const auto& at : missing | std::views::reverse)
    change_names({{{at, std::make_shared<Node>(true)}}});
  return {};
}

IoResult<std::vector<std::string>> MemEnv::list(const std::string& path) {
  const std::lock_guard lock(mutex_);
  const auto node = find(path);
  if (node == nullptr || !node->is_folder) return refuse(IoError::kNotFound, "list", path);
  const std::string top = normal(path);
  const std::string prefix = top == "." ? "" : folder_prefix(top);
  std::vector<std::string> out;
  for (auto at = names_.lower_bound(prefix); at != names_.end(); ++at) {
    if (!at->first.starts_with(prefix)) break;
    std::string name = at->first.substr(prefix.size());
    if (name.empty() || name == "." || name.contains('/')) continue;
    out.push_back(std::move(name));
  }
  return out;
}

IoResult<FileInfo> MemEnv::stat(const std::string& path) {
  const std::lock_guard lock(mutex_);
  const auto node = find(path);
  if (node == nullptr) return refuse(IoError::kNotFound, "stat", path);
  return FileInfo{
      .size_bytes = node->size, .modified_ms = node->modified_ms, .is_directory = node->is_folder};
}

IoStatus MemEnv::sync_dir(const std::string& path) {
  const std::lock_guard lock(mutex_);
  const auto node = find(path);
  if (node == nullptr || !node->is_folder) return refuse(IoError::kNotFound, "sync", path);
  const std::string folder = normal(path);
  std::erase_if(changes_, [&](const Change& change) {
    const bool here = std::ranges::any_of(
        change.names, [&](const auto& name) { return parent_path(name.first) == folder; });
    if (here) apply(synced_names_, change);
    return here;
  });
  return {};
}

IoResult<std::unique_ptr<FileLock>> MemEnv::lock(const std::string& path) {
  const std::string name = normal(path);
  {
    const std::lock_guard lock(mutex_);
    if (auto ok = check_parent(path); !ok) return std::unexpected(ok.error());
    if (find(name) == nullptr) change_names({{{name, std::make_shared<Node>(false)}}});
  }
  const std::lock_guard lock(locks_->mutex);
  if (!locks_->held.insert(name).second)
    return fail(IoError::kLocked, fmt::format("lock {}: held by another", path));
  return std::make_unique<HeldLock>(locks_, name);
}

}  // namespace sluice::base
