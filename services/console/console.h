// The service `console`: the read model, the API, the stream and identity, put together. Reads the log, writes
// `commands`, `users` and what people did to accounts into `ledger`.
//
// Lifecycle: create (binds its address, so that a taken one is known at once), run (blocks), destroy. What it is given
// outlives it. Threads: run() makes one that follows the log and those of the web server; unready() from any.
#pragma once

#include <prometheus/registry.h>

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "console/api.h"
#include "console/commands.h"
#include "console/model.h"
#include "platform/web_server.h"
#include "qingchuan/v1/config.pb.h"
#include "stream/log.h"

namespace qc::console {

struct ConsoleOptions {
  ::qingchuan::v1::Console settings;  // defaults applied, paths absolute
  std::string version;                // of the binary
  std::size_t poll_records_max = 4'096;
  bool make_first_admin = true;  // where there is no account; somebody must be there to read its password
};

// What only the composition root knows.
struct ConsoleParts {
  RulesOf rules;
  WordsOf words;
  std::string rules_hash;  // in force at the start
  CommandRecord command;
  ReportOf report;
};

class Console {
 public:
  // Errors: port_in_use, usage, file_unreadable; topic_unknown where the log has not been set up.
  static Result<std::unique_ptr<Console>> create(stream::Log& log, ConsoleParts parts, ConsoleOptions options,
                                                 prometheus::Registry& registry);
  ~Console();

  // Until a stop is asked for, or the log fails for good; then answers and streams are ended in good order.
  Result<void> run(const std::stop_token& stop);

  std::string url() const;  // "http://127.0.0.1:8440"
  // Where this start made the first account: its one-time password, for the person at the terminal. Never in a log.
  const std::optional<std::string>& first_password() const;
  std::size_t accounts() const;
  std::vector<std::string> unready() const;

 private:
  struct Impl;
  explicit Console(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace qc::console
