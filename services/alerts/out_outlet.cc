#include "alerts/out_outlet.h"

#include <algorithm>
#include <utility>

#include "alerts/records.h"
#include "base/assert.h"
#include "platform/clock.h"
#include "platform/hmac.h"
#include "stream/partition.h"
#include "stream/read_range.h"
#include "wire/codec.h"
#include "wire/keys.h"

namespace qc::alerts {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kMeasureInterval(1000);
constexpr std::chrono::hours kRetryAfterMax(1);  // what a receiver asks for beyond it is not heeded

std::int64_t now_ms() {
  return platform::system_clock().wall_ms();
}

platform::HttpClientOptions address_of(OutletOptions& options) {
  // The address of an Alertmanager is its own; the rest of the path is its API's.
  if (options.shape == OutShape::Alertmanager) {
    while (options.http.url.ends_with('/')) options.http.url.pop_back();
    options.http.url += "/api/v2/alerts";
  }
  return options.http;
}

}  // namespace

milliseconds backoff(milliseconds least, milliseconds most, int times) {
  milliseconds wait = least;
  for (int i = 1; i < times && wait < most; ++i) wait *= 2;
  return std::min(wait, most);
}

std::string out_group(const std::string& name) {
  return "out-" + name;
}

Outlet::Outlet(stream::Log& log, OutletOptions options, const wire::AlertWords& words, const RulesOf& rules,
               prometheus::Registry& registry)
    : log_(log), options_(std::move(options)), probe_(registry, options_.name), chance_(std::random_device{}()) {
  channel_ = make_channel(options_, words, rules);
}

Result<std::unique_ptr<Outlet>> Outlet::create(stream::Log& log, OutletOptions options, const wire::AlertWords& words,
                                               const RulesOf& rules, prometheus::Registry& registry) {
  const std::string name = options.name;
  std::unique_ptr<platform::HttpClient> client;
  if (options.shape != OutShape::Cap) {
    auto made = platform::HttpClient::create(address_of(options));
    if (!made) return fail(made.error().code, "way out `" + name + "`: " + made.error().text);
    client = std::move(*made);
  }
  auto partitions = stream::partitions_of(log, kAlerts);
  if (partitions) partitions = stream::partitions_of(log, kDeadLetters);
  if (!partitions) return tl::make_unexpected(partitions.error());
  std::unique_ptr<Outlet> made(new Outlet(log, std::move(options), words, rules, registry));
  made->client_ = std::move(client);
  made->dead_letter_partitions_ = *partitions;
  made->set_trouble("way out `" + name + "` has not begun yet");
  return made;
}

Result<void> Outlet::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    if (auto done = step(stop); !done) return done;
  }
  // What was delivered need not be delivered again by whoever comes next.
  if (member_ && (done_ > 0 || !letters_.empty())) {
    if (auto settled = settle(stop); !settled) return settled;
  }
  return {};
}

Result<void> Outlet::step(const std::stop_token& stop) {
  if (!member_) {
    if (auto joined = join(); !joined) return log_failed(joined.error(), stop);
  }
  const auto now = Clock::now();
  if (now >= next_measure_) measure();
  if (channel_->keeps_alerts() && !owned_.empty() && now >= std::max(next_again_, next_try_)) say_again(stop);
  if (items_.empty()) return take(stop);
  if (done_ < items_.size()) {
    const auto due = std::max(next_try_, next_post_);
    if (Clock::now() < due) return stay(stop, due);
    deliver(stop);
  }
  return done_ == items_.size() ? settle(stop) : Result<void>{};
}

// ---- the receiver
// ----------------------------------------------------------------------------------------------------

// What can be said by the next post: of one partition, so that its offsets are the post's id.
std::span<const OutItem> Outlet::next_items() {
  while (done_ < items_.size() && items_[done_].alert() == nullptr) {
    if (const auto* bad = std::get_if<core::Rejected>(&items_[done_].said)) {
      refused(std::span(items_).subspan(done_, 1), bad->detail);
    } else {
      ++done_;
    }
  }
  std::size_t count = 0;
  const std::size_t most = alone_ > 0 ? 1 : options_.batch_max;
  while (count < most && done_ + count < items_.size() && items_[done_ + count].alert() != nullptr &&
         items_[done_ + count].at == items_[done_].at) {
    ++count;
  }
  return std::span(items_).subspan(done_, count);
}

