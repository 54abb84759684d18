// The spec file of a project (spark-pipeline.yml): parsed and checked as Spark's own command line
// does, with its error classes and words. From memory; load_project() brings a project from disk.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/pipeline.h"

namespace sluice::pipeline {

struct Spec {
  std::string name;
  std::string storage;  // checked for form; nothing is kept there
  std::optional<std::string> catalog;
  std::optional<std::string> database;
  std::map<std::string, std::string> configuration;
  std::vector<std::string> libraries;  // globs: a path, or folder/**
};

// kInvalidProject with Spark's class and words. `path` is for messages.
PipelineResult<Spec> parse_spec(std::string_view yaml, const std::string& path);

// Paths of `files` that the spec's libraries name, in glob order, sorted within a glob. A file
// named by two globs comes twice, as in Spark. kInvalidProject: a suffix that cannot be read.
PipelineResult<std::vector<std::string>> library_files(
    const Spec& spec, const std::map<std::string, std::string>& files);

// For the command line. `spec_path` empty: searched for in `folder`, then its parents; otherwise
// the file of that name. Reads the files that the spec names, nothing else.
PipelineResult<ProjectFiles> load_project(const std::string& folder, const std::string& spec_path);

}  // namespace sluice::pipeline
