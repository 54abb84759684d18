#include "feed/feeder.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/clock.h"
#include "base/json_writer.h"
#include "base/uuid.h"

namespace sluice::feed {
namespace {

constexpr std::int64_t kBackOffFirstMs = 50;
constexpr std::int64_t kBackOffMaxMs = 2'000;
constexpr std::int64_t kCatchUpNs = 1'000'000'000;
constexpr std::size_t kQueuedPostsMax = 1'024;

std::string post_body(const std::string& stream, const std::string& row_json) {
  std::string body;
  base::JsonWriter json(body);
  json.begin_object().field("StreamName", std::string_view(stream)).key("Data").raw(row_json);
  json.field("PartitionKey", "ind").end_object();
  return body;
}

bool mentions(const std::string& body, std::string_view text) {
  return body.find(text) != std::string::npos;
}

}  // namespace

bool is_accepted(const Reply& reply) {
  return reply.status == 200 && mentions(reply.body, "\"SequenceNumber\"");
}

bool should_retry(const Reply& reply) {
  if (reply.status == 0 || reply.status == 429 || reply.status >= 500) return true;
  if (!mentions(reply.body, "\"__type\"")) return false;
  return mentions(reply.body, "ProvisionedThroughputExceededException") ||
         mentions(reply.body, "LimitExceededException") || mentions(reply.body, "InternalFailure");
}

// Which row comes next.
class Feeder::Picker {
 public:
  Picker(const FeedOptions& options, std::int64_t row_count)
      : random_(options.seed), repeat_share_(options.repeat_share), row_count_(row_count) {}

  std::int64_t next() {
    if (repeat_share_ < 0) return any(row_count_);
    const bool repeat =
        !sent_.empty() && static_cast<double>(random_.below(1'000'000)) < repeat_share_ * 1e6;
    if (repeat || static_cast<std::int64_t>(sent_.size()) == row_count_) {
      return sent_[static_cast<std::size_t>(any(static_cast<std::int64_t>(sent_.size())))];
    }
    if (fresh_.empty()) {
      for (std::int64_t row = 0; row < row_count_; ++row)
        fresh_.push_back(row);
    }
    const auto at = static_cast<std::size_t>(any(static_cast<std::int64_t>(fresh_.size())));
    std::swap(fresh_[at], fresh_.back());
    sent_.push_back(fresh_.back());
    fresh_.pop_back();
    return sent_.back();
  }

  std::int64_t human_wait_ms() { return any(2'000); }

 private:
  std::int64_t any(std::int64_t bound) {
    return static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(bound)));
  }

