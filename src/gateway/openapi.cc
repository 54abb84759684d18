#include "gateway/openapi.h"

#include <algorithm>

#include "gateway/document.h"
#include "gateway/importer.h"
#include "gateway/model_check.h"
#include "gateway/model_json.h"

namespace sluice::gateway {
namespace {

bool is_method(std::string_view key) {
  static const std::set<std::string_view> methods = {"get",  "put",     "post", "delete",
                                                     "head", "options", "patch"};
  return methods.contains(key);
}

constexpr std::string_view kAnyMethod = "x-amazon-apigateway-any-method";

}  // namespace

const Map* map_at(const Map& map, std::string_view name) {
  const Value v = map.get(name);
  return v.kind == Kind::kMap ? v.map : nullptr;
}

std::string text_of(const Value& v) {
  std::string out;
  if (!v.is_null()) append_java(out, v, 1 << 20);
  return out;
}

std::string text_at(const Map& map, std::string_view name) {
  return text_of(map.get(name));
}

bool true_at(const Map& map, std::string_view name) {
  const Value v = map.get(name);
  return v.kind == Kind::kBool && v.boolean;
}

OrderedMap texts_at(const Map& map, std::string_view name) {
  OrderedMap out;
  if (const Map* found = map_at(map, name)) {
    for (const Entry* e : found->entries)
      out.emplace_back(text_of(e->key), text_of(e->value));
  }
  return out;
}

std::vector<std::string> list_at(const Map& map, std::string_view name) {
  std::vector<std::string> out;
  const Value v = map.get(name);
  if (v.kind != Kind::kList) return out;
  for (const Value& item : v.list->items)
    out.push_back(text_of(item));
  return out;
}

std::string json_of(const Value& value) {
  std::string out;
  append_json(out, value, Slash::kPlain, kImportBytesMax * 6);
  return out;
}

std::unexpected<base::Failure<ImportError>> invalid_import(std::string message) {
  return base::fail(ImportError::kInvalid, std::move(message));
}

bool is_status_code(std::string_view text) {
  return text.size() == 3 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

void Importer::warn_unknown(const Map& map, const std::set<std::string_view>& known,
                            const std::string& at) {
  for (const Entry* e : map.entries) {
    const std::string key = text_of(e->key);
    if (key.starts_with("x-amazon-") && !known.contains(key)) {
      warn("'" + key + "' at " + at + " is kept out: not available yet");
    }
  }
}

// $ref inside the document, one step.
const Map* Importer::resolved(const Map* map) const {
  const std::string reference = text_at(*map, "$ref");
  if (!reference.starts_with("#/")) return map;
  const Map* at = &document_;
  std::string_view rest = std::string_view(reference).substr(2);
  while (!rest.empty()) {
    const std::string_view part = rest.substr(0, rest.find('/'));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    at = map_at(*at, part);
    if (at == nullptr) return map;
  }
  return at;
}

// An API that is there already keeps what a document does not define; its resources keep their ids.
void Importer::take_over() {
  if (options_.existing == nullptr) return;
  const RestApi& old = *options_.existing;
  if (options_.update == ImportUpdate::kMerge) {
    api_ = old;
    api_.warnings.clear();
    return;
  }
  api_.id = old.id;
  api_.account = old.account;
  api_.region = old.region;
  api_.created_ms = old.created_ms;
  api_.tags = old.tags;
  api_.endpoint_types = old.endpoint_types;
  api_.vpc_endpoint_ids = old.vpc_endpoint_ids;
  api_.disable_execute_api_endpoint = old.disable_execute_api_endpoint;
}

void Importer::root_settings() {
  if (const Map* info = map_at(document_, "info")) {
    const auto take = [&](std::string& to, std::string_view name) {
      if (info->find(name) != nullptr) to = text_at(*info, name);
    };
    take(api_.name, "title");
    take(api_.description, "description");
    take(api_.version, "version");
  }
  const std::string source = text_at(document_, "x-amazon-apigateway-api-key-source");
  if (!source.empty()) api_.api_key_source = upper(source);
  for (std::string& type : list_at(document_, "x-amazon-apigateway-binary-media-types")) {
    auto& types = api_.binary_media_types;
    if (std::find(types.begin(), types.end(), type) == types.end()) {
      types.push_back(std::move(type));
    }
  }
  if (document_.find("security") != nullptr) {
    warn("'security' at the root is not read, as on AWS: give it for each method");
  }
}

// Tags of the API: the list of OpenAPI tags that carry a value.
void Importer::tags() {
  const Value list = document_.get("tags");
  if (list.kind != Kind::kList) return;
  for (const Value& v : list.list->items) {
    if (v.kind != Kind::kMap) continue;
    const std::string name = text_at(*v.map, "name");
    const Entry* value = v.map->find("x-amazon-apigateway-tag-value");
    if (name.empty() || value == nullptr) continue;
    api_.tags[name] = text_of(value->value);
    if (name == "_custom_id_" && options_.existing == nullptr) {
      api_.id = lower(text_of(value->value));
    }
  }
}

ImportStatus Importer::base_path(std::string& prefix) {
  if (options_.base_path == BasePath::kIgnore) return {};
  std::string path = text_at(document_, "basePath");
  const Value servers = document_.get("servers");
  if (servers.kind == Kind::kList && servers.list->items.size > 0 &&
      servers.list->items[0].kind == Kind::kMap) {
    const Map& server = *servers.list->items[0].map;
    const std::string url = text_at(server, "url");
    const std::size_t scheme = url.find("://");
    const std::size_t slash = url.find('/', scheme == std::string::npos ? 0 : scheme + 3);
    if (slash != std::string::npos) path = url.substr(slash);
    if (const Map* variables = map_at(server, "variables")) {
      for (const Entry* e : variables->entries) {
        if (e->value.kind != Kind::kMap) continue;
        const std::string mark = "{" + text_of(e->key) + "}";
        const std::size_t at = path.find(mark);
        if (at != std::string::npos)
          path.replace(at, mark.size(), text_at(*e->value.map, "default"));
      }
    }
  }
  while (path.starts_with('/'))
    path.erase(0, 1);
  while (path.ends_with('/'))
    path.pop_back();
  if (options_.base_path == BasePath::kSplit) {
    const std::size_t slash = path.find('/');
    path = slash == std::string::npos ? "" : path.substr(slash + 1);
  }
  if (path.find('{') != std::string::npos) return invalid_import("a base path with variables");
  prefix = path.empty() ? "" : "/" + path;
  return {};
}

base::Result<RestApi, ImportError> Importer::run() {
  const bool swagger = text_at(document_, "swagger").starts_with("2");
  const bool openapi = text_at(document_, "openapi").starts_with("3");
  if (!swagger && !openapi) {
    return base::fail(ImportError::kSyntax,
                      "no OpenAPI 3 or Swagger 2 document: 'openapi' or "
                      "'swagger' with a version is expected at the root");
  }
  take_over();
  root_settings();
  if (api_.name.empty()) return invalid_import("'info.title' names the API and is missing");
  tags();
  if (!api_.id.empty() && !is_api_id(api_.id)) {
    return invalid_import("_custom_id_ has 1 to 64 letters, digits, '-' and '_'");
  }
  if (auto s = parts(); !s) return std::unexpected(s.error());
  if (api_.resources.empty()) {
    const RestApi* old = options_.existing;
    api_.resources.push_back(
        {old != nullptr ? old->root()->id : random_id(random_, 10), "", "", "/", {}});
  }
  std::string prefix;
  if (auto s = base_path(prefix); !s) return std::unexpected(s.error());
  if (auto s = paths(prefix); !s) return std::unexpected(s.error());
  return std::move(api_);
}

ImportStatus Importer::paths(const std::string& prefix) {
  const Map* all = map_at(document_, "paths");
  if (all == nullptr) return {};
  for (const Entry* e : all->entries) {
    const std::string key = text_of(e->key);
    if (key.starts_with("x-")) continue;
    if (!key.starts_with('/')) return invalid_import("path '" + key + "' does not start with '/'");
    if (e->value.kind != Kind::kMap) continue;
    if (auto s = path(prefix + key, *resolved(e->value.map)); !s) return s;
  }
  return {};
}

base::Result<std::size_t, ImportError> Importer::child(std::size_t parent,
                                                       const std::string& part) {
  const std::string parent_id = api_.resources[parent].id;
  for (std::size_t i = 0; i < api_.resources.size(); ++i) {
    const Resource& r = api_.resources[i];
    if (r.parent_id == parent_id && r.path_part == part) return i;
  }
  if (const auto problem = problem_of_path_part(api_, api_.resources[parent], part)) {
    return invalid_import(*problem);
  }
  if (api_.resources.size() >= kResourcesMax) {
    return base::fail(ImportError::kLimit, "more than 300 resources");
  }
  Resource r;
  r.parent_id = parent_id;
  r.path_part = part;
  const std::string& above = api_.resources[parent].path;
  r.path = (above == "/" ? "" : above) + "/" + part;
  if (options_.existing != nullptr) {
    for (const Resource& old : options_.existing->resources) {
      if (old.path == r.path) r.id = old.id;
    }
  }
  if (r.id.empty()) r.id = random_id(random_, 6);
  api_.resources.push_back(std::move(r));
  return api_.resources.size() - 1;
}

base::Result<std::size_t, ImportError> Importer::resource(const std::string& path) {
  std::size_t at = 0;
  std::string_view rest = path;
  while (!rest.empty()) {
    if (rest.front() == '/') {
      rest.remove_prefix(1);
      continue;
    }
    const std::string part(rest.substr(0, rest.find('/')));
    rest.remove_prefix(part.size());
    const auto next = child(at, part);
    if (!next) return next;
    at = *next;
  }
  return at;
}

ImportStatus Importer::path(const std::string& path, const Map& item) {
  const auto at = resource(path);
  if (!at) return std::unexpected(at.error());
  for (const Entry* e : item.entries) {
    const std::string key = text_of(e->key);
    if (e->value.kind != Kind::kMap) continue;
    if (key == kAnyMethod || is_method(key)) {
      const std::string name = key == kAnyMethod ? "ANY" : upper(key);
      if (auto s = method(*at, name, *e->value.map, item); !s) return s;
    }
  }
  warn_unknown(item, {kAnyMethod}, "'" + path + "'");
  return {};
}

bool is_api_id(std::string_view id) {
  return !id.empty() && id.size() <= 64 && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

std::string random_id(base::Random& random, std::size_t length) {
  static constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789";
  std::string id;
  for (std::size_t i = 0; i < length; ++i)
    id += kLetters[random.below(kLetters.size())];
  return id;
}

base::Result<RestApi, ImportError> import_openapi(std::string_view document, base::Random& random,
                                                  const ImportOptions& options) {
  Arena arena(std::size_t{256} << 20);
  const auto root = read_document(arena, document);
  if (!root) return std::unexpected(root.error());
  if (root->kind != Kind::kMap) {
    return base::fail(ImportError::kSyntax, "the document is no object");
  }
  return Importer(*root->map, random, options).run();
}

}  // namespace sluice::gateway
