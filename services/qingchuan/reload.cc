#include "qingchuan/reload.h"

#include <condition_variable>
#include <utility>

#include "platform/log.h"
#include "platform/message_diff.h"
#include "wire/rules.h"

namespace qc::commands {
namespace {

// The first problem whole, and how many there are: `qingchuan check` tells them all.
std::string first_of(const platform::Loaded& loaded) {
  std::string text = loaded.problems.front().str();
  if (const std::size_t more = loaded.problems.size() - 1; more > 0)
    text += " (and " + std::to_string(more) + " more: qingchuan check)";
  return text;
}

constexpr std::size_t kLinesMax = 100;

// One line each; of a whole new standard not all.
void tell(const std::vector<std::string>& lines, const char* event) {
  for (std::size_t i = 0; i < lines.size() && i < kLinesMax; ++i) platform::log_info(event, {{"what", lines[i]}});
  if (lines.size() > kLinesMax) platform::log_info(event, {{"more", lines.size() - kLinesMax}});
}

}  // namespace

struct Reload::Asked {
  std::mutex mutex;
  std::condition_variable_any wake;
  bool pending = false;
};

Reload::Reload(platform::Shutdown& shutdown, OpenLog& opened, std::string hash, processor::Processor& processor,
               prometheus::Registry& registry)
    : shutdown_(shutdown),
      opened_(opened),
      hash_(std::move(hash)),
      processor_(processor),
      reloads_(prometheus::BuildCounter()
                   .Name("qingchuan_config_reloads_total")
                   .Help("Reloads of the configuration (SIGHUP) by outcome; after a refused or failed one the earlier "
                         "rules hold.")
                   .Register(registry)),
      asked_(std::make_shared<Asked>()) {
  for (const Outcome o : {Outcome::Applied, Outcome::Unchanged, Outcome::Refused, Outcome::Failed}) counter(o);
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  shutdown_.on_hangup([asked = asked_] {
    const std::lock_guard lock(asked->mutex);
    asked->pending = true;
    asked->wake.notify_all();
  });
}

Reload::~Reload() {
  shutdown_.on_hangup({});
}

prometheus::Counter& Reload::counter(Outcome outcome) {
  constexpr const char* kNames[] = {"applied", "unchanged", "refused", "failed"};
  return reloads_.Add({{"outcome", kNames[static_cast<int>(outcome)]}});
}

void Reload::run(const std::stop_token& stop) {
  while (true) {
    {
      std::unique_lock lock(asked_->mutex);
      if (!asked_->wake.wait(lock, stop, [this] { return asked_->pending; })) return;
      asked_->pending = false;
    }
    counter(reload()).Increment();
  }
}

Result<void> Reload::with_rules(const std::function<Result<void>(const std::string& hash)>& use) {
  const std::lock_guard lock(one_at_a_time_);
  return use(hash_);
}

Reload::Outcome Reload::reload() {
  const std::lock_guard lock(one_at_a_time_);
  auto loaded = platform::load_config(opened_.config.path);
  const auto refuse = [this](const std::string& why) {
    platform::log_error("configuration not reloaded; the rules in force stay", {{"reason", why}, {"rules", hash_}});
    return Outcome::Refused;
  };
  if (!loaded) return refuse(describe(loaded.error()));
  if (!loaded->problems.empty()) return refuse(first_of(*loaded));
  if (auto rules = rules_of(*loaded); !rules) return refuse(rules.error().text);

  tell(platform::differences(opened_.config.system, loaded->system), "needs a restart");
  const std::string bytes = wire::canonical_bytes(loaded->rules);
  const std::string hash = wire::rules_hash(bytes);
  if (hash == hash_) {
    opened_.config.files = std::move(loaded->files);
    platform::log_info("configuration reloaded; the rules are the same", {{"rules", hash_}});
    return Outcome::Unchanged;
  }
  if (auto stored = opened_.rules->put(bytes); !stored) {
    platform::log_error("configuration not reloaded; the rules in force stay",
                        {{"reason", stored.error()}, {"rules", hash_}});
    return Outcome::Failed;
  }
  auto lines = platform::differences(opened_.config.rules, loaded->rules);
  if (lines.empty()) lines.emplace_back("the order of entries");
  tell(lines, "rule changed");
  platform::log_info("configuration reloaded", {{"changes", lines.size()}, {"from", hash_}, {"rules", hash}});
  processor_.use_rules(hash);
  opened_.config.rules = std::move(loaded->rules);
  opened_.config.rules_places = std::move(loaded->rules_places);
  hash_ = hash;
  return Outcome::Applied;
}

}  // namespace qc::commands
