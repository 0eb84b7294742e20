#include "wire/alert_codec.h"

#include <gtest/gtest.h>

#include <string>

#include "core/alert_testing.h"
#include "core/warning.h"
#include "qingchuan/v1/alert.pb.h"

namespace qc::wire {
namespace {

namespace v1 = ::qingchuan::v1;
using core::AlertCommand;
using core::AlertKey;
using core::EventTime;
using core::Reason;
using core::fixture::kAlertStart;

const AlertKey kKey{"warning", "P", core::Factor::AQI};

core::ToldAlert told_warning() {
  core::WarningEpisode episode;
  episode.revision = 3;  // as the signal's last
  episode.reason = "because";
  episode.criteria = "2024";
  episode.began = kAlertStart;
  episode.level_max = 2;
  episode.changes = {{2, kAlertStart, kAlertStart, kAlertStart, core::Basis::Both, {}, {3, 10, 5}}};
  core::ToldAlert told;
  core::Signal s = core::fixture::alert_signal(kKey, 1, 2, core::SignalState::Active, 2);
  s.window = core::Window::H24;
  s.warning = std::make_shared<const core::WarningEpisode>(episode);
  s.covers = {"A", "B"};
  s.evidence = {{"S", {7}}};
  core::AlertRules rules;
  rules.formal.approvers = {"mayor"};
  core::AlertStage stage(rules);
  core::AlertOutputs out;
  stage.advance(kAlertStart, out);
  EXPECT_TRUE(stage.apply(s, out, {"feedbeef", 3}));
  stage.apply({"a", kKey, 1, "li", core::Approve{2, "mayor", "so be it"}}, out);
  stage.apply({"b", kKey, 2, "li", core::Issue{"mayor"}}, out);
  s.level = 3;
  s.revision = 3;
  EXPECT_TRUE(stage.apply(s, out, {"feedbeef", 3}));
  stage.apply({"c", kKey, 4, "li", core::Approve{3, "mayor", ""}}, out);
  told = out.alerts.back();
  EXPECT_EQ(told.alert.revision, 5);
  told.alert.notes = {{kAlertStart, "li", "note"}};
  told.alert.acked_level = 1;
  told.alert.acked_by = "li";
  told.alert.shelf = {true, std::nullopt, "li", "why"};
  told.alert.out_of_service = {true, kAlertStart, "li", "why"};
  told.alert.shown_at = kAlertStart;
  told.alert.maintenance = "pump";
  told.alert.first_out = "warning/C/AQI";
  return told;
}

TEST(AlertCodec, AnAlertComesBackWhole) {
  const core::ToldAlert told = told_warning();
  const AlertOrigin origin{4, 10, 20, "abc"};
  const auto read = decode_alert_record(encode_alert(told, origin));
  const auto* back = std::get_if<DecodedAlert>(&read);
  ASSERT_NE(back, nullptr);
  EXPECT_EQ(core::fixture::text(back->told), core::fixture::text(told));
  std::string a;
  std::string b;
  core::ByteWriter wa(a);
  core::ByteWriter wb(b);
  core::write_alert(wa, told.alert);
  core::write_alert(wb, back->told.alert);
  EXPECT_EQ(a, b) << "a field of the alert was lost";
  EXPECT_EQ(back->origin.partition, 4);
  EXPECT_EQ(back->origin.signals, 10);
  EXPECT_EQ(back->origin.commands, 20);
  EXPECT_EQ(back->origin.rules, "abc");
}

TEST(AlertCodec, ARowComesBackWhole) {
  core::FoldRow row{"C/PM2.5/3", "C", "P", core::Factor::PM25, 3, 2, 9, false, kAlertStart, kAlertStart + core::kHour};
  const auto read = decode_alert_record(encode_row(row, {}));
  const auto* back = std::get_if<core::FoldRow>(&read);
  ASSERT_NE(back, nullptr);
  EXPECT_EQ(back->id, row.id);
  EXPECT_EQ(back->root, row.root);
  EXPECT_EQ(back->factor, row.factor);
  EXPECT_EQ(back->alerts, 9);
  EXPECT_FALSE(back->open);
  EXPECT_EQ(back->at, row.at);
}

TEST(AlertCodec, MaintenanceComesBackWhole) {
  const core::Maintenance m{"S1", "C", "P", 2, true, kAlertStart, kAlertStart + core::kHour, "li", "pump"};
  const auto read = decode_alert_record(encode_maintenance(m, {}));
  ASSERT_NE(std::get_if<core::Maintenance>(&read), nullptr);
  EXPECT_EQ(std::get<core::Maintenance>(read), m);
  for (const auto& what : {decltype(AlertCommand::what)(core::PlanMaintenance{"C", "P", m.from, m.until, "pump"}),
                           decltype(AlertCommand::what)(core::CancelMaintenance{"done"})}) {
    const std::string bytes = encode_command({"id", {"", "S1", core::Factor::None}, 1, "li", what}, "P", kAlertStart);
    const auto back = decode_command(bytes);
    ASSERT_NE(std::get_if<DecodedCommand>(&back), nullptr);
    EXPECT_EQ(encode_command(std::get<DecodedCommand>(back).command, "P", kAlertStart), bytes);
    const auto of_an_alert = decode_command(encode_command({"id", kKey, 1, "li", what}, "P", kAlertStart));
    EXPECT_NE(std::get_if<core::Rejected>(&of_an_alert), nullptr) << "it is of a subject alone";
  }
}

TEST(AlertCodec, EveryCommandComesBackWhole) {
  const EventTime until = kAlertStart + core::kHour;
  const std::vector<decltype(AlertCommand::what)> all = {core::Acknowledge{"c"},
                                                         core::Assign{"wang"},
                                                         core::AddNote{"n"},
                                                         core::Shelve{until, "r"},
                                                         core::Shelve{std::nullopt, "r"},
                                                         core::Unshelve{},
                                                         core::TakeOutOfService{until, "r"},
                                                         core::ReturnToService{},
                                                         core::Shown{"wall"},
                                                         core::CloseAlert{"r"},
                                                         core::Approve{2, "mayor", "c"},
                                                         core::Issue{"mayor"},
                                                         core::Lift{"mayor", "r"}};
  for (const auto& what : all) {
    const AlertCommand command{"id 1", kKey, 5, "li", what};
    const std::string bytes = encode_command(command, "P", kAlertStart);
    const auto read = decode_command(bytes);
    const auto* back = std::get_if<DecodedCommand>(&read);
    ASSERT_NE(back, nullptr) << name(command);
    EXPECT_EQ(back->root, "P");
    EXPECT_EQ(name(back->command), name(command));
    EXPECT_EQ(encode_command(back->command, "P", kAlertStart), bytes);
  }
}

Reason refused(const std::string& bytes) {
  const auto read = decode_command(bytes, {.record_bytes_max = 1000});
  const auto* why = std::get_if<core::Rejected>(&read);
  return why == nullptr ? Reason::None : why->reason;
}

TEST(AlertCodec, RefusesWhatIsNoCommand) {
  const std::string good = encode_command({"id", kKey, 5, "li", core::AddNote{"n"}}, "P", kAlertStart);
  EXPECT_EQ(refused(good), Reason::None);
  EXPECT_EQ(refused(""), Reason::Garbage);
  EXPECT_EQ(refused(std::string("\0\1\2", 3)), Reason::Garbage);
  EXPECT_EQ(refused(good.substr(0, good.size() - 1)), Reason::Truncated);
  EXPECT_EQ(refused(std::string(2000, 'x')), Reason::Oversized);
  const auto changed = [&](auto change) {
    v1::Command c;
    EXPECT_TRUE(c.ParseFromString(good));
    change(c);
    return refused(c.SerializeAsString());
  };
  EXPECT_EQ(changed([](v1::Command& c) { c.clear_id(); }), Reason::BadShape);
  EXPECT_EQ(changed([](v1::Command& c) { c.set_subject("a\nb"); }), Reason::BadShape);
  EXPECT_EQ(changed([](v1::Command& c) { c.set_rule(std::string(65, 'r')); }), Reason::BadShape);
  EXPECT_EQ(changed([](v1::Command& c) { c.clear_root(); }), Reason::BadShape);
  EXPECT_EQ(changed([](v1::Command& c) { c.set_factor(static_cast<v1::Factor>(99)); }), Reason::BadShape);
  EXPECT_EQ(changed([](v1::Command& c) { c.clear_what(); }), Reason::NotSupported);
  EXPECT_EQ(changed([](v1::Command& c) { c.mutable_shelve()->set_until_ms(1); }), Reason::BadShape);
  EXPECT_EQ(changed([](v1::Command& c) { c.mutable_take_out_of_service(); }), Reason::BadShape);
}

TEST(AlertCodec, AnOutcomeComesBackWithWhatTheSenderShouldHaveSeen) {
  const core::Alert alert = told_warning().alert;
  const auto read = decode_outcome(encode_outcome({"id", kKey, core::Refusal::StaleRevision, 3, alert}, {1, 2, 3, ""}));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->command, "id");
  EXPECT_EQ(read->alert, "warning/P/AQI");
  EXPECT_EQ(read->refusal, core::Refusal::StaleRevision);
  EXPECT_EQ(read->revision, 3);
  ASSERT_TRUE(read->current);
  EXPECT_EQ(read->current->revision, alert.revision);
  const auto accepted = decode_outcome(encode_outcome({"id", kKey, core::Refusal::None, 3, std::nullopt}, {}));
  ASSERT_TRUE(accepted);
  EXPECT_EQ(accepted->refusal, core::Refusal::None);
  EXPECT_FALSE(accepted->current);
}

}  // namespace
}  // namespace qc::wire
