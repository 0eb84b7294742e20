#include "sim/sim_world.h"

#include <array>
#include <map>
#include <memory>
#include <span>
#include <utility>

#include "platform/clock.h"
#include "platform/config.h"
#include "processor/log_time.h"
#include "processor/readings_stage.h"
#include "processor/regions_stage.h"
#include "qingchuan/v1/input.pb.h"
#include "qingchuan/v1/output.pb.h"
#include "sim/sim_check.h"
#include "stream/memory_log.h"
#include "stream/partition.h"
#include "wire/keys.h"
#include "wire/rules.h"

namespace qc::sim {
namespace {

namespace v1 = ::qingchuan::v1;
using stream::MemoryLog;
using stream::Milliseconds;

// ---- the rules: those of the project, for the world's prefecture ----------------------------------------------------

const v1::RuleSet& configured() {
  static const v1::RuleSet rules = [] {
    auto loaded = platform::load_valid_config(QC_SOURCE_DIR "/config/qingchuan.yaml");
    if (!loaded) std::abort();
    return loaded->rules;
  }();
  return rules;
}

v1::RuleSet rules_of(const core::fixture::World& world, bool others) {
  v1::RuleSet rules = configured();
  rules.clear_regions();
  rules.clear_sites();
  rules.clear_emergency();
  for (const auto& [id, parent] : {std::pair{"P", ""}, std::pair{"C", "P"}}) {
    v1::Region& region = *rules.add_regions();
    region.set_id(id);
    region.set_name(id);
    region.set_parent(parent);
  }
  for (const char* id : {"S1", "S2", "S3"}) {
    v1::Site& site = *rules.add_sites();
    site.set_id(id);
    site.set_name(id);
    site.set_region("C");
    site.set_kind(v1::EVALUATION);
    site.set_area_class(v1::CLASS_2);
    for (const core::Factor f : core::kSixPollutants) site.add_factors(static_cast<v1::Factor>(f));
  }
  const core::Horizons& h = world.rules->horizons;
  v1::Horizons& horizons = *rules.mutable_horizons();
  horizons.set_close_after(h.close_after.count());
  horizons.set_slots_kept(h.slots_kept.count());
  horizons.set_hours_kept(h.hours_kept.count());
  horizons.set_running_every(h.running_every.count());
  rules.mutable_neighbourhood()->set_least(2);
  for (v1::SignalRule& rule : *rules.mutable_signals()) {
    if (others && rule.kind() == v1::AQI_LEVEL) rule.set_on(0, rule.on(0) - 30'000'000);
  }
  return rules;
}

// ---- what stands in `readings`
// ---------------------------------------------------------------------------------------

class Encoder {
 public:
  std::string operator()(const core::ReadingBatch& b) {
    builder_.begin(b.site, b.received, b.stamp_ms, b.source, b.start, b.step);
    for (const core::Column& c : b.columns) {
      for (std::uint32_t i = 0; i < c.count; ++i) {
        builder_.add(i, c.factor, core::Unit::UgM3, {b.values[c.first + i].pg, 6}, b.flags[c.first + i]);
      }
    }
    return builder_.finish();
  }
  std::string operator()(const core::Register& site) { return wire::encode_register(site); }
  std::string operator()(const core::Amend& amend) { return wire::encode_amend(amend); }
  std::string operator()(const core::Tick& tick) { return wire::encode_tick(tick.now); }
  std::string operator()(const core::fixture::RulesRecord& /*rules*/) { return {}; }

