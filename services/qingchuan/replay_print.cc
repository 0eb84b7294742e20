#include "qingchuan/replay_print.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <vector>

#include "qingchuan/columns.h"
#include "wire/csv_output.h"

namespace qc::commands {
namespace {

struct Reason {
  const char* id;  // in CSV
  const char* zh;
  const char* en;
};
// By NotRecomputed.
constexpr std::array<Reason, kNotRecomputed> kReasons = {
    {{"input_trimmed", "输入已过保存期", "input trimmed by retention"},
     {"published_trimmed", "发布结果已过保存期", "published record trimmed by retention"},
     {"compacted", "旧版本已被压缩", "earlier revision compacted away"},
     {"means_incomplete", "所读均值已不完整或不一致", "the means it was made from are gone or differ"}}};

const Reason& reason(NotRecomputed why) {
  return kReasons[static_cast<std::size_t>(why)];
}

class Printer {
 public:
  Printer(const ReplayResult& result, Language language)
      : result_(result), tally_(result.tally), zh_(language == Language::Chinese) {}

  std::string counts() const {
    std::vector<std::vector<std::string>> rows = {{word("输入分区", "input"), word("输出主题", "output"),
                                                   word("一致", "equal"), word("不一致", "different"),
                                                   word("无法重算", "not recomputed")}};
    for (const auto& [of, count] : tally_.counts()) {
      if (count.equal + count.different + count.not_recomputed == 0) continue;
      rows.push_back({to_string(of.first), of.second, std::to_string(count.equal), std::to_string(count.different),
                      std::to_string(count.not_recomputed)});
    }
    return table(rows, 2);
  }

  std::string differences() const {
    if (tally_.differences() == 0) return {};
    const auto& shown = tally_.first_differences();
    std::string out = "\n" + word("不一致（前 ", "Differences (the first ") + std::to_string(shown.size()) +
                      word(" 条，共 ", " of ") + std::to_string(tally_.differences()) + word(" 条）\n", ")\n");
    for (const Difference& d : shown) {
      out += "  " + kind(d.kind);
      if (!d.published.empty()) out += " " + d.published;
      if (!d.made_at.empty()) out += word("，由 ", ", made at ") + d.made_at + word(" 得出", "");
      out += "\n";
      if (!d.fields.empty()) out += "    " + word("字段: ", "in: ") + d.fields + "\n";
      if (!d.was.empty()) out += "    " + word("已发布: ", "published:  ") + d.was + "\n";
      if (!d.is.empty()) out += "    " + word("重新计算: ", "recomputed: ") + d.is + "\n";
    }
    return out;
  }

  std::string unseen() const {
    if (tally_.unseen().empty()) return {};
    struct Line {
      Unseen sum;
      std::int64_t series = 0;
    };
    std::map<std::array<std::string, 3>, Line> lines;
    for (const auto& [of, unseen] : tally_.unseen()) {
      Line& line = lines[{of.topic, of.what, zh_ ? reason(of.why).zh : reason(of.why).en}];
      line.sum.records += unseen.records;
      line.sum.first = std::min(line.sum.first, unseen.first);
      line.sum.last = std::max(line.sum.last, unseen.last);
      ++line.series;
    }
    std::vector<std::vector<std::string>> rows = {{word("输出主题", "output"), word("窗口/规则", "window or rule"),
                                                   word("原因", "reason"), word("最早", "first"), word("最晚", "last"),
                                                   word("序列", "series"), word("记录", "records")}};
    for (const auto& [of, line] : lines) {
      const bool dated = line.sum.first <= line.sum.last;
      rows.push_back({of[0], of[1], of[2], dated ? core::to_iso(line.sum.first) : "-",
                      dated ? core::to_iso(line.sum.last) : "-", std::to_string(line.series),
                      std::to_string(line.sum.records)});
    }
    return "\n" +
           word("无法重算（--format csv 按序列列出）\n", "Could not be recomputed (each series: --format csv)\n") +
           table(rows, 5);
  }

