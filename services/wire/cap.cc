#include "wire/cap.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <pugixml.hpp>
#include <utility>

namespace qc::wire {
namespace {

// The words of a level, and what they are called in CAP.
struct Level {
  const char* id;
  const char* zh;
  const char* en;
  const char* response;
  const char* severity;
};
constexpr std::array<Level, 4> kLevels = {{{"", "", "", "", ""},
                                           {"yellow", "黄色", "Yellow", "III", "Moderate"},
                                           {"orange", "橙色", "Orange", "II", "Severe"},
                                           {"red", "红色", "Red", "I", "Extreme"}}};
constexpr std::size_t kNamesInHeadline = 3;

const Level& level_of(const CapMessage& m) {
  return kLevels.at(static_cast<std::size_t>(m.level));
}

// ---- texts
// ------------------------------------------------------------------------------------------------------------

// The bytes of the well-formed character at `at` that XML 1.0 may hold; 0: none such.
std::size_t character(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return first >= 0x20 || first == '\t' || first == '\n' ? 1 : 0;
  const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() - at < size) return 0;
  std::uint32_t code = first & (0xffu >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0u) != 0x80) return 0;
    code = code << 6 | (byte(i) & 0x3fu);
  }
  constexpr std::array<std::uint32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};  // a shorter form exists below it
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  return code < kLeast[size] || surrogate || code == 0xfffe || code == 0xffff || code > 0x10ffff ? 0 : size;
}

// What XML can carry; line ends as XML has them.
std::string clean(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '\r') {
      out += '\n';
      at += at + 1 < text.size() && text[at + 1] == '\n' ? 2 : 1;
    } else if (const std::size_t size = character(text, at); size > 0) {
      out += text.substr(at, size);
      at += size;
    } else {
      out += "\uFFFD";
      ++at;
    }
  }
  return out;
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

// One of the two blocks.
class Language {
 public:
  explicit Language(bool zh) : zh_(zh) {}
  const char* code() const { return zh_ ? "zh-CN" : "en-US"; }
  const char* word(const char* zh, const char* en) const { return zh_ ? zh : en; }
  std::string text(const CapText& t) const { return clean(zh_ || is_blank(t.en) ? t.zh : t.en); }
  bool is_chinese() const { return zh_; }

 private:
  bool zh_;
};

std::string area_name(const CapArea& area, const Language& in) {
  std::string name = in.text(area.name);
  return is_blank(name) ? clean(area.region) : name;
}

std::string headline(const CapMessage& m, const Language& in) {
  std::string where;
  for (std::size_t i = 0; i < std::min(m.areas.size(), kNamesInHeadline); ++i) {
    where += (i == 0 ? "" : in.word("、", ", ")) + area_name(m.areas[i], in);
  }
  if (m.areas.size() > kNamesInHeadline) {
    const std::string all = std::to_string(m.areas.size());
    where += in.is_chinese() ? "等" + all + "地" : " and others, " + all + " in all";
  }
  const char* status = m.status == CapStatus::Draft      ? in.word("（草案）", "DRAFT: ")
                       : m.status == CapStatus::Exercise ? in.word("（演练）", "EXERCISE: ")
                                                         : "";
  const char* change = m.type == CapType::Update   ? in.word("变更", "Update of the ")
                       : m.type == CapType::Cancel ? in.word("解除", "Lifting of the ")
                                                   : in.word("发布", "");
  const Level& level = level_of(m);
  if (in.is_chinese()) return status + where + change + "重污染天气" + level.zh + "预警";
  // "Orange heavy-pollution warning", but "Lifting of the orange ...".
  return std::string(status) + change + (*change == '\0' ? level.en : level.id) + " heavy-pollution warning for " +
         where;
}

// ---- what must hold
// ---------------------------------------------------------------------------------------------------

tl::unexpected<Error> wrong(std::string text) {
  return fail(Errc::usage, "CAP: " + std::move(text));
}

Result<void> check_id(const char* what, std::string_view id) {
  const bool fine = std::all_of(id.begin(), id.end(),
                                [](char c) { return '!' <= c && c <= '~' && c != ',' && c != '<' && c != '&'; });
  if (id.empty() || id.size() > kCapIdBytesMax || !fine) {
    return wrong(std::string(what) + ": 1 to " + std::to_string(kCapIdBytesMax) +
                 " printing ASCII characters expected, without blanks, commas, `<` and `&`");
  }
  return {};
}

Result<void> check_time(const char* what, core::EventTime t) {
  static const core::EventTime end = core::beijing_midnight(10000, 1, 1);
  if (core::ms(t) < 0 || t >= end) return wrong(std::string(what) + ": a time of the years 1970 to 9999 expected");
  return {};
}

Result<void> check_text(const char* what, const CapText& text, bool required) {
  if (required && is_blank(text.zh)) return wrong(std::string(what) + ": a text expected");
  if (std::max(text.zh.size(), text.en.size()) > kCapTextBytesMax) {
    return wrong(std::string(what) + ": longer than " + std::to_string(kCapTextBytesMax) + " bytes");
  }
  return {};
}

