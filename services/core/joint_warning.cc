#include "core/joint_warning.h"

#include <algorithm>
#include <limits>

namespace qc::core {

JointWarning::Outcome JointWarning::outcome_of(const JointInputs& in) {
  Outcome o;
  int members = 0;
  for (const JointMember& m : in.members) o.counted += m.counts ? 1 : 0;
  for (int level = 1; in.needed > 0 && level <= kWarningLevels; ++level) {
    const auto meeting = std::count_if(in.members.begin(), in.members.end(),
                                       [level](const JointMember& m) { return m.counts && m.level >= level; });
    if (meeting >= in.needed) members = level;
  }
  o.level = std::max({in.own, members, in.ordered});
  if (o.level == 0) return o;
  o.by_air = in.own == o.level;
  o.by_members = members == o.level;
  if (in.ordered == o.level) {
    o.order = in.order;
    o.authority = in.authority;
  }
  for (const JointMember& m : in.members) {
    if (m.counts && m.level >= o.level) o.meets.push_back(m.region);
    if (m.level > 0 && m.level <= o.level) o.covers.push_back(m.region);
  }
  return o;
}

std::string JointWarning::words(const Outcome& o) {
  std::string text;
  const auto add = [&text](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  if (o.by_members) add(std::to_string(o.meets.size()) + " of " + std::to_string(o.counted) + " members");
  if (o.by_air) add("the air of all together");
  if (!o.order.empty()) add("order " + o.order + (o.authority.empty() ? "" : " of " + o.authority));
  return text;
}

bool JointWarning::judge(EventTime at, const JointInputs& in) {
  Outcome now = outcome_of(in);
  if (now.level == 0 && !open()) return false;
  if (open() && now == outcome_) return false;
  at_ = at;
  if (now.level == 0) {
    state_ = SignalState::Cleared;
    ++revision_;
    reason_ = "lifted";
    outcome_.covers.clear();
    return true;
  }
  const std::string verb = !open()                      ? "began"
                           : now.level > outcome_.level ? "level up"
                           : now.level < outcome_.level ? "level down"
                                                        : "other grounds";
  if (!open()) {
    ++number_;
    revision_ = 0;
    began_ = at;
    state_ = SignalState::Active;
  }
  ++revision_;
  outcome_ = std::move(now);
  reason_ = verb + ": " + words(outcome_);
  evidence_.clear();
  for (const JointMember& m : in.members) {
    if (m.counts && m.index != kNoIndex) evidence_.push_back({m.region, {std::int64_t{m.index} * kMillion}});
  }
  return true;
}

Signal JointWarning::signal(const std::string& region, Offset offset) const {
  Signal s;
  s.rule = kJointWarningRule;
  s.id = s.rule + "/" + region + "/" + std::string(name(Factor::AQI)) + "/" + std::to_string(number_);
  s.revision = revision_;
  s.subject = s.region = region;
  s.factor = Factor::AQI;
  s.window = Window::H24;
  s.level = outcome_.level;
  s.state = state_;
  s.at = at_;
  s.began = began_;
  s.unit = Unit::Point;
  s.reason = reason_;
  s.interval = {at_ - kHour * 24, at_};
  s.count = static_cast<std::int32_t>(outcome_.meets.size());
  s.expected = outcome_.counted;
  s.evidence = evidence_;
  s.covers = outcome_.covers;
  s.origin = {-1, offset};
  return s;
}

namespace {

void write_names(ByteWriter& out, const std::vector<std::string>& names) {
  out.u64(names.size());
  for (const std::string& n : names) out.text(n);
}
std::vector<std::string> read_names(ByteReader& in) {
  std::vector<std::string> names(in.size());
  for (std::string& n : names) n = in.text();
  return names;
}

}  // namespace

void JointWarning::write(ByteWriter& out) const {
  out.u8(kWarningVersion);
  out.u8(static_cast<std::uint8_t>(state_));
  out.i64(number_);
  out.i64(revision_);
  out.time(began_);
  out.time(at_);
  out.u8(static_cast<std::uint8_t>(outcome_.level));
  out.u8(outcome_.by_air ? 1 : 0);
  out.u8(outcome_.by_members ? 1 : 0);
  out.text(outcome_.order);
  out.text(outcome_.authority);
  out.i64(outcome_.counted);
  write_names(out, outcome_.meets);
  write_names(out, outcome_.covers);
  out.u64(evidence_.size());
  for (const Evidence& e : evidence_) {
    out.text(e.subject);
    out.i64(e.value.pg);
  }
  out.text(reason_);
}

bool JointWarning::read(ByteReader& in) {
  constexpr auto kMax = std::numeric_limits<std::int32_t>::max();
  if (in.u8() != kWarningVersion) in.bad();
  state_ = static_cast<SignalState>(in.u64_to(static_cast<std::uint64_t>(SignalState::Cleared)));
  number_ = in.i64_in(0, std::numeric_limits<std::int64_t>::max());
  revision_ = static_cast<std::int32_t>(in.i64_in(0, kMax));
  began_ = in.time();
  at_ = in.time();
  outcome_.level = static_cast<int>(in.u64_to(kWarningLevels));
  outcome_.by_air = in.flag();
  outcome_.by_members = in.flag();
  outcome_.order = in.text();
  outcome_.authority = in.text();
  outcome_.counted = static_cast<int>(in.i64_in(0, kMax));
  outcome_.meets = read_names(in);
  outcome_.covers = read_names(in);
  evidence_.resize(in.size());
  for (Evidence& e : evidence_) {
    e.subject = in.text();
    e.value.pg = in.i64_in(0, std::int64_t{kIndexMax} * kMillion);
  }
  reason_ = in.text();
  if (state_ != SignalState::Active && state_ != SignalState::Cleared) in.bad();
  if (open() && outcome_.level == 0) in.bad();
  return in.ok();
}

}  // namespace qc::core
