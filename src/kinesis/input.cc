#include "kinesis/input.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>

#include "base/base64.h"
#include "kinesis/limits.h"

namespace sluice::kinesis {
namespace {

namespace ondemand = simdjson::ondemand;

// Beyond this a thread's buffers are given back after the call.
constexpr std::size_t kKeptBytes = std::size_t{4} << 20;
constexpr std::int64_t kIntegerMax = 2'147'483'647;
constexpr Field kMember = {.name = "member"};

std::string_view java_class(ondemand::json_type type) {
  switch (type) {
    case ondemand::json_type::boolean:
      return "java.lang.Boolean";
    case ondemand::json_type::number:
      return "com.amazon.coral.value.json.numbers.TruncatingBigNumber";
    default:
      return "java.lang.String";
  }
}

std::string base64_problem(std::string_view text) {
  std::string out = "'" + clip(text) + "' can not be converted to a Blob: ";
  if (text.size() % 4 != 0)
    return out + "Base64 encoded length is expected a multiple of 4 bytes but found: " +
           std::to_string(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const bool digit = std::isalnum(c) != 0 || c == '+' || c == '/';
    const bool padding =
        c == '=' && i + 2 >= text.size() && (i + 1 == text.size() || text[i + 1] == '=');
    if (!digit && !padding) return out + "Invalid Base64 character: '" + text[i] + "'";
  }
  return out + "Invalid last non-pad Base64 character dectected";  // AWS' own spelling
}

}  // namespace

std::string clip(std::string_view text) {
  if (text.size() <= kEchoedBytesMax) return std::string(text);
  std::size_t end = kEchoedBytesMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
    --end;
  return std::string(text.substr(0, end)) + "...";
}

struct Input::Parser {
  ondemand::parser parser;
};

Input::Input() : parser_(std::make_unique<Parser>()) {}
Input::~Input() = default;

// Walks the document once. Every function returns what to do: go on, or stop with a status.
class Input::Reader {
 public:
  explicit Reader(Input& input) : in_(input) {}

  ReadStatus structure(ondemand::object& object, const Shape& shape, std::size_t first) {
    for (auto member : object) {
      std::string_view key;
      ondemand::value value;
      if (member.unescaped_key().get(key) != simdjson::SUCCESS ||
          member.value().get(value) != simdjson::SUCCESS)
        return ReadStatus::kMalformed;
      const auto field = std::ranges::find(shape.fields, key, &Field::name);
      const ReadStatus status =
          field == shape.fields.end()
              ? skip(value, 1)
              : read(value, *field, first + static_cast<std::size_t>(field - shape.fields.begin()));
      if (status != ReadStatus::kOk) return status;
    }
    return ReadStatus::kOk;
  }

 private:
  ReadStatus wrong(std::string message) {
    in_.message_ = std::move(message);
    return ReadStatus::kWrongType;
  }

  ReadStatus unexpected(ondemand::json_type type, std::string_view wanted) {
    if (type == ondemand::json_type::array) return wrong("Start of list found where not expected");
    if (type == ondemand::json_type::object)
      return wrong("Start of structure or map found where not expected.");
    return wrong("class " + std::string(java_class(type)) + " can not be converted to " +
                 std::string(wanted));
  }

  // Values go to pool_[at]; members are appended to the pool, so references do not last.
  ReadStatus read(ondemand::value& value, const Field& field, std::size_t at) {
    ondemand::json_type type{};
    if (value.type().get(type) != simdjson::SUCCESS) return ReadStatus::kMalformed;
    in_.pool_[at] = Value();
    if (type == ondemand::json_type::null) return null(value);
    switch (field.kind) {
      case Kind::kString:
        if (type != ondemand::json_type::string) return unexpected(type, "an String");
        return text(value, at);
      case Kind::kBlob:
        if (type != ondemand::json_type::string) return unexpected(type, "a Blob");
        return blob(value, at);
      case Kind::kInteger:
        if (type != ondemand::json_type::number) return unexpected(type, "an Integer");
        return number(value, at);
      case Kind::kTimestamp:
        if (type != ondemand::json_type::number)
          return unexpected(type, "milliseconds since epoch");
        return number(value, at);
      case Kind::kBoolean:
        if (type != ondemand::json_type::boolean) return unexpected(type, "an Boolean");
        return boolean(value, at);
      case Kind::kStringList:
      case Kind::kStructureList:
        if (type == ondemand::json_type::object) return unexpected(type, "");
        if (type != ondemand::json_type::array) return wrong("Expected list or null");
        return list(value, field, at);
      case Kind::kStringMap:
        if (type == ondemand::json_type::array) return unexpected(type, "");
        if (type != ondemand::json_type::object) return wrong("Expected map or null");
        return string_map(value, field, at);
      case Kind::kStructure:
        if (type == ondemand::json_type::array) return unexpected(type, "");
        if (type != ondemand::json_type::object) return wrong("Expected null");
        return inner_structure(value, *field.members, at);
    }
    return ReadStatus::kMalformed;
  }

