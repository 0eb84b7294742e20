#include "qingchuan/missing_topics.h"

#include <algorithm>
#include <vector>

namespace qc::commands {

Result<void> make_missing_topics(OpenLog& opened, std::span<const std::string_view> needed) {
  const auto found = opened.log->topics();
  if (!found) return tl::make_unexpected(found.error());
  std::vector<stream::TopicSpec> missing;
  for (const stream::TopicSpec& wanted : topics_of(opened.config.system)) {
    const bool there =
        std::any_of(found->begin(), found->end(), [&](const stream::TopicSpec& t) { return t.name == wanted.name; });
    const bool ours = std::find(needed.begin(), needed.end(), wanted.name) != needed.end();
    if (ours && !there) missing.push_back(wanted);
  }
  if (missing.empty()) return {};
  return opened.log->create_topics(missing);
}

}  // namespace qc::commands