Result<void> check_references(const CapMessage& m) {
  if ((m.type == CapType::Alert) != m.references.empty()) {
    return wrong("references: an Update and a Cancel name what they follow, an Alert follows nothing");
  }
  if (m.references.size() > kCapReferencesMax) return wrong("references: too many");
  for (const CapReference& r : m.references) {
    for (auto done : {check_id("sender of a reference", r.sender), check_id("identifier of a reference", r.identifier),
                      check_time("sent of a reference", r.sent)}) {
      if (!done) return done;
    }
    if (r.sender == m.sender && r.identifier == m.identifier) return wrong("references: it names itself");
    if (r.sent > m.sent) return wrong("references: it follows a message that was sent after it");
  }
  return {};
}

Result<void> check_areas(const CapMessage& m) {
  if (m.areas.empty() || m.areas.size() > kCapAreasMax) return wrong("areas: 1 to 256 expected");
  for (const CapArea& area : m.areas) {
    if (auto done = check_text("name of an area", area.name, is_blank(area.region)); !done) return done;
    for (const core::Ring& ring : area.polygons) {
      constexpr std::int32_t kDegree = 1'000'000;
      const bool on_earth = std::all_of(ring.begin(), ring.end(), [](const core::Point& p) {
        return std::abs(p.lon_e6) <= 180 * kDegree && std::abs(p.lat_e6) <= 90 * kDegree;
      });
      if (ring.size() < 3 || !on_earth) return wrong("polygon: three points or more expected, in degrees");
    }
  }
  return {};
}

Result<void> check(const CapMessage& m) {
  for (auto done : {check_id("identifier", m.identifier), check_id("sender", m.sender), check_time("sent", m.sent),
                    check_time("effective", m.effective), check_references(m), check_areas(m),
                    check_text("sender_name", m.sender_name, true), check_text("evidence", m.evidence, true),
                    check_text("measures", m.measures, false), check_text("approver", {m.approver, ""}, false)}) {
    if (!done) return done;
  }
  if (m.level == core::EmergencyLevel::None) return wrong("level expected");
  const bool approved = !is_blank(m.approver);
  if (m.status == CapStatus::Actual && !approved) {
    return wrong("what no role has approved is a Draft or an Exercise, never Actual");
  }
  if (m.status == CapStatus::Draft && approved) return wrong("what a role has approved is no Draft");
  if (m.expires) {
    if (auto done = check_time("expires", *m.expires); !done) return done;
    // In whole seconds, as they are written.
    const auto seconds = [](core::EventTime t) { return core::floor_to(t, std::chrono::seconds(1)); };
    if (seconds(*m.expires) <= std::max(seconds(m.effective), seconds(m.sent))) {
      return wrong("expires: it lies before `sent` or `effective`");
    }
  }
  return {};
}

// ---- the message
// ------------------------------------------------------------------------------------------------------

void put(pugi::xml_node into, const char* name, const std::string& text) {
  into.append_child(name).text().set(text.c_str());
}

void put_named(pugi::xml_node into, const char* element, const char* name, const std::string& value) {
  pugi::xml_node pair = into.append_child(element);
  put(pair, "valueName", name);
  put(pair, "value", value);
}

// The schema knows no fractions of a second, and no Z.
std::string time_text(core::EventTime t) {
  return core::to_iso(core::floor_to(t, std::chrono::seconds(1)));
}

// Millionths of a degree, exactly.
std::string degrees(std::int32_t e6) {
  const std::int64_t n = std::abs(static_cast<std::int64_t>(e6));
  std::string rest = std::to_string(1'000'000 + n % 1'000'000).substr(1);
  rest.erase(rest.find_last_not_of('0') + 1);
  return (e6 < 0 ? "-" : "") + std::to_string(n / 1'000'000) + (rest.empty() ? "" : "." + rest);
}

// "lat,lon lat,lon ...", ending where it begins.
std::string polygon_text(const core::Ring& ring) {
  std::string out;
  for (std::size_t i = 0; i <= ring.size(); ++i) {
    const core::Point& p = ring[i % ring.size()];
    out += (i == 0 ? "" : " ") + degrees(p.lat_e6) + "," + degrees(p.lon_e6);
  }
  return out;
}

void put_info(pugi::xml_node alert, const CapMessage& m, const Language& in) {
  const bool lifted = m.type == CapType::Cancel;
  pugi::xml_node info = alert.append_child("info");
  put(info, "language", in.code());
  put(info, "category", "Env");
  put(info, "event", in.word("重污染天气", "Heavy air pollution"));
  put(info, "responseType", lifted ? "AllClear" : m.status == CapStatus::Draft ? "Assess" : "Execute");
  put(info, "urgency", lifted ? "Past" : m.forecast ? "Future" : "Immediate");
  put(info, "severity", level_of(m).severity);
  put(info, "certainty", m.forecast ? "Likely" : "Observed");
  put(info, "effective", time_text(m.effective));
  if (m.expires) put(info, "expires", time_text(*m.expires));
  put(info, "senderName", in.text(m.sender_name));
  put(info, "headline", headline(m, in));
  put(info, "description", in.text(m.evidence));
  if (const std::string todo = in.text(m.measures); !is_blank(todo)) put(info, "instruction", todo);
  put_named(info, "parameter", "qingchuan:level", level_of(m).id);
  put_named(info, "parameter", "qingchuan:response", level_of(m).response);
  put_named(info, "parameter", "qingchuan:basis", m.forecast ? "forecast" : "observed");
  for (const CapArea& a : m.areas) {
    pugi::xml_node area = info.append_child("area");
    put(area, "areaDesc", area_name(a, in));
    for (const core::Ring& ring : a.polygons) put(area, "polygon", polygon_text(ring));
    if (!is_blank(a.region)) put_named(area, "geocode", "qingchuan:region", clean(a.region));
  }
}

