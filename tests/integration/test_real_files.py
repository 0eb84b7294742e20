"""The real files through the whole of it: what comes out equals what the files say, to the last cell.

They are not part of the tree: QINGCHUAN_SHARED names their directory (default: ../shared).
"""

import csv
import io
import re
import subprocess
import time
from collections import Counter
from datetime import datetime, timedelta
from fractions import Fraction

import configs
import naive_windows
import natural_faults
import oracle
from harness import BINARY, ROOT, feed, process, tail_rows
from oracle import BEIJING, HOUR, SIX, iso, text_of

HOURS_KEPT = 96  # a series that has been silent for so long is dormant: nothing is published of it


def rows_of(path):
    raw = subprocess.run(["zstd", "-dcq", str(path)], stdout=subprocess.PIPE, check=True).stdout
    return csv.reader(io.StringIO(raw.decode("utf-8-sig")))


def fates(out):
    """What became of the files' fields, as `feed` says it."""
    found = {name: int(n) for name, n in re.findall(r"^  (\w+)\s+(\d+)$", out, re.M)}
    found["fields"] = int(re.search(r"^fields read: (\d+)", out, re.M).group(1))
    found["fed"] = int(re.search(r"^fed (\d+) readings", out, re.M).group(1))
    return found


class Timings:
    def __init__(self, title):
        self.title, self.parts = title, []

    def add(self, name, n, seconds):
        self.parts.append(f"{name} {seconds:.1f} s ({n / max(seconds, 1e-9) / 1000:.0f} k readings/s)")

    def show(self):
        print(f"\n{self.title}: " + ", ".join(self.parts))


def tail_means(data):
    """The latest 1 h means as tuples: (site, factor, end) -> (value, unit, count, coverage, status, primary); and
    {mark: set of (site, factor, end)}."""
    command = [str(BINARY), "tail", "means", "--data", str(data), "--from-beginning", "--until-end", "--latest",
               "--format", "csv"]
    found, marks = {}, {}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as tail:
        head = next(tail.stdout).rstrip("\n").split(",")
        # Longer windows are skipped before anything of them is parsed.
        lines = csv.reader(line for line in tail.stdout if line.split(",", 3)[2] == "1h")
        at_marks = head.index("marks")
        assert head[:12] == ["site", "factor", "window", "start", "end", "value", "unit", "count", "coverage", "status",
                             "revision", "primary"]
        for row in lines:
            if row[1] == "AQI_PM24":
                continue
            key = (row[0], row[1], row[4])
            assert key not in found, f"--latest printed {key} twice"
            found[key] = (row[5], row[6], row[7], row[8], row[9], row[11])
            if row[at_marks]:
                for mark in row[at_marks].split("+"):
                    marks.setdefault(mark, set()).add(key)
    assert tail.returncode == 0
    return found, marks


def check_hours(values, means, last_hour):
    """values: {site: {factor: {end: Fraction, in published units}}}, the only thing the files say.

    Every hour of the file has its mean, exactly; hours without a value have coverage 0 and none; nothing else is there.
    The AQI of every hour is the oracle's. Returns counts."""
    n = {"means": 0, "missing": 0, "aqi": 0, "na": 0}
    expected_keys = set()
    stamps = {}
    for site, factors in values.items():
        known = {}  # hour's end -> the factors that have a result then
        for factor, by_end in factors.items():
            last = None
            end = min(by_end)
            while end <= last_hour:
                value = by_end.get(end)
                stamp = stamps.setdefault(end, iso(end))
                if value is not None:
                    last = end
                    key = (site, factor, stamp)
                    want = (text_of(value), oracle.published_unit(factor), "1", "1", "closed", "")
                    assert means.get(key) == want, f"{key}: {means.get(key)}, the file says {want}"
                    n["means"] += 1
                    expected_keys.add(key)
                    known.setdefault(end, {})[factor] = value
                elif end - last < HOURS_KEPT * HOUR:
                    key = (site, factor, stamp)
                    want = ("", oracle.published_unit(factor), "0", "0", "closed", "")
                    assert means.get(key) == want, f"{key}: {means.get(key)}, the file has no value: {want}"
                    n["missing"] += 1
                    expected_keys.add(key)
                    known.setdefault(end, {})
                end += HOUR
        for end, six in known.items():
            key = (site, "AQI", stamps[end])
            expected_keys.add(key)
            index, primary = oracle.aqi(oracle.edition_of(end), six)
            value, unit, _, _, status, said = means[key]
            want = ("" if index is None else str(index), "+".join(primary))
            assert (value, said) == want, f"{key}: {means[key]}, the oracle says {want} of {six}"
            assert status == "closed" and unit == "point", means[key]
            n["na" if index is None else "aqi"] += 1
    extra = means.keys() - expected_keys
    assert not extra, f"{len(extra)} means that no file holds, such as {sorted(extra)[:3]}"
    return n


