// The composition root: everything behind the port, over one data folder, made in order and taken
// down in the opposite one. Also without a port: commands open it in process when no server runs.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/metrics.h"
#include "http/http.h"
#include "server/settings.h"

namespace sluice::server {

// Who will ask.
enum class Callers {
  kNetwork,  // whoever reaches the port: with keys_file set, its calls must be signed
  kOwner,    // this process itself, which holds the folder
};

class Engine {
 public:
  // Takes the folder's lock, recovers the journal, opens all rooms, starts the pipelines that the
  // settings name. `settings` outlives the engine. The error is for people and names the folder.
  static std::expected<std::unique_ptr<Engine>, std::string> open(const Settings& settings,
                                                                  Callers callers);
  ~Engine();

  http::Handler& front();
  base::MetricsRegistry& metrics();
  // Called once, from any thread, when the journal can write no more: the process should end.
  void on_failure(std::function<void()> callback);
  // Leaves a note in the folder for commands that look for its server.
  std::expected<void, std::string> note_endpoint(const std::string& endpoint);
  // Ends pipelines and background work; then nothing may call front() any more. Idempotent.
  void stop();

 private:
  struct Parts;
  explicit Engine(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

// Some process holds the folder, be it a server or a command.
bool is_in_use(const std::string& data_folder);
// The endpoint of the server that holds the data folder now; nullopt: no server.
std::optional<std::string> running_endpoint(const std::string& data_folder);

}  // namespace sluice::server
