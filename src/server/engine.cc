#include "server/engine.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <boost/json.hpp>
#include <mutex>
#include <utility>

#include "base/clock.h"
#include "base/env.h"
#include "base/json_writer.h"
#include "base/log.h"
#include "base/random.h"
#include "gateway/gateway.h"
#include "http/async_client.h"
#include "journal/journal_engine.h"
#include "kinesis/service.h"
#include "runtime/blocking_pool.h"
#include "server/admin.h"
#include "server/front.h"
#include "server/keys.h"
#include "server/pipeline_runs.h"
#include "server/upkeep.h"
#include "streams/engine.h"
#include "streams/journal_mark.h"

namespace sluice::server {
namespace {

constexpr base::Logger kLog{"server"};
constexpr std::chrono::minutes kReleaseEvery{1};

std::string lock_path(const std::string& data) {
  return base::join_path(data, "lock");
}
std::string note_path(const std::string& data) {
  return base::join_path(data, "server.json");
}

// The address that is listened on is a name of this server too.
std::vector<std::string> host_names(const Settings& settings) {
  std::vector<std::string> names = settings.http_hosts();
  const std::string& host = settings.host();
  names.push_back(host.find(':') == std::string::npos ? host : fmt::format("[{}]", host));
  return names;
}

// The failure of the journal, kept until somebody listens.
class Failure {
 public:
  void report(const std::string& why) {
    kLog.error("the journal stopped: {}", why);
    std::function<void()> callback;
    {
      const std::lock_guard lock(mutex_);
      failed_ = true;
      callback = callback_;
    }
    if (callback) callback();
  }
  void listen(std::function<void()> callback) {
    bool failed = false;
    {
      const std::lock_guard lock(mutex_);
      callback_ = callback;
      failed = failed_;
    }
    if (failed) callback();
  }

 private:
  std::mutex mutex_;
  std::function<void()> callback_;
  bool failed_ = false;
};

}  // namespace

// In the order of construction; destroyed from the bottom up.
struct Engine::Parts {
  explicit Parts(const Settings& from) : settings(from), data(from.data()) {}

  const Settings& settings;
  std::string data;
  base::MetricsRegistry metrics;
  Failure failure;
  std::unique_ptr<base::FileLock> lock;
  std::unique_ptr<journal::JournalEngine> journal;
  std::unique_ptr<streams::Engine> streams;
  std::unique_ptr<runtime::BlockingPool> blocking;
  std::unique_ptr<kinesis::Service> kinesis;
  std::unique_ptr<http::AsyncClient> outgoing;
  std::unique_ptr<gateway::Gateway> gateway;
  std::unique_ptr<PipelineRuns> pipelines;
  std::unique_ptr<Admin> admin;
  std::unique_ptr<Front> front;
  std::unique_ptr<Upkeep> upkeep;

