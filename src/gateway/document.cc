#include "gateway/document.h"

#include <simdjson.h>
#include <yaml-cpp/yaml.h>

#include <charconv>

#include "gateway/value/decimal.h"

namespace sluice::gateway {
namespace {

constexpr int kDepthMax = 200;
constexpr std::size_t kJsonDepthMax = 256;

using ValueResult = base::Result<Value, ImportError>;

Value from_json(Arena& arena, const simdjson::dom::element& e) {
  switch (e.type()) {
    case simdjson::dom::element_type::ARRAY: {
      List* list = make_list(arena, ListKind::kJsonArray);
      for (const auto item : simdjson::dom::array(e))
        list->items.push(arena, from_json(arena, item));
      return Value::of(list);
    }
    case simdjson::dom::element_type::OBJECT: {
      Map* map = make_map(arena);
      for (const auto field : simdjson::dom::object(e)) {
        map->put(arena, Value::of(arena.copy(field.key)), from_json(arena, field.value));
      }
      return Value::of(map);
    }
    case simdjson::dom::element_type::INT64:
      return Value::of_long(std::int64_t(e));
    case simdjson::dom::element_type::UINT64:
      return Value::of(static_cast<double>(std::uint64_t(e)));
    case simdjson::dom::element_type::DOUBLE:
      return Value::of(double(e));
    case simdjson::dom::element_type::STRING:
      return Value::of(arena.copy(std::string_view(e)));
    case simdjson::dom::element_type::BOOL:
      return Value::of(bool(e));
    case simdjson::dom::element_type::NULL_VALUE:
      break;
  }
  return Value::null();
}

ValueResult read_strict_json(Arena& arena, std::string_view text) {
  simdjson::dom::parser parser(kImportBytesMax);
  if (parser.allocate(text.size() + 64, kJsonDepthMax) != simdjson::SUCCESS) {
    return base::fail(ImportError::kLimit, "the document is too large");
  }
  const auto parsed = parser.parse(text.data(), text.size());
  if (parsed.error() != simdjson::SUCCESS) {
    return base::fail(ImportError::kSyntax, std::string("the document is no JSON: ") +
                                                simdjson::error_message(parsed.error()));
  }
  return from_json(arena, parsed.value_unsafe());
}

// A number of JSON's form with a fraction or an exponent. It keeps its text: 1.10 as a version is
// no 1.1.
bool is_decimal(std::string_view text) {
  const auto digits = [&] {
    const std::size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
    text.remove_prefix(end);
    return end > 0;
  };
  if (text.starts_with('-')) text.remove_prefix(1);
  if (text.size() > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9') return false;
  if (!digits()) return false;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (!digits()) return false;
  }
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
    if (!digits()) return false;
  }
  return text.empty();
}

class YamlReader {
 public:
  explicit YamlReader(Arena& arena) : arena_(arena) {}

  ValueResult read(const YAML::Node& node, int depth) {
    if (++nodes_ > kYamlNodesMax) {
      return base::fail(ImportError::kLimit, "more than 100,000 nodes, aliases counted");
    }
    if (depth > kDepthMax) return base::fail(ImportError::kLimit, "nested too deeply");
    switch (node.Type()) {
      case YAML::NodeType::Scalar:
        return scalar(node);
      case YAML::NodeType::Sequence: {
        List* list = make_list(arena_, ListKind::kJsonArray);
        for (const auto& item : node) {
          const auto v = read(item, depth + 1);
          if (!v) return v;
          list->items.push(arena_, *v);
        }
        return Value::of(list);
      }
      case YAML::NodeType::Map:
        return map(node, depth);
      default:
        return Value::null();
    }
  }

 private:
  ValueResult map(const YAML::Node& node, int depth) {
    Map* map = make_map(arena_);
    for (const auto& pair : node) {
      if (!pair.first.IsScalar()) {
        return base::fail(ImportError::kSyntax, "a key that is no text");
      }
      const auto v = read(pair.second, depth + 1);
      if (!v) return v;
      map->put(arena_, Value::of(arena_.copy(pair.first.Scalar())), *v);
    }
    return Value::of(map);
  }

  Value scalar(const YAML::Node& node) {
    const std::string& text = node.Scalar();
    if (node.Tag() == "?" || node.Tag().empty()) {
      if (text.empty() || text == "null" || text == "~" || text == "Null" || text == "NULL") {
        return Value::null();
      }
      if (text == "true" || text == "True" || text == "TRUE") return Value::of(true);
      if (text == "false" || text == "False" || text == "FALSE") return Value::of(false);
      std::int64_t n = 0;
      const auto end = std::from_chars(text.data(), text.data() + text.size(), n);
      if (end.ec == std::errc() && end.ptr == text.data() + text.size()) return Value::of_long(n);
      if (is_decimal(text)) return Value::of(arena_.copy(text), Kind::kBigDecimal);
    }
    return Value::of(arena_.copy(text));
  }

  Arena& arena_;
  std::size_t nodes_ = 0;
};

}  // namespace

base::Result<Value, ImportError> read_document(Arena& arena, std::string_view text) {
  if (text.size() > kImportBytesMax) {
    return base::fail(ImportError::kLimit, "a document of more than 6 MiB");
  }
  const std::size_t start = text.find_first_not_of(" \t\r\n");
  if (start != std::string_view::npos && text[start] == '{') {
    return read_strict_json(arena, text);
  }
  try {
    return YamlReader(arena).read(YAML::Load(std::string(text)), 0);
  } catch (const YAML::Exception& e) {
    return base::fail(ImportError::kSyntax, std::string("the document is no YAML: ") + e.what());
  }
}

}  // namespace sluice::gateway
