// The alert stage as the engine drives it: bytes in, bytes out. Decodes a record of `signals` or of `commands`, gives
// it to the core's AlertStage and encodes the alerts, outcomes and entries of the ledger that follow. A service of its
// own
// (`alerts`, state in `alerts-state`, interval 0).
//
// Time is the least of the ticks that its upstreams forward into `signals`. Rules are those that the latest signal
// names. Each output says what had been read of both inputs when it was made: with that it can be made again.
//
// Everything it writes is a function of its state, the record and the offset. Threads: the worker's.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "alerts/records.h"
#include "core/alert_stage.h"
#include "core/rules.h"
#include "stream/stage.h"
#include "wire/signal_decoder.h"

namespace qc::alerts {

// The rule set with a hash. The same hash is the same rules for ever. Any thread.
using RulesOf = std::function<Result<std::shared_ptr<const core::RuleSet>>(const std::string& hash)>;

class AlertsStage : public stream::Stage {
 public:
  // `partition`: of both inputs. The options outlive it.
  AlertsStage(int partition, const StageOptions& options, RulesOf rules);

  Result<void> load(std::string_view key, std::string_view value) override;
  Result<void> loaded() override;
  Result<void> apply(const stream::Record& record, stream::StageOutputs& out) override;
  void save(stream::StateSink& sink) override;

  const core::AlertStage& core() const { return core_; }

 private:
  Result<void> use_rules(const std::string& hash);
  Result<void> apply_signal(const wire::DecodedSignal& signal, const stream::Record& record, stream::StageOutputs& out);
  void apply_tick(const wire::UpstreamTick& tick, const stream::Record& record, stream::StageOutputs& out);
  void apply_command(const stream::Record& record, stream::StageOutputs& out);
  void emit(const stream::Record& record, stream::StageOutputs& out);
  bool is_ours(const std::string& root) const;
  std::string state_bytes() const;

  int partition_;
  const StageOptions& options_;
  RulesOf rules_;
  std::shared_ptr<const core::RuleSet> in_use_;
  core::AlertStage core_;
  core::AlertOutputs outputs_;
  std::vector<core::EventTime> ticks_;  // of all partitions of all upstreams; EventTime::min(): none yet
  stream::Offset signals_next_ = 0;     // after the last record read
  stream::Offset commands_next_ = 0;    // after the last one answered
};

}  // namespace qc::alerts
