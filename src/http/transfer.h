// One outgoing request on a libcurl handle: options in, response out. The part that Client
// (blocking) and AsyncClient (a thread for all) share; only their .cc files include this. A
// transfer stays where it is: libcurl keeps its address.
#pragma once

#include <curl/curl.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/client.h"

namespace sluice::http {

// Bytes of answers under way, of all transfers of one thread.
struct AnswerBudget {
  std::size_t used = 0;
  std::size_t max = 0;
};

class Transfer {
 public:
  // `options` (and `budget`, if given) outlive the transfer.
  explicit Transfer(const ClientOptions& options, AnswerBudget* budget = nullptr);
  ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  // `request` must live until end(). On failure there is nothing to perform.
  base::Result<void, ClientError> begin(const ClientRequest& request);
  // After libcurl has performed it.
  base::Result<Response, ClientError> end(CURLcode code);
  CURL* easy() const { return easy_.get(); }

 private:
  struct EasyDeleter {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
  };
  struct ListDeleter {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  };

  template <class T>
  void set(CURLoption option, T value) {
    if (curl_easy_setopt(easy_.get(), option, value) != CURLE_OK) option_failed_ = true;
  }
  bool prepare();
  void prepare_callbacks();
  bool add_headers(bool sends_body);
  bool append(const std::string& line);
  bool is_listed_host() const;
  base::Result<Response, ClientError> failure(CURLcode code) const;

  static curl_socket_t open_socket(void* self, curlsocktype purpose, curl_sockaddr* address);
  static int before_sending(void* self, char* peer, char* local, int peer_port, int local_port);
  static std::size_t on_header(const char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t on_body(const char* data, std::size_t size, std::size_t count, void* self);

  const ClientOptions& options_;
  AnswerBudget* const budget_;
  std::unique_ptr<CURL, EasyDeleter> easy_;
  std::unique_ptr<curl_slist, ListDeleter> headers_;
  std::array<char, CURL_ERROR_SIZE> error_text_{};
  const ClientRequest* request_ = nullptr;
  Response response_;
  int sendings_ = 0;
  bool host_listed_ = false;
  bool forbidden_ = false;
  bool too_large_ = false;
  bool over_budget_ = false;
  bool option_failed_ = false;
};

}  // namespace sluice::http
