#include "qingchuan/alerts_book.h"

#include <algorithm>
#include <tuple>

#include "alerts/records.h"
#include "qingchuan/v1/alert.pb.h"
#include "stream/read_range.h"
#include "wire/keys.h"

namespace qc::commands {
namespace {

namespace v1 = ::qingchuan::v1;

template <class Use>
Result<void> each_record(stream::Log& log, const char* topic, const Use& use) {
  const auto whole = stream::whole_topic(log, topic);
  if (!whole) return tl::make_unexpected(whole.error());
  return stream::read_range(log, *whole, [&](const stream::Record& r) {
    use(r);
    return true;
  });
}

}  // namespace

Result<AlertBook> read_alerts(stream::Log& log, processor::RulesStore& rules) {
  AlertBook book;
  std::string hash;
  const auto done = each_record(log, alerts::kAlerts, [&](const stream::Record& r) {
    if (r.tombstone) {
      std::erase_if(book.rows, [&](const auto& row) { return wire::row_key(row.first) == r.key; });
      return;
    }
    auto decoded = wire::decode_alert_record(r.value);
    if (auto* row = std::get_if<core::FoldRow>(&decoded)) {
      std::string id = row->id;
      book.rows[std::move(id)] = std::move(*row);
    } else if (auto* m = std::get_if<core::Maintenance>(&decoded)) {
      std::string subject = m->subject;
      book.maintenance[std::move(subject)] = std::move(*m);
    } else if (auto* alert = std::get_if<wire::DecodedAlert>(&decoded)) {
      hash = alert->origin.rules;
      std::string key = text(alert->told.alert.key);
      book.alerts[std::move(key)] = {std::move(alert->told.alert), std::string(r.value)};
    }
  });
  if (!done) return tl::make_unexpected(done.error());
  std::erase_if(book.rows, [](const auto& row) { return !row.second.open; });
  // Names are nice to have: without the rules ids do.
  if (auto found = hash.empty() ? nullptr : rules.get(hash).value_or(nullptr)) book.rules = std::move(found);
  return book;
}

std::vector<const core::Alert*> AlertBook::listed() const {
  std::vector<const core::Alert*> all;
  for (const auto& [key, a] : alerts) {
    if (a.alert.listed) all.push_back(&a.alert);
  }
  const auto order = [](const core::Alert* a) {
    return std::tuple(-std::max(a->condition.level, a->owed), a->suppressed, a->response, a->condition.began);
  };
  std::stable_sort(all.begin(), all.end(), [&](const auto* a, const auto* b) { return order(a) < order(b); });
  return all;
}

Result<const core::Alert*> AlertBook::find(std::string_view written) const {
  if (const auto exact = alerts.find(std::string(written)); exact != alerts.end()) return &exact->second.alert;
  for (const bool listed_only : {true, false}) {
    std::vector<const core::Alert*> found;
    std::string keys;
    for (const auto& [key, a] : alerts) {
      if ((listed_only && !a.alert.listed) || key.find(written) == std::string::npos) continue;
      found.push_back(&a.alert);
      if (found.size() <= 5) keys += (keys.empty() ? "" : ", ") + key;
    }
    if (found.size() == 1) return found.front();
    if (found.size() > 1)
      return fail(Errc::usage, "several alerts have \"" + std::string(written) + "\" in their key: " + keys +
                                   (found.size() > 5 ? " ..." : ""));
  }
  return fail(Errc::usage,
              "no alert has \"" + std::string(written) + "\" in its key; `qingchuan alerts list` shows them");
}

Result<std::vector<core::LedgerEntry>> read_history(stream::Log& log, const std::string& subject) {
  std::vector<core::LedgerEntry> all;
  const auto done = each_record(log, alerts::kLedger, [&](const stream::Record& r) {
    v1::LedgerEntry e;
    if (r.tombstone || r.key != subject || !e.ParseFromArray(r.value.data(), static_cast<int>(r.value.size()))) return;
    all.push_back({e.subject(), core::event_time(e.at_ms()), e.who(), e.what(), e.why(), e.before(), e.after()});
  });
  if (!done) return tl::make_unexpected(done.error());
  return all;
}

}  // namespace qc::commands
