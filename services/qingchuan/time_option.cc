#include "qingchuan/time_option.h"

namespace qc::commands {
namespace {

// A time, or a date: its midnight.
Result<core::EventTime> time_of(const std::string& text, const char* option) {
  const auto at = core::parse_iso(text.size() == 10 ? text + "T00:00" : text);
  if (!at)
    return fail(Errc::usage,
                std::string(option) + " wants a time such as 2025-12-01 or 2025-12-01T08:00, not `" + text + "`");
  return *at;
}

}  // namespace

Result<core::Interval> interval_option(const std::string& from, const std::string& until, const char* option) {
  core::Interval made{core::EventTime::min(), core::EventTime::max()};
  if (!from.empty()) {
    const auto at = time_of(from, option);
    if (!at) return tl::make_unexpected(at.error());
    made.start = *at;
  }
  if (!until.empty()) {
    const auto at = time_of(until, option);
    if (!at) return tl::make_unexpected(at.error());
    made.end = *at;
  }
  if (made.start >= made.end) return fail(Errc::usage, std::string(option) + ": the beginning must lie before the end");
  return made;
}

}  // namespace qc::commands
