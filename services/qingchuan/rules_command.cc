// qingchuan rules: the rule sets that a log holds, one of them, or what changed between two.
#include <google/protobuf/util/json_util.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>
#include <memory>
#include <vector>

#include "core/time.h"
#include "platform/message_diff.h"
#include "processor/rules_store.h"
#include "qingchuan/command.h"
#include "qingchuan/open_log.h"
#include "qingchuan/v1/config.pb.h"
#include "stream/read_range.h"
#include "wire/rules.h"

namespace qc::commands {
namespace {

namespace v1 = ::qingchuan::v1;

struct Stored {
  std::string hash;
  std::int64_t written_ms = 0;
  v1::RuleSet rules;
};

// In the order of writing.
Result<std::vector<Stored>> read_all(const Place& place) {
  auto opened = open_log(place);
  if (!opened) return tl::make_unexpected(opened.error());
  const auto whole = stream::whole_topic(*opened->log, processor::kRulesTopic);
  if (!whole) return tl::make_unexpected(whole.error());
  std::vector<Stored> all;
  auto read = stream::read_range(*opened->log, *whole, [&](const stream::Record& r) {
    if (r.tombstone || r.key.starts_with('@')) return true;  // the log's kind of time
    Stored stored{wire::rules_hash(r.value), r.written_ms, {}};
    if (stored.rules.ParseFromArray(r.value.data(), static_cast<int>(r.value.size()))) all.push_back(std::move(stored));
    return true;
  });
  if (!read) return tl::make_unexpected(read.error());
  return all;
}

// The beginning of a hash is enough where it is one rule set's alone.
Result<const Stored*> find(const std::vector<Stored>& all, const std::string& hash) {
  const Stored* found = nullptr;
  for (const Stored& s : all) {
    if (!s.hash.starts_with(hash) || (found != nullptr && found->hash == s.hash)) continue;
    if (found != nullptr) return fail(Errc::usage, hash + " may be " + found->hash + " or " + s.hash);
    found = &s;
  }
  if (found == nullptr) return fail(Errc::usage, "the log holds no rule set " + hash + "; see `qingchuan rules list`");
  return found;
}

Result<int> list(const Place& place) {
  const auto all = read_all(place);
  if (!all) return tl::make_unexpected(all.error());
  for (const Stored& s : *all) {
    std::printf("%s  %s  %d sites, %d limits, %d signal rules\n", s.hash.c_str(),
                core::to_iso(core::event_time(s.written_ms)).c_str(), s.rules.sites_size(), s.rules.limits_size(),
                s.rules.signals_size());
  }
  return 0;
}

Result<int> show(const Place& place, const std::string& hash) {
  const auto all = read_all(place);
  if (!all) return tl::make_unexpected(all.error());
  const auto found = find(*all, hash);
  if (!found) return tl::make_unexpected(found.error());
  std::string json;
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.preserve_proto_field_names = true;
  if (!google::protobuf::util::MessageToJsonString((*found)->rules, &json, options).ok())
    return fail(Errc::log_corrupt, "the rule set " + (*found)->hash + " cannot be written as JSON");
  std::fputs(json.c_str(), stdout);
  return 0;
}

Result<int> diff(const Place& place, const std::string& before, const std::string& after) {
  const auto all = read_all(place);
  if (!all) return tl::make_unexpected(all.error());
  const auto was = find(*all, before);
  if (!was) return tl::make_unexpected(was.error());
  const auto is = find(*all, after);
  if (!is) return tl::make_unexpected(is.error());
  const auto lines = platform::differences((*was)->rules, (*is)->rules);
  for (const std::string& line : lines) std::printf("%s\n", line.c_str());
  if (lines.empty())
    std::printf("%s\n", (*was)->hash == (*is)->hash ? "the same rules" : "only the order of entries differs");
  return 0;
}

}  // namespace

Command make_rules_command(CLI::App& app) {
  struct Options {
    Place place;
    std::vector<std::string> hashes;
  };
  auto o = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("rules", "The rule sets that a log holds, and what changed between them");
  command->require_subcommand(1);
  CLI::App* lists = command->add_subcommand("list", "Every rule set: its hash, when it came, what it holds");
  CLI::App* shows = command->add_subcommand("show", "One of them, as JSON");
  shows->add_option("HASH", o->hashes, "Or its beginning")->required()->expected(1);
  CLI::App* diffs = command->add_subcommand("diff", "What changed from one to another, a line each");
  diffs->add_option("HASH", o->hashes, "Two of them, or their beginnings")->required()->expected(2);
  for (CLI::App* c : {lists, shows, diffs}) add_place_options(*c, o->place);
  return {command, [o, lists, shows]() -> Result<int> {
            if (lists->parsed()) return list(o->place);
            if (shows->parsed()) return show(o->place, o->hashes.at(0));
            return diff(o->place, o->hashes.at(0), o->hashes.at(1));
          }};
}

}  // namespace qc::commands
