#include "pipeline/spec.h"

#include <fmt/core.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>

namespace sluice::pipeline {
namespace {

constexpr std::size_t kSpecBytesMax = std::size_t{1} << 20;

template <class... Args>
std::unexpected<base::Failure<PipelineError>> invalid(fmt::format_string<Args...> text,
                                                      Args&&... args) {
  return base::fail(PipelineError::kInvalidProject, fmt::format(text, std::forward<Args>(args)...));
}

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> set) {
  return std::ranges::find(set, text) != set.end();
}

bool is_integer(std::string_view text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  if (text.starts_with("0x")) {
    text.remove_prefix(2);
    return !text.empty() &&
           text.find_first_not_of("0123456789abcdefABCDEF_") == std::string_view::npos;
  }
  return !text.empty() && text[0] != '_' &&
         text.find_first_not_of("0123456789_") == std::string_view::npos;
}

bool is_float(std::string_view text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  if (is_one_of(text, {".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"})) return true;
  const auto dot = text.find('.');
  if (dot == std::string_view::npos || text.size() < 2) return false;
  bool digits = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c >= '0' && c <= '9')
      digits = true;
    else if (i != dot && c != '_' && c != 'e' && c != 'E' && c != '-' && c != '+')
      return false;
  }
  return digits;
}

bool is_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  std::string digits(text);
  digits.erase(7, 1).erase(4, 1);
  return digits.find_first_not_of("0123456789") == std::string::npos;
}

// The type that Spark's Python YAML reader gives a node (YAML 1.1), by its Python name.
std::string_view python_type(const YAML::Node& node) {
  if (node.IsMap()) return "dict";
  if (node.IsSequence()) return "list";
  if (node.IsNull()) return "NoneType";
  const std::string& text = node.Scalar();
  if (node.Tag() == "!" || node.Tag() == "tag:yaml.org,2002:str") return "str";
  if (is_one_of(text, {"", "~", "null", "Null", "NULL"})) return "NoneType";
  if (is_one_of(text, {"yes", "Yes", "YES", "no", "No", "NO", "true", "True", "TRUE", "on", "On",
                       "ON", "off", "Off", "OFF", "false", "False", "FALSE"}))
    return "bool";
  if (is_integer(text)) return "int";
  if (is_float(text)) return "float";
  if (is_date(text)) return "date";
  return "str";
}

bool has_wildcard(std::string_view path) {
  return path.find_first_of("*?[") != std::string_view::npos;
}

PipelineResult<void> check_text(const YAML::Node& node, std::string_view field) {
  if (python_type(node) == "str") return {};
  return invalid("Pipeline spec field `{}` should be a string, got {}.", field, python_type(node));
}

PipelineResult<void> read_configuration(const YAML::Node& node, Spec& spec) {
  if (!node.IsMap())
    return invalid(
        "[PIPELINE_SPEC_FIELD_NOT_DICT] Pipeline spec field `configuration` should be a dict, got "
        "{}.",
        python_type(node));
  for (const auto& entry : node) {
    if (python_type(entry.first) != "str")
      return invalid(
          "[PIPELINE_SPEC_DICT_KEY_NOT_STRING] For pipeline spec field `configuration`, key should "
          "be a string, got {}.",
          python_type(entry.first));
    const std::string& key = entry.first.Scalar();
    if (python_type(entry.second) != "str")
      return invalid(
          "[PIPELINE_SPEC_DICT_VALUE_NOT_STRING] For pipeline spec field `configuration`, value "
          "for key `{}` should be a string, got {}.",
          key, python_type(entry.second));
    spec.configuration[key] = entry.second.Scalar();
  }
  return {};
}

PipelineResult<void> check_glob(const std::string& glob) {
  const bool is_folder =
      glob.ends_with("/**") && !has_wildcard(std::string_view(glob).substr(0, glob.size() - 3));
  if (has_wildcard(glob) && !is_folder)
    return invalid(
        "[PIPELINE_SPEC_INVALID_GLOB_PATTERN] Invalid glob pattern `{}` in libraries. Only file "
        "paths, or folder paths ending with /** are allowed.",
        glob);
  if (glob.empty() || glob.front() == '/' || glob.starts_with("../") ||
      glob.find("/../") != std::string::npos)
    return invalid("[UNSUPPORTED_BY_SLUICE] libraries: `{}` does not lie below the spec's folder.",
                   glob);
  return {};
}

