"""A person's corrections: a withdrawn hour withdraws the signals that it caused and changes every window that holds it,
each with the reason, and nothing else; restored it comes back; a day's 审核 is written whole or not at all."""

import csv
import io
import json
from datetime import datetime, timedelta

import pytest

from harness import CONFIG, eventually, feed, get, process, readings_of, run, tail_json, tail_rows
from oracle import BEIJING, iso

FIRST = datetime(2026, 3, 2, tzinfo=BEIJING)
HIGH = FIRST + timedelta(hours=30)  # the hour that is withdrawn: 03-03 06:00
HOURS = 60
SITES = ("A1", "A2", "A3", "A4", "A5")
USUAL = {"PM2.5": 20, "PM10": 40, "SO2": 15, "NO2": 30, "CO": 0.6, "O3": 60}
UNITS = {"CO": "mg/m3"}
WHO, WHY = "王审核", "仪器故障"
REASON = f"amended by {WHO}: {WHY}"


def small_load(path):
    """Hour values of five sites; A1's SO2 is far over its limit in one hour."""
    with open(path, "w") as out:
        out.write("time,site,factor,value,unit\n")
        for h in range(HOURS):
            at = FIRST + timedelta(hours=h)
            for s, site in enumerate(SITES):
                for factor, usual in USUAL.items():
                    value = usual + (h % 7 + s) / 10
                    if (site, factor, at) == ("A1", "SO2", HIGH):
                        value = 1900
                    out.write(f"{iso(at)},{site},{factor},{value:.1f},{UNITS.get(factor, 'ug/m3')}\n")
    return path


@pytest.fixture
def log(data, tmp_path):
    feed(data, "--format", "csv", "--interval", "1h", small_load(tmp_path / "load.csv")).fine()
    process(data).fine()
    return data


def amend(data, *args):
    return run("amend", *args, "--data", data, "--config", CONFIG)


def one_hour(data, action, *args, site="A1", factor="SO2", at=HIGH, why=WHY):
    return amend(data, action, "--site", site, "--factor", factor, "--from", iso(at), "--reason", why, "--who", WHO,
                 *args)


def latest(data):
    """{(topic, key): the whole last record as text}, of means by their key and of signals by their id."""
    found = {}
    for topic, kind in (("means", "mean"), ("signals", "signal")):
        for record in tail_json(data, topic):
            inner = record["value"].get(kind)
            if inner is None:
                continue  # time
            key = record["key"] if kind == "mean" else inner["id"]
            if inner["revision"] >= found.get((topic, key), {"revision": 0})["revision"]:
                found[topic, key] = inner
    return found


def changed(before, after):
    assert before.keys() <= after.keys()
    return {key: after[key] for key in after
            if json.dumps(after[key], sort_keys=True) != json.dumps(before.get(key), sort_keys=True)}


def ms(at):
    return str(int(at.timestamp() * 1000))


def figures(record):
    """What a mean says, without when and why it was published."""
    return {k: v for k, v in record.items() if k not in ("revision", "status", "reason", "origin")}