  base::SeededRandom random_;
  double repeat_share_;
  std::int64_t row_count_;
  std::vector<std::int64_t> fresh_, sent_;
};

Feeder::Feeder(FeedOptions options, RowReader& rows, MakeSender make_sender)
    : options_(std::move(options)),
      rows_(rows),
      make_sender_(std::move(make_sender)),
      queue_(kQueuedPostsMax) {}

FeedResult<void> Feeder::check() {
  if (options_.map.empty())
    return base::fail(FeedError::kInvalid, "no table is mapped to a stream");
  if (options_.connections < 1 || options_.connections > 256)
    return base::fail(FeedError::kInvalid, "connections must be 1 to 256");
  if (options_.repeat_share > 1)
    return base::fail(FeedError::kInvalid, "the repeat share must be 0 to 1");
  return {};
}

FeedResult<void> Feeder::run(const OnPost& on_post) {
  if (auto ok = check(); !ok) return ok;
  std::int64_t row_count = INT64_MAX;  // rows are joined by number: the shortest table decides
  for (const auto& [table, stream] : options_.map) {
    auto count = rows_.count(table);
    if (!count) return std::unexpected(count.error());
    row_count = std::min(row_count, *count);
  }
  if (row_count == 0) return base::fail(FeedError::kSource, "the source has no rows");

  std::vector<std::jthread> workers;
  for (int i = 0; i < options_.connections; ++i) {
    workers.emplace_back([this, sender = make_sender_(), &on_post] { work(sender, on_post); });
  }
  Picker picker(options_, row_count);
  next_post_ns_ = base::system_clock().monotonic_ns();
  for (std::int64_t picked = 0; options_.rows == 0 || picked < options_.rows; ++picked) {
    if (options_.pace == Pace::kHuman && !wait_ms(picker.human_wait_ms())) break;
    auto more = send_row(picker.next());
    if (!more) fail_once(more.error().code, more.error().message);
    if (!more || !*more) break;
    ++totals_.rows;
  }
  queue_.close();
  workers.clear();  // joins: what is queued is sent
  return outcome_;
}

// Queues the row's posts. False: enough, or stopped.
FeedResult<bool> Feeder::send_row(std::int64_t row) {
  for (std::size_t at = 0; at < options_.map.size(); ++at) {
    const auto& [table, stream] = options_.map[at];
    auto json = rows_.row_json(table, row);
    if (!json) return std::unexpected(json.error());
    Post post{.url = fmt::format("{}/streams/{}/record", options_.url, stream),
              .body = post_body(stream, *json),
              .invocation_id = base::random_uuid(),
              .table = at,
              .row = row};
    if (options_.rate > 0) {
      const std::int64_t now = base::system_clock().monotonic_ns();
      // A late wake-up is made up for, a pause of the API of more than a second is not.
      next_post_ns_ = std::max(next_post_ns_, now - kCatchUpNs) +
                      static_cast<std::int64_t>(1e9 / options_.rate);
      if (next_post_ns_ > now && !wait_ms((next_post_ns_ - now) / 1'000'000)) return false;
    }
    // A full queue leaves the post untouched.
    while (!queue_.try_push(std::move(post))) {  // NOLINT(bugprone-use-after-move)
      if (!wait_ms(1)) return false;
    }
    if (options_.posts > 0 && ++queued_ >= options_.posts) return false;
  }
  const std::lock_guard lock(mutex_);
  return !stopping_;
}

void Feeder::work(const Sender& send, const OnPost& on_post) {
  base::SeededRandom jitter(base::system_random().next());
  while (auto post = queue_.pop()) {
    const Reply reply = send_with_patience(send, *post, jitter);
    ++totals_.posts;
    ++(is_accepted(reply) ? totals_.accepted : totals_.refused);
    const std::lock_guard lock(report_mutex_);
    if (on_post) on_post(*post, reply);
  }
}

// Tries again while the API throttles or is away, waiting twice as long each time, with jitter.
Reply Feeder::send_with_patience(const Sender& send, const Post& post, base::Random& random) {
  std::int64_t wait = kBackOffFirstMs;
  std::int64_t waited = 0;
  for (;;) {
    Reply reply = send(post);
    if (!is_accepted(reply)) note_trouble(post, reply);
    if (!should_retry(reply)) return reply;
    if (waited >= options_.patience_ms) {
      fail_once(FeedError::kLost, fmt::format("{}: no good answer in {} s: {} {}", post.url,
                                              waited / 1000, reply.status, reply.body));
      return reply;
    }
    const auto pause =
        wait / 2 + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(wait)));
    if (!wait_ms(pause)) return reply;
    ++totals_.retries;
    waited += pause;
    wait = std::min(wait * 2, kBackOffMaxMs);
  }
}

bool Feeder::wait_ms(std::int64_t ms) {
  std::unique_lock lock(mutex_);
  return !wake_.wait_for(lock, std::chrono::milliseconds(ms), [this] { return stopping_; });
}

void Feeder::note_trouble(const Post& post, const Reply& reply) {
  const std::lock_guard lock(mutex_);
  if (!first_trouble_.empty()) return;
  first_trouble_ = reply.status == 0 ? fmt::format("{}: {}", post.url, reply.body)
                                     : fmt::format("{}: {} {}", post.url, reply.status, reply.body);
}

std::string Feeder::first_trouble() const {
  const std::lock_guard lock(mutex_);
  return first_trouble_;
}

void Feeder::fail_once(FeedError code, std::string message) {
  const std::lock_guard lock(mutex_);
  if (outcome_) outcome_ = base::fail(code, std::move(message));
  stopping_ = true;
  wake_.notify_all();
}

void Feeder::stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  wake_.notify_all();
}

}  // namespace sluice::feed
