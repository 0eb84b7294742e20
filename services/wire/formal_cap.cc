#include "wire/formal_cap.h"

#include <algorithm>
#include <pugixml.hpp>
#include <utility>

#include "core/measures.h"

namespace qc::wire {
namespace {

// The day that tags are counted from (RFC 4151); it never changes.
constexpr const char* kTagDate = "2026-01-01";
// Measures of several regions together leave room for what else a message says.
constexpr std::size_t kMeasuresBytesMax = kCapTextBytesMax / 2;

CapStatus status_of(core::FormalStatus s) {
  return s == core::FormalStatus::Actual  ? CapStatus::Actual
         : s == core::FormalStatus::Draft ? CapStatus::Draft
                                          : CapStatus::Exercise;
}

CapType type_of(core::FormalType t) {
  return t == core::FormalType::Alert    ? CapType::Alert
         : t == core::FormalType::Update ? CapType::Update
                                         : CapType::Cancel;
}

CapText level_words(int level) {
  return level == 1 ? CapText{"黄色", "yellow"} : level == 2 ? CapText{"橙色", "orange"} : CapText{"红色", "red"};
}

CapText basis_words(core::Basis basis) {
  switch (basis) {
    case core::Basis::Forecasted:
      return {"预报", "the forecast"};
    case core::Basis::Both:
      return {"实况与预报", "observation and forecast"};
    default:
      return {"实况", "observation"};
  }
}

CapText evidence_of(const core::Signal& condition, const core::FormalWarning& w) {
  const core::FormalMessage& m = w.message;
  if (m.type == core::FormalType::Cancel) {
    CapText text{"解除条件已满足。", "The conditions of lifting are met."};
    if (m.status == core::FormalStatus::Actual && !w.lifted.reason.empty()) {
      text.zh += w.lifted.reason;
      text.en += " " + w.lifted.reason;
    }
    return text;
  }
  const CapText basis = basis_words(m.basis);
  const CapText level = level_words(m.level);
  const bool actual = m.status == core::FormalStatus::Actual;
  const std::string& criteria = actual ? w.issued.approved.criteria : w.proposed.criteria;
  CapText text{basis.zh + "达到" + level.zh + "预警条件",
               "By " + basis.en + " the conditions of the " + level.en + " warning are met"};
  if (!criteria.empty()) {
    text.zh += "（标准 " + criteria + "）";
    text.en += " (criteria " + criteria + ")";
  }
  text.zh += "。" + condition.clause;
  text.en += ". " + condition.clause;
  return text;
}

// The regions that it is for: of a group its members.
std::vector<std::string> regions_of(const std::string& subject, const core::RuleSet* rules) {
  if (rules == nullptr) return {subject};
  const auto region = rules->regions.find(subject);
  return region == rules->regions.end() || region->second.members.empty() ? std::vector{subject}
                                                                          : region->second.members;
}

void add_measures(const core::RuleSet& rules, const std::string& region, const core::FormalMessage& m, CapText& out) {
  const auto due = core::measures_due(rules, region, static_cast<core::EmergencyLevel>(m.level), m.effective);
  if (!due) return;
  const CapText text = measures_text(rules, *due);
  const auto add = [](std::string& to, const std::string& what) {
    if (what.empty() || to.size() + what.size() > kMeasuresBytesMax) return;
    to += (to.empty() ? "" : "\n") + what;
  };
  add(out.zh, text.zh);
  add(out.en, text.en);
}

std::string tag_of(const std::string& sender, std::string_view what) {
  return "tag:" + sender + "," + kTagDate + ":" + std::string(what);
}

void put(pugi::xml_node parent, const char* name, const std::string& text) {
  parent.append_child(name).text().set(text.c_str());
}

std::string text_of(const pugi::xml_node& node, unsigned flags) {
  struct Writer final : pugi::xml_writer {
    std::string out;
    void write(const void* data, std::size_t size) override { out.append(static_cast<const char*>(data), size); }
  } writer;
  node.print(writer, "  ", flags, pugi::encoding_utf8, 1);
  return std::move(writer.out);
}

}  // namespace

std::string formal_cap_id(const core::AlertKey& key, std::int64_t number) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string id;
  for (const char c : key.rule + "-" + key.subject) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    const auto byte = static_cast<unsigned char>(c);
    if (plain) {
      id += c;
    } else {
      id += {'~', kDigits[byte >> 4U], kDigits[byte & 15U]};
    }
  }
  return id + "-" + std::to_string(number);
}

