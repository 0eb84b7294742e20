"""The simulator: what it writes is the same every time, what it promises comes out of the real processor, and `up` plays its
history once, whatever happens meanwhile."""

import csv
import json
import math
import re
from collections import defaultdict
from datetime import datetime

import pytest

from harness import CONFIG, eventually, process, readings_of, run, summary, tail_json, tail_rows

LISTEN = ["--listen", "127.0.0.1:0"]
KINDS = {"reading_over_limit", "hour_limit", "day_limit", "rolling_24h_over_limit", "aqi_level", "no_data", "suspect_range",
         "suspect_stuck", "suspect_clipped", "suspect_inverted", "hour_high", "spike"}


def simulate(data, *args):
    return run("simulate", "--data", data, "--config", CONFIG, "--quiet", *args).fine()


def truth_rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def rules_raised(data):
    return {e["rule"] for e in summary(data)["episodes"]}


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        simulate(tmp_path / name, "--hours", 3, "--seed", seed, "--truth", tmp_path / f"{name}.csv")
    records = {name: [(r["partition"], r["key"], r["value"]) for r in tail_json(tmp_path / name, "readings")] for name in "abc"}
    assert records["a"] == records["b"]
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert records["a"] != records["c"]


def test_resumed_in_the_middle_it_is_the_same_log(tmp_path):
    simulate(tmp_path / "whole", "--hours", 4)
    simulate(tmp_path / "parts", "--hours", 2)
    again = run("simulate", "--data", tmp_path / "parts", "--config", CONFIG, "--quiet", "--hours", 4).refused()
    assert "--resume" in again.one_line()
    simulate(tmp_path / "parts", "--hours", 4, "--resume")
    readings = [[(r["partition"], r["key"], json.dumps(r["value"])) for r in tail_json(tmp_path / name, "readings")
                 if "batch" in r["value"]] for name in ("whole", "parts")]
    # The end of the first part ticked up to its hour's close: those ten minutes are not played again.
    assert len(readings[0]) > len(readings[1]) > 0.94 * len(readings[0])
    assert set(readings[1]) < set(readings[0])
    assert len(set(readings[1])) == len(readings[1])


def forecasts(data):
    return [(r["partition"], r["key"], json.dumps(r["value"], sort_keys=True)) for r in tail_json(data, "events")]


def test_forecasts_are_the_same_whole_and_in_parts(tmp_path):
    args = ("--from", "2026-01-12T06:00:00", "--hours")
    for name in ("whole", "again"):
        assert "75 INVENTED forecasts" in simulate(tmp_path / name, *args, 54).out
    assert forecasts(tmp_path / "whole") == forecasts(tmp_path / "again")
    for hours in (13, 14, 54):
        simulate(tmp_path / "parts", *args, hours, "--resume")
    assert forecasts(tmp_path / "parts") == forecasts(tmp_path / "whole")
    rows = tail_rows(tmp_path / "whole", "events", latest=False)
    assert len(rows) == 75 * 96
    assert {r["issued"] for r in rows} == {f"2026-01-{day}:00:00+08:00" for day in ("12T08", "12T20", "13T08", "13T20",
                                                                                    "14T08")}
    assert all(r["received"] == r["issued"] < r["time"] for r in rows)


def test_a_forecast_is_near_what_is_measured_and_less_so_later(data):
    simulate(data, "--scenario", "inversion", "--hours", 120)
    process(data)
    measured = {(r["site"], r["end"]): int(r["value"]) for r in tail_rows(data, "region-means")
                if r["factor"] == "AQI" and r["window"] == "24h" and r["value"]}
    off = defaultdict(list)  # by hours ahead: |log of the ratio|
    for r in tail_rows(data, "events", latest=False):
        seen = measured.get((r["region"], r["time"]))
        if seen:
            ahead = (datetime.fromisoformat(r["time"]) - datetime.fromisoformat(r["issued"])).total_seconds() / 3600
            off[int(ahead)].append(abs(math.log(int(r["aqi"]) / seen)))
    mean = {h: sum(v) / len(v) for h, v in off.items()}
    print(f"\noff by {100 * mean[1]:.1f} % an hour ahead, {100 * mean[24]:.1f} % a day, {100 * mean[72]:.1f} % three days")
    assert len(off[1]) > 15 * 6
    assert mean[1] < 0.05
    assert mean[1] < mean[24] < mean[72] < 0.6


