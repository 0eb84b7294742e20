// Any bytes as a file of corrections: every line is a problem or a correction that the codec writes and reads back as
// it was, and the same bytes say the same thing twice.
#include <cstdint>
#include <string>

#include "base/assert.h"
#include "wire/amend_lines.h"
#include "wire/codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace qc;
  static wire::InputDecoder decoder;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto read = [&text] {
    auto source = wire::bytes_of(text);
    if (!source) return wire::AmendFile{};
    auto file = wire::read_amends("fuzz", std::move(*source), {"fuzz", true},
                                  {.line_bytes_max = 512, .lines_max = 100, .problems_max = 10});
    return file ? std::move(*file) : wire::AmendFile{};  // compression may fail midway
  };
  const wire::AmendFile file = read();
  QC_ASSERT(file.lines.size() <= 100 && file.problems.size() <= 11);
  for (const wire::AmendLine& line : file.lines) {
    const core::Amend& a = line.amend;
    const std::string bytes = wire::encode_amend(a);
    const wire::Decoded decoded = decoder.decode(bytes);
    const auto* back = std::get_if<core::Amend>(&decoded);
    QC_ASSERT(back != nullptr);
    QC_ASSERT(back->id == a.id && back->site == a.site && back->factor == a.factor && back->interval == a.interval);
    QC_ASSERT(back->action == a.action && back->value == a.value && back->reason == a.reason && back->audited);
  }
  const wire::AmendFile again = read();
  QC_ASSERT(again.problems == file.problems && again.lines.size() == file.lines.size());
  for (std::size_t i = 0; i < file.lines.size(); ++i) QC_ASSERT(again.lines[i].amend.id == file.lines[i].amend.id);
  return 0;
}