def test_a_withdrawn_hour_withdraws_the_signals_that_it_caused_and_changes_nothing_else(log):
    before = latest(log)
    caused = {("signals", s["id"]) for s in (r["value"].get("signal") for r in tail_json(log, "signals"))
              if s and s["revision"] == 1 and s["windowStartMs"] == ms(HIGH)}
    assert {key[1].split("/")[0] for key in caused} >= {"hour_limit", "aqi_level"}, caused
    said = one_hour(log, "invalidate").fine().out
    assert f"A1 SO2 {iso(HIGH)}: 1900 ug/m3 (revision 1) -> invalid" in said and "1 correction written" in said
    process(log).fine()
    after = latest(log)
    others = changed(before, after)

    signals = {key: s for key, s in others.items() if key[0] == "signals"}
    withdrawn = {key for key, s in signals.items() if s["state"] == "WITHDRAWN"}
    early = {key for key in caused if key[1].startswith("reading_over_limit/")}
    assert early and withdrawn >= caused
    assert all(s["subject"] == "A1" and WHY in s["reason"] for s in signals.values()), signals
    assert withdrawn == signals.keys(), "no other signal has changed"

    means = {key: m for key, m in others.items() if key[0] == "means"}
    for key, m in means.items():
        assert m["site"] == "A1" and m["factor"] in ("SO2", "AQI", "AQI_PM24"), key
        assert int(m["startMs"]) <= int(ms(HIGH)) or m["factor"] == "AQI", key
        assert int(m["endMs"]) > int(ms(HIGH)), key
        if m["status"] != "RUNNING":
            assert (m["status"], m["reason"]) == ("AMENDED_AGAIN", REASON), m
    holds = {key for key, m in before.items() if key[0] == "means" and m["site"] == "A1" and m["factor"] == "SO2"
             and m["status"] != "RUNNING" and int(m["startMs"]) <= int(ms(HIGH)) < int(m["endMs"])}
    assert holds and {key[1].split("|")[2] for key in holds} >= {"1h", "24h", "day"}
    assert holds <= means.keys(), "every closed window that holds the hour is published again"
    hour = after["means", f"A1|SO2|1h|{ms(HIGH + timedelta(hours=1))}"]
    assert not hour.get("valid") and hour["source"] == "AMENDED" and hour["revision"] == 2

    # The same correction twice is one: the ids are equal and nothing is published.
    one_hour(log, "invalidate").fine()
    process(log).fine()
    assert latest(log) == after
    ids = [r["value"]["amend"]["id"] for r in tail_json(log, "readings") if "amend" in r["value"]]
    assert len(ids) == 2 and ids[0] == ids[1]

    # Restored, everything is as it was measured, and what it caused is said again, but for the indicator of the moment.
    one_hour(log, "restore", why="仪器正常").fine()
    process(log).fine()
    again = latest(log)
    for key, record in before.items():
        if key[0] == "means" and record["status"] != "RUNNING":
            assert figures(again[key]) == figures(record), key
    said = {(s["rule"], s["factor"], s["window"], s["level"], s.get("value"), s["beganMs"]) for key, s in again.items()
            if key[0] == "signals" and s["state"] != "WITHDRAWN"}
    assert all(again[key]["state"] == "WITHDRAWN" for key in early)
    for key in caused - early:
        s = before[key]
        assert (s["rule"], s["factor"], s["window"], s["level"], s.get("value"), s["beganMs"]) in said, key


def test_a_replaced_hour_is_marked_as_audited_in_tail_and_report(log):
    one_hour(log, "replace", "--value", "100", "--unit", "ug/m3", "--audited").fine()
    process(log).fine()
    rows = [r for r in tail_rows(log, "means") if (r["site"], r["factor"], r["window"]) == ("A1", "SO2", "1h")]
    row = next(r for r in rows if r["start"] == iso(HIGH))
    assert (row["value"], row["status"], row["source"], row["audited"], row["reason"]) == (
        "100", "amended", "amended", "true", REASON)
    assert [r["audited"] for r in rows if r["start"] != iso(HIGH)] == ["false"] * (HOURS - 1)
    day = run("report", "day", "--data", log, "--date", "2026-03-03", "--format", "csv").fine().out
    audited = {(r["id"], r["item"]): r["audited"] for r in csv.DictReader(io.StringIO(day)) if r["kind"] == "site"}
    assert audited["A1", "SO2"] == "1" and audited["A1", "NO2"] == "0" and audited["A2", "SO2"] == "0"
    assert "审1" in run("report", "day", "--data", log, "--date", "2026-03-03").fine().out
    one_hour(log, "restore", why="误改").fine()
    process(log).fine()
    day = run("report", "day", "--data", log, "--date", "2026-03-03", "--format", "csv").fine().out
    assert {r["audited"] for r in csv.DictReader(io.StringIO(day)) if r["kind"] == "site" and r["item"] == "SO2"} == {"0"}


def review(path, *lines):
    path.write_text("time,site,factor,action,value,unit,reason\n" + "".join(line + "\n" for line in lines))
    return path


def test_a_days_review_is_written_whole_or_not_at_all(log, tmp_path):
    before = readings_of(log)
    good = f"{iso(HIGH)},A1,SO2,invalidate,,,{WHY}"
    other = f"{iso(HIGH + timedelta(hours=1))},A2,CO,replace,1.25,mg/m3,量程漂移"
    path = review(tmp_path / "bad.csv", good, other, "2026-03-03T06:00,A1,H2O,invalidate,,,x")
    refused = amend(log, "--csv", path, "--who", WHO).refused()
    assert f'{path}:4: factor "H2O" is not known' in refused.err and "nothing was written" in refused.err
    assert readings_of(log) == before
    # What only the log can say is asked before anything is written, too.
    path = review(tmp_path / "unknown.csv", good, f"{iso(HIGH)},A9,SO2,invalidate,,,x",
                  f"{iso(FIRST + timedelta(hours=HOURS))},A1,SO2,invalidate,,,x")
    refused = amend(log, "--csv", path, "--who", WHO).refused()
    assert f"{path}:3: site A9 is not configured and has never sent anything; did you mean `A1`?" in refused.err
    assert f"{path}:4: an hour can be amended once it is closed" in refused.err
    assert readings_of(log) == before
    path = review(tmp_path / "good.csv", good, other)
    assert "nothing was written (--dry-run)" in amend(log, "--csv", path, "--who", WHO, "--dry-run").fine().out
    assert readings_of(log) == before
    assert "2 corrections written" in amend(log, "--csv", path, "--who", WHO, "--audited").fine().out
    process(log).fine()
    rows = {(r["site"], r["factor"]): r for r in tail_rows(log, "means") if r["window"] == "1h" and r["audited"] == "true"}
    assert {key: (r["value"], r["reason"]) for key, r in rows.items()} == {
        ("A1", "SO2"): ("", REASON), ("A2", "CO"): ("1.25", f"amended by {WHO}: 量程漂移")}


