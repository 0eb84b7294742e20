// Warnings that were issued, as CAP 1.2 messages and an Atom feed of them (wire/formal_cap.h). Drafts are in neither:
// what nobody has decided is not for others.
#include <algorithm>
#include <array>
#include <cctype>

#include "console/api_call.h"
#include "wire/formal_cap.h"

namespace qc::console {
namespace {

constexpr std::size_t kCapEntriesMax = 200;

struct IssuedWarning {
  core::AlertKey key;
  core::Signal condition;
  core::FormalWarning formal;
};

// The newest first.
std::vector<IssuedWarning> issued_warnings(const Call& call) {
  std::vector<IssuedWarning> out;
  call.api.parts.model.read([&](const Tables& t) {
    for (const char* rule : {core::kWarningRule, core::kJointWarningRule}) {
      const std::string prefix = std::string(rule) + "/";
      for (auto it = t.alerts.lower_bound(prefix); it != t.alerts.end() && it->first.starts_with(prefix); ++it) {
        const core::Alert& a = it->second.alert;
        const core::FormalMessage& message = a.formal.message;
        if (message.number <= 0 || message.status == core::FormalStatus::Draft) continue;
        if (call.sight.sees(a.condition.region)) out.push_back({a.key, a.condition, a.formal});
      }
    }
  });
  std::stable_sort(out.begin(), out.end(), [](const IssuedWarning& a, const IssuedWarning& b) {
    return a.formal.message.sent > b.formal.message.sent;
  });
  if (out.size() > kCapEntriesMax) out.resize(kCapEntriesMax);
  return out;
}

wire::CapMessage message_of(const Call& call, const IssuedWarning& w) {
  const wire::CapSender sender{call.api.options.cap_sender, {call.api.options.cap_sender_name, {}}};
  return wire::formal_cap(w.key, w.condition, w.formal, sender, call.rules());
}

// "https://host:8440", as the caller reached us; empty where what it says is no host.
std::string base_address(const Call& call) {
  const std::string_view host = call.request.header("host");
  const bool fine = !host.empty() && host.size() <= 255 && std::all_of(host.begin(), host.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '-' || c == ':' || c == '[' || c == ']';
  });
  if (!fine) return {};
  return (call.request.tls || call.api.options.secure_cookies ? "https://" : "http://") + std::string(host);
}

Answer get_cap_feed(Call& call) {
  const std::string base = base_address(call) + std::string(kApiRoot) + "/cap/";
  std::vector<std::string> entries;
  core::EventTime updated{};
  for (const IssuedWarning& w : issued_warnings(call)) {
    const wire::CapMessage message = message_of(call, w);
    updated = std::max(updated, message.sent);
    entries.push_back(wire::atom_entry(message, base + message.identifier + ".xml"));
  }
  if (entries.empty()) {  // nothing is out as of the log's now
    const core::EventTime now = call.api.parts.model.read([](const Tables& t) { return t.now; });
    updated = std::max(updated, now);
  }
  const wire::CapSender sender{call.api.options.cap_sender, {call.api.options.cap_sender_name, {}}};
  return text_answer("application/atom+xml", wire::atom_feed(sender, updated, base + "warnings.atom", entries));
}

Answer get_cap_message(Call& call) {
  for (const IssuedWarning& w : issued_warnings(call)) {
    if (wire::formal_cap_id(w.key, w.formal.message.number) != call.parts[0]) continue;
    auto text = wire::encode_cap(message_of(call, w));
    if (!text) return error_problem(text.error());
    return text_answer("application/cap+xml", std::move(*text));
  }
  return not_found("message");
}

}  // namespace

std::span<const Route> cap_routes() {
  static const std::array<Route, 2> routes = {
      Route{.method = "GET", .path = "/cap/warnings.atom", .access = Access::Model, .handler = get_cap_feed},
      Route{.method = "GET", .path = "/cap/{id}.xml", .access = Access::Model, .handler = get_cap_message},
  };
  return routes;
}

}  // namespace qc::console
