#include "server/settings.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <vector>

namespace sluice::server {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t operator""_KiB(unsigned long long n) {
  return static_cast<std::int64_t>(n << 10);
}
constexpr std::int64_t operator""_MiB(unsigned long long n) {
  return static_cast<std::int64_t>(n << 20);
}
constexpr std::int64_t operator""_GiB(unsigned long long n) {
  return static_cast<std::int64_t>(n << 30);
}

// Variables of this name space that are no settings: read by the command line and the tests.
constexpr std::array<std::string_view, 3> kOtherVariables = {"SLUICE_ENDPOINT", "SLUICE_VECTORS",
                                                             "SLUICE_SEEDS"};

constexpr http::ServerLimits kHttp;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool is_loopback(std::string_view host) {
  return host == "127.0.0.1" || host == "::1" || host == "localhost";
}

// Known before any file is read: the folder may hold the file.
std::string data_folder(const std::map<std::string, std::string>& flags) {
  if (const auto given = flags.find("data"); given != flags.end()) return given->second;
  const std::string set = environment("SLUICE_DATA");
  return set.empty() ? default_data_folder() : set;
}

}  // namespace

std::string default_data_folder() {
  if (const std::string xdg = environment("XDG_DATA_HOME"); !xdg.empty()) return xdg + "/sluice";
  const std::string home = environment("HOME");
  return (home.empty() ? "." : home) + "/.local/share/sluice";
}