# What each scenario raises, whatever the seed.
PROMISES = {
    "inversion": {"aqi_level", "day_limit", "rolling_24h_over_limit"},
    "coke-oven": {"reading_over_limit", "hour_high"},
    "broken-sensor": {"suspect_stuck", "suspect_clipped", "suspect_range", "suspect_inverted", "hour_high", "spike"},
    "outage": set(),
    "dust": {"aqi_level", "day_limit", "rolling_24h_over_limit", "suspect_clipped"},
    "ozone": {"aqi_level", "day_limit", "rolling_24h_over_limit"},
    "lvliang": KINDS,
}


def test_every_scenario_promises_something():
    names = {p.stem for p in (CONFIG.parent / "demo" / "scenarios").glob("*.yaml")}
    assert names == PROMISES.keys()


@pytest.mark.parametrize("scenario", PROMISES)
def test_a_scenario_raises_what_it_promises(data, scenario):
    for seed in (1,) if scenario != "lvliang" else (1, 2):
        log = data / str(seed)
        simulate(log, "--scenario", scenario, "--seed", seed)
        process(log)
        missing = PROMISES[scenario] - rules_raised(log)
        assert not missing, f"seed {seed}: {rules_raised(log)}"
        seen = summary(log)
        assert seen["ledger"]["balanced"]
        assert seen["ledger"]["accounts"]["late"] == 0
        assert seen["ledger"]["accounts"]["unknown"] == 0


@pytest.mark.parametrize("begin", ["2026-11-24T17:00:00", "2027-07-08T05:00:00"])
def test_what_up_plays_raises_signals_of_each_kind_in_any_season(data, begin):
    simulate(data, "--from", begin)
    process(data)
    assert not KINDS - rules_raised(data), rules_raised(data)


def test_the_books_balance_with_the_injected_faults(data, tmp_path):
    simulate(data, "--scenario", "outage", "--truth", tmp_path / "truth.csv")
    process(data)
    rows = truth_rows(tmp_path / "truth.csv")
    of = lambda kind, column: sum(int(r[column]) for r in rows if r["kind"] == kind)
    accounts = summary(data)["ledger"]["accounts"]
    assert of("resend", "readings") == accounts["duplicate"] > 1000
    assert accounts["late"] == accounts["replaced"] == accounts["flagged"] == 0
    # Each minute of each instrument is there once: what was kept during the outage came afterwards.
    minutes = of("air", "readings")
    assert accounts["stored"] + accounts["suspect"] == minutes
    assert of("late", "readings") > 5000
    hours = {(r["site"], r["factor"], r["end"]): r for r in tail_rows(data, "means")
             if r["window"] == "1h" and r["factor"] not in ("AQI", "AQI_PM24")}
    for row in rows:
        if row["kind"] == "air":
            assert hours[row["site"], row["factor"], row["end"]]["count"] == "60", row


def test_what_is_measured_is_the_truth_but_for_the_faults(data, tmp_path):
    simulate(data, "--scenario", "inversion", "--hours", 30, "--truth", tmp_path / "truth.csv")
    process(data)
    rows = truth_rows(tmp_path / "truth.csv")
    truth = {(r["site"], r["factor"], r["end"]): float(r["value"]) for r in rows if r["kind"] == "air"}
    measured = {}
    for r in tail_rows(data, "means"):
        if r["window"] == "1h" and (r["site"], r["factor"], r["end"]) in truth and r["valid"] == "true":
            measured[r["site"], r["factor"], r["end"]] = float(r["value"]) * (1000 if r["unit"] == "mg/m3" else 1)
    assert len(measured) > 0.98 * len(truth)
    micro = re.compile(r"LL\d\d9\d")
    for key, value in measured.items():
        near = 0.4 if micro.match(key[0]) else 0.08
        assert abs(value - truth[key]) <= near * truth[key] + 1, (key, value, truth[key])
    for (site, factor, end), value in measured.items():
        if factor == "PM2.5" and (site, "PM10", end) in measured:
            assert value <= measured[site, "PM10", end], (site, end)
    # Under the lid of the inversion's night the plain is worse than before it.
    plain = defaultdict(list)
    for (site, factor, end), value in truth.items():
        if site in ("LL0201", "LL0301", "LL0401", "LL0501") and factor == "PM2.5":
            plain[end].append(value)
    means = {end: sum(v) / len(v) for end, v in plain.items()}
    assert means["2026-01-13T03:00:00+08:00"] > 1.5 * means["2026-01-12T05:00:00+08:00"]


# ---- up --------------------------------------------------------------------------------------------------------------

def start(services, data, *args):
    return services("up", "--data", data, "--config", CONFIG, *LISTEN, "--lang", "en", *args)


def timeline_of(data):
    return summary(data)["timeline"]


