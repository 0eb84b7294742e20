// The reading stage as the engine drives it: bytes in, bytes out. Decodes a record of `readings`, gives it to the
// core's ReadingStage and encodes what that publishes for `means`, `signals` and `dead-letters`, with its provenance.
//
// Everything it writes is a function of its state, the record and the offset. Threads: the worker's.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "core/reading_stage.h"
#include "processor/records.h"
#include "processor/rules_store.h"
#include "stream/stage.h"
#include "wire/codec.h"

namespace qc::processor {

inline constexpr const char* kService = "processor";
inline constexpr const char* kSource = "/qingchuan/processor";

class ReadingsStage : public stream::Stage {
 public:
  ReadingsStage(int partition, const StageOptions& options, RulesStore& rules);

  Result<void> load(std::string_view key, std::string_view value) override;
  Result<void> loaded() override;
  Result<void> apply(const stream::Record& record, stream::StageOutputs& out) override;
  void save(stream::StateSink& sink) override;

  const core::ReadingStage& core() const { return core_; }

 private:
  // Where a root region's means go, computed once.
  struct Route {
    stream::TopicPartition means;
    std::string mean_headers;
  };
  const Route& route(const std::string& root);
  void emit(const stream::Record& record, stream::StageOutputs& out);
  Result<void> switch_rules(const core::RulesSwitch& to);

  int partition_;
  const StageOptions& options_;
  RulesStore& rules_;
  wire::InputDecoder decoder_;
  core::ReadingStage core_;
  core::Outputs outputs_;
  const stream::Record* record_ = nullptr;  // being applied, for what drains on the way
  stream::StageOutputs* gathered_ = nullptr;
  std::map<std::string, Route, std::less<>> routes_;
};

}  // namespace qc::processor