def test_what_cannot_be_amended_is_refused_in_one_line(log):
    before = readings_of(log)
    for args, wanted in (
            (("--factor", "AQI"), "an index follows from concentrations; amend those"),
            (("--from", iso(HIGH + timedelta(minutes=30))), "whole hours expected"),
            (("--from", iso(FIRST - timedelta(days=30))), "behind the horizon an hour must stand in `means`"),
            (("--value", "5"), "a value and a unit belong to replace")):
        given = {"--site": "A1", "--factor": "SO2", "--from": iso(HIGH), "--reason": WHY, "--who": WHO}
        given.update(dict([args]))
        line = amend(log, "invalidate", *(x for pair in given.items() for x in pair)).refused(2).one_line()
        assert wanted in line, line
    assert "--reason is missing" in amend(log, "restore", "--site", "A1", "--factor", "SO2", "--from", iso(HIGH),
                                          "--who", WHO).refused(2).one_line()
    assert readings_of(log) == before


DAYS = 205
OLD = datetime(2025, 7, 20, tzinfo=BEIJING)
FAR, NEAR = OLD + timedelta(days=5, hours=6), OLD + timedelta(days=DAYS - 10, hours=6)  # 200 and 10 days old at the end


def long_load(path, first_day, end_day):
    """Hour values of two sites; A1's SO2 is far over its limit in FAR and in NEAR."""
    with open(path, "w") as out:
        out.write("time,site,factor,value,unit\n")
        for h in range(first_day * 24, end_day * 24):
            at = OLD + timedelta(hours=h)
            for site, factor in (("A1", "SO2"), ("A1", "CO"), ("A2", "PM2.5")):
                value = 1900 if factor == "SO2" and at in (FAR, NEAR) else USUAL[factor] + h % 7 / 10
                out.write(f"{iso(at)},{site},{factor},{value:.1f},{UNITS.get(factor, 'ug/m3')}\n")
    return path


def stands(data):
    """What is left in the end: figures of all means but those of open periods, which say it with their next day; states
    of all signals."""
    last = latest(data)
    means = {key: figures(m) for key, m in last.items() if key[0] == "means" and m["status"] != "RUNNING"}
    signals = {key: s["state"] for key, s in last.items() if key[0] == "signals"}
    return means, signals


