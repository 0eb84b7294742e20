// One record of `means` to a core value: what the region stage reads. As InputDecoder (codec.h) it validates everything
// that can be judged without state: what it lets through core may rely upon; what it refuses is a value,
// core::Rejected, for the dead letters.
//
// Lifecycle: one a partition, reused for every record. Threads: one at a time.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "core/output.h"
#include "wire/codec.h"

namespace qc::wire {

// A mean and where it came from.
struct DecodedMean {
  core::Mean mean;
  int partition = 0;   // of `readings`
  std::string rules;   // hash
  std::string clause;  // what mean.clause views
};

// Time that a stage forwarded.
struct UpstreamTick {
  core::Tick tick;
  std::string upstream;  // the stage
  int partition = 0;     // of its input
};

using DecodedMeanRecord = std::variant<const DecodedMean*, UpstreamTick, core::Rejected>;

// What decides whether a mean is of interest, read by hand at a tenth of the cost of decoding it: most records are not.
struct MeanKind {
  core::Factor factor = core::Factor::None;
  core::Window window = core::Window::None;
  core::Status status = core::Status::None;
  bool operator==(const MeanKind&) const = default;
};
// nullopt: not a mean as encode_mean() writes it; decode() tells what it is.
std::optional<MeanKind> peek_mean(std::string_view bytes);

class MeanDecoder {
 public:
  explicit MeanDecoder(DecodeLimits limits = {});
  ~MeanDecoder();
  MeanDecoder(const MeanDecoder&) = delete;
  MeanDecoder& operator=(const MeanDecoder&) = delete;

  // The mean, and the views in it, are valid until the next call. Older records name no root: theirs is empty. Marks
  // and factors of a later version are left out. A refused record is a Rejected with one reading: Garbage, Truncated,
  // Oversized, BadShape, UnknownFactor, OutOfRange, NotSupported.
  DecodedMeanRecord decode(std::string_view bytes);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace qc::wire
