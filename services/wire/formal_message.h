// A formal warning (core/formal_warning.h) and its message (alert.proto), and the measures that are due by it.
// Functions; any thread.
#pragma once

#include "core/formal_warning.h"
#include "core/measures.h"
#include "qingchuan/v1/alert.pb.h"

namespace qc::wire {

void set_formal(const core::FormalWarning& warning, ::qingchuan::v1::FormalWarning& out);
// What is out of range is brought into it: the log holds what a stage wrote.
core::FormalWarning formal_of(const ::qingchuan::v1::FormalWarning& in);

void add_measures(const core::MeasuresDue& due, ::qingchuan::v1::Alert& out);

}  // namespace qc::wire
