// The emulator of user posts: picks rows of a database and PUTs each row of each table to the API,
// as the team's script does, but as fast as asked for. Rows are picked on the thread that calls
// run(); the posts go out on `connections` threads.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/bounded_queue.h"
#include "base/random.h"
#include "feed/row_reader.h"

namespace sluice::feed {

struct TableStream {
  std::string table;
  std::string stream;
};

enum class Pace {
  kFull,   // as fast as the API answers, or `rate`
  kHuman,  // a random wait of 0 to 2 seconds before each row, as the team's script
};

struct FeedOptions {
  std::string url;  // invoke URL with the stage: http://127.0.0.1:4566/Prod
  std::vector<TableStream>
      map;          // which table's rows go to which stream; one post each for a picked row
  double rate = 0;  // posts a second at most; 0: no limit
  std::uint64_t seed = 0;
  std::int64_t rows = 0;   // rows to pick; 0: until stopped
  std::int64_t posts = 0;  // posts to make at most; 0: no limit
  // Share of the picked rows that were sent before, 0 to 1. Below 0: each pick is any row, as the
  // team's script does.
  double repeat_share = -1;
  Pace pace = Pace::kFull;
  int connections = 4;  // 1 to 256
  // How long a post is tried again while the API throttles or is away.
  std::int64_t patience_ms = 60'000;
};

struct Post {
  std::string url;  // of the PUT
  std::string body;
  // The same for every attempt: with it the gateway stores a repeated attempt once.
  std::string invocation_id;
  std::size_t table = 0;  // position in FeedOptions::map
  std::int64_t row = 0;
};

// What came back; status 0: no answer (the connection failed), `body` says why.
struct Reply {
  int status = 0;
  std::string body;
};

struct FeedTotals {
  std::atomic<std::int64_t> rows{0};      // picked
  std::atomic<std::int64_t> posts{0};     // answered for good, accepted or refused
  std::atomic<std::int64_t> accepted{0};  // with a sequence number
  std::atomic<std::int64_t> refused{0};   // an answer that no retry mends
  std::atomic<std::int64_t> retries{0};   // throttled, or no answer: sent again
};

class Feeder {
 public:
  // Sends one post; called on one thread at a time. One is made for each connection.
  using Sender = std::function<Reply(const Post&)>;
  using MakeSender = std::function<Sender()>;
  // Called after each final answer, one call at a time.
  using OnPost = std::function<void(const Post&, const Reply&)>;

  Feeder(FeedOptions options, RowReader& rows, MakeSender make_sender);
  // Until the rows asked for are sent, or stop(). An error of the source or an answer that never
  // came ends it.
  FeedResult<void> run(const OnPost& on_post);
  // From any thread, or a signal's handler thread: what is on its way is finished, nothing new
  // begins.
  void stop();
  const FeedTotals& totals() const { return totals_; }
  // The first answer that made a post wait, and the first that refused one; empty: none so far.
  std::string first_trouble() const;

 private:
  class Picker;
  FeedResult<void> check();
  FeedResult<bool> send_row(std::int64_t row);
  void work(const Sender& send, const OnPost& on_post);
  Reply send_with_patience(const Sender& send, const Post& post, base::Random& random);
  // False: stopped meanwhile.
  bool wait_ms(std::int64_t ms);
  void note_trouble(const Post& post, const Reply& reply);
  void fail_once(FeedError code, std::string message);

  FeedOptions options_;
  RowReader& rows_;
  MakeSender make_sender_;
  FeedTotals totals_;

  base::BoundedQueue<Post> queue_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  FeedResult<void> outcome_;
  std::string first_trouble_;
  std::mutex report_mutex_;        // one on_post at a time
  std::int64_t next_post_ns_ = 0;  // pace of `rate`
  std::int64_t queued_ = 0;        // posts so far
};

// True: Kinesis or the gateway asks to come back later. The API passes Kinesis' errors on as 200
// with `__type`.
bool should_retry(const Reply& reply);
bool is_accepted(const Reply& reply);

}  // namespace sluice::feed
