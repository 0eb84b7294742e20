"""A lag is not silence, on a real Kafka. Time is a record of each partition: however long a processor was away, and
however far one partition is behind another, what is published is what an undisturbed run publishes; no false "no data",
nothing late because of another partition, every hour closed once.
"""

import signal
from datetime import datetime, timedelta
from fractions import Fraction

import pytest

import load
import packets
from harness import (assert_same_outputs, count, eventually, feed, partition_of, process, summary, tail_json, tail_rows)
from kafka_cluster import (KafkaLog, PacedFeed, assert_once, by_input, embedded_by_input, live, readings_in, running)
from oracle import BEIJING, HOUR, iso
from test_kill import check_by_oracle

PARTITIONS = 4
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with running(tmp_path_factory.mktemp("kafka") / "cluster", brokers=1) as started:
        yield started


def undisturbed(place, **of_load):
    """(csv, outputs, means, summary) of a load over the embedded log, the means checked by the oracle."""
    place.mkdir()
    csv = place / "load.csv"
    readings = load.write(csv, **of_load)
    feed(place / "log", "--format", "csv", csv).fine()
    process(place / "log").fine()
    rows = tail_rows(place / "log", "means")
    check_by_oracle(readings, rows)
    return csv, embedded_by_input(place / "log"), rows, summary(place / "log")


def assert_equal(expected, log):
    once = assert_once(log.tail_json)
    found = by_input(log.tail_json)
    assert_same_outputs(expected, found, log.prefix)
    return f"{count(found)} records equal, {once} means and signals each once"


def closed_hours(rows):
    """How often each hour of a series was closed."""
    times = {}
    for row in rows:
        if row["window"] == "1h" and row["status"] == "closed":
            key = row["site"], row["factor"], row["start"]
            times[key] = times.get(key, 0) + 1
    return times


def silent_sites(log, of):
    """Those of the test's own sites; the configured ones of the demo never say anything in a log of wall time."""
    return {r["subject"] for r in log.tail_rows("signals", latest=False)
            if r["rule"] == "no_data" and r["subject"].startswith(of)}


def ticks(log):
    """(partition, offset, time in ms) of each tick in `readings`."""
    return [(r["partition"], r["offset"], int(r["value"]["tick"]["nowMs"])) for r in log.tail_json("readings")
            if "tick" in r["value"]]


def fed_until(log):
    return max((now for _, _, now in ticks(log)), default=0)


def ms(t):
    return int(t.timestamp() * 1000)


def test_three_hours_that_came_while_no_processor_ran_are_closed_once_and_are_no_silence(cluster, services, tmp_path):
    hours, sites = 14, 12
    csv, expected, _, _ = undisturbed(tmp_path / "undisturbed", hours=hours, sites=sites)
    log = KafkaLog(cluster, tmp_path / "config", "away.")
    log.create("fed")
    feeding = PacedFeed(services, log, csv, "1e9")
    feeding.allow(5 / hours)
    eventually(lambda: fed_until(log) >= ms(load.START + 4 * HOUR), "four hours are fed", 60)
    processor = log.processor(services)
    live(processor, PARTITIONS)
    eventually(lambda: closed_hours(log.tail_rows("means", latest=False)), "hours are closed", 60)
    assert processor.kill() == -signal.SIGKILL
    away_from = fed_until(log)
    feeding.allow(9 / hours)
    eventually(lambda: fed_until(log) >= away_from + 3 * 3_600_000, "three hours more are fed", 60)
    away_h = (fed_until(log) - away_from) / 3_600_000
    back = log.processor(services)
    live(back, PARTITIONS)
    feeding.finish()
    assert back.stop() == 0, back.text()
    log.process()
    said = assert_equal(expected, log)
    closed = closed_hours(log.tail_rows("means", latest=False))
    assert set(closed.values()) == {1} and len({start for _, _, start in closed}) >= hours
    assert silent_sites(log, "S") == {"S03"}  # the load's own silence
    print(f"\naway for {away_h:.1f} h of the log: {said}; {len(closed)} hours closed once; no_data: S03 alone")


def wall_minutes(first, until, silent_from):
    """(minute, site, PM2.5 in tenths) of eight sites; the last one says nothing from `silent_from` on."""
    minute = first
    while minute < until:
        for site in range(8):
            if site < 7 or minute < silent_from:
                yield minute, f"W{site}", 300 + site * 10 + (minute.minute * 7 + minute.hour) % 50
        minute += MINUTE


