#include "gateway/openapi.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "gateway/document.h"
#include "gateway/model_json.h"

namespace sluice::gateway {
namespace {

using Status = base::Result<void, ImportError>;

std::unexpected<base::Failure<ImportError>> invalid(std::string message) {
  return base::fail(ImportError::kInvalid, std::move(message));
}

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

bool is_method(std::string_view key) {
  static const std::set<std::string_view> methods = {"get",  "put",     "post", "delete",
                                                     "head", "options", "patch"};
  return methods.contains(key);
}

constexpr std::string_view kAnyMethod = "x-amazon-apigateway-any-method";
constexpr std::string_view kIntegration = "x-amazon-apigateway-integration";

class Importer {
 public:
  Importer(const Map& document, base::Random& random, const ImportOptions& options)
      : document_(document), random_(random), options_(options) {}

  base::Result<RestApi, ImportError> run();

 private:
  void warn(std::string message) {
    if (api_.warnings.size() < 100) api_.warnings.push_back(std::move(message));
  }
  // x-amazon-… keys that are not in `known`.
  void warn_unknown(const Map& map, const std::set<std::string_view>& known, const std::string& at);
  void root_settings();
  void tags();
  Status base_path(std::string& prefix);
  Status paths(const std::string& prefix);
  Status path(const std::string& path, const Map& item);
  base::Result<std::size_t, ImportError> resource(const std::string& path);
  base::Result<std::size_t, ImportError> child(std::size_t parent, const std::string& part);
  Status method(std::size_t at, const std::string& name, const Map& operation, const Map& item);
  void parameters(MethodModel& method, const Map& holder);
  const Map* resolved(const Map* map);
  void responses(MethodModel& method, const Map& operation);
  void security(MethodModel& method, const Map& operation, const std::string& where);
  Status integration(MethodModel& method, const Map& map, const std::string& where);
  Status integration_responses(Integration& integration, const Map& map, const std::string& where);
  std::string short_reference(const Map& schema) const;