void Outlet::deliver(const std::stop_token& stop) {
  const std::span<const OutItem> items = next_items();
  if (items.empty()) return;
  const std::int64_t now = now_ms();
  const OutPost made = channel_->make(items, now);
  QC_ASSERT(made.items > 0 && made.items <= items.size());
  const std::span<const OutItem> said = items.first(made.items);
  const std::string id = options_.name + "/" + stream::to_string(said.front().at) + "/" +
                         std::to_string(said.front().offset) + "-" + std::to_string(said.back().offset);
  std::optional<Answer> kept = channel_->keep(said);
  if (!kept && made.body.empty()) {
    channel_->taken(said, now);
    took(made.items);
    return;
  }
  const Answer answer = kept ? std::move(*kept) : post(made, id, stop);
  if (stop.stop_requested() && answer.verdict == Verdict::Again) return;
  switch (answer.verdict) {
    case Verdict::Taken:
      channel_->taken(said, now);
      took(made.items);
      return;
    case Verdict::Again:
      if (answer.spoken && !refused_since_) refused_since_ = Clock::now();
      if (!answer.spoken) refused_since_.reset();
      if (is_robot(options_.shape) && refused_since_ && Clock::now() - *refused_since_ >= options_.robot_patience) {
        refused(said, answer.why);
      } else {
        failed(answer);
      }
      return;
    case Verdict::Refused:
      if (made.items > 1) {
        alone_ = made.items;
      } else {
        refused(said, answer.why);
      }
      return;
  }
}

// Nothing is new, but what stands must be said before it expires.
void Outlet::say_again(const std::stop_token& stop) {
  std::size_t number = 0;
  for (std::string& body : channel_->again(now_ms())) {
    OutPost made;
    made.body = std::move(body);
    const Answer answer = post(made, options_.name + "/again/" + std::to_string(number++), stop);
    if (stop.stop_requested()) return;
    if (answer.verdict == Verdict::Again) {
      failed(answer);
      return;
    }
    // The next time is as good: there is no record that could be given up for it.
    if (answer.verdict == Verdict::Refused) {
      probe_.failed();
      platform::log_limited("out-again-" + options_.name, 1, platform::Level::warn, "what fires was refused",
                            {{"outlet", options_.name}, {"reason", answer.why}});
    }
    recovered();
  }
  next_again_ = Clock::now() + options_.resend;
}

Answer Outlet::post(const OutPost& made, const std::string& id, const std::stop_token& stop) {
  Post request;
  request.body = made.body;
  if (!made.target_suffix.empty()) request.target = client_->url().target + made.target_suffix;
  request.headers.push_back({"X-Qingchuan-Id", id});
  if (!options_.authorization.empty()) request.headers.push_back({"Authorization", options_.authorization.reveal()});
  if (!options_.secret.empty() && options_.shape != OutShape::Dingtalk) {
    const std::string time = std::to_string(now_ms() / 1000);
    const auto signature = platform::hmac_sha256(options_.secret.reveal(), time + "." + request.body);
    request.headers.push_back({"X-Qingchuan-Timestamp", time});
    request.headers.push_back({"X-Qingchuan-Signature", "sha256=" + platform::hex(signature)});
  }
  const auto begun = Clock::now();
  const auto reply = client_->post(request, stop);
  probe_.posted(std::chrono::duration<double>(Clock::now() - begun).count());
  next_post_ = Clock::now() + options_.post_interval;
  wait_hint_ = milliseconds(0);
  if (!reply) return {Verdict::Again, reply.error().text};
  if (reply->retry_after) wait_hint_ = std::min<milliseconds>(*reply->retry_after, kRetryAfterMax);
  return channel_->judge(*reply);
}