Settings::Settings()
    : data(config_.text({.name = "data", .help = "Folder of the journal, metadata and tables"},
                        default_data_folder())),
      host(config_.text({.name = "host",
                         .help = "Address to listen on; beyond loopback see insecure_remote_http"},
                        "127.0.0.1")),
      port(config_.integer({.name = "port", .help = "Port of all endpoints; 0 takes a free one"},
                           4566, 0, 65535)),
      keys_file(config_.text({.name = "keys_file",
                              .help = "Access keys in the format of AWS' credentials file, mode "
                                      "0600: then every call of AWS must be signed by one"},
                             "")),
      insecure_remote_http(config_.boolean(
          {.name = "insecure_remote_http",
           .help = "Listen beyond loopback though there is no TLS: who is on the way reads all"},
          false)),
      cors(config_.choice(
          {.name = "cors",
           .help = "aws: Kinesis answers the calls of any web page, as AWS does; off: of none"},
          "off", {"off", "aws"})),
      default_api(config_.text(
          {.name = "default_api",
           .help = "API whose stages may stand first in a path: /Prod/streams/x; empty: none"},
          "")),
      log_level(config_.choice({.name = "log.level", .help = "How much is told on standard error"},
                               "info", {"debug", "info", "warn", "error", "off"})),
      loops(config_.integer({.name = "loops", .help = "Event loops; 0: one a core"}, 0, 0, 256)),
      stop_timeout(config_.duration(
          {.name = "stop_timeout", .help = "How long a stop waits for requests in flight"}, 10s,
          0ms, 10min)),
      http_hosts(
          config_.list({.name = "http.hosts",
                        .help = "Further Host names this server goes by; *.name for all below it"},
                       {})),
      egress_allow(config_.list(
          {.name = "egress.allow",
           .help = "Addresses, ranges (10.0.0.0/8) and hosts that HTTP integrations may reach "
                   "though they are not public"},
          {})),
      http_target_bytes(
          config_.bytes({.name = "http.target_bytes", .help = "Longest path and query; 414 beyond"},
                        static_cast<std::int64_t>(kHttp.parser.target_bytes), 256, 1_MiB)),
      http_header_bytes(config_.bytes(
          {.name = "http.header_bytes", .help = "Request line and headers together; 431 beyond"},
          static_cast<std::int64_t>(kHttp.parser.header_bytes), 1_KiB, 1_MiB)),
      http_headers(
          config_.integer({.name = "http.headers", .help = "Headers of a request; 431 beyond"},
                          static_cast<std::int64_t>(kHttp.parser.headers), 8, 10'000)),
      http_body_bytes(config_.bytes(
          {.name = "http.body_bytes", .help = "Largest body of a request; 413 beyond"},
          static_cast<std::int64_t>(kHttp.parser.body_bytes), 1_KiB, 1_GiB)),
      http_inflight_body_bytes(
          config_.bytes({.name = "http.inflight_body_bytes",
                         .help = "Bodies received or being handled, all together; 503 beyond"},
                        static_cast<std::int64_t>(kHttp.inflight_body_bytes), 1_MiB, 1024_GiB)),
      http_connections(
          config_.integer({.name = "http.connections", .help = "Open connections; 503 beyond"},
                          static_cast<std::int64_t>(kHttp.connections), 1, 1'000'000)),
      http_pipelined(
          config_.integer({.name = "http.pipelined",
                           .help = "Requests of one connection in flight; then it is not read"},
                          static_cast<std::int64_t>(kHttp.pipelined), 1, 10'000)),
      http_output_bytes(
          config_.bytes({.name = "http.output_bytes",
                         .help = "Unsent output of one connection; then it is not read"},
                        static_cast<std::int64_t>(kHttp.output_bytes), 64_KiB, 1_GiB)),
      http_idle_timeout(config_.duration(
          {.name = "http.idle_timeout", .help = "Between requests; then the connection is closed"},
          kHttp.idle_timeout, 100ms, 24h)),
      http_header_timeout(
          config_.duration({.name = "http.header_timeout",
                            .help = "From a request's first byte to its last header; 408"},
                           kHttp.header_timeout, 100ms, 1h)),
      http_body_timeout(config_.duration(
          {.name = "http.body_timeout", .help = "From the last header to the end of the body; 408"},
          kHttp.body_timeout, 100ms, 24h)),
      http_write_timeout(config_.duration(
          {.name = "http.write_timeout", .help = "Output waits and the client takes nothing"},
          kHttp.write_timeout, 100ms, 24h)),
      http_linger_timeout(config_.duration(
          {.name = "http.linger_timeout", .help = "Reading on after a refusal, so that it arrives"},
          kHttp.linger_timeout, 10ms, 1min)),
      blocking_threads(config_.integer(
          {.name = "blocking.threads", .help = "Threads for calls that block (metadata)"}, 4, 1,
          64)),
      blocking_queue(config_.integer(
          {.name = "blocking.queue", .help = "Calls that may wait for such a thread; 503 beyond"},
          1'024, 1, 1'000'000)),
      journal_file_bytes(config_.bytes(
          {.name = "journal.file_bytes", .help = "Size of a journal file"}, 256_MiB, 1_MiB, 4_GiB)),
      journal_staging_bytes(
          config_.bytes({.name = "journal.staging_bytes",
                         .help = "Puts that wait for the disk; beyond, they are throttled"},
                        64_MiB, 1_MiB, 4_GiB)),
      retry_tokens(config_.integer(
          {.name = "retry.tokens",
           .help = "Runs of puts remembered for 10 minutes, so that a retry gets the first answer; "
                   "at most 170 bytes each"},
          2'000'000, 0, 100'000'000)),
      kinesis_transition(config_.duration(
          {.name = "kinesis.transition",
           .help =
               "How long CREATING, UPDATING and DELETING are shown: clients wait for their end; "
               "what they name is done at once"},
          500ms, 0ms, 10min)),
      kinesis_shard_limits(config_.choice(
          {.name = "kinesis.shard_limits",
           .help =
               "aws: a shard takes 1 MiB and 1,000 records a second and gives 2 MiB in 5 calls, "
               "as at AWS; off: what the machine can"},
          "off", {"off", "aws"})),
      pipelines_projects(config_.list({.name = "pipelines.projects",
                                       .help = "Folders of pipeline projects that the server runs"},
                                      {})),
      pipelines_trigger(config_.duration(
          {.name = "pipelines.trigger", .help = "Least time between two batches of a flow"}, 1s,
          100ms, 24h)),
      pipelines_threads(config_.integer(
          {.name = "pipelines.threads", .help = "Threads of the pipelines; 0: one a core"}, 0, 0,
          256)),
      pipelines_batch_records(
          config_.integer({.name = "pipelines.batch_records", .help = "Most records of a batch"},
                          1'000'000, 1, 100'000'000)),
      pipelines_batch_bytes(
          config_.bytes({.name = "pipelines.batch_bytes", .help = "Most bytes of a batch"}, 256_MiB,
                        1_MiB, 16_GiB)),
      state_memory(config_.bytes(
          {.name = "state.memory", .help = "Memory of the state of one flow (DISTINCT)"}, 460_MiB,
          1_MiB, 1024_GiB)),
      duckdb_memory(config_.bytes(
          {.name = "duckdb.memory", .help = "DuckDB's memory_limit of one run; 0: 1 GiB"}, 0, 0,
          1024_GiB)) {}

base::ConfigStatus Settings::load(const std::string& config_file,
                                  const std::map<std::string, std::string>& flags) {
  if (!config_file.empty()) {
    if (auto done = config_.load_file(config_file); !done) return done;
  } else if (const std::string path = data_folder(flags) + "/sluice.toml";
             std::filesystem::exists(path)) {
    if (auto done = config_.load_file(path); !done) return done;
  }
  if (auto done = config_.load_environment(kOtherVariables); !done) return done;
  for (const auto& [name, value] : flags) {
    if (auto done = config_.set_flag(name, value); !done) return done;
  }
  if (is_loopback(host())) return {};
  const auto refuse = [this](std::string_view why) {
    return base::fail(base::ConfigError::kBadValue,
                      fmt::format("{}: host = {}: {}", host.entry().origin, host(), why));
  };
  if (!insecure_remote_http())
    return refuse(
        "beyond loopback (127.0.0.1, ::1, localhost) there is no TLS yet: whoever is on the way "
        "could read and change all. If that is as it should be, set insecure_remote_http = true");
  if (keys_file().empty()) return refuse("beyond loopback keys_file must be set");
  return {};
}

http::ServerLimits Settings::http_limits() const {
  http::ServerLimits limits;
  limits.parser.target_bytes = static_cast<std::size_t>(http_target_bytes());
  limits.parser.header_bytes = static_cast<std::size_t>(http_header_bytes());
  limits.parser.headers = static_cast<std::size_t>(http_headers());
  limits.parser.body_bytes = static_cast<std::uint64_t>(http_body_bytes());
  limits.inflight_body_bytes = static_cast<std::uint64_t>(http_inflight_body_bytes());
  limits.connections = static_cast<std::size_t>(http_connections());
  limits.pipelined = static_cast<std::size_t>(http_pipelined());
  limits.output_bytes = static_cast<std::size_t>(http_output_bytes());
  limits.idle_timeout = http_idle_timeout();
  limits.header_timeout = http_header_timeout();
  limits.body_timeout = http_body_timeout();
  limits.write_timeout = http_write_timeout();
  limits.linger_timeout = http_linger_timeout();
  return limits;
}

base::LogLevel Settings::log_level_value() const {
  if (log_level() == "debug") return base::LogLevel::kDebug;
  if (log_level() == "warn") return base::LogLevel::kWarn;
  if (log_level() == "error") return base::LogLevel::kError;
  if (log_level() == "off") return base::LogLevel::kOff;
  return base::LogLevel::kInfo;
}

}  // namespace sluice::server
