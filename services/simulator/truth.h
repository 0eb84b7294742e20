// What tests may know and the processor may not: the hour means of the air as it really was, and every fault that an
// instrument or a line added, as CSV. docs/simulator.md describes the columns.
//
// Lifecycle: add() each minute that is played, in order; then finish(). Threads: one.
#pragma once

#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "base/result.h"
#include "simulator/simulation.h"

namespace qc::simulator {

class Truth {
 public:
  static Result<Truth> open(const std::string& path);
  Truth(Truth&&) = default;

  void add(Simulation& simulation, core::EventTime minute, const std::vector<Packet>& sent);
  Result<void> finish();

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  struct Span {
    core::EventTime start;
    core::EventTime end;
    int readings = 0;  // unflagged
    int flagged = 0;
  };
  explicit Truth(std::FILE* file) : file_(file) {}
  void note(Fault fault, const std::string& site, core::Factor factor, core::EventTime minute, core::Duration length,
            int readings, int flagged);
  void write_hour(core::EventTime hour);
  void write_fault(Fault fault, const std::string& site, core::Factor factor, const Span& span);

  std::unique_ptr<std::FILE, Close> file_;
  std::map<std::pair<std::string, core::Factor>, std::pair<double, int>> hour_;
  std::map<std::tuple<Fault, std::string, core::Factor>, Span> spans_;
};

}  // namespace qc::simulator
