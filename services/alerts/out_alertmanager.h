// To an Alertmanager, by its API v2. It is told a state, not revisions: what fires until when, and what is over. So
// this keeps the label sets that fire, says them again before they would expire there, and says what is over for a
// while longer, because an Alertmanager that was restarted has forgotten everything.
//
// A level is a label: when it changes, the old label set is resolved in the post that says the new one. What is
// suppressed is not said to fire; where it did before, it is resolved. Rows of floods are left out.
//
// Lifecycle and threads: as out_channel.h says.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "alerts/out_channel.h"

namespace qc::alerts {

class AlertmanagerChannel : public OutChannel {
 public:
  // Both outlive it.
  AlertmanagerChannel(const OutletOptions& options, const wire::AlertWords& words) : options_(options), words_(words) {}

  OutPost make(std::span<const OutItem> items, std::int64_t now_ms) override;
  void taken(std::span<const OutItem> items, std::int64_t now_ms) override;
  bool keeps_alerts() const override { return true; }
  void fold(const OutItem& item) override;
  void forget(const stream::TopicPartition& partition) override;
  std::vector<std::string> again(std::int64_t now_ms) override;

  std::size_t firing() const { return firing_.size(); }

 private:
  // One label set.
  struct Said {
    stream::TopicPartition at;
    wire::Labels labels;
    wire::Labels annotations;
    core::EventTime starts{};
    std::int64_t over_ms = 0;  // since when; 0: it fires
  };
  using Key = std::string;  // of the alert

  std::optional<Said> said_of(const OutItem& item) const;
  void put(const OutItem& item, std::int64_t now_ms);
  wire::PostableAlert postable(const Said& said, std::int64_t now_ms) const;

  const OutletOptions& options_;
  const wire::AlertWords& words_;
  std::map<Key, Said> firing_;        // at most one label set of an alert
  std::map<std::string, Said> over_;  // by fingerprint
};

}  // namespace qc::alerts
