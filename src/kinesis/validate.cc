// The constraints of AWS' service model, checked field by field and reported in AWS' words.
#include <fmt/core.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "kinesis/input.h"
#include "kinesis/limits.h"

namespace sluice::kinesis {
namespace {

// As Java counts: a character beyond the basic plane is two.
std::int64_t utf16_length(std::string_view text) {
  std::int64_t length = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xc0) != 0x80) length += byte >= 0xf0 ? 2 : 1;
  }
  return length;
}

bool all_digits(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// 0|([1-9]\d{0,more})
bool is_decimal(std::string_view text, std::size_t more) {
  if (text == "0") return true;
  return !text.empty() && text[0] != '0' && text.size() <= more + 1 && all_digits(text);
}

bool is_name(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
  });
}

// arn:aws.*:kinesis:.*:\d{12}:stream/\S+
bool is_stream_arn(std::string_view text) {
  if (!text.starts_with("arn:aws")) return false;
  const auto service = text.find(":kinesis:");
  const auto stream = text.find(":stream/");
  if (service == std::string_view::npos || stream == std::string_view::npos) return false;
  if (stream < service + 9 + 13 || text[stream - 13] != ':') return false;
  const std::string_view name = text.substr(stream + 8);
  return all_digits(text.substr(stream - 12, 12)) && !name.empty() &&
         name.find_first_of(" \t\r\n\f\v") == std::string_view::npos;
}

bool matches(Pattern pattern, std::string_view text) {
  switch (pattern) {
    case Pattern::kNone:
      return true;
    case Pattern::kName:
      return is_name(text);
    case Pattern::kHashKey:
      return is_decimal(text, 38);
    case Pattern::kSequenceNumber:
      return is_decimal(text, 128);
    case Pattern::kStreamArn:
      return is_stream_arn(text);
  }
  return false;
}

std::string_view pattern_text(Pattern pattern) {
  switch (pattern) {
    case Pattern::kName:
      return "[a-zA-Z0-9_.-]+";
    case Pattern::kHashKey:
      return "0|([1-9]\\d{0,38})";
    case Pattern::kSequenceNumber:
      return "0|([1-9]\\d{0,128})";
    case Pattern::kStreamArn:
      return "arn:aws.*:kinesis:.*:\\d{12}:stream/\\S+";
    case Pattern::kNone:
      break;
  }
  return "";
}

std::string lower_first(std::string_view name) {
  std::string out(name);
  if (out[0] >= 'A' && out[0] <= 'Z') out[0] = static_cast<char>(out[0] + ('a' - 'A'));
  return out;
}

class Validator {
 public:
  explicit Validator(const Input& input) : in_(input) {}

  void structure(const Shape& shape, std::span<const Value> values, const std::string& parent) {
    for (std::size_t i = 0; i < shape.fields.size(); ++i) {
      const Field& f = shape.fields[i];
      if (f.required && !replaced(f, shape, values))
        check(values[i].present, f, values[i], parent, [] { return "Member must not be null"; });
      if (values[i].present) field(f, values[i], parent);
    }
  }

  std::string text() const {
    if (errors_.empty()) return {};
    std::string out = fmt::format("{} validation error{} detected: ", errors_.size(),
                                  errors_.size() > 1 ? "s" : "");
    for (std::size_t i = 0; i < errors_.size(); ++i)
      out += fmt::format("{}{}", i == 0 ? "" : "; ", errors_[i]);
    return out;
  }

 private:
  // Texts are made only for what fails: this runs for every record of every put.
  template <class Constraint>
  void check(bool holds, const Field& f, const Value& value, const std::string& parent,
             Constraint constraint) {
    if (holds || errors_.size() >= kValidationErrorsMax) return;
    errors_.push_back(fmt::format("Value {} at '{}{}' failed to satisfy constraint: {}",
                                  printed(f, value), parent, lower_first(f.name), constraint()));
  }

  static bool replaced(const Field& f, const Shape& shape, std::span<const Value> values) {
    if (f.unless.empty()) return false;
    const auto other = std::ranges::find(shape.fields, f.unless, &Field::name);
    return values[static_cast<std::size_t>(other - shape.fields.begin())].present;
  }

  void field(const Field& f, const Value& v, const std::string& parent) {
    if (f.pattern != Pattern::kNone) {
      check(matches(f.pattern, v.text), f, v, parent, [&] {
        return fmt::format("Member must satisfy regular expression pattern: {}",
                           pattern_text(f.pattern));
      });
    }
    const std::int64_t size = measure(f, v);
    const std::string_view what = f.kind == Kind::kInteger ? "value" : "length";
    check(size >= f.min, f, v, parent, [&] {
      return fmt::format("Member must have {} greater than or equal to {}", what, f.min);
    });
    check(size <= f.max, f, v, parent,
          [&] { return fmt::format("Member must have {} less than or equal to {}", what, f.max); });
    if (!f.values.empty()) {
      check(std::ranges::find(f.values, v.text) != f.values.end(), f, v, parent, [&] {
        std::string all;
        for (const std::string_view value : f.values)
          all += fmt::format("{}{}", all.empty() ? "" : ", ", value);
        return fmt::format("Member must satisfy enum value set: [{}]", all);
      });
    }
    members(f, v, parent);
  }

