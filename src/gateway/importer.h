// The import of one document, behind import_openapi: openapi.cc reads the root and the paths,
// openapi_method.cc methods and integrations, openapi_parts.cc what stands beside the paths.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "gateway/openapi.h"
#include "gateway/value/value.h"

namespace sluice::gateway {

using ImportStatus = base::Result<void, ImportError>;

class Importer {
 public:
  Importer(const Map& document, base::Random& random, const ImportOptions& options)
      : document_(document), random_(random), options_(options) {}

  base::Result<RestApi, ImportError> run();

 private:
  using Status = ImportStatus;

  void warn(std::string message) {
    if (api_.warnings.size() < 100) api_.warnings.push_back(std::move(message));
  }
  // x-amazon-… keys that are not in `known`.
  void warn_unknown(const Map& map, const std::set<std::string_view>& known, const std::string& at);

  // openapi.cc
  void take_over();
  void root_settings();
  void tags();
  Status base_path(std::string& prefix);
  Status paths(const std::string& prefix);
  Status path(const std::string& path, const Map& item);
  base::Result<std::size_t, ImportError> resource(const std::string& path);
  base::Result<std::size_t, ImportError> child(std::size_t parent, const std::string& part);
  const Map* resolved(const Map* map) const;

  // openapi_parts.cc
  Status parts();
  void endpoint_configuration();
  void body_models();
  Status gateway_responses();
  void request_validators();
  void authorizers();
  std::string id_of_model(const std::string& name);
  // The name of the schema's model; a schema written in place becomes a model of its own.
  std::string model_of(const Map& schema);

  // openapi_method.cc
  Status method(std::size_t at, const std::string& name, const Map& operation, const Map& item);
  void parameters(MethodModel& method, const Map& operation, const Map& holder);
  void request_body(MethodModel& method, const Map& operation);
  void responses(MethodModel& method, const Map& operation);
  void validator(MethodModel& method, const Map& operation, const std::string& where);
  void security(MethodModel& method, const Map& operation, const std::string& where);
  void secure_by(MethodModel& method, const std::string& scheme, const std::string& where);
  void models_exist(const MethodModel& method, const std::string& where);
  Status integration(MethodModel& method, const Map& map, const std::string& where);
  Status integration_responses(Integration& integration, const Map& map, const std::string& where);
  // Swagger 2: the media types of `consumes` or `produces`.
  std::vector<std::string> media_types(const Map& operation, std::string_view key) const;

  const Map& document_;
  base::Random& random_;
  const ImportOptions& options_;
  RestApi api_;
};

// Reading what people wrote: numbers and booleans are taken as text, too.
const Map* map_at(const Map& map, std::string_view name);
std::string text_of(const Value& value);
std::string text_at(const Map& map, std::string_view name);
bool true_at(const Map& map, std::string_view name);
OrderedMap texts_at(const Map& map, std::string_view name);
std::vector<std::string> list_at(const Map& map, std::string_view name);
std::string json_of(const Value& value);
std::unexpected<base::Failure<ImportError>> invalid_import(std::string message);
bool is_status_code(std::string_view text);

}  // namespace sluice::gateway