CapMessage formal_cap(const core::AlertKey& key, const core::Signal& condition, const core::FormalWarning& formal,
                      const CapSender& sender, const core::RuleSet* rules) {
  const core::FormalMessage& m = formal.message;
  CapMessage out;
  out.identifier = formal_cap_id(key, m.number);
  out.sender = sender.id;
  out.sent = m.sent;
  out.status = status_of(m.status);
  out.type = type_of(m.type);
  out.approver = m.approver;
  if (m.follows.number > 0) out.references = {{sender.id, formal_cap_id(key, m.follows.number), m.follows.sent}};
  out.level = static_cast<core::EmergencyLevel>(m.level);
  out.forecast = m.basis == core::Basis::Forecasted;
  out.effective = m.effective;
  out.sender_name = sender.name;
  out.evidence = evidence_of(condition, formal);
  for (const std::string& region : regions_of(key.subject, rules)) {
    if (rules == nullptr || !rules->regions.contains(region)) {
      out.areas.push_back({region, {}, {}});
      continue;
    }
    out.areas.push_back(cap_area(*rules, region));
    if (m.type != core::FormalType::Cancel) add_measures(*rules, region, m, out.measures);
  }
  return out;
}

std::string cap_file_name(const CapMessage& message) {
  std::string name;
  for (const char c : core::to_iso(message.sent).substr(0, 19)) {
    if (c != '-' && c != ':') name += c;
  }
  return name + "-" + message.identifier + ".xml";
}

std::string atom_entry(const CapMessage& message, std::string_view link) {
  constexpr const char* kTypes[] = {"Alert", "Update", "Cancel"};
  pugi::xml_document document;
  pugi::xml_node entry = document.append_child("entry");
  put(entry, "id", tag_of(message.sender, message.identifier));
  put(entry, "title", cap_headline(message, true));
  put(entry, "published", core::to_iso(message.sent));
  put(entry, "updated", core::to_iso(message.sent));
  put(entry.append_child("author"), "name", message.sender_name.zh);
  const bool actual = message.status == CapStatus::Actual;
  entry.append_child("category").append_attribute("term") = actual ? "Actual" : "Exercise";
  entry.append_child("category").append_attribute("term") = kTypes[static_cast<std::size_t>(message.type)];
  pugi::xml_node to = entry.append_child("link");
  to.append_attribute("rel") = "alternate";
  to.append_attribute("type") = "application/cap+xml";
  to.append_attribute("href") = std::string(link).c_str();
  put(entry, "summary", message.evidence.zh);
  return text_of(entry, pugi::format_indent);
}

std::string atom_feed(const CapSender& sender, core::EventTime updated, std::string_view link,
                      std::span<const std::string> entries) {
  pugi::xml_document head;
  pugi::xml_node feed = head.append_child("feed");
  put(feed, "id", tag_of(sender.id, "warnings"));
  put(feed, "title", sender.name.zh + " 重污染天气预警");
  put(feed, "updated", core::to_iso(updated));
  put(feed.append_child("author"), "name", sender.name.zh);
  pugi::xml_node self = feed.append_child("link");
  self.append_attribute("rel") = "self";
  self.append_attribute("href") = std::string(link).c_str();
  std::string text =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"zh-CN\">\n";
  for (const pugi::xml_node& child : feed.children()) text += text_of(child, pugi::format_indent);
  for (const std::string& entry : entries) text += entry;
  return text + "</feed>\n";
}

}  // namespace qc::wire