def through(data, files, form, title, **options):
    """feed, processor, tail; the report of feed, the means with their marks, and the timings."""
    timings = Timings(title)
    fed = feed(data, "--format", form, *files, timeout=300, **options).fine()
    count = fates(fed.out)
    timings.add("feed", count["fed"], fed.seconds)
    processed = process(data, timeout=300, **options).fine()
    timings.add("processor", count["fed"], processed.seconds)
    began = time.monotonic()
    means, marks = tail_means(data)
    timings.add("tail", count["fed"], time.monotonic() - began)
    timings.show()
    # Every field of every line was counted as exactly one thing.
    assert sum(v for k, v in count.items() if k not in ("fields", "fed")) == count["fields"]
    assert count["fed"] == count["reading"]
    return count, means, marks


def check_natural_faults(values, marks):
    """Marked is exactly what the checks say, and what is known to be wrong in these files is among it."""
    expected = natural_faults.marks(values)
    for mark, hours in expected.items():
        found = marks.get(mark, set())
        assert found == hours, (mark, len(found), len(hours), sorted(found ^ hours)[:5])
    assert marks.keys() <= expected.keys()
    print("natural faults marked: " + ", ".join(f"{len(hours)} hours {mark}" for mark, hours in expected.items()))
    for factor, least in (("O3", 72), ("SO2", 204), ("PM2.5", 41)):
        longest = max(((hours, site, value, last) for site, factors in values.items()
                       for value, _, last, hours in natural_faults.runs(factors[factor])), key=lambda run: run[0])
        assert longest[0] >= least and (longest[1], factor, iso(longest[3])) in marks["stuck"]
        print(f"  longest stuck run of {factor}: {longest[0]} h of {text_of(longest[2])} at {longest[1]}, marked")
    inverted = sum(1 for _, factor, _ in marks["inverted"] if factor == "PM2.5")
    clipped = Counter(factor for _, factor, _ in marks["clipped"])
    print(f"  {inverted} hours with PM2.5 above PM10; clipped: {dict(clipped)}")
    assert inverted > 5000 and clipped["PM10"] >= 1 and clipped["CO"] >= 20


def check_december_2015(values, data):
    """Marks hide nothing: the red-alert month raises every legal exceedance and every level that its hours make."""
    signals = tail_rows(data, "signals", latest=False)
    last = {}
    for row in signals:
        last[row["id"]] = row
    episodes = {}
    for row in last.values():
        if row["state"] != "withdrawn":
            over = row["at"] if row["state"] in ("cleared", "ended_no_data") else "9999"
            episodes.setdefault((row["rule"], row["subject"], row["factor"]), []).append((row["began"], over))
    levels = {}
    for row in signals:
        levels.setdefault((row["rule"], row["subject"], row["factor"], int(row["level"])), set()).add(row["at"])

    days = hours = red = 0
    first = datetime(2015, 12, 1, tzinfo=BEIJING)
    for site, factors in values.items():
        exceeding = 0
        for n in range(30):
            start = first + timedelta(days=n)
            for factor in ("PM2.5", "PM10", "SO2", "NO2"):
                value = naive_windows.day_mean(factors.get(factor, {}), start)
                if value is None or value <= naive_windows.DAY_LIMITS_2012[factor]:
                    continue
                end = iso(start + timedelta(days=1))
                began = episodes.get(("day_limit", site, factor), [])
                assert any(b <= end < over for b, over in began), (site, factor, end, value)
                days += 1
                exceeding += factor == "PM2.5"
                red += factor == "PM2.5" and n in (7, 8, 18, 19, 20, 21)
        assert exceeding >= 12, (site, exceeding)
        for n in range(1, 31 * 24):
            end = first + n * HOUR
            six = {f: by_end[end] for f, by_end in factors.items() if end in by_end}
            index = oracle.aqi(2012, six)[0] if six else None
            if index is None or index <= 300:
                continue
            assert any(b <= iso(end) < over for b, over in episodes.get(("aqi_level", site, "AQI"), [])), (site, iso(end))
            hours += 1
        assert any(at.startswith("2015-12") for at in levels.get(("aqi_level", site, "AQI", 3), ())), site
    assert red >= 6 * len(values) - 4  # 8 - 9 and 19 - 22 December, where the station has the day
    kinds = Counter(row["rule"] for row in last.values())
    for rule, least in (("suspect_stuck", 100), ("suspect_inverted", 500), ("suspect_clipped", 5), ("day_limit", 1000),
                        ("no_data", 1000)):
        assert kinds[rule] >= least, (rule, kinds)
    print(f"December 2015: {days} station-days over a day limit and {hours} hours above AQI 300 are each within an "
          f"episode; episodes of all years: {dict(kinds)}")