  ReadStatus null(ondemand::value& value) {
    bool is_null = false;
    if (value.is_null().get(is_null) != simdjson::SUCCESS || !is_null)
      return ReadStatus::kMalformed;
    return ReadStatus::kOk;
  }

  ReadStatus text(ondemand::value& value, std::size_t at) {
    Value& to = in_.pool_[at];
    if (value.get_string().get(to.text) != simdjson::SUCCESS) return ReadStatus::kMalformed;
    to.present = true;
    return ReadStatus::kOk;
  }

  ReadStatus blob(ondemand::value& value, std::size_t at) {
    Value& to = in_.pool_[at];
    const std::size_t start = in_.blobs_.size();
    // Base64 needs no escapes: decoded from where it stands. What fails is looked at again slowly.
    std::string_view token = value.raw_json_token();
    token = token.substr(1, token.rfind('"') - 1);
    if (base::base64_decode_append(in_.blobs_, token)) {
      ondemand::raw_json_string passed;
      if (value.get_raw_json_string().get(passed) != simdjson::SUCCESS)
        return ReadStatus::kMalformed;
    } else {
      std::string_view encoded;
      if (value.get_string().get(encoded) != simdjson::SUCCESS) return ReadStatus::kMalformed;
      if (!base::base64_decode_append(in_.blobs_, encoded)) return wrong(base64_problem(encoded));
    }
    to.text = std::string_view(in_.blobs_).substr(start);
    to.present = true;
    return ReadStatus::kOk;
  }

  ReadStatus number(ondemand::value& value, std::size_t at) {
    Value& to = in_.pool_[at];
    ondemand::number n;
    if (value.get_number().get(n) == simdjson::SUCCESS) {
      to.number = n.as_double();
    } else if (value.get_double().get(to.number) != simdjson::SUCCESS) {
      return ReadStatus::kMalformed;  // also integers beyond 64 bits that overflow a double
    }
    const double whole = std::floor(to.number);
    to.integer = static_cast<std::int64_t>(
        std::clamp(whole, -static_cast<double>(kIntegerMax) - 1, static_cast<double>(kIntegerMax)));
    to.present = true;
    return ReadStatus::kOk;
  }

  ReadStatus boolean(ondemand::value& value, std::size_t at) {
    Value& to = in_.pool_[at];
    if (value.get_bool().get(to.boolean) != simdjson::SUCCESS) return ReadStatus::kMalformed;
    to.present = true;
    return ReadStatus::kOk;
  }

  void place(std::size_t at, std::size_t first, std::size_t count, std::size_t size) {
    Value& to = in_.pool_[at];
    to.present = true;
    to.first = static_cast<std::uint32_t>(first);
    to.count = static_cast<std::uint32_t>(count);
    to.size = static_cast<std::uint32_t>(size);
  }

  // No list holds lists (the model has none such), so that its members stay adjacent. A body full
  // of small members must not grow the pool: what is too much is counted and passed over.
  ReadStatus list(ondemand::value& value, const Field& field, std::size_t at) {
    ondemand::array array;
    if (value.get_array().get(array) != simdjson::SUCCESS) return ReadStatus::kMalformed;
    const std::size_t first = in_.pool_.size();
    const auto kept_max = static_cast<std::size_t>(field.max);
    std::size_t size = 0;
    for (auto element : array) {
      ondemand::value member;
      if (element.get(member) != simdjson::SUCCESS) return ReadStatus::kMalformed;
      ReadStatus status = ReadStatus::kOk;
      if (size >= kept_max) {
        status = skip(member, 2);
      } else if (field.kind == Kind::kStringList) {
        in_.pool_.emplace_back();
        status = read(member, kMember, in_.pool_.size() - 1);
      } else {
        status = list_structure(member, *field.members);
      }
      if (status != ReadStatus::kOk) return status;
      ++size;
    }
    place(at, first, std::min(size, kept_max), size);
    return ReadStatus::kOk;
  }

  ReadStatus list_structure(ondemand::value& member, const Shape& shape) {
    const std::size_t block = in_.pool_.size();
    in_.pool_.resize(block + shape.fields.size());
    ondemand::json_type type{};
    if (member.type().get(type) != simdjson::SUCCESS) return ReadStatus::kMalformed;
    if (type == ondemand::json_type::null) return null(member);  // validation names its fields
    if (type == ondemand::json_type::array) return unexpected(type, "");
    if (type != ondemand::json_type::object) return wrong("Expected null");
    ondemand::object object;
    if (member.get_object().get(object) != simdjson::SUCCESS) return ReadStatus::kMalformed;
    return structure(object, shape, block);
  }