 private:
  wire::BatchBuilder builder_;
};

struct SiteOf {
  std::string operator()(const core::ReadingBatch& b) { return std::string(b.site); }
  std::string operator()(const core::Register& site) { return site.site; }
  std::string operator()(const core::Amend& amend) { return amend.site; }
  std::string operator()(const core::Tick& /*tick*/) { return {}; }
  std::string operator()(const core::fixture::RulesRecord& /*rules*/) { return {}; }
};

// ---- bugs
// ------------------------------------------------------------------------------------------------------------

class LossySink : public stream::StateSink {
 public:
  explicit LossySink(stream::StateSink& to) : to_(to) {}
  void put(std::string_view key, std::string_view value) override {
    if (std::hash<std::string_view>()(key) % 3 != 0) to_.put(key, value);
  }
  void erase(std::string_view key) override { to_.erase(key); }

 private:
  stream::StateSink& to_;
};

class BrokenStage : public processor::ReadingsStage {
 public:
  BrokenStage(int partition, const processor::StageOptions& options, processor::RulesStore& rules, Bug bug)
      : ReadingsStage(partition, options, rules), bug_(bug) {}

  Result<void> load(std::string_view key, std::string_view value) override {
    twice_ = bug_ == Bug::TwiceAfterRestore;
    return ReadingsStage::load(key, value);
  }
  Result<void> apply(const stream::Record& record, stream::StageOutputs& out) override {
    stream::Record given = record;
    std::string stamped;
    v1::Input input;
    if (bug_ == Bug::ArrivalOrder && input.ParseFromArray(record.value.data(), static_cast<int>(record.value.size())) &&
        input.has_batch()) {
      input.mutable_batch()->set_stamp_ms(1'700'000'000'000 + record.offset);
      stamped = input.SerializeAsString();
      given.value = stamped;
    }
    const std::size_t before = out.records.size();
    if (std::exchange(twice_, false)) {
      if (auto done = ReadingsStage::apply(given, out); !done) return done;
    }
    auto done = ReadingsStage::apply(given, out);
    if (!stamped.empty()) letters_of(record, std::span(out.records).subspan(before));
    return done;
  }
  void save(stream::StateSink& sink) override {
    LossySink lossy(sink);
    ReadingsStage::save(bug_ == Bug::DropsKey ? lossy : sink);
  }

 private:
  // A dead letter holds the record as it came: not even a bug changes that.
  void letters_of(const stream::Record& record, std::span<stream::NewRecord> made) const {
    for (stream::NewRecord& m : made) {
      v1::DeadLetter letter;
      if (m.to.topic != processor::kDeadLetters || !letter.ParseFromString(*m.value)) continue;
      letter.set_value(std::string(record.value.substr(0, letter.value().size())));
      m.value = letter.SerializeAsString();
    }
  }

  Bug bug_;
  bool twice_ = false;
};

// ---- processes
// -------------------------------------------------------------------------------------------------------

class SimClock : public platform::Clock {
 public:
  explicit SimClock(const std::int64_t& now_ms) : now_ms_(now_ms) {}
  std::int64_t wall_ms() const override { return now_ms_ + skew_ms; }
  std::int64_t boot_ms() const override { return now_ms_; }
  std::int64_t skew_ms = 0;

 private:
  const std::int64_t& now_ms_;
};

class Simulation;

// One process: its two workers and its clock.
struct Process {
  std::string name;
  std::map<int, processor::ReadingsStage*> stages;
  std::unique_ptr<SimClock> clock;
  std::unique_ptr<processor::TickWriter> ticks;
  std::unique_ptr<stream::Worker> readings;
  std::unique_ptr<stream::Worker> regions;
  bool silent = false;  // died or stalled: its session goes on until it expires

  void drop() {
    readings.reset();
    regions.reset();
    ticks.reset();
    clock.reset();
    stages.clear();
  }
};

class Simulation {
 public:
  Simulation(const Script& script, Bug bug, Happened* happened) : script_(script), bug_(bug), happened_(happened) {
    stream::MemoryLogOptions options;
    options.now_ms = [this] { return now_ms_; };
    options.control_records = static_cast<stream::Offset>(script.seed % 2);
    log_ = std::make_unique<MemoryLog>(std::move(options));
    store_ = std::make_unique<processor::RulesStore>(*log_);
    options_.readings_partitions = script.partitions;
    options_.dead_letter_bytes_max = 256;
    options_.version = "simulated";
    for (const core::fixture::Record& r : script.world.log) {
      const auto* tick = std::get_if<core::Tick>(&r);
      if (tick == nullptr) continue;
      now_ms_ = core::ms(tick->now);
      break;
    }
  }