def test_every_hour_of_beijing_prsa_comes_out_as_the_file_has_it(shared, data):
    files = sorted((shared / "beijing_prsa").glob("*.zst"))
    assert len(files) == 8
    values, fields, cells, missing = {}, 0, 0, 0
    last_hour = datetime(2013, 3, 1, tzinfo=BEIJING)
    for path in files:
        rows = rows_of(path)
        head = next(rows)
        fields += len(head)
        at = {name: head.index(name) for name in ("year", "month", "day", "hour", "station", *SIX)}
        for row in rows:
            fields += len(row)
            end = datetime(*(int(row[at[k]]) for k in ("year", "month", "day", "hour")), tzinfo=BEIJING)
            for factor in SIX:
                text = row[at[factor]]
                if text == "NA":
                    missing += 1
                    continue
                cells += 1
                series = values.setdefault(row[at["station"]], {}).setdefault(factor, {})
                assert end not in series
                series[end] = oracle.to_published(factor, text, "ug/m3")
                last_hour = max(last_hour, end)

    count, means, marks = through(data, files, "prsa", "beijing_prsa")
    assert (count["reading"], count["missing"], count["fields"]) == (cells, missing, fields)
    n = check_hours(values, means, last_hour)
    print(f"beijing_prsa: {n['means']} hour means equal the files', {n['missing']} hours without a value have none; "
          f"AQI of {n['aqi']} hours equals the oracle's ({n['na']} NA)")
    assert n["means"] == cells
    check_natural_faults(values, marks)
    check_december_2015(values, data)


def test_the_published_index_of_the_national_network_is_ours_in_every_row(shared, data):
    words = {"臭氧1小时": "O3", "颗粒物(PM10)": "PM10", "细颗粒物(PM2.5)": "PM2.5", "二氧化硫": "SO2",
             "二氧化氮": "NO2", "一氧化碳": "CO"}
    path = shared / "golden_aqi_cnemc.csv.zst"
    published = {}
    rows = rows_of(path)
    head = next(rows)
    at = {name: i for i, name in enumerate(head)}
    for row in rows:
        end = datetime.fromisoformat(row[at["timepoint"]]).replace(tzinfo=BEIJING)
        published[row[at["stationcode"]], iso(end)] = (row[at["aqi"]], row[at["primary"]])

    _, means, _ = through(data, [path], "cnemc", "golden_aqi_cnemc")
    compared = with_primary = 0
    for (site, end), (index, primary) in published.items():
        if not index:
            continue
        value, _, _, _, status, said = means[site, "AQI", end]
        assert (value, status) == (index, "closed"), f"{site} {end}: {value}, published {index}"
        compared += 1
        if primary:
            want = sorted(words[w] for w in primary.split(","))
            assert sorted(said.split("+")) == want, f"{site} {end}: {said}, {primary}"
            with_primary += 1
        elif int(index) <= 50:
            assert said == "", f"{site} {end}: {said} at {index}"
    print(f"golden_aqi_cnemc: {compared} published indices equal, {with_primary} primary pollutants equal")
    assert compared == sum(1 for index, _ in published.values() if index) and compared > 13_000 and with_primary > 400


def test_every_hour_of_the_citys_own_publication_of_2015_comes_out_as_published(shared, data, tmp_path):
    files = sorted((shared / "beijing_official").glob("beijing_*_2015.csv.zst"))
    assert len(files) == 2
    values, cells = {}, 0
    last_hour = datetime(2015, 1, 1, tzinfo=BEIJING)
    for path in files:
        rows = rows_of(path)
        stations = next(rows)[3:]
        for row in rows:
            if row[2] not in SIX:
                continue
            end = datetime.strptime(row[0], "%Y%m%d").replace(tzinfo=BEIJING) + timedelta(hours=int(row[1]))
            for site, text in zip(stations, row[3:]):
                if text in ("", "NA"):
                    continue
                cells += 1
                series = values.setdefault(site, {}).setdefault(row[2], {})
                value = Fraction(text)  # as published: CO in mg/m3
                # The same cell said twice: one slot keeps the greater.
                series[end] = max(value, series.get(end, value))
                last_hour = max(last_hour, end)

    count, means, _ = through(data, files, "beijing", "beijing_official 2015, no longer windows",
                              config=configs.hours_only(tmp_path / "config"))
    assert count["reading"] == cells and "unknown_factor" not in count
    n = check_hours(values, means, last_hour)
    print(f"beijing_official 2015: {n['means']} hour means equal the files', {n['missing']} hours without a value have "
          f"none; AQI of {n['aqi']} hours equals the oracle's ({n['na']} NA)")
