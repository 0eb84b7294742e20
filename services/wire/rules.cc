#include "wire/rules.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <openssl/evp.h>

#include <array>
#include <set>

#include "base/assert.h"
#include "core/concentration.h"
#include "qingchuan/v1/config.pb.h"
#include "wire/labels.h"

namespace qc::wire {
namespace {

namespace v1 = ::qingchuan::v1;

constexpr int kMillionthDecimals = 6;  // Format DECIMAL of schema.proto
constexpr int kLevelsMax = 3;

tl::unexpected<Error> invalid(std::string text) {
  return fail(Errc::config_invalid, std::move(text));
}

// Collects one rule set; the first thing that is wrong ends it.
class Builder {
 public:
  explicit Builder(const v1::RuleSet& in) : in_(in) {}

  Result<core::RuleSet> build() {
    for (const auto& s : in_.standards()) {
      if (!standards_.insert(s.id()).second) return invalid("standard \"" + s.id() + "\" stands twice");
    }
    using Part = Result<void> (Builder::*)();
    constexpr std::array<Part, 6> kParts = {&Builder::limits,   &Builder::editions, &Builder::signals,
                                            &Builder::horizons, &Builder::regions,  &Builder::sites};
    for (const Part part : kParts) {
      if (auto done = (this->*part)(); !done) return tl::make_unexpected(done.error());
    }
    out_.prepare();
    return std::move(out_);
  }

 private:
  static Result<core::Dated> dated(std::int64_t from, std::int64_t until, const std::string& what) {
    core::Dated d;
    if (from != 0) d.from = core::event_time(from);
    if (until != 0) d.until = core::event_time(until);
    if (d.from >= d.until) return invalid(what + ": `from` must lie before `until`");
    return d;
  }
  static bool overlap(const core::Dated& a, const core::Dated& b) { return a.from < b.until && b.from < a.until; }

  Result<std::string> clause(const std::string& standard, const std::string& text) const {
    if (!standards_.contains(standard)) return invalid("standard \"" + standard + "\" is not defined");
    return standard + ' ' + text;
  }
  static Result<core::Factor> factor(v1::Factor f, const std::string& what) {
    if (f <= 0 || f > v1::AQI_PM24) return invalid(what + ": factor expected");
    return static_cast<core::Factor>(f);
  }
  static Result<core::Window> window(v1::Window w, const std::string& what) {
    if (w <= v1::READING || w > v1::YEAR) return invalid(what + ": window expected");
    return static_cast<core::Window>(w);
  }
  static Result<core::Concentration> concentration(std::int64_t millionths, v1::Unit unit, const std::string& what) {
    if (unit < v1::UG_M3 || unit > v1::NG_M3) return invalid(what + ": unit of a concentration expected");
    const auto c = core::scaled(millionths, kMillionthDecimals, static_cast<core::Unit>(unit));
    if (!c || c->pg < 0 || c->pg > core::kConcentrationMax) return invalid(what + ": out of range");
    return *c;
  }

  Result<void> limits() {
    for (const auto& l : in_.limits()) {
      const std::string what = "limit " + std::string(label(l.factor())) + ' ' + std::string(label(l.window()));
      const auto text = clause(l.standard(), l.clause());
      const auto d = dated(l.from(), l.until(), what);
      const auto f = factor(l.factor(), what);
      const auto w = window(l.window(), what);
      const auto class_1 = concentration(l.class_1(), l.unit(), what);
      const auto class_2 = concentration(l.class_2(), l.unit(), what);
      for (const Error* e : {error(text), error(d), error(f), error(w), error(class_1), error(class_2)}) {
        if (e != nullptr) return tl::make_unexpected(*e);
      }
      if (core::is_index(*f)) return invalid(what + ": an index has levels, not a limit");
      for (const auto& other : out_.limits) {
        if (other.factor == *f && other.window == *w && overlap(other.dated, *d)) {
          return invalid(what + ": two limits hold at the same time (" + other.clause + ", " + *text + ")");
        }
      }
      out_.limits.push_back({*d, *f, *w, *class_1, *class_2, *text});
    }
    return {};
  }