  const Map& document_;
  base::Random& random_;
  const ImportOptions& options_;
  RestApi api_;
};

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
const Map* Importer::resolved(const Map* map) {
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

void Importer::root_settings() {
  if (const Map* info = map_at(document_, "info")) {
    api_.name = text_at(*info, "title");
    api_.description = text_at(*info, "description");
    api_.version = text_at(*info, "version");
  }
  const std::string source = text_at(document_, "x-amazon-apigateway-api-key-source");
  if (!source.empty()) api_.api_key_source = upper(source);
  const Value binary = document_.get("x-amazon-apigateway-binary-media-types");
  if (binary.kind == Kind::kList) {
    for (const Value& v : binary.list->items)
      api_.binary_media_types.push_back(text_of(v));
  }
  warn_unknown(document_,
               {"x-amazon-apigateway-api-key-source", "x-amazon-apigateway-binary-media-types",
                "x-amazon-apigateway-importexport-version"},
               "the root");
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
    if (name == "_custom_id_") api_.id = lower(text_of(value->value));
  }
}

Status Importer::base_path(std::string& prefix) {
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
  if (path.find('{') != std::string::npos) return invalid("a base path with variables");
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
  root_settings();
  if (api_.name.empty()) return invalid("'info.title' names the API and is missing");
  tags();
  const auto bad_id = [](char c) {
    return !((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_');
  };
  if (api_.id.size() > 64 || std::any_of(api_.id.begin(), api_.id.end(), bad_id)) {
    return invalid("_custom_id_ has 1 to 64 letters, digits, '-' and '_'");
  }
  api_.resources.push_back({random_id(random_, 10), "", "", "/", {}});
  std::string prefix;
  if (auto s = base_path(prefix); !s) return std::unexpected(s.error());
  if (auto s = paths(prefix); !s) return std::unexpected(s.error());
  return std::move(api_);
}

Status Importer::paths(const std::string& prefix) {
  const Map* all = map_at(document_, "paths");
  if (all == nullptr) return {};
  for (const Entry* e : all->entries) {
    const std::string key = text_of(e->key);
    if (key.starts_with("x-")) continue;
    if (!key.starts_with('/')) return invalid("path '" + key + "' does not start with '/'");
    if (e->value.kind != Kind::kMap) continue;
    if (auto s = path(prefix + key, *resolved(e->value.map)); !s) return s;
  }
  return {};
}

base::Result<std::size_t, ImportError> Importer::child(std::size_t parent,
                                                       const std::string& part) {
  const std::string parent_id = api_.resources[parent].id;
  const bool variable = part.starts_with('{');
  for (std::size_t i = 0; i < api_.resources.size(); ++i) {
    const Resource& r = api_.resources[i];
    if (r.parent_id != parent_id) continue;
    if (r.path_part == part) return i;
    const bool other_greedy = r.path_part.ends_with("+}");
    if (variable && r.path_part.starts_with('{') && other_greedy == part.ends_with("+}")) {
      return invalid("A sibling (" + r.path_part +
                     ") of this resource already has a variable path part -- only one is allowed");
    }
  }
  if (variable && !part.ends_with('}')) return invalid("path part '" + part + "' is not closed");
  if (api_.resources[parent].path_part.ends_with("+}")) {
    return invalid("nothing may stand below a greedy path part: " + part);
  }
  if (api_.resources.size() >= kResourcesMax) {
    return base::fail(ImportError::kLimit, "more than 300 resources");
  }
  Resource r;
  r.id = random_id(random_, 6);
  r.parent_id = parent_id;
  r.path_part = part;
  const std::string& above = api_.resources[parent].path;
  r.path = (above == "/" ? "" : above) + "/" + part;
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

Status Importer::path(const std::string& path, const Map& item) {
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

void Importer::parameters(MethodModel& m, const Map& holder) {
  const Value list = holder.get("parameters");
  if (list.kind != Kind::kList) return;
  for (const Value& v : list.list->items) {
    if (v.kind != Kind::kMap) continue;
    const Map& p = *resolved(v.map);
    const std::string in = text_at(p, "in");
    const std::string place = in == "query" ? "querystring" : in;
    if (place == "path" || place == "querystring" || place == "header") {
      m.request_parameters["method.request." + place + "." + text_at(p, "name")] =
          true_at(p, "required");
    } else if (in == "body") {
      if (const Map* schema = map_at(p, "schema")) {
        const std::string model = short_reference(*schema);
        if (!model.empty()) m.request_models["application/json"] = model;
      }
    }
  }
}

std::string Importer::short_reference(const Map& schema) const {
  const std::string reference = text_at(schema, "$ref");
  const std::size_t slash = reference.rfind('/');
  return slash == std::string::npos ? "" : reference.substr(slash + 1);
}

void Importer::responses(MethodModel& m, const Map& operation) {
  const Map* all = map_at(operation, "responses");
  if (all == nullptr) return;
  for (const Entry* e : all->entries) {
    if (e->value.kind != Kind::kMap) continue;
    const Map& r = *resolved(e->value.map);
    MethodResponse response;
    response.status_code = text_of(e->key);
    if (response.status_code == "default") continue;
    if (const Map* headers = map_at(r, "headers")) {
      for (const Entry* h : headers->entries) {
        response.parameters["method.response.header." + text_of(h->key)] = false;
      }
    }
    if (const Map* content = map_at(r, "content")) {
      for (const Entry* c : content->entries) {
        const Map* schema = c->value.kind == Kind::kMap ? map_at(*c->value.map, "schema") : nullptr;
        if (schema == nullptr) continue;
        const std::string model = short_reference(*schema);
        if (!model.empty()) response.models[text_of(c->key)] = model;
      }
    } else if (const Map* schema = map_at(r, "schema")) {
      const std::string model = short_reference(*schema);
      if (!model.empty()) response.models["application/json"] = model;
    }
    m.responses.push_back(std::move(response));
  }
}

// Methods that ask for a key or an authorizer are imported as such; they are refused when called,
// until authorizers are there, rather than left open.
void Importer::security(MethodModel& m, const Map& operation, const std::string& where) {
  const Value list = operation.get("security");
  if (list.kind != Kind::kList) return;
  for (const Value& v : list.list->items) {
    if (v.kind != Kind::kMap) continue;
    for (const Entry* e : v.map->entries) {
      const std::string name = text_of(e->key);
      const Map* components = map_at(document_, "components");
      const Map* schemes = components != nullptr ? map_at(*components, "securitySchemes")
                                                 : map_at(document_, "securityDefinitions");
      const Map* scheme = schemes != nullptr ? map_at(*schemes, name) : nullptr;
      const std::string type =
          scheme != nullptr ? text_at(*scheme, "x-amazon-apigateway-authtype") : "";
      if (type.empty() && (scheme == nullptr || text_at(*scheme, "type") == "apiKey")) {
        m.api_key_required = true;
        warn("API keys are not available yet: " + where + " refuses all calls");
      } else {
        m.authorization_type = type == "awsSigv4" ? "AWS_IAM" : "CUSTOM";
        warn("authorizers are not available yet: " + where + " refuses all calls");
      }
    }
  }
}

Status Importer::method(std::size_t at, const std::string& name, const Map& operation,
                        const Map& item) {
  MethodModel m;
  m.http_method = name;
  m.operation_name = text_at(operation, "operationId");
  const std::string where = name + " " + api_.resources[at].path;
  parameters(m, item);
  parameters(m, operation);
  if (const Map* body = map_at(operation, "requestBody")) {
    if (const Map* content = map_at(*resolved(body), "content")) {
      for (const Entry* c : content->entries) {
        const Map* schema = c->value.kind == Kind::kMap ? map_at(*c->value.map, "schema") : nullptr;
        if (schema == nullptr) continue;
        const std::string model = short_reference(*schema);
        if (!model.empty()) m.request_models[text_of(c->key)] = model;
      }
    }
  }
  responses(m, operation);
  security(m, operation, where);
  warn_unknown(operation, {kIntegration}, where);
  if (const Map* found = map_at(operation, kIntegration)) {
    if (auto s = integration(m, *found, where); !s) return s;
    if (m.integration->cache_namespace.empty()) {
      m.integration->cache_namespace = api_.resources[at].id;
    }
  }
  api_.resources[at].methods[name] = std::move(m);
  return {};
}

Status Importer::integration(MethodModel& m, const Map& map, const std::string& where) {
  Integration i;
  const std::string type = text_at(map, "type");
  const auto parsed = parse_integration_type(type);
  if (!parsed) return invalid("Enumeration value for IntegrationType '" + type + "' at " + where);
  i.type = *parsed;
  i.http_method = upper(text_at(map, "httpMethod"));
  i.uri = text_at(map, "uri");
  i.credentials = text_at(map, "credentials");
  i.connection_type = text_at(map, "connectionType");
  if (i.connection_type.empty() &&
      (i.type == IntegrationType::kHttp || i.type == IntegrationType::kHttpProxy)) {
    i.connection_type = "INTERNET";
  }
  i.request_parameters = texts_at(map, "requestParameters");
  i.request_templates = texts_at(map, "requestTemplates");
  const std::string passthrough = text_at(map, "passthroughBehavior");
  if (!passthrough.empty()) {
    const auto p = parse_passthrough(passthrough);
    if (!p) return invalid("passthroughBehavior '" + passthrough + "' at " + where);
    i.passthrough = *p;
  }
  const std::string handling = text_at(map, "contentHandling");
  if (!handling.empty()) {
    const auto h = parse_content_handling(handling);
    if (!h) return invalid("contentHandling '" + handling + "' at " + where);
    i.content_handling = *h;
  }
  const Value timeout = map.get("timeoutInMillis");
  if (timeout.is_integral()) {
    if (timeout.integer < 50 || timeout.integer > 29000) {
      return invalid("Timeout should be between 50 ms and 29000 ms: " + where);
    }
    i.timeout_ms = static_cast<int>(timeout.integer);
  }
  const bool needs_uri = i.type != IntegrationType::kMock;
  if (needs_uri && i.uri.empty()) return invalid("the integration of " + where + " has no uri");
  if (i.type == IntegrationType::kAws && i.uri.find(":action/") == std::string::npos &&
      i.uri.find(":path/") == std::string::npos) {
    return invalid("AWS ARN for integration must contain path or action: " + where);
  }
  i.cache_namespace = text_at(map, "cacheNamespace");
  const Value keys = map.get("cacheKeyParameters");
  if (keys.kind == Kind::kList) {
    for (const Value& v : keys.list->items)
      i.cache_key_parameters.push_back(text_of(v));
  }
  if (auto s = integration_responses(i, map, where); !s) return s;
  m.integration = std::move(i);
  return {};
}

Status Importer::integration_responses(Integration& i, const Map& map, const std::string& where) {
  const Map* all = map_at(map, "responses");
  if (all == nullptr) return {};
  for (const Entry* e : all->entries) {
    if (e->value.kind != Kind::kMap) continue;
    const Map& r = *e->value.map;
    IntegrationResponse response;
    const std::string pattern = text_of(e->key);
    response.selection_pattern = pattern == "default" ? "" : pattern;
    response.status_code = text_at(r, "statusCode");
    const bool number = response.status_code.size() == 3 &&
                        response.status_code.find_first_not_of("0123456789") == std::string::npos;
    if (!number) return invalid("an integration response of " + where + " has no statusCode");
    response.parameters = texts_at(r, "responseParameters");
    response.templates = texts_at(r, "responseTemplates");
    const std::string handling = text_at(r, "contentHandling");
    if (!handling.empty()) {
      const auto h = parse_content_handling(handling);
      if (!h) return invalid("contentHandling '" + handling + "' at " + where);
      response.content_handling = *h;
    }
    const auto same = std::find_if(i.responses.begin(), i.responses.end(), [&](const auto& other) {
      return other.status_code == response.status_code;
    });
    if (same != i.responses.end()) {
      warn("two integration responses of " + where + " have status " + response.status_code +
           ": the later one counts");
      *same = std::move(response);
    } else {
      i.responses.push_back(std::move(response));
    }
  }
  return {};
}

}  // namespace

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
