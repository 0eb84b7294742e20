// For tests of the API: everything real but the sockets. A log in memory, the model over it, identity, commands that
// the real alert stage answers, history, streams. Each answer is checked against openapi.json, too: its status, its
// media type, and its body by the schema.
#pragma once

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "console/api.h"
#include "core/alert_testing.h"
#include "core/testing.h"
#include "stream/memory_log.h"

namespace qc::console::fixture {

namespace json = boost::json;

inline constexpr const char* kPassword = "correct horse battery";
inline constexpr const char* kHost = "console.test:8440";

struct Sent {
  std::string method = "GET";
  std::string target;  // below /api/v1, with the query
  std::string body{};
  std::map<std::string, std::string> headers{};  // names in lower case
};

struct Heard {
  int status = 0;
  std::string type;
  std::string body;
  std::map<std::string, std::string> headers;
  bool streams = false;
  json::value json() const;
  std::string code() const;  // of a problem
  // "/until" or "limit" of each error of a problem, with commas between.
  std::string wrong() const;
};

// As somebody: the headers that prove it.
using As = std::map<std::string, std::string>;

class ApiTest : public ::testing::Test {
 protected:
  ApiTest();
  ~ApiTest() override;

  // Signed in with a password of one's own.
  As sign_in(const std::string& account, std::vector<Grant> grants, std::vector<std::string> offices = {});
  // A token of that account.
  As token(const std::string& account, const std::vector<Grant>& scope,
           std::chrono::hours lasting = std::chrono::hours(24));

  Heard ask(const Sent& sent);
  Heard get(const std::string& target, const As& as);
  Heard send(const std::string& method, const std::string& target, const As& as, const json::value& body,
             const As& more = {});
  // With a new Idempotency-Key.
  Heard command(const std::string& key, const As& as, const json::object& body);

  // A signal of the rule aqi_level.
  void signal(const std::string& subject, int level, const std::string& region = "C", int revision = 1,
              core::SignalState state = core::SignalState::Active);
  void signal(const core::Signal& s);
  void tick(core::EventTime now);
  void mean(const std::string& subject, core::EventTime end, std::int64_t ug, bool of_region = false);
  std::size_t commands_written();
  // All bytes of the log, to look for what must not be in it.
  std::string all_bytes();

  void remake();  // the API, by options_

  core::EventTime now_ = core::fixture::kAlertStart;
  std::shared_ptr<core::RuleSet> rules_;
  std::vector<std::string> unready_;
  ApiOptions options_;
  bool outcomes_held_ = false;  // commands are not answered
  std::unique_ptr<stream::MemoryLog> log_;
  std::unique_ptr<Model> model_;
  std::unique_ptr<Identity> identity_;
  std::unique_ptr<CommandDesk> desk_;
  std::unique_ptr<History> history_;
  std::unique_ptr<EventStreams> streams_;
  std::unique_ptr<Api> api_;
  std::string admin_password_;  // the one-time one

 private:
  void publish(core::AlertOutputs& out);
  void follow(const std::string& topic);
  void answer_commands();
  void append(const std::string& topic, const std::string& key, const std::string& value);

  core::AlertStage stage_;
  std::map<std::string, stream::Offset> read_;
  int entries_ = 0;
  int keys_ = 0;
};

// What of `value` is not as the schema says; empty: it is as it should be.
std::string schema_wrong(const json::value& value, const json::object& schema, const std::string& at = {});
// The same of an answer to that request.
std::string answer_wrong(const Sent& sent, const Heard& heard);
const json::object& openapi();

}  // namespace qc::console::fixture
