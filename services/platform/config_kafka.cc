#include "platform/config_kafka.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <map>

#include "platform/config_secrets.h"
#include "platform/yaml_value.h"

namespace qc::platform {

namespace schema = ::qingchuan::v1;

namespace {

constexpr std::size_t kNameMax = 100;  // Kafka's topics have at most 249 with the topic's own name

bool is_name(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
}

void check_name(const char* field, const std::string& value, YamlLoader& loader) {
  if (value.size() <= kNameMax && is_name(value)) return;
  loader.add_problem(std::string("kafka.") + field, shown(field) + " is " + shown(value) + "; expected at most " +
                                                        std::to_string(kNameMax) +
                                                        " letters, digits, dots, dashes and underscores");
}

}  // namespace

std::optional<std::string> broker_list_problem(std::string_view brokers) {
  const auto wrong = [&](std::string_view what) {
    return "brokers are written as HOST:PORT,HOST:PORT; " + std::string(what) + " in " + shown(brokers);
  };
  for (std::size_t begin = 0; begin <= brokers.size();) {
    const std::size_t end = std::min(brokers.find(',', begin), brokers.size());
    const std::string_view broker = brokers.substr(begin, end - begin);
    const std::size_t colon = broker.rfind(':');
    if (colon == std::string_view::npos || colon == 0) return wrong("a host or a port is missing");
    if (broker.find_first_of(" \t\r\n/") != std::string_view::npos) return wrong("there is a blank or a slash");
    const std::string_view port = broker.substr(colon + 1);
    int number = 0;
    const auto [parsed, error] = std::from_chars(port.data(), port.data() + port.size(), number);
    if (error != std::errc() || parsed != port.data() + port.size() || number < 1 || number > 65535) {
      return wrong("a port is not 1 to 65535");
    }
    begin = end + 1;
  }
  return std::nullopt;
}

bool is_secret_setting(std::string_view name) {
  std::string lower(name);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  // sasl.oauthbearer.config may hold a client's secret among other things; the last two are keys themselves.
  constexpr std::array<std::string_view, 5> kParts = {"password", "secret", "oauthbearer.config", "key.pem", "ssl_key"};
  return std::any_of(kParts.begin(), kParts.end(),
                     [&](std::string_view part) { return lower.find(part) != std::string::npos; });
}

void check_kafka(const schema::Kafka& kafka, YamlLoader& loader) {
  if (!kafka.brokers().empty()) {
    if (auto wrong = broker_list_problem(kafka.brokers())) loader.add_problem("kafka.brokers", std::move(*wrong));
  }
  check_name("prefix", kafka.prefix(), loader);
  check_name("instance", kafka.instance(), loader);
  // What librdkafka and the brokers themselves insist on.
  if (kafka.request_timeout() > kafka.transaction_timeout()) {
    loader.add_problem("kafka.request_timeout", "`request_timeout` is " + duration_text(kafka.request_timeout()) +
                                                    "; expected at most `transaction_timeout`, " +
                                                    duration_text(kafka.transaction_timeout()));
  }
  if (kafka.max_poll_interval() < kafka.session_timeout()) {
    loader.add_problem("kafka.max_poll_interval", "`max_poll_interval` is " + duration_text(kafka.max_poll_interval()) +
                                                      "; expected at least `session_timeout`, " +
                                                      duration_text(kafka.session_timeout()));
  }
  for (const auto& [name, value] : kafka.settings()) {
    if (is_secret_setting(name) && !stands_elsewhere(value)) {
      loader.add_problem("kafka.settings[" + name + "]",
                         shown(name) + " is a secret and must not stand here; write `file:PATH` or `env:NAME`");
    }
  }
}

Result<std::string> kafka_setting(const std::string& name, const std::string& written, const std::string& directory) {
  return meant_value("kafka setting " + shown(name), written, directory);
}

Result<std::vector<std::pair<std::string, std::string>>> kafka_settings(const schema::Kafka& kafka,
                                                                        const std::string& directory) {
  std::map<std::string, std::string> by_name;  // the message's own order is chance
  for (const auto& [name, written] : kafka.settings()) {
    auto value = kafka_setting(name, written, directory);
    if (!value) return tl::make_unexpected(value.error());
    by_name.emplace(name, std::move(*value));
  }
  return std::vector<std::pair<std::string, std::string>>(by_name.begin(), by_name.end());
}

}  // namespace qc::platform
