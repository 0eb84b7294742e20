#include "platform/config.h"

#include <cstdlib>
#include <filesystem>
#include <set>
#include <system_error>

#include "platform/config_alerts.h"
#include "platform/config_checks.h"
#include "platform/config_console.h"
#include "platform/yaml_value.h"

namespace qc::platform {

namespace fs = std::filesystem;
namespace schema = ::qingchuan::v1;

namespace {

constexpr std::int64_t kSecond = 1000;
constexpr std::int64_t kMinute = 60 * kSecond;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr const char* kFileName = "qingchuan.yaml";

// The System file that a path means; empty when there is none.
std::string file_of(const fs::path& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) {
    const fs::path file = path / kFileName;
    return fs::exists(file, ignored) ? file.lexically_normal().string() : "";
  }
  return fs::exists(path, ignored) ? path.lexically_normal().string() : "";
}

void load_rules(const schema::System& system, const fs::path& base, YamlLoader& system_loader, YamlLoader& loader,
                std::vector<std::string>& files) {
  std::set<std::string> seen;
  for (int i = 0; i < system.rules_size(); ++i) {
    const std::string place = "rules[" + std::to_string(i) + "]";
    const std::string file = (base / system.rules(i)).lexically_normal().string();
    std::error_code ignored;
    if (!seen.insert(file).second) {
      system_loader.add_problem(place, "`" + printable(system.rules(i)) + "` is listed twice");
    } else if (!fs::is_regular_file(file, ignored)) {
      system_loader.add_problem(place, "there is no file `" + printable(file) + "`");
    } else {
      files.push_back(file);
      loader.load_file(file);
    }
  }
}

}  // namespace

std::string Loaded::report() const {
  std::string text;
  for (const Problem& problem : problems) text += problem.str() + "\n";
  return text + std::to_string(problems.size()) + (problems.size() == 1 ? " problem in " : " problems in ") +
         std::to_string(files.size()) + (files.size() == 1 ? " file" : " files");
}

Result<std::string> find_config(const std::string& explicit_path) {
  const auto named = [](const std::string& path, const std::string& by) -> Result<std::string> {
    std::string file = file_of(path);
    if (!file.empty()) return file;
    return fail(Errc::file_unreadable,
                by + ": there is no configuration at `" + path + "` (a file, or a directory with " + kFileName + ")");
  };
  if (!explicit_path.empty()) return named(explicit_path, "--config");
  if (const char* variable = std::getenv("QINGCHUAN_CONFIG"); variable != nullptr && *variable != '\0') {
    return named(variable, "QINGCHUAN_CONFIG");
  }
  std::error_code ignored;
  const fs::path binary = fs::read_symlink("/proc/self/exe", ignored).parent_path();
  std::string tried;
  for (const fs::path& place : {fs::path("config"), binary / "../../config", binary / "../share/qingchuan/config",
                                fs::path("/etc/qingchuan")}) {
    if (std::string file = file_of(place); !file.empty()) return file;
    tried += (tried.empty() ? "" : ", ") + place.lexically_normal().string();
  }
  return fail(Errc::file_unreadable, "no configuration found; looked in " + tried);
}

Result<Loaded> load_config(const std::string& dir_or_file) {
  Loaded loaded;
  loaded.path = file_of(dir_or_file);
  if (loaded.path.empty()) {
    return fail(Errc::file_unreadable, "there is no configuration at `" + dir_or_file + "`");
  }
  loaded.files.push_back(loaded.path);
  YamlLoader system_loader(loaded.system);
  YamlLoader rules_loader(loaded.rules);
  system_loader.load_file(loaded.path);
  load_rules(loaded.system, fs::path(loaded.path).parent_path(), system_loader, rules_loader, loaded.files);
  apply_system_defaults(loaded.system, &system_loader);
  apply_rules_defaults(loaded.rules, &rules_loader);
  // Checks across fields only where the fields themselves are right: what follows from a reported mistake is noise.
  const bool system_right = system_loader.finish();
  if (rules_loader.finish()) check_rules(loaded.rules, rules_loader);
  if (system_right) check_system(loaded.system, system_loader);
  for (const auto& [name, value] : loaded.system.kafka().settings()) {
    loaded.kafka_settings.emplace(name, system_loader.place("kafka.settings[" + name + "]"));
  }
  loaded.rules_places = rules_loader.places();
  loaded.problems = system_loader.problems();
  loaded.problems.insert(loaded.problems.end(), rules_loader.problems().begin(), rules_loader.problems().end());
  return loaded;
}

