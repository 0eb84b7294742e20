#include "qingchuan/topics.h"

#include <algorithm>
#include <array>
#include <functional>

#include "platform/yaml_value.h"
#include "qingchuan/columns.h"

namespace qc::commands {
namespace {

using stream::TopicSpec;
using Kind = TopicDifference::Kind;

std::string cleanup_text(const TopicSpec& t) {
  switch (t.cleanup) {
    case stream::Cleanup::Compact:
      return "compact";
    case stream::Cleanup::CompactDelete:
      return "compact+delete";
    case stream::Cleanup::Delete:
      break;
  }
  return "delete";
}

// One column: what is, and behind an arrow what is wanted where that is another.
std::string cell(const TopicDifference& d, const std::function<std::string(const TopicSpec&)>& text) {
  if (!d.found) return text(*d.wanted);
  const std::string is = text(*d.found);
  if (!d.wanted) return is;
  const std::string wanted = text(*d.wanted);
  return is == wanted ? is : is + " -> " + wanted;
}

const char* remark(Kind kind) {
  switch (kind) {
    case Kind::Missing:
      return "missing";
    case Kind::Settings:
      return "differs";
    case Kind::Partitions:
      return "REFUSED: a partition count is for ever";
    case Kind::NotConfigured:
      return "not configured: left alone";
    case Kind::None:
      break;
  }
  return "as configured";
}

std::size_t count(std::span<const TopicDifference> all, Kind kind) {
  return static_cast<std::size_t>(
      std::count_if(all.begin(), all.end(), [kind](const TopicDifference& d) { return d.kind == kind; }));
}

}  // namespace

std::vector<TopicDifference> compare_topics(std::span<const TopicSpec> found, std::span<const TopicSpec> wanted) {
  const auto find = [](std::span<const TopicSpec> in, const std::string& name) {
    return std::find_if(in.begin(), in.end(), [&name](const TopicSpec& t) { return t.name == name; });
  };
  std::vector<TopicDifference> all;
  for (const TopicSpec& w : wanted) {
    TopicDifference d{w.name, Kind::Missing, std::nullopt, w};
    if (const auto is = find(found, w.name); is != found.end()) {
      d.found = *is;
      d.kind = is->partitions != w.partitions ? Kind::Partitions : *is == w ? Kind::None : Kind::Settings;
    }
    all.push_back(std::move(d));
  }
  for (const TopicSpec& f : found) {
    if (find(wanted, f.name) == wanted.end()) all.push_back({f.name, Kind::NotConfigured, f, std::nullopt});
  }
  return all;
}

bool differ(std::span<const TopicDifference> all) {
  return std::any_of(all.begin(), all.end(),
                     [](const TopicDifference& d) { return d.kind != Kind::None && d.kind != Kind::NotConfigured; });
}

bool refused(std::span<const TopicDifference> all) {
  return count(all, Kind::Partitions) > 0;
}

std::string to_text(std::span<const TopicDifference> all) {
  constexpr std::size_t kColumns = 6;
  const auto retention = [](const TopicSpec& t) {
    return t.retention.count() == 0 ? std::string("for ever") : platform::duration_text(t.retention.count());
  };
  const auto lag = [](const TopicSpec& t) {
    return t.cleanup == stream::Cleanup::Delete ? std::string("-") : platform::duration_text(t.compaction_lag.count());
  };
  std::vector<std::array<std::string, kColumns>> rows = {
      {"topic", "partitions", "cleanup", "kept", "compaction lag", ""}};
  for (const TopicDifference& d : all) {
    if (d.kind == Kind::None) continue;
    rows.push_back({d.name, cell(d, [](const TopicSpec& t) { return std::to_string(t.partitions); }),
                    cell(d, cleanup_text), cell(d, retention), cell(d, lag), remark(d.kind)});
  }
  std::string out;
  if (rows.size() > 1) {
    std::array<std::size_t, kColumns> widths{};
    for (const auto& row : rows) {
      for (std::size_t i = 0; i < kColumns; ++i) widths[i] = std::max(widths[i], row[i].size());
    }
    for (const auto& row : rows) {
      std::string line;
      for (std::size_t i = 0; i < kColumns; ++i) line += pad_right(row[i], widths[i] + 2);
      out += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
    }
  }
  const auto said = [&](Kind kind, const char* what) {
    return count(all, kind) == 0 ? std::string() : ", " + std::to_string(count(all, kind)) + " " + what;
  };
  return out + std::to_string(count(all, Kind::None)) + " as configured" + said(Kind::Missing, "missing") +
         said(Kind::Settings, "with other settings") + said(Kind::Partitions, "refused") +
         said(Kind::NotConfigured, "not configured") + "\n";
}

}  // namespace qc::commands
