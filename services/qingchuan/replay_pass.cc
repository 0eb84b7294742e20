#include "qingchuan/replay_pass.h"

#include <utility>

#include "base/assert.h"

namespace qc::commands {

using stream::Offset;
using stream::TopicPartition;

Result<void> ReplayPass::open(const ReplayOutput& output, PublishedPartition::Other other) {
  auto published = PublishedPartition::open(log_, output.stretch, std::move(other), stop_);
  if (!published) return tl::make_unexpected(published.error());
  outputs_.push_back({output, std::move(*published)});
  return {};
}

Result<void> ReplayPass::add(Lane lane) {
  auto input = stream::StretchReader::open(log_, lane.input, stop_);
  if (!input) return tl::make_unexpected(input.error());
  auto folded = std::make_unique<Folded>();
  folded->input = std::move(*input);
  folded->next = lane.input.from;
  folded->readings_before = lane.machine.readings();
  for (const Output& o : outputs_) {
    const TopicPartition& of = o.of.stretch.of;
    folded->against.push_back(
        std::make_unique<Comparison>(Comparison::Spec{lane.by, of.topic, o.of.trimmed, o.of.compacted_before_ms},
                                     o.published->add(lane.by, lane.before), tally_));
  }
  folded->lane = std::move(lane);
  folded_.push_back(std::move(folded));
  return {};
}

void ReplayPass::give_up(const Maker& by, NotRecomputed why) {
  for (const Output& o : outputs_) {
    tally_.count(by, o.of.stretch.of.topic);  // so that it is listed, whatever there is
    o.published->add(by, {});
  }
  given_up_.push_back({by, why});
}

ReplayPass::Folded* ReplayPass::find(const Maker& by) {
  for (const auto& f : folded_) {
    if (f->lane.by == by) return f.get();
  }
  return nullptr;
}

// What no fold will make: true. It is taken.
Result<bool> ReplayPass::left_over(Output& output, PublishedStream& stream) {
  for (const GivenUp& g : given_up_) {
    if (g.by != stream.by()) continue;
    const stream::Record& r = stream.waiting()->record;
    tally_.not_recomputed(tally_.count(g.by, r.from->topic), g.why, r.from->topic, r.key, r.value);
    stream.take();
    return true;
  }
  Folded* folded = find(stream.by());
  QC_ASSERT(folded != nullptr);
  const auto input = next_input(*folded);
  if (!input) return tl::make_unexpected(input.error());
  if (*input != nullptr) return false;
  folded->against[static_cast<std::size_t>(&output - outputs_.data())]->unexpected();
  return true;
}

Result<ReplayPass::Folded*> ReplayPass::next_of_published() {
  Folded* found = nullptr;
  std::int64_t written_ms = 0;
  for (Output& o : outputs_) {
    while (true) {
      const auto first = o.published->first();
      if (!first) return tl::make_unexpected(first.error());
      PublishedStream* stream = *first;
      if (stream == nullptr) break;
      const auto left_over = this->left_over(o, *stream);
      if (!left_over) return tl::make_unexpected(left_over.error());
      if (*left_over) continue;
      if (found == nullptr || stream->waiting()->record.written_ms < written_ms) {
        found = find(stream->by());
        written_ms = stream->waiting()->record.written_ms;
      }
      break;
    }
  }
  return found;
}

Result<const stream::Record*> ReplayPass::next_input(Folded& folded) {
  while (!folded.ended && folded.at == folded.batch.records.size()) {
    const auto more = folded.input->next(folded.batch);
    if (!more) return tl::make_unexpected(more.error());
    folded.at = 0;
    folded.ended = !*more;
  }
  if (folded.ended) return next_beside(folded, folded.lane.input.until);
  const stream::Record& record = folded.batch.records[folded.at];
  const stream::Record* beside = next_beside(folded, record.offset);
  return beside != nullptr ? beside : &record;
}

// That which was read before the input's record at `before`; nullptr: none.
const stream::Record* ReplayPass::next_beside(Folded& folded, Offset before) {
  if (folded.beside_at == folded.lane.beside.size()) return nullptr;
  const Beside& b = folded.lane.beside[folded.beside_at];
  if (b.after >= before) return nullptr;
  folded.beside = b.record();
  return &folded.beside;
}

Result<void> ReplayPass::step(Folded& folded, const stream::Record& record) {
  const bool is_beside = &record == &folded.beside;
  const MadeAt at{is_beside ? folded.lane.beside[folded.beside_at].after : record.offset, record.written_ms,
                  folded.lane.machine.now()};
  made_.records.clear();
  if (auto done = folded.lane.machine.stage->apply(record, made_); !done) return done;
  if (is_beside) {
    ++folded.beside_at;
  } else {
    folded.next = record.offset + 1;
    ++folded.at;
  }
  ++counts_.records;
  counts_.outputs += static_cast<std::int64_t>(made_.records.size());
  std::size_t to = 0;  // most go where the one before them went
  for (const stream::NewRecord& m : made_.records) {
    if (is_letter_apart(m.to.topic, m.key)) continue;
    if (outputs_[to].of.stretch.of != m.to) {
      to = 0;
      while (outputs_[to].of.stretch.of != m.to) QC_ASSERT(++to < outputs_.size());
    }
    if (auto done = folded.against[to]->take(m, at); !done) return done;
  }
  return {};
}

Result<void> ReplayPass::run() {
  QC_ASSERT(!outputs_.empty());
  while (true) {
    if (stop_.stop_requested()) return fail(Errc::stopped, "asked to stop");
    const auto next = next_of_published();
    if (!next) return tl::make_unexpected(next.error());
    if (*next == nullptr) break;
    const auto record = next_input(**next);
    if (!record) return tl::make_unexpected(record.error());
    if (auto done = step(**next, **record); !done) return done;
  }
  // Nothing that was published is left: what the service has read is still to be made, and should make nothing.
  for (const auto& folded : folded_) {
    if (auto done = finish(*folded); !done) return done;
  }
  return {};
}

Result<void> ReplayPass::finish(Folded& folded) {
  while (true) {
    if (stop_.stop_requested()) return fail(Errc::stopped, "asked to stop");
    const auto record = next_input(folded);
    if (!record) return tl::make_unexpected(record.error());
    if (*record == nullptr) break;
    if (*record != &folded.beside && (*record)->offset >= folded.lane.committed) {
      counts_.waiting += folded.lane.input.until - folded.next;
      break;
    }
    if (auto done = step(folded, **record); !done) return done;
  }
  counts_.readings += folded.lane.machine.readings() - folded.readings_before;
  for (const auto& comparison : folded.against) {
    comparison->end();
    counts_.before += comparison->passed_over();
  }
  return {};
}

bool ReplayPass::whole(const TopicPartition& output) const {
  for (std::size_t o = 0; o < outputs_.size(); ++o) {
    if (outputs_[o].of.stretch.of != output) continue;
    for (const auto& folded : folded_) {
      if (!folded->against[o]->whole()) return false;
    }
  }
  return true;
}

}  // namespace qc::commands