  std::string run(std::size_t steps) {
    if (auto made = set_up(); !made) return "setting up: " + describe(made.error());
    for (std::size_t i = 0; i < steps && i < script_.steps.size() && wrong_.empty(); ++i) take(script_.steps[i]);
    if (wrong_.empty()) finish();
    if (!wrong_.empty()) return wrong_;
    return check(*log_, *store_, *rules_, options_, happened_);
  }

 private:
  Result<void> set_up() {
    const std::vector<stream::TopicSpec> topics = {{"readings", script_.partitions, stream::Cleanup::Delete, {}, {}},
                                                   {"means", 1, stream::Cleanup::Delete, {}, {}},
                                                   {"region-means", 1, stream::Cleanup::Delete, {}, {}},
                                                   {"signals", 1, stream::Cleanup::Delete, {}, {}},
                                                   {"dead-letters", 1, stream::Cleanup::Delete, {}, {}},
                                                   {"rules", 1, stream::Cleanup::Compact, {}, {}}};
    if (auto made = log_->create_topics(topics); !made) return made;
    for (const bool others : {false, true}) {
      const v1::RuleSet rules = rules_of(script_.world, others);
      auto hash = store_->put(wire::canonical_bytes(rules));
      if (!hash) return tl::make_unexpected(hash.error());
      hashes_[others ? 1 : 0] = *hash;
    }
    auto built = store_->get(hashes_[0]);
    if (!built) return tl::make_unexpected(built.error());
    rules_ = *built;
    if (auto done = store_->put_timeline(core::Timeline::Wall); !done) return done;
    for (int p = 0; p < script_.partitions; ++p) {
      append({{"readings", p},
              wire::rules_key(hashes_[0]),
              wire::encode_rules_switch({hashes_[0], core::Timeline::Wall}),
              {}});
    }
    return {};
  }

  void append(stream::NewRecord record) {
    auto appender = log_->appender();
    const std::array records = {std::move(record)};
    // A door tries again until it is taken.
    while (!(*appender)->append(records)) continue;
  }

  void line(stream::LineLevel level, const std::string& text) {
    if (happened_ == nullptr) return;
    const auto says = [&](const char* words) { return text.find(words) != std::string::npos; };
    happened_->rejoined += says("put out of the group");
    happened_->refolded += says("records folded again") && !says(" 0 records folded again");
    happened_->commits_failed += level == stream::LineLevel::Error && says("cannot commit");
  }

  stream::WorkerParts parts() {
    stream::WorkerParts parts;
    parts.line = [this](stream::LineLevel level, const std::string& text) { line(level, text); };
    parts.clock = [this] { return std::chrono::steady_clock::time_point(Milliseconds(now_ms_)); };
    return parts;
  }

  stream::WorkerOptions options(const std::string& service, const std::string& name, const std::string& topic,
                                bool until_end) const {
    stream::WorkerOptions o;
    o.service = service;
    o.name = service + "-" + name;
    o.topics = {topic};
    o.poll_wait = Milliseconds(0);
    o.commit_interval = Milliseconds(script_.seed % 3 == 0 ? 0 : 200);
    o.poll_records_max = 1 + script_.seed % 97;
    o.retry_wait_min = Milliseconds(10);
    o.retry_wait_max = Milliseconds(1000);
    o.until_end = until_end;
    return o;
  }

