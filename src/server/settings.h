// Every setting of `sluice serve`, declared once: flags, environment, file and the reference page
// come from here. Read while the server is put together; after load() nothing changes.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/config.h"
#include "base/log.h"
#include "http/limits.h"

namespace sluice::server {

class Settings {
 public:
  Settings();
  Settings(const Settings&) = delete;
  Settings& operator=(const Settings&) = delete;

  // File (the one given, else sluice.toml of the data folder where it is there), then environment,
  // then flags; and what several settings must mean together. `flags`: name of the setting → text.
  base::ConfigStatus load(const std::string& config_file,
                          const std::map<std::string, std::string>& flags);

  base::Config& config() { return config_; }
  const base::Config& config() const { return config_; }

  http::ServerLimits http_limits() const;
  base::LogLevel log_level_value() const;

 private:
  base::Config config_;

 public:
  base::Setting<std::string> data;
  base::Setting<std::string> host;
  base::Setting<std::int64_t> port;
  base::Setting<std::string> keys_file;
  base::Setting<bool> insecure_remote_http;
  base::Setting<std::string> cors;
  base::Setting<std::string> default_api;
  base::Setting<std::string> log_level;
  base::Setting<std::int64_t> loops;
  base::Setting<std::chrono::milliseconds> stop_timeout;

  base::Setting<std::vector<std::string>> http_hosts;
  base::Setting<std::vector<std::string>> egress_allow;
  base::Setting<std::int64_t> http_target_bytes;
  base::Setting<std::int64_t> http_header_bytes;
  base::Setting<std::int64_t> http_headers;
  base::Setting<std::int64_t> http_body_bytes;
  base::Setting<std::int64_t> http_inflight_body_bytes;
  base::Setting<std::int64_t> http_connections;
  base::Setting<std::int64_t> http_pipelined;
  base::Setting<std::int64_t> http_output_bytes;
  base::Setting<std::chrono::milliseconds> http_idle_timeout;
  base::Setting<std::chrono::milliseconds> http_header_timeout;
  base::Setting<std::chrono::milliseconds> http_body_timeout;
  base::Setting<std::chrono::milliseconds> http_write_timeout;
  base::Setting<std::chrono::milliseconds> http_linger_timeout;

  base::Setting<std::int64_t> blocking_threads;
  base::Setting<std::int64_t> blocking_queue;

  base::Setting<std::int64_t> journal_file_bytes;
  base::Setting<std::int64_t> journal_staging_bytes;
  base::Setting<std::int64_t> retry_tokens;

  base::Setting<std::chrono::milliseconds> kinesis_transition;
  base::Setting<std::string> kinesis_shard_limits;

  base::Setting<std::vector<std::string>> pipelines_projects;
  base::Setting<std::chrono::milliseconds> pipelines_trigger;
  base::Setting<std::int64_t> pipelines_threads;
  base::Setting<std::int64_t> pipelines_batch_records;
  base::Setting<std::int64_t> pipelines_batch_bytes;
  base::Setting<std::int64_t> state_memory;
  base::Setting<std::int64_t> duckdb_memory;
};

// ~/.local/share/sluice, or below XDG_DATA_HOME.
std::string default_data_folder();

}  // namespace sluice::server
