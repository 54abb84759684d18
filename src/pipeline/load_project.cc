// A project from the disk of whoever asks: for the command line and the demo. The engine itself
// never opens a client's path.
#include <fmt/core.h>

#include <filesystem>

#include "base/env.h"
#include "pipeline/spec.h"

namespace sluice::pipeline {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFilesMax = 10'000;
constexpr std::uint64_t kFileBytesMax = std::uint64_t{16} << 20;

template <class... Args>
std::unexpected<base::Failure<PipelineError>> invalid(fmt::format_string<Args...> text,
                                                      Args&&... args) {
  return base::fail(PipelineError::kInvalidProject, fmt::format(text, std::forward<Args>(args)...));
}

PipelineResult<fs::path> search_spec(fs::path folder) {
  const fs::path first = folder;
  while (true) {
    std::vector<fs::path> found;
    std::error_code ignored;  // an unreadable folder holds no spec for us
    for (const char* name : {"spark-pipeline.yaml", "spark-pipeline.yml"})
      if (fs::is_regular_file(folder / name, ignored)) found.push_back(folder / name);
    if (found.size() > 1)
      return invalid(
          "[MULTIPLE_PIPELINE_SPEC_FILES_FOUND] Multiple pipeline spec files found in the "
          "directory `{}`. Please remove one or choose a particular one with the --spec argument.",
          folder.string());
    if (found.size() == 1) return found.front();
    if (folder == folder.parent_path()) break;
    folder = folder.parent_path();
  }
  return invalid(
      "[PIPELINE_SPEC_FILE_NOT_FOUND] No spark-pipeline.yaml or spark-pipeline.yml file provided "
      "in arguments or found in directory `{}` or readable ancestor directories.",
      first.string());
}

PipelineResult<std::string> read_text(const fs::path& path) {
  auto text = base::read_file(base::posix_env(), path.string(), kFileBytesMax);
  if (!text) return invalid("{}: {}", path.string(), text.error().message);
  return *std::move(text);
}

PipelineResult<void> add_file(const fs::path& root, const fs::path& path, ProjectFiles& project) {
  const std::string name = path.lexically_relative(root).generic_string();
  if (project.files.contains(name)) return {};
  if (project.files.size() >= kFilesMax) return invalid("more than {} files", kFilesMax);
  // Only the suffix of a file that cannot be a definition matters: it is refused by name.
  const bool wanted = name.ends_with(".sql");
  auto text = wanted ? read_text(path) : PipelineResult<std::string>(std::string());
  if (!text) return std::unexpected(text.error());
  project.files.emplace(name, *std::move(text));
  return {};
}

PipelineResult<void> add_library(const fs::path& root, const std::string& glob,
                                 ProjectFiles& project) {
  if (!glob.ends_with("/**")) {
    std::error_code ignored;
    if (!fs::is_regular_file(root / glob, ignored)) return {};  // as a glob without a match
    return add_file(root, root / glob, project);
  }
  const fs::path folder = root / glob.substr(0, glob.size() - 3);
  std::error_code code;
  fs::recursive_directory_iterator it(folder, code);
  if (code) return {};  // no such folder: a glob without a match
  for (const fs::recursive_directory_iterator end; it != end; it.increment(code)) {
    if (code) return invalid("{}: {}", folder.string(), code.message());
    if (!it->is_regular_file(code)) continue;
    if (auto ok = add_file(root, it->path(), project); !ok) return ok;
  }
  return {};
}

PipelineResult<ProjectFiles> load(const std::string& folder, const std::string& spec_path) {
  fs::path path = spec_path.empty() ? fs::path() : fs::absolute(spec_path);
  if (spec_path.empty()) {
    auto found = search_spec(fs::absolute(folder));
    if (!found) return std::unexpected(found.error());
    path = *found;
  } else if (!fs::is_regular_file(path)) {
    return invalid(
        "[PIPELINE_SPEC_FILE_DOES_NOT_EXIST] The pipeline spec file `{}` does not exist.",
        path.string());
  }
  ProjectFiles project;
  project.spec_path = path.string();
  auto text = read_text(path);
  if (!text) return std::unexpected(text.error());
  project.spec = *std::move(text);
  auto spec = parse_spec(project.spec, project.spec_path);
  if (!spec) return std::unexpected(spec.error());
  for (const std::string& glob : spec->libraries)
    if (auto ok = add_library(path.parent_path(), glob, project); !ok)
      return std::unexpected(ok.error());
  return project;
}

}  // namespace

PipelineResult<ProjectFiles> load_project(const std::string& folder, const std::string& spec_path) {
  try {
    return load(folder, spec_path);
  } catch (const fs::filesystem_error& e) {
    return invalid("{}", e.what());
  }
}

}  // namespace sluice::pipeline