  Result<void> editions() {
    for (const auto& e : in_.aqi_editions()) {
      const std::string what = "AQI edition " + e.standard();
      const auto text = clause(e.standard(), e.clause());
      const auto d = dated(e.from(), e.until(), what);
      for (const Error* wrong : {error(text), error(d)}) {
        if (wrong != nullptr) return tl::make_unexpected(*wrong);
      }
      core::AqiEdition edition;
      edition.dated = *d;
      edition.clause = *text;
      edition.iaqi.assign(e.iaqi().begin(), e.iaqi().end());
      edition.round_input = e.round_input();
      edition.minimum = e.minimum();
      edition.incomplete_only_above_100 = e.incomplete_only_above_100();
      if (edition.iaqi.size() < 2 || !rising(edition.iaqi))
        return invalid(what + ": `iaqi` must be two or more rising numbers");
      for (const auto& i : e.items()) {
        auto made = item(i, edition.iaqi.size(), what);
        if (!made) return tl::make_unexpected(made.error());
        edition.items.push_back(std::move(*made));
      }
      for (const auto& other : out_.editions) {
        if (overlap(other.dated, edition.dated)) return invalid(what + ": two editions are in force at the same time");
      }
      out_.editions.push_back(std::move(edition));
    }
    return {};
  }

  Result<core::AqiItem> item(const v1::AqiItem& i, std::size_t points, const std::string& edition) {
    const std::string what = edition + ", " + std::string(label(i.factor())) + ' ' + std::string(label(i.window()));
    const auto f = factor(i.factor(), what);
    const auto w = window(i.window(), what);
    for (const Error* wrong : {error(f), error(w)}) {
      if (wrong != nullptr) return tl::make_unexpected(*wrong);
    }
    if (core::is_index(*f)) return invalid(what + ": an index is no item of an index");
    if (i.above() != v1::CAP && i.above() != v1::NONE) return invalid(what + ": `above` expected");
    core::AqiItem made;
    made.factor = *f;
    made.window = *w;
    made.above = i.above() == v1::CAP ? core::Above::Cap : core::Above::NoIndex;
    made.decimals = i.decimals();
    made.hourly = i.hourly();
    for (const std::int64_t c : i.concentrations()) {
      const auto value = concentration(c, i.unit(), what);
      if (!value) return tl::make_unexpected(value.error());
      made.concentrations.push_back(*value);
    }
    if (made.concentrations.size() < 2 || made.concentrations.size() > points || !rising(made.concentrations)) {
      return invalid(what + ": 2 to " + std::to_string(points) + " rising concentrations expected, one an IAQI");
    }
    return made;
  }

  Result<void> signals() {
    std::set<std::string> ids;
    for (const auto& s : in_.signals()) {
      const std::string what = "signal \"" + s.id() + '"';
      if (s.id().empty() || !ids.insert(s.id()).second) return invalid(what + ": an id of its own expected");
      if (s.kind() <= 0 || s.kind() > v1::AQI_LEVEL) return invalid(what + ": kind expected");
      core::SignalRule rule;
      rule.id = s.id();
      rule.kind = static_cast<core::SignalKind>(s.kind());
      rule.clause = s.clause();
      for (const std::int64_t on : s.on()) rule.on.push_back({on});
      const bool levels = rule.kind == core::SignalKind::AqiLevel;
      if (levels && (rule.on.empty() || rule.on.size() > kLevelsMax || !rising(rule.on))) {
        return invalid(what + ": `on`: 1 to 3 rising levels expected");
      }
      if (!levels && !rule.on.empty()) return invalid(what + ": `on` belongs to aqi_level; here the limit decides");
      if (s.dead_band_percent() < 0 || s.dead_band_percent() >= 100)
        return invalid(what + ": `dead_band_percent` out of range");
      rule.dead_band_percent = s.dead_band_percent();
      for (const std::int64_t d : {s.hold_on(), s.hold_off(), s.no_data(), s.stale_max()}) {
        if (d < 0) return invalid(what + ": a negative duration");
      }
      rule.hold_on = core::Duration(s.hold_on());
      rule.hold_off = core::Duration(s.hold_off());
      rule.no_data = core::Duration(s.no_data());
      rule.stale_max = core::Duration(s.stale_max());
      out_.signals.push_back(std::move(rule));
    }
    return {};
  }

  Result<void> horizons() {
    const v1::Horizons& h = in_.horizons();
    core::Horizons& out = out_.horizons;
    // Where 0 means something, absence is asked for; elsewhere 0 is absence.
    if (h.has_close_after()) out.close_after = core::Duration(h.close_after());
    if (h.has_running_every()) out.running_every = core::Duration(h.running_every());
    if (h.has_ahead_max()) out.ahead_max = core::Duration(h.ahead_max());
    if (h.slots_kept() != 0) out.slots_kept = core::Duration(h.slots_kept());
    if (h.hours_kept() != 0) out.hours_kept = core::Duration(h.hours_kept());
    if (h.valid_minutes() != 0) out.valid_minutes = h.valid_minutes();
    if (h.site_hours_max() != 0) out.site_hours_max = h.site_hours_max();
    const core::Duration zero(0);
    if (out.close_after < zero || out.running_every < zero || out.ahead_max < zero)
      return invalid("horizons: a negative duration");
    if (out.slots_kept < core::kHour || out.hours_kept < core::kHour)
      return invalid("horizons: at least an hour must be kept");
    if (out.slots_kept > out.hours_kept) return invalid("horizons: `slots_kept` is longer than `hours_kept`");
    if (out.close_after > out.slots_kept) return invalid("horizons: `close_after` is longer than `slots_kept`");
    if (out.valid_minutes < 1 || out.valid_minutes > 60) return invalid("horizons: `valid_minutes`: 1 to 60 expected");
    return {};
  }

