// The rows of a report, from what sites published and by the rules that hold at the period's end. Made for one report
// and gone with it; refers to what it was given. Threads: one.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "qingchuan/report.h"

namespace qc::commands {

class ReportRows {
 public:
  using Sites = std::map<std::string, ReportBuilder::SiteCells, std::less<>>;
  ReportRows(const ReportSpec& spec, const core::RuleSet& rules, const Sites& sites);

  std::vector<ReportRow> sites() const;    // by (region, id)
  std::vector<ReportRow> regions() const;  // parents first, then by rank, then by id; groups behind what they hold

 private:
  struct Member {  // a site: configured, or in the log, or both
    const core::SiteInfo* info = nullptr;
    const ReportBuilder::SiteCells* cells = nullptr;
  };
  // A region's own values of one day.
  struct RegionDay {
    std::array<ReportItem, kSix> items;
    std::optional<int> aqi;
    std::vector<core::Factor> primary;
  };

  // The region and what it lies in, the root last.
  std::vector<std::string> lineage(const std::string& region, const std::string& root) const;
  bool wanted(const std::vector<std::string>& line) const;
  std::vector<const Member*> members(const std::string& region) const;
  RegionDay region_day(const std::vector<const Member*>& members, int day) const;
  ReportRow site_row(const std::string& id, const Member& site) const;
  ReportRow region_row(const std::string& id, const std::string& parent) const;
  void fill_region_month(const std::vector<const Member*>& members, ReportRow& row) const;
  void add_composite(ReportRow& row) const;
  // Sets `place` of each.
  static void rank(const std::vector<ReportRow*>& rows, int ReportRow::*place);
  // Groups whose members have data: as regions that hold their sites.
  void add_groups();
  bool is_group(const std::string& region) const;
  void rank_siblings(const std::vector<ReportRow*>& siblings) const;
  int days() const;

  const ReportSpec& spec_;
  const core::RuleSet& rules_;
  core::EventTime last_;
  std::map<std::string, Member> sites_;                      // all that a row may be about
  std::map<std::string, std::vector<std::string>> regions_;  // with data: their lineage
  std::map<std::string, std::vector<std::string>> below_;    // region: the ids of the sites in it and below it
};

}  // namespace qc::commands
