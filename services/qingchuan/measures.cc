#include "qingchuan/measures.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <set>
#include <utility>
#include <vector>

#include "platform/yaml_value.h"
#include "qingchuan/columns.h"
#include "wire/csv_output.h"

namespace qc::commands {
namespace {

// The ids that other programs know them by, as in the configuration.
constexpr std::array<std::string_view, 4> kLevelIds = {"", "yellow", "orange", "red"};
constexpr std::array<std::string_view, 4> kLevelNames = {"", "黄色", "橙色", "红色"};
constexpr std::array<std::string_view, 7> kRatingIds = {"", "A", "B", "C", "D", "leading", "not_leading"};
constexpr std::string_view kCsvHeader =
    "row,region,region_name,enterprise,enterprise_name,trade,rating,line,level,measure,so2,nox,pm,vocs,responsible\n";

// Hundredths as a decimal, trailing zeros cut: 7165 -> "71.65".
std::string decimal(std::int64_t hundredths) {
  std::string text = std::to_string(hundredths / 100);
  const auto rest = static_cast<int>(hundredths % 100);
  if (rest == 0) return text;
  text += '.';
  text += static_cast<char>('0' + rest / 10);
  if (rest % 10 != 0) text += static_cast<char>('0' + rest % 10);
  return text;
}

const std::string& in(Language language, const std::string& zh, const std::string& en) {
  return language == Language::English && !en.empty() ? en : zh;
}

// The three formats speak of the same things.
class Writer {
 public:
  Writer(const core::RuleSet& rules, const core::MeasuresDue& due, Language language)
      : rules_(rules), due_(due), language_(language) {}

  std::string text() const;
  std::string csv() const;
  std::string json() const;

 private:
  std::string word(const char* zh, const char* en) const { return language_ == Language::Chinese ? zh : en; }
  std::string region_name(const std::string& id) const {
    const auto found = rules_.regions.find(id);
    return found == rules_.regions.end() ? id : in(language_, found->second.name, found->second.name_en);
  }
  const std::string& name(const core::Enterprise& e) const { return in(language_, e.name, e.name_en); }
  std::string verdict(const core::Cut& cut) const {
    if (!cut.at_least) return word("无要求", "no duty");
    if (!cut.base_kg) return word("无法判断：无排放清单", "not judged: no inventory");
    if (cut.missing == 0) return word("达到", "met");
    return word("差 ", "short of it by ") + decimal(cut.missing);
  }

  std::string lines() const;
  std::string totals() const;
  std::string sources() const;

