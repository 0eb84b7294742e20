// Receipts: which alerts a console has shown. What asked for attention and was shown nowhere is escalated, so every
// screen says what it shows; what somebody has said already is not written again.
#include <array>
#include <boost/json.hpp>

#include "console/api_call.h"

namespace qc::console {
namespace {

namespace json = boost::json;

constexpr std::size_t kShownMax = 500;
constexpr std::size_t kReceiptsMax = 200'000;

struct ShownItem {
  std::string key;
  std::int64_t revision = 0;
};

std::vector<ShownItem> read_shown(BodyReader& reader) {
  std::vector<ShownItem> items;
  const json::array* given = reader.array("items", 1, kShownMax);
  if (given == nullptr) return items;
  for (std::size_t i = 0; i < given->size(); ++i) {
    const std::string at = reader.pointer("items") + "/" + std::to_string(i);
    const json::object* one = (*given)[i].if_object();
    if (one == nullptr) {
      reader.errors().push_back({at, {}, "must be an object with key and revision"});
      continue;
    }
    BodyReader inner(*one, at);
    ShownItem item{inner.text("key", {.least = 1, .most = 400}), inner.number("revision", 0, INT64_MAX)};
    for (FieldError& e : inner.finish()) reader.errors().push_back(std::move(e));
    items.push_back(std::move(item));
  }
  return items;
}

struct Receipts {
  std::vector<core::AlertCommand> commands;
  std::vector<std::string> roots;
  std::vector<std::int64_t> announced;  // of each
  std::vector<std::string> unknown;
  std::size_t known_already = 0;
};

bool has_receipt(ApiContext& api, const std::string& key, std::int64_t announced) {
  const std::lock_guard lock(api.receipts_mutex);
  const auto found = api.receipts.find(key);
  return found != api.receipts.end() && found->second >= announced;
}

void remember_receipts(ApiContext& api, const Receipts& receipts) {
  const std::lock_guard lock(api.receipts_mutex);
  // Forgotten ones are written once more, which changes nothing.
  if (api.receipts.size() > kReceiptsMax) api.receipts.clear();
  for (std::size_t i = 0; i < receipts.commands.size(); ++i) {
    api.receipts[core::text(receipts.commands[i].key)] = receipts.announced[i];
  }
}

Receipts receipts_of(Call& call, const std::string& console, const std::vector<ShownItem>& items) {
  Receipts out;
  call.api.parts.model.read([&](const Tables& t) {
    for (const ShownItem& item : items) {
      const auto found = t.alerts.find(item.key);
      if (found == t.alerts.end() || !call.sight.sees(found->second.alert.condition.region) ||
          item.revision > found->second.alert.revision) {
        out.unknown.push_back(item.key);
        continue;
      }
      const core::Alert& alert = found->second.alert;
      if (alert.shown_at || item.revision < alert.announced_revision ||
          has_receipt(call.api, item.key, alert.announced_revision)) {
        ++out.known_already;
        continue;
      }
      // Of the same screen and the same revision it is the same receipt.
      std::string id =
          command_id(call.who.account, "shown\n" + console + "\n" + item.key + "\n" + std::to_string(item.revision));
      out.commands.push_back({std::move(id), alert.key, item.revision, who_said(call.who), core::Shown{console}});
      out.roots.push_back(alert.condition.root);
      out.announced.push_back(alert.announced_revision);
    }
  });
  return out;
}

Answer post_shown(Call& call) {
  const auto body = parse_body(call.request);
  if (!body) return body.error();
  BodyReader reader(*body);
  const std::string console = reader.text("console", {.least = 1, .most = 100});
  const std::vector<ShownItem> items = read_shown(reader);
  if (auto errors = reader.finish(); !errors.empty()) return fields_problem(std::move(errors));
  const Receipts receipts = receipts_of(call, console, items);
  const std::size_t posted = receipts.commands.size();
  if (posted > 0) {
    if (const auto written = call.api.parts.commands.post(receipts.commands, receipts.roots); !written) {
      return error_problem(written.error());
    }
    remember_receipts(call.api, receipts);
  }
  json::array unknown;
  for (const std::string& key : receipts.unknown) unknown.emplace_back(key);
  return json_answer(
      202,
      json::object{{"posted", posted}, {"known_already", receipts.known_already}, {"unknown", std::move(unknown)}});
}

}  // namespace

std::span<const Route> receipt_routes() {
  static const std::array<Route, 1> routes = {
      Route{.method = "POST", .path = "/alerts/shown", .access = Access::Model, .handler = post_shown},
  };
  return routes;
}

}  // namespace qc::console
