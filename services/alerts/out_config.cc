#include "alerts/out_config.h"

#include <filesystem>

#include "platform/config_secrets.h"

namespace qc::alerts {

namespace schema = ::qingchuan::v1;

namespace {

constexpr std::int64_t kMinuteMs = 60'000;

Result<OutletOptions> options_of(const schema::AlertOut& out, const std::string& directory) {
  OutletOptions options;
  const auto meant = [&](const char* field, const std::string& written) {
    return platform::meant_value("`" + std::string(field) + "` of the way out `" + out.name() + "`", written,
                                 directory);
  };
  options.name = out.name();
  options.shape = static_cast<OutShape>(out.shape());
  auto url = meant("url", out.url());
  if (!url) return tl::make_unexpected(url.error());
  if (!platform::parse_http_url(*url)) {
    return fail(Errc::config_invalid, "`url` of the way out `" + out.name() +
                                          "` is no address; expected http://HOST[:PORT][/PATH] or https://...");
  }
  auto secret = meant("secret", out.secret());
  if (!secret) return tl::make_unexpected(secret.error());
  auto authorization = meant("authorization", out.authorization());
  if (!authorization) return tl::make_unexpected(authorization.error());
  options.http.url = std::move(*url);
  options.secret = platform::Secret(std::move(*secret));
  options.authorization = platform::Secret(std::move(*authorization));
  if (!out.ca_file().empty()) options.http.ca_file = (std::filesystem::path(directory) / out.ca_file()).string();
  options.http.server_name = out.server_name();
  options.http.timeout = std::chrono::milliseconds(out.timeout());
  options.batch_max = static_cast<std::size_t>(out.batch_max());
  options.retry_min = stream::Milliseconds(out.retry_min());
  options.retry_max = stream::Milliseconds(out.retry_max());
  options.resend = stream::Milliseconds(out.resend());
  if (out.per_minute() > 0) options.post_interval = stream::Milliseconds(kMinuteMs / out.per_minute());
  return options;
}

}  // namespace

Result<std::vector<OutletOptions>> outlet_options(const schema::System& system, const std::string& directory) {
  std::vector<OutletOptions> all;
  for (const schema::AlertOut& out : system.alerts().out()) {
    auto options = options_of(out, directory);
    if (!options) return tl::make_unexpected(options.error());
    options->dead_letter_bytes_max = static_cast<std::size_t>(system.limits().dead_letter_bytes_max());
    all.push_back(std::move(*options));
  }
  return all;
}

}  // namespace qc::alerts