def test_a_processor_of_wall_time_that_was_away_for_three_hours_reads_them_before_it_writes_the_time(
        cluster, services, tmp_path):
    """As its log stands then: an hour with ticks, three hours of readings without any."""
    now = datetime.now(BEIJING).replace(second=0, microsecond=0)
    stopped = now - 3 * HOUR
    first = stopped - 70 * MINUTE
    log = KafkaLog(cluster, tmp_path / "config", "wall.")
    log.create("wall")
    partition = {f"W{n}": partition_of(f"W{n}", PARTITIONS) for n in range(8)}
    assert len(set(partition.values())) == PARTITIONS
    records = [("readings", partition[site], site.encode(), packets.register(site)) for site in partition]
    ticked, minutes = first, {}
    for minute, site, tenths in wall_minutes(first, now, first + 30 * MINUTE):
        while ticked <= minute and ticked <= stopped:
            records += [("readings", p, packets.tick_key(p), packets.tick(ms(ticked))) for p in range(PARTITIONS)]
            ticked += MINUTE
        records.append(("readings", partition[site], site.encode(),
                        packets.batch(site, ms(minute), [packets.column("PM2.5", [tenths])])))
        hour = minutes.setdefault((site, iso(minute.replace(minute=0))), [])
        hour.append(Fraction(tenths, 10))
    ends = {}
    for p, offset in log.inject(records):
        ends[p] = offset
    processor = log.processor(services)
    live(processor, PARTITIONS)
    over = [(site, start) for site, start in minutes
            if datetime.fromisoformat(start) + HOUR + 10 * MINUTE <= now and len(minutes[site, start]) >= 45]
    assert len(over) >= 7 * 2

    def closed():
        found = {(r["site"], r["start"]): r for r in log.tail_rows("means", latest=False)
                 if r["factor"] == "PM2.5" and r["window"] == "1h" and r["status"] == "closed"}
        return found if all(key in found for key in over) else None

    rows = eventually(closed, "every hour that is over is closed", 60)
    for key in over:
        mean = sum(minutes[key]) / len(minutes[key])
        assert abs(Fraction(rows[key]["value"]) - mean) <= Fraction(1, 2_000_000), (key, rows[key], mean)
        assert int(rows[key]["count"]) == len(minutes[key])
    eventually(lambda: "W7" in silent_sites(log, "W"), "the silence is seen")
    assert processor.stop() == 0, processor.text()
    all_rows = log.tail_rows("means", latest=False)
    assert set(closed_hours(all_rows).values()) == {1}
    assert silent_sites(log, "W") == {"W7"}
    # Its first tick stands behind all that had come.
    written = {}
    for p, offset, at in ticks(log):
        if at > ms(stopped):
            written.setdefault(p, []).append(offset)
    assert set(written) == set(range(PARTITIONS))
    for p, offsets in written.items():
        assert min(offsets) > ends[p], (p, offsets, ends)
    assert_once(log.tail_json)
    ledger = log.summary()["ledger"]
    assert ledger["accounts"]["late"] == 0, ledger
    print(f"\nwall: {sum(map(len, minutes.values()))} readings, {len(over)} hours closed once and right; "
          "no_data: W7 alone")


def crowded():
    """Of 400 sites of the load those of one partition, and one of each of the others."""
    by_partition = {}
    for site in range(400):
        by_partition.setdefault(partition_of(f"S{site:02d}", PARTITIONS), []).append(site)
    crowd, *others = sorted(by_partition, key=lambda p: -len(by_partition[p]))
    return set(by_partition[crowd]) | {by_partition[p][0] for p in others}, crowd, len(by_partition[crowd])


def test_partitions_that_are_read_hours_apart_make_nothing_late_for_one_another(cluster, services, tmp_path):
    """One partition has a hundred times the records, and half of them rest while the others are read to their end."""
    sites, crowd, times = crowded()
    hours = 5
    csv, expected, _, whole = undisturbed(tmp_path / "undisturbed", sites=400, hours=hours, only=sites)
    log = KafkaLog(cluster, tmp_path / "config", "apart.", kafka="  session_timeout: 60s\n")
    log.create("fed")
    sleeper = log.processor(services)
    live(sleeper, PARTITIONS)
    gave_up = len(sleeper.lines())
    reader = log.processor(services)
    rested = live(sleeper, PARTITIONS // 2, since=gave_up)
    read = live(reader, PARTITIONS // 2)
    assert rested | read == set(range(PARTITIONS))
    feeding = PacedFeed(services, log, csv, "1e9")
    feeding.allow(1.5 / hours)
    eventually(lambda: rested <= set(closed_until(log)), "all partitions have closed an hour", 60)
    sleeper.process.send_signal(signal.SIGSTOP)
    feeding.finish()
    end = ms(load.START + hours * HOUR)
    apart = eventually(lambda: (found := closed_until(log)) and all(found.get(p) == end for p in read) and found,
                       "those of the other one are read to their end", 60)
    behind_h = min((end - apart[p]) / 3_600_000 for p in rested)
    assert behind_h >= 2, apart
    sleeper.process.send_signal(signal.SIGCONT)
    log.process()
    assert sleeper.stop() == 0 and reader.stop() == 0
    said = assert_equal(expected, log)
    assert log.summary()["ledger"]["accounts"] == whole["ledger"]["accounts"]
    print(f"\npartition {crowd} has {times} sites, the others one each; partitions {sorted(rested)} were "
          f"{behind_h:.0f} h behind the others: {said}; late: {whole['ledger']['accounts']['late']}, as on the "
          "embedded log")


def closed_until(log):
    """The end of the last closed hour, ms, by partition of `readings`."""
    found = {}
    for record in log.tail_json("means"):
        mean = record["value"]["mean"]
        if mean["window"] == "H1" and mean["status"] == "CLOSED":
            p = mean["origin"]["partition"]
            found[p] = max(found.get(p, 0), int(mean["endMs"]))
    return found