void Outlet::took(std::size_t items) {
  probe_.delivered(items);
  done_ += items;
  alone_ -= std::min(alone_, items);
  refused_since_.reset();
  recovered();
}

// The receiver has answered as one that works.
void Outlet::recovered() {
  if (failures_ > 0) {
    platform::log_info("alerts go out again", {{"outlet", options_.name}, {"failures", failures_}});
  }
  failures_ = 0;
  next_try_ = next_line_ = {};
}

void Outlet::refused(std::span<const OutItem> items, const std::string& why) {
  for (const OutItem& item : items) {
    const std::string stage = out_group(options_.name);
    const auto* bad = std::get_if<core::Rejected>(&item.said);
    wire::DeadLetter letter;
    letter.source_topic = item.at.topic;
    letter.source_partition = item.at.partition;
    letter.source_offset = item.offset;
    letter.reason = bad != nullptr ? bad->reason : core::Reason::NotSupported;
    letter.detail = why;
    letter.key = item.key;
    letter.value = item.value;
    letter.stage = stage;
    std::string key = wire::dead_letter_key(item.at.topic, item.at.partition);
    const int partition = stream::partition_of(key, dead_letter_partitions_);
    letters_.push_back({{kDeadLetters, partition},
                        std::move(key),
                        wire::encode_dead_letter(letter, options_.dead_letter_bytes_max),
                        {}});
    platform::log_limited("out-refused-" + options_.name, 1, platform::Level::warn,
                          "a revision of an alert is given up; it is in dead-letters",
                          {{"outlet", options_.name},
                           {"record", stream::to_string(item.at) + "@" + std::to_string(item.offset)},
                           {"reason", why}});
  }
  probe_.refused(items.size());
  done_ += items.size();
  alone_ -= std::min(alone_, items.size());
  refused_since_.reset();
  recovered();
}

void Outlet::failed(const Answer& answer) {
  probe_.failed();
  ++failures_;
  const auto now = Clock::now();
  // Between half of it and all: outlets that failed together do not come back together.
  const milliseconds most = backoff(options_.retry_min, options_.retry_max, failures_);
  const auto wait = milliseconds(std::uniform_int_distribution<std::int64_t>(most.count() / 2, most.count())(chance_));
  next_try_ = now + std::max(wait, wait_hint_);
  if (failures_ == 1) failing_since_ = now;
  if (now < next_line_) return;
  next_line_ = now + options_.line_interval;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - failing_since_).count();
  platform::log_warn("alerts do not go out", {{"outlet", options_.name},
                                              {"receiver", client_ ? client_->url().address() : options_.directory},
                                              {"reason", answer.why},
                                              {"failures", failures_},
                                              {"for_seconds", seconds}});
}

// ---- what is seen of it
// ----------------------------------------------------------------------------------------------

void Outlet::set_trouble(std::optional<std::string> text) {
  const std::lock_guard lock(mutex_);
  trouble_ = std::move(text);
}

std::optional<std::string> Outlet::unready() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

void Outlet::measure() {
  next_measure_ = Clock::now() + kMeasureInterval;
  double records = 0;
  std::int64_t oldest = 0;
  for (const auto& tp : owned_) {
    // The next one to be delivered: of what is at hand, or else what is committed.
    const auto at_hand = std::find_if(items_.begin() + static_cast<std::ptrdiff_t>(done_), items_.end(),
                                      [&](const OutItem& item) { return item.at == tp; });
    std::optional<stream::Offset> next;
    if (at_hand != items_.end()) {
      next = at_hand->offset;
      oldest = std::max(oldest, now_ms() - at_hand->written_ms);
    } else if (const auto committed = member_->committed(tp)) {
      next = committed->value_or(0);
    }
    const auto range = log_.range(tp);
    if (!range || !next) return;
    records += static_cast<double>(std::max<stream::Offset>(0, range->end - std::max(*next, range->start)));
  }
  probe_.lag(records, static_cast<double>(oldest) / 1000.0);
}

}  // namespace qc::alerts
