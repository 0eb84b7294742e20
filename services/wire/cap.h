// A heavy-pollution warning as a CAP 1.2 message (OASIS Common Alerting Protocol): one <alert> with a Chinese and an
// English <info>, for whoever takes warnings in that form. The schema alone does not make a message right; what else
// must hold is checked here, and a message that does not hold it is an error, never sent.
//
// Statuses: a candidate that nobody has approved is a Draft; what a named role has approved is Actual; what a machine
// issues without a person is an Exercise. A change is an Update, lifting is a Cancel; both name what they follow.
//
// Texts come from people and stations: what XML cannot carry (control characters, broken UTF-8) becomes U+FFFD.
// Functions of their arguments; any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/measures.h"
#include "core/outline.h"
#include "core/rules.h"
#include "core/time.h"

namespace qc::wire {

// Without English the Chinese text stands in both blocks.
struct CapText {
  std::string zh;
  std::string en;
};

enum class CapStatus { Draft, Actual, Exercise };
enum class CapType { Alert, Update, Cancel };

struct CapReference {
  std::string sender;
  std::string identifier;
  core::EventTime sent{};
};

struct CapArea {
  std::string region;  // the rules' id, as a geocode
  CapText name;
  std::vector<core::Ring> polygons;  // none: the name alone says where
};

struct CapMessage {
  // Unique for ever among the sender's. Printing ASCII without blanks, commas, `<` and `&`, like the sender: a domain
  // name.
  std::string identifier;
  std::string sender;
  core::EventTime sent{};
  CapStatus status = CapStatus::Draft;
  CapType type = CapType::Alert;
  std::string approver;                  // the role that approved it; Actual has one, Draft none
  std::vector<CapReference> references;  // Update, Cancel: one or more; Alert: none

  core::EmergencyLevel level = core::EmergencyLevel::None;
  bool forecast = false;                   // its basis; otherwise it has been observed
  core::EventTime effective{};             // when the response begins or, of a Cancel, ends
  std::optional<core::EventTime> expires;  // not known: until it is lifted
  CapText sender_name;                     // who issues it, for people
  CapText evidence;                        // what was seen or forecast: a warning says why
  CapText measures;                        // what is to be done (measures_text); may be empty
  std::vector<CapArea> areas;
};

// Longer texts are refused: who takes the message has limits, too.
inline constexpr std::size_t kCapTextBytesMax = 65'536;
inline constexpr std::size_t kCapIdBytesMax = 128;
inline constexpr std::size_t kCapReferencesMax = 64;
inline constexpr std::size_t kCapAreasMax = 256;

// The message as UTF-8 XML. Times have +08:00 and whole seconds (rounded down). usage: what is wrong with it.
Result<std::string> encode_cap(const CapMessage& message);

// Its title, as `headline` has it.
std::string cap_headline(const CapMessage& message, bool chinese);

// A region's name, and its outline or those of the regions below it. REQUIRES: the rules know it.
CapArea cap_area(const core::RuleSet& rules, std::string_view region);

// What is to be done, a line a measure: county, enterprise, line, measure. Of more than kCapMeasuresMax the rest is
// counted.
inline constexpr std::size_t kCapMeasuresMax = 100;
CapText measures_text(const core::RuleSet& rules, const core::MeasuresDue& due);

}  // namespace qc::wire
