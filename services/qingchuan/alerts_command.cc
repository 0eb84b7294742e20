// qingchuan alerts: the service, and what people do with alerts: list, show, acknowledge, shelve ...
#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>

#include "platform/clock.h"
#include "platform/log.h"
#include "platform/shutdown.h"
#include "platform/yaml_value.h"
#include "qingchuan/alerts_book.h"
#include "qingchuan/alerts_options.h"
#include "qingchuan/alerts_out.h"
#include "qingchuan/alerts_send.h"
#include "qingchuan/command.h"
#include "qingchuan/measures.h"
#include "qingchuan/open_log.h"
#include "qingchuan/service_host.h"

namespace qc::commands {
namespace {

struct Options {
  Place place;
  // The service.
  bool until_end = false;
  std::string listen;
  // People.
  std::string alert;
  std::string who;
  std::string text;
  std::string from;
  std::string until;
  std::string duration;
  std::string level;
  std::string role;
  std::string id;
  std::int64_t revision = 0;
  int wait_s = 10;
  std::string language = "zh";
  std::string format = "text";
  bool all = false;
  bool once = false;
};

Language language_of(const Options& o) {
  return o.language == "en" ? Language::English : Language::Chinese;
}

Result<int> serve_alerts(const Options& o) {
  platform::Shutdown shutdown;
  platform::Metrics metrics(version());
  auto opened = open_log(o.place, {.joins = true, .metrics = &metrics.registry()});
  if (!opened) return tl::make_unexpected(opened.error());
  auto options = alerts_options(*opened);
  if (!options) return tl::make_unexpected(options.error());
  options->until_end = o.until_end;
  auto made = alerts::Alerts::create(*opened->log, rules_for_alerts(*opened->rules), *options, metrics.registry());
  if (!made) return tl::make_unexpected(made.error());
  alerts::Alerts& service = **made;
  // A run to the end makes alerts and sends none.
  auto made_outlets = o.until_end ? alerts::Outlets::create(*opened->log, {}, {}, {}, metrics.registry())
                                  : make_outlets(*opened, metrics.registry());
  if (!made_outlets) return tl::make_unexpected(made_outlets.error());
  alerts::Outlets& outlets = **made_outlets;
  std::unique_ptr<platform::WebServer> page;
  if (!o.until_end || !o.listen.empty()) {
    platform::Endpoints endpoints;
    endpoints.title = "qingchuan alerts " + version();
    endpoints.unready = [&service, &outlets] {
      std::vector<std::string> reasons = service.unready();
      for (std::string& reason : outlets.unready()) reasons.push_back(std::move(reason));
      return reasons;
    };
    auto served = serve(opened->config.system, o.listen, metrics, std::move(endpoints));
    if (!served) return tl::make_unexpected(served.error());
    page = std::move(*served);
    platform::log_info("page", {{"address", page->address()}});
  }
  platform::log_info("alerts started", {{"log", opened->where}, {"until_end", o.until_end}});
  if (auto ended = run_with_outlets(service, outlets, shutdown.token()); !ended)
    return tl::make_unexpected(ended.error());
  platform::log_info("alerts ended", {{"reason", shutdown.stopping() ? "asked to stop" : "end of input"}});
  return shutdown.stopping() && o.until_end ? 130 : 0;
}

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

struct Opened {
  OpenLog log;
  AlertBook book;
};

Result<Opened> open_book(const Options& o) {
  auto opened = open_log(o.place);
  if (!opened) return tl::make_unexpected(opened.error());
  auto book = read_alerts(*opened->log, *opened->rules);
  if (!book) return tl::make_unexpected(book.error());
  return Opened{std::move(*opened), std::move(*book)};
}

Result<int> list(const Options& o) {
  auto opened = open_book(o);
  if (!opened) return tl::make_unexpected(opened.error());
  const AlertBook& book = opened->book;
  if (o.format == "text") {
    print(to_text(book, language_of(o)));
    return 0;
  }
  std::vector<const core::Alert*> alerts = book.listed();
  if (o.all) {
    alerts.clear();
    for (const auto& [key, a] : book.alerts) alerts.push_back(&a.alert);
  }
  print(to_json(book, alerts));
  return 0;
}

Result<int> show(const Options& o) {
  auto opened = open_book(o);
  if (!opened) return tl::make_unexpected(opened.error());
  const auto alert = opened->book.find(o.alert);
  if (!alert) return tl::make_unexpected(alert.error());
  if (o.format == "json") {
    print(to_json(opened->book, {*alert}));
    return 0;
  }
  const auto history = read_history(*opened->log.log, text((*alert)->key));
  if (!history) return tl::make_unexpected(history.error());
  print(to_text(opened->book, **alert, *history, language_of(o), o.all));
  return 0;
}

// The end of a shelf: an instant, or a duration from the log's now, which is the alert's last change at least.
Result<core::EventTime> until_of(const Options& o, OpenLog& log, const core::Alert& alert) {
  if (!o.until.empty()) {
    const auto time = core::parse_iso(o.until);
    if (!time) return fail(Errc::usage, "--until " + o.until + " is not ISO 8601: 2026-11-27T08:00");
    return *time;
  }
  const auto duration = platform::parse_duration(o.duration);
  if (!duration) return fail(Errc::usage, "--for " + o.duration + ": a duration as 30min or 8h expected");
  const auto timeline = log.rules->timeline();
  if (!timeline) return tl::make_unexpected(timeline.error());
  const core::EventTime now =
      *timeline == core::Timeline::Fed ? alert.change.at : core::event_time(platform::system_clock().wall_ms());
  return now + core::Duration(*duration);
}

using What = decltype(core::AlertCommand::what);

// The command is sent, and what came of it said. 0: accepted, 1: refused, 3: not answered in time.
Result<int> send(const Options& o, Opened& opened, core::AlertCommand command, const std::string& root) {
  platform::Shutdown shutdown;
  command.id = o.id.empty() ? new_command_id() : o.id;
  command.who = o.who;
  if (o.revision > 0) command.expected_revision = o.revision;
  const bool zh = o.language == "zh";
  const auto outcome =
      send_command(*opened.log.log, command, root, core::event_time(platform::system_clock().wall_ms()),
                   std::chrono::seconds(o.wait_s), shutdown.token());
  if (!outcome) return tl::make_unexpected(outcome.error());
  if (!*outcome) {
    std::fprintf(
        stderr,
        zh ? "命令 %s 已写入, %d 秒内未得到答复: `qingchuan alerts` 在运行吗? 用 --id %s 重发可再问, 不会重复执行\n"
           : "command %s is in the log, not answered within %d s: is `qingchuan alerts` running? Sent again with "
             "--id %s it is asked for once more, and done once\n",
        command.id.c_str(), o.wait_s, command.id.c_str());
    return 3;
  }
  const wire::DecodedOutcome& is = **outcome;
  if (o.format == "json") {
    std::printf("{\"id\":\"%s\",\"alert\":\"%s\",\"outcome\":\"%s\",\"revision\":%lld}\n", command.id.c_str(),
                is.alert.c_str(), std::string(name(is.refusal)).c_str(), static_cast<long long>(is.revision));
    return is.refusal == core::Refusal::None ? 0 : 1;
  }
  const std::string word(refusal_word(is.refusal, language_of(o)));
  if (is.refusal == core::Refusal::None) {
    std::printf(zh ? "%s: %s, 修订 %lld\n" : "%s: %s, revision %lld\n", is.alert.c_str(), word.c_str(),
                static_cast<long long>(is.revision));
    return 0;
  }
  std::printf(zh ? "%s: 被拒绝: %s\n" : "%s: refused: %s\n", is.alert.c_str(), word.c_str());
  if (is.current) print(to_text(opened.book, *is.current, {}, language_of(o)));
  return 1;
}

Result<int> send(const Options& o, const std::function<Result<What>(OpenLog&, const core::Alert&)>& what) {
  auto opened = open_book(o);
  if (!opened) return tl::make_unexpected(opened.error());
  const auto found = opened->book.find(o.alert);
  if (!found) return tl::make_unexpected(found.error());
  const core::Alert& alert = **found;
  auto wanted = what(opened->log, alert);
  if (!wanted) return tl::make_unexpected(wanted.error());
  return send(o, *opened, {{}, alert.key, alert.revision, {}, std::move(*wanted)}, alert.condition.root);
}

// Maintenance of a site: planned, or cancelled.
Result<int> maintain(const Options& o, bool cancel) {
  auto opened = open_book(o);
  if (!opened) return tl::make_unexpected(opened.error());
  auto rules = opened->book.rules;
  if (rules == nullptr) return fail(Errc::usage, "the log has no alerts yet, so it is not known what there is");
  const auto site = rules->sites.find(o.alert);
  if (site == rules->sites.end())
    return fail(Errc::usage, o.alert + " is no site; `qingchuan alerts list` shows them in its keys");
  const auto planned = opened->book.maintenance.find(o.alert);
  core::AlertCommand command;
  command.key = {"", o.alert, core::Factor::None};
  command.expected_revision = planned == opened->book.maintenance.end() ? 0 : planned->second.revision;
  if (cancel) {
    command.what = core::CancelMaintenance{o.text};
    return send(o, *opened, std::move(command), site->second.root);
  }
  const auto from = core::parse_iso(o.from);
  if (!from) return fail(Errc::usage, "--from " + o.from + " is not ISO 8601: 2026-11-27T08:00");
  core::EventTime until{};
  if (!o.until.empty()) {
    const auto time = core::parse_iso(o.until);
    if (!time) return fail(Errc::usage, "--until " + o.until + " is not ISO 8601: 2026-11-27T08:00");
    until = *time;
  } else {
    const auto duration = platform::parse_duration(o.duration);
    if (!duration) return fail(Errc::usage, "--for or --until: how long?");
    until = *from + core::Duration(*duration);
  }
  command.what = core::PlanMaintenance{site->second.region, site->second.root, *from, until, o.text};
  return send(o, *opened, std::move(command), site->second.root);
}

CLI::App* add_person(CLI::App& parent, Options& o, const char* name, const char* help) {
  CLI::App* c = parent.add_subcommand(name, help);
  c->add_option("ALERT", o.alert, "Its key (rule/subject/factor), or a part that only one key has")->required();
  add_place_options(*c, o.place);
  c->add_option("--lang", o.language, "zh or en")->check(CLI::IsMember({"zh", "en"}))->capture_default_str();
  c->add_option("--format", o.format, "text or json")->check(CLI::IsMember({"text", "json"}))->capture_default_str();
  return c;
}

CLI::App* add_sender(CLI::App& parent, Options& o, const char* name, const char* help) {
  CLI::App* c = add_person(parent, o, name, help);
  c->add_option("--who", o.who, "Who says it (default: $USER)");
  c->add_option("--revision", o.revision, "Only if the alert still has this one (default: the one it has now)")
      ->check(CLI::PositiveNumber);
  c->add_option("--id", o.id, "Of the command: sent again with the same, it is done once");
  c->add_option("--wait", o.wait_s, "How many seconds to wait for the outcome")
      ->check(CLI::Range(1, 600))
      ->capture_default_str();
  return c;
}

}  // namespace

Command make_alerts_command(CLI::App& app) {
  auto o = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("alerts", "The alerts of a log: run the service, or list and handle them");
  command->require_subcommand(0, 1);
  add_place_options(*command, o->place);
  command->add_flag("--until-end", o->until_end, "Stop when all that is in the log now has been processed");
  command->add_option("--listen", o->listen, "HOST:PORT of /metrics, /readyz, /livez (default: the configuration's)");
  command->footer("Without a sub-command: the service, which makes alerts of signals and answers commands.");

  using Run = std::function<Result<int>()>;
  auto runs = std::make_shared<std::vector<std::pair<CLI::App*, Run>>>();
  CLI::App* l = command->add_subcommand("list", "What is on the list now");
  add_place_options(*l, o->place);
  l->add_option("--lang", o->language, "zh or en")->check(CLI::IsMember({"zh", "en"}))->capture_default_str();
  l->add_option("--format", o->format, "text or json")->check(CLI::IsMember({"text", "json"}))->capture_default_str();
  l->add_flag("--all", o->all, "With json: also those that are over");
  runs->emplace_back(l, [o] { return list(*o); });
  CLI::App* s = add_person(*command, *o, "show", "One alert with its history");
  s->add_flag("--all", o->all, "All of its history");
  runs->emplace_back(s, [o] { return show(*o); });

  const auto simple = [&](const char* name, const char* help, const char* option, const char* text_help, bool required,
                          std::function<What(const Options&)> what) {
    CLI::App* c = add_sender(*command, *o, name, help);
    if (option != nullptr) {
      auto* t = c->add_option(option, o->text, text_help);
      if (required) t->required();
    }
    runs->emplace_back(
        c, [o, what] { return send(*o, [&](OpenLog&, const core::Alert&) -> Result<What> { return what(*o); }); });
  };
  simple("ack", "Acknowledge it", "--comment", "What was seen", false,
         [](const Options& a) -> What { return core::Acknowledge{a.text}; });
  simple("assign", "Give it to somebody", "--to", "To whom; empty: nobody any more", true,
         [](const Options& a) -> What { return core::Assign{a.text}; });
  simple("note", "Write a note", "--text", "The note", true,
         [](const Options& a) -> What { return core::AddNote{a.text}; });
  simple("unshelve", "Take it off the shelf", nullptr, nullptr, false,
         [](const Options&) -> What { return core::Unshelve{}; });
  simple("return", "Return it to service", nullptr, nullptr, false,
         [](const Options&) -> What { return core::ReturnToService{}; });
  simple("close", "Close what ended without a measurement or an acknowledgement", "--reason", "Why", true,
         [](const Options& a) -> What { return core::CloseAlert{a.text}; });
  const auto timed = [&](const char* name, const char* help, bool shelf) {
    CLI::App* c = add_sender(*command, *o, name, help);
    c->add_option("--reason", o->text, "Why")->required();
    auto* for_ = c->add_option("--for", o->duration, "For so long: 30min, 8h");
    auto* until = c->add_option("--until", o->until, "Until then, ISO 8601")->excludes(for_);
    if (shelf) c->add_flag("--once", o->once, "Until this episode is over")->excludes(for_)->excludes(until);
    runs->emplace_back(c, [o, shelf] {
      return send(*o, [&](OpenLog& log, const core::Alert& alert) -> Result<What> {
        if (o->once) return core::Shelve{std::nullopt, o->text};
        if (o->until.empty() && o->duration.empty()) return fail(Errc::usage, "--for or --until: how long?");
        const auto end = until_of(*o, log, alert);
        if (!end) return tl::make_unexpected(end.error());
        if (shelf) return core::Shelve{*end, o->text};
        return core::TakeOutOfService{*end, o->text};
      });
    });
  };
  const auto decides = [&](const char* name, const char* help, std::function<Result<What>(const Options&)> what) {
    CLI::App* c = add_sender(*command, *o, name, help);
    c->add_option("--role", o->role, "As whom; the configuration's `approvers` may")->required();
    runs->emplace_back(c, [o, what] { return send(*o, [&](OpenLog&, const core::Alert&) { return what(*o); }); });
    return c;
  };
  CLI::App* approve =
      decides("approve", "Approve the candidate of a formal warning", [](const Options& a) -> Result<What> {
        const auto level = find_level(a.level);
        if (!level) return tl::make_unexpected(level.error());
        return core::Approve{static_cast<int>(*level), a.role, a.text};
      });
  approve->add_option("--level", o->level, "What is approved: yellow, orange or red (黄色, 橙色, 红色)")->required();
  approve->add_option("--comment", o->text, "Why");
  decides("issue", "Issue what was approved", [](const Options& a) -> Result<What> { return core::Issue{a.role}; });
  decides("lift", "Lift a warning that the criteria say is over",
          [](const Options& a) -> Result<What> {
            return core::Lift{a.role, a.text};
          })
      ->add_option("--reason", o->text, "Why")
      ->required();
  timed("shelve", "Set it aside for a while", true);
  const auto of_site = [&](const char* name, const char* help, bool cancel) {
    CLI::App* c = add_sender(*command, *o, name, help);
    c->get_option("ALERT")->description("The site's id");
    c->add_option("--reason", o->text, "Why")->required();
    runs->emplace_back(c, [o, cancel] { return maintain(*o, cancel); });
    return c;
  };
  CLI::App* m = of_site("maintain", "Plan maintenance of a site: all its alerts are set aside while it lasts", false);
  m->add_option("--from", o->from, "From then on, ISO 8601")->required();
  auto* m_for = m->add_option("--for", o->duration, "For so long: 30min, 8h");
  m->add_option("--until", o->until, "Until then, ISO 8601")->excludes(m_for);
  of_site("cancel-maintenance", "Cancel planned maintenance, or end it now", true);
  timed("out", "Take it out of service: maintenance, calibration", false);

  return {command, [o, runs] {
            if (const char* user = std::getenv("USER"); o->who.empty() && user != nullptr) o->who = user;
            for (const auto& [sub, run] : *runs) {
              if (sub->parsed()) return run();
            }
            return serve_alerts(*o);
          }};
}

}  // namespace qc::commands
