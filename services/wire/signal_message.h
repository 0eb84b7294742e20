// A signal (core/output.h) and its message (output.proto). Functions; any thread.
#pragma once

#include <optional>

#include "core/output.h"
#include "qingchuan/v1/output.pb.h"
#include "wire/codec.h"

namespace qc::wire {

void set_signal(const core::Signal& signal, const Provenance& from, ::qingchuan::v1::Signal& out);

// nullopt: not shaped as set_signal() writes it. Marks of a later version are left out.
std::optional<core::Signal> signal_of(const ::qingchuan::v1::Signal& in);

}  // namespace qc::wire
