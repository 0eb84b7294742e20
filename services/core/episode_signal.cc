#include "core/episode_signal.h"

namespace qc::core {

Signal signal_of(const Episode& e, const std::string& rule, const std::string& subject, Factor factor, Window window,
                 Offset offset) {
  Signal s;
  s.id = rule + "/" + subject + "/" + std::string(name(factor)) + "/" + std::to_string(e.number);
  s.revision = e.revision;
  s.rule = rule;
  s.subject = subject;
  s.factor = factor;
  s.window = window;
  s.level = e.level;
  s.state = e.state;
  s.at = e.at;
  s.began = e.began;
  // Episodes of version 1 named none.
  s.unit = e.unit == Unit::None ? publishing_unit(factor) : e.unit;
  s.value = {e.value};
  s.limit = {e.limit};
  s.clause = e.clause;
  s.reason = e.reason;
  s.interval = e.interval;
  s.count = e.count;
  s.expected = e.expected;
  s.marks = e.marks;
  s.origin = {e.first_offset, offset};
  return s;
}

}  // namespace qc::core