  // A process with the rules that are configured now; `last`: one that ends when everything is done.
  void start(Process& process, const std::string& name, bool last = false) {
    process.drop();
    process.name = name;
    process.silent = false;
    process.clock = std::make_unique<SimClock>(now_ms_);
    process.clock->skew_ms = skew_[name];
    processor::TickWriter::Options ticks;
    ticks.accept_clock = true;
    ticks.rules_hash = hashes_[rules_now_];
    Process* mine = &process;
    process.ticks = std::make_unique<processor::TickWriter>(
        *log_, ticks,
        [mine](int partition) -> processor::TickWriter::InForce {
          const auto it = mine->stages.find(partition);
          if (it == mine->stages.end()) return {};
          const core::ReadingStage& stage = it->second->core();
          return {stage.rules_hash(), stage.timeline(), stage.now()};
        },
        *process.clock);
    stream::WorkerParts its = parts();
    its.stages = [this, mine](int partition) -> std::unique_ptr<stream::Stage> {
      auto stage = std::make_unique<BrokenStage>(partition, options_, *store_, bug_);
      mine->stages[partition] = stage.get();
      return stage;
    };
    if (!last) its.custodian = process.ticks.get();
    auto o = options(processor::kService, name, processor::kReadings, last);
    o.checkpoint_interval = Milliseconds(script_.checkpoint_ms);
    make(process.readings, std::move(o), std::move(its));
    if (!last) start_regions(process, false);
  }

  void start_regions(Process& process, bool last) {
    stream::WorkerParts its = parts();
    its.stages = [this](int partition) -> std::unique_ptr<stream::Stage> {
      return std::make_unique<processor::RegionsStage>(partition, options_, *store_);
    };
    make(process.regions, options(processor::kRegionsService, process.name, processor::kMeans, last), std::move(its));
  }

  void make(std::unique_ptr<stream::Worker>& worker, stream::WorkerOptions o, stream::WorkerParts its) {
    auto made = stream::Worker::create(*log_, std::move(o), std::move(its));
    if (made) {
      worker = std::move(*made);
    } else {
      wrong_ = "a worker cannot be made: " + describe(made.error());
    }
  }

  // One turn; true: it has ended.
  bool turn(std::unique_ptr<stream::Worker>& worker) {
    if (worker == nullptr) return true;
    const auto step = worker->step();
    if (!step) {
      wrong_ = "a worker failed: " + describe(step.error());
      return true;
    }
    if (step->done) worker.reset();
    return step->done;
  }

  void run_turn(Process& process) {
    if (process.readings == nullptr) return;
    turn(process.readings);
    turn(process.regions);
  }

  void kill(const Process& process) {
    log_->kill(processor::kService, std::string(processor::kService) + "-" + process.name);
    log_->kill(processor::kRegionsService, std::string(processor::kRegionsService) + "-" + process.name);
  }
  void expire(Process& process) {
    log_->expire(processor::kService, std::string(processor::kService) + "-" + process.name);
    log_->expire(processor::kRegionsService, std::string(processor::kRegionsService) + "-" + process.name);
    process.silent = false;
  }