  std::string end(double seconds) const {
    std::string out = "\n";
    for (const std::string& note : result_.notes) out += note + "\n";
    if (result_.counts.before > 0) {
      out += std::to_string(result_.counts.before) +
             word(" 条在快照之前发布，未比较\n", " records were published before the snapshot: not compared\n");
    }
    if (result_.counts.waiting > 0) {
      out += std::to_string(result_.counts.waiting) +
             word(" 条输入记录尚未处理，未比较\n", " input records that no service has come to: nothing to compare\n");
    }
    const double speed = seconds > 0 ? static_cast<double>(result_.counts.readings) / seconds : 0;
    std::array<char, 160> line{};
    std::snprintf(line.data(), line.size(),
                  zh_ ? "%lld 个读数（%lld 条记录），重新得出 %lld 条输出，用时 %.2f s: 每秒 %.0f 个读数\n"
                      : "%lld readings in %lld records gave %lld outputs again in %.2f s: %.0f readings/s\n",
                  static_cast<long long>(result_.counts.readings), static_cast<long long>(result_.counts.records),
                  static_cast<long long>(result_.counts.outputs), seconds, std::round(speed));
    out += line.data();
    return out + verdict() + "\n";
  }

 private:
  std::string word(const char* zh, const char* en) const { return zh_ ? zh : en; }

  std::string kind(DifferenceKind k) const {
    switch (k) {
      case DifferenceKind::Differs:
        return word("不同", "differs");
      case DifferenceKind::Missing:
        return word("缺少", "missing");
      case DifferenceKind::Unexpected:
        return word("多出", "unexpected");
      case DifferenceKind::Unreadable:
        return word("不可读", "unreadable");
    }
    return {};
  }

  std::string verdict() const {
    const std::string equal = std::to_string(tally_.equals());
    switch (exit_code(result_)) {
      case kReplayDiffers:
        return word("结论: 不一致 ", "result: DIFFERENT in ") + std::to_string(tally_.differences()) +
               word(" 条，一致 ", " records, equal in ") + equal + word(" 条", "");
      case kReplayIncomplete:
        return word("结论: 可重算的 ", "result: all ") + equal +
               word(" 条逐字节一致；无法重算 ", " that could be recomputed are equal, byte for byte; ") +
               std::to_string(tally_.all_not_recomputed()) + word(" 条", " could not");
      case kReplayNothing:
        return word("结论: 没有可比较的内容", "result: there was nothing to compare");
      default:
        return word("结论: 全部 ", "result: all ") + equal + word(" 条逐字节一致", " records are equal, byte for byte");
    }
  }

  const ReplayResult& result_;
  const ReplayTally& tally_;
  bool zh_;
};

}  // namespace

int exit_code(const ReplayResult& result) {
  if (result.tally.differences() > 0) return kReplayDiffers;
  if (result.tally.all_not_recomputed() > 0) return kReplayIncomplete;
  return result.tally.equals() == 0 ? kReplayNothing : kReplayEqual;
}

std::string to_text(const ReplayResult& result, double seconds, Language language) {
  const Printer printer(result, language);
  return printer.counts() + printer.differences() + printer.unseen() + printer.end(seconds);
}

std::string to_csv(const ReplayResult& result) {
  std::string out =
      "kind,input,topic,site,factor,window_or_rule,reason,records,first_end,last_end,published,made_at,fields\n";
  const auto line = [&out](const std::vector<std::string>& fields) {
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (i > 0) out += ',';
      wire::append_csv_field(fields[i], out);
    }
    out += '\n';
  };
  for (const auto& [of, count] : result.tally.counts()) {
    for (const auto& [kind, n] : {std::pair{"equal", count.equal}, std::pair{"different", count.different},
                                  std::pair{"not_recomputed", count.not_recomputed}}) {
      if (n > 0) line({kind, to_string(of.first), of.second, "", "", "", "", std::to_string(n), "", "", "", "", ""});
    }
  }
  for (const auto& [of, unseen] : result.tally.unseen()) {
    const bool dated = unseen.first <= unseen.last;
    line({"not_recomputed_series", "", of.topic, of.site, of.factor, of.what, reason(of.why).id,
          std::to_string(unseen.records), dated ? core::to_iso(unseen.first) : "",
          dated ? core::to_iso(unseen.last) : "", "", "", ""});
  }
  constexpr std::array<const char*, 4> kKinds = {"differs", "missing", "unexpected", "unreadable"};
  for (const Difference& d : result.tally.first_differences()) {
    line({kKinds[static_cast<std::size_t>(d.kind)], d.maker, "", "", "", "", "", "1", "", "", d.published, d.made_at,
          d.fields});
  }
  return out;
}

}  // namespace qc::commands