PipelineResult<void> read_libraries(const YAML::Node& node, Spec& spec) {
  if (node.IsNull()) return {};
  if (!node.IsSequence())
    return invalid("Pipeline spec field `libraries` should be a list, got {}.", python_type(node));
  for (const YAML::Node& entry : node) {
    if (!entry.IsMap() || entry.size() != 1 || !entry["glob"] || !entry["glob"].IsMap() ||
        !entry["glob"]["include"] || python_type(entry["glob"]["include"]) != "str")
      return invalid("libraries: an entry must be `- glob: {{include: <path or folder/**>}}`.");
    std::string glob = entry["glob"]["include"].Scalar();
    while (glob.starts_with("./"))
      glob.erase(0, 2);
    if (auto ok = check_glob(glob); !ok) return ok;
    spec.libraries.push_back(std::move(glob));
  }
  return {};
}

// <scheme>:/…, as Spark wants it.
bool is_absolute_uri(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 >= text.size()) return false;
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (!is_letter(text[0])) return false;
  for (const char c : text.substr(0, colon))
    if (!is_letter(c) && (c < '0' || c > '9') && c != '+' && c != '-' && c != '.') return false;
  return text[colon + 1] == '/';
}

PipelineResult<Spec> read_spec(const YAML::Node& root) {
  if (!root.IsMap())
    return invalid("The pipeline spec should be a dict, got {}.", python_type(root));
  constexpr std::array<std::string_view, 7> kFields = {
      "name", "storage", "catalog", "database", "schema", "configuration", "libraries"};
  for (const auto& entry : root) {
    const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "";
    if (std::ranges::find(kFields, key) == kFields.end())
      return invalid("[PIPELINE_SPEC_UNEXPECTED_FIELD] Pipeline spec field `{}` is unexpected.",
                     key);
  }
  for (const char* field : {"name", "storage"})
    if (!root[field])
      return invalid(
          "[PIPELINE_SPEC_MISSING_REQUIRED_FIELD] Pipeline spec missing required field `{}`.",
          field);
  Spec spec;
  for (const char* field : {"name", "storage", "catalog", "schema", "database"}) {
    const YAML::Node node = root[field];
    if (!node || (node.IsNull() && std::string_view(field) != "name")) continue;
    if (auto ok = check_text(node, field); !ok) return std::unexpected(ok.error());
    const std::string_view name = field;
    (name == "name"      ? spec.name
     : name == "storage" ? spec.storage
     : name == "catalog" ? spec.catalog.emplace()
                         : spec.database.emplace()) = node.Scalar();
  }
  if (root["configuration"])
    if (auto ok = read_configuration(root["configuration"], spec); !ok)
      return std::unexpected(ok.error());
  if (root["libraries"])
    if (auto ok = read_libraries(root["libraries"], spec); !ok) return std::unexpected(ok.error());
  if (!is_absolute_uri(spec.storage))
    return invalid(
        "[PIPELINE_STORAGE_ROOT_INVALID] Pipeline storage root must be an absolute path with a URI "
        "scheme (e.g., file://, s3a://, hdfs://). Got: `{}`.",
        spec.storage);
  return spec;
}

}  // namespace

PipelineResult<Spec> parse_spec(std::string_view yaml, const std::string& path) {
  if (yaml.size() > kSpecBytesMax) return invalid("{}: larger than {} bytes", path, kSpecBytesMax);
  try {
    auto spec = read_spec(YAML::Load(std::string(yaml)));
    if (!spec) spec.error().message += fmt::format(" ({})", path);
    return spec;
  } catch (const YAML::Exception& e) {
    return invalid("{}:{}:{}: not YAML: {}", path, e.mark.line + 1, e.mark.column + 1, e.msg);
  }
}

PipelineResult<std::vector<std::string>> library_files(
    const Spec& spec, const std::map<std::string, std::string>& files) {
  std::vector<std::string> out;
  for (const std::string& glob : spec.libraries) {
    const bool is_folder = glob.ends_with("/**");
    const std::string folder = is_folder ? glob.substr(0, glob.size() - 2) : "";
    for (const auto& [path, text] : files)
      if (is_folder ? path.starts_with(folder) : path == glob) out.push_back(path);
  }
  for (const std::string& path : out) {
    if (path.ends_with(".sql")) continue;
    if (path.ends_with(".py"))
      return invalid(
          "[UNSUPPORTED_BY_SLUICE] {}: definitions in Python are not read here; write them in SQL.",
          path);
    return invalid(
        "[PIPELINE_UNSUPPORTED_DEFINITIONS_FILE_EXTENSION] File '{}' has an unsupported extension. "
        "Only .py and .sql files are supported.",
        path);
  }
  return out;
}

}  // namespace sluice::pipeline
