"""The heavy-pollution episodes of Beijing, 2013 to 2015 and 2017, judged by the criteria of 2018 and of 2024, are those of a
naive batch (naive_episodes.py); and what comes out of shuffled and doubled files through killed processors is the same, to
the byte. The real files are not part of the tree (QINGCHUAN_SHARED).

QC_HISTORY=all: the shuffle of all years too (in CI only of the winter that had the red alerts). QC_KILLS, QC_SEED.
"""

import csv
import io
import os
import random
import re
import subprocess
import time
from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

import naive_episodes as naive
from configs import edited
from harness import BINARY, ROOT, assert_database_is_whole, feed, process, run
from oracle import BEIJING, HOUR, SIX, iso
from test_kill import Moments
from test_real_files import rows_of

KILLS = int(os.environ.get("QC_KILLS", "25"))
SEED = int(os.environ.get("QC_SEED", "1"))
ALL = os.environ.get("QC_HISTORY") == "all"
CONFIG = ROOT / "config" / "beijing" / "qingchuan.yaml"
OFFICIAL_BEGINS = datetime(2013, 12, 5)  # the city's files; the Beijing Multi-Site Data before them
ALWAYS = (datetime(2013, 3, 1) - HOUR, datetime(2018, 1, 1))
SHUFFLED = ALWAYS if ALL else (datetime(2015, 11, 1), datetime(2016, 1, 1))
LATE_MAX = 90  # hours; whole hours may be amended for 96
PINYIN = {"Aotizhongxin": "奥体中心", "Changping": "昌平", "Dingling": "定陵", "Dongsi": "东四", "Guanyuan": "官园",
          "Gucheng": "古城", "Huairou": "怀柔", "Nongzhanguan": "农展馆", "Shunyi": "顺义", "Tiantan": "天坛",
          "Wanliu": "万柳", "Wanshouxigong": "万寿西宫"}
# The two red warnings as they were issued.
RED = [(datetime(2015, 12, 8, 7), datetime(2015, 12, 10, 12)), (datetime(2015, 12, 19, 7), datetime(2015, 12, 23, 0))]

EPOCH = datetime(2013, 1, 1)


def number(end):
    return int((end - EPOCH) / HOUR)


def stamp(hour):
    return iso((EPOCH + hour * HOUR).replace(tzinfo=BEIJING))


# ---- the files -------------------------------------------------------------------------------------------------------


def prsa(shared):
    """(end, station, factor, text, unit) of every cell with a value before the city's own files begin."""
    for path in sorted((shared / "beijing_prsa").glob("*.csv.zst")):
        rows = rows_of(path)
        at = {name: i for i, name in enumerate(next(rows))}
        for row in rows:
            end = datetime(*(int(row[at[part]]) for part in ("year", "month", "day", "hour")))
            if end > OFFICIAL_BEGINS:
                break
            for factor in SIX:
                if row[at[factor]] not in ("", "NA"):
                    yield end, PINYIN[row[at["station"]]], factor, row[at[factor]], "ug/m3"


def official(shared):
    for path in sorted((shared / "beijing_official").glob("*.csv.zst")):
        rows = rows_of(path)
        head = next(rows)
        columns = [(i, name) for i, name in enumerate(head) if name in PINYIN.values()]
        assert len(columns) == 12
        for row in rows:
            if row[2] not in SIX:
                continue
            end = datetime.strptime(row[0], "%Y%m%d") + int(row[1]) * HOUR
            if end <= OFFICIAL_BEGINS:
                continue
            for i, station in columns:
                if row[i] not in ("", "NA"):
                    yield end, station, row[2], row[i], "mg/m3" if row[2] == "CO" else "ug/m3"


@pytest.fixture(scope="module")
def cells(shared):
    """{(end, station): [(factor, text, unit)]} of all years."""
    found = {}
    for source in (prsa(shared), official(shared)):
        for end, station, factor, text, unit in source:
            found.setdefault((end, station), []).append((factor, text, unit))
    return found


def feed_files(data, shared, config, begin, until):
    """As a user does: the two sources, one after the other."""
    if begin < OFFICIAL_BEGINS:
        feed(data, "--format", "prsa", "--until", "2013-12-05", *sorted((shared / "beijing_prsa").glob("*.zst")),
             config=config).fine()
    feed(data, "--format", "beijing", "--known-sites", "--from", max(begin, OFFICIAL_BEGINS).isoformat(), "--until",
         until.isoformat(), *sorted((shared / "beijing_official").glob("*.zst")), config=config).fine()


