#include "qingchuan/user_text.h"

#include <array>
#include <boost/json.hpp>

#include "qingchuan/columns.h"

namespace qc::commands {
namespace {

namespace json = boost::json;

struct UserWords {
  bool zh;
  std::string operator()(const char* chinese, const char* english) const { return zh ? chinese : english; }
};

std::string user_minute_of(core::EventTime t) {
  return core::to_iso(t).substr(0, 16).replace(10, 1, " ");
}

std::string offices_joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& p : parts) text += (text.empty() ? "" : ", ") + p;
  return text;
}

std::string account_state_of(const console::AccountView& a, const UserWords& w) {
  if (a.disabled) return w("停用", "disabled");
  if (!a.has_password) return w("无密码", "no password");
  return a.change_password ? w("须改密码", "must change password") : w("正常", "enabled");
}

json::array roles_json(const std::vector<console::Grant>& grants) {
  json::array all;
  for (const console::Grant& g : grants)
    all.push_back({{"role", std::string(console::name(g.role))}, {"region", g.region}});
  return all;
}

}  // namespace

std::string roles_text(const std::vector<console::Grant>& grants) {
  std::string text;
  for (const console::Grant& g : grants) text += (text.empty() ? "" : " ") + std::string(name(g.role)) + "@" + g.region;
  return text.empty() ? "-" : text;
}

std::string refusal_text(console::Refused refused, Language language) {
  struct Text {
    const char* chinese;
    const char* english;
  };
  static constexpr std::array<Text, 16> kTexts = {{{"好", "fine"},
                                                   {"没有这个令牌", "there is no such token"},
                                                   {"已过期", "it is over"},
                                                   {"用户名或密码错误", "the name or the password is wrong"},
                                                   {"尝试过多，请稍候", "too many tries: wait"},
                                                   {"账户已停用", "the account is disabled"},
                                                   {"密码太弱", "the password is too weak"},
                                                   {"须先更改密码", "the password must be changed first"},
                                                   {"没有这个账户", "there is no such account"},
                                                   {"账户已存在", "the account is there already"},
                                                   {"账户已被他人更改", "the account was changed meanwhile"},
                                                   {"名称无效", "that can be no name"},
                                                   {"角色或地区无效", "that can be no role"},
                                                   {"这是最后一个管理员", "it is the last admin"},
                                                   {"超出限制", "beyond a limit"},
                                                   {"日志无法写入", "the log cannot be written"}}};
  const Text& text = kTexts.at(static_cast<std::size_t>(refused));
  return language == Language::Chinese ? text.chinese : text.english;
}

std::string to_text(const std::vector<console::AccountView>& accounts, Language language) {
  const UserWords w{language == Language::Chinese};
  if (accounts.empty()) return w("还没有账户\n", "there are no accounts yet\n");
  std::vector<std::vector<std::string>> rows = {{w("账户", "account"), w("姓名", "name"), w("角色", "roles"),
                                                 w("岗位", "offices"), w("状态", "state"), w("会话", "sessions"),
                                                 w("令牌", "tokens"), w("更改于", "changed"), w("更改人", "by")}};
  for (const console::AccountView& a : accounts) {
    rows.push_back({a.name, a.full_name, roles_text(a.grants), offices_joined(a.offices), account_state_of(a, w),
                    std::to_string(a.sessions), std::to_string(a.tokens), user_minute_of(a.changed), a.changed_by});
  }
  return table(rows, rows.front().size());
}

std::string to_text(const console::AccountView& a, const std::vector<console::TokenView>& tokens,
                    const std::vector<core::LedgerEntry>& history, Language language) {
  const UserWords w{language == Language::Chinese};
  std::string out =
      a.name + (a.full_name.empty() ? "" : " (" + a.full_name + ")") + "  " + account_state_of(a, w) + "\n";
  out += w("角色 ", "roles ") + roles_text(a.grants) + "\n";
  if (!a.offices.empty()) out += w("岗位 ", "offices ") + offices_joined(a.offices) + "\n";
  out += w("修订 ", "revision ") + std::to_string(a.revision) + ", " + user_minute_of(a.changed) + " " + a.changed_by +
         "\n";
  out += w("会话 ", "sessions ") + std::to_string(a.sessions) + "\n";
  if (!tokens.empty()) out += "\n" + to_text(tokens, language);
  if (!history.empty()) out += "\n" + w("台账\n", "ledger\n");
  for (const core::LedgerEntry& e : history) {
    out += "  " + user_minute_of(e.at) + "  " + e.who + "  " + e.what;
    if (!e.why.empty()) out += "  " + e.why;
    if (e.before != e.after) out += "  " + (e.before.empty() ? "" : e.before + " -> ") + e.after;
    out += "\n";
  }
  return out;
}

std::string to_text(const std::vector<console::TokenView>& tokens, Language language) {
  const UserWords w{language == Language::Chinese};
  if (tokens.empty()) return w("没有令牌\n", "there are no tokens\n");
  std::vector<std::vector<std::string>> rows = {
      {w("令牌", "token"), w("范围", "scope"), w("建于", "made"), w("到期", "until"), w("备注", "note")}};
  for (const console::TokenView& t : tokens)
    rows.push_back({t.id, roles_text(t.scope), user_minute_of(t.made), user_minute_of(t.expires), t.note});
  return table(rows, rows.front().size());
}

std::string to_json(const console::AccountView& a) {
  json::array offices;
  for (const std::string& o : a.offices) offices.emplace_back(o);
  const json::object o = {{"account", a.name},
                          {"full_name", a.full_name},
                          {"revision", a.revision},
                          {"roles", roles_json(a.grants)},
                          {"offices", std::move(offices)},
                          {"has_password", a.has_password},
                          {"change_password", a.change_password},
                          {"disabled", a.disabled},
                          {"changed", core::to_iso(a.changed)},
                          {"changed_by", a.changed_by},
                          {"sessions", a.sessions},
                          {"tokens", a.tokens}};
  return json::serialize(o) + "\n";
}

std::string to_json(const console::TokenView& t) {
  const json::object o = {{"id", t.id},     {"account", t.account},         {"scope", roles_json(t.scope)},
                          {"note", t.note}, {"made", core::to_iso(t.made)}, {"expires", core::to_iso(t.expires)}};
  return json::serialize(o) + "\n";
}

}  // namespace qc::commands