  ReadStatus string_map(ondemand::value& value, const Field& field, std::size_t at) {
    ondemand::object object;
    if (value.get_object().get(object) != simdjson::SUCCESS) return ReadStatus::kMalformed;
    const std::size_t first = in_.pool_.size();
    const auto kept_max = static_cast<std::size_t>(field.max);
    std::size_t size = 0;
    for (auto member : object) {
      std::string_view key;
      ondemand::value inner;
      if (member.unescaped_key().get(key) != simdjson::SUCCESS ||
          member.value().get(inner) != simdjson::SUCCESS)
        return ReadStatus::kMalformed;
      ReadStatus status = ReadStatus::kOk;
      if (size >= kept_max) {
        status = skip(inner, 2);
      } else {
        in_.pool_.emplace_back().text = key;
        in_.pool_.back().present = true;
        in_.pool_.emplace_back();
        status = read(inner, kMember, in_.pool_.size() - 1);
      }
      if (status != ReadStatus::kOk) return status;
      ++size;
    }
    place(at, first, std::min(size, kept_max), size);
    return ReadStatus::kOk;
  }

  ReadStatus inner_structure(ondemand::value& value, const Shape& shape, std::size_t at) {
    ondemand::object object;
    if (value.get_object().get(object) != simdjson::SUCCESS) return ReadStatus::kMalformed;
    const std::size_t first = in_.pool_.size();
    in_.pool_.resize(first + shape.fields.size());
    const ReadStatus status = structure(object, shape, first);
    if (status == ReadStatus::kOk) place(at, first, shape.fields.size(), 0);
    return status;
  }

  // A field that is not of the shape is ignored, but must be JSON all the same.
  ReadStatus skip(ondemand::value& value, int depth) {
    if (depth > kJsonDepthMax) return ReadStatus::kMalformed;
    ondemand::json_type type{};
    if (value.type().get(type) != simdjson::SUCCESS) return ReadStatus::kMalformed;
    switch (type) {
      case ondemand::json_type::object:
        return skip_object(value, depth);
      case ondemand::json_type::array:
        return skip_array(value, depth);
      case ondemand::json_type::number: {
        double number = 0;
        return value.get_double().get(number) == simdjson::SUCCESS ? ReadStatus::kOk
                                                                   : ReadStatus::kMalformed;
      }
      case ondemand::json_type::string: {
        std::string_view text;
        return value.get_string().get(text) == simdjson::SUCCESS ? ReadStatus::kOk
                                                                 : ReadStatus::kMalformed;
      }
      case ondemand::json_type::boolean: {
        bool b = false;
        return value.get_bool().get(b) == simdjson::SUCCESS ? ReadStatus::kOk
                                                            : ReadStatus::kMalformed;
      }
      case ondemand::json_type::null:
        return null(value);
    }
    return ReadStatus::kMalformed;
  }

  ReadStatus skip_object(ondemand::value& value, int depth) {
    ondemand::object object;
    if (value.get_object().get(object) != simdjson::SUCCESS) return ReadStatus::kMalformed;
    for (auto member : object) {
      std::string_view key;
      ondemand::value inner;
      if (member.unescaped_key().get(key) != simdjson::SUCCESS ||
          member.value().get(inner) != simdjson::SUCCESS ||
          skip(inner, depth + 1) != ReadStatus::kOk)
        return ReadStatus::kMalformed;
    }
    return ReadStatus::kOk;
  }

  ReadStatus skip_array(ondemand::value& value, int depth) {
    ondemand::array array;
    if (value.get_array().get(array) != simdjson::SUCCESS) return ReadStatus::kMalformed;
    for (auto element : array) {
      ondemand::value inner;
      if (element.get(inner) != simdjson::SUCCESS || skip(inner, depth + 1) != ReadStatus::kOk)
        return ReadStatus::kMalformed;
    }
    return ReadStatus::kOk;
  }

  Input& in_;
};

ReadStatus Input::read(std::string& body, const Shape& shape) {
  shape_ = &shape;
  message_.clear();
  pool_.assign(shape.fields.size(), Value());
  blobs_.clear();
  if (blobs_.capacity() > kKeptBytes) {
    blobs_.shrink_to_fit();
    parser_ = std::make_unique<Parser>();
  }
  blobs_.reserve(body.size());  // decoded is shorter than encoded: views into it stay good
  body.reserve(body.size() + simdjson::SIMDJSON_PADDING);
  ondemand::document document;
  ondemand::object object;
  const simdjson::padded_string_view padded(body.data(), body.size(), body.capacity());
  if (parser_->parser.iterate(padded).get(document) != simdjson::SUCCESS ||
      document.get_object().get(object) != simdjson::SUCCESS)
    return ReadStatus::kMalformed;
  const ReadStatus status = Reader(*this).structure(object, shape, 0);
  const char* rest = nullptr;
  if (status == ReadStatus::kOk && document.current_location().get(rest) != simdjson::OUT_OF_BOUNDS)
    return ReadStatus::kMalformed;
  return status;
}

const Value& Input::operator[](std::string_view name) const {
  const auto field = std::ranges::find(shape_->fields, name, &Field::name);
  assert(field != shape_->fields.end());
  return pool_[static_cast<std::size_t>(field - shape_->fields.begin())];
}

}  // namespace sluice::kinesis
