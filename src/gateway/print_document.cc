#include "gateway/print_document.h"

#include <algorithm>
#include <set>

#include "base/json_writer.h"
#include "gateway/document.h"
#include "gateway/model_json.h"

namespace sluice::gateway {
namespace {

constexpr std::size_t kTextMax = std::size_t{64} << 20;

void append_scalar(std::string& out, const Value& v) {
  if (v.is_string()) {
    base::append_json_string(out, v.text());
  } else {
    append_java(out, v, kTextMax);  // numbers, true, false, null
  }
}

bool is_empty(const Value& v) {
  return (v.kind == Kind::kMap && v.map->entries.size == 0) ||
         (v.kind == Kind::kList && v.list->items.size == 0);
}

class JsonPrinter {
 public:
  explicit JsonPrinter(std::string& out) : out_(out) {}

  void print(const Value& v, std::size_t indent) {
    if (v.kind == Kind::kMap) {
      if (is_empty(v)) {
        out_ += "{ }";
        return;
      }
      std::string_view before = "{\n";
      for (const Entry* e : v.map->entries) {
        out_ += before;
        out_.append(indent + 2, ' ');
        base::append_json_string(out_, e->key.text());
        out_ += " : ";
        print(e->value, indent + 2);
        before = ",\n";
      }
      out_ += '\n';
      out_.append(indent, ' ');
      out_ += '}';
    } else if (v.kind == Kind::kList) {
      std::string_view before = "[ ";
      for (const Value& item : v.list->items) {
        out_ += before;
        print(item, indent);
        before = ", ";
      }
      out_ += is_empty(v) ? "[ ]" : " ]";
    } else {
      append_scalar(out_, v);
    }
  }

 private:
  std::string& out_;
};

class YamlPrinter {
 public:
  explicit YamlPrinter(std::string& out) : out_(out) {}

  // At the start of a line that has `indent` blanks already.
  void print_map(const Map& map, std::size_t indent) {
    bool first = true;
    for (const Entry* e : map.entries) {
      if (!first) out_.append(indent, ' ');
      first = false;
      key(e->key.text());
      out_ += ':';
      child(e->value, indent);
    }
  }

 private:
  void key(std::string_view text) {
    const auto plain = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             c == '-' || c == '_' || c == '.' || c == '/' || c == '$' || c == '{' || c == '}' ||
             c == '+';
    };
    const auto starts = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '/' || c == '$';
    };
    static const std::set<std::string_view> words = {"y",   "n",    "yes",   "no",  "on",
                                                     "off", "true", "false", "null"};
    if (!text.empty() && starts(text[0]) && !words.contains(lower(text)) &&
        std::all_of(text.begin(), text.end(), plain)) {
      out_ += text;
    } else {
      base::append_json_string(out_, text);
    }
  }

  void child(const Value& v, std::size_t indent) {
    if (is_empty(v)) {
      out_ += v.kind == Kind::kMap ? " {}\n" : " []\n";
    } else if (v.kind == Kind::kMap) {
      out_ += '\n';
      out_.append(indent + 2, ' ');
      print_map(*v.map, indent + 2);
    } else if (v.kind == Kind::kList) {
      out_ += '\n';
      for (const Value& item : v.list->items) {
        out_.append(indent, ' ');
        out_ += '-';
        item_of(item, indent);
      }
    } else {
      out_ += ' ';
      append_scalar(out_, v);
      out_ += '\n';
    }
  }

  void item_of(const Value& v, std::size_t indent) {
    if (v.kind == Kind::kMap && !is_empty(v)) {
      out_ += ' ';
      print_map(*v.map, indent + 2);
    } else {
      child(v, indent + 2);
    }
  }

  std::string& out_;
};

}  // namespace

std::string print_json(std::string_view json) {
  Arena arena(std::size_t{256} << 20);
  const auto document = read_document(arena, json);
  if (!document) return std::string(json);
  std::string out;
  JsonPrinter(out).print(*document, 0);
  return out;
}

std::string print_yaml(std::string_view json) {
  Arena arena(std::size_t{256} << 20);
  const auto document = read_document(arena, json);
  if (!document || document->kind != Kind::kMap) return std::string(json);
  std::string out = "---\n";
  YamlPrinter(out).print_map(*document->map, 0);
  return out;
}

}  // namespace sluice::gateway
