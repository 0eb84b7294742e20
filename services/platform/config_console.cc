#include "platform/config_console.h"

#include <algorithm>
#include <string>
#include <string_view>

namespace qc::platform {

namespace schema = ::qingchuan::v1;

namespace {

constexpr std::int64_t kConsoleSecond = 1000;
constexpr std::int64_t kConsoleHour = 3600 * kConsoleSecond;

// "https://host[:port]" and nothing behind it, as browsers say it.
bool is_origin(std::string_view text) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (!text.starts_with(scheme)) continue;
    const std::string_view host = text.substr(scheme.size());
    return !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == ':' || c == '[' ||
             c == ']';
    });
  }
  return false;
}

}  // namespace

bool is_loopback(std::string_view listen) {
  const std::size_t colon = listen.rfind(':');
  const std::string_view host = listen.substr(0, colon == std::string_view::npos ? listen.size() : colon);
  return host == "localhost" || host == "[::1]" || host.starts_with("127.");
}

void apply_console_defaults(schema::Console& console, const YamlLoader* written) {
  const auto absent = [&](const char* name) {
    return written == nullptr || !written->given(std::string("console.") + name);
  };
  if (absent("listen")) console.set_listen("127.0.0.1:8440");
  if (absent("workers")) console.set_workers(4);
  if (absent("connections_max")) console.set_connections_max(10'000);
  if (absent("streams_max")) console.set_streams_max(8'000);
  if (absent("streams_per_session_max")) console.set_streams_per_session_max(50);
  if (absent("requests_per_minute")) console.set_requests_per_minute(1'200);
  if (absent("body_bytes_max")) console.set_body_bytes_max(256 << 10);
  if (absent("heartbeat")) console.set_heartbeat(15 * kConsoleSecond);
  if (absent("answer_within")) console.set_answer_within(5 * kConsoleSecond);
  if (absent("series_kept")) console.set_series_kept(72 * kConsoleHour);
  if (absent("series_max")) console.set_series_max(50'000);
  if (absent("alerts_max")) console.set_alerts_max(200'000);
  if (absent("ledger_max")) console.set_ledger_max(50'000);
  if (absent("feed_changes_max")) console.set_feed_changes_max(200'000);
  if (absent("feed_bytes_max")) console.set_feed_bytes_max(std::int64_t{128} << 20);
  if (absent("history_records_max")) console.set_history_records_max(5'000'000);
  if (absent("history_time_max")) console.set_history_time_max(10 * kConsoleSecond);
  if (absent("session_idle")) console.set_session_idle(12 * kConsoleHour);
  if (absent("session_max")) console.set_session_max(7 * 24 * kConsoleHour);
  if (absent("cap_sender")) console.set_cap_sender("qingchuan.invalid");
  if (absent("cap_sender_name")) console.set_cap_sender_name("晴川");
}

void check_console(const schema::Console& console, YamlLoader& loader) {
  if (console.certificate_file().empty() != console.key_file().empty()) {
    loader.add_problem("console", "`certificate_file` and `key_file` go together");
  }
  if (!is_loopback(console.listen()) && console.certificate_file().empty() && !console.behind_proxy()) {
    loader.add_problem("console.listen",
                       "passwords would cross the network unprotected; give `certificate_file` and `key_file`, or say "
                       "`behind_proxy: true` where somebody in front does TLS");
  }
  for (int i = 0; i < console.origins_size(); ++i) {
    if (is_origin(console.origins(i))) continue;
    loader.add_problem("console.origins[" + std::to_string(i) + "]", "no origin; expected https://HOST[:PORT]");
  }
  if (console.streams_max() > console.connections_max()) {
    loader.add_problem("console.streams_max", "more streams than connections (`connections_max`)");
  }
  if (console.session_idle() > console.session_max()) {
    loader.add_problem("console.session_idle", "longer than `session_max`");
  }
}

}  // namespace qc::platform