  // Hands a task to the blocking pool; false: it is full.
  std::function<bool(std::function<void()>)> submit() {
    return [pool = blocking.get()](std::function<void()> task) {
      return pool->try_submit(runtime::Task(std::move(task)));
    };
  }
  std::expected<void, std::string> take_folder();
  std::expected<void, std::string> open_streams();
  void note_frames();
  std::expected<void, std::string> open_front(std::vector<aws::Profile> keys);
};

std::expected<void, std::string> Engine::Parts::take_folder() {
  base::Env& env = base::posix_env();
  if (auto made = env.make_dirs(data); !made) return std::unexpected(made.error().message);
  if (::chmod(data.c_str(), 0700) != 0)  // meta.db holds keys
    kLog.warn("{}: cannot be made private to its owner", data);
  auto held = env.lock(lock_path(data));
  if (!held && held.error().code == base::IoError::kLocked)
    return std::unexpected(fmt::format("{}: another process uses this data folder", data));
  if (!held) return std::unexpected(held.error().message);
  lock = std::move(*held);
  // A killed server left it; commands would take its endpoint for ours.
  if (auto gone = env.remove(note_path(data));
      !gone && gone.error().code != base::IoError::kNotFound)
    return std::unexpected(gone.error().message);
  if (auto synced = env.sync_dir(base::parent_path(data)); !synced)
    return std::unexpected(synced.error().message);
  return {};
}

std::expected<void, std::string> Engine::Parts::open_streams() {
  journal::JournalOptions options;
  options.env = &base::posix_env();
  options.clock = &base::system_clock();
  options.metrics = &metrics;
  options.folder = base::join_path(data, "journal");
  options.file_bytes = static_cast<std::uint64_t>(settings.journal_file_bytes());
  options.staging_bytes_max = static_cast<std::uint64_t>(settings.journal_staging_bytes());
  options.tokens_max = static_cast<std::size_t>(settings.retry_tokens());
  const std::string meta = base::join_path(data, "meta.db");
  auto mark = streams::read_journal_mark(meta);
  if (!mark) return std::unexpected(mark.error().message);
  options.frames_known = mark->frames;
  options.index_floor = mark->index_floor;
  options.on_failed = [this](const std::string& why) { failure.report(why); };
  auto opened = journal::open_journal(options);
  if (!opened) {
    const bool corrupt = opened.error().code == journal::JournalError::kCorrupt;
    return std::unexpected(fmt::format("{}: {}{}", options.folder, opened.error().message,
                                       corrupt ? "; `sluice repair` tells more" : ""));
  }
  journal = std::move(*opened);

  streams::EngineOptions streams_options;
  streams_options.transition_ms = settings.kinesis_transition().count();
  auto engine = streams::Engine::open(meta, *journal, base::system_clock(), base::system_random(),
                                      streams_options);
  if (!engine) return std::unexpected(engine.error().message);
  streams = std::move(*engine);
  note_frames();

  blocking = std::make_unique<runtime::BlockingPool>(
      "blocking", static_cast<std::size_t>(settings.blocking_threads()),
      static_cast<std::size_t>(settings.blocking_queue()));
  blocking->start();
  kinesis = std::make_unique<kinesis::Service>(*streams, metrics, submit(),
                                               settings.kinesis_shard_limits() == "aws");
  return {};
}

std::expected<void, std::string> Engine::Parts::open_front(std::vector<aws::Profile> keys) {
  auto egress = http::EgressPolicy::public_and(settings.egress_allow());
  if (!egress) return std::unexpected("egress.allow: " + egress.error().message);
  outgoing = std::make_unique<http::AsyncClient>(http::ClientOptions{.egress = *egress});
  outgoing->start();
  auto opened =
      gateway::Gateway::open(base::join_path(data, "meta.db"), {.invoker = *kinesis,
                                                                .clock = base::system_clock(),
                                                                .random = base::system_random(),
                                                                .metrics = metrics,
                                                                .blocking = submit(),
                                                                .outgoing = outgoing.get()});
  if (!opened) return std::unexpected(opened.error().message);
  gateway = std::move(*opened);
  pipelines = std::make_unique<PipelineRuns>(settings, *streams, data);
  admin = std::make_unique<Admin>(metrics, *pipelines);
  Front::Rooms rooms{.kinesis = *kinesis,
                     .gateway = *gateway,
                     .admin = *admin,
                     .guard = http::BrowserGuard(host_names(settings)),
                     .authenticator = {std::move(keys), base::system_clock()},
                     .default_api = settings.default_api(),
                     .cors_as_aws = settings.cors() == "aws"};
  front = std::make_unique<Front>(std::move(rooms), metrics);
  upkeep = std::make_unique<Upkeep>(kReleaseEvery, [this] {
    streams->release_expired();
    note_frames();
  });
  return pipelines->start_configured();
}

void Engine::Parts::note_frames() {
  if (auto ok = streams->note_frames(); !ok) kLog.warn("{}", ok.error().message);
}

Engine::Engine(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Engine::~Engine() {
  stop();
}

std::expected<std::unique_ptr<Engine>, std::string> Engine::open(const Settings& settings,
                                                                 Callers callers) {
  auto keys = load_keys(callers == Callers::kNetwork ? settings.keys_file() : "");
  if (!keys) return std::unexpected(keys.error());
  // The parts keep addresses of each other: made in place, never moved.
  std::unique_ptr<Parts> parts(new Parts(settings));
  if (auto ok = parts->take_folder(); !ok) return std::unexpected(ok.error());
  if (auto ok = parts->open_streams(); !ok) return std::unexpected(ok.error());
  if (auto ok = parts->open_front(std::move(*keys)); !ok) return std::unexpected(ok.error());
  return std::unique_ptr<Engine>(new Engine(std::move(parts)));
}

http::Handler& Engine::front() {
  return *parts_->front;
}
base::MetricsRegistry& Engine::metrics() {
  return parts_->metrics;
}
void Engine::on_failure(std::function<void()> callback) {
  parts_->failure.listen(std::move(callback));
}

std::expected<void, std::string> Engine::note_endpoint(const std::string& endpoint) {
  std::string text;
  base::JsonWriter(text).begin_object().field("endpoint", std::string_view(endpoint)).end_object();
  if (auto done = base::replace_file(base::posix_env(), note_path(parts_->data), text); !done)
    return std::unexpected(done.error().message);
  return {};
}

// Nothing is destroyed here: puts that still wait for the disk are answered by close(), through
// rooms that must be there.
void Engine::stop() {
  if (parts_->upkeep) parts_->upkeep->stop();
  if (parts_->pipelines) parts_->pipelines->stop();
  if (parts_->outgoing) parts_->outgoing->stop();
  if (parts_->blocking) parts_->blocking->stop();
  if (parts_->journal) parts_->journal->close();
  if (parts_->streams) parts_->note_frames();
  (void)base::posix_env().remove(note_path(parts_->data));  // absent when nobody listened
}

bool is_in_use(const std::string& data_folder) {
  base::Env& env = base::posix_env();
  return env.stat(lock_path(data_folder)) &&
         !env.lock(lock_path(data_folder));  // given back at once
}

std::optional<std::string> running_endpoint(const std::string& data_folder) {
  if (!is_in_use(data_folder)) return std::nullopt;
  base::Env& env = base::posix_env();
  auto note = base::read_file(env, note_path(data_folder), 4096);
  if (!note) return std::nullopt;
  boost::system::error_code error;
  const boost::json::value value = boost::json::parse(*note, error);
  if (error || !value.is_object()) return std::nullopt;
  const auto* endpoint = value.as_object().if_contains("endpoint");
  if (endpoint == nullptr || !endpoint->is_string()) return std::nullopt;
  return std::string(endpoint->get_string());
}

}  // namespace sluice::server
