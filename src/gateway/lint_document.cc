// Rules for an OpenAPI document: walks the YAML itself (JSON is YAML, too), since its nodes know
// their places.
#include <yaml-cpp/yaml.h>

#include <algorithm>

#include "gateway/lint.h"
#include "gateway/openapi.h"
#include "gateway/value/regex.h"

namespace sluice::gateway {
namespace {

constexpr const char* kIntegration = "x-amazon-apigateway-integration";

class DocumentLint {
 public:
  std::vector<Finding> run(const YAML::Node& document) {
    for (const auto& path : document["paths"]) {
      if (!path.second.IsMap()) continue;
      for (const auto& method : path.second) {
        if (!method.second.IsMap() || !method.second[kIntegration]) continue;
        where_ = path.first.Scalar() + " " + method.first.Scalar() + ": ";
        integration(method.second[kIntegration]);
      }
    }
    return std::move(findings_);
  }

 private:
  void report(const YAML::Node& at, const char* rule, const std::string& message) {
    findings_.push_back({at.Mark().line + 1, at.Mark().column + 1, rule, where_ + message});
  }

  void integration(const YAML::Node& node) {
    if (!node.IsMap()) return;
    templates(node["requestTemplates"]);
    const YAML::Node responses = node["responses"];
    const std::string type = node["type"] ? node["type"].Scalar() : "";
    if (type.ends_with("_proxy") || type.ends_with("_PROXY")) return;
    bool has_default = false;
    bool errors = false;
    if (responses && responses.IsMap()) {
      for (const auto& response : responses) {
        const std::string pattern = response.first.Scalar();
        has_default = has_default || pattern == "default";
        errors = errors || (pattern != "default" && takes_errors(pattern));
        if (response.second.IsMap()) templates(response.second["responseTemplates"]);
      }
    }
    if (!has_default) {
      report(node, "no-default-response",
             "no default response: what no pattern takes is answered with 500");
    }
    if (type != "mock" && type != "MOCK" && has_default && !errors) {
      report(responses["default"], "errors-as-success",
             "no pattern takes errors: they are answered with the default's status");
    }
  }

  static bool takes_errors(const std::string& pattern) {
    return std::ranges::any_of(
        std::initializer_list<const char*>{"400", "500"},
        [&](const char* s) { return regex_matches(pattern, s, false).value_or(false); });
  }

  // Findings of a template stand where the document has it; the place inside is said in words.
  void templates(const YAML::Node& by_type) {
    if (!by_type || !by_type.IsMap()) return;
    for (const auto& one : by_type) {
      if (!one.second.IsScalar()) continue;
      for (const Finding& f : lint_template(one.second.Scalar())) {
        report(one.second, f.rule.c_str(),
               "template " + one.first.Scalar() + " " + std::to_string(f.line) + ":" +
                   std::to_string(f.column) + ": " + f.message);
      }
    }
  }

  std::string where_;
  std::vector<Finding> findings_;
};

}  // namespace

std::expected<std::vector<Finding>, std::string> lint_document(const std::string& text) {
  if (text.size() > kImportBytesMax) return std::unexpected("the document is larger than 6 MiB");
  try {
    const YAML::Node document = YAML::Load(text);
    if (!document.IsMap() || !document["paths"] || !document["paths"].IsMap()) {
      return std::unexpected("no OpenAPI document: it has no paths");
    }
    return DocumentLint().run(document);
  } catch (const YAML::Exception& e) {  // the library's only way to fail
    return std::unexpected(e.what());
  }
}

}  // namespace sluice::gateway
