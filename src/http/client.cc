#include "http/client.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <string_view>
#include <utility>

namespace sluice::http {

namespace {

struct EasyDeleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

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

}  // namespace

class Client::Impl {
 public:
  explicit Impl(ClientOptions options) : options_(std::move(options)) {
    init_curl_once();
    easy_.reset(curl_easy_init());
  }

  base::Result<Response, ClientError> fetch(const ClientRequest& request) {
    if (easy_ == nullptr) return base::fail(ClientError::kConnect, "libcurl cannot start");
    if (auto bad = check(request); !bad.empty()) {
      return base::fail(ClientError::kBadRequest, std::move(bad));
    }
    response_ = Response{};
    response_.status = 0;
    forbidden_ = too_large_ = false;
    error_text_[0] = '\0';
    if (!prepare(request)) return base::fail(ClientError::kBadRequest, "out of memory");
    const CURLcode code = curl_easy_perform(easy_.get());
    // What the handle points to ends here; the kept connections stay.
    curl_easy_setopt(easy_.get(), CURLOPT_HTTPHEADER, nullptr);
    if (code != CURLE_OK) return failure(code, request);
    long status = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
    response_.status = static_cast<int>(status);
    return std::move(response_);
  }

 private:
  static std::string check(const ClientRequest& request) {
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

  template <class T>
  void set(CURLoption option, T value) {
    if (curl_easy_setopt(easy_.get(), option, value) != CURLE_OK) option_failed_ = true;
  }

  bool prepare(const ClientRequest& request) {
    option_failed_ = false;
    curl_easy_reset(easy_.get());  // keeps connections and the DNS cache
    set(CURLOPT_URL, request.url.c_str());
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_PROXY, "");  // whatever the environment says
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options_.connect_timeout.count()));
    set(CURLOPT_TCP_NODELAY, 1L);
    set(CURLOPT_PATH_AS_IS, 1L);
    set(CURLOPT_ERRORBUFFER, error_text_.data());
    set(CURLOPT_OPENSOCKETFUNCTION, &Impl::open_socket);
    set(CURLOPT_OPENSOCKETDATA, static_cast<void*>(this));
    set(CURLOPT_HEADERFUNCTION, &Impl::on_header);
    set(CURLOPT_HEADERDATA, static_cast<void*>(this));
    set(CURLOPT_WRITEFUNCTION, &Impl::on_body);
    set(CURLOPT_WRITEDATA, static_cast<void*>(this));
    set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    const bool sends_body = !request.body.empty() || request.method == "POST" ||
                            request.method == "PUT" || request.method == "PATCH";
    if (sends_body) {
      set(CURLOPT_POSTFIELDS, request.body.data());
      set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    }
    if (request.method == "HEAD") set(CURLOPT_NOBODY, 1L);
    return add_headers(request, sends_body) && !option_failed_;
  }

  bool add_headers(const ClientRequest& request, bool sends_body) {
    headers_.reset();
    bool typed = false;
    for (const auto& [name, value] : request.headers.items()) {
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

  bool append(const std::string& line) {
    curl_slist* grown = curl_slist_append(headers_.get(), line.c_str());
    if (grown == nullptr) return false;
    curl_slist* const first = headers_.release();
    headers_.reset(grown);
    return first == nullptr || first == grown;  // the list grows at its end
  }

  std::unexpected<base::Failure<ClientError>> failure(CURLcode code, const ClientRequest& request) {
    const std::string why =
        fmt::format("{} {}: {}", request.method, request.url,
                    error_text_[0] != '\0' ? error_text_.data() : curl_easy_strerror(code));
    if (too_large_) {
      return base::fail(ClientError::kTooLarge,
                        fmt::format("{} {}: the answer is larger than {} bytes", request.method,
                                    request.url, options_.response_bytes_max));
    }
    switch (code) {
      case CURLE_UNSUPPORTED_PROTOCOL:
      case CURLE_URL_MALFORMAT:
        return base::fail(ClientError::kBadRequest, why);
      case CURLE_COULDNT_CONNECT:
      case CURLE_COULDNT_RESOLVE_HOST:
      case CURLE_SSL_CONNECT_ERROR:
      case CURLE_PEER_FAILED_VERIFICATION:
        if (forbidden_) {
          return base::fail(ClientError::kForbidden,
                            fmt::format("{} {}: the address is not in egress.allow", request.method,
                                        request.url));
        }
        return base::fail(ClientError::kConnect, why);
      case CURLE_OPERATION_TIMEDOUT:
        return base::fail(ClientError::kTimeout, why);
      default:
        return base::fail(ClientError::kBroken, why);
    }
  }

  static curl_socket_t open_socket(void* self, curlsocktype, curl_sockaddr* address) {
    auto& impl = *static_cast<Impl*>(self);
    if (!impl.options_.egress.permits(address->addr)) {
      impl.forbidden_ = true;
      return CURL_SOCKET_BAD;
    }
    return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  }

  static std::size_t on_header(const char* data, std::size_t size, std::size_t count, void* self) {
    auto& impl = *static_cast<Impl*>(self);
    const std::string_view line(data, size * count);
    if (line.starts_with("HTTP/")) {
      impl.response_.headers.clear();  // of a 100 Continue before
    } else if (const std::size_t colon = line.find(':'); colon != std::string_view::npos) {
      impl.response_.headers.add(line.substr(0, colon), trim(line.substr(colon + 1)));
    }
    return size * count;
  }

  static std::size_t on_body(const char* data, std::size_t size, std::size_t count, void* self) {
    auto& impl = *static_cast<Impl*>(self);
    const std::size_t bytes = size * count;
    if (impl.response_.body.size() + bytes > impl.options_.response_bytes_max) {
      impl.too_large_ = true;
      return 0;
    }
    impl.response_.body.append(data, bytes);
    return bytes;
  }

  const ClientOptions options_;
  std::unique_ptr<CURL, EasyDeleter> easy_;
  std::unique_ptr<curl_slist, ListDeleter> headers_;
  std::array<char, CURL_ERROR_SIZE> error_text_{};
  Response response_;
  bool forbidden_ = false;
  bool too_large_ = false;
  bool option_failed_ = false;
};

Client::Client(ClientOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}

Client::~Client() = default;

base::Result<Response, ClientError> Client::fetch(const ClientRequest& request) {
  return impl_->fetch(request);
}

}  // namespace sluice::http
