#include "http/transfer.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <mutex>
#include <utility>

namespace sluice::http {

namespace {

void init_curl_once() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool equals_nocase(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return lower(x) == lower(y); });
}

bool one_line(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

std::string_view trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

std::string check(const ClientRequest& request) {
  if (request.method.empty() ||
      request.method.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ") != std::string::npos) {
    return fmt::format("'{}' is not a method", request.method);
  }
  if (!one_line(request.url)) return "the URL holds a line break";
  for (const auto& [name, value] : request.headers.items()) {
    if (name.empty() || name.find_first_of(": \t") != std::string_view::npos || !one_line(name) ||
        !one_line(value)) {
      return fmt::format("the header '{}' cannot be sent", one_line(name) ? name : "");
    }
  }
  return {};
}

}  // namespace

Transfer::Transfer(const ClientOptions& options, AnswerBudget* budget)
    : options_(options), budget_(budget) {
  init_curl_once();
  easy_.reset(curl_easy_init());
}

Transfer::~Transfer() = default;

base::Result<void, ClientError> Transfer::begin(const ClientRequest& request) {
  if (easy_ == nullptr) return base::fail(ClientError::kConnect, "libcurl cannot start");
  if (auto bad = check(request); !bad.empty()) {
    return base::fail(ClientError::kBadRequest, std::move(bad));
  }
  request_ = &request;
  response_ = Response{};
  response_.status = 0;
  sendings_ = 0;
  forbidden_ = too_large_ = over_budget_ = false;
  error_text_[0] = '\0';
  if (!prepare()) return base::fail(ClientError::kBadRequest, "out of memory");
  host_listed_ = is_listed_host();
  return {};
}

base::Result<Response, ClientError> Transfer::end(CURLcode code) {
  // What the handle points to ends here; the kept connections stay.
  curl_easy_setopt(easy_.get(), CURLOPT_HTTPHEADER, nullptr);
  if (budget_ != nullptr) budget_->used -= response_.body.size();
  if (code != CURLE_OK) return failure(code);
  long status = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
  response_.status = static_cast<int>(status);
  return std::move(response_);
}

bool Transfer::prepare() {
  option_failed_ = false;
  curl_easy_reset(easy_.get());  // keeps connections and the DNS cache
  set(CURLOPT_URL, request_->url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_PROXY, "");  // whatever the environment says
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(request_->timeout.count()));
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options_.connect_timeout.count()));
  set(CURLOPT_TCP_NODELAY, 1L);
  set(CURLOPT_PATH_AS_IS, 1L);
  if (request_->decompress) set(CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
  set(CURLOPT_CUSTOMREQUEST, request_->method.c_str());
  prepare_callbacks();
  const bool sends_body = !request_->body.empty() || request_->method == "POST" ||
                          request_->method == "PUT" || request_->method == "PATCH";
  if (sends_body) {
    set(CURLOPT_POSTFIELDS, request_->body.data());
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_->body.size()));
  }
  if (request_->method == "HEAD") set(CURLOPT_NOBODY, 1L);
  return add_headers(sends_body) && !option_failed_;
}

void Transfer::prepare_callbacks() {
  set(CURLOPT_PRIVATE, static_cast<void*>(this));
  set(CURLOPT_ERRORBUFFER, error_text_.data());
  set(CURLOPT_OPENSOCKETFUNCTION, &Transfer::open_socket);
  set(CURLOPT_OPENSOCKETDATA, static_cast<void*>(this));
  set(CURLOPT_PREREQFUNCTION, &Transfer::before_sending);
  set(CURLOPT_PREREQDATA, static_cast<void*>(this));
  set(CURLOPT_HEADERFUNCTION, &Transfer::on_header);
  set(CURLOPT_HEADERDATA, static_cast<void*>(this));
  set(CURLOPT_WRITEFUNCTION, &Transfer::on_body);
  set(CURLOPT_WRITEDATA, static_cast<void*>(this));
}

bool Transfer::add_headers(bool sends_body) {
  headers_.reset();
  bool typed = false;
  for (const auto& [name, value] : request_->headers.items()) {
    if (equals_nocase(name, "Content-Length") || equals_nocase(name, "Expect")) continue;
    typed = typed || equals_nocase(name, "Content-Type");
    // libcurl takes "Name;" for a header with nothing in it.
    if (!append(value.empty() ? fmt::format("{};", name) : fmt::format("{}: {}", name, value))) {
      return false;
    }
  }
  // No waiting for "100 Continue", and no form type that nobody named.
  if (!append("Expect:")) return false;
  if (sends_body && !typed && !append("Content-Type:")) return false;
  set(CURLOPT_HTTPHEADER, headers_.get());
  return true;
}

