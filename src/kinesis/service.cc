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

// Reads, checks, calls. The Input is the thread's own: a handler copies what it keeps.
void run(const Operation& operation, streams::Engine& engine, aws::ServiceRequest& request,
         Reply reply) {
  thread_local Input input;
  switch (input.read(request.body, *operation.shape)) {
    case ReadStatus::kOk:
      break;
    case ReadStatus::kMalformed:
      return reply(refuse("SerializationException", ""));
    case ReadStatus::kWrongType:
      return reply(refuse("SerializationException", input.message()));
  }
  if (std::string broken = validate(input); !broken.empty())
    return reply(validation_error(std::move(broken)));
  const Call call{request, input, engine};
  if (operation.start != nullptr) {
    operation.start(call, std::move(reply));
  } else {
    reply(operation.answer(call));
  }
}

// What AWS answers before it looks into the body; nullopt: go on.
std::optional<aws::ServiceResponse> refuse_early(const aws::ServiceRequest& request) {
  if (request.content_type == aws::kCbor11)
    return aws::cbor_error(
        400, "SerializationException",
        "This server does not speak CBOR yet: switch it off in the client (Java 2: environment "
        "CBOR_ENABLED=false or -Daws.cborEnabled=false; Java 1: AWS_CBOR_DISABLE=true).");
  if (request.content_type == "application/json") {
    // As AWS: API Gateway users meet this when an integration lacks its Content-Type header.
    aws::ServiceResponse response;
    response.status = 404;
    response.content_type = request.content_type;
    response.body =
        R"({"Output":{"__type":"com.amazon.coral.service#UnknownOperationException"},"Version":"1.0"})";
    return response;
  }
  if (request.content_type != aws::kJson11) {
    aws::ServiceResponse response;
    response.status = 404;
    response.body = "<UnknownOperationException/>\n";
    return response;
  }
  if (find_operation(request.action) != nullptr) return std::nullopt;
  return aws::json_error(
      400, "UnknownOperationException",
      known_to_aws(request.action)
          ? fmt::format("{} is an action of Amazon Kinesis that this server does not have yet.",
                        request.action)
          : "");
}

}  // namespace

void Reply::operator()(const ApiResult& result) const {
  aws::ServiceResponse response =
      result ? aws::json_reply(*result) : error_response(result.error());
  aws::add_request_id_headers(response, request_id);
  done(std::move(response));
}

Service::Service(streams::Engine& engine, BlockingExecutor blocking)
    : engine_(engine), blocking_(std::move(blocking)) {}

void Service::call(aws::ServiceRequest request, aws::ServiceDone done) {
  if (auto refused = refuse_early(request)) {
    aws::add_request_id_headers(*refused, request.request_id);
    done(std::move(*refused));
    return;
  }
  const Operation& operation = *find_operation(request.action);
  Reply reply{std::move(done), request.request_id};
  if (!operation.blocks || !blocking_) {
    run(operation, engine_, request, std::move(reply));
    return;
  }
  const bool taken = blocking_([this, &operation, request = std::move(request), reply]() mutable {
    run(operation, engine_, request, std::move(reply));
  });
  if (!taken)
    reply(refuse("LimitExceededException", "Too many calls are waiting; try again later."));
}

}  // namespace sluice::kinesis