def naive_hours(cells):
    stations = {}
    for (end, station), values in cells.items():
        for factor, text, unit in values:
            pg = Decimal(text) * (1_000_000_000 if unit == "mg/m3" else 1_000_000)
            assert pg == int(pg) >= 0, (end, station, text)
            stations.setdefault(station, {}).setdefault(factor, {})[number(end)] = int(pg)
    return naive.indices(list(stations.values()), number(max(end for end, _ in cells)))


# ---- what is printed and compared --------------------------------------------------------------------------------------


def observed(data, criteria, *args):
    return run("episodes", "--data", data, "--config", CONFIG, "--observed", "--criteria", criteria, *args).fine().out


def published_indices(data):
    """{end: (index or "", primary pollutants)}: the region's `AQI` `24h`, latest revisions."""
    command = [str(BINARY), "tail", "region-means", "--data", str(data), "--from-beginning", "--until-end", "--latest",
               "--format", "csv"]
    found = {}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as tail:
        head = next(tail.stdout).rstrip("\n").split(",")
        at = {name: i for i, name in enumerate(head)}
        for line in tail.stdout:
            if line.startswith("beijing,AQI,24h,"):
                row = line.rstrip("\n").split(",")
                assert row[at["end"]] not in found
                found[row[at["end"]]] = (row[at["value"]], row[at["primary"]])
    assert tail.returncode == 0
    return found


def check_indices(hours, published):
    """Every hour's index is the naive one's; hours that nothing was published of have none."""
    for hour, index, ozone, _ in hours:
        value, primary = published.pop(stamp(hour), ("", ""))
        assert (value, primary == "O3") == ("" if index is None else str(index), ozone), (stamp(hour), value, primary, index)
    assert not published, f"{len(published)} indices of no hour, such as {sorted(published)[:3]}"


def check_episodes(data, hours, criteria):
    found = list(csv.DictReader(io.StringIO(observed(data, criteria, "--format", "csv"))))
    expected = naive.rows(criteria, hours, stamp)
    for row, want in zip(found, expected):
        assert want.items() <= row.items(), {k: (row[k], v) for k, v in want.items() if row[k] != v} | {"in": row}
        assert (row["region"], row["name"]) == ("beijing", "北京")
    assert len(found) == len(expected)
    return found


def print_summary(found, criteria):
    """Episodes by the year they began in and the highest level they reached."""
    highest, years = {}, {}
    for row in found:
        highest[row["episode"]] = max(highest.get(row["episode"], 0), naive.LEVELS.index(row["level"]))
        years[row["episode"]] = row["began"][:4]
    table = Counter((years[e], highest[e]) for e in highest)
    print(f"criteria of {criteria}: {len(highest)} episodes equal the naive ones")
    print("  year   yellow  orange  red   (by the year it began in, highest level)")
    for year in sorted({year for year, _ in table}):
        print(f"  {year}   {table[year, 0]:6}  {table[year, 1]:6}  {table[year, 2]:3}")


def print_december(published, by_criteria):
    """The two red warnings of December 2015 beside what was observed: to be read, not graded."""
    for begin, end in RED:
        print(f"\nred warning, as issued: {begin} to {end}")
        for criteria, found in by_criteria.items():
            for row in found:
                if row["level_from"] < stamp(number(end)) and (row["level_until"] or "9") > stamp(number(begin)):
                    print(f"  criteria {criteria}: {row['level']:6} {row['level_from'][:16]} to {row['level_until'][:16]}")
        for day in (begin.date() + timedelta(days=n) for n in range(-1, (end - begin).days + 3)):
            first = number(datetime.combine(day, datetime.min.time()))
            values = [(h, int(published[stamp(h)][0])) for h in range(first + 1, first + 25)
                      if published.get(stamp(h), ("", ""))[0]]
            warned = sum(number(begin) < h <= number(end) for h in range(first + 1, first + 25))
            print(f"  {day}  AQI of 24 h {min(v for _, v in values):3} to {max(v for _, v in values):3}"
                  f"  hours over 200: {sum(v > 200 for _, v in values):2}, over 300: {sum(v > 300 for _, v in values):2}"
                  f"  hours warned: {warned:2}")


