#include "kinesis/errors.h"

#include <fmt/core.h>

#include "base/log.h"

namespace sluice::kinesis {
namespace {

using streams::StreamError;
using streams::StreamKey;

constexpr base::Logger kLog{"kinesis"};

}  // namespace

std::unexpected<ApiError> refuse(std::string_view type, std::string message) {
  return std::unexpected(ApiError{400, std::string(type), std::move(message)});
}
std::unexpected<ApiError> invalid_argument(std::string message) {
  return refuse("InvalidArgumentException", std::move(message));
}
std::unexpected<ApiError> validation_error(std::string message) {
  return refuse("ValidationException", std::move(message));
}
std::unexpected<ApiError> not_found(std::string message) {
  return refuse("ResourceNotFoundException", std::move(message));
}

std::string rate_exceeded(const StreamKey& key, streams::ShardIndex shard) {
  return fmt::format("Rate exceeded for shard {} in stream {} under account {}.",
                     streams::shard_id(shard), key.name, key.account);
}

std::string stream_not_found(const StreamKey& key) {
  return fmt::format("Stream {} under account {} not found.", key.name, key.account);
}

ApiError api_error(const base::Failure<StreamError>& failure, const StreamKey& key) {
  switch (failure.code) {
    case StreamError::kNoSuchStream:
      return {400, "ResourceNotFoundException", stream_not_found(key)};
    case StreamError::kNoSuchShard:
      return {400, "ResourceNotFoundException",
              fmt::format("{} under account {} does not exist", failure.message, key.account)};
    case StreamError::kExists:
      return {400, "ResourceInUseException",
              fmt::format("Stream {} under account {} already exists.", key.name, key.account)};
    case StreamError::kInvalid:
      return {400, "InvalidArgumentException", failure.message};
    case StreamError::kThrottled:
      return {400, "ProvisionedThroughputExceededException",
              fmt::format("Rate exceeded for stream {} under account {}: {}", key.name, key.account,
                          failure.message)};
    case StreamError::kLimitExceeded:
      return {400, "LimitExceededException", failure.message};
    case StreamError::kUnavailable:
      break;
  }
  // The client learns that it was not acknowledged; the reason is the operator's.
  kLog.error("stream {}: {}", key.name, failure.message);
  return {500, "InternalFailure", "The request could not be completed: the log is unavailable."};
}

}  // namespace sluice::kinesis
