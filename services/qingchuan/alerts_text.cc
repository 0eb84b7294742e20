// The alerts of a log for people: a table, one alert with its history, JSON.
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <array>

#include "qingchuan/alerts_book.h"
#include "qingchuan/columns.h"
#include "qingchuan/signal_text.h"
#include "qingchuan/v1/alert.pb.h"

namespace qc::commands {
namespace {

namespace v1 = ::qingchuan::v1;

struct Words {
  bool zh;
  std::string operator()(const char* chinese, const char* english) const { return zh ? chinese : english; }
};

std::string clock_of(core::EventTime t) {
  return core::to_iso(t).substr(0, 16).replace(10, 1, " ");
}

std::string place_name(const AlertBook& book, const std::string& id, bool zh) {
  if (book.rules == nullptr) return id;
  const auto site = book.rules->sites.find(id);
  if (site != book.rules->sites.end()) return site->second.name;
  const auto region = book.rules->regions.find(id);
  if (region == book.rules->regions.end()) return id;
  return zh || region->second.name_en.empty() ? region->second.name : region->second.name_en;
}

std::string value_of(const core::Signal& s, const Words& w) {
  // Several regions together have no value of their own.
  if (!s.covers.empty() || s.rule == core::kJointWarningRule)
    return std::to_string(s.covers.size()) + w(" 地", " regions");
  const auto text = [&s](core::Concentration c) { return signal_value_text(c.pg, s.limit.pg, s.factor, s.unit); };
  return text(s.value) + (s.value > s.limit ? " > " : " <= ") + text(s.limit);
}

// Of now and, where that is lower, what somebody must still see to: "1 (3)".
std::string level_of(const core::Alert& a) {
  const int level = a.condition.level;
  return std::to_string(level) + (a.owed > level ? " (" + std::to_string(a.owed) + ")" : "");
}

// What a person must know beside the condition.
std::string marks_of(const core::Alert& a, const Words& w) {
  std::string out;
  const auto add = [&out](const std::string& mark) { out += (out.empty() ? "" : " ") + mark; };
  if (a.escalated) add(w("已升级", "escalated"));
  if (a.out_of_service.on) add(w("停用", "out-of-service"));
  if (!a.maintenance.empty()) add(w("检修", "maintenance"));
  if (a.shelf.on) add(w("搁置", "shelved"));
  if (!a.inhibited_by.empty()) add(w("被覆盖", "inhibited"));
  if (a.flapping) add(w("频繁", "flapping"));
  if (!a.fold.empty()) add(w("折叠", "folded"));
  if (!a.notes.empty()) add(w("备注", "notes") + std::to_string(a.notes.size()));
  return out;
}

std::string response_of(const core::Alert& a, const Words& w) {
  std::string out = a.response == core::Response::Acked ? w("已确认 ", "acked ") + a.acked_by : w("未确认", "unacked");
  if (!a.assignee.empty()) out += w(" 交 ", " to ") + a.assignee;
  return out;
}

constexpr std::size_t kHistoryShown = 30;
constexpr const char* kBetween = "; ";

constexpr std::array<std::pair<core::Refusal, std::string_view>, core::kRefusals> kRefusalsZh = {{
    {core::Refusal::None, "已接受"},
    {core::Refusal::IdMissing, "命令无编号"},
    {core::Refusal::WhoMissing, "未说明由谁操作"},
    {core::Refusal::TooLong, "文字过长"},
    {core::Refusal::NoTime, "尚无时间记录"},
    {core::Refusal::UnknownAlert, "没有这个报警"},
    {core::Refusal::StaleRevision, "报警已有更新"},
    {core::Refusal::NotListed, "报警已结束"},
    {core::Refusal::AlreadyAcked, "已被确认"},
    {core::Refusal::ReasonMissing, "须写明理由"},
    {core::Refusal::PastUntil, "时间已过"},
    {core::Refusal::BeyondLimit, "超过最长时限"},
    {core::Refusal::LevelBreaks, "此级别不可搁置"},
    {core::Refusal::NotShelved, "未被搁置"},
    {core::Refusal::NotOutOfService, "未被停用"},
    {core::Refusal::ConditionStands, "情况仍在持续"},
    {core::Refusal::NotesFull, "备注已满"},
    {core::Refusal::NotApprover, "该角色无权"},
    {core::Refusal::NothingProposed, "没有待批的预警"},
    {core::Refusal::OtherLevel, "待批的是另一级别"},
    {core::Refusal::AlreadyApproved, "已经批准"},
    {core::Refusal::NotApproved, "尚未批准"},
    {core::Refusal::NotIssued, "尚未发布"},
    {core::Refusal::NotPlanned, "没有检修计划"},
}};

std::string formal_text(const core::FormalWarning& f, Language language) {
  const Words w{language == Language::Chinese};
  const auto level = [&](int l) { return std::string(warning_level_word(l, language)); };
  std::string out;
  const auto add = [&out](const std::string& part) { out += (out.empty() ? "" : kBetween) + part; };
  if (f.in_force()) {
    add(level(f.issued.level) + w("已发布 ", " issued ") + clock_of(f.issued.at) + w(", 批准: ", ", approved by ") +
        f.issued.approved.by + " (" + f.issued.approved.role + ")" + w(", 发布: ", ", issued by ") + f.issued.by);
  } else if (f.issued.level > 0 && f.issued.exercise) {
    add(level(f.issued.level) + w("演练 ", " exercise ") + clock_of(f.issued.at));
  } else if (!f.lifted.by.empty()) {
    add(level(f.issued.level) + w("已解除 ", " lifted ") + clock_of(f.lifted.at) + ", " + f.lifted.by + " (" +
        f.lifted.role + "): " + f.lifted.reason);
  }
  if (f.approved.level > 0) {
    add(level(f.approved.level) + w("已批准待发布: ", " approved, to be issued: ") + f.approved.by + " (" +
        f.approved.role + ")");
  } else if (f.is_candidate()) {
    add(level(f.proposed.level) + w("待批 自 ", " to be approved, since ") + clock_of(f.proposed.at) + ", " +
        std::string(basis_word(static_cast<int>(f.proposed.basis), language)) + ", " + f.proposed.criteria);
  } else if (f.in_force() && f.proposed.level == 0) {
    add(w("可解除 自 ", "to be lifted, since ") + clock_of(f.proposed.at));
  }
  if (f.proposed.escalated) add(w("逾期未决", "undecided for too long"));
  return out;
}

}  // namespace

std::string_view refusal_word(core::Refusal refusal, Language language) {
  if (language == Language::English) return name(refusal);
  const auto it =
      std::find_if(kRefusalsZh.begin(), kRefusalsZh.end(), [&](const auto& r) { return r.first == refusal; });
  return it == kRefusalsZh.end() ? name(refusal) : it->second;
}

std::string to_text(const AlertBook& book, Language language) {
  const Words w{language == Language::Chinese};
  std::vector<std::vector<std::string>> rows = {{w("级", "level"), w("报警", "alert"), w("对象", "where"),
                                                 w("因子", "factor"), w("状态", "state"), w("值", "value"),
                                                 w("始于", "since"), w("处置", "response"), w("标记", "marks"),
                                                 w("修订", "rev"), w("编号", "key")}};
  const auto listed = book.listed();
  std::size_t unacked = 0;
  for (const core::Alert* a : listed) {
    const core::Signal& s = a->condition;
    unacked += a->response == core::Response::Unacked && !a->suppressed;
    rows.push_back({level_of(*a), std::string(rule_word(a->key.rule, language)), place_name(book, a->key.subject, w.zh),
                    std::string(core::name(a->key.factor)),
                    std::string(state_word(static_cast<int>(s.state), language)), value_of(s, w), clock_of(s.began),
                    response_of(*a, w), marks_of(*a, w), std::to_string(a->revision), text(a->key)});
  }
  const std::string head = std::to_string(listed.size()) +
                           w(" 个报警, 待确认 ", listed.size() == 1 ? " alert, " : " alerts, ") +
                           std::to_string(unacked) + w("\n", " to acknowledge\n");
  std::string out = head + (listed.empty() ? "" : table(rows, rows.front().size()));
  for (const auto& [id, row] : book.rows) {
    out += w("洪泛折叠 ", "folded by the flood: ") + place_name(book, row.region, w.zh) + " " +
           std::string(core::name(row.factor)) + w(": ", ": ") + std::to_string(row.alerts) + w(" 个", "") + "\n";
  }
  for (const auto& [subject, m] : book.maintenance) {
    if (!m.open) continue;
    out += w("检修 ", "maintenance ") + place_name(book, subject, w.zh) + " (" + subject + ") " + clock_of(m.from) +
           w(" 至 ", " until ") + clock_of(m.until) + ", " + m.who + ": " + m.reason + "\n";
  }
  return out;
}

std::string to_text(const AlertBook& book, const core::Alert& a, const std::vector<core::LedgerEntry>& history,
                    Language language, bool all) {
  const Words w{language == Language::Chinese};
  const core::Signal& s = a.condition;
  std::string out = text(a.key) + w("  修订 ", "  revision ") + std::to_string(a.revision) + "\n";
  const auto line = [&out](const std::string& what, const std::string& value) {
    if (!value.empty()) out += "  " + pad_right(what, 12) + value + "\n";
  };
  line(w("对象", "where"),
       place_name(book, s.subject, w.zh) + " (" + s.subject + "), " + place_name(book, s.region, w.zh));
  line(w("报警", "alert"), std::string(rule_word(s.rule, language)) + " " + std::string(core::name(s.factor)));
  line(w("状态", "state"), std::string(state_word(static_cast<int>(s.state), language)) + ", " +
                               std::to_string(s.level) + w(" 级", " of 3") + w(", 始于 ", ", since ") +
                               clock_of(s.began) + (a.listed ? "" : w(", 已结束", ", over")));
  line(w("值", "value"), value_of(s, w) + " (" + std::to_string(s.count) + "/" + std::to_string(s.expected) + ")");
  line(w("依据", "clause"), s.clause);
  line(w("原因", "reason"), s.reason);
  line(w("规则", "rules"), a.source.rules + ", readings-" + std::to_string(a.source.partition) + "@" +
                               std::to_string(s.origin.first_offset) + ".." + std::to_string(s.origin.offset));
  line(w("处置", "response"), response_of(a, w) + (a.comment.empty() ? "" : ": " + a.comment));
  line(w("标记", "marks"), marks_of(a, w));
  if (a.shelf.on) {
    line(w("搁置", "shelf"), (a.shelf.until ? w("至 ", "until ") + clock_of(*a.shelf.until) : w("本次", "this once")) +
                                 ", " + a.shelf.who + ": " + a.shelf.reason);
  }
  if (a.out_of_service.on) {
    line(w("停用", "out"), w("至 ", "until ") + clock_of(a.out_of_service.until) + ", " + a.out_of_service.who + ": " +
                               a.out_of_service.reason);
  }
  line(w("检修", "maintenance"), a.maintenance);
  line(w("首发", "first out"), a.first_out);
  line(w("被覆盖", "inhibited"), a.inhibited_by);
  if (a.formal.message.number > 0) line(w("正式预警", "warning"), formal_text(a.formal, language));
  for (const core::AlertNote& n : a.notes) line(w("备注", "note"), clock_of(n.at) + " " + n.who + ": " + n.text);
  if (history.empty()) return out;
  const std::size_t skipped = all || history.size() <= kHistoryShown ? 0 : history.size() - kHistoryShown;
  out += w("历史", "history");
  if (skipped > 0) out += w(" (更早的 ", " (") + std::to_string(skipped) + w(" 条: --all)", " earlier ones: --all)");
  out += "\n";
  for (std::size_t i = skipped; i < history.size(); ++i) {
    const core::LedgerEntry& e = history[i];
    out += "  " + clock_of(e.at) + "  " + pad_right(e.who, 12) + e.what + (e.why.empty() ? "" : " (" + e.why + ")") +
           "  -> " + e.after + "\n";
  }
  return out;
}

std::string to_json(const AlertBook& book, const std::vector<const core::Alert*>& alerts) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string out;
  for (const core::Alert* a : alerts) {
    const auto it = book.alerts.find(text(a->key));
    v1::AlertRecord record;
    std::string json;
    if (it == book.alerts.end() || !record.ParseFromString(it->second.bytes)) continue;
    if (google::protobuf::util::MessageToJsonString(record.alert(), &json, options).ok()) out += json + "\n";
  }
  return out;
}

}  // namespace qc::commands