  void members(const Field& f, const Value& v, const std::string& parent) {
    switch (f.kind) {
      case Kind::kStructure:
        structure(*f.members, in_.members(v), parent + lower_first(f.name) + ".");
        return;
      case Kind::kStructureList:
        structure_list(f, v, parent);
        return;
      case Kind::kStringList:
        string_list(f, v, parent);
        return;
      case Kind::kStringMap:
        string_map(f, v, parent);
        return;
      default:
        return;
    }
  }

  void structure_list(const Field& f, const Value& v, const std::string& parent) {
    const std::size_t each = f.members->fields.size();
    const auto all = in_.members(v, each);
    std::string prefix;
    for (std::size_t i = 0; i < v.count && errors_.size() < kValidationErrorsMax; ++i) {
      const auto block = all.subspan(i * each, each);
      if (holds(*f.members, block)) continue;
      prefix = fmt::format("{}{}.{}.member.", parent, lower_first(f.name), i + 1);
      structure(*f.members, block, prefix);
    }
  }

  // The quick answer for records of a batch: names are put together only for what fails.
  bool holds(const Shape& shape, std::span<const Value> values) const {
    for (std::size_t i = 0; i < values.size(); ++i) {
      const Field& f = shape.fields[i];
      const Value& v = values[i];
      if (!v.present) {
        if (f.required) return false;
        continue;
      }
      const std::int64_t size = measure(f, v);
      if (size < f.min || size > f.max || !matches(f.pattern, v.text) || !f.values.empty())
        return false;
    }
    return true;
  }

  static std::string lengths(std::string_view head, std::int64_t max, std::int64_t min) {
    return fmt::format(
        "{} must satisfy constraint: [Member must have length less than or equal to "
        "{}, Member must have length greater than or equal to {}]",
        head, max, min);
  }

  void string_list(const Field& f, const Value& v, const std::string& parent) {
    if (f.key_max == 0) return;
    const bool fine = std::ranges::all_of(in_.members(v), [&](const Value& item) {
      const std::int64_t length = utf16_length(item.text);
      return item.present && length >= 1 && length <= f.key_max;
    });
    check(fine, f, v, parent, [&] { return lengths("Member", f.key_max, 1); });
  }

  void string_map(const Field& f, const Value& v, const std::string& parent) {
    const auto pairs = in_.members(v, 2);
    bool keys = true;
    bool values = true;
    for (std::size_t i = 0; i < pairs.size(); i += 2) {
      const std::int64_t length = utf16_length(pairs[i].text);
      keys = keys && length >= 1 && length <= f.key_max;
      values = values && utf16_length(pairs[i + 1].text) <= f.value_max;
    }
    check(keys, f, v, parent, [&] { return lengths("Map keys", f.key_max, 1); });
    check(values, f, v, parent, [&] { return lengths("Map value", f.value_max, 0); });
  }

  static std::int64_t measure(const Field& f, const Value& v) {
    switch (f.kind) {
      case Kind::kInteger:
        return v.integer;
      case Kind::kBlob:
        return static_cast<std::int64_t>(v.text.size());
      case Kind::kString:
        return utf16_length(v.text);
      case Kind::kStringList:
      case Kind::kStringMap:
      case Kind::kStructureList:
        return v.size;
      default:
        return f.min;  // booleans, timestamps and structures have no size
    }
  }

  std::string printed(const Field& f, const Value& v) const {
    if (!v.present) return "null";
    switch (f.kind) {
      case Kind::kInteger:
        return fmt::format("'{}'", v.integer);
      case Kind::kBlob:
        return fmt::format("'java.nio.HeapByteBuffer[pos=0 lim={0} cap={0}]'", v.text.size());
      case Kind::kStructureList: {
        std::string all;
        for (std::uint32_t i = 0; i < std::min(v.size, kEchoedMembersMax); ++i)
          all += fmt::format("{}{}", i == 0 ? "" : ", ", f.member_text);
        return fmt::format("'[{}{}]'", all, v.size > kEchoedMembersMax ? ", ..." : "");
      }
      case Kind::kStringList: {
        std::string all;
        for (const Value& item : in_.members(v))
          all += fmt::format("{}{}", all.empty() ? "" : ", ", item.text);
        return fmt::format("'[{}]'", clip(all));
      }
      case Kind::kStringMap: {
        std::string all;
        const auto pairs = in_.members(v, 2);
        for (std::size_t i = 0; i < pairs.size(); i += 2)
          all += fmt::format("{}{}={}", i == 0 ? "" : ", ", pairs[i].text, pairs[i + 1].text);
        return fmt::format("'{{{}}}'", clip(all));
      }
      default:
        return fmt::format("'{}'", clip(v.text));
    }
  }

  const Input& in_;
  std::vector<std::string> errors_;
};

}  // namespace

std::string validate(const Input& input) {
  Validator validator(input);
  validator.structure(input.shape(), input.top(), "");
  return validator.text();
}

}  // namespace sluice::kinesis
