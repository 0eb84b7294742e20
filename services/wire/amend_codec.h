// Corrections as messages, to core values: the part of InputDecoder (codec.h) that is about them. Functions; any
// thread.
#pragma once

#include <string>
#include <string_view>

#include "qingchuan/v1/input.pb.h"
#include "wire/codec.h"

namespace qc::wire {

Decoded decode_amend(const qingchuan::v1::Amend& in);
Decoded decode_past_amend(const qingchuan::v1::PastAmend& in);

// The sender's words are foreign text: cut, and without what would break a line.
std::string code_text(std::string_view code);

}  // namespace qc::wire
