// The door between whoever receives a call (HTTP front, API Gateway integration) and whoever
// answers it (the Kinesis service in process, or real AWS over HTTPS). Protocol-level only: bytes
// in the service's own encoding.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice::aws {

// Who calls, and on whose behalf: 000000000000 and us-east-1 unless the credentials say otherwise.
struct Caller {
  std::string account = "000000000000";
  std::string region = "us-east-1";
  std::string access_key_id;  // empty: unsigned
};

// An error that is known before the service looks at the call.
struct Refusal {
  std::string type;  // "MissingAuthenticationTokenException"
  std::string message;
};

struct ServiceRequest {
  std::string service;       // "kinesis"
  std::string action;        // "PutRecord"; of another service: its whole target; empty: none
  std::string content_type;  // "application/x-amz-json-1.1"
  std::string body;
  Caller caller;
  std::string request_id;     // a UUID; returned as x-amzn-RequestId
  std::string invocation_id;  // amz-sdk-invocation-id of the call and its retries; empty: none
  // What the signature's check found. The service gives it at the place in the order of checks
  // where AWS does: after what is not JSON and what is no action.
  std::optional<Refusal> refusal = {};
};

struct ServiceResponse {
  int status = 200;
  std::string content_type;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::string error_type = {};  // of an error: what its body names; not sent
};

using ServiceDone = std::function<void(ServiceResponse)>;

class ServiceInvoker {
 public:
  virtual ~ServiceInvoker() = default;
  // Answers every request, errors included, in the service's own shape; `done` is called once, from
  // any thread, maybe before call() returns.
  virtual void call(ServiceRequest request, ServiceDone done) = 0;
};

}  // namespace sluice::aws
