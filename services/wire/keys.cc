#include "wire/keys.h"

namespace qc::wire {
namespace {

void append_escaped(std::string_view text, std::string& out) {
  for (const char c : text) {
    if (c == '|') {
      out += "%7C";
    } else if (c == '%') {
      out += "%25";
    } else {
      out += c;
    }
  }
}

}  // namespace

std::string mean_key(std::string_view site, core::Factor factor, core::Window window, core::EventTime end) {
  std::string key;
  key.reserve(site.size() + 32);
  append_escaped(site, key);
  key += '|';
  key += core::name(factor);
  key += '|';
  key += core::name(window);
  key += '|';
  key += std::to_string(core::ms(end));
  return key;
}

std::string signal_key(std::string_view subject) {
  return std::string(subject);
}

std::string event_key(std::string_view region) {
  return std::string(region);
}

std::string reading_key(std::string_view site) {
  return std::string(site);
}

namespace {

std::string stage_key(std::string_view what, std::string_view upstream, int partition) {
  std::string key(what);
  append_escaped(upstream, key);
  key += '|';
  key += std::to_string(partition);
  return key;
}

}  // namespace

std::string tick_key(std::string_view upstream, int partition) {
  return stage_key("@tick|", upstream, partition);
}
std::string taken_key(std::string_view upstream, int partition) {
  return stage_key("@taken|", upstream, partition);
}

std::string alert_key(const core::AlertKey& key) {
  return text(key);
}
std::string row_key(std::string_view id) {
  return "@row|" + std::string(id);
}

std::string maintenance_key(std::string_view subject) {
  return "@maintenance|" + std::string(subject);
}

std::string rules_key(std::string_view hash) {
  return std::string(hash);
}

std::string dead_letter_key(std::string_view topic, int partition) {
  return std::string(topic) + '-' + std::to_string(partition);
}

}  // namespace qc::wire
