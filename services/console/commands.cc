#include "console/commands.h"

#include <algorithm>
#include <array>
#include <deque>
#include <utility>

#include "console/identity_secrets.h"
#include "platform/hmac.h"

namespace qc::console {
std::string command_id(std::string_view account, std::string_view key) {
  std::string text(account);
  text += '\0';
  text += key;
  const std::string hash = sha256_of(text);
  return "c-" + platform::hex({reinterpret_cast<const std::uint8_t*>(hash.data()), 16});
}

struct CommandDesk::Impl {
  Impl(std::unique_ptr<stream::Appender> a, CommandRecord r, Options o)
      : appender(std::move(a)), record(std::move(r)), options(std::move(o)) {}

  using SteadyTime = std::chrono::steady_clock::time_point;
  struct Waiting {
    std::function<void(CommandAnswer)> done;
    SteadyTime until;
  };

  void run(const std::stop_token& stop);
  void remember(wire::DecodedOutcome outcome);

  std::mutex append_mutex;  // an appender is one thread's at a time
  std::unique_ptr<stream::Appender> appender;
  CommandRecord record;
  Options options;

  std::mutex mutex;
  std::condition_variable_any wake;
  std::multimap<std::string, Waiting> waiting;  // by the command's id
  std::map<std::string, wire::DecodedOutcome, std::less<>> answered;
  std::deque<std::string> order;  // of `answered`
  std::jthread thread;            // last: it uses all above
};

Result<std::unique_ptr<CommandDesk>> CommandDesk::create(stream::Log& log, CommandRecord record, Options options) {
  auto appender = log.appender();
  if (!appender) return tl::make_unexpected(appender.error());
  auto impl = std::make_unique<Impl>(std::move(*appender), std::move(record), std::move(options));
  Impl* self = impl.get();
  self->thread = std::jthread([self](const std::stop_token& stop) { self->run(stop); });
  return std::unique_ptr<CommandDesk>(new CommandDesk(std::move(impl)));
}

CommandDesk::CommandDesk(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CommandDesk::~CommandDesk() {
  impl_->thread.request_stop();
  impl_->thread.join();
}

// Tells those whose time is over.
void CommandDesk::Impl::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex);
  while (!stop.stop_requested()) {
    wake.wait_for(lock, stop, std::chrono::milliseconds(100), [] { return false; });
    const SteadyTime now = std::chrono::steady_clock::now();
    std::vector<std::pair<std::string, Waiting>> late;
    for (auto at = waiting.begin(); at != waiting.end();) {
      if (at->second.until > now) {
        ++at;
        continue;
      }
      late.emplace_back(at->first, std::move(at->second));
      at = waiting.erase(at);
    }
    lock.unlock();
    for (auto& [id, who] : late) who.done({.kind = CommandAnswer::Kind::Late, .outcome = {}, .id = id, .why = {}});
    lock.lock();
  }
  auto left = std::move(waiting);
  waiting.clear();
  lock.unlock();
  for (auto& [id, who] : left) who.done({.kind = CommandAnswer::Kind::Late, .outcome = {}, .id = id, .why = {}});
}

void CommandDesk::send(const core::AlertCommand& command, const std::string& root,
                       const std::function<void(CommandAnswer)>& done) {
  const std::string id = command.id;
  std::optional<wire::DecodedOutcome> known;
  bool full = false;
  {
    const std::lock_guard lock(impl_->mutex);
    if (const auto found = impl_->answered.find(id); found != impl_->answered.end()) {
      known = found->second;
    } else if (impl_->waiting.size() >= impl_->options.waiting_max) {
      full = true;
    } else {
      // Before it is written: the answer may come before append() returns.
      impl_->waiting.emplace(id, Impl::Waiting{done, std::chrono::steady_clock::now() + impl_->options.answer_within});
    }
  }
  if (known) return done({.kind = CommandAnswer::Kind::Outcome, .outcome = std::move(*known), .id = id, .why = {}});
  if (full)
    return done(
        {.kind = CommandAnswer::Kind::Failed, .outcome = {}, .id = id, .why = "too many commands wait for an answer"});
  const std::array record = {impl_->record(command, root, impl_->options.now())};
  Result<void> written;
  {
    const std::lock_guard lock(impl_->append_mutex);
    written = impl_->appender->append(record);
  }
  if (written) return;
  std::vector<Impl::Waiting> failed;
  {
    const std::lock_guard lock(impl_->mutex);
    const auto [from, to] = impl_->waiting.equal_range(id);
    for (auto at = from; at != to; ++at) failed.push_back(std::move(at->second));
    impl_->waiting.erase(from, to);
  }
  for (Impl::Waiting& who : failed) {
    who.done({.kind = CommandAnswer::Kind::Failed, .outcome = {}, .id = id, .why = describe(written.error())});
  }
}

Result<void> CommandDesk::post(const std::vector<core::AlertCommand>& commands, const std::vector<std::string>& roots) {
  std::vector<stream::NewRecord> records;
  records.reserve(commands.size());
  for (std::size_t i = 0; i < commands.size(); ++i) {
    records.push_back(impl_->record(commands[i], roots[i], impl_->options.now()));
  }
  const std::lock_guard lock(impl_->append_mutex);
  return impl_->appender->append(records);
}

void CommandDesk::Impl::remember(wire::DecodedOutcome outcome) {
  std::string id = outcome.command;
  if (!answered.emplace(id, std::move(outcome)).second) return;
  order.push_back(std::move(id));
  if (order.size() > options.remembered_max) {
    answered.erase(order.front());
    order.pop_front();
  }
}

void CommandDesk::outcome(const stream::Record& record) {
  if (record.tombstone) return;
  auto decoded = wire::decode_outcome(record.value);
  if (!decoded) return;
  std::vector<Impl::Waiting> told;
  {
    const std::lock_guard lock(impl_->mutex);
    const auto [from, to] = impl_->waiting.equal_range(decoded->command);
    for (auto at = from; at != to; ++at) told.push_back(std::move(at->second));
    impl_->waiting.erase(from, to);
    impl_->remember(*decoded);
  }
  for (Impl::Waiting& who : told) {
    who.done({.kind = CommandAnswer::Kind::Outcome, .outcome = *decoded, .id = decoded->command, .why = {}});
  }
}

std::size_t CommandDesk::waiting() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->waiting.size();
}

}  // namespace qc::console
