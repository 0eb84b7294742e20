// Arbitrary bytes as configuration: the loader returns, whatever they are; what it calls free of problems can be
// written and read back; problems stand in the file that they name; and a second loading finds the same.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "platform/config.h"
#include "platform/config_checks.h"
#include "platform/yaml_loader.h"
#include "qingchuan/v1/config.pb.h"

namespace {

using qc::platform::Problem;
using qc::platform::YamlLoader;

// All problems, one a line; empty when the message may be used.
template <class Message>
std::string load(std::string_view text, Message& message) {
  qc::platform::YamlLimits limits;
  limits.nodes_max = 10'000;  // so that an input takes no longer than it teaches
  YamlLoader loader(message, limits);
  loader.load_text(text, "fuzz.yaml");
  if (loader.finish()) {
    if constexpr (std::is_same_v<Message, ::qingchuan::v1::RuleSet>) {
      qc::platform::apply_rules_defaults(message, &loader);
      qc::platform::check_rules(message, loader);
    } else {
      qc::platform::apply_system_defaults(message, &loader);
      qc::platform::check_system(message, loader);
    }
  }
  std::string problems;
  for (const Problem& problem : loader.problems()) {
    QC_ASSERT(problem.place.file == "fuzz.yaml" && !problem.text.empty());
    QC_ASSERT(problem.text.find('\n') == std::string::npos);
    problems += problem.str() + "\n";
  }
  return problems;
}

template <class Message>
void check(std::string_view text) {
  Message message, again, back;
  const std::string problems = load(text, message);
  QC_ASSERT(load(text, again) == problems);
  const std::string bytes = message.SerializeAsString();
  QC_ASSERT(again.SerializeAsString() == bytes);
  QC_ASSERT(back.ParseFromString(bytes) && back.SerializeAsString() == bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check<::qingchuan::v1::System>(text);
  check<::qingchuan::v1::RuleSet>(text);
  return 0;
}
