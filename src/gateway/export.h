// A deployed API as an OpenAPI document (GetExport): what imports to the same API.
#pragma once

#include <string>

#include "gateway/model.h"

namespace sluice::gateway {

enum class ExportType { kOas30, kSwagger };
enum class ExportFormat { kJson, kYaml };

struct ExportOptions {
  ExportType type = ExportType::kOas30;
  ExportFormat format = ExportFormat::kJson;
  // API Gateway's extensions. All of them: what imports to the same API.
  bool integrations = false;
  bool authorizers = false;
  bool others = false;  // policy, gateway responses, validators …
};

std::string export_openapi(const RestApi& api, const std::string& stage,
                           const ExportOptions& options);

}  // namespace sluice::gateway
