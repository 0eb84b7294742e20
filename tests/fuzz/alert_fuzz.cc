// Any bytes as what the alert stage reads: a record of `signals`, of `commands`, an entry of its state; and what
// readers of its topics decode. Nothing crashes; what a decoder lets through survives being encoded and read again; and
// whatever signal is taken, the state that it leaves can be loaded: one that cannot would stop the service's next
// start.
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "core/alert_stage.h"
#include "wire/alert_codec.h"
#include "wire/signal_decoder.h"

namespace {

using namespace qc;

constexpr core::EventTime kNow = core::event_time(1'790'000'000'000);

core::AlertRules rules() {
  core::AlertRules r;
  r.formal.approvers = {"office"};
  return r;
}

void check_told(const core::AlertOutputs& out) {
  for (const core::ToldAlert& told : out.alerts) {
    const auto read = wire::decode_alert_record(wire::encode_alert(told, {}));
    const auto* back = std::get_if<wire::DecodedAlert>(&read);
    QC_ASSERT(back != nullptr && back->told.alert.key == told.alert.key &&
              back->told.alert.revision == told.alert.revision);
  }
}

// `ours`: made of what a decoder let through; what state alone says may be no signal that any stage writes.
void check_kept(core::AlertStage& stage, bool ours = true) {
  core::AlertStage again(rules());
  stage.save_changed([&](std::string_view key, std::string_view bytes) { QC_ASSERT(again.load(key, bytes)); });
  core::AlertOutputs out;
  again.advance(kNow + std::chrono::hours(9), out);
  if (ours) check_told(out);
}

void signal(std::string_view bytes) {
  const wire::SignalInput input = wire::decode_signal_record(bytes);
  const auto* in = std::get_if<wire::DecodedSignal>(&input);
  if (in == nullptr) return;
  core::AlertStage stage(rules());
  core::AlertOutputs out;
  stage.advance(kNow, out);
  if (in->partition < 0 || !stage.apply(in->signal, out, {in->rules, in->partition})) return;
  check_told(out);
  check_kept(stage);
}

void command(std::string_view bytes) {
  const auto decoded = wire::decode_command(bytes);
  const auto* in = std::get_if<wire::DecodedCommand>(&decoded);
  if (in == nullptr) {
    QC_ASSERT(!std::get<core::Rejected>(decoded).detail.empty());
    return;
  }
  const std::string again = wire::encode_command(in->command, in->root, kNow);
  const auto same = wire::decode_command(again);
  QC_ASSERT(std::holds_alternative<wire::DecodedCommand>(same));
  QC_ASSERT(wire::encode_command(std::get<wire::DecodedCommand>(same).command, in->root, kNow) == again);
  core::AlertStage stage(rules());
  core::AlertOutputs out;
  stage.advance(kNow, out);
  core::Signal s;
  s.id = "1";
  s.revision = 1;
  s.rule = in->command.key.rule.empty() ? "r" : in->command.key.rule;
  s.subject = in->command.key.subject;
  // A signal is always of some factor; a command that names none finds no alert.
  s.factor = in->command.key.factor == core::Factor::None ? core::Factor::AQI : in->command.key.factor;
  s.state = core::SignalState::Active;
  s.level = 1;
  s.window = core::Window::H1;
  s.at = s.began = s.interval.start = s.interval.end = kNow;
  stage.apply(s, out);
  out.clear();
  stage.apply(in->command, out);
  QC_ASSERT(out.outcomes.size() == 1);
  const auto outcome = wire::decode_outcome(wire::encode_outcome(out.outcomes[0], {}));
  QC_ASSERT(outcome && outcome->refusal == out.outcomes[0].refusal);
  check_kept(stage);
}

void state(std::string_view bytes) {
  const std::size_t cut = bytes.find('\n');
  if (cut == std::string_view::npos) return;
  core::AlertStage stage(rules());
  if (!stage.load(bytes.substr(0, cut), bytes.substr(cut + 1))) return;
  core::AlertOutputs out;
  stage.advance(kNow, out);
  stage.apply(core::AlertCommand{"c", {"r", "s", core::Factor::AQI}, 1, "li", core::Acknowledge{}}, out);
  check_kept(stage, false);
}

}  // namespace

// The first byte says what the others are.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 5) {
    case 0:
      signal(bytes);
      break;
    case 1:
      command(bytes);
      break;
    case 2:
      (void)wire::decode_alert_record(bytes);
      break;
    case 3:
      (void)wire::decode_outcome(bytes);
      break;
    default:
      state(bytes);
  }
  return 0;
}
