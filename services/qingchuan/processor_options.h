// The processor as this process runs it: its options from the configuration, the configured rules in the log, and the
// one line that says who holds the partitions when it is not us.
#pragma once

#include <string>
#include <thread>

#include "processor/processor.h"
#include "qingchuan/open_log.h"

namespace qc::commands {

processor::ProcessorOptions processor_options(const ::qingchuan::v1::System& system, const std::string& rules_hash);

// Puts the configured rules into the log; returns their hash.
Result<std::string> store_rules(OpenLog& opened);

// Watches from its own thread until it is destroyed: when others hold partitions of the processor's group and this
// process none, it says so, once for each holder.
class StandbyNotice {
 public:
  explicit StandbyNotice(stream::EmbeddedLog& log);

 private:
  std::jthread thread_;
};

}  // namespace qc::commands
