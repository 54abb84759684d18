// The log of a table on a local disk: `<table>/_delta_log`, put-if-absent by link(2).
#include <algorithm>

#include "delta/delta.h"

namespace sluice::delta {
namespace {

class LocalLogStore final : public LogStore {
 public:
  LocalLogStore(base::Env& env, const std::string& table_root)
      : env_(env), folder_(base::join_path(table_root, "_delta_log")) {}

  base::IoStatus put_if_absent(const std::string& name, std::string_view data) override {
    if (auto ok = make_folder(); !ok) return ok;
    return base::put_if_absent(env_, path(name), data);
  }

  base::IoStatus replace(const std::string& name, std::string_view data) override {
    return base::replace_file(env_, path(name), data);
  }

  base::IoResult<std::string> read(const std::string& name) override {
    return base::read_file(env_, path(name));
  }

  base::IoResult<std::vector<std::string>> list_from(const std::string& name) override {
    auto names = env_.list(folder_);
    if (!names) return names;
    names->erase(names->begin(), std::ranges::lower_bound(*names, name));
    return names;
  }

  base::IoStatus remove(const std::string& name) override { return env_.remove(path(name)); }

  base::IoStatus sync() override { return env_.sync_dir(folder_); }

 private:
  std::string path(const std::string& name) const { return base::join_path(folder_, name); }

  // The folder's own name must be durable before the first commit in it is: every parent that was
  // made along with it is synced.
  base::IoStatus make_folder() {
    if (folder_made_) return {};
    std::vector<std::string> missing;
    for (std::string at = folder_; at != "." && at != "/"; at = base::parent_path(at)) {
      if (env_.stat(at)) break;
      missing.push_back(at);
    }
    if (auto ok = env_.make_dirs(folder_); !ok) return ok;
    for (const auto& made : missing)
      if (auto ok = env_.sync_dir(base::parent_path(made)); !ok) return ok;
    // Folders that an attempt made before it crashed may still be unsynced: the table's, its
    // schema's and the lake's names.
    std::string at = folder_;
    for (int level = 0; missing.empty() && level < 3 && at != "." && at != "/"; ++level) {
      at = base::parent_path(at);
      if (auto ok = env_.sync_dir(at); !ok) return ok;
    }
    folder_made_ = true;
    return {};
  }

  base::Env& env_;
  std::string folder_;
  bool folder_made_ = false;
};

}  // namespace

std::unique_ptr<LogStore> local_log_store(base::Env& env, const std::string& table_root) {
  return std::make_unique<LocalLogStore>(env, table_root);
}

}  // namespace sluice::delta
