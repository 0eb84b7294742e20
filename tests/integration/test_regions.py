"""The region stage in the running binary: stations compared with one another over `means`, its own group and state.

A small prefecture of a day with one station far above the others for an hour, and a naive computation of what stands
out. What the stage says is a fold over `means`: folded again from nothing, with its state lost or from a log that was
made before it was there, it says the same, byte for byte.
"""

import sqlite3
import statistics
from datetime import datetime, timedelta
from fractions import Fraction

import pytest

from harness import (CONFIG, assert_database_is_whole, eventually, feed, get, inject, metric, process, tail_json,
                     tail_rows)
from oracle import BEIJING

START = datetime(2026, 3, 2, 0, tzinfo=BEIJING)
HOURS = 8
SITES = [f"R{i:02d}" for i in range(7)]
RISE, HIGH, SPIKE = 75, (200, 300), 300  # PM2.5 of config/rules


def value(site, hour):
    """R03 has one high hour (a spike), R05 three of them."""
    i = SITES.index(site)
    if (i == 3 and hour == 3) or (i == 5 and hour in (2, 3, 4)):
        return 310 + i
    return 50 + i


def write_csv(path, sites=SITES, hours=HOURS, first=0):
    with open(path, "w") as out:
        out.write("time,site,factor,value,unit\n")
        for minute in range(first * 60, hours * 60):
            for site in sites:
                at = START + timedelta(minutes=minute)
                out.write(f"{at.isoformat()},{site},PM2.5,{value(site, minute // 60)},ug/m3\n")
    return path


def percent(site, hour):
    own = value(site, hour)
    median = statistics.median(Fraction(value(s, hour)) for s in SITES if s != site)
    seen = 100 * Fraction(own) / median
    return seen if own - median >= RISE else min(seen, Fraction(100))


def expected_episodes():
    """{(rule, site): (first hour, hour after it)} of the made day, from the definition."""
    found = {}
    for site in SITES:
        high = [h for h in range(HOURS) if percent(site, h) > HIGH[0]]
        if high:
            found["hour_high", site] = high[0], high[-1] + 1
        for h in range(1, HOURS - 1):
            if percent(site, h) > SPIKE and all(percent(site, b) <= SPIKE for b in (h - 1, h + 1)):
                found["spike", site] = h, h + 1
    return found


def signals_of_regions(data):
    return [row for row in tail_rows(data, "signals", latest=False) if row["rule"] in ("hour_high", "spike")]


@pytest.fixture
def day(data, tmp_path):
    feed(data, "--format", "csv", write_csv(tmp_path / "day.csv")).fine()
    process(data).fine()
    return data


def test_stations_far_above_their_neighbours_raise_signals_with_whom_they_were_compared(day):
    rows = signals_of_regions(day)
    expected = expected_episodes()
    assert set(expected) == {("hour_high", "R03"), ("hour_high", "R05"), ("spike", "R03")}
    hour = lambda text: int((datetime.fromisoformat(text) - START) / timedelta(hours=1))
    found = {}
    for row in rows:
        first, _ = found.get((row["rule"], row["subject"]), (hour(row["began"]) - 1, None))
        found[row["rule"], row["subject"]] = first, hour(row["end"]) - 1
        if row["state"] != "active":
            continue
        site, h = row["subject"], hour(row["start"])
        assert row["unit"] == "%" and abs(Fraction(row["value"]) - percent(site, h)) <= Fraction(1, 10**6), row
        # A median of all the others, each with its value.
        others = dict(pair.split("=") for pair in row["evidence"].split(";"))
        assert {s: Fraction(v) for s, v in others.items()} == {s: value(s, h) for s in SITES if s != site}
        assert row["marks"] == ("spike" if row["rule"] == "spike" else "")
    assert found == expected
    assert {(row["rule"], row["state"]) for row in rows} == {(r, s) for r in ("hour_high", "spike")
                                                              for s in ("active", "cleared")}


def test_its_signals_are_cloud_events_of_its_own_source_and_its_time_goes_on_to_signals(day):
    with sqlite3.connect(f"file:{day / 'log.sqlite'}?mode=rw", uri=True) as db:
        (table,), = db.execute("SELECT p.id FROM partitions p JOIN topics t ON t.id = p.topic WHERE t.name = 'signals'")
        records = [(bytes(k), bytes(h or b"")) for k, h in db.execute(f"SELECT key, headers FROM records_{table}")]
    db.close()
    assert sum(b"/qingchuan/regions" in h for _, h in records) == len(signals_of_regions(day))
    ticks = [k for k, _ in records if k.startswith(b"@tick|regions|")]
    # The least of its upstreams' times, as often as those: once a minute, and never before all partitions have ticked.
    assert len(ticks) >= HOURS * 60
    assert len(ticks) <= sum(k == b"@tick|processor|0" for k, _ in records)


