// The ledger, and reports of a day or a month.
#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cctype>
#include <chrono>

#include "console/api_call.h"

namespace qc::console {
namespace {

namespace json = boost::json;

bool sees_entry(const Call& call, const LedgerItem& item) {
  if (!item.region.empty()) return call.sight.sees(item.region);
  // Of accounts: only for who keeps them. Of no place, such as a flood: for who sees everything.
  return item.entry.subject.starts_with("account/") ? has_role(call.who, Role::Admin) : call.sight.everything;
}

Answer get_ledger(Call& call) {
  const std::string subject = call.query.text("subject", 400);
  const auto limit = static_cast<std::size_t>(
      call.query.number("limit", 1, static_cast<std::int64_t>(call.api.options.page_max), 100));
  if (!call.query.fine()) return parameters_problem(call.query.errors());
  const auto items = ledger_of(call, subject, limit);
  if (!items) return items.error();
  json::array out;
  for (const LedgerItem& item : *items) out.push_back(ledger_json(item));
  const std::size_t total = out.size();
  return list_answer(std::move(out), std::nullopt, total);
}

// ---- reports

// "2026-11-27" or "2026-11": one that there is.
bool is_period(std::string_view text, bool month) {
  if (text.size() != (month ? 7U : 10U)) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 4 || i == 7;
    if (dash ? text[i] != '-' : std::isdigit(static_cast<unsigned char>(text[i])) == 0) return false;
  }
  const auto number = [&](std::size_t at, std::size_t digits) {
    int n = 0;
    for (std::size_t i = at; i < at + digits; ++i) n = n * 10 + (text[i] - '0');
    return n;
  };
  const std::chrono::year_month_day day{std::chrono::year(number(0, 4)),
                                        std::chrono::month(static_cast<unsigned>(number(5, 2))),
                                        std::chrono::day(month ? 1U : static_cast<unsigned>(number(8, 2)))};
  return day.ok() && number(0, 4) >= 1970 && number(0, 4) < 2200;
}

Answer report(Call& call, bool month) {
  ReportAsked asked;
  asked.month = month;
  asked.period = call.parts[0];
  asked.region = call.query.text("region", 64);
  asked.csv = call.query.word("format", {"json", "csv"}, "json") == "csv";
  if (!call.query.fine()) return parameters_problem(call.query.errors());
  if (!is_period(asked.period, month)) return not_found(month ? "month; one is 2026-11" : "day; one is 2026-11-27");
  if (asked.region.empty()) {
    if (!call.sight.everything) {
      return problem({.status = 403,
                      .code = "forbidden",
                      .detail = "a report of all regions is for who sees them all; name one with region="});
    }
  } else if (!call.places || call.places->region(asked.region) == nullptr || !call.sight.sees(asked.region)) {
    return not_found("region");
  }
  auto made = call.api.parts.report(asked);
  if (!made) return error_problem(made.error());
  return text_answer(asked.csv ? "text/csv; charset=utf-8" : "application/json", std::move(*made));
}
Answer get_day_report(Call& call) {
  return report(call, false);
}
Answer get_month_report(Call& call) {
  return report(call, true);
}

}  // namespace

Expected<std::vector<LedgerItem>> ledger_of(const Call& call, const std::string& subject, std::size_t limit) {
  std::vector<LedgerItem> items;
  bool older = false;
  call.api.parts.model.read([&](const Tables& t) {
    for (auto it = t.ledger.rbegin(); it != t.ledger.rend() && items.size() < limit; ++it) {
      if ((subject.empty() || it->entry.subject == subject) && sees_entry(call, *it)) items.push_back(*it);
    }
    older = t.ledger_dropped > 0 && items.size() < limit;
  });
  std::reverse(items.begin(), items.end());
  // Of all subjects the model holds more than a page; who sees a small part of them asks for a subject.
  if (!older || subject.empty()) return items;
  auto read = call.api.parts.history.ledger(subject, limit);
  if (!read) return tl::make_unexpected(error_problem(read.error()));
  std::vector<LedgerItem> all;
  for (LedgerItem& item : *read) {
    item.region = ledger_region(item.entry.subject, call.places.get());
    if (sees_entry(call, item)) all.push_back(std::move(item));
  }
  return all;
}

json::object ledger_json(const LedgerItem& item) {
  const core::LedgerEntry& e = item.entry;
  return {{"id", item.id},  {"subject", e.subject}, {"region", item.region}, {"at", core::to_iso(e.at)}, {"who", e.who},
          {"what", e.what}, {"why", e.why},         {"before", e.before},    {"after", e.after}};
}

std::span<const Route> ledger_routes() {
  static const std::array<Route, 3> routes = {
      Route{.method = "GET",
            .path = "/ledger",
            .access = Access::Model,
            .no_store = true,
            .query = {"subject", "limit"},
            .handler = get_ledger},
      Route{.method = "GET",
            .path = "/reports/day/{date}",
            .access = Access::Model,
            .query = {"region", "format"},
            .handler = get_day_report},
      Route{.method = "GET",
            .path = "/reports/month/{month}",
            .access = Access::Model,
            .query = {"region", "format"},
            .handler = get_month_report},
  };
  return routes;
}

}  // namespace qc::console
