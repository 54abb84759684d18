// The files of one flow below <table>/_sluice/<flow id>: reads, writes, syncs. Formats are
// flow_files.h's. One thread at a time; another process may write the same folder.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/env.h"
#include "pipeline/flow_files.h"

namespace sluice::pipeline {

class FlowStore {
 public:
  FlowStore(base::Env& env, std::string folder) : env_(env), folder_(std::move(folder)) {}

  const std::string& folder() const { return folder_; }
  // Folders exist and their names are synced.
  PipelineResult<void> make_folders();
  // nullptr: another process holds it, that is, runs the flow.
  PipelineResult<std::unique_ptr<base::FileLock>> lock();

  PipelineResult<std::optional<FlowFile>> read_flow();
  // Put-if-absent; what is there afterwards is returned, whoever wrote it.
  PipelineResult<FlowFile> write_flow(const FlowFile& file);
  // Another generation, or another stream added to the project.
  PipelineResult<void> replace_flow(const FlowFile& file);

  PipelineResult<std::optional<Plan>> read_plan(std::int64_t batch);
  // Put-if-absent; the plan of that batch is what is there afterwards.
  PipelineResult<Plan> write_plan(const Plan& plan);
  PipelineResult<void> remove_plan(std::int64_t batch);
  // Plans of batches below `batch`.
  void drop_plans_below(std::int64_t batch);

  // Absent when missing or damaged: the head only spares a look at the log.
  std::optional<Head> read_head();
  PipelineResult<void> replace_head(const Head& head);

  // Holes in the numbering that nothing was read from: ranges without records, in a plan's form.
  // Losing them costs no rows.
  std::optional<Plan> read_idle();
  PipelineResult<void> replace_idle(const Plan& idle);

  // Plans, head and state files of an earlier generation.
  PipelineResult<void> wipe();

  // Flows of other table ids that left their folder beside this one: name → table id.
  static std::map<std::string, std::string> neighbours(base::Env& env,
                                                       const std::string& table_root,
                                                       const std::string& own_table_id);

 private:
  PipelineResult<std::optional<std::string>> read(const std::string& path);

  base::Env& env_;
  std::string folder_;
};

}  // namespace sluice::pipeline