def forget_regions(data, with_topic):
    """Its signals, its place in `means` and its state: as if it had never run. with_topic: the log of an earlier
    version, which had no such topic."""
    with sqlite3.connect(f"file:{data / 'log.sqlite'}?mode=rw", uri=True) as db:
        for topic, partition, next_offset in db.execute(
                "SELECT t.name, p.id, p.next FROM partitions p JOIN topics t ON t.id = p.topic").fetchall():
            if topic == "regions-state":
                db.execute(f"DELETE FROM records_{partition}")
                if with_topic:
                    db.execute(f"DROP TABLE records_{partition}")
                    db.execute("DELETE FROM partitions WHERE id = ?", (partition,))
            if topic == "signals":
                for offset, key, headers in db.execute(
                        f"SELECT offset, key, headers FROM records_{partition}").fetchall():
                    by_regions = bytes(key).startswith(b"@tick|regions|") or b"/qingchuan/regions" in bytes(headers or b"")
                    if by_regions:
                        db.execute(f"DELETE FROM records_{partition} WHERE offset = ?", (offset,))
        if with_topic:
            db.execute("DELETE FROM topics WHERE name = 'regions-state'")
        (group,), = db.execute("SELECT id FROM groups WHERE name = 'regions'").fetchall()
        db.execute("DELETE FROM group_offsets WHERE grp = ?", (group,))
    db.close()


def said(data):
    """Every byte of what the region stage published, in order."""
    with sqlite3.connect(f"file:{data / 'log.sqlite'}?mode=rw", uri=True) as db:
        (table,), = db.execute("SELECT p.id FROM partitions p JOIN topics t ON t.id = p.topic WHERE t.name = 'signals'")
        found = [(bytes(k), bytes(v), bytes(h or b"")) for k, v, h in
                 db.execute(f"SELECT key, value, headers FROM records_{table} ORDER BY offset")
                 if bytes(k).startswith(b"@tick|regions|") or b"/qingchuan/regions" in bytes(h or b"")]
    db.close()
    return found


@pytest.mark.parametrize("with_topic", [False, True], ids=["its state is lost", "an older log has no topic for it"])
def test_what_it_says_is_a_fold_over_means(day, with_topic):
    expected = said(day)
    assert len(expected) > HOURS * 60
    forget_regions(day, with_topic)
    assert said(day) == []
    process(day).fine()
    assert said(day) == expected
    assert_database_is_whole(day)


def test_stopped_and_started_again_it_goes_on_where_it_was(data, tmp_path, services):
    whole = tmp_path / "whole"
    feed(whole, "--format", "csv", write_csv(tmp_path / "day.csv")).fine()
    process(whole).fine()
    # The same day in parts, each processed before the next arrives: in the middle of R05's episode.
    for part, hours in enumerate((3, 4, HOURS)):
        path = write_csv(tmp_path / f"{part}.csv", hours=hours, first=(0, 3, 4)[part])
        feed(data, "--format", "csv", *(["--resume"] if part else []), path).fine()
        process(data).fine()
    # How the runs of the partitions lie in `means` is chance; and a part begins behind the tick that ended the one before
    # it (--resume), so its first hour has some minutes less.
    other = ("offset", "first_offset", "coverage")
    facts = lambda log: [{k: v for k, v in row.items() if k not in other} for row in signals_of_regions(log)]
    assert [row["id"] for row in facts(data)] == [row["id"] for row in facts(whole)]
    assert facts(data) == facts(whole)


def test_a_running_processor_is_ready_with_it_and_shows_its_metrics(day, services, tmp_path):
    service = services("processor", "--data", day, "--config", CONFIG, "--listen", "127.0.0.1:0")
    address = service.address()
    eventually(lambda: get(address, "/readyz")[0] == 200, "both groups are ready")
    feed(day, "--format", "csv", "--resume", write_csv(tmp_path / "more.csv", hours=HOURS + 2, first=HOURS)).fine()
    page = lambda: get(address, "/metrics")[1]
    given = lambda text: metric(text, "qingchuan_worker_published_records_total", topic="means") or 0
    read = lambda text: metric(text, "qingchuan_worker_read_records_total", service="regions")
    eventually(lambda: given(page()) > 0, "the readings' workers publish means")
    eventually(lambda: (lambda text: read(text) >= given(text))(page()), "the regions' worker reads them all")
    assert metric(page(), "qingchuan_worker_ready", service="regions") == 1
    assert service.stop() == 0


def test_a_record_of_means_that_is_none_goes_to_the_dead_letters_and_stops_nothing(day, tmp_path):
    bad = [("means", 0, b"R00|PM2.5|1h|0", b"nothing of ours"), ("means", 0, b"R00|PM2.5|1h|0", None)]
    (_, offset), _ = inject(day, bad)
    feed(day, "--format", "csv", "--resume", write_csv(tmp_path / "more.csv", hours=HOURS + 2, first=HOURS)).fine()
    process(day).fine()
    letters = [r["value"] for r in tail_json(day, "dead-letters")]
    assert [(x["sourceTopic"], int(x["sourceOffset"]), x["stage"]) for x in letters] == [("means", offset, "regions")]
    assert letters[0]["reason"] in ("garbage", "truncated")
