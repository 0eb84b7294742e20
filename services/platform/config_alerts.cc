#include "platform/config_alerts.h"

#include <algorithm>
#include <string>

#include "platform/config_secrets.h"
#include "platform/http_client.h"
#include "platform/yaml_value.h"

namespace qc::platform {

namespace schema = ::qingchuan::v1;

namespace {

constexpr std::size_t kNameMax = 50;
constexpr int kRobotPerMinute = 20;  // what both services allow

bool is_robot(const schema::AlertOut& out) {
  return out.shape() == schema::OUT_WECOM || out.shape() == schema::OUT_DINGTALK;
}

std::string path_of(int index, const char* field) {
  return "alerts.out[" + std::to_string(index) + "]." + field;
}

// It becomes part of a group's name.
bool is_name(std::string_view text) {
  return text.size() <= kNameMax && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

void check_url(const schema::AlertOut& out, const std::string& path, YamlLoader& loader) {
  if (out.url().empty() || stands_elsewhere(out.url())) return;
  if (is_robot(out)) {
    loader.add_problem(path,
                       "the address of a robot holds its key and must not stand here; write `file:PATH` or "
                       "`env:NAME`");
  } else if (!parse_http_url(out.url())) {
    loader.add_problem(path, "`url` is no address; expected http://HOST[:PORT][/PATH] or https://...");
  }
}

void check_secret(const char* field, const std::string& value, const std::string& path, YamlLoader& loader) {
  if (value.empty() || stands_elsewhere(value)) return;
  loader.add_problem(path, shown(field) + " is a secret and must not stand here; write `file:PATH` or `env:NAME`");
}

}  // namespace

void apply_alerts_defaults(schema::Alerts& alerts, const YamlLoader* written) {
  for (int i = 0; i < alerts.out_size(); ++i) {
    schema::AlertOut& out = *alerts.mutable_out(i);
    const auto absent = [&](const char* field) { return written == nullptr || !written->given(path_of(i, field)); };
    if (absent("batch_max")) out.set_batch_max(100);
    if (absent("timeout")) out.set_timeout(10'000);
    if (absent("retry_min")) out.set_retry_min(500);
    if (absent("retry_max")) out.set_retry_max(60'000);
    if (absent("resend")) out.set_resend(60'000);
    if (absent("per_minute")) out.set_per_minute(is_robot(out) ? kRobotPerMinute : 0);
  }
}

void check_alerts(const schema::Alerts& alerts, YamlLoader& loader) {
  for (int i = 0; i < alerts.out_size(); ++i) {
    const schema::AlertOut& out = alerts.out(i);
    if (!is_name(out.name())) {
      loader.add_problem(path_of(i, "name"),
                         "`name` is " + shown(out.name()) + "; expected at most 50 small letters, digits and dashes");
    }
    check_url(out, path_of(i, "url"), loader);
    check_secret("secret", out.secret(), path_of(i, "secret"), loader);
    check_secret("authorization", out.authorization(), path_of(i, "authorization"), loader);
    if (out.shape() == schema::OUT_WECOM && !out.secret().empty()) {
      loader.add_problem(path_of(i, "secret"), "`secret` means nothing for wecom; its key is in its address");
    }
    if (out.retry_max() < out.retry_min()) {
      loader.add_problem(path_of(i, "retry_max"), "`retry_max` is " + duration_text(out.retry_max()) +
                                                      "; expected at least `retry_min`, " +
                                                      duration_text(out.retry_min()));
    }
  }
}

}  // namespace qc::platform