  const core::RuleSet& rules_;
  const core::MeasuresDue& due_;
  Language language_;
};

std::string Writer::lines() const {
  std::vector<std::vector<std::string>> rows{{word("区域", "region"), word("企业", "enterprise"),
                                              word("评级", "rating"), word("生产线", "line"), word("措施", "measure"),
                                              word("责任单位", "responsible")}};
  for (const std::string_view p : core::kEmittedNames) rows.front().emplace_back(p);
  const core::Enterprise* last = nullptr;
  for (const core::MeasureDue& d : due_.due) {
    // An enterprise is named once, before its first line.
    const bool same = d.enterprise == last;
    last = d.enterprise;
    std::vector<std::string> row;
    row.push_back(same ? "" : region_name(d.enterprise->region));
    row.push_back(same ? "" : name(*d.enterprise));
    row.emplace_back(same ? "" : rating_word(d.enterprise->rating, language_));
    row.push_back(in(language_, d.line->name, d.line->name_en));
    row.push_back(in(language_, d.measure->text, d.measure->text_en));
    row.push_back(same ? "" : in(language_, d.enterprise->responsible, d.enterprise->responsible_en));
    for (const std::int64_t cut : d.cut) row.push_back(cut == 0 ? "-" : decimal(cut));
    rows.push_back(std::move(row));
  }
  return table(rows, 6);
}

std::string Writer::totals() const {
  std::vector<std::vector<std::string>> rows{{word("污染物", "pollutant"), word("结论", "verdict"),
                                              word("全社会", "all of society"), word("清单内", "on the list"),
                                              word("减排", "cut"), word("比例", "share"), word("要求", "at least")}};
  for (std::size_t p = 0; p < core::kEmitted; ++p) {
    const core::Cut& cut = due_.cuts[p];
    const auto share = cut.share();
    rows.push_back({std::string(core::kEmittedNames[p]), verdict(cut), cut.base_kg ? std::to_string(*cut.base_kg) : "-",
                    std::to_string(cut.listed_kg), decimal(cut.cut), share ? decimal(*share) + "%" : "-",
                    cut.at_least ? std::to_string(*cut.at_least) + "%" : "-"});
  }
  return table(rows, 2);
}

std::string Writer::sources() const {
  std::string out;
  if (due_.duty != nullptr) {
    out += word("要求: ", "duty: ") + due_.duty->clause + " (" +
           std::string(confidence_word(due_.duty->confidence, language_)) + ")\n";
  }
  std::set<std::string> said;
  for (const core::Inventory* i : due_.inventories) {
    said.insert(i->source + " (" + std::string(confidence_word(i->confidence, language_)) + ")");
  }
  for (const std::string& source : said) out += word("全社会排放量: ", "emissions of all society: ") + source + "\n";
  return out;
}

std::string Writer::text() const {
  std::string out = region_name(due_.region->id) + " " + word("重污染天气", "heavy pollution, ") +
                    std::string(level_word(due_.level, language_)) + word("应急减排措施", ": emergency measures") +
                    word("  (规则 ", "  (rules ") + rules_.hash + ")\n\n";
  if (due_.due.empty()) {
    out += word("清单中没有这一级别的措施。\n", "The list has no measures for this level.\n");
  } else {
    out += lines();
  }
  if (!due_.nothing_due.empty()) {
    out += "\n" + word("本级别无措施: ", "nothing demanded at this level: ");
    for (std::size_t i = 0; i < due_.nothing_due.size(); ++i) {
      const core::Enterprise& e = *due_.nothing_due[i];
      out += (i == 0 ? "" : word("、", ", ")) + name(e) + " (" + std::string(rating_word(e.rating, language_)) + ")";
    }
    out += "\n";
  }
  out += "\n" + totals() + "\n";
  out += word("单位 kg/d。比例为减排量占全社会排放量的百分数，向下舍入。\n",
              "kg a day. Share: of the emissions of all society, rounded down.\n");
  return out + sources();
}

std::string Writer::csv() const {
  std::string out(kCsvHeader);
  const auto write = [&out](const std::vector<std::string>& fields) {
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (i > 0) out += ',';
      wire::append_csv_field(fields[i], out);
    }
    out += '\n';
  };
  for (const core::MeasureDue& d : due_.due) {
    const core::Enterprise& e = *d.enterprise;
    write({"measure", e.region, region_name(e.region), e.id, name(e), in(language_, e.trade, e.trade_en),
           std::string(kRatingIds[static_cast<std::size_t>(e.rating)]), in(language_, d.line->name, d.line->name_en),
           std::string(kLevelIds[static_cast<std::size_t>(d.measure->level)]),
           in(language_, d.measure->text, d.measure->text_en), decimal(d.cut[0]), decimal(d.cut[1]), decimal(d.cut[2]),
           decimal(d.cut[3]), in(language_, e.responsible, e.responsible_en)});
  }
  const auto total = [&](const char* row, auto value) {
    std::vector<std::string> fields{row, due_.region->id, region_name(due_.region->id), "", "", "", "", ""};
    fields.emplace_back(kLevelIds[static_cast<std::size_t>(due_.level)]);
    fields.emplace_back("");
    for (const core::Cut& c : due_.cuts) fields.push_back(value(c));
    fields.emplace_back("");
    write(fields);
  };
  total("cut", [](const core::Cut& c) { return decimal(c.cut); });
  total("listed", [](const core::Cut& c) { return std::to_string(c.listed_kg); });
  total("base", [](const core::Cut& c) { return c.base_kg ? std::to_string(*c.base_kg) : ""; });
  total("share_percent", [](const core::Cut& c) { return c.share() ? decimal(*c.share()) : ""; });
  total("at_least_percent", [](const core::Cut& c) { return c.at_least ? std::to_string(*c.at_least) : ""; });
  total("missing", [](const core::Cut& c) { return c.judged() ? decimal(c.missing) : ""; });
  return out;
}

std::string Writer::json() const {
  namespace json = boost::json;
  const auto cuts = [](const core::Hundredths& cut) {
    json::object of;
    for (std::size_t p = 0; p < core::kEmitted; ++p) of[core::kEmittedNames[p]] = decimal(cut[p]);
    return of;
  };
  json::array measures;
  for (const core::MeasureDue& d : due_.due) {
    const core::Enterprise& e = *d.enterprise;
    measures.push_back({{"region", e.region},
                        {"enterprise", e.id},
                        {"name", name(e)},
                        {"trade", in(language_, e.trade, e.trade_en)},
                        {"rating", kRatingIds[static_cast<std::size_t>(e.rating)]},
                        {"responsible", in(language_, e.responsible, e.responsible_en)},
                        {"line", in(language_, d.line->name, d.line->name_en)},
                        {"level", kLevelIds[static_cast<std::size_t>(d.measure->level)]},
                        {"measure", in(language_, d.measure->text, d.measure->text_en)},
                        {"cut_kg", cuts(d.cut)}});
  }
  json::array idle;
  for (const core::Enterprise* e : due_.nothing_due) idle.push_back({{"enterprise", e->id}, {"name", name(*e)}});
  json::object totals;
  for (std::size_t p = 0; p < core::kEmitted; ++p) {
    const core::Cut& c = due_.cuts[p];
    json::object of{{"cut_kg", decimal(c.cut)}, {"listed_kg", std::to_string(c.listed_kg)}};
    if (c.base_kg) of["base_kg"] = std::to_string(*c.base_kg);
    if (c.share()) of["share_percent"] = decimal(*c.share());
    if (c.at_least) of["at_least_percent"] = std::to_string(*c.at_least);
    if (c.judged()) {
      of["missing_kg"] = decimal(c.missing);
      of["met"] = c.missing == 0;
    }
    totals[core::kEmittedNames[p]] = std::move(of);
  }
  json::object all{{"region", due_.region->id},
                   {"name", region_name(due_.region->id)},
                   {"level", kLevelIds[static_cast<std::size_t>(due_.level)]},
                   {"rules", rules_.hash},
                   {"duty", due_.duty == nullptr ? "" : due_.duty->clause},
                   {"pollutants", std::move(totals)},
                   {"measures", std::move(measures)},
                   {"nothing_due", std::move(idle)}};
  return json::serialize(all) + "\n";
}

std::string unknown(const char* what, std::string_view written, const std::vector<std::string>& names) {
  const auto near = platform::nearest_name(written, names);
  std::string text = std::string("there is no ") + what + " " + platform::shown(written);
  if (near) return text + "; did you mean " + platform::shown(*near) + "?";
  constexpr std::size_t kListed = 20;
  text += "; expected one of ";
  for (std::size_t i = 0; i < std::min(names.size(), kListed); ++i) text += (i == 0 ? "" : ", ") + names[i];
  return text + (names.size() > kListed ? ", ..." : "");
}

}  // namespace

