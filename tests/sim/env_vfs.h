// SQLite over base::Env: meta.db lies on the simulation's disk and loses what was not synced in the
// same power cut as the journal. Product code opens its file as ever, with its own pragmas.
// Locks and shared memory are those of one connection a file. One thread.
#pragma once

#include "base/clock.h"
#include "base/env.h"

namespace sluice::sim {

// While it lives, files that SQLite opens are those of `env`; it must outlive them. The innermost
// one counts. The first one makes Env SQLite's default for the rest of the process.
class SqliteOnEnv {
 public:
  SqliteOnEnv(base::Env& env, const base::Clock& clock);
  ~SqliteOnEnv();
  SqliteOnEnv(const SqliteOnEnv&) = delete;
  SqliteOnEnv& operator=(const SqliteOnEnv&) = delete;

  base::Env& env;
  const base::Clock& clock;

 private:
  SqliteOnEnv* const outer_;
};

}  // namespace sluice::sim
