#include "http/client.h"

#include <curl/curl.h>

#include <utility>

#include "http/transfer.h"

namespace sluice::http {

class Client::Impl {
 public:
  explicit Impl(ClientOptions options) : options_(std::move(options)), transfer_(options_) {}

  base::Result<Response, ClientError> fetch(const ClientRequest& request) {
    if (auto begun = transfer_.begin(request); !begun) return std::unexpected(begun.error());
    return transfer_.end(curl_easy_perform(transfer_.easy()));
  }

 private:
  const ClientOptions options_;
  Transfer transfer_;
};

Client::Client(ClientOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}

Client::~Client() = default;

base::Result<Response, ClientError> Client::fetch(const ClientRequest& request) {
  return impl_->fetch(request);
}

}  // namespace sluice::http
