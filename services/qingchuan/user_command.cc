// qingchuan user: accounts, their passwords and tokens, for whoever may write the log (docs/identity.md).
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>

#include "console/identity_secrets.h"
#include "qingchuan/alerts_book.h"
#include "qingchuan/command.h"
#include "qingchuan/measures.h"
#include "qingchuan/open_log.h"
#include "qingchuan/user_password.h"
#include "qingchuan/user_text.h"

namespace qc::commands {
namespace {

using console::Answered;
using console::Refused;

struct Options {
  Place place;
  std::string name;
  std::string id;
  std::string who;
  std::optional<std::string> full_name;
  std::vector<std::string> roles;
  std::vector<std::string> offices;
  bool no_roles = false;
  bool no_offices = false;
  std::int64_t revision = 0;
  std::int64_t days = 90;
  std::string note;
  bool from_stdin = false;
  bool one_time = false;
  std::string language = "zh";
  std::string format = "text";
};

Language language_of(const Options& o) {
  return o.language == "en" ? Language::English : Language::Chinese;
}

std::string who_of(const Options& o) {
  if (!o.who.empty()) return o.who;
  const char* user = std::getenv("USER");
  return user == nullptr || *user == '\0' ? "terminal" : user;
}

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

// A secret is shown this once.
void print_and_wipe(std::string& text) {
  print(text);
  std::fflush(stdout);
  console::wipe(text);
}

struct Open {
  OpenLog log;
  std::shared_ptr<const core::RuleSet> rules;  // nullptr: no configuration was found
  std::unique_ptr<console::Identity> identity;
};

Result<Open> open_identity(const Options& o) {
  auto opened = open_log(o.place);
  if (!opened) return tl::make_unexpected(opened.error());
  Open open{std::move(*opened), nullptr, nullptr};
  if (open.log.configured) {
    auto rules = rules_of(open.log.config);
    if (!rules) return tl::make_unexpected(rules.error());
    open.rules = std::make_shared<const core::RuleSet>(std::move(*rules));
  }
  console::IdentityOptions options;
  options.rules = [rules = open.rules] { return rules; };
  options.version = version();
  auto made = console::Identity::create(*open.log.log, std::move(options));
  if (!made) return tl::make_unexpected(made.error());
  open.identity = std::move(*made);
  if (auto read = open.identity->read_all(); !read) return tl::make_unexpected(read.error());
  return open;
}

// ROLE, which is everywhere, or ROLE@REGION.
Result<std::vector<console::Grant>> grants_of(const std::vector<std::string>& written, const Open& open) {
  std::vector<console::Grant> grants;
  for (const std::string& text : written) {
    const std::size_t at = text.find('@');
    const auto role = console::role_named(std::string_view(text).substr(0, at));
    if (!role)
      return fail(Errc::usage,
                  "--role " + text + ": viewer, operator, approver, dispatcher or admin, and behind \"@\" a region");
    const std::string place = at == std::string::npos ? std::string(console::kEverywhere) : text.substr(at + 1);
    if (place == console::kEverywhere) {
      grants.push_back({*role, place});
      continue;
    }
    if (open.rules == nullptr)
      return fail(Errc::usage, "--role " + text + ": which regions there are is told by the configuration: --config");
    auto region = find_region(*open.rules, place);
    if (!region) return tl::make_unexpected(region.error());
    grants.push_back({*role, std::move(*region)});
  }
  return grants;
}

template <class T>
int refused(const Answered<T>& answer, const Options& o) {
  std::fprintf(stderr, "qingchuan user: %s (%s): %s\n", refusal_text(answer.refused, language_of(o)).c_str(),
               std::string(console::name(answer.refused)).c_str(), answer.detail.c_str());
  return 1;
}

int tell_password(const Options& o, std::string password, const char* chinese, const char* english) {
  const bool zh = language_of(o) == Language::Chinese;
  std::string line = o.format == "json" ? "{\"account\":\"" + o.name + "\",\"password\":\"" + password +
                                              "\"}\n"  // neither needs escapes
                                        : o.name + ": " + (zh ? chinese : english) + " " + password + "\n";
  console::wipe(password);
  print_and_wipe(line);
  return 0;
}

int tell(const Options& o, const char* chinese, const char* english) {
  std::printf("%s: %s\n", o.name.c_str(), language_of(o) == Language::Chinese ? chinese : english);
  return 0;
}

Result<int> add(const Options& o) {
  auto open = open_identity(o);
  if (!open) return tl::make_unexpected(open.error());
  auto grants = grants_of(o.roles, *open);
  if (!grants) return tl::make_unexpected(grants.error());
  auto added =
      open->identity->add_account({o.name, std::nullopt, o.full_name, std::move(*grants), o.offices, false}, who_of(o));
  if (!added.ok()) return refused(added, o);
  return tell_password(o, std::move(added.value), "已建立，一次性密码 (首次登录须更改)",
                       "added; its password, to be changed at the first sign-in:");
}

Result<int> change(const Options& o, std::optional<bool> disabled) {
  auto open = open_identity(o);
  if (!open) return tl::make_unexpected(open.error());
  console::AccountChange wanted;
  wanted.name = o.name;
  if (o.revision > 0) wanted.expected_revision = o.revision;
  wanted.full_name = o.full_name;
  wanted.disabled = disabled;
  if (!o.roles.empty() || o.no_roles) {
    auto grants = grants_of(o.roles, *open);
    if (!grants) return tl::make_unexpected(grants.error());
    wanted.grants = std::move(*grants);
  }
  if (!o.offices.empty() || o.no_offices) wanted.offices = o.offices;
  if (!disabled && !wanted.full_name && !wanted.grants && !wanted.offices)
    return fail(Errc::usage, "what is to change? --full-name, --role, --no-roles, --office, --no-offices");
  const auto changed = open->identity->change_account(wanted, who_of(o));
  if (!changed.ok()) return refused(changed, o);
  print(o.format == "json" ? to_json(changed.value) : to_text(std::vector{changed.value}, language_of(o)));
  return 0;
}

Result<int> list(const Options& o) {
  auto open = open_identity(o);
  if (!open) return tl::make_unexpected(open.error());
  const auto accounts = open->identity->accounts();
  if (o.format == "text") {
    print(to_text(accounts, language_of(o)));
    return 0;
  }
  for (const console::AccountView& a : accounts) print(to_json(a));
  return 0;
}

Result<int> show(const Options& o) {
  auto open = open_identity(o);
  if (!open) return tl::make_unexpected(open.error());
  const auto account = open->identity->account(o.name);
  if (!account) return refused(Answered<int>{Refused::UnknownAccount, {}, o.name, 0}, o);
  if (o.format == "json") {
    print(to_json(*account));
    return 0;
  }
  const auto history = read_history(*open->log.log, "account/" + o.name);
  if (!history) return tl::make_unexpected(history.error());
  print(to_text(*account, open->identity->tokens(o.name), *history, language_of(o)));
  return 0;
}

Result<int> password(const Options& o) {
  if (o.from_stdin && o.one_time) return fail(Errc::usage, "--stdin or --one-time, not both");
  auto open = open_identity(o);
  if (!open) return tl::make_unexpected(open.error());
  if (!open->identity->account(o.name)) return refused(Answered<int>{Refused::UnknownAccount, {}, o.name, 0}, o);
  if (o.one_time) {
    auto reset = open->identity->reset_password(o.name, who_of(o));
    if (!reset.ok()) return refused(reset, o);
    return tell_password(o, std::move(reset.value), "一次性密码 (登录后须更改)",
                         "its password, to be changed at the next sign-in:");
  }
  auto typed = o.from_stdin ? password_line() : typed_password(language_of(o));
  if (!typed) return tl::make_unexpected(typed.error());
  const auto set = open->identity->set_password(o.name, *typed, who_of(o));
  console::wipe(*typed);
  if (!set.ok()) return refused(set, o);
  return tell(o, "密码已更改，会话与令牌已结束", "the password is changed, sessions and tokens are ended");
}

Result<int> make_token(const Options& o) {
  auto open = open_identity(o);
  if (!open) return tl::make_unexpected(open.error());
  auto scope = grants_of(o.roles, *open);
  if (!scope) return tl::make_unexpected(scope.error());
  auto made = open->identity->make_token(o.name, o.note, *scope, std::chrono::hours(24 * o.days), who_of(o));
  if (!made.ok()) return refused(made, o);
  const console::TokenView& token = made.value.token;
  std::string text;
  if (o.format == "json") {
    text = to_json(token);
    text.insert(text.rfind('}'), ",\"token\":\"" + made.value.secret + "\"");
  } else {
    text = (language_of(o) == Language::Chinese ? "令牌 (只显示这一次): " : "token (shown this once): ") +
           made.value.secret + "\n" + to_text(std::vector{token}, language_of(o));
  }
  console::wipe(made.value.secret);
  print_and_wipe(text);
  return 0;
}

Result<int> list_tokens(const Options& o) {
  auto open = open_identity(o);
  if (!open) return tl::make_unexpected(open.error());
  if (!open->identity->account(o.name)) return refused(Answered<int>{Refused::UnknownAccount, {}, o.name, 0}, o);
  const auto tokens = open->identity->tokens(o.name);
  if (o.format == "text") {
    print(to_text(tokens, language_of(o)));
    return 0;
  }
  for (const console::TokenView& t : tokens) print(to_json(t));
  return 0;
}

Result<int> revoke(const Options& o) {
  auto open = open_identity(o);
  if (!open) return tl::make_unexpected(open.error());
  const auto done = open->identity->revoke_token(o.name, o.id, who_of(o));
  return done.ok() ? tell(o, "令牌已撤销", "the token is revoked") : refused(done, o);
}

Result<int> end_sessions(const Options& o) {
  auto open = open_identity(o);
  if (!open) return tl::make_unexpected(open.error());
  const auto done = open->identity->end_sessions(o.name, who_of(o));
  return done.ok() ? tell(o, "会话与令牌已结束", "sessions and tokens are ended") : refused(done, o);
}

}  // namespace

Command make_user_command(CLI::App& app) {
  auto o = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("user", "Accounts: who may sign in to the console and its API, and as what");
  command->require_subcommand(1);
  command->footer("No password is ever an argument: those of others would see it in the list of processes.");

  using Run = std::function<Result<int>()>;
  auto runs = std::make_shared<std::vector<std::pair<CLI::App*, Run>>>();
  const auto sub = [&](const char* name, const char* help, bool of_one, Run run) {
    CLI::App* c = command->add_subcommand(name, help);
    if (of_one) c->add_option("NAME", o->name, "The account")->required();
    add_place_options(*c, o->place);
    c->add_option("--lang", o->language, "zh or en")->check(CLI::IsMember({"zh", "en"}))->capture_default_str();
    c->add_option("--format", o->format, "text or json")->check(CLI::IsMember({"text", "json"}))->capture_default_str();
    runs->emplace_back(c, std::move(run));
    return c;
  };
  const auto changing = [&](const char* name, const char* help, Run run) {
    CLI::App* c = sub(name, help, true, std::move(run));
    c->add_option("--who", o->who, "Who does it, for the ledger (default: $USER)");
    return c;
  };
  const auto described = [&](CLI::App* c) {
    c->add_option("--full-name", o->full_name, "Of the person");
    auto* roles = c->add_option("--role", o->roles,
                                "ROLE or ROLE@REGION, again for more: viewer, operator, approver, "
                                "dispatcher, admin")
                      ->take_all();
    auto* offices = c->add_option("--office", o->offices, "As which of the rules' approvers it decides; again for more")
                        ->take_all();
    return std::pair(roles, offices);
  };
  described(changing("add", "Add an account; prints a password that must be changed at the first sign-in",
                     [o] { return add(*o); }));
  CLI::App* changes = changing("change", "Change an account; what is not named stays", [o] { return change(*o, {}); });
  const auto replaced = described(changes);
  changes->add_flag("--no-roles", o->no_roles, "It has none any more")->excludes(replaced.first);
  changes->add_flag("--no-offices", o->no_offices, "Likewise")->excludes(replaced.second);
  changes->add_option("--revision", o->revision, "Only if the account still has this one")->check(CLI::PositiveNumber);
  changing("disable", "Nobody signs in with it; its sessions and tokens end", [o] { return change(*o, true); });
  changing("enable", "Again", [o] { return change(*o, false); });
  sub("list", "All accounts", false, [o] { return list(*o); });
  sub("show", "One account with its tokens and its history", true, [o] { return show(*o); });
  CLI::App* passwords =
      changing("password", "A new password, typed twice; ends its sessions and tokens", [o] { return password(*o); });
  passwords->add_flag("--stdin", o->from_stdin, "Read it from standard input, one line");
  passwords->add_flag("--one-time", o->one_time, "Make and print one that must be changed at the next sign-in");
  CLI::App* token = changing("token", "A token for programs; prints it, this once", [o] { return make_token(*o); });
  token->add_option("--role", o->roles, "What it may, at most what the account may (default: all of that but admin)")
      ->take_all();
  token->add_option("--days", o->days, "How long")->check(CLI::Range(1, 366))->capture_default_str();
  token->add_option("--note", o->note, "For what it is");
  sub("tokens", "The tokens of an account", true, [o] { return list_tokens(*o); });
  changing("revoke", "End a token", [o] { return revoke(*o); })->add_option("ID", o->id, "Of the token")->required();
  changing("sessions-end", "End all sessions and tokens of an account", [o] { return end_sessions(*o); });

  return {command, [o, runs]() -> Result<int> {
            for (const auto& [c, run] : *runs) {
              if (c->parsed()) return run();
            }
            return 2;
          }};
}

}  // namespace qc::commands
