// The API under /api/v1 (docs/api.md, openapi.json): routes, who may, JSON. Errors are problem details (RFC 9457).
//
// Lifecycle: made over parts that outlive it; handle() is the web server's handler. Threads: its workers.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "console/commands.h"
#include "console/history.h"
#include "console/identity.h"
#include "console/model.h"
#include "console/stream.h"
#include "platform/web_server.h"

namespace qc::console {

// A report of a day or a month as JSON and as CSV: made by the composition root, which knows the command `report`.
struct ReportAsked {
  bool month = false;
  std::string period;  // "2026-11-27", "2026-11"
  std::string region;  // empty: all
  bool csv = false;
};
using ReportOf = std::function<Result<std::string>(const ReportAsked&)>;

struct ApiOptions {
  std::string version;                      // of the binary
  std::vector<std::string> origins;         // that may write, beside the server's own
  std::size_t page_max = 1'000;             // items of one list
  std::size_t requests_per_minute = 1'200;  // of one session or token; sign-ins and the unknown: of one peer
  std::string cap_sender = "qingchuan.invalid";
  std::string cap_sender_name = "晴川";
  bool secure_cookies = false;  // TLS, here or at a proxy in front
  std::function<core::EventTime()> now;
  std::function<std::vector<std::string>()> unready;
};

struct ApiParts {
  Model& model;
  Identity& identity;
  CommandDesk& commands;
  History& history;
  EventStreams& streams;
  ReportOf report;
};

class Api {
 public:
  Api(ApiParts parts, ApiOptions options);
  ~Api();
  void handle(const platform::WebRequest& request, platform::WebReply reply);
  // The same without a server. `done` is called once, from this thread or later from one of the parts.
  void ask(const platform::WebRequest& request, std::function<void(platform::WebResponse)> done);
  // The shape of errors that the server itself answers.
  static platform::WebResponse problem(int status, std::string_view detail);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace qc::console
