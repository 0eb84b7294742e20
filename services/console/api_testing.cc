#include "console/api_testing.h"

#include <algorithm>
#include <array>

#include "stream/read_range.h"
#include "wire/codec.h"
#include "wire/keys.h"

namespace qc::console::fixture {
namespace {

constexpr std::string_view kRoot = "/api/v1";

std::string lower_name(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

}  // namespace

json::value Heard::json() const {
  boost::system::error_code failed;
  json::value value = json::parse(body, failed);
  EXPECT_FALSE(failed) << body;
  return value;
}
std::string Heard::code() const {
  const json::value value = json();
  return value.is_object() && value.as_object().contains("code") ? std::string(value.at("code").as_string()) : "";
}
std::string Heard::wrong() const {
  std::string out;
  const json::value value = json();
  if (!value.is_object() || !value.as_object().contains("errors")) return out;
  for (const json::value& e : value.at("errors").as_array()) {
    const char* which = e.as_object().contains("pointer") ? "pointer" : "parameter";
    out += (out.empty() ? "" : ",") + std::string(e.at(which).as_string());
  }
  return out;
}

ApiTest::ApiTest()
    : stage_([] {
        core::AlertRules r;
        r.formal.approvers = {"office"};
        return r;
      }()) {
  rules_ = std::make_shared<core::RuleSet>(*core::test_rules());
  rules_->regions["D"] = {.id = "D", .name = "邻县", .name_en = "Neighbour", .parent = "P"};
  rules_->regions["C"].polygon = {{111'000'000, 37'000'000}, {111'000'000, 37'100'000}, {111'200'000, 37'000'000}};
  core::SiteInfo other = rules_->sites.at("S1");
  other.id = other.name = "T1";
  other.region = "D";
  rules_->sites["T1"] = other;
  rules_->sites["S1"].lon_e6 = 111'780'000;
  rules_->sites["S1"].lat_e6 = 37'250'000;
  rules_->alerts.formal.approvers = {"office"};
  log_ = std::make_unique<stream::MemoryLog>();
  std::vector<stream::TopicSpec> topics;
  for (const char* topic : {kAlerts, kMeans, kRegionMeans, kLedger, kOutcomes, kCommands, kUsers}) {
    topics.push_back({topic, 1, stream::Cleanup::Delete});
  }
  EXPECT_TRUE(log_->create_topics(topics));
  model_ = std::make_unique<Model>(
      ModelOptions{}, Slots{{kAlerts, 0}, {kMeans, 0}, {kRegionMeans, 0}},
      [this](const std::string&) -> Result<std::shared_ptr<const core::RuleSet>> { return rules_; },
      [](const std::shared_ptr<const core::RuleSet>&) { return wire::AlertWords{}; });
  EXPECT_TRUE(model_->use_rules(rules_->hash));
  IdentityOptions who;
  who.scrypt_log2_n = 10;
  who.now = [this] { return now_; };
  who.rules = [this] { return rules_; };
  identity_ = std::move(*Identity::create(*log_, std::move(who)));
  CommandDesk::Options desk;
  desk.answer_within = std::chrono::milliseconds(150);
  desk.now = [this] { return now_; };
  desk_ = std::move(*CommandDesk::create(
      *log_,
      [](const core::AlertCommand& c, const std::string& root, core::EventTime sent) {
        return stream::NewRecord{{kCommands, 0}, c.key.subject, wire::encode_command(c, root, sent), {}};
      },
      std::move(desk)));
  history_ = std::make_unique<History>(*log_, HistoryLimits{});
  streams_ = std::make_unique<EventStreams>(
      model_->feed(), [this](const Subjects& s, const Sight& g) { return model_->snapshot(s, g); }, StreamOptions{});
  admin_password_ = identity_->make_first_admin()->value_or("");
  options_.version = "1.2.3";
  options_.now = [this] { return now_; };
  options_.unready = [this] { return unready_; };
  remake();
  tick(now_);
}

ApiTest::~ApiTest() = default;

void ApiTest::remake() {
  api_ = std::make_unique<Api>(ApiParts{*model_, *identity_, *desk_, *history_, *streams_,
                                        [](const ReportAsked& asked) -> Result<std::string> {
                                          return asked.csv ? "region\n" + asked.region + "\n"
                                                           : "{\"period\":\"" + asked.period + "\"}";
                                        }},
                               options_);
}

As ApiTest::sign_in(const std::string& account, std::vector<Grant> grants, std::vector<std::string> offices) {
  std::string password = admin_password_;
  if (account != "admin") {
    AccountChange change;
    change.name = account;
    change.full_name = "某人";
    change.grants = std::move(grants);
    change.offices = std::move(offices);
    const auto added = identity_->add_account(change, "test");
    EXPECT_TRUE(added.ok()) << added.detail;
    password = added.value;
  }
  auto session = identity_->sign_in(account, password, "192.0.2.7");
  EXPECT_TRUE(session.ok()) << session.detail;
  const auto changed = identity_->change_password(session.value.who, password, kPassword);
  EXPECT_TRUE(changed.ok()) << changed.detail;
  auto again = identity_->sign_in(account, kPassword, "192.0.2.7");
  EXPECT_TRUE(again.ok()) << again.detail;
  const auto who = identity_->authenticate({again.value.secret, {}, "192.0.2.7"});
  EXPECT_TRUE(who.ok()) << who.detail;
  return {{"cookie", "qingchuan=" + again.value.secret},
          {"x-csrf-token", who.value.csrf},
          {"origin", std::string("http://") + kHost}};
}

As ApiTest::token(const std::string& account, const std::vector<Grant>& scope, std::chrono::hours lasting) {
  const auto made = identity_->make_token(account, "test", scope, lasting, "test");
  EXPECT_TRUE(made.ok()) << made.detail;
  return {{"authorization", "Bearer " + made.value.secret}};
}

Heard ApiTest::ask(const Sent& sent) {
  platform::WebRequest request;
  request.method = sent.method;
  const std::size_t query = sent.target.find('?');
  request.raw_path = std::string(kRoot) + sent.target.substr(0, query);
  request.path = request.raw_path;
  if (query != std::string::npos) request.query = sent.target.substr(query + 1);
  request.headers.emplace_back("host", kHost);
  for (const auto& [name, value] : sent.headers) request.headers.emplace_back(name, value);
  request.body = sent.body;
  request.peer = "192.0.2.7";

  struct Waiting {
    std::mutex mutex;
    std::condition_variable came;
    std::optional<platform::WebResponse> response;
  };
  const auto waiting = std::make_shared<Waiting>();
  api_->ask(request, [waiting](platform::WebResponse response) {
    const std::lock_guard lock(waiting->mutex);
    EXPECT_FALSE(waiting->response.has_value()) << "answered twice";
    waiting->response = std::move(response);
    waiting->came.notify_all();
  });
  if (!outcomes_held_) answer_commands();
  std::unique_lock lock(waiting->mutex);
  const bool came =
      waiting->came.wait_for(lock, std::chrono::seconds(20), [&] { return waiting->response.has_value(); });
  EXPECT_TRUE(came) << sent.target << ": no answer";
  Heard heard;
  if (!came) return heard;
  heard.status = waiting->response->status;
  heard.type = waiting->response->content_type;
  if (waiting->response->body) heard.body = *waiting->response->body;
  heard.streams = static_cast<bool>(waiting->response->stream);
  for (const auto& [name, value] : waiting->response->headers) heard.headers[lower_name(name)] = value;
  EXPECT_EQ(answer_wrong(sent, heard), "") << sent.method << " " << sent.target << "\n" << heard.body;
  EXPECT_EQ(heard.headers["x-content-type-options"], "nosniff");
  return heard;
}

Heard ApiTest::get(const std::string& target, const As& as) {
  return ask({"GET", target, {}, as});
}

Heard ApiTest::send(const std::string& method, const std::string& target, const As& as, const json::value& body,
                    const As& more) {
  As headers = as;
  headers["content-type"] = "application/json";
  for (const auto& [name, value] : more) headers[name] = value;
  return ask({method, target, json::serialize(body), headers});
}

Heard ApiTest::command(const std::string& key, const As& as, const json::object& body) {
  std::string part;
  for (const char c : key) part += c == '/' ? "%2F" : std::string(1, c);
  return send("POST", "/alerts/" + part + "/commands", as, body,
              {{"idempotency-key", "key-" + std::to_string(++keys_)}});
}

// ---- the log

void ApiTest::append(const std::string& topic, const std::string& key, const std::string& value) {
  auto appender = log_->appender();
  ASSERT_TRUE(appender);
  const std::array<stream::NewRecord, 1> records = {stream::NewRecord{{topic, 0}, key, value, {}}};
  ASSERT_TRUE((*appender)->append(records));
  follow(topic);
}

void ApiTest::follow(const std::string& topic) {
  const stream::TopicPartition tp{topic, 0};
  const auto range = log_->range(tp);
  ASSERT_TRUE(range);
  const std::array<stream::Stretch, 1> stretch = {stream::Stretch{tp, read_[topic], range->end}};
  const auto done = stream::read_range(*log_, stretch, [&](const stream::Record& r) {
    if (topic == kOutcomes) {
      desk_->outcome(r);
    } else {
      model_->apply(r);
    }
    return true;
  });
  ASSERT_TRUE(done);
  read_[topic] = range->end;
  EXPECT_EQ(model_->refused_records(), 0U) << topic << ": the test's own record is none";
}

void ApiTest::publish(core::AlertOutputs& out) {
  for (const core::ToldAlert& told : out.alerts) {
    append(kAlerts, wire::alert_key(told.alert.key), wire::encode_alert(told, {0, 1, 2, rules_->hash}));
  }
  for (const core::FoldRow& row : out.rows) append(kAlerts, wire::row_key(row.id), wire::encode_row(row, {}));
  for (const core::Maintenance& m : out.maintenance) {
    append(kAlerts, wire::maintenance_key(m.subject), wire::encode_maintenance(m, {}));
  }
  for (const core::LedgerEntry& entry : out.ledger) {
    append(kLedger, entry.subject, wire::encode_ledger_entry(entry, "e/" + std::to_string(++entries_), {}));
  }
  for (const core::CommandOutcome& outcome : out.outcomes) {
    append(kOutcomes, outcome.command, wire::encode_outcome(outcome, {}));
  }
  out.clear();
}

void ApiTest::answer_commands() {
  const stream::TopicPartition tp{kCommands, 0};
  const auto range = log_->range(tp);
  ASSERT_TRUE(range);
  const std::array<stream::Stretch, 1> stretch = {stream::Stretch{tp, read_[kCommands], range->end}};
  core::AlertOutputs out;
  const auto done = stream::read_range(*log_, stretch, [&](const stream::Record& r) {
    const auto decoded = wire::decode_command(r.value);
    const auto* command = std::get_if<wire::DecodedCommand>(&decoded);
    EXPECT_NE(command, nullptr);
    if (command != nullptr) stage_.apply(command->command, out);
    return true;
  });
  ASSERT_TRUE(done);
  read_[kCommands] = range->end;
  publish(out);
}

void ApiTest::signal(const core::Signal& s) {
  core::AlertOutputs out;
  EXPECT_TRUE(stage_.apply(s, out, {rules_->hash, 3}));
  publish(out);
}

void ApiTest::signal(const std::string& subject, int level, const std::string& region, int revision,
                     core::SignalState state) {
  core::Signal s =
      core::fixture::alert_signal({"aqi_level", subject, core::Factor::AQI}, 1, revision, state, level, now_);
  s.window = core::Window::H1;
  s.unit = core::Unit::Point;
  s.value = {166'500'000};
  s.limit = {150'000'000};
  s.clause = "HJ 633";
  s.region = region;
  s.origin = {17, 42};
  signal(s);
}

void ApiTest::tick(core::EventTime now) {
  core::AlertOutputs out;
  stage_.advance(now, out);
  publish(out);
}

void ApiTest::mean(const std::string& subject, core::EventTime end, std::int64_t ug, bool of_region) {
  core::Mean m;
  m.site = subject;
  m.region = of_region ? subject : rules_->sites.at(subject).region;
  m.root = "P";
  m.factor = core::Factor::PM25;
  m.window = core::Window::H1;
  m.interval = {end - core::kHour, end};
  m.value = core::ug(ug);
  m.valid = true;
  m.sum_pg = ug * core::kMillion;
  m.count = m.expected = 1;
  m.status = core::Status::Closed;
  m.revision = 1;
  m.origin = {0, 1};
  append(of_region ? kRegionMeans : kMeans, wire::mean_key(subject, m.factor, m.window, end),
         wire::encode_mean(m, {rules_->hash, 0}));
}

std::size_t ApiTest::commands_written() {
  return static_cast<std::size_t>(log_->range({kCommands, 0})->end);
}

std::string ApiTest::all_bytes() {
  std::string all;
  for (const char* topic : {kAlerts, kLedger, kOutcomes, kCommands, kUsers}) {
    const auto whole = stream::whole_topic(*log_, topic);
    EXPECT_TRUE(whole);
    const auto done = stream::read_range(*log_, *whole, [&](const stream::Record& r) {
      all.append(r.key).append(r.value);
      return true;
    });
    EXPECT_TRUE(done);
  }
  return all;
}

}  // namespace qc::console::fixture
