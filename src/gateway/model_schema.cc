#include "gateway/model_schema.h"

namespace sluice::gateway {
namespace {

constexpr std::string_view kInternal = "\"#/components/schemas/";
constexpr std::string_view kDefinitions = "\"#/definitions/";
constexpr std::string_view kUrl = "\"https://apigateway.amazonaws.com/restapis/";
constexpr std::string_view kModels = "/models/";

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos;
       at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

}  // namespace

std::string with_internal_references(std::string schema) {
  schema = replaced(std::move(schema), kDefinitions, kInternal);
  for (std::size_t at = schema.find(kUrl); at != std::string::npos;
       at = schema.find(kUrl, at + 1)) {
    const std::size_t id = at + kUrl.size();
    const std::size_t end = schema.find_first_of("/\"", id);
    if (end == std::string::npos || schema.compare(end, kModels.size(), kModels) != 0) continue;
    schema.replace(at, end + kModels.size() - at, kInternal);
  }
  return schema;
}

std::string with_model_urls(std::string schema, std::string_view api_id) {
  return replaced(std::move(schema), kInternal,
                  std::string(kUrl) + std::string(api_id) + std::string(kModels));
}

std::string with_definitions(std::string schema) {
  return replaced(std::move(schema), kInternal, kDefinitions);
}

}  // namespace sluice::gateway
