// The region stage as the engine drives it: bytes in, bytes out. Decodes a record of `means` or of `events`, gives it
// to the core's RegionStage and encodes the means, the signals and the time that it publishes. Of each record of
// `events` it says in `signals` where among the means it was read (Taken): with that, what it publishes can be made
// again. A service of its own (`regions`, state in `regions-state`, interval 0), in the processor's process.
//
// Everything it writes is a function of its state, the record and the offset. Threads: the worker's.
#pragma once

#include <string>
#include <string_view>

#include "core/region_stage.h"
#include "processor/records.h"
#include "processor/rules_store.h"
#include "stream/stage.h"
#include "wire/mean_decoder.h"

namespace qc::processor {

inline constexpr const char* kRegionsService = "regions";
inline constexpr const char* kRegionsSource = "/qingchuan/regions";

class RegionsStage : public stream::Stage {
 public:
  // `partition`: of `means`.
  RegionsStage(int partition, const StageOptions& options, RulesStore& rules);

  Result<void> load(std::string_view key, std::string_view value) override;
  Result<void> loaded() override;
  Result<void> apply(const stream::Record& record, stream::StageOutputs& out) override;
  void save(stream::StateSink& sink) override;

  const core::RegionStage& core() const { return core_; }

 private:
  Result<void> learn(const std::string& hash);
  // An error: its rules cannot be read; a mean that is refused is a dead letter.
  Result<void> apply(const wire::DecodedMean& mean, const stream::Record& record, stream::StageOutputs& out);
  void apply(const wire::UpstreamTick& tick, const stream::Record& record, stream::StageOutputs& out);
  void apply_event(const stream::Record& record, stream::StageOutputs& out);
  void reject(const stream::Record& record, core::Reason reason, std::string detail, stream::StageOutputs& out) const;
  void emit(core::Outputs& ready, stream::StageOutputs& out) const;

  int partition_;
  const StageOptions& options_;
  RulesStore& rules_;
  wire::MeanDecoder decoder_;
  core::RegionStage core_;
  core::Outputs outputs_;
  stream::StageOutputs* gathered_ = nullptr;  // of the record being applied, for what drains on the way
};

}  // namespace qc::processor
