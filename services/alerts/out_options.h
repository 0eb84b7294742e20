// What one way out of `alerts` is set to: where it sends, in which shape, how patiently. A block of `alerts: out:` of
// the configuration, with its secrets read.
//
// Functions of their arguments, of files and of the environment; threads: none.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/result.h"
#include "platform/http_client.h"
#include "platform/log.h"
#include "stream/log.h"

namespace qc::alerts {

// The numbers are those of v1::OutShape.
enum class OutShape {
  None = 0,
  Qingchuan,            // our own JSON, every revision
  AlertmanagerWebhook,  // as Alertmanager's webhook of version 4 would
  Alertmanager,         // to an Alertmanager, by its API v2
  Wecom,                // a robot of 企业微信
  Dingtalk              // a robot of 钉钉
};
inline bool is_robot(OutShape shape) {
  return shape == OutShape::Wecom || shape == OutShape::Dingtalk;
}

struct OutletOptions {
  std::string name;
  OutShape shape = OutShape::Qingchuan;
  platform::HttpClientOptions http;
  platform::Secret secret;         // signs what is sent; empty: nothing is signed
  platform::Secret authorization;  // the header's whole value; empty: none
  std::size_t batch_max = 100;     // revisions of one post
  std::size_t body_bytes_max = 1 << 20;
  stream::Milliseconds retry_min{500};     // after a failure; doubled each time,
  stream::Milliseconds retry_max{60'000};  // up to this
  stream::Milliseconds post_interval{0};   // at least so long between two posts
  stream::Milliseconds resend{60'000};  // Alertmanager: what fires is said again this often, and holds three times that
  // Alertmanager: what is over is said again for so long, because it forgets what it knew when it is restarted.
  stream::Milliseconds resolved_kept{15 * 60'000};
  // Robots: a message that they refuse this long is given up.
  stream::Milliseconds robot_patience{60 * 60'000};
  stream::Milliseconds line_interval{30'000};  // a failure that lasts is said again this often
  std::size_t dead_letter_bytes_max = 64 << 10;
};

}  // namespace qc::alerts
