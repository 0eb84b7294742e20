"""`qingchuan report` on the demo's month, against a naive computation from the files themselves."""

import csv
import io
from datetime import datetime, timedelta
from fractions import Fraction

import pytest

import naive_windows as naive
from harness import ROOT, feed, process, run
from oracle import BEIJING, SIX, text_of

FILES = sorted((ROOT / "config" / "demo" / "data" / "beijing-2015-12").glob("*.csv"))
FIRST = datetime(2015, 12, 1, tzinfo=BEIJING)
STANDARDS = {"SO2": 60, "NO2": 40, "PM10": 70, "PM2.5": 35, "CO": 4000, "O3": 160}


@pytest.fixture(scope="module")
def series():
    """{site: {factor: {hour's end: ug/m3}}} as the files say."""
    found = {}
    for path in FILES:
        with open(path, newline="", encoding="utf-8-sig") as lines:
            for row in csv.DictReader(lines):
                end = datetime(*(int(row[k]) for k in ("year", "month", "day", "hour")), tzinfo=BEIJING)
                for factor in SIX:
                    if row[factor] != "NA":
                        found.setdefault(row["station"], {}).setdefault(factor, {})[end] = Fraction(row[factor])
    assert len(found) == 8
    return found


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """The month, closed: one hour of the next year ends it."""
    directory = tmp_path_factory.mktemp("report")
    data = directory / "log"
    feed(data, "--format", "prsa", *FILES).fine()
    process(data).fine()
    running = report(data, "month", "--month", "2015-12")
    assert {r["status"] for r in running} == {"running"}
    after = directory / "after.csv"
    after.write_text("".join(["time,site,factor,value,unit\n"] + [
        f"2016-01-01T00:00:00+08:00,{site},PM2.5,10,ug/m3\n" for site in sorted({p.name.split("_")[2] for p in FILES})]))
    feed(data, "--format", "csv", "--interval", "1h", after).fine()
    process(data).fine()
    return data


def report(data, kind, *args):
    out = run("report", kind, "--data", data, "--format", "csv", *args).fine().out
    return list(csv.DictReader(io.StringIO(out)))


def published(value, factor):
    """A concentration in ug/m3 as the columns write it."""
    return "" if value is None else text_of(value / 1000 if factor == "CO" else value)


def days_of(series):
    """{day: ({factor: daily value}, greatest 1 h ozone)} of one place."""
    days = {}
    for n in range(31):
        start = FIRST + timedelta(days=n)
        values = {f: naive.daily(series.get(f, {}), f, start) for f in SIX}
        days[start] = (values, naive.greatest_hour(series.get("O3", {}), start))
    return days


def region_of(sites):
    """The same of a region: means of what is valid at its sites."""
    days = {}
    for start in next(iter(sites.values())):
        values = {}
        for f in SIX:
            valid = [site[start][0][f] for site in sites.values() if site[start][0][f] is not None]
            values[f] = naive.mean(valid) if valid else None
        hours = [site[start][1] for site in sites.values() if site[start][1] is not None]
        days[start] = (values, naive.mean(hours) if hours else None)
    return days


def month_of(days):
    """{factor: (mean, percentile, valid days, days over the limit, greatest multiple)}, good days, days with an index,
    composite index."""
    found, good, indexed = {}, 0, 0
    for f in SIX:
        valid = [values[f] for values, _ in days.values() if values[f] is not None]
        limit = naive.DAY_LIMITS_2012[f]
        over = [v for v in valid if v > limit]
        multiple = max((naive.half_even((v - limit) / limit, 2) for v in over), default=Fraction(0))
        found[f] = (naive.mean(valid), naive.percentile(valid, naive.PERCENTILES[f]), len(valid), len(over), multiple)
    for values, o3_1h in days.values():
        index, _ = naive.day_index_2012(values, o3_1h)
        if index is not None:
            indexed += 1
            good += index <= 100
    valid = all(n >= 27 for _, _, n, _, _ in found.values())
    parts = {f: Fraction(found[f][1 if f in ("CO", "O3") else 0]) / STANDARDS[f] for f in SIX}
    return found, good, indexed, naive.half_even(sum(parts.values()), 6) if valid else None, parts


