#include "pipeline/flow_store.h"

#include <fmt/core.h>

#include <charconv>

#include "base/log.h"
#include "pipeline/flow_id.h"

namespace sluice::pipeline {
namespace {

constexpr base::Logger kLog{"pipeline"};
constexpr std::uint64_t kFileBytesMax = std::uint64_t{64} << 20;

std::unexpected<base::Failure<PipelineError>> retry(const base::Failure<base::IoError>& failure) {
  return base::fail(PipelineError::kRetry, failure.message);
}

// N of `N.json`; −1: another name.
std::int64_t batch_of(const std::string& name) {
  const auto dot = name.find('.');
  if (dot == std::string::npos || name.substr(dot) != ".json") return -1;
  std::int64_t batch = -1;
  const auto read = std::from_chars(name.data(), name.data() + dot, batch);
  return read.ec == std::errc() && read.ptr == name.data() + dot ? batch : -1;
}

}  // namespace

PipelineResult<void> FlowStore::make_folders() {
  for (const std::string& folder : {plans_folder(folder_), state_folder(folder_)})
    if (auto ok = env_.make_dirs(folder); !ok) return retry(ok.error());
  // From the table's folder down: each name must outlive a power cut before a commit relies on it.
  const std::string sluice = base::parent_path(folder_);
  for (const std::string& folder : {base::parent_path(sluice), sluice, folder_})
    if (auto ok = env_.sync_dir(folder); !ok) return retry(ok.error());
  return {};
}

PipelineResult<std::unique_ptr<base::FileLock>> FlowStore::lock() {
  auto lock = env_.lock(base::join_path(folder_, "lock"));
  if (lock) return *std::move(lock);
  if (lock.error().code == base::IoError::kLocked) return nullptr;
  return retry(lock.error());
}

PipelineResult<std::optional<std::string>> FlowStore::read(const std::string& path) {
  auto text = base::read_file(env_, path, kFileBytesMax);
  if (text) return *std::move(text);
  if (text.error().code == base::IoError::kNotFound) return std::nullopt;
  // A file that is too large stays so: no reason to try again.
  if (auto info = env_.stat(path); info && info->size_bytes > kFileBytesMax)
    return base::fail(PipelineError::kStopped, text.error().message);
  return retry(text.error());
}

PipelineResult<std::optional<FlowFile>> FlowStore::read_flow() {
  const std::string path = flow_file_path(folder_);
  auto text = read(path);
  if (!text) return std::unexpected(text.error());
  if (!*text) return std::nullopt;
  return parse_flow_file(**text, path);
}

PipelineResult<FlowFile> FlowStore::write_flow(const FlowFile& file) {
  auto ok = base::put_if_absent(env_, flow_file_path(folder_), to_json(file));
  if (!ok && ok.error().code != base::IoError::kExists) return retry(ok.error());
  auto found = read_flow();
  if (!found) return std::unexpected(found.error());
  if (!*found) return base::fail(PipelineError::kRetry, flow_file_path(folder_) + " vanished");
  return **found;
}

PipelineResult<void> FlowStore::replace_flow(const FlowFile& file) {
  if (auto ok = base::replace_file(env_, flow_file_path(folder_), to_json(file)); !ok)
    return retry(ok.error());
  return {};
}

PipelineResult<std::optional<Plan>> FlowStore::read_plan(std::int64_t batch) {
  const std::string path = plan_file_path(folder_, batch);
  auto text = read(path);
  if (!text) return std::unexpected(text.error());
  if (!*text) return std::nullopt;
  auto plan = parse_plan(**text, path);
  if (plan && plan->batch != batch)
    return base::fail(PipelineError::kStopped,
                      fmt::format("{}: damaged: holds batch {}", path, plan->batch));
  return plan;
}

PipelineResult<Plan> FlowStore::write_plan(const Plan& plan) {
  auto ok = base::put_if_absent(env_, plan_file_path(folder_, plan.batch), to_json(plan));
  if (!ok && ok.error().code != base::IoError::kExists) return retry(ok.error());
  auto found = read_plan(plan.batch);
  if (!found) return std::unexpected(found.error());
  if (!*found)
    return base::fail(PipelineError::kRetry, plan_file_path(folder_, plan.batch) + " vanished");
  return **found;
}

PipelineResult<void> FlowStore::remove_plan(std::int64_t batch) {
  auto ok = env_.remove(plan_file_path(folder_, batch));
  if (!ok && ok.error().code != base::IoError::kNotFound) return retry(ok.error());
  return {};
}

void FlowStore::drop_plans_below(std::int64_t batch) {
  auto names = env_.list(plans_folder(folder_));
  if (!names) return;  // nothing depends on it; the next batch tries again
  for (const std::string& name : *names) {
    const std::int64_t found = batch_of(name);
    if (found < 0 || found >= batch) continue;
    if (auto ok = remove_plan(found); !ok) kLog.debug("{}", ok.error().message);
  }
}

std::optional<Head> FlowStore::read_head() {
  const std::string path = head_file_path(folder_);
  auto text = read(path);
  if (!text || !*text) return std::nullopt;
  auto head = parse_head(**text, path);
  if (!head) {
    kLog.warn("{}; the table's log is read instead", head.error().message);
    return std::nullopt;
  }
  return *head;
}

PipelineResult<void> FlowStore::replace_head(const Head& head) {
  if (auto ok = base::replace_file(env_, head_file_path(folder_), to_json(head)); !ok)
    return retry(ok.error());
  return {};
}

std::optional<Plan> FlowStore::read_idle() {
  const std::string path = idle_file_path(folder_);
  auto text = read(path);
  if (!text || !*text) return std::nullopt;
  auto idle = parse_plan(**text, path);
  if (idle) return *idle;
  kLog.warn("{}; it is not used", idle.error().message);
  return std::nullopt;
}

PipelineResult<void> FlowStore::replace_idle(const Plan& idle) {
  if (auto ok = base::replace_file(env_, idle_file_path(folder_), to_json(idle)); !ok)
    return retry(ok.error());
  return {};
}

PipelineResult<void> FlowStore::wipe() {
  for (const std::string& folder : {plans_folder(folder_), state_folder(folder_)})
    if (auto ok = env_.remove_all(folder); !ok) return retry(ok.error());
  if (auto ok = env_.sync_dir(folder_); !ok) return retry(ok.error());
  return make_folders();
}

std::map<std::string, std::string> FlowStore::neighbours(base::Env& env,
                                                         const std::string& table_root,
                                                         const std::string& own_table_id) {
  std::map<std::string, std::string> out;
  const std::string sluice = base::join_path(table_root, "_sluice");
  auto names = env.list(sluice);
  if (!names) return out;
  for (const std::string& name : *names) {
    auto found = FlowStore(env, base::join_path(sluice, name)).read_flow();
    if (found && *found && (*found)->table_id != own_table_id)
      out[(*found)->flow_name] = (*found)->table_id;
  }
  return out;
}

}  // namespace sluice::pipeline
