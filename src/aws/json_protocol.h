// AWS JSON 1.1: which action a request names, what an error looks like, which headers every answer
// carries. Whoever speaks HTTP uses these; nothing here knows HTTP.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "aws/service.h"
#include "base/random.h"

namespace sluice::aws {

constexpr std::string_view kJson11 = "application/x-amz-json-1.1";
constexpr std::string_view kCbor11 = "application/x-amz-cbor-1.1";

struct Target {
  std::string_view service;  // "Kinesis_20131202"
  std::string_view action;   // "PutRecord"
};
// An X-Amz-Target header; views into it. nullopt: not of the form service.action.
std::optional<Target> parse_target(std::string_view header);

// The content type without parameters, lower case: what ServiceRequest::content_type holds.
std::string media_type(std::string_view content_type_header);

// {"__type":type,"message":message}; with an empty message only the type. SerializationException
// spells its member "Message", as AWS does.
std::string error_body(std::string_view type, std::string_view message);
ServiceResponse json_error(int status, std::string_view type, std::string_view message);
// The same for a caller of CBOR 1.1, who could not read JSON.
ServiceResponse cbor_error(int status, std::string_view type, std::string_view message);
// What AWS sends where it knows neither service nor protocol; without a message an empty element.
ServiceResponse xml_error(int status, std::string_view type, std::string_view message = {});
// A success: `body` may be empty (actions without output answer nothing at all).
ServiceResponse json_reply(std::string body);

std::string new_request_id(base::Random& random = base::system_random());
// x-amz-id-2: opaque, derived from the request id, so that a log needs only one of them.
std::string extended_request_id(std::string_view request_id);
// Adds x-amzn-RequestId and x-amz-id-2: SDKs print both with every error.
void add_request_id_headers(ServiceResponse& response, std::string_view request_id);

}  // namespace sluice::aws
