"""`qingchuan alerts`: the demo's inversion from the first exceedance to a formal warning that is issued, published again and
lifted, by people at a terminal beside the running service; and every way in which a command is refused."""

import json
from datetime import datetime, timedelta

import pytest

from harness import Service, eventually, run, tail_json

START = datetime.fromisoformat("2026-01-12T00:00:00+08:00")
ORANGE = 2
KEY = "warning/lvliang/AQI"
MAYOR = ("--role", "应急指挥部", "--who", "张")
OFFICE = ("--role", "指挥部办公室", "--who", "李")


class Room:
    """A log in its own time, with the processor and the alerts beside it."""

    def __init__(self, data):
        self.data = data
        self.services = {}

    def simulate(self, hours, *more):
        run("simulate", "--data", self.data, "--scenario", "inversion", "--hours", hours, "--quiet", *more).fine()

    def start(self, service):
        self.services[service] = Service(service, "--data", self.data, "--listen", "127.0.0.1:0")

    def kill(self, service):
        self.services.pop(service).kill()

    def end(self):
        for service in self.services.values():
            service.stop()

    def do(self, *args, **options):
        return run("alerts", *args, "--data", self.data, **options)

    def json(self, *args):
        return [json.loads(line) for line in self.do(*args, "--format", "json").fine().out.splitlines()]

    def alert(self, key=KEY):
        found = [a for a in self.json("list", "--all") if a["key"] == key]
        return found[0] if found else None

    def refused(self, word, *args):
        assert f'"outcome":"{word}"' in self.do(*args, "--format", "json").refused().out

    def accepted(self, *args):
        out = json.loads(self.do(*args, "--format", "json").fine().out)
        assert out["outcome"] == "accepted"
        return out["revision"]

    def revisions(self, key=KEY):
        records = [r["value"]["alert"] for r in tail_json(self.data, "alerts") if "alert" in (r["value"] or {})]
        return [a for a in records if a["key"] == key]


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    made = Room(tmp_path_factory.mktemp("alerts") / "log")
    made.simulate(30)
    for service in ("processor", "alerts"):
        made.start(service)
    eventually(lambda: made.alert() and made.alert()["level"] == ORANGE, "the prefecture is to be warned of orange", 60)
    yield made
    made.end()


def test_nobody_is_warned_before_a_named_role_has_approved_it(room):
    candidate = room.alert()
    assert candidate["formal"]["step"] == "candidate" and candidate["formal"]["proposed"]["level"] == ORANGE
    assert candidate["formal"]["message"]["status"] == "Draft" and "measures" not in candidate
    room.refused("not_approved", "issue", KEY, *OFFICE)
    room.refused("not_approver", "approve", KEY, "--level", "orange", "--role", "visitor", "--who", "王")
    room.refused("other_level", "approve", KEY, "--level", "red", *MAYOR)
    room.refused("not_issued", "lift", KEY, "--reason", "over", *OFFICE)
    room.accepted("approve", KEY, "--level", "orange", "--comment", "会商同意", *MAYOR)
    room.refused("already_approved", "approve", KEY, "--level", "橙色", *OFFICE)
    assert room.alert()["formal"]["step"] == "approved"
    assert room.revisions()[-1]["formal"]["message"]["status"] == "Draft"


def test_issued_it_carries_its_measures(room):
    room.accepted("issue", KEY, *OFFICE)
    issued = room.alert()
    message = issued["formal"]["message"]
    assert (message["status"], message["type"], message["approver"]) == ("Actual", "Alert", "应急指挥部")
    due = json.loads(run("measures", "lvliang", "orange", "--date", "2026-01-13", "--format", "json").fine().out)
    assert len(issued["measures"]) == len(due["measures"]) > 20
    assert {m["enterprise"] for m in issued["measures"]} == {m["enterprise"] for m in due["measures"]}
    room.refused("condition_stands", "lift", KEY, "--reason", "enough", *OFFICE)
    room.refused("nothing_proposed", "approve", KEY, "--level", "orange", *MAYOR)


def test_killed_it_goes_on_where_it_was_and_the_warning_is_published_again_until_a_person_lifts_it(room):
    room.kill("alerts")
    room.simulate(96, "--resume")
    room.start("alerts")
    eventually(lambda: room.alert()["condition"] == "cleared", "the front is through, and so the forecast says", 60)
    standing = room.alert()
    assert standing["listed"] and standing["formal"]["in_force"] and "level" not in standing["formal"]["proposed"]
    assert standing["measures"], "it is in force until a person lifts it"
    again = [datetime.fromtimestamp(int(a["change"]["at_ms"]) / 1000, START.tzinfo)
             for a in by_name(room.revisions()) if a["change"]["what"] == "published again"]
    assert len(again) > 10
    assert {b - a for a, b in zip(again, again[1:])} == {timedelta(hours=4)}
    room.accepted("lift", KEY, "--reason", "冷空气过境, 预报好转", *OFFICE)
    lifted = room.alert()
    assert not lifted.get("listed") and "measures" not in lifted
    assert (lifted["formal"]["step"], lifted["formal"]["message"]["type"]) == ("lifted", "Cancel")
    told = by_name(room.revisions())
    assert [a["revision"] for a in told] == list(range(1, len(told) + 1)), "each revision once, none left out"
    tellings = [a["telling"] for a in told]
    assert tellings[0] == "TELLING_ALERT" and set(tellings[1:-1]) == {"TELLING_UPDATE"} and tellings[-1] == "TELLING_CANCEL"
    numbers = [int(a["formal"]["message"]["number"]) for a in told]
    assert numbers == sorted(numbers) and set(numbers) == set(range(1, numbers[-1] + 1)), "every message is told"


