// A formal warning's message (core/formal_warning.h) as a CAP message, and as an entry of an Atom feed (RFC 4287) for
// those who look for new ones. Functions of their arguments; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/alert.h"
#include "core/formal_warning.h"
#include "core/rules.h"
#include "wire/cap.h"

namespace qc::wire {

struct CapSender {
  std::string id;  // a domain name
  CapText name;
};

// "warning-141100-7": unique for ever, because numbers of a key only rise. What an identifier cannot hold is ~XX.
std::string formal_cap_id(const core::AlertKey& key, std::int64_t number);

// The last message of `formal`. `rules` give names, outlines and measures; nullptr: the region's id alone says where,
// and no measures are named. REQUIRES: formal.message.number > 0.
CapMessage formal_cap(const core::AlertKey& key, const core::Signal& condition, const core::FormalWarning& formal,
                      const CapSender& sender, const core::RuleSet* rules);

// "20261127T100500-warning-141100-7.xml": by name they stand in the order of their times.
std::string cap_file_name(const CapMessage& message);

// One <entry>. `link`: where the CAP message is.
std::string atom_entry(const CapMessage& message, std::string_view link);
// The feed of such entries, the newest first. `updated`: when the newest was sent. `link`: its own address.
std::string atom_feed(const CapSender& sender, core::EventTime updated, std::string_view link,
                      std::span<const std::string> entries);

}  // namespace qc::wire