  void take(const Step& step) {
    Process& process = processes_[static_cast<std::size_t>(step.slot)];
    const std::string name = step.slot == 0 ? "a" : "b";
    const std::string member = std::string(processor::kService) + "-" + name;
    switch (step.kind) {
      case Step::Kind::Deliver: {
        const core::fixture::Record& record = script_.world.log[static_cast<std::size_t>(step.n)];
        std::string value = std::visit(encoder_, record);
        const std::string site = std::visit(SiteOf(), record);
        if (value.empty()) return;
        append({{"readings", stream::partition_of(wire::reading_key(site), script_.partitions)},
                wire::reading_key(site),
                std::move(value),
                {}});
        return;
      }
      case Step::Kind::Advance:
        now_ms_ =
            std::max(now_ms_, core::ms(std::get<core::Tick>(script_.world.log[static_cast<std::size_t>(step.n)]).now));
        return;
      case Step::Kind::Run:
        return run_turn(process);
      case Step::Kind::Start:
        if (process.readings == nullptr) start(process, name);
        return;
      case Step::Kind::Stop:
        if (process.readings != nullptr) process.readings->stop();
        if (process.regions != nullptr) process.regions->stop();
        return;
      case Step::Kind::Crash:
        return process.drop();
      case Step::Kind::Die:
        if (process.readings == nullptr) return;
        kill(process);
        process.drop();
        process.silent = true;
        return;
      case Step::Kind::Stall:
        if (process.readings == nullptr) return;
        kill(process);
        process.silent = true;
        return;
      case Step::Kind::Expire:
        if (process.silent) expire(process);
        return;
      case Step::Kind::Fence:
        return log_->fence(processor::kService, member);
      case Step::Kind::Revoke:
        return log_->revoke(processor::kService, member);
      case Step::Kind::CrashInCommit:
        log_->fail_commits(MemoryLog::CommitFault::Unknown, 1, member);
        for (int i = 0; i < 5 && process.readings != nullptr; ++i) turn(process.readings);
        return process.drop();
      case Step::Kind::FailCommits: {
        constexpr std::array kFaults = {MemoryLog::CommitFault::Abortable, MemoryLog::CommitFault::Full,
                                        MemoryLog::CommitFault::Unavailable};
        return log_->fail_commits(kFaults[static_cast<std::size_t>(step.n) % kFaults.size()], 1 + step.n % 4);
      }
      case Step::Kind::FailAppends:
        return log_->fail_appends(1 + step.n % 3);
      case Step::Kind::Compact:
        return log_->compact_now();
      case Step::Kind::Skew:
        skew_[name] = step.n % 80'000 - 40'000;
        if (process.clock != nullptr) process.clock->skew_ms = skew_[name];
        return;
      case Step::Kind::SwitchRules:
        for (Process& p : processes_) p.drop();
        rules_now_ = 1 - rules_now_;
        if (happened_ != nullptr) ++happened_->switches;
        return;
    }
  }

  // The disturbances end; what is there is brought to its end by one process, with time enough for every hour to close.
  void finish() {
    for (Process& p : processes_) {
      if (p.name.empty()) continue;
      kill(p);
      p.drop();
      expire(p);
    }
    log_->fail_appends(0);
    now_ms_ += 3 * 3'600'000;
    for (int p = 0; p < script_.partitions; ++p) {
      append({{"readings", p}, wire::tick_key("", p), wire::encode_tick(core::event_time(now_ms_)), {}});
    }
    Process last;
    start(last, "last", true);
    until_done(last.readings);
    if (!wrong_.empty()) return;
    start_regions(last, true);
    until_done(last.regions);
    last.drop();
  }

  void until_done(std::unique_ptr<stream::Worker>& worker) {
    constexpr int kTurnsMax = 200'000;
    for (int i = 0; wrong_.empty() && i < kTurnsMax; ++i) {
      if (turn(worker)) return;
      now_ms_ += 20;
    }
    if (wrong_.empty()) wrong_ = "it does not come to its end: " + worker->status();
  }

  const Script& script_;
  Bug bug_;
  Happened* happened_;
  std::int64_t now_ms_ = 0;
  std::unique_ptr<MemoryLog> log_;
  std::unique_ptr<processor::RulesStore> store_;
  processor::StageOptions options_;
  std::array<std::string, 2> hashes_;
  std::size_t rules_now_ = 0;
  std::shared_ptr<const core::RuleSet> rules_;
  std::map<std::string, std::int64_t> skew_;
  std::array<Process, 2> processes_;
  Encoder encoder_;
  std::string wrong_;
};

}  // namespace

std::string run(const Script& script, std::size_t steps, Bug bug, Happened* happened) {
  return Simulation(script, bug, happened).run(steps);
}

}  // namespace qc::sim
