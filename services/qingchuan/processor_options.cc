#include "qingchuan/processor_options.h"

#include <unistd.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>

#include "platform/log.h"
#include "qingchuan/command.h"
#include "wire/rules.h"

namespace qc::commands {

processor::ProcessorOptions processor_options(const ::qingchuan::v1::System& system, const std::string& rules_hash) {
  processor::ProcessorOptions o;
  o.workers = system.processor().workers();
  o.commit_interval = stream::Milliseconds(system.processor().commit_interval());
  o.checkpoint_interval = stream::Milliseconds(system.processor().checkpoint_interval());
  o.poll_records_max = static_cast<std::size_t>(system.limits().poll_records_max());
  o.station_series_max = static_cast<std::size_t>(system.http().station_series_max());
  o.rules_hash = rules_hash;
  o.stage.decode.record_bytes_max = static_cast<std::size_t>(system.limits().record_bytes_max());
  o.stage.decode.batch_readings_max = static_cast<std::size_t>(system.limits().batch_readings_max());
  o.stage.dead_letter_bytes_max = static_cast<std::size_t>(system.limits().dead_letter_bytes_max());
  o.stage.version = version();
  return o;
}

Result<std::string> store_rules(OpenLog& opened) {
  if (auto rules = rules_of(opened.config); !rules) return tl::make_unexpected(rules.error());
  return opened.rules->put(wire::canonical_bytes(opened.config.rules));
}

StandbyNotice::StandbyNotice(stream::EmbeddedLog& log)
    : thread_([&log](std::stop_token stop) {
        std::mutex mutex;
        std::condition_variable_any wake;
        std::set<std::int64_t> said;
        while (!stop.stop_requested()) {
          {
            std::unique_lock lock(mutex);
            wake.wait_for(lock, stop, std::chrono::seconds(1), [] { return false; });
          }
          // A worker without partitions is ready, too: ready to take over.
          const auto holders = log.holders(processor::kService);
          if (!holders) continue;
          std::map<std::int64_t, int> held;  // by process
          for (const stream::LeaseHolder& h : *holders) {
            if (h.held) ++held[h.pid];
          }
          if (held.contains(getpid())) continue;
          for (const auto& [pid, partitions] : held) {
            if (!said.insert(pid).second) continue;
            platform::log_warn("standing by: another process has the partitions; this one takes over when it ends",
                               {{"pid", pid}, {"partitions", partitions}});
          }
        }
      }) {}

}  // namespace qc::commands