struct StringWriter final : pugi::xml_writer {
  std::string out;
  void write(const void* data, std::size_t size) override { out.append(static_cast<const char*>(data), size); }
};

const char* name(CapStatus status) {
  constexpr std::array<const char*, 3> kNames = {"Draft", "Actual", "Exercise"};
  return kNames.at(static_cast<std::size_t>(status));
}

const char* name(CapType type) {
  constexpr std::array<const char*, 3> kNames = {"Alert", "Update", "Cancel"};
  return kNames.at(static_cast<std::size_t>(type));
}

}  // namespace

Result<std::string> encode_cap(const CapMessage& m) {
  if (auto fine = check(m); !fine) return tl::make_unexpected(fine.error());
  pugi::xml_document document;
  pugi::xml_node head = document.append_child(pugi::node_declaration);
  head.append_attribute("version") = "1.0";
  head.append_attribute("encoding") = "UTF-8";
  pugi::xml_node alert = document.append_child("alert");
  alert.append_attribute("xmlns") = "urn:oasis:names:tc:emergency:cap:1.2";
  // The schema wants this order.
  put(alert, "identifier", m.identifier);
  put(alert, "sender", m.sender);
  put(alert, "sent", time_text(m.sent));
  put(alert, "status", name(m.status));
  put(alert, "msgType", name(m.type));
  if (!is_blank(m.approver)) put(alert, "source", clean(m.approver));
  // Drafts and exercises are for those who work with them.
  put(alert, "scope", m.status == CapStatus::Actual ? "Public" : "Restricted");
  if (m.status != CapStatus::Actual) put(alert, "restriction", "应急响应工作人员 Emergency staff only");
  if (m.status == CapStatus::Exercise) {
    put(alert, "note",
        is_blank(m.approver)
            ? "机器自动生成，未经人员审批，不得执行 Made by a machine without a person: not to be acted upon"
            : "演练，不得执行 An exercise: not to be acted upon");
  }
  if (!m.references.empty()) {
    std::string all;
    for (const CapReference& r : m.references) {
      all += (all.empty() ? "" : " ") + r.sender + "," + r.identifier + "," + time_text(r.sent);
    }
    put(alert, "references", all);
  }
  for (const bool zh : {true, false}) put_info(alert, m, Language(zh));
  StringWriter writer;
  document.save(writer, "  ", pugi::format_indent, pugi::encoding_utf8);
  return std::move(writer.out);
}

std::string cap_headline(const CapMessage& message, bool chinese) {
  return headline(message, Language(chinese));
}

CapArea cap_area(const core::RuleSet& rules, std::string_view region) {
  const core::Region& self = rules.regions.find(region)->second;
  CapArea area{self.id, {self.name, self.name_en}, {}};
  if (!self.polygon.empty()) {
    area.polygons.push_back(self.polygon);
    return area;
  }
  for (const core::Region* part : rules.parts(self)) {
    for (core::Ring& ring : cap_area(rules, part->id).polygons) area.polygons.push_back(std::move(ring));
  }
  return area;
}

CapText measures_text(const core::RuleSet& rules, const core::MeasuresDue& due) {
  const auto write = [&](bool zh) {
    const auto in = [zh](const std::string& chinese, const std::string& english) {
      return zh || english.empty() ? chinese : english;
    };
    std::string out;
    for (std::size_t i = 0; i < std::min(due.due.size(), kCapMeasuresMax); ++i) {
      if (i > 0) out += '\n';
      const core::MeasureDue& d = due.due[i];
      const auto region = rules.regions.find(d.enterprise->region);
      if (region != rules.regions.end()) out += in(region->second.name, region->second.name_en) + (zh ? " " : ", ");
      out += in(d.enterprise->name, d.enterprise->name_en) + (zh ? " " : ", ") + in(d.line->name, d.line->name_en) +
             (zh ? "：" : ": ") + in(d.measure->text, d.measure->text_en);
    }
    if (due.due.size() > kCapMeasuresMax) {
      const std::string rest = std::to_string(due.due.size() - kCapMeasuresMax);
      out += zh ? "\n另有 " + rest + " 项，见应急减排清单" : "\n" + rest + " more are on the emergency-cut list";
    }
    return out;
  };
  return {write(true), write(false)};
}

}  // namespace qc::wire
