// Outgoing HTTP and HTTPS, one blocking call at a time: the CLI, the feeder (one Client a thread).
// Connections are kept and reused by the Client. No redirects, no proxies, no cookies: what is
// asked is what is connected to. What must not block takes AsyncClient.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "base/result.h"
#include "http/egress.h"
#include "http/http.h"

namespace sluice::http {

enum class ClientError {
  kBadRequest,  // the URL, method or a header cannot be sent: a mistake of the caller
  kForbidden,   // the egress policy closes every address of the host
  kConnect,   // no connection: name unknown, refused, TLS failed; nothing was sent, try again later
  kTimeout,   // the request may or may not have been carried out
  kTooLarge,  // the answer is larger than allowed; the request was carried out
  kBroken,    // the connection ended in the middle; the request may have been carried out
  kBusy,      // AsyncClient: too many requests or bytes of answers are under way
};

struct ClientRequest {
  std::string method = "GET";
  std::string url = {};  // http:// or https://
  Headers headers =
      {};  // Host, Content-Length and Expect are the client's business; Host may be given
  std::string body = {};
  std::chrono::milliseconds timeout{29'000};  // of all of it
  // Never sent a second time, also not where a kept connection turns out to be closed: kBroken.
  bool once = false;
  // Asks for gzip or deflate and gives back what it holds.
  bool decompress = false;
};

struct ClientOptions {
  EgressPolicy egress = EgressPolicy::allow_all();
  std::chrono::milliseconds connect_timeout{5'000};
  std::size_t response_bytes_max = std::size_t{10} << 20;
};

class Client {
 public:
  explicit Client(ClientOptions options = {});
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Not thread-safe. A request on a kept connection that the server closed before it answered a
  // byte is sent once more on a new one (libcurl's habit), unless it says `once`.
  base::Result<Response, ClientError> fetch(const ClientRequest& request);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::http
