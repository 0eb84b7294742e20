#include "alerts/out_cap.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>
#include <vector>

#include "platform/whole_file.h"
#include "wire/formal_cap.h"

namespace qc::alerts {
namespace {

namespace fs = std::filesystem;

constexpr const char* kEntries = ".entries";
constexpr const char* kDrafts = "draft";

wire::CapSender sender_of(const OutletOptions& options) {
  return {options.sender, {options.sender_name, options.sender_name_en}};
}

Result<void> make_directory(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return fail(Errc::file_unreadable, "cannot make `" + path.string() + "`: " + error.message());
  return {};
}

Result<std::string> content_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  if (!in) return fail(Errc::file_unreadable, "cannot read `" + path.string() + "`");
  return out.str();
}

}  // namespace

OutPost CapChannel::make(std::span<const OutItem> items, std::int64_t /*now_ms*/) {
  return {items.size(), "", ""};
}

std::optional<Answer> CapChannel::keep(std::span<const OutItem> items) {
  bool added = !feed_is_new_;
  for (const OutItem& item : items) {
    if (auto written = write(item, &added); !written) {
      // What cannot be a message at all: no repeat can mend it.
      const bool for_good = written.error().code == Errc::usage;
      return Answer{for_good ? Verdict::Refused : Verdict::Again, written.error().text};
    }
  }
  if (added) {
    if (auto written = write_feed(); !written) return Answer{Verdict::Again, written.error().text};
    feed_is_new_ = true;
  }
  return Answer{};
}

Result<void> CapChannel::write(const OutItem& item, bool* added) {
  const auto* told = std::get_if<core::ToldAlert>(item.alert());
  if (told == nullptr || told->alert.formal.message.number == 0) return {};
  const core::Alert& alert = told->alert;
  const bool draft = alert.formal.message.status == core::FormalStatus::Draft;
  if (draft && !options_.drafts) return {};

  std::shared_ptr<const core::RuleSet> rules;
  if (auto found = rules_(item.rules)) {
    rules = std::move(*found);
  } else if (found.error().code != Errc::rules_missing) {
    return tl::make_unexpected(found.error());
  }
  const wire::CapMessage message =
      wire::formal_cap(alert.key, alert.condition, alert.formal, sender_of(options_), rules.get());
  const fs::path directory = draft ? fs::path(options_.directory) / kDrafts : fs::path(options_.directory);
  const fs::path path = directory / wire::cap_file_name(message);
  const fs::path entry = fs::path(options_.directory) / kEntries / path.filename();
  // The revisions of an alert repeat its last message; a message that is out is never changed.
  std::error_code error;
  if (fs::exists(path, error) && (draft || fs::exists(entry, error))) return {};
  const auto text = wire::encode_cap(message);
  if (!text) return tl::make_unexpected(text.error());
  if (auto made = make_directory(directory); !made) return made;
  if (!fs::exists(path, error)) {
    if (auto written = platform::write_whole_file(path.string(), *text); !written) return written;
  }
  if (draft) return {};
  if (auto made = make_directory(entry.parent_path()); !made) return made;
  *added = true;
  return platform::write_whole_file(entry.string(), wire::atom_entry(message, path.filename().string()));
}

Result<void> CapChannel::write_feed() const {
  const fs::path entries = fs::path(options_.directory) / kEntries;
  if (auto made = make_directory(entries); !made) return made;
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(entries, error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() == ".xml") names.push_back(it->path().filename().string());
  }
  if (error) return fail(Errc::file_unreadable, "cannot read `" + entries.string() + "`: " + error.message());
  std::sort(names.rbegin(), names.rend());
  if (names.size() > kFeedEntriesMax) names.resize(kFeedEntriesMax);
  std::vector<std::string> texts;
  for (const std::string& name : names) {
    auto text = content_of(entries / name);
    if (!text) return tl::make_unexpected(text.error());
    texts.push_back(std::move(*text));
  }
  const core::EventTime updated = names.empty() ? core::EventTime{} : wire::cap_file_time(names.front());
  return platform::write_whole_file((fs::path(options_.directory) / kFeedName).string(),
                                    wire::atom_feed(sender_of(options_), updated, kFeedName, texts));
}

}  // namespace qc::alerts
