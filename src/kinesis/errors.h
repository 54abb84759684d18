// What goes wrong, as the wire says it. The one table from StreamError to AWS' error names is here.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "streams/streams.h"

namespace sluice::kinesis {

struct ApiError {
  int status = 400;
  std::string type;     // "ResourceNotFoundException"
  std::string message;  // may be empty
};

using ApiResult = std::expected<std::string, ApiError>;  // a reply's body

[[nodiscard]] std::unexpected<ApiError> refuse(std::string_view type, std::string message);
[[nodiscard]] std::unexpected<ApiError> invalid_argument(std::string message);
[[nodiscard]] std::unexpected<ApiError> validation_error(std::string message);
[[nodiscard]] std::unexpected<ApiError> not_found(std::string message);

// "Rate exceeded for shard X in stream Y under account Z."
std::string rate_exceeded(const streams::StreamKey& key, streams::ShardIndex shard);
// "Stream X under account Y not found."
std::string stream_not_found(const streams::StreamKey& key);
// `key` names the stream in AWS' texts.
ApiError api_error(const base::Failure<streams::StreamError>& failure,
                   const streams::StreamKey& key);

}  // namespace sluice::kinesis
