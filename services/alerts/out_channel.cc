#include "alerts/out_channel.h"

#include "alerts/out_alertmanager.h"
#include "alerts/out_cap.h"
#include "base/assert.h"
#include "platform/hmac.h"
#include "platform/web_text.h"

namespace qc::alerts {
namespace {

std::vector<wire::AlertItem> alerts_of(std::span<const OutItem> items) {
  std::vector<wire::AlertItem> out;
  out.reserve(items.size());
  for (const OutItem& item : items) out.push_back(*item.alert());
  return out;
}

// Our own shape: every revision, as many as a body may hold.
class WebhookChannel : public OutChannel {
 public:
  WebhookChannel(const OutletOptions& options, const wire::AlertWords& words) : options_(options), words_(words) {}
  OutPost make(std::span<const OutItem> items, std::int64_t /*now_ms*/) override {
    std::vector<std::string> objects;
    std::size_t bytes = 0;
    for (const OutItem& item : items) {
      std::string object = wire::item_json(*item.alert(), words_);
      bytes += object.size();
      if (!objects.empty() && bytes > options_.body_bytes_max) break;
      objects.push_back(std::move(object));
    }
    return {objects.size(), wire::webhook_json(options_.name, objects), ""};
  }

 private:
  const OutletOptions& options_;
  const wire::AlertWords& words_;
};

class AlertmanagerWebhookChannel : public OutChannel {
 public:
  AlertmanagerWebhookChannel(const OutletOptions& options, const wire::AlertWords& words)
      : options_(options), words_(words) {}
  OutPost make(std::span<const OutItem> items, std::int64_t /*now_ms*/) override {
    return {items.size(), wire::alertmanager_webhook_json(options_.name, alerts_of(items), words_), ""};
  }

 private:
  const OutletOptions& options_;
  const wire::AlertWords& words_;
};

class RobotChannel : public OutChannel {
 public:
  RobotChannel(const OutletOptions& options, const wire::AlertWords& words) : options_(options), words_(words) {}
  OutPost make(std::span<const OutItem> items, std::int64_t now_ms) override {
    const auto alerts = alerts_of(items);
    if (options_.shape == OutShape::Wecom) return {items.size(), wire::wecom_json(alerts, words_), ""};
    return {items.size(), wire::dingtalk_json(alerts, words_), signature(now_ms)};
  }
  Answer judge(const platform::HttpReply& reply) const override {
    Answer answer = judge_status(reply.status);
    if (answer.verdict != Verdict::Taken) return answer;
    if (auto why = wire::robot_refusal(reply.body)) return {Verdict::Again, std::move(*why), true};
    return answer;
  }

 private:
  // 钉钉's own: over the time and the secret, in the address.
  std::string signature(std::int64_t now_ms) const {
    if (options_.secret.empty()) return {};
    const std::string time = std::to_string(now_ms);
    const auto made = platform::hmac_sha256(options_.secret.reveal(), time + "\n" + options_.secret.reveal());
    const bool has_query = options_.http.url.find('?') != std::string::npos;
    return (has_query ? "&timestamp=" : "?timestamp=") + time +
           "&sign=" + platform::percent_encode(platform::base64(made));
  }

  const OutletOptions& options_;
  const wire::AlertWords& words_;
};

}  // namespace

Answer judge_status(int status) {
  if (status >= 200 && status < 300) return {};
  const std::string why = "HTTP status " + std::to_string(status);
  switch (status) {
    case 401:
    case 403:
    case 404:
    case 405:
    case 407:
    case 408:
    case 425:
    case 429:
      return {Verdict::Again, why};
    default:
      return {status >= 400 && status < 500 ? Verdict::Refused : Verdict::Again, why};
  }
}

std::unique_ptr<OutChannel> make_channel(const OutletOptions& options, const wire::AlertWords& words,
                                         const RulesOf& rules) {
  switch (options.shape) {
    case OutShape::Qingchuan:
      return std::make_unique<WebhookChannel>(options, words);
    case OutShape::AlertmanagerWebhook:
      return std::make_unique<AlertmanagerWebhookChannel>(options, words);
    case OutShape::Alertmanager:
      return std::make_unique<AlertmanagerChannel>(options, words);
    case OutShape::Wecom:
    case OutShape::Dingtalk:
      return std::make_unique<RobotChannel>(options, words);
    case OutShape::Cap:
      return std::make_unique<CapChannel>(options, rules);
    case OutShape::None:
      break;
  }
  QC_ASSERT(false);
}

}  // namespace qc::alerts