Result<std::string> find_region(const core::RuleSet& rules, std::string_view written) {
  if (rules.regions.contains(written)) return std::string(written);
  std::vector<std::string> ids;
  std::vector<std::string> names;
  for (const auto& [id, region] : rules.regions) {
    if (!written.empty() && (region.name == written || region.name_en == written)) return id;
    ids.push_back(id);
    names.insert(names.end(), {id, region.name});
    if (!region.name_en.empty()) names.push_back(region.name_en);
  }
  // 孝义 is 孝义市, as people say it; so short that it could be many is none.
  constexpr std::size_t kTwoCharacters = 6;
  const auto begins = [&](const auto& entry) { return entry.second.name.starts_with(written); };
  if (written.size() >= kTwoCharacters && std::count_if(rules.regions.begin(), rules.regions.end(), begins) == 1) {
    return std::find_if(rules.regions.begin(), rules.regions.end(), begins)->first;
  }
  const bool near = platform::nearest_name(written, names).has_value();
  return fail(Errc::usage, unknown("region", written, near ? names : ids));
}

Result<core::EmergencyLevel> find_level(std::string_view written) {
  std::vector<std::string> names;
  for (std::size_t i = 1; i < kLevelIds.size(); ++i) {
    if (written == kLevelIds[i] || written == kLevelNames[i]) return static_cast<core::EmergencyLevel>(i);
    names.emplace_back(kLevelIds[i]);
  }
  for (std::size_t i = 1; i < kLevelNames.size(); ++i) names.emplace_back(kLevelNames[i]);
  return fail(Errc::usage, unknown("level", written, names));
}

std::string to_text(const core::RuleSet& rules, const core::MeasuresDue& due, Language language) {
  return Writer(rules, due, language).text();
}

std::string to_csv(const core::RuleSet& rules, const core::MeasuresDue& due, Language language) {
  return Writer(rules, due, language).csv();
}

std::string to_json(const core::RuleSet& rules, const core::MeasuresDue& due, Language language) {
  return Writer(rules, due, language).json();
}

}  // namespace qc::commands