bool Transfer::append(const std::string& line) {
  curl_slist* grown = curl_slist_append(headers_.get(), line.c_str());
  if (grown == nullptr) return false;
  curl_slist* const first = headers_.release();
  headers_.reset(grown);
  return first == nullptr || first == grown;  // the list grows at its end
}

bool Transfer::is_listed_host() const {
  if (!options_.egress.lists_hosts()) return false;
  const std::unique_ptr<CURLU, void (*)(CURLU*)> url(curl_url(), &curl_url_cleanup);
  if (url == nullptr ||
      curl_url_set(url.get(), CURLUPART_URL, request_->url.c_str(), 0) != CURLUE_OK)
    return false;
  char* host = nullptr;
  if (curl_url_get(url.get(), CURLUPART_HOST, &host, 0) != CURLUE_OK) return false;
  const bool listed = options_.egress.permits_host(host);
  curl_free(host);
  return listed;
}

base::Result<Response, ClientError> Transfer::failure(CURLcode code) const {
  const auto fail = [&](ClientError error, std::string_view why) {
    // The query stays out of logs: it may hold keys.
    const std::string_view url = std::string_view(request_->url).substr(0, request_->url.find('?'));
    return base::fail(error, fmt::format("{} {}: {}", request_->method, url, why));
  };
  const std::string_view why =
      error_text_[0] != '\0' ? error_text_.data() : curl_easy_strerror(code);
  if (too_large_) {
    return fail(ClientError::kTooLarge,
                fmt::format("the answer is larger than {} bytes", options_.response_bytes_max));
  }
  if (over_budget_) {
    return fail(ClientError::kBusy,
                fmt::format("answers under way hold more than {} bytes", budget_->max));
  }
  if (request_->once && sendings_ > 1) {
    return fail(ClientError::kBroken, "the kept connection was closed and it is not sent twice");
  }
  switch (code) {
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
      return fail(ClientError::kBadRequest, why);
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
      if (forbidden_) return fail(ClientError::kForbidden, "the address is not in egress.allow");
      return fail(ClientError::kConnect, why);
    case CURLE_OPERATION_TIMEDOUT:
      return fail(ClientError::kTimeout, why);
    default:
      return fail(ClientError::kBroken, why);
  }
}

curl_socket_t Transfer::open_socket(void* self, curlsocktype, curl_sockaddr* address) {
  auto& transfer = *static_cast<Transfer*>(self);
  if (!transfer.host_listed_ && !transfer.options_.egress.permits(address->addr)) {
    transfer.forbidden_ = true;
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

// libcurl tries again on a new connection when a kept one turns out to be closed.
int Transfer::before_sending(void* self, char*, char*, int, int) {
  auto& transfer = *static_cast<Transfer*>(self);
  ++transfer.sendings_;
  return transfer.request_->once && transfer.sendings_ > 1 ? CURL_PREREQFUNC_ABORT
                                                           : CURL_PREREQFUNC_OK;
}

std::size_t Transfer::on_header(const char* data, std::size_t size, std::size_t count, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  const std::string_view line(data, size * count);
  if (line.starts_with("HTTP/")) {
    transfer.response_.headers.clear();  // of a 100 Continue before
  } else if (const std::size_t colon = line.find(':'); colon != std::string_view::npos) {
    transfer.response_.headers.add(line.substr(0, colon), trim(line.substr(colon + 1)));
  }
  return size * count;
}

std::size_t Transfer::on_body(const char* data, std::size_t size, std::size_t count, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  const std::size_t bytes = size * count;
  if (transfer.response_.body.size() + bytes > transfer.options_.response_bytes_max) {
    transfer.too_large_ = true;
    return 0;
  }
  if (AnswerBudget* budget = transfer.budget_; budget != nullptr) {
    if (budget->used + bytes > budget->max) {
      transfer.over_budget_ = true;
      return 0;
    }
    budget->used += bytes;
  }
  transfer.response_.body.append(data, bytes);
  return bytes;
}

}  // namespace sluice::http
