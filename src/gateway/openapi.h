// Import of an API from an OpenAPI 3 (or Swagger 2) document with API Gateway's extensions, as AWS
// exports it: YAML or JSON. Keys that change nothing here are reported as warnings, not refused.
#pragma once

#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"
#include "gateway/model.h"

namespace sluice::gateway {

enum class ImportError {
  kSyntax,   // the document is neither JSON nor YAML, or no OpenAPI
  kInvalid,  // it says something an API cannot be
  kLimit,    // too large, too deep, too many aliases or resources
};

inline constexpr std::size_t kImportBytesMax = std::size_t{6} << 20;
inline constexpr std::size_t kYamlNodesMax = 100'000;

enum class BasePath { kIgnore, kPrepend, kSplit };
enum class ImportUpdate {
  kOverwrite,  // what the document does not define is removed
  kMerge,      // it stays; a method or model that both have is the document's
};

struct ImportOptions {
  BasePath base_path = BasePath::kIgnore;
  // The API to update: keeps its id, tags, endpoint types, and the ids of its resources.
  const RestApi* existing = nullptr;
  ImportUpdate update = ImportUpdate::kOverwrite;
};

// Ids of resources are drawn from `random`. The API's own id stays empty unless a tag
// _custom_id_ gives it.
base::Result<RestApi, ImportError> import_openapi(std::string_view document, base::Random& random,
                                                  const ImportOptions& options = {});

bool is_api_id(std::string_view id);  // [a-z0-9_-]{1,64}
// [a-z0-9]{length}
std::string random_id(base::Random& random, std::size_t length);

}  // namespace sluice::gateway
