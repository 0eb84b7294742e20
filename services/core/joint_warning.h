// The warning of several regions together (联合预警), or by order from above (调度令): a level holds while enough of
// the members meet it on their own, or the air of all together does, or an order says so, whichever is the highest. It
// follows what holds now: corrected levels of members change it from then on, and nothing is withdrawn.
//
// A value; no clock; threads: none of its business.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/bytes.h"
#include "core/output.h"
#include "core/warning.h"

namespace qc::core {

struct JointMember {
  std::string region;
  int level = 0;         // of its own warning
  int index = kNoIndex;  // of its last hour
  bool counts = false;   // for "k of n"; those that lie deeper are covered only
  bool operator==(const JointMember&) const = default;
};

struct JointInputs {
  int needed = 0;  // k of the members that count; 0: it is no joint region, only an order can hold
  int own = 0;     // the level of the air of all together
  std::vector<JointMember> members;
  int ordered = 0;
  std::string order;      // id
  std::string authority;  // whose order, for people
};

class JointWarning {
 public:
  // true: people must be told (signal()). `at`: never earlier than before.
  bool judge(EventTime at, const JointInputs& in);
  bool open() const { return state_ == SignalState::Active; }
  int level() const { return open() ? outcome_.level : 0; }
  std::int32_t revision() const { return revision_; }  // 0: nothing was ever told

  // As last told: rule `joint_warning`, of the AQI of 24 h. Without root.
  Signal signal(const std::string& region, Offset offset) const;

  void write(ByteWriter& out) const;
  bool read(ByteReader& in);

 private:
  struct Outcome {
    int level = 0;
    bool by_air = false;
    bool by_members = false;
    std::string order;
    std::string authority;
    int counted = 0;                 // members that count
    std::vector<std::string> meets;  // of those that count, at this level
    std::vector<std::string> covers;
    bool operator==(const Outcome&) const = default;
  };
  static Outcome outcome_of(const JointInputs& in);
  static std::string words(const Outcome& o);

  SignalState state_ = SignalState::None;
  std::int64_t number_ = 0;
  std::int32_t revision_ = 0;
  EventTime began_{};
  EventTime at_{};
  Outcome outcome_;
  std::vector<Evidence> evidence_;
  std::string reason_;
};

}  // namespace qc::core
