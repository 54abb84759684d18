#include "kinesis/service.h"

#include <fmt/core.h>

#include <utility>

#include "aws/json_protocol.h"
#include "kinesis/operations.h"

namespace sluice::kinesis {
namespace {

aws::ServiceResponse error_response(const ApiError& error) {
  return aws::json_error(error.status, error.type, error.message);
}

constexpr Shape kNoFields{};
constexpr std::string_view kJson = "application/json";

bool names_an_action(const aws::ServiceRequest& request) {
  return known_to_aws(request.action);
}

// API Gateway's users meet this when an integration lacks its Content-Type header.
aws::ServiceResponse coral_error(int status, std::string_view type) {
  aws::ServiceResponse response;
  response.status = status;
  response.content_type = kJson;
  response.error_type = type;
  response.body = fmt::format(
      R"({{"Output":{{"__type":"com.amazon.coral.service#{}"}},"Version":"1.0"}})", type);
  return response;
}

// What AWS answers where it does not come to the action's own checks; nullopt: go on. The order is
// AWS' own: no body, content type, broken JSON, unknown action (recorded).
std::optional<aws::ServiceResponse> refuse_early(aws::ServiceRequest& request, Input& input) {
  if (request.body.empty()) {
    const std::string_view type =
        names_an_action(request) ? "SerializationException" : "UnknownOperationException";
    return request.content_type == aws::kJson11 ? aws::json_error(400, type, "")
                                                : aws::cbor_error(400, type, "");
  }
  if (request.content_type == aws::kCbor11)
    return aws::cbor_error(
        400, "SerializationException",
        "This server does not speak CBOR yet: switch it off in the client (Java 2: environment "
        "CBOR_ENABLED=false or -Daws.cborEnabled=false; Java 1: AWS_CBOR_DISABLE=true).");
  if (request.content_type == kJson) {
    if (input.read(request.body, kNoFields) != ReadStatus::kOk)
      return coral_error(400, "SerializationException");
    return coral_error(404, "UnknownOperationException");
  }
  if (request.content_type != aws::kJson11) {
    if (request.action.empty())
      return aws::xml_error(403, "AccessDeniedException",
                            "Unable to determine service/operation name to be authorized");
    return aws::xml_error(404, "UnknownOperationException");
  }
  if (find_operation(request.action) != nullptr) return std::nullopt;
  if (input.read(request.body, kNoFields) != ReadStatus::kOk)
    return aws::json_error(400, "SerializationException", "");
  return aws::json_error(
      400, "UnknownOperationException",
      names_an_action(request)
          ? fmt::format("{} is an action of Amazon Kinesis that this server does not have yet.",
                        request.action)
          : "");
}

// Kept for the next call of this thread: a handler copies what it keeps of it.
Input& thread_input() {
  thread_local Input input;
  return input;
}

// Reads, checks, calls.
void run(const Operation& operation, streams::Engine& engine, ShardLimits* shard_limits,
         aws::ServiceRequest& request, Reply reply) {
  Input& input = thread_input();
  const ReadStatus status = input.read(request.body, *operation.shape);
  const std::string wrong_type = input.message();
  // AWS parses the whole body before it looks at types, and at the signature in between.
  if (status == ReadStatus::kMalformed ||
      (status == ReadStatus::kWrongType && input.read(request.body, kNoFields) != ReadStatus::kOk))
    return reply(refuse("SerializationException", ""));
  if (request.refusal)
    return reply(refuse(request.refusal->type, std::move(request.refusal->message)));
  if (status == ReadStatus::kWrongType) return reply(refuse("SerializationException", wrong_type));
  if (std::string broken = validate(input); !broken.empty())
    return reply(validation_error(std::move(broken)));
  const Call call{request, input, engine, reply.measurement.metrics, shard_limits};
  if (operation.start != nullptr) {
    operation.start(call, std::move(reply));
  } else {
    reply(operation.answer(call));
  }
}

}  // namespace

void Reply::operator()(const ApiResult& result) const {
  send(result ? aws::json_reply(*result) : error_response(result.error()));
}

void Reply::send(aws::ServiceResponse response) const {
  measurement.end(response);
  aws::add_request_id_headers(response, request_id);
  done(std::move(response));
}

Service::Service(streams::Engine& engine, base::MetricsRegistry& metrics, BlockingExecutor blocking,
                 bool shard_limits)
    : engine_(engine), metrics_(metrics), blocking_(std::move(blocking)) {
  if (shard_limits) shard_limits_.emplace(engine.clock());
}

void Service::call(aws::ServiceRequest request, aws::ServiceDone done) {
  Metrics::Operation& counted = metrics_.of(request.action);
  counted.request_bytes.add(request.body.size());
  Reply reply{std::move(done),
              request.request_id,
              {metrics_, counted, engine_.clock(), engine_.clock().monotonic_ns()}};
  if (auto refused = refuse_early(request, thread_input())) return reply.send(std::move(*refused));
  const Operation& operation = *find_operation(request.action);
  ShardLimits* const limits = shard_limits_ ? &*shard_limits_ : nullptr;
  // What is refused does not wait for a thread.
  if (!operation.blocks || !blocking_ || request.refusal) {
    run(operation, engine_, limits, request, std::move(reply));
    return;
  }
  const bool taken =
      blocking_([this, &operation, limits, request = std::move(request), reply]() mutable {
        run(operation, engine_, limits, request, std::move(reply));
      });
  if (!taken)
    reply(refuse("LimitExceededException", "Too many calls are waiting; try again later."));
}

}  // namespace sluice::kinesis
