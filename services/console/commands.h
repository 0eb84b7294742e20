// What people do, on its way through the log: a command is appended to `commands`, the service `alerts` answers it in
// `outcomes`, and who sent it hears of it here.
//
// A command's id is made of the account and the key that the sender chose (Idempotency-Key), so that the same request
// sent twice, to any console, is one command with one answer, for as long as `alerts` remembers answers.
//
// Lifecycle: create over the log; the follower calls outcome() for every record of `outcomes`; send() from then on.
// Threads: any. Bounded: `waiting_max` commands wait at a time.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "core/alert.h"
#include "stream/log.h"
#include "wire/alert_codec.h"

namespace qc::console {

struct CommandAnswer {
  enum class Kind : std::uint8_t { Outcome = 1, Late, Failed };
  Kind kind = Kind::Failed;
  wire::DecodedOutcome outcome;  // Outcome
  std::string id;                // of the command; Late: it stands in the log and will be answered
  std::string why;               // Failed: it could not be written
};

// A command as a record, to the partition of its root region (alerts/records.h): what the composition root knows.
using CommandRecord =
    std::function<stream::NewRecord(const core::AlertCommand& command, const std::string& root, core::EventTime sent)>;

// "c-" and 32 hex digits: of the account and the key; what the key holds is nobody's business.
std::string command_id(std::string_view account, std::string_view key);

class CommandDesk {
 public:
  struct Options {
    std::chrono::milliseconds answer_within{5'000};
    std::size_t waiting_max = 1'000;
    std::size_t remembered_max = 10'000;  // outcomes, for repeats that come while their answer is young
    std::function<core::EventTime()> now;
  };
  static Result<std::unique_ptr<CommandDesk>> create(stream::Log& log, CommandRecord record, Options options);
  ~CommandDesk();

  // Appends it; `done` is called once, from a thread of the desk's or the caller's.
  void send(const core::AlertCommand& command, const std::string& root, const std::function<void(CommandAnswer)>& done);
  // Several without an answer (receipts). Errors: those of the log; queue_full.
  Result<void> post(const std::vector<core::AlertCommand>& commands, const std::vector<std::string>& roots);

  void outcome(const stream::Record& record);
  std::size_t waiting() const;

 private:
  struct Impl;
  explicit CommandDesk(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace qc::console
