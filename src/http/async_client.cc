#include "http/async_client.h"

#include <curl/curl.h>
#include <pthread.h>

#include <atomic>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "http/transfer.h"

namespace sluice::http {

class AsyncClient::Impl {
 public:
  Impl(ClientOptions options, AsyncClientLimits limits)
      : options_(std::move(options)), limits_(limits), budget_{0, limits.answers_bytes_max} {}
  ~Impl() { stop(); }

  void start();
  void stop();
  void fetch(ClientRequest request, Done done);

 private:
  struct Job {
    ClientRequest request;
    Done done;
  };
  struct Running {
    Job job;
    std::unique_ptr<Transfer> transfer;
  };
  struct MultiDeleter {
    void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
  };

  void run();
  void take_up(Job job);
  void complete(CURL* easy, CURLcode code);
  void finish(Done done, base::Result<Response, ClientError> result);
  bool take_mailbox(std::vector<Job>& out);

  const ClientOptions options_;
  const AsyncClientLimits limits_;
  std::atomic<std::size_t> under_way_{0};
  std::thread thread_;

  std::mutex mutex_;
  std::vector<Job> mailbox_;  // guarded by mutex_
  bool open_ = false;         // guarded by mutex_

  // The thread's own, once it runs.
  AnswerBudget budget_;
  std::vector<std::unique_ptr<Transfer>> idle_;
  std::unordered_map<CURL*, Running> running_;
  std::unique_ptr<CURLM, MultiDeleter> multi_;
};

void AsyncClient::Impl::start() {
  // Made by a transfer's constructor, which readies libcurl for the process first.
  idle_.push_back(std::make_unique<Transfer>(options_, &budget_));
  multi_.reset(curl_multi_init());
  if (multi_ == nullptr) return;  // every request is refused
  curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS,
                    static_cast<long>(limits_.idle_connections_max));
  const std::lock_guard lock(mutex_);
  open_ = true;
  thread_ = std::thread([this] { run(); });
}

void AsyncClient::Impl::stop() {
  {
    const std::lock_guard lock(mutex_);
    open_ = false;
  }
  if (!thread_.joinable()) return;
  curl_multi_wakeup(multi_.get());
  thread_.join();
}

void AsyncClient::Impl::fetch(ClientRequest request, Done done) {
  const char* refusal = "the client is stopped";
  {
    const std::lock_guard lock(mutex_);
    if (open_) {
      if (under_way_.fetch_add(1) < limits_.requests_max) {
        mailbox_.push_back({std::move(request), std::move(done)});
        curl_multi_wakeup(multi_.get());
        return;
      }
      under_way_.fetch_sub(1);
      refusal = "too many requests are under way";
    }
  }
  done(base::fail(ClientError::kBusy, request.method + " " + request.url + ": " + refusal));
}

bool AsyncClient::Impl::take_mailbox(std::vector<Job>& out) {
  const std::lock_guard lock(mutex_);
  out.swap(mailbox_);
  return open_;
}

void AsyncClient::Impl::run() {
  pthread_setname_np(pthread_self(), "outgoing");
  std::vector<Job> jobs;
  for (;;) {
    const bool open = take_mailbox(jobs);
    for (Job& job : jobs)
      take_up(std::move(job));
    jobs.clear();
    if (!open) break;
    int active = 0;
    curl_multi_perform(multi_.get(), &active);
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
      if (message->msg == CURLMSG_DONE) complete(message->easy_handle, message->data.result);
    }
    curl_multi_poll(multi_.get(), nullptr, 0, 60'000, nullptr);
  }
  while (!running_.empty())
    complete(running_.begin()->first, CURLE_ABORTED_BY_CALLBACK);
}

void AsyncClient::Impl::take_up(Job job) {
  Running started{std::move(job), nullptr};
  if (idle_.empty()) {
    started.transfer = std::make_unique<Transfer>(options_, &budget_);
  } else {
    started.transfer = std::move(idle_.back());
    idle_.pop_back();
  }
  CURL* const easy = started.transfer->easy();
  // The request is pointed to: begun only where it stays.
  Running& r = running_.insert_or_assign(easy, std::move(started)).first->second;
  auto begun = r.transfer->begin(r.job.request);
  if (begun && curl_multi_add_handle(multi_.get(), easy) != CURLM_OK)
    begun = base::fail(ClientError::kConnect, "out of memory");
  if (begun) return;
  Done done = std::move(r.job.done);
  running_.erase(easy);
  finish(std::move(done), std::unexpected(begun.error()));
}

void AsyncClient::Impl::complete(CURL* easy, CURLcode code) {
  curl_multi_remove_handle(multi_.get(), easy);
  auto node = running_.extract(easy);
  Running& r = node.mapped();
  auto result = r.transfer->end(code);
  if (idle_.size() < limits_.idle_connections_max) idle_.push_back(std::move(r.transfer));
  finish(std::move(r.job.done), std::move(result));
}

void AsyncClient::Impl::finish(Done done, base::Result<Response, ClientError> result) {
  under_way_.fetch_sub(1);
  done(std::move(result));
}

AsyncClient::AsyncClient(ClientOptions options, AsyncClientLimits limits)
    : impl_(std::make_unique<Impl>(std::move(options), limits)) {}

AsyncClient::~AsyncClient() = default;

void AsyncClient::start() {
  impl_->start();
}

void AsyncClient::stop() {
  impl_->stop();
}

void AsyncClient::fetch(ClientRequest request, Done done) {
  impl_->fetch(std::move(request), std::move(done));
}

}  // namespace sluice::http
