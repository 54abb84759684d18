#include "sparksql/functions/from_json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "sparksql/functions/datetime_format.h"
#include "sparksql/functions/datetime_text.h"
#include "sparksql/functions/java_number.h"
#include "sparksql/functions/json_writer.h"
#include "sparksql/functions/unicode.h"

namespace sluice::sparksql {
namespace {

using types::DataType;
using types::TypeKind;

constexpr std::size_t kNameSlots = 64;

// A type made ready for decoding.
struct Node {
  TypeKind kind = TypeKind::kNull;
  int precision = 0;
  int scale = 0;
  std::vector<Node> children;  // array: element; map: value; struct: fields
  std::vector<std::string> names;
  // Struct fields by hash of their names: the slot's first field, and each field's next.
  std::array<std::int16_t, kNameSlots> slots{};
  std::vector<std::int16_t> next;

  static std::size_t slot(std::string_view name) {
    if (name.empty()) return 0;
    return (name.size() * 7 + static_cast<unsigned char>(name.front()) * 3 +
            static_cast<unsigned char>(name.back())) %
           kNameSlots;
  }
  int find(std::string_view name) const {
    for (int at = slots[slot(name)]; at >= 0; at = next[static_cast<std::size_t>(at)]) {
      if (names[static_cast<std::size_t>(at)] == name) return at;
    }
    return -1;
  }
};

Node make_node(const DataType& type, std::string_view left_out) {
  Node node;
  node.kind = type.kind();
  node.precision = type.precision();
  node.scale = type.scale();
  if (type.kind() == TypeKind::kArray) node.children.push_back(make_node(type.element(), {}));
  if (type.kind() == TypeKind::kMap) node.children.push_back(make_node(type.value(), {}));
  if (type.kind() != TypeKind::kStruct) return node;
  node.slots.fill(-1);
  for (const types::Field& field : type.fields()) {
    const auto at = static_cast<std::int16_t>(node.names.size());
    node.names.push_back(field.name);
    node.children.push_back(make_node(*field.type, {}));
    node.next.push_back(-1);
    if (!left_out.empty() && field.name == left_out) continue;
    // Of fields with one name the last is found.
    std::int16_t& slot = node.slots[Node::slot(field.name)];
    node.next.back() = slot;
    slot = at;
  }
  return node;
}

}  // namespace

struct JsonDecoder::Plan {
  Node root;
  JsonLexerOptions lexer;
  bool fail_fast = false;
  int corrupt_column = -1;
  const TimeZone* zone = &TimeZone::utc();
  std::optional<DateTimeFormat> date_format;
  std::optional<DateTimeFormat> timestamp_format;
  std::optional<DateTimeFormat> ntz_format;
};

namespace {

enum class Status {
  kGood,
  kPartial,  // a value, but something in it was bad
  kBad,      // no value; reading goes on
  kFatal,    // the record cannot be read on
};

double to_double(std::string_view number) {
  double value = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (error == std::errc::result_out_of_range)
    return std::strtod(std::string(number).c_str(), nullptr);
  return value;
}

float to_float(std::string_view number) {
  float value = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (error == std::errc::result_out_of_range)
    return std::strtof(std::string(number).c_str(), nullptr);
  return value;
}

std::optional<double> special_number(std::string_view word) {
  if (word == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (word == "+INF" || word == "+Infinity" || word == "Infinity")
    return std::numeric_limits<double>::infinity();
  if (word == "-INF" || word == "-Infinity") return -std::numeric_limits<double>::infinity();
  return std::nullopt;
}

class Reader {
 public:
  Reader(const JsonDecoder::Plan& plan, std::string_view text, Arena& arena)
      : plan_(plan), arena_(arena), lexer_(text, plan.lexer, arena) {}

  Status record(JsonValue& out) {
    const JsonToken token = lexer_.value();
    if (token == JsonToken::kEnd) return Status::kGood;  // blank: NULL
    const Node& root = plan_.root;
    if (root.kind == TypeKind::kArray && token == JsonToken::kObject &&
        root.children[0].kind == TypeKind::kStruct) {
      out.is_null = false;
      out.size = 1;
      out.children = values(1);
      return convert(root.children[0], token, out.children[0], 1);
    }
    if (token == JsonToken::kNull) return Status::kBad;
    return convert(root, token, out, 1);
  }

  JsonValue* values(std::size_t count) {
    auto* memory = arena_.allocate(sizeof(JsonValue) * count, alignof(JsonValue));
    auto* out = reinterpret_cast<JsonValue*>(memory);
    std::uninitialized_default_construct_n(out, count);
    return out;
  }

 private:
  Status convert(const Node& node, JsonToken token, JsonValue& out, int depth) {
    if (token == JsonToken::kFatal || token == JsonToken::kEnd) return Status::kFatal;
    if (token == JsonToken::kNull) {
      out.is_null = true;
      return Status::kGood;
    }
    if (depth > JsonLexer::kMaxDepth) return Status::kFatal;
    const bool nested = token == JsonToken::kObject || token == JsonToken::kArray;
    if (node.kind == TypeKind::kStruct && token == JsonToken::kObject)
      return object(node, out, depth);
    if (node.kind == TypeKind::kArray && token == JsonToken::kArray)
      return array(node.children[0], out, depth);
    if (node.kind == TypeKind::kMap && token == JsonToken::kObject)
      return map(node.children[0], out, depth);
    if (node.kind == TypeKind::kString) return string(token, out, depth);
    if (nested) return lexer_.skip(token, depth) ? Status::kBad : Status::kFatal;
    if (token == JsonToken::kString) return from_string(node, out);
    return from_scalar(node, token, out) ? Status::kGood : Status::kBad;
  }

  Status object(const Node& node, JsonValue& out, int depth) {
    JsonValue* fields = values(node.children.size());
    Status status = Status::kGood;
    for (bool first = true;; first = false) {
      std::string_view name;
      const JsonToken next = lexer_.name(first, name);
      if (next == JsonToken::kEndObject) break;
      if (next == JsonToken::kFatal) return Status::kFatal;
      const JsonToken token = lexer_.value();
      const int at = node.find(name);
      if (at < 0) {
        if (!lexer_.skip(token, depth + 1)) return Status::kFatal;
        continue;
      }
      const auto index = static_cast<std::size_t>(at);
      // A bad value leaves what an earlier field of the same name set.
      JsonValue value;
      const Status field = convert(node.children[index], token, value, depth + 1);
      if (field == Status::kFatal) return field;
      if (field != Status::kBad) fields[index] = value;
      if (field != Status::kGood) status = Status::kPartial;
    }
    out.is_null = false;
    out.size = static_cast<std::uint32_t>(node.children.size());
    out.children = fields;
    return status;
  }

  Status finish(std::vector<JsonValue>& collected, Status status, JsonValue& out) {
    if (status == Status::kBad) return status;
    out.is_null = false;
    out.size = static_cast<std::uint32_t>(collected.size());
    out.children = values(collected.size());
    std::copy(collected.begin(), collected.end(), out.children);
    return status;
  }

  // One bad element makes the whole array NULL; what follows it is passed over.
  Status array(const Node& element, JsonValue& out, int depth) {
    std::vector<JsonValue> collected;
    Status status = Status::kGood;
    for (bool first = true;; first = false) {
      const JsonToken token = lexer_.element(first);
      if (token == JsonToken::kEndArray) break;
      if (token == JsonToken::kFatal) return Status::kFatal;
      const Status one = add(element, token, collected, status, depth);
      if (one == Status::kFatal) return one;
    }
    return finish(collected, status, out);
  }

  Status map(const Node& value_node, JsonValue& out, int depth) {
    std::vector<JsonValue> collected;
    Status status = Status::kGood;
    for (bool first = true;; first = false) {
      std::string_view name;
      const JsonToken next = lexer_.name(first, name);
      if (next == JsonToken::kEndObject) break;
      if (next == JsonToken::kFatal) return Status::kFatal;
      JsonValue key;
      set_text(key, name);
      collected.push_back(key);
      const Status one = add(value_node, lexer_.value(), collected, status, depth);
      if (one == Status::kFatal) return one;
    }
    return finish(collected, status, out);
  }

  Status add(const Node& node, JsonToken token, std::vector<JsonValue>& to, Status& status,
             int depth) {
    if (status == Status::kBad)
      return lexer_.skip(token, depth + 1) ? Status::kBad : Status::kFatal;
    JsonValue value;
    const Status one = convert(node, token, value, depth + 1);
    to.push_back(value);
    if (one != Status::kGood) status = one;
    return one;
  }

  static void set_text(JsonValue& out, std::string_view text) {
    out.is_null = false;
    out.size = static_cast<std::uint32_t>(text.size());
    out.bytes = text.data();
  }

  Status string(JsonToken token, JsonValue& out, int depth) {
    if (token == JsonToken::kString) {
      std::string_view text;
      if (!lexer_.string(text)) return Status::kBad;
      set_text(out, text);
      return Status::kGood;
    }
    scratch_.clear();
    if (!write(token, depth)) return Status::kFatal;
    set_text(out, arena_.copy(scratch_));
    return Status::kGood;
  }

  // What Jackson's generator makes of the value: compact, numbers through double.
  bool write(JsonToken token, int depth) {
    if (depth > JsonLexer::kMaxDepth) return false;
    switch (token) {
      case JsonToken::kString: {
        std::string_view text;
        if (!lexer_.string(text)) return false;
        append_jackson_string(scratch_, text);
        return true;
      }
      case JsonToken::kInteger:
      case JsonToken::kReal:
        write_number(token);
        return true;
      case JsonToken::kTrue:
        scratch_ += "true";
        return true;
      case JsonToken::kFalse:
        scratch_ += "false";
        return true;
      case JsonToken::kNull:
        scratch_ += "null";
        return true;
      case JsonToken::kArray:
        return write_array(depth);
      case JsonToken::kObject:
        return write_object(depth);
      default:
        return false;
    }
  }

  bool write_array(int depth) {
    scratch_ += '[';
    for (bool first = true;; first = false) {
      const JsonToken next = lexer_.element(first);
      if (next == JsonToken::kEndArray) break;
      if (!first) scratch_ += ',';
      if (!write(next, depth + 1)) return false;
    }
    scratch_ += ']';
    return true;
  }

  bool write_object(int depth) {
    scratch_ += '{';
    for (bool first = true;; first = false) {
      std::string_view name;
      const JsonToken next = lexer_.name(first, name);
      if (next == JsonToken::kEndObject) break;
      if (next == JsonToken::kFatal) return false;
      if (!first) scratch_ += ',';
      append_jackson_string(scratch_, name);
      scratch_ += ':';
      if (!write(lexer_.value(), depth + 1)) return false;
    }
    scratch_ += '}';
    return true;
  }

  void write_number(JsonToken token) {
    const std::string_view number = lexer_.number();
    if (token == JsonToken::kInteger) {
      scratch_ += number == "-0" ? std::string_view("0") : number;
      return;
    }
    const double value = lexer_.number_is_special() ? *special_number(number) : to_double(number);
    const bool quoted = !std::isfinite(value);
    if (quoted) scratch_ += '"';
    append_java_double(scratch_, value);
    if (quoted) scratch_ += '"';
  }

  static bool integer(std::string_view number, std::int64_t min, std::int64_t max, JsonValue& out) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
    if (error != std::errc() || value < min || value > max) return false;
    out.is_null = false;
    out.integer = value;
    return true;
  }

  template <class Int>
  bool integer(JsonToken token, JsonValue& out, std::int64_t max) {
    return token == JsonToken::kInteger &&
           integer(lexer_.number(), std::numeric_limits<Int>::min(), max, out);
  }

  bool real(JsonToken token, bool single, JsonValue& out) {
    if (token != JsonToken::kInteger && token != JsonToken::kReal) return false;
    const std::string_view number = lexer_.number();
    out.is_null = false;
    if (lexer_.number_is_special())
      out.real = *special_number(number);
    else
      out.real = single ? static_cast<double>(to_float(number)) : to_double(number);
    if (token == JsonToken::kInteger && out.real == 0) out.real = 0;  // -0 is a whole number
    return true;
  }

  // Numbers, true and false.
  bool from_scalar(const Node& node, JsonToken token, JsonValue& out) {
    switch (node.kind) {
      case TypeKind::kNull:
        return true;
      case TypeKind::kBoolean:
        if (token != JsonToken::kTrue && token != JsonToken::kFalse) return false;
        out.is_null = false;
        out.integer = token == JsonToken::kTrue ? 1 : 0;
        return true;
      case TypeKind::kByte:
        // Jackson lets a byte be unsigned, too.
        if (!integer<std::int8_t>(token, out, 255)) return false;
        if (out.integer > 127) out.integer -= 256;
        return true;
      case TypeKind::kShort:
        return integer<std::int16_t>(token, out, std::numeric_limits<std::int16_t>::max());
      case TypeKind::kInt:
        return integer<std::int32_t>(token, out, std::numeric_limits<std::int32_t>::max());
      case TypeKind::kLong:
        return integer<std::int64_t>(token, out, std::numeric_limits<std::int64_t>::max());
      case TypeKind::kFloat:
        return real(token, true, out);
      case TypeKind::kDouble:
        return real(token, false, out);
      case TypeKind::kTimestamp:
        return integer<std::int64_t>(token, out, std::numeric_limits<std::int64_t>::max()) &&
               !__builtin_mul_overflow(out.integer, kMicrosPerSecond, &out.integer);
      case TypeKind::kDecimal:
        return (token == JsonToken::kInteger || token == JsonToken::kReal) &&
               !lexer_.number_is_special() && decimal(node, lexer_.number(), out);
      default:
        return false;
    }
  }

  static bool decimal(const Node& node, std::string_view text, JsonValue& out) {
    const ParsedDecimal parsed = parse_decimal(text, node.precision, node.scale);
    if (parsed.status != ParsedDecimal::Status::kOk) return false;
    out.is_null = false;
    out.decimal = parsed.unscaled;
    return true;
  }

  Status from_string(const Node& node, JsonValue& out) {
    std::string_view text;
    if (!lexer_.string(text)) return Status::kBad;
    if (node.kind == TypeKind::kNull) return Status::kGood;
    if (node.kind == TypeKind::kBinary) return binary(text, out);
    if (text.empty()) return Status::kBad;
    std::optional<std::int64_t> whole;
    switch (node.kind) {
      case TypeKind::kFloat:
      case TypeKind::kDouble: {
        const auto special = special_number(text);
        if (!special) return Status::kBad;
        out.is_null = false;
        out.real = *special;
        return Status::kGood;
      }
      case TypeKind::kDecimal: {
        scratch_.clear();
        std::copy_if(text.begin(), text.end(), std::back_inserter(scratch_),
                     [](char c) { return c != ','; });
        if (java_trim(scratch_).size() != scratch_.size()) return Status::kBad;
        return decimal(node, scratch_, out) ? Status::kGood : Status::kBad;
      }
      case TypeKind::kDate:
        whole = date(text);
        break;
      case TypeKind::kTimestamp:
        whole = timestamp(text);
        break;
      case TypeKind::kTimestampNtz:
        whole = plan_.ntz_format ? plan_.ntz_format->parse_local(text)
                                 : parse_timestamp_ntz(text, false);
        break;
      default:
        break;
    }
    if (!whole) return Status::kBad;
    out.is_null = false;
    out.integer = *whole;
    return Status::kGood;
  }

  std::optional<std::int64_t> date(std::string_view text) const {
    if (plan_.date_format) return plan_.date_format->parse_date(text);
    if (const auto days = parse_date(text)) return *days;
    // Spark 1.5 wrote dates as a number of days, and that is read still.
    std::int32_t days = 0;
    const char* start = text.data() + (text.starts_with('+') ? 1 : 0);
    if (text.starts_with("+-")) return std::nullopt;
    const auto [end, error] = std::from_chars(start, text.data() + text.size(), days);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return days;
  }

  std::optional<std::int64_t> timestamp(std::string_view text) const {
    if (plan_.timestamp_format) return plan_.timestamp_format->parse_timestamp(text, *plan_.zone);
    if (const auto micros = parse_timestamp(text, *plan_.zone)) return micros;
    const auto gmt = text.find("GMT");
    if (gmt == std::string_view::npos) return std::nullopt;
    std::string without(text);
    without.erase(gmt, 3);
    return parse_timestamp(without, *plan_.zone);
  }

  // Base64 as Jackson reads it: blanks between groups only, padding required.
  Status binary(std::string_view text, JsonValue& out) {
    static constexpr std::string_view kAlphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    scratch_.clear();
    std::uint32_t group = 0;
    int have = 0;
    std::size_t i = 0;
    for (; i < text.size(); ++i) {
      if (have == 0 && static_cast<unsigned char>(text[i]) <= ' ') continue;
      const auto value = kAlphabet.find(text[i]);
      if (value == std::string_view::npos) break;
      group = group << 6 | static_cast<std::uint32_t>(value);
      if (++have < 4) continue;
      for (int shift = 16; shift >= 0; shift -= 8)
        scratch_.push_back(static_cast<char>(group >> shift));
      group = 0;
      have = 0;
    }
    const std::string_view rest = text.substr(i);
    if (have == 1 && rest.empty()) {
      // The closing quote is taken for a letter, so the string goes on behind it.
      return lexer_.skip(JsonToken::kString, 1) ? Status::kBad : Status::kFatal;
    }
    if (have == 2 && rest == "==") {
      scratch_.push_back(static_cast<char>(group >> 4));
    } else if (have == 3 && rest == "=") {
      scratch_.push_back(static_cast<char>(group >> 10));
      scratch_.push_back(static_cast<char>(group >> 2));
    } else if (have != 0 || !rest.empty()) {
      return Status::kBad;
    }
    set_text(out, arena_.copy(scratch_));
    return Status::kGood;
  }

  const JsonDecoder::Plan& plan_;
  Arena& arena_;
  JsonLexer lexer_;
  std::string scratch_;
};

// Whether the type holds a decimal, date or time, which other locales write otherwise.
bool needs_locale(const DataType& type) {
  switch (type.kind()) {
    case TypeKind::kDecimal:
    case TypeKind::kDate:
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampNtz:
      return true;
    case TypeKind::kArray:
      return needs_locale(type.element());
    case TypeKind::kMap:
      return needs_locale(type.value());
    case TypeKind::kStruct:
      return std::any_of(type.fields().begin(), type.fields().end(),
                         [](const types::Field& field) { return needs_locale(*field.type); });
    default:
      return false;
  }
}

bool is_true(const std::map<std::string, std::string>& options, const char* name, bool otherwise) {
  const auto found = options.find(name);
  if (found == options.end()) return otherwise;
  return to_lower(found->second) == "true";
}

std::expected<std::optional<DateTimeFormat>, std::string> format_option(
    const std::map<std::string, std::string>& options, const char* name) {
  const auto found = options.find(name);
  if (found == options.end()) return std::nullopt;
  auto format = DateTimeFormat::compile(found->second, true);
  if (!format) return std::unexpected(std::move(format.error()));
  return *std::move(format);
}

}  // namespace

JsonDecoder::JsonDecoder(std::unique_ptr<const Plan> plan) : plan_(std::move(plan)) {}
JsonDecoder::JsonDecoder(JsonDecoder&&) noexcept = default;
JsonDecoder& JsonDecoder::operator=(JsonDecoder&&) noexcept = default;
JsonDecoder::~JsonDecoder() = default;

std::expected<JsonDecoder, std::string> JsonDecoder::make(
    const DataType& schema, const std::map<std::string, std::string>& options) {
  auto plan = std::make_unique<Plan>();
  plan->lexer = {.comments = is_true(options, "allowcomments", false),
                 .unquoted_names = is_true(options, "allowunquotedfieldnames", false),
                 .single_quotes = is_true(options, "allowsinglequotes", true),
                 .leading_zeros = is_true(options, "allownumericleadingzeros", false),
                 .non_numeric_numbers = is_true(options, "allownonnumericnumbers", true),
                 .backslash_any = is_true(options, "allowbackslashescapinganycharacter", false),
                 .control_chars = is_true(options, "allowunquotedcontrolchars", false)};
  const auto option = [&](const char* name, const char* otherwise) {
    const auto found = options.find(name);
    return found == options.end() ? std::string(otherwise) : found->second;
  };
  const std::string mode = to_upper(option("mode", "PERMISSIVE"));
  if (mode == "DROPMALFORMED")
    return std::unexpected(
        "[PARSE_MODE_UNSUPPORTED] The function `from_json` doesn't support the DROPMALFORMED mode. "
        "Acceptable modes are PERMISSIVE and FAILFAST. SQLSTATE: 42601");
  plan->fail_fast = mode == "FAILFAST";
  const std::string locale = to_lower(option("locale", "en-US"));
  if (locale != "en" && locale != "en-us" && needs_locale(schema))
    return std::unexpected(
        "[UNSUPPORTED_BY_SLUICE] from_json reads decimals and dates in the locale "
        "en-US only. SQLSTATE: ");
  const std::string zone = option("timezone", "UTC");
  plan->zone = TimeZone::find(zone);
  if (plan->zone == nullptr)
    return std::unexpected("[INVALID_TIMEZONE] The timezone: " + zone +
                           " is invalid. The timezone must be either a region-based zone ID or a "
                           "zone offset. SQLSTATE: 22009");
  std::string corrupt = option("columnnameofcorruptrecord", "_corrupt_record");
  if (schema.kind() == TypeKind::kStruct) {
    for (std::size_t i = 0; i < schema.fields().size(); ++i) {
      if (schema.fields()[i].name != corrupt) continue;
      if (schema.fields()[i].type->kind() != TypeKind::kString)
        return std::unexpected(
            "[INVALID_CORRUPT_RECORD_TYPE] The column `" + corrupt +
            "` for corrupt records must have the nullable STRING type, but got \"" +
            schema.fields()[i].type->to_sql() + "\". SQLSTATE: 42804");
      plan->corrupt_column = static_cast<int>(i);
    }
  }
  if (plan->corrupt_column < 0) corrupt.clear();
  for (const auto& [name, to] : {std::pair{"dateformat", &plan->date_format},
                                 std::pair{"timestampformat", &plan->timestamp_format},
                                 std::pair{"timestampntzformat", &plan->ntz_format}}) {
    auto format = format_option(options, name);
    if (!format) return std::unexpected(std::move(format.error()));
    *to = *std::move(format);
  }
  plan->root = make_node(schema, corrupt);
  return JsonDecoder(std::move(plan));
}

JsonDecoder::Outcome JsonDecoder::decode(std::string_view text, Arena& arena,
                                         JsonValue& out) const {
  out = JsonValue();
  Reader reader(*plan_, text, arena);
  const Status status = reader.record(out);
  if (status == Status::kGood) return Outcome::kGood;
  if (plan_->fail_fast) return Outcome::kFailed;
  const Node& root = plan_->root;
  if (root.kind != TypeKind::kStruct) {
    out = JsonValue();
    return Outcome::kBad;
  }
  if (status != Status::kPartial) {
    out.is_null = false;
    out.size = static_cast<std::uint32_t>(root.children.size());
    out.children = reader.values(root.children.size());
  }
  if (plan_->corrupt_column >= 0) {
    JsonValue& corrupt = out.children[plan_->corrupt_column];
    const std::string_view kept =
        is_valid_utf8(text) ? text : arena.copy(replace_invalid_utf8(text));
    corrupt.is_null = false;
    corrupt.size = static_cast<std::uint32_t>(kept.size());
    corrupt.bytes = kept.data();
  }
  return Outcome::kBad;
}

std::string JsonDecoder::failure(std::string_view text) const {
  std::string_view start = java_trim(text);
  if (plan_->root.kind == TypeKind::kStruct && start.starts_with('['))
    return "[MALFORMED_RECORD_IN_PARSING.CANNOT_PARSE_JSON_ARRAYS_AS_STRUCTS] Malformed records "
           "are detected in record parsing: " +
           replace_invalid_utf8(text) +
           ". Parse Mode: FAILFAST. To process malformed records as null result, try setting the "
           "option 'mode' as 'PERMISSIVE'. Parsing JSON arrays as structs is forbidden. SQLSTATE: "
           "22023";
  std::string nulls;
  for (std::size_t i = 0; i < plan_->root.children.size(); ++i)
    nulls += i == 0 ? "null" : ",null";
  return "[MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION] Malformed records are detected in "
         "record parsing: [" +
         nulls +
         "]. Parse Mode: FAILFAST. To process malformed records as null result, try setting the "
         "option 'mode' as 'PERMISSIVE'. SQLSTATE: 22023";
}

}  // namespace sluice::sparksql