def by_name(alerts):
    """`tail` writes the names of fields in JSON's way."""
    def snake(value):
        if isinstance(value, dict):
            return {"".join("_" + c.lower() if c.isupper() else c for c in k): snake(v) for k, v in value.items()}
        return [snake(v) for v in value] if isinstance(value, list) else value
    return [snake(a) for a in alerts]


def test_a_person_reads_what_happened_and_why(room):
    text = room.do("show", KEY).fine().out
    for words in ("吕梁市", "重污染预警", "橙色已解除", "冷空气过境", "会商同意", "张", "published again", "环大气"):
        assert words in text, f"{words}:\n{text}"
    assert "Lüliang" in room.do("show", KEY, "--lang", "en").fine().out
    table = room.do("list").fine().out
    assert "待确认" in table.splitlines()[0] and "aqi_level/" in table
    assert "to acknowledge" in room.do("list", "--lang", "en").fine().out.splitlines()[0]


def listed(room):
    """Any station's alert that can be handled as we like."""
    return next(a for a in room.json("list")
                if a["rule"] == "aqi_level" and a["level"] == 1 and not a.get("suppression"))


def test_a_stale_revision_is_refused_with_the_current_alert(room):
    alert = listed(room)
    who = ("--who", "李")
    revision = room.accepted("note", alert["key"], "--text", "已看", *who)
    assert revision == alert["revision"] + 1
    stale = room.do("ack", alert["key"], "--revision", alert["revision"], *who).refused()
    assert "报警已有更新" in stale.out and f"修订 {revision}" in stale.out
    room.accepted("ack", alert["key"], "--revision", revision, "--comment", "已核实", *who)


def test_a_command_sent_twice_is_done_once(room):
    alert = listed(room)
    send = ("note", alert["key"], "--text", "once", "--id", "the-same", "--who", "李", "--revision", alert["revision"])
    assert room.accepted(*send) == room.accepted(*send)
    assert [n["text"] for n in room.alert(alert["key"])["notes"]].count("once") == 1
    outcomes = [r["value"] for r in tail_json(room.data, "outcomes") if r["value"]["command"] == "the-same"]
    assert len(outcomes) == 2 and outcomes[0]["revision"] == outcomes[1]["revision"]


def test_what_is_set_aside_has_an_end_and_a_reason(room):
    alert = listed(room)
    who = ("--who", "李")
    room.refused("beyond_limit", "shelve", alert["key"], "--for", "9h", "--reason", "校准", *who)
    room.accepted("shelve", alert["key"], "--for", "2h", "--reason", "校准", *who)
    shelved = room.alert(alert["key"])
    assert shelved["suppression"] == "shelved" and shelved["shelf"]["reason"] == "校准"
    assert "搁置" in room.do("show", alert["key"]).fine().out
    room.accepted("unshelve", alert["key"], *who)
    room.refused("not_shelved", "unshelve", alert["key"], *who)
    room.accepted("out", alert["key"], "--for", "1h", "--reason", "检修", *who)
    assert room.alert(alert["key"])["suppression"] == "out_of_service"
    room.accepted("return", alert["key"], *who)
    assert "suppression" not in room.alert(alert["key"])
    assert "how long" in room.do("shelve", alert["key"], "--reason", "x", *who).refused(2).one_line()
    # Red is for nobody's shelf.
    red = next(a for a in room.json("list") if a["level"] == 3)
    room.refused("level_breaks", "shelve", red["key"], "--for", "1h", "--reason", "x", *who)


def test_planned_maintenance_sets_a_site_aside(room):
    site = listed(room)["subject"]
    now = datetime.fromtimestamp(max(int(a["change"]["at_ms"]) for a in room.json("list", "--all")) / 1000, START.tzinfo)
    plan = ("maintain", site, "--from", now.isoformat(), "--for", "2h", "--reason", "换泵", "--who", "李")
    room.accepted(*plan)
    hidden = [a for a in room.json("list") if a["subject"] == site]
    assert hidden and all(a["suppression"] == "maintenance" and a["maintenance"] == "换泵" for a in hidden)
    assert "换泵" in room.do("list").fine().out.splitlines()[-1]
    room.refused("past_until", "maintain", site, "--from", "2026-01-01T00:00", "--for", "1h", "--reason", "x", "--who", "李")
    room.accepted("cancel-maintenance", site, "--reason", "完工", "--who", "李")
    assert not any(a.get("maintenance") for a in room.json("list"))
    room.refused("not_planned", "cancel-maintenance", site, "--reason", "完工", "--who", "李")
    assert "no site" in room.do("maintain", "nowhere", "--from", "2026-01-01", "--reason", "x").refused(2).one_line()


def test_what_cannot_be_meant_is_said_in_one_line(room):
    assert "no alert has" in room.do("ack", "nobody/AQI", "--who", "李").refused(2).one_line()
    assert "several alerts" in room.do("ack", "aqi_level", "--who", "李").refused(2).one_line()
    assert "orange" in room.do("approve", KEY, "--level", "pink", *MAYOR).refused(2).one_line()
    room.refused("who_missing", "note", listed(room)["key"], "--text", "x", "--who", "")


def test_without_the_service_a_command_waits_in_the_log(room):
    room.kill("alerts")
    alert = listed(room)
    send = ("note", alert["key"], "--text", "later", "--id", "waits", "--who", "李", "--wait", "1")
    assert "waits" in room.do(*send).refused(3).one_line()
    room.start("alerts")
    eventually(lambda: any(n["text"] == "later" for n in room.alert(alert["key"]).get("notes", ())), "the note is taken")
