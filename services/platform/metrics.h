// The registry of the process's metrics, and the pages that show it. Classes that measure themselves take
// `registry()` and register a struct of metrics beside them; the convention: prefix `qingchuan_`, base units, no ids in
// labels. This file adds `qingchuan_build_info` and the process metrics of the Prometheus convention (`process_*`).
//
// Lifecycle: main makes one Metrics, before and outliving everything that registers in it.
// Threads: any; prometheus-cpp guards its own.
#pragma once

#include <prometheus/registry.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "platform/web_server.h"

namespace qc::platform {

class Metrics {
 public:
  explicit Metrics(const std::string& version);

  prometheus::Registry& registry() { return *registry_; }
  // Everything in the text exposition format; reads /proc for the process's own.
  std::string text() const;

 private:
  std::shared_ptr<prometheus::Registry> registry_;
};

// What the pages need from the service that shows them; both are called from the web server's workers.
struct Endpoints {
  std::string title = "qingchuan";                    // first line of the page at /
  std::function<std::string()> stations;              // body of /metrics/stations; empty: 404
  std::function<std::vector<std::string>()> unready;  // reasons why not, one line each; none: ready
};

// One answer of those pages.
WebResponse endpoint_answer(const Metrics& metrics, const Endpoints& endpoints, const WebRequest& request);

// Pages: / (index), /metrics, /metrics/stations, /livez (200 "live"), /readyz (200 "ready", or 503 with a line per
// reason); everything else 404; only GET and HEAD. REQUIRES: `metrics` outlives the server.
WebHandler make_endpoints(const Metrics& metrics, Endpoints endpoints);

}  // namespace qc::platform