def assert_whole_history(data, hours):
    """Every hour of the history of every steady series was closed, and nothing was late or in the future."""
    process(data)  # what was not read yet when it was stopped
    seen = summary(data)
    assert seen["timeline"] == "wall"
    assert seen["ledger"]["accounts"]["late"] == 0
    assert not seen["dead_letters"]
    closed = defaultdict(set)
    for r in tail_rows(data, "means"):
        if r["window"] == "1h" and r["factor"] == "SO2" and r["site"] in ("LL0101", "LL0201", "LL0501") and int(r["count"]) >= 40:
            closed[r["site"]].add(r["end"])
    for site, ends in closed.items():
        assert len(ends) >= hours, (site, len(ends))
    ticks = defaultdict(int)
    for r in tail_json(data, "readings"):
        if "tick" in r["value"]:
            now = int(r["value"]["tick"]["nowMs"])
            assert now >= ticks[r["partition"]], "time went backwards"
            ticks[r["partition"]] = now
    return seen


def packets_twice(data):
    count = defaultdict(int)
    for r in tail_json(data, "readings"):
        if "batch" in r["value"]:
            batch = r["value"]["batch"]
            count[batch["site"], batch["startMs"], len(batch["columns"][0]["values"])] += 1
    return sum(n - 1 for n in count.values()), len(count)


def test_up_plays_the_days_before_and_goes_on_with_the_clock(services, data):
    up = start(services, data)
    up.line(r"the history is played", 90)
    line = up.line(r"the history is played; signals in it: (.*)", 90, stream="out").group(1)
    for word in ("reading over limit", "hour limit", "day limit", "trailing mean", "level exceeded", "no data", "implausible",
                 "clipped", "stuck", "PM2.5 above PM10", "high against neighbours", "spike"):
        assert word in line, line
    # It goes on: ticks of the wall clock, and the minute that has just ended.
    before = len(readings_of(data))
    eventually(lambda: len(readings_of(data)) > before, "something after the history", 30)
    assert up.stop() == 0
    seen = assert_whole_history(data, 70)
    assert seen["ledger"]["balanced"]


def test_killed_in_the_middle_of_its_history_it_plays_the_rest(services, data):
    for kill in range(3):
        up = start(services, data, "--history", 48, "--quiet")
        eventually(lambda: ticks_of(data) > 500 * (kill + 1), "some history", 60)
        up.kill()
    up = start(services, data, "--history", 48, "--quiet")
    up.line(r"the history is played", 90)
    eventually(lambda: timeline_of(data) == "wall", "the hand-over")
    assert up.stop() == 0
    assert_whole_history(data, 46)
    repeats, packets = packets_twice(data)
    assert repeats < 0.01 * packets  # those that the script orders, and no others
    issues = [(r["key"], r["value"]["atMs"]) for r in tail_json(data, "events")]
    assert len(set(issues)) == len(issues) >= 15 * 3  # two days: four of them, or the last is still to come
    # A restart of a log that is handed over plays nothing again: at most the last minutes come twice.
    before = sent(data)
    up = start(services, data, "--quiet")
    eventually(lambda: sent(data) > before, "a minute after the restart", 90)
    assert up.stop() == 0
    again, _ = packets_twice(data)
    assert again - repeats <= 4 * 61


def ticks_of(data):
    """How many instants have been played; 0 where there is no log yet."""
    ended = run("tail", "tracks", "--data", data, "--from-beginning", "--until-end")
    return ended.out.count('"@tick||0"') if ended.code == 0 else 0


def sent(data):
    return run("tail", "readings", "--data", data, "--from-beginning", "--until-end").out.count('"batch"')


def test_a_log_that_is_being_played_is_nobody_elses(services, data, tmp_path):
    up = start(services, data, "--history", 72, "--quiet")
    eventually(lambda: ticks_of(data) > 100, "some history", 60)
    up.kill()
    if timeline_of(data) == "wall":
        pytest.skip("the history was over before the kill")
    file = tmp_path / "a.csv"
    file.write_text("time,site,factor,value,unit\n2026-11-20T00:00:00,LL0101,PM2.5,35,ug/m3\n")
    for command in (["feed", file], ["simulate", "--quiet"], ["up", "--no-source", *LISTEN]):
        said = run(command[0], "--data", data, "--config", CONFIG, *command[1:]).refused().one_line()
        assert "still being played" in said


def test_without_a_history_it_begins_with_the_present(services, data):
    up = start(services, data, "--history", 0, "--quiet")
    eventually(lambda: sent(data) > 1000, "the last hours", 60)
    assert up.stop() == 0
    assert timeline_of(data) == "wall"


def test_a_fed_log_is_no_place_to_play_in(data, tmp_path):
    simulate(data, "--hours", 1)
    said = run("up", "--data", data, "--config", CONFIG, *LISTEN).refused().one_line()
    assert "a log whose time is fed, not wall" in said
