#include "platform/metrics.h"

#include <dirent.h>
#include <prometheus/collectable.h>
#include <prometheus/gauge.h>
#include <prometheus/text_serializer.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <iterator>
#include <sstream>

namespace qc::platform {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

MetricFamily single(const char* name, const char* help, MetricType type, double value) {
  MetricFamily family;
  family.name = name;
  family.help = help;
  family.type = type;
  prometheus::ClientMetric& metric = family.metric.emplace_back();
  if (type == MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
  return family;
}

// /proc/self/stat from the third field on; the second is the program's name in parentheses and may hold anything.
std::vector<std::string> stat_fields() {
  std::ifstream file("/proc/self/stat");
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream fields(text.substr(name_end + 1));
  return {std::istream_iterator<std::string>(fields), std::istream_iterator<std::string>()};
}

double boot_time_seconds() {
  std::ifstream file("/proc/stat");
  std::string key;
  double value = 0;
  while (file >> key) {
    if (key == "btime" && file >> value) return value;
    std::getline(file, key);
  }
  return 0;
}

double open_fds() {
  DIR* const directory = ::opendir("/proc/self/fd");
  if (directory == nullptr) return 0;
  int count = 0;
  while (const dirent* entry = ::readdir(directory)) {
    if (entry->d_name[0] != '.') ++count;
  }
  ::closedir(directory);
  return count - 1;  // the directory's own
}

std::vector<MetricFamily> process_metrics() {
  std::vector<MetricFamily> families;
  const auto add = [&](const char* name, const char* help, MetricType type, double value) {
    families.push_back(single(name, help, type, value));
  };
  // Numbers of proc(5), less three: the list begins with field 3.
  constexpr std::size_t kUser = 14 - 3, kSystem = 15 - 3, kThreads = 20 - 3, kStart = 22 - 3, kVirtual = 23 - 3,
                        kResident = 24 - 3;
  if (const std::vector<std::string> stat = stat_fields(); stat.size() > kResident) {
    const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
    const auto page = static_cast<double>(::sysconf(_SC_PAGESIZE));
    add("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.", MetricType::Counter,
        (std::stod(stat[kUser]) + std::stod(stat[kSystem])) / ticks);
    add("process_start_time_seconds", "Start time of the process since unix epoch in seconds.", MetricType::Gauge,
        boot_time_seconds() + std::stod(stat[kStart]) / ticks);
    add("process_virtual_memory_bytes", "Virtual memory size in bytes.", MetricType::Gauge, std::stod(stat[kVirtual]));
    add("process_resident_memory_bytes", "Resident memory size in bytes.", MetricType::Gauge,
        std::stod(stat[kResident]) * page);
    add("process_threads", "Number of threads of the process.", MetricType::Gauge, std::stod(stat[kThreads]));
  }
  add("process_open_fds", "Number of open file descriptors.", MetricType::Gauge, open_fds());
  if (rlimit limit{}; ::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    add("process_max_fds", "Maximum number of open file descriptors.", MetricType::Gauge,
        static_cast<double>(limit.rlim_cur));
  }
  return families;
}

constexpr const char* kExposition = "text/plain; version=0.0.4; charset=utf-8";

WebResponse text_page(int status, std::string text, const char* type = "text/plain; charset=utf-8") {
  return {.status = status,
          .content_type = type,
          .body = std::make_shared<const std::string>(std::move(text)),
          .headers = {},
          .stream = {}};
}

WebResponse index_page(const Endpoints& endpoints) {
  std::string text = endpoints.title + "\n\n";
  text += "/metrics           metrics of this process, for Prometheus\n";
  if (endpoints.stations) text += "/metrics/stations  the latest values of the stations, for Prometheus\n";
  text += "/livez             200 while the process lives\n";
  text += "/readyz            200 when it works; otherwise 503 and the reasons, a line each\n";
  return text_page(200, std::move(text));
}

WebResponse readiness(const Endpoints& endpoints) {
  const std::vector<std::string> reasons = endpoints.unready ? endpoints.unready() : std::vector<std::string>{};
  if (reasons.empty()) return text_page(200, "ready\n");
  std::string text;
  for (const std::string& reason : reasons) text += reason + "\n";
  return text_page(503, std::move(text));
}

}  // namespace

Metrics::Metrics(const std::string& version) : registry_(std::make_shared<prometheus::Registry>()) {
  prometheus::BuildGauge()
      .Name("qingchuan_build_info")
      .Help("Always 1; the version of the binary is in the label.")
      .Register(*registry_)
      .Add({{"version", version}})
      .Set(1);
}

std::string Metrics::text() const {
  std::vector<MetricFamily> families = registry_->Collect();
  for (MetricFamily& family : process_metrics()) families.push_back(std::move(family));
  return prometheus::TextSerializer().Serialize(families);
}

WebResponse endpoint_answer(const Metrics& metrics, const Endpoints& endpoints, const WebRequest& request) {
  if (request.method != "GET" && request.method != "HEAD") {
    WebResponse refused = text_page(405, "only GET and HEAD\n");
    refused.headers.emplace_back("Allow", "GET, HEAD");
    return refused;
  }
  if (request.path == "/metrics") return text_page(200, metrics.text(), kExposition);
  if (request.path == "/metrics/stations" && endpoints.stations)
    return text_page(200, endpoints.stations(), kExposition);
  if (request.path == "/livez") return text_page(200, "live\n");
  if (request.path == "/readyz") return readiness(endpoints);
  if (request.path == "/") return index_page(endpoints);
  return text_page(404, "there is nothing at " + request.path + "; see /\n");
}

WebHandler make_endpoints(const Metrics& metrics, Endpoints endpoints) {
  return [&metrics, endpoints = std::move(endpoints)](const WebRequest& request, WebReply reply) {
    reply(endpoint_answer(metrics, endpoints, request));
  };
}

}  // namespace qc::platform
