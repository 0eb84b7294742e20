// qingchuan event: what is said from outside about regions, into `events`: a centre's forecast, an order from above.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>
#include <memory>
#include <vector>

#include "platform/clock.h"
#include "processor/records.h"
#include "qingchuan/command.h"
#include "qingchuan/event.h"
#include "qingchuan/measures.h"
#include "qingchuan/open_log.h"
#include "wire/byte_source.h"
#include "wire/event_codec.h"
#include "wire/forecast_lines.h"

namespace qc::commands {
namespace {

struct Options {
  Place place;
  std::string file;  // forecast
  std::string centre;
  std::string region;
  std::string issued;
  std::string level;  // order
  std::string from;
  std::string until;
  std::string id;
  std::string authority;
  std::string language = "zh";
  bool withdraw = false;
  bool dry_run = false;
};

struct Door {
  OpenLog opened;
  core::RuleSet rules;
  int partitions = 0;        // of `events`
  core::EventTime issued{};  // by the option, or now
  core::EventTime received{};
};

Result<core::EventTime> time_of(const char* option, const std::string& text) {
  const auto time = core::parse_iso(text);
  if (!time) return fail(Errc::usage, std::string(option) + " " + text + " is not ISO 8601: 2026-11-27T08:00");
  return *time;
}

Result<Door> open_door(const Options& o) {
  auto opened = open_log(o.place, {.need_config = true});
  if (!opened) return tl::make_unexpected(opened.error());
  auto rules = rules_of(opened->config);
  if (!rules) return tl::make_unexpected(rules.error());
  const auto timeline = opened->rules->timeline();
  if (!timeline) return tl::make_unexpected(timeline.error());
  const auto partitions = stream::partitions_of(*opened->log, processor::kEvents);
  if (!partitions) return tl::make_unexpected(partitions.error());
  Door door{std::move(*opened), std::move(*rules), *partitions, {}, {}};
  // In a log whose time is that of its files there is no now: it counts as received when it was issued.
  const bool fed = *timeline == core::Timeline::Fed;
  if (o.issued.empty() && fed)
    return fail(Errc::usage, "the time of this log is that of its files: --issued says when it was issued");
  door.received = core::event_time(platform::system_clock().wall_ms());
  door.issued = door.received;
  if (!o.issued.empty()) {
    const auto issued = time_of("--issued", o.issued);
    if (!issued) return tl::make_unexpected(issued.error());
    if (!fed && *issued > door.received) return fail(Errc::usage, "--issued " + o.issued + " is still to come");
    door.issued = *issued;
    if (fed) door.received = *issued;
  }
  return door;
}

core::Event event_of(const Door& door, const std::string& region, const std::string& source) {
  core::Event event;
  event.region = region;
  event.root = root_of(door.rules, region);
  event.source = source;
  event.received = door.received;
  return event;
}

// All of them or none.
Result<int> write(Door& door, const std::vector<core::Event>& events, const Options& o) {
  std::vector<stream::NewRecord> records;
  std::map<int, int> written;
  std::string text;
  const auto bytes_max = static_cast<std::size_t>(door.opened.config.system.limits().record_bytes_max());
  for (const core::Event& event : events) {
    if (const std::string wrong = wire::event_error(event); !wrong.empty()) return fail(Errc::usage, wrong);
    stream::NewRecord record = event_record(event, door.partitions, version());
    if (record.value->size() > bytes_max)
      return fail(Errc::record_too_large, event.region + ": " + std::to_string(record.value->size()) + " bytes");
    ++written[record.to.partition];
    text += to_text(door.rules, event, o.language == "en" ? Language::English : Language::Chinese) + "\n";
    records.push_back(std::move(record));
  }
  std::fputs(text.c_str(), stdout);
  const bool zh = o.language == "zh";
  if (o.dry_run) {
    std::printf("%s\n", zh ? "未写入 (--dry-run)" : "nothing was written (--dry-run)");
    return 0;
  }
  auto appender = door.opened.log->appender();
  if (!appender) return tl::make_unexpected(appender.error());
  if (auto done = (*appender)->append(records); !done) return tl::make_unexpected(done.error());
  std::string where;
  for (const auto& [partition, n] : written)
    where += (where.empty() ? "" : ", ") + std::to_string(n) + (zh ? " 条至 " : " to ") + processor::kEvents + "-" +
             std::to_string(partition);
  std::printf("%s%s\n", zh ? "已写入: " : "written: ", where.c_str());
  return 0;
}

Result<int> forecast(const Options& o) {
  if (o.withdraw == !o.file.empty()) return fail(Errc::usage, "a FILE, or --withdraw with --region");
  if (o.withdraw == o.region.empty()) {
    return fail(Errc::usage, o.withdraw ? "--withdraw wants --region: whose forecast?"
                                        : "--region belongs to --withdraw; a FILE names its regions itself");
  }
  auto door = open_door(o);
  if (!door) return tl::make_unexpected(door.error());
  std::vector<wire::RegionForecast> regions;
  if (o.withdraw) {
    const auto region = find_region(door->rules, o.region);
    if (!region) return tl::make_unexpected(region.error());
    regions.push_back({*region, {}});
  } else {
    const auto region_of = [&](std::string_view written) -> tl::expected<std::string, std::string> {
      auto region = find_region(door->rules, written);
      if (!region) return tl::unexpected<std::string>(region.error().text);
      return std::move(*region);
    };
    auto source = wire::open_bytes(o.file);
    if (!source) return tl::make_unexpected(source.error());
    auto file = wire::read_forecasts(o.file, std::move(*source), door->issued, region_of);
    if (!file) return tl::make_unexpected(file.error());
    for (const std::string& p : file->problems) std::fprintf(stderr, "%s\n", p.c_str());
    if (const std::size_t n = file->problems.size(); n > 0) {
      return fail(Errc::file_malformed,
                  std::to_string(n) + (n == 1 ? " problem" : " problems") + "; nothing was written");
    }
    if (file->regions.empty()) return fail(Errc::file_malformed, o.file + " holds no forecast");
    regions = std::move(file->regions);
  }
  std::vector<core::Event> events;
  for (wire::RegionForecast& region : regions) {
    core::Event event = event_of(*door, region.region, o.centre);
    event.what = core::ForecastIssue{door->issued, std::move(region.hours)};
    event.id = event_id("forecast", event);
    events.push_back(std::move(event));
  }
  return write(*door, events, o);
}

Result<core::AreaOrder> order_of(const Options& o, const Door& door) {
  core::AreaOrder order{0, {core::hour_of(door.issued), core::EventTime::max()}};
  if (o.withdraw) {
    if (!o.level.empty() || !o.from.empty() || !o.until.empty())
      return fail(Errc::usage, "--withdraw takes neither --level nor --from nor --until");
    return order;
  }
  if (o.level.empty() || o.from.empty()) return fail(Errc::usage, "--level and --from, or --withdraw");
  const auto level = find_level(o.level);
  if (!level) return tl::make_unexpected(level.error());
  order.level = static_cast<int>(*level);
  const auto from = time_of("--from", o.from);
  if (!from) return tl::make_unexpected(from.error());
  order.interval.start = *from;
  if (!o.until.empty()) {
    const auto until = time_of("--until", o.until);
    if (!until) return tl::make_unexpected(until.error());
    if (*until <= door.issued) return fail(Errc::usage, "--until " + o.until + ": it is over already");
    order.interval.end = *until;
  }
  return order;
}

Result<int> order(const Options& o) {
  auto door = open_door(o);
  if (!door) return tl::make_unexpected(door.error());
  const auto region = find_region(door->rules, o.region);
  if (!region) return tl::make_unexpected(region.error());
  const auto what = order_of(o, *door);
  if (!what) return tl::make_unexpected(what.error());
  core::Event event = event_of(*door, *region, o.authority);
  event.id = o.id;
  event.what = *what;
  return write(*door, {event}, o);
}

void add_common_options(CLI::App& command, Options& o) {
  add_place_options(command, o.place);
  command.add_option("--issued", o.issued,
                     "When it was issued, ISO 8601; without an offset Beijing's (default: now; needed where the log's "
                     "time is that of its files)");
  command.add_flag("--withdraw", o.withdraw, "Withdraw it");
  command.add_flag("--dry-run", o.dry_run, "Check everything and print what would be written; write nothing");
  command.add_option("--lang", o.language, "zh or en")->check(CLI::IsMember({"zh", "en"}))->capture_default_str();
}

}  // namespace

Command make_event_command(CLI::App& app) {
  auto o = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("event", "Forecasts of a centre and orders from above, into `events`");
  command->require_subcommand(1);

  CLI::App* f = command->add_subcommand("forecast", "A forecast of the AQI, from a CSV of hours or days");
  f->add_option("FILE", o->file, "region,time,aqi[,primary][,dust] (docs/events.md); - is standard input");
  f->add_option("--centre", o->centre, "Who forecasts")->required();
  f->add_option("--region", o->region, "With --withdraw: whose; its id or name");
  add_common_options(*f, *o);
  f->footer("A later issue takes the place of an earlier one of the same region, whichever centre it is of.");

  CLI::App* a = command->add_subcommand("order", "An order (调度令): at least this level while it holds");
  a->add_option("--region", o->region, "Its id or name")->required();
  a->add_option("--level", o->level, "yellow, orange or red (黄色, 橙色, 红色)");
  a->add_option("--from", o->from, "From this hour on, ISO 8601");
  a->add_option("--until", o->until, "Until this hour (default: further notice)");
  a->add_option("--id", o->id, "The order's number; a later one with the same takes its place")->required();
  a->add_option("--authority", o->authority, "Whose order it is")->required();
  add_common_options(*a, *o);
  return {command, [o, f] { return f->parsed() ? forecast(*o) : order(*o); }};
}

}  // namespace qc::commands
