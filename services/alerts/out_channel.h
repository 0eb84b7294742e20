// One shape of what goes out: which post says the next revisions, and what the receiver's answer means. Everything
// between the log and the socket that differs from receiver to receiver; out_outlet.h is what they share.
//
// Lifecycle: made with its outlet, forgets what it was told of a partition that leaves. Threads: its outlet's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "alerts/out_options.h"
#include "core/reading.h"
#include "platform/http_client.h"
#include "stream/log.h"
#include "wire/webhook_json.h"

namespace qc::alerts {

// One record of `alerts`.
struct OutItem {
  stream::TopicPartition at;
  stream::Offset offset = 0;
  std::int64_t written_ms = 0;
  std::string key;
  std::string value;
  std::variant<std::monostate, wire::AlertItem, core::Rejected> said;  // nothing: it needs no saying (a tombstone)

  const wire::AlertItem* alert() const { return std::get_if<wire::AlertItem>(&said); }
};

struct OutPost {
  std::size_t items = 0;      // says so many of them, from the first on
  std::string body;           // empty: there is nothing to say of them
  std::string target_suffix;  // behind the address
};

enum class Verdict { Taken, Again, Refused };
struct Answer {
  Verdict verdict = Verdict::Taken;
  std::string why;      // of the others, for a person
  bool spoken = false;  // Again: the receiver itself said no
};

// By its status alone: 2xx is taken. What a receiver says of the request (4xx) is for good, but what says more of us,
// of the address or of the hour than of what was sent: 401, 403, 404, 405, 407, 408, 425 and 429 are tried again, as
// everything else is.
Answer judge_status(int status);

class OutChannel {
 public:
  virtual ~OutChannel() = default;
  // REQUIRES: items is not empty, and each has an alert. At least one is said.
  virtual OutPost make(std::span<const OutItem> items, std::int64_t now_ms) = 0;
  virtual Answer judge(const platform::HttpReply& reply) const { return judge_status(reply.status); }
  virtual void taken(std::span<const OutItem> /*items*/, std::int64_t /*now_ms*/) {}

  // Those that must know what stands: all of a partition's records before those that will be sent, in their order.
  virtual bool keeps_alerts() const { return false; }
  virtual void fold(const OutItem& /*item*/) {}
  virtual void forget(const stream::TopicPartition& /*partition*/) {}
  // What must be said again every `resend`, however long nothing new comes.
  virtual std::vector<std::string> again(std::int64_t /*now_ms*/) { return {}; }
};

// `words` outlives it.
std::unique_ptr<OutChannel> make_channel(const OutletOptions& options, const wire::AlertWords& words);

}  // namespace qc::alerts
