"""`replay` of the service `alerts`: signals and commands folded again give, byte for byte, what was published, and where
they don't, or cannot, it says so. QC_SEED: of what people say."""

import json
import os
import re
import shutil

import pytest

import load
import packets
import people
from configs import edited
from harness import CONFIG, create_log, feed, inject, process, run, tail_json
from test_replay import Table, replay, rows, total

SEED = int(os.environ.get("QC_SEED", "1"))
HOURS, PARTS, SITES = 26, 4, 10
OURS = ("alerts", "outcomes", "ledger")


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A day in parts: signals, and what people say of the alerts as they stand after each."""
    place = tmp_path_factory.mktemp("published")
    config = edited(place / "config", load.IN_THE_PLAIN) / CONFIG.name
    data = place / "log"
    create_log(data, "fed", config)
    load.say(lambda *args: run(*args, "--data", data, "--config", config), place)
    load.write(place / "load.csv", sites=SITES, hours=HOURS)
    lines = (place / "load.csv").read_text().splitlines(keepends=True)
    said = people.People(SEED)
    for i in range(PARTS):
        part = place / f"{i}.csv"
        part.write_text(lines[0] + "".join(lines[1 + i * len(lines) // PARTS:1 + (i + 1) * len(lines) // PARTS]))
        feed(data, "--format", "csv", *(["--resume"] if i else []), part, config=config).fine()
        process(data, config=config).fine()
        fold(data)
        inject(data, said.say(listed(data), 90))
    fold(data)
    return data


def fold(data):
    run("alerts", "--data", data, "--until-end").fine()


def listed(data):
    out = run("alerts", "list", "--all", "--format", "json", "--data", data).fine().out
    return [json.loads(line) for line in out.splitlines()]


@pytest.fixture
def copy(published, data):
    shutil.copytree(published, data)
    return data


def ours(found, kind):
    return {row["topic"]: int(row["records"]) for row in found
            if row["input"] == "signals-0" and row["kind"] == kind}


def test_what_was_made_of_signals_and_commands_is_made_again_byte_for_byte(published):
    tail = lambda topic: tail_json(published, topic)
    commands, answers = people.check_commands(tail)
    keys, tellings = people.check_revisions(tail)
    assert answers["accepted"] > 20 and answers["stale_revision"] > 5 and answers["repeated"] > 5, answers
    assert answers["nonsense"] > 5 and tellings["cancel"] > 0 and tellings["rows"] > 0, (answers, tellings)
    assert tellings["formal approved"] > 0 and tellings["formal issued"] > 0, tellings
    ended, found = rows(published)
    assert ended.code == 0, replay(published).out
    assert ours(found, "equal") == {topic: len(tail(topic)) for topic in OURS}
    print(f"\n{commands} commands {answers}; {keys} alerts {tellings}\n{replay(published).out}")


def test_letters_of_signals_are_compared(copy):
    """Signals of which no alert can be made: that nobody of ours wrote them is told, too."""
    inject(copy, [("signals", 0, b"", b"\xff"), ("signals", 0, b"", packets.block(1, b""))])
    fold(copy)
    ended, found = rows(copy)
    assert ended.code == 2 and ours(found, "equal")["dead-letters"] == 2
    assert replay(copy).out.count("  unreadable signals-0 at") == 2
    letter = next(r for r in tail_json(copy, "dead-letters") if r["value"]["sourceTopic"] == "signals")
    with Table(copy, "dead-letters") as table:
        value = next(v for o, _, v in table.records() if o == letter["offset"])
        table.set_value(letter["offset"], value.replace(b"truncated", b"truncatex"))
    ended = replay(copy).refused(2)
    assert f"differs dead-letters-0 at {letter['offset']}, made at signals-0 at" in ended.out, ended.out
    assert 'reason: "truncatex" -> "truncated"' in ended.out and "DIFFERENT in 3 records" in ended.out


def test_an_alert_that_a_receiver_refused_is_no_function_of_the_log(copy):
    letter = packets.block(1, "alerts") + packets.block(4, "refused") + packets.block(9, "alerts-out-desk")
    equal = rows(copy)[1]
    inject(copy, [("dead-letters", 0, b"alerts-0", letter)])
    ended, found = rows(copy)
    assert ended.code == 0 and found == equal


@pytest.mark.parametrize("topic", OURS)
def test_one_flipped_byte_is_found_and_shown(copy, topic):
    record = [r for r in tail_json(copy, topic) if not r["key"].startswith("@row")][20]
    inner = record["value"]["alert"] if topic == "alerts" else record["value"]
    with Table(copy, topic) as table:
        value = next(v for o, _, v in table.records() if o == record["offset"])
        at = value.rindex(inner["origin"]["rules"].encode()) + 3
        table.set_value(record["offset"], value[:at] + bytes([value[at] ^ 1]) + value[at + 1:])
    ended = replay(copy).refused(2)
    assert re.search(rf"differs {topic}-0 at {record['offset']}, made at signals-0 at \d+", ended.out), ended.out
    assert "origin.rules" in ended.out and "DIFFERENT in 1 records" in ended.out


def test_what_is_gone_or_was_added_is_found(copy):
    alert = [r for r in tail_json(copy, "alerts") if r["value"] and "alert" in r["value"]][30]
    ended_row = next(r for r in tail_json(copy, "alerts") if r["value"] is None)
    with Table(copy, "alerts") as table:
        records = {o: (k, v) for o, k, v in table.records()}
        assert table.delete("offset IN (?, ?)", alert["offset"], ended_row["offset"]) == 2
    ended = replay(copy).refused(2)
    assert ended.out.count("  missing, made at signals-0 at") == 2 and f'key: "{alert["key"]}"' in ended.out, ended.out
    key, value = records[alert["offset"]]
    inject(copy, [("alerts", 0, key, value), ("ledger", 0, b"x", b"\x07"), ("alerts", 0, b"x", None)])
    ended = replay(copy).refused(2)
    assert ended.out.count("  unexpected alerts-0 at") == 2 and "  unreadable ledger-0 at" in ended.out, ended.out


def test_a_command_whose_outcome_is_gone_is_told(copy):
    refused = next(r for r in tail_json(copy, "outcomes") if r["value"]["refusal"] == "unknown_alert")
    with Table(copy, "outcomes") as table:
        assert table.delete("offset = ?", refused["offset"]) == 1
    ended = replay(copy).refused(2)
    assert "  missing, made at signals-0 at" in ended.out and "DIFFERENT in 1 records" in ended.out, ended.out
    assert f'command: "{refused["value"]["command"]}"' in ended.out


def test_a_command_that_was_read_is_not_what_it_was(copy):
    """A revision that nobody saw: the outcome is another, and what came of it."""
    accepted = next(r for r in tail_json(copy, "outcomes") if not r["value"]["refusal"])
    at = int(accepted["value"]["origin"]["commands"]) - 1
    with Table(copy, "commands") as table:
        value = next(v for o, _, v in table.records() if o == at)
        table.set_value(at, value + packets.number(5, 4711))  # the last one counts
    ended = replay(copy).refused(2)
    assert 'refusal: "" -> "stale_revision"' in ended.out or 'refusal: "stale_revision"' in ended.out, ended.out


def test_what_compaction_took_is_listed_and_the_rest_compared(copy):
    with Table(copy, "alerts") as table:
        table.may_be_compacted_at_once()
        gone = table.delete(f"offset NOT IN (SELECT max(offset) FROM {table.name} GROUP BY key)")
        gone += table.delete("value IS NULL")
    assert gone > 50
    ended, found = rows(copy)
    assert ended.code == 3, replay(copy).out
    assert total(found, "different") == 0
    listed_ = sum(int(r["records"]) for r in found if r["kind"] == "not_recomputed_series" and r["reason"] == "compacted")
    assert listed_ == gone
    # The last of a key is not excused.
    last = tail_json(copy, "alerts")[-1]
    with Table(copy, "alerts") as table:
        assert table.delete("offset = ?", last["offset"]) == 1
    assert "  missing, made at" in replay(copy).refused(2).out


@pytest.mark.parametrize("topic", ["signals", "commands", "outcomes"])
def test_where_the_beginning_of_what_it_was_made_from_is_gone_nothing_is_called_equal(copy, topic):
    with Table(copy, topic) as table:
        table.trim(table.records()[5][0])
    ended, found = rows(copy)
    assert ended.code == 3, replay(copy).out
    assert not ours(found, "equal") and total(found, "different") == 0
    assert ours(found, "not_recomputed").keys() >= {"alerts", "ledger"}
    assert f"{topic}-0: its beginning is gone" in replay(copy).out


def test_a_site_and_an_interval_narrow_what_is_compared(published):
    subject = tail_json(published, "ledger")[0]["value"]["subject"].split("/")[1]
    of = lambda topic, part: sum(f"/{subject}/" in (r["value"] or {}).get(part, "") for r in tail_json(published, topic))
    found = rows(published, "--site", subject)[1]
    alerts = sum(f"/{subject}/" in r["key"] for r in tail_json(published, "alerts"))
    expected = {"alerts": alerts, "ledger": of("ledger", "subject"), "outcomes": of("outcomes", "alert")}
    assert ours(found, "equal") == {topic: n for topic, n in expected.items() if n}


def test_a_log_in_which_no_alerts_were_made_has_nothing_to_add(copy):
    for topic in OURS + ("alerts-state",):
        with Table(copy, topic) as table:
            table.delete("1")
            table.trim(0)
    with Table(copy, "dead-letters") as table:
        table.delete("1")
    ended, found = rows(copy)
    assert ended.code in (0, 3) and not [row for row in found if row["input"] == "signals-0"], ended.out
