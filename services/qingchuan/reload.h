// SIGHUP: reads the configuration again and puts its rules in force, all or nothing. A configuration with a problem
// changes nothing and is one line with its place; another rule set is told in words, stored in `rules`, and the
// processor switches each partition that it owns (architecture section 3). What needs a restart is named and left as it
// is.
//
// Lifecycle: made after the processor, destroyed before it and before `shutdown`. Threads: one of its own, so that the
// signal's thread is free for SIGTERM while the log is slow; with_rules() any.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/registry.h>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "platform/shutdown.h"
#include "processor/processor.h"
#include "qingchuan/open_log.h"

namespace qc::commands {

class Reload {
 public:
  // `opened` with the configuration in use and `hash`, that of its rules; its configuration is replaced by each reload.
  Reload(platform::Shutdown& shutdown, OpenLog& opened, std::string hash, processor::Processor& processor,
         prometheus::Registry& registry);
  ~Reload();
  Reload(const Reload&) = delete;
  Reload& operator=(const Reload&) = delete;

  // `use` with the hash of the rules in force, which stay so until it returns.
  Result<void> with_rules(const std::function<Result<void>(const std::string& hash)>& use);

 private:
  struct Asked;  // shared with the hook, which may be running while this is destroyed
  enum class Outcome { Applied, Unchanged, Refused, Failed };

  void run(const std::stop_token& stop);
  Outcome reload();
  prometheus::Counter& counter(Outcome outcome);

  platform::Shutdown& shutdown_;
  OpenLog& opened_;
  std::mutex one_at_a_time_;  // a reload, a use of its hash
  std::string hash_;
  processor::Processor& processor_;
  prometheus::Family<prometheus::Counter>& reloads_;
  std::shared_ptr<Asked> asked_;
  std::jthread thread_;
};

}  // namespace qc::commands
