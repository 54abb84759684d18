#include "aws/json_protocol.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>

#include "base/base64.h"
#include "base/digest.h"
#include "base/json_writer.h"
#include "base/uuid.h"

namespace sluice::aws {

std::optional<Target> parse_target(std::string_view header) {
  const auto dot = header.find('.');
  if (dot == std::string_view::npos || dot == 0 || dot + 1 == header.size()) return std::nullopt;
  const Target target{header.substr(0, dot), header.substr(dot + 1)};
  if (target.action.find('.') != std::string_view::npos) return std::nullopt;
  return target;
}

std::string media_type(std::string_view header) {
  header = header.substr(0, header.find(';'));
  while (!header.empty() && (header.front() == ' ' || header.front() == '\t'))
    header.remove_prefix(1);
  while (!header.empty() && (header.back() == ' ' || header.back() == '\t'))
    header.remove_suffix(1);
  std::string type(header);
  std::ranges::transform(type, type.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return type;
}

std::string error_body(std::string_view type, std::string_view message) {
  std::string body;
  base::JsonWriter w(body);
  w.begin_object().field("__type", type);
  if (!message.empty()) w.field(type == "SerializationException" ? "Message" : "message", message);
  w.end_object();
  return body;
}

ServiceResponse json_error(int status, std::string_view type, std::string_view message) {
  ServiceResponse response;
  response.status = status;
  response.content_type = kJson11;
  response.body = error_body(type, message);
  response.error_type = type;
  return response;
}

ServiceResponse cbor_error(int status, std::string_view type, std::string_view message) {
  const auto append_text = [](std::string& out, std::string_view text) {
    // RFC 8949: major type 3 with a length of two bytes, which fits every text of ours.
    text = text.substr(0, 0xffff);
    out.push_back('\x79');
    out.push_back(static_cast<char>(text.size() >> 8));
    out.push_back(static_cast<char>(text.size() & 0xff));
    out += text;
  };
  ServiceResponse response;
  response.status = status;
  response.content_type = kCbor11;
  response.error_type = type;
  response.body = message.empty() ? "\xa1" : "\xa2";  // a map of one pair, or two
  append_text(response.body, "__type");
  append_text(response.body, type);
  if (!message.empty()) {
    append_text(response.body, "message");
    append_text(response.body, message);
  }
  return response;
}

ServiceResponse xml_error(int status, std::string_view type, std::string_view message) {
  ServiceResponse response;
  response.status = status;
  response.error_type = type;
  response.body = message.empty()
                      ? fmt::format("<{}/>\n", type)
                      : fmt::format("<{0}>\n  <Message>{1}</Message>\n</{0}>\n", type, message);
  return response;
}

ServiceResponse json_reply(std::string body) {
  ServiceResponse response;
  response.content_type = kJson11;
  response.body = std::move(body);
  return response;
}

std::string new_request_id(base::Random& random) {
  return base::random_uuid(random);
}

std::string extended_request_id(std::string_view request_id) {
  constexpr std::size_t kBytes = 72;  // AWS' have 64 to 80 (recorded)
  std::string bytes;
  for (std::uint64_t seed = 0; bytes.size() < kBytes; ++seed) {
    const base::Uint128 part = base::xxh3_128(request_id, seed);
    bytes.append(reinterpret_cast<const char*>(&part), sizeof part);
  }
  bytes.resize(kBytes);
  return base::base64_encode(bytes);
}

void add_request_id_headers(ServiceResponse& response, std::string_view request_id) {
  response.headers.emplace_back("x-amzn-RequestId", request_id);
  response.headers.emplace_back("x-amz-id-2", extended_request_id(request_id));
}

}  // namespace sluice::aws
