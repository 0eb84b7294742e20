#include "console/console.h"

#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "console/console_probe.h"
#include "console/follower.h"
#include "console/history.h"
#include "console/identity.h"
#include "console/stream.h"
#include "platform/clock.h"
#include "platform/config_console.h"
#include "platform/log.h"

namespace qc::console {
namespace {

core::EventTime clock_now() {
  return core::event_time(platform::system_clock().wall_ms());
}

template <class T>
T millis(std::int64_t ms) {
  return std::chrono::duration_cast<T>(std::chrono::milliseconds(ms));
}

ModelOptions model_options(const ::qingchuan::v1::Console& s) {
  ModelOptions o;
  o.series = {core::Duration(s.series_kept()), static_cast<std::size_t>(s.series_max())};
  o.feed = {static_cast<std::size_t>(s.feed_changes_max()), static_cast<std::size_t>(s.feed_bytes_max())};
  o.alerts_max = static_cast<std::size_t>(s.alerts_max());
  o.ledger_max = static_cast<std::size_t>(s.ledger_max());
  return o;
}

platform::WebOptions web_options(const ::qingchuan::v1::Console& s) {
  platform::WebOptions o;
  o.listen = s.listen();
  o.workers = s.workers();
  o.connections_max = o.connections_per_peer_max = static_cast<std::size_t>(s.connections_max());
  o.streams_max = static_cast<std::size_t>(s.streams_max());
  o.body_bytes_max = static_cast<std::size_t>(s.body_bytes_max());
  o.certificate_file = s.certificate_file();
  o.key_file = s.key_file();
  o.problem = &Api::problem;
  return o;
}

// Behind a proxy the limits on a peer are on whom the proxy speaks for: the last one it names, since what stands before
// it anybody can write.
std::string client_of(const platform::WebRequest& request) {
  std::string_view named = request.header("x-forwarded-for");
  if (const std::size_t comma = named.rfind(','); comma != std::string_view::npos) named.remove_prefix(comma + 1);
  while (!named.empty() && named.front() == ' ') named.remove_prefix(1);
  constexpr std::size_t kAddressMax = 45;  // of IPv6
  return named.empty() || named.size() > kAddressMax ? request.peer : std::string(named);
}

}  // namespace

struct Console::Impl {
  ConsoleOptions options;
  std::unique_ptr<Model> model;
  std::unique_ptr<Identity> identity;
  std::unique_ptr<CommandDesk> commands;
  std::unique_ptr<History> history;
  std::unique_ptr<EventStreams> streams;
  std::unique_ptr<Follower> follower;
  std::unique_ptr<Api> api;
  std::unique_ptr<platform::WebServer> web;  // after all that its handlers use
  std::unique_ptr<ConsoleProbe> probe;
  std::optional<std::string> first_password;

