#include "gateway/vtl/methods.h"

#include <string>
#include <unordered_map>

namespace sluice::gateway::vtl {

Method find_method(std::string_view name) {
  static const std::unordered_map<std::string_view, Method> names = {
#define X(method) {#method, Method::k_##method},
      SLUICE_VTL_METHODS(X)
#undef X
  };
  const auto found = names.find(name);
  return found == names.end() ? Method::kUnknown : found->second;
}

}  // namespace sluice::gateway::vtl
