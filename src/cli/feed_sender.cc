#include "cli/feed_sender.h"

#include <memory>

#include "http/client.h"

namespace sluice::cli {

feed::Feeder::Sender make_http_sender() {
  // shared_ptr: a Sender is a std::function, which must be copyable; there is one user.
  return [client = std::make_shared<http::Client>()](const feed::Post& post) -> feed::Reply {
    http::ClientRequest request{.method = "PUT", .url = post.url};
    request.headers.add("Content-Type", "application/json");
    request.headers.add("amz-sdk-invocation-id", post.invocation_id);
    request.body = post.body;
    auto response = client->fetch(request);
    if (!response) return {0, response.error().message};
    return {response->status, std::move(response->body)};
  };
}

}  // namespace sluice::cli