  Result<void> regions() {
    for (const auto& r : in_.regions()) {
      if (r.id().empty() ||
          !out_.regions.emplace(r.id(), core::Region{r.id(), r.name(), r.name_en(), r.parent()}).second) {
        return invalid("region \"" + r.id() + "\": an id of its own expected");
      }
    }
    for (const auto& [id, region] : out_.regions) {
      if (auto found = root(id); !found) return tl::make_unexpected(found.error());
    }
    return {};
  }

  Result<std::string> root(const std::string& region) const {
    const core::Region* at = nullptr;
    std::string id = region;
    // A chain longer than the number of regions goes in a circle.
    for (std::size_t steps = 0; steps <= out_.regions.size(); ++steps) {
      const auto found = out_.regions.find(id);
      if (found == out_.regions.end()) {
        return invalid(at == nullptr ? "region \"" + id + "\" is not defined"
                                     : "region \"" + at->id + "\": its parent \"" + id + "\" is not defined");
      }
      at = &found->second;
      if (at->parent.empty()) return at->id;
      id = at->parent;
    }
    return invalid("region \"" + region + "\" is its own ancestor");
  }

  Result<void> sites() {
    for (const auto& s : in_.sites()) {
      const std::string what = "site \"" + s.id() + '"';
      const auto top = root(s.region());
      if (!top) return invalid(what + ": " + top.error().text);
      const auto d = dated(s.from(), s.until(), what);
      if (!d) return tl::make_unexpected(d.error());
      if (s.kind() <= 0 || s.kind() > v1::BACKGROUND) return invalid(what + ": kind expected");
      if (s.area_class() <= 0 || s.area_class() > v1::CLASS_2) return invalid(what + ": class expected");
      core::SiteInfo site;
      site.id = s.id();
      site.name = s.name();
      site.region = s.region();
      site.root = *top;
      site.kind = static_cast<core::SiteKind>(s.kind());
      site.area_class = static_cast<core::AreaClass>(s.area_class());
      site.dated = *d;
      for (const auto& [from, to] : {std::pair{&s.factors(), &site.factors}, std::pair{&s.exempt(), &site.exempt}}) {
        for (const int n : *from) {
          const auto f = factor(static_cast<v1::Factor>(n), what);
          if (!f) return tl::make_unexpected(f.error());
          if (core::is_index(*f)) return invalid(what + ": an index is computed, not measured");
          to->push_back(*f);
        }
      }
      if (s.id().empty() || !out_.sites.emplace(s.id(), std::move(site)).second) {
        return invalid(what + ": an id of its own expected");
      }
    }
    return {};
  }

  template <class T>
  static const Error* error(const Result<T>& r) {
    return r ? nullptr : &r.error();
  }
  template <class T>
  static bool rising(const std::vector<T>& values) {
    for (std::size_t i = 1; i < values.size(); ++i) {
      if (!(values[i - 1] < values[i])) return false;
    }
    return true;
  }

  const v1::RuleSet& in_;
  core::RuleSet out_;
  std::set<std::string> standards_;
};

}  // namespace

Result<core::RuleSet> build_rules(const v1::RuleSet& rules) {
  auto built = Builder(rules).build();
  if (built) built->hash = rules_hash(canonical_bytes(rules));
  return built;
}

std::string canonical_bytes(const v1::RuleSet& rules) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    QC_ASSERT(rules.SerializeToCodedStream(&coded));
  }
  return bytes;
}

std::string rules_hash(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  QC_ASSERT(EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) == 1);
  constexpr std::size_t kBytes = 8;
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < kBytes; ++i) {
    text += kHex[digest[i] >> 4];
    text += kHex[digest[i] & 0xfu];
  }
  return text;
}

Result<core::RuleSet> parse_rules(std::string_view bytes) {
  v1::RuleSet rules;
  if (bytes.size() > 0x7fffffff || !rules.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return fail(Errc::log_corrupt, "a record of the topic rules is no rule set");
  }
  auto built = Builder(rules).build();
  if (built) built->hash = rules_hash(bytes);
  return built;
}

}  // namespace qc::wire