def check_month(rows, days, where):
    found, good, indexed, composite, parts = month_of(days)
    by_item = {r["item"]: r for r in rows}
    for f in SIX:
        r = by_item[f]
        mean, percentile, n, over, multiple = found[f]
        want = {"value": published(mean, f) if n >= 27 else "", "count": str(n), "expected": "31",
                "valid": "true" if n >= 27 else "false", "percentile": str(naive.PERCENTILES[f]),
                "percentile_value": published(percentile, f), "days_over": str(over), "multiple": text_of(multiple),
                "window": "month", "unit": "mg/m3" if f == "CO" else "ug/m3", "status": "closed"}
        assert {k: r[k] for k in want} == want, (where, f)
    assert (by_item["AQI"]["good_days"], by_item["AQI"]["days"]) == (str(good), str(indexed)), where
    if composite is None:
        assert "composite" not in by_item, where
        return None
    greatest = max(parts.values())
    assert by_item["composite"]["value"] == text_of(composite), where
    # The rules' order: gases first.
    order = ("SO2", "NO2", "PM10", "PM2.5", "CO", "O3")
    assert by_item["composite"]["primary"] == "+".join(f for f in order if parts[f] == greatest), where
    return composite


def test_the_month_of_every_site_and_of_the_region_equals_a_naive_computation(series, log):
    rows = report(log, "month", "--month", "2015-12")
    sites = {site: days_of(of_site) for site, of_site in series.items()}
    composites = {}
    for site, days in sites.items():
        mine = [r for r in rows if r["kind"] == "site" and r["id"] == site]
        composites[site] = check_month(mine, days, site)
    for site, composite in composites.items():
        rank = [r["rank"] for r in rows if r["id"] == site and r["item"] == "composite"]
        better = sum(1 for other in composites.values() if other is not None and composite is not None
                     and other < composite)
        assert rank == ([] if composite is None else [str(better + 1)]), site
    region = [r for r in rows if r["kind"] == "region"]
    assert {r["id"] for r in region} == {"fed"}
    assert {r["sites_valid"] + "/" + r["sites"] for r in region} == {"8/8"}
    check_month(region, region_of(sites), "region")
    print(f"report month: {len(rows)} lines of {len(sites)} sites and their region equal the naive computation")


def test_every_day_of_the_month_equals_a_naive_computation(series, log):
    sites = {site: days_of(of_site) for site, of_site in series.items()}
    places = dict(sites, fed=region_of(sites))
    lines = 0
    for start in list(places["fed"])[::3] + [FIRST + timedelta(days=7), FIRST + timedelta(days=30)]:
        rows = report(log, "day", "--date", start.strftime("%Y-%m-%d"))
        for place, days in places.items():
            values, o3_1h = days[start]
            mine = {r["item"]: r for r in rows if r["id"] == place}
            for f in SIX:
                value, limit = values[f], naive.DAY_LIMITS_2012[f]
                r = mine[f]
                assert r["value"] == published(value, f), (start, place, f)
                assert r["window"] == ("mda8" if f == "O3" else "day")
                exceeds = value is not None and value > limit
                assert r["exceeds"] == ("true" if exceeds else "false"), (start, place, f)
                multiple = naive.half_even((value - limit) / limit, 2) if exceeds else 0
                assert r["multiple"] == text_of(multiple), (start, place, f)
                lines += 1
            index, primary = naive.day_index_2012(values, o3_1h)
            assert (mine["AQI"]["value"], mine["AQI"]["primary"]) == (str(index), "+".join(primary)), (start, place)
            level = 1 + sum(index > last for last in (50, 100, 150, 200, 300))
            assert mine["AQI"]["level"] == str(level), (start, place)
            lines += 1
    print(f"report day: {lines} lines equal the naive computation")


def test_the_table_is_for_people_in_both_languages_and_says_what_is_missing(log):
    chinese = run("report", "day", "--data", log, "--date", "2015-12-08").fine().out
    english = run("report", "day", "--data", log, "--date", "2015-12-08", "--lang", "en").fine().out
    assert "首要污染物" in chinese and "重度污染" in chinese and "HJ 633-2012" in chinese
    assert "heavily polluted" in english and "重度" not in english

    def width(line):
        return sum(2 if "\u2e80" <= c <= "\u9fff" or "\uff00" <= c <= "\uff60" else 1 for c in line)

    # The last column stands right: all lines of one table end under each other.
    table = chinese.split("\n\n")[1].splitlines()[1:]
    assert len({width(line) for line in table}) == 1, table

    nothing = run("report", "day", "--data", log, "--date", "2014-01-01").refused(2)
    assert "2014-01-01" in nothing.one_line()
    assert "region `nowhere`" in run("report", "day", "--data", log, "--date", "2015-12-08", "--region",
                                     "nowhere").refused(2).one_line()
    run("report", "day", "--data", log, "--month", "2015-12").refused(2)
    run("report", "month", "--data", log, "--month", "2015-13").refused(2)