def test_the_episodes_of_all_years_are_those_of_a_naive_batch(shared, cells, data):
    began = time.monotonic()
    feed_files(data, shared, CONFIG, *ALWAYS)
    fed = time.monotonic() - began
    processed = process(data, config=CONFIG, timeout=600).fine()
    published = published_indices(data)
    hours = naive_hours(cells)
    check_indices(hours, dict(published))
    known = sum(index is not None for _, index, *_ in hours)
    print(f"\n{len(cells)} hours of 12 stations; feed {fed:.1f} s, processor {processed.seconds:.1f} s; {known} indices of "
          f"24 h in {len(hours)} hours equal the naive ones")
    by_criteria = {}
    for criteria in ("2018", "2024"):
        by_criteria[criteria] = check_episodes(data, hours, criteria)
        if ALL:
            print(observed(data, criteria))
        print_summary(by_criteria[criteria], criteria)
    print_december(published, by_criteria)


# ---- a shuffle, duplicates and kills -----------------------------------------------------------------------------------


def arrivals(packets, rng):
    """(hour of arrival, late or not, chance, end, station) of each: most in their hour, one in five up to LATE_MAX hours
    late, one in thirty once more; the log's end waits for none of them."""
    last = max(end for end, _ in packets)
    found = []
    for end, station in packets:
        for _ in range(2 if rng.random() < 1 / 30 else 1):
            late = rng.randint(1, LATE_MAX) if rng.random() < 0.2 else 0
            found.append((min(end + late * HOUR, last), late > 0, rng.random(), end, station))
    found.sort()
    return found


def write_parts(directory, cells, order, parts):
    """The readings in that order, as files that follow one another. A file begins with a packet in time."""
    paths, out, part = [], None, -1
    for i, (arrival, late, _, end, station) in enumerate(order):
        if i * parts // len(order) > part and not late and (i == 0 or order[i - 1][0] < arrival):
            part = i * parts // len(order)
            if out:
                out.close()
            paths.append(directory / f"part-{part:03d}.csv")
            out = open(paths[-1], "w")
            out.write("time,site,factor,value,unit\n")
        for factor, text, unit in cells[end, station]:
            out.write(f"{end.isoformat(timespec='minutes')},{station},{factor},{text},{unit}\n")
    out.close()
    return paths


def test_the_table_is_the_same_after_a_shuffle_kills_and_duplicates(shared, cells, data, services, tmp_path):
    config = edited(tmp_path / "config", ("beijing/qingchuan.yaml", r"\Z", "\nprocessor:\n  checkpoint_interval: 1s\n"))
    config = config / "beijing" / "qingchuan.yaml"
    calm = tmp_path / "calm"
    feed_files(calm, shared, config, *SHUFFLED)
    process(calm, config=config, timeout=600).fine()
    expected = [observed(calm, criteria, "--format", form) for criteria in ("2018", "2024") for form in ("csv", "text")]

    rng = random.Random(SEED)
    order = arrivals([of for of in cells if SHUFFLED[0] < of[0] <= SHUFFLED[1]], rng)
    late = sum(1 for a in order if a[1])
    twice = len(order) - len({a[3:] for a in order})
    moments = Moments(services, data, config, SEED)
    for path in write_parts(tmp_path, cells, order, max(1, KILLS)):
        feed(data, "--format", "csv", "--interval", "1h", "--label", "end", path, config=config).fine()
        moments.one(longest=0.8)
    while moments.done < KILLS:
        moments.one(longest=0.8)
    process(data, config=config, timeout=600).fine()
    found = [observed(data, criteria, "--format", form) for criteria in ("2018", "2024") for form in ("csv", "text")]
    assert found == expected
    assert expected[0].count("\n") > 5
    assert_database_is_whole(data)
    print(f"\n{len(order)} packets since {order[0][0]}, {late} of them late, {twice} twice; {moments.done} kills: the tables "
          f"of both criteria, {expected[0].count(chr(10)) - 1} and {expected[2].count(chr(10)) - 1} levels, are the same bytes")
    for text in ([] if ALL else [expected[1], expected[3]]):
        print(text)
