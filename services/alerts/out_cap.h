// Formal warnings as files in a directory that a web server may show: each message as CAP 1.2 under a name of its own,
// never changed once it is there, and an Atom feed of the newest ones (`warnings.atom`). Candidates (Draft) are left
// out, or go to the directory `draft` beside them, and are in no feed.
//
// The feed is made of entries in `.entries`, one a message, so that it needs no memory: a kill anywhere leaves files
// that are whole, and what is missing is written when the record comes again.
//
// Lifecycle and threads: as out_channel.h says.
#pragma once

#include <optional>
#include <string>

#include "alerts/out_channel.h"

namespace qc::alerts {

inline constexpr std::size_t kFeedEntriesMax = 100;
inline constexpr const char* kFeedName = "warnings.atom";

class CapChannel : public OutChannel {
 public:
  // Both outlive it.
  CapChannel(const OutletOptions& options, const RulesOf& rules) : options_(options), rules_(rules) {}

  OutPost make(std::span<const OutItem> items, std::int64_t now_ms) override;
  std::optional<Answer> keep(std::span<const OutItem> items) override;

 private:
  Result<void> write(const OutItem& item, bool* added);
  Result<void> write_feed() const;

  const OutletOptions& options_;
  const RulesOf& rules_;
  bool feed_is_new_ = false;  // since the start
};

}  // namespace qc::alerts