Result<Loaded> load_valid_config(const std::string& dir_or_file) {
  auto loaded = load_config(dir_or_file);
  if (loaded && !loaded->problems.empty()) return fail(Errc::config_invalid, loaded->report());
  return loaded;
}

void apply_system_defaults(schema::System& system, const YamlLoader* written) {
  const auto absent = [&](const char* path) { return written == nullptr || !written->given(path); };

  schema::Processor& processor = *system.mutable_processor();
  if (absent("processor.workers")) processor.set_workers(1);
  if (absent("processor.commit_interval")) processor.set_commit_interval(100);
  if (absent("processor.checkpoint_interval")) processor.set_checkpoint_interval(30 * kSecond);

  schema::Http& http = *system.mutable_http();
  if (absent("http.listen")) http.set_listen("127.0.0.1:9464");
  if (absent("http.connections_max")) http.set_connections_max(64);
  if (absent("http.station_series_max")) http.set_station_series_max(10'000);

  schema::EmbeddedLog& embedded = *system.mutable_embedded();
  if (absent("embedded.group_commit")) embedded.set_group_commit(5);
  if (absent("embedded.maintenance_interval")) embedded.set_maintenance_interval(kMinute);

  schema::Kafka& kafka = *system.mutable_kafka();
  if (absent("kafka.session_timeout")) kafka.set_session_timeout(6 * kSecond);
  if (absent("kafka.transaction_timeout")) kafka.set_transaction_timeout(10 * kSecond);
  if (absent("kafka.request_timeout")) kafka.set_request_timeout(10 * kSecond);
  if (absent("kafka.max_poll_interval")) kafka.set_max_poll_interval(5 * kMinute);

  apply_alerts_defaults(*system.mutable_alerts(), written);
  apply_console_defaults(*system.mutable_console(), written);

  // 13 months of readings are kept by duty; their first must have a snapshot before it.
  if (system.has_replay() && absent("replay.months_kept")) system.mutable_replay()->set_months_kept(14);

  schema::Limits& limits = *system.mutable_limits();
  if (absent("limits.record_bytes_max")) limits.set_record_bytes_max(1 << 20);
  if (absent("limits.batch_readings_max")) limits.set_batch_readings_max(100'000);
  if (absent("limits.dead_letter_bytes_max")) limits.set_dead_letter_bytes_max(64 << 10);
  if (absent("limits.poll_records_max")) limits.set_poll_records_max(4096);
  if (absent("limits.append_queue_max")) limits.set_append_queue_max(100'000);
}

void apply_rules_defaults(schema::RuleSet& rules, const YamlLoader* written) {
  const auto absent = [&](const char* path) { return written == nullptr || !written->given(path); };

  schema::Horizons& horizons = *rules.mutable_horizons();
  if (absent("horizons.close_after")) horizons.set_close_after(10 * kMinute);
  if (absent("horizons.slots_kept")) horizons.set_slots_kept(6 * kHour);
  if (absent("horizons.hours_kept")) horizons.set_hours_kept(96 * kHour);
  if (absent("horizons.running_every")) horizons.set_running_every(5 * kMinute);
  if (absent("horizons.ahead_max")) horizons.set_ahead_max(5 * kMinute);
  if (absent("horizons.valid_minutes")) horizons.set_valid_minutes(45);
  if (absent("horizons.site_hours_max")) horizons.set_site_hours_max(1024);
}

}  // namespace qc::platform