def test_hours_10_and_200_days_old_are_corrected_as_if_it_had_been_in_time(data, services, tmp_path):
    feed(data, "--format", "csv", "--interval", "1h", long_load(tmp_path / "all.csv", 0, DAYS)).fine()
    # Before the processor has read it all there is nothing to go by.
    unread = one_hour(data, "invalidate", "--wait", "1", at=FAR).refused()
    assert "so the processor must have read all of the log" in unread.err, unread.err
    process(data).fine()
    before = stands(data)
    records = readings_of(data)
    for at in (FAR, NEAR):
        dry = one_hour(data, "invalidate", "--dry-run", at=at).fine().out
        assert f"A1 SO2 {iso(at)}: 1900 ug/m3 (revision 1) -> invalid; behind the horizon" in dry, dry
        assert readings_of(data) == records
    assert stands(data) == before
    for at in (FAR, NEAR):
        one_hour(data, "invalidate", at=at).fine()
        # Killed somewhere in it and started again.
        killed = services("processor", "--data", data, "--config", CONFIG, "--listen", "127.0.0.1:0")
        eventually(lambda: any(r["reason"] == REASON and r["start"] == iso(at) and r["window"] == "1h"
                               for r in tail_rows(data, "means")), "the correction is published")
        killed.kill()
        process(data).fine()
    after = stands(data)
    rows = [r for r in tail_rows(data, "means") if r["reason"] == REASON]
    assert {(r["site"], r["factor"]) for r in rows} <= {("A1", "SO2"), ("A1", "AQI"), ("A1", "AQI_PM24")}
    assert {r["window"] for r in rows if r["factor"] == "SO2"} >= {"1h", "24h", "day", "month", "quarter", "year"}
    assert all(r["status"] == "amended" for r in rows)
    gone = {key[1].split("/")[0] for key, state in after[1].items() if state == "WITHDRAWN"}
    assert gone >= {"hour_limit", "reading_over_limit", "suspect_clipped"}, gone
    assert not tail_json(data, "dead-letters")

    # The same corrections in time, while the stage still held the hours, leave the same.
    twin = tmp_path / "twin"
    for first, end, at in ((0, 7, FAR), (7, DAYS - 8, NEAR), (DAYS - 8, DAYS, None)):
        feed(twin, "--format", "csv", "--interval", "1h", long_load(tmp_path / "part.csv", first, end)).fine()
        process(twin).fine()
        if at is not None:
            one_hour(twin, "invalidate", at=at).fine()
            process(twin).fine()
    in_time = stands(twin)
    assert {k: v for k, v in after[0].items() if v != in_time[0].get(k)} == {}
    assert after[0].keys() == in_time[0].keys() and after[1] == in_time[1]
    assert run("replay", "--data", data).fine()
    assert run("replay", "--data", twin).fine()

    # The same again is nothing new; restored it is what was measured, and signals of the past stay withdrawn.
    one_hour(data, "invalidate", at=FAR).fine()
    process(data).fine()
    assert stands(data) == after
    path = review(tmp_path / "back.csv", f"{iso(FAR)},A1,SO2,restore,,,仪器正常",
                  f"{iso(FAR + timedelta(hours=1))},A1,CO,replace,1.5,mg/m3,量程漂移",
                  f"{iso(FAR + timedelta(hours=2))},A2,PM2.5,invalidate,,,x",
                  f"{iso(OLD + timedelta(days=DAYS, hours=-5))},A1,CO,replace,1.5,mg/m3,量程漂移")
    said = amend(data, "--csv", path, "--who", WHO).fine().out
    assert f"A1 SO2 {iso(FAR)}: not valid, amended (revision 2) -> what was measured: 1900 ug/m3; behind" in said, said
    assert "4 corrections written" in said
    process(data).fine()
    one_hour(data, "restore", at=NEAR).fine()
    process(data).fine()
    again = stands(data)
    for key, mean in before[0].items():
        if mean["factor"] == "SO2":
            assert again[0][key] == mean, key
    for hours, site, factor in ((1, "A1", "CO"), (2, "A2", "PM2.5")):
        key = ("means", f"{site}|{factor}|1h|{ms(FAR + timedelta(hours=hours + 1))}")
        assert again[0][key]["source"] == "AMENDED", key
    assert again[1] == after[1]
    assert not tail_json(data, "dead-letters")
    path = review(tmp_path / "apart.csv", f"{iso(FAR)},A1,CO,invalidate,,,x", f"{iso(NEAR)},A1,CO,invalidate,,,x")
    refused = amend(data, "--csv", path, "--who", WHO).refused()
    assert f"{path}:3: more than 31 days from others of A1" in refused.err, refused.err
    assert run("replay", "--data", data).fine()


def test_beside_a_running_service_it_is_published_within_its_next_seconds(data, services, tmp_path):
    up = services("up", "--data", data, "--config", CONFIG, "--no-source", "--quiet", "--listen", "127.0.0.1:0")
    address = up.line(r"http://(127\.0\.0\.1:\d+)/metrics", stream="out").group(1)
    eventually(lambda: get(address, "/readyz")[0] == 200, "up is ready")
    hour = datetime.now(BEIJING).replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)
    path = tmp_path / "now.csv"
    path.write_text("time,site,factor,value,unit\n" + f"{iso(hour)},NEW,SO2,700,ug/m3\n")
    feed(data, "--format", "csv", "--interval", "1h", path).fine()

    def published():
        return [r for r in tail_rows(data, "means")
                if (r["site"], r["factor"], r["window"], r["start"]) == ("NEW", "SO2", "1h", iso(hour))]

    eventually(published, "its hour is published")
    one_hour(data, "invalidate", site="NEW", at=hour).fine()
    row = eventually(lambda: [r for r in published() if r["status"] == "amended"], "the correction is published")[0]
    assert (row["valid"], row["reason"]) == ("false", REASON)
    eventually(lambda: any(r["rule"] == "hour_limit" and r["subject"] == "NEW" and r["state"] == "withdrawn"
                           for r in tail_rows(data, "signals", latest=False)), "its signal is withdrawn")
    assert up.stop() == 0
