#include "qingchuan/place.h"

#include <CLI/CLI.hpp>
#include <array>
#include <filesystem>

#include "platform/config_kafka.h"
#include "platform/log_line.h"

namespace qc::commands {

std::string directory_of(const platform::Loaded& config) {
  return std::filesystem::path(config.path).parent_path().string();
}

void add_place_options(CLI::App& command, Place& place) {
  CLI::Option* data = command.add_option("--data", place.data, "Directory of the embedded log");
  if (!place.data_default.empty()) data->default_str(place.data_default);
  command.add_option("--kafka", place.kafka, "HOST:PORT,... of Kafka instead (default: kafka.brokers, docs/kafka.md)")
      ->excludes(data);
  command.add_option("--config", place.config,
                     "qingchuan.yaml or its directory (default: ./config, or beside the binary)");
}

Result<Address> address_of(const Place& place, const ::qingchuan::v1::System& system) {
  if (!place.data.empty() && !place.kafka.empty()) return fail(Errc::usage, "--data or --kafka, not both");
  if (!place.kafka.empty()) {
    if (auto wrong = platform::broker_list_problem(place.kafka)) return fail(Errc::usage, "--kafka: " + *wrong);
    return Address{{}, place.kafka};
  }
  if (!place.data.empty()) return Address{place.data, {}};
  if (!system.kafka().brokers().empty()) return Address{{}, system.kafka().brokers()};
  if (!place.data_default.empty()) return Address{place.data_default, {}};
  return fail(Errc::usage, "where is the log? --data DIR, --kafka HOST:PORT, or kafka.brokers in the configuration");
}

Result<stream::KafkaOptions> kafka_options(const platform::Loaded& config, const std::string& brokers, bool joins) {
  const ::qingchuan::v1::Kafka& kafka = config.system.kafka();
  stream::KafkaOptions o;
  o.brokers = brokers;
  o.prefix = kafka.prefix();
  if (!kafka.instance().empty()) {
    o.instance = kafka.instance();
  } else if (joins) {
    auto instance = stream::claim_kafka_instance(brokers, kafka.prefix());
    if (!instance) return tl::make_unexpected(instance.error());
    o.instance = std::move(*instance);
  }
  auto settings = platform::kafka_settings(kafka, directory_of(config));
  if (!settings) return tl::make_unexpected(settings.error());
  o.settings = std::move(*settings);
  if (kafka.replication() > 0) o.replication = kafka.replication();
  o.record_bytes_max = static_cast<std::size_t>(config.system.limits().record_bytes_max());
  o.session_timeout = stream::Milliseconds(kafka.session_timeout());
  o.max_poll_interval = stream::Milliseconds(kafka.max_poll_interval());
  o.transaction_timeout = stream::Milliseconds(kafka.transaction_timeout());
  o.request_timeout = stream::Milliseconds(kafka.request_timeout());
  o.line = &platform::log_line<stream::LineLevel>;
  return o;
}

std::vector<std::string> kafka_problems(const platform::Loaded& config) {
  std::vector<std::string> problems;
  for (const auto& [name, place] : config.kafka_settings) {
    const std::string& written = config.system.kafka().settings().at(name);
    auto value = platform::kafka_setting(name, written, directory_of(config));
    if (value) {
      const std::vector setting = {std::pair(name, std::move(*value))};
      if (const auto fine = stream::check_kafka_settings(setting); !fine) {
        problems.push_back(place.str() + ": " + fine.error().text);
      }
    } else {
      problems.push_back(place.str() + ": " + value.error().text);
    }
  }
  return problems;
}

}  // namespace qc::commands
