// CSV for `tail means`, `tail signals` and `tail events`. The columns are a contract: scripts read them by name and the
// first ones by place, so columns are only ever added at the end. RFC 4180 quoting, lines end in "\n". Functions; any
// thread.
//
// Times are ISO 8601 with +08:00. Values are exact (from sum and count), at most 6 decimals, trailing zeros cut; CO in
// mg/m3, others in ug/m3, indices in points, a signal's value and limit in the unit that it names.
#pragma once

#include <string>
#include <string_view>

namespace qingchuan::v1 {
class Mean;
class Signal;
class Event;
}  // namespace qingchuan::v1

namespace qc::wire {

// Header lines, without the line's end.
std::string_view mean_csv_header();
std::string_view signal_csv_header();
std::string_view event_csv_header();

// Appends one line with its "\n". A mean's value is empty where there is none to speak of: no values in it, or the
// window is closed and hadn't enough data to be valid.
void append_csv(const ::qingchuan::v1::Mean& mean, std::string& out);
void append_csv(const ::qingchuan::v1::Signal& signal, std::string& out);
// A line for each hour of a forecast; one where it was withdrawn. One for an order.
void append_csv(const ::qingchuan::v1::Event& event, std::string& out);

// One field, quoted where RFC 4180 asks for it.
void append_csv_field(std::string_view text, std::string& out);

}  // namespace qc::wire