  ConsoleFigures figures() const;
};

ConsoleFigures Console::Impl::figures() const {
  ConsoleFigures f;
  f.web = web->counts();
  f.streams = streams->figures();
  f.feed = model->feed().figures();
  f.identity = identity->counts();
  f.records = follower->records();
  f.records_refused = model->refused_records() + identity->refused_records();
  f.commands_waiting = commands->waiting();
  model->read([&](const Tables& t) {
    f.alerts = t.alerts.size();
    f.series = t.series.all().size();
    f.series_refused = t.series.refused();
  });
  return f;
}

Result<std::unique_ptr<Console>> Console::create(stream::Log& log, ConsoleParts parts, ConsoleOptions options,
                                                 prometheus::Registry& registry) {
  auto impl = std::make_unique<Impl>();
  Impl* self = impl.get();
  self->options = std::move(options);
  const ::qingchuan::v1::Console& s = self->options.settings;
  // The settings are checked by whoever loads them, the command line's address is not.
  if (!platform::is_loopback(s.listen()) && s.certificate_file().empty() && !s.behind_proxy()) {
    return fail(Errc::usage, "the console would listen on " + s.listen() +
                                 " without TLS; give `certificate_file` and `key_file`, or `behind_proxy: true`");
  }

  auto slots = slots_of(log);
  if (!slots) return tl::make_unexpected(slots.error());
  self->model = std::make_unique<Model>(model_options(s), std::move(*slots), parts.rules, parts.words);
  if (auto used = self->model->use_rules(parts.rules_hash); !used) return tl::make_unexpected(used.error());

  IdentityOptions who;
  who.session_idle = millis<std::chrono::minutes>(s.session_idle());
  who.session_max = millis<std::chrono::hours>(s.session_max());
  who.now = &clock_now;
  who.version = self->options.version;
  who.rules = [self] {
    return self->model->read([](const Tables& t) {
      return t.places == nullptr ? std::shared_ptr<const core::RuleSet>() : t.places->shared_rules();
    });
  };
  auto identity = Identity::create(log, std::move(who));
  if (!identity) return tl::make_unexpected(identity.error());
  self->identity = std::move(*identity);
  if (auto read = self->identity->read_all(); !read) return tl::make_unexpected(read.error());

  CommandDesk::Options desk;
  desk.answer_within = std::chrono::milliseconds(s.answer_within());
  desk.now = &clock_now;
  auto commands = CommandDesk::create(log, std::move(parts.command), std::move(desk));
  if (!commands) return tl::make_unexpected(commands.error());
  self->commands = std::move(*commands);

  HistoryLimits limits;
  limits.records_max = static_cast<std::size_t>(s.history_records_max());
  limits.time_max = std::max(std::chrono::seconds(1), millis<std::chrono::seconds>(s.history_time_max()));
  self->history = std::make_unique<History>(log, limits);

  StreamOptions streams;
  streams.problem = &Api::problem;
  streams.heartbeat = std::chrono::milliseconds(s.heartbeat());
  streams.per_principal_max = static_cast<std::size_t>(s.streams_per_session_max());
  self->streams = std::make_unique<EventStreams>(*self->model, streams);

  FollowerOptions follow;
  follow.series_kept = core::Duration(s.series_kept());
  follow.ledger_max = s.ledger_max();
  follow.poll_records_max = self->options.poll_records_max;
  follow.now = clock_now();
  auto follower = Follower::create(log, {*self->model, *self->identity, *self->commands}, follow);
  if (!follower) return tl::make_unexpected(follower.error());
  self->follower = std::move(*follower);

  ApiOptions api;
  api.version = self->options.version;
  api.origins.assign(s.origins().begin(), s.origins().end());
  api.requests_per_minute = static_cast<std::size_t>(s.requests_per_minute());
  api.cap_sender = s.cap_sender();
  api.cap_sender_name = s.cap_sender_name();
  api.secure_cookies = s.behind_proxy() || !s.certificate_file().empty();
  api.now = &clock_now;
  api.unready = [self] { return self->follower->unready(); };
  self->api = std::make_unique<Api>(
      ApiParts{*self->model, *self->identity, *self->commands, *self->history, *self->streams, std::move(parts.report)},
      std::move(api));

  auto web = platform::WebServer::start(web_options(s), [self](platform::WebRequest request, platform::WebReply reply) {
    if (self->options.settings.behind_proxy()) request.peer = client_of(request);
    self->api->handle(request, std::move(reply));
  });
  if (!web) return tl::make_unexpected(web.error());
  self->web = std::move(*web);
  self->streams->use([self](std::function<void()> task) { self->web->post(std::move(task)); });

  // After the address is ours: a start that fails must not make an account whose password nobody reads.
  if (self->options.make_first_admin) {
    auto first = self->identity->make_first_admin();
    if (!first) return tl::make_unexpected(first.error());
    self->first_password = std::move(*first);
  }
  self->probe = std::make_unique<ConsoleProbe>(registry);
  return std::unique_ptr<Console>(new Console(std::move(impl)));
}

Console::Console(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Console::~Console() {
  impl_->history->stop();
  impl_->streams->close();
  impl_->web->stop();
}

Result<void> Console::run(const std::stop_token& stop) {
  std::stop_source all;
  std::stop_source follow;
  const std::stop_callback forward(stop, [&all] { all.request_stop(); });
  Result<void> ended;
  std::jthread following([&] {
    ended = impl_->follower->run(follow.get_token());
    all.request_stop();  // where the log failed for good
  });
  std::mutex mutex;
  std::condition_variable_any wake;
  const std::stop_token token = all.get_token();
  while (!token.stop_requested()) {
    impl_->probe->report(impl_->figures());
    std::unique_lock lock(mutex);
    wake.wait_for(lock, token, std::chrono::seconds(1), [] { return false; });
  }
  // While answers are finished the log is still followed: who waits for an outcome hears of it.
  impl_->history->stop();
  impl_->web->stop();
  follow.request_stop();
  following.join();
  return ended;
}

std::string Console::url() const {
  return (impl_->web->tls() ? "https://" : "http://") + impl_->web->address();
}
const std::optional<std::string>& Console::first_password() const {
  return impl_->first_password;
}
std::size_t Console::accounts() const {
  return impl_->identity->counts().accounts;
}
std::vector<std::string> Console::unready() const {
  return impl_->follower->unready();
}

}  // namespace qc::console
