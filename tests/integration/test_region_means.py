"""`region-means`: hours of counties, of the plain's group and of the prefecture are the means of their evaluation stations,
the longer windows and the indices follow; what the rest of a day may hold; episodes; and a replay makes all of it again."""

import re
from collections import defaultdict
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal

import pytest

from harness import CONFIG, ROOT, eventually, get, metric, process, run, tail_rows

HOURS = 72
PLAIN = {"fenyang", "xiaoyi", "jiaocheng", "wenshui"}
PG = Decimal("0.000001")


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    data = tmp_path_factory.mktemp("regions") / "log"
    run("simulate", "--data", data, "--config", CONFIG, "--scenario", "inversion", "--hours", HOURS, "--quiet").fine()
    process(data).fine()
    return data


def stations():
    """{region: evaluation stations}, from the configuration's text."""
    of = defaultdict(set)
    for site, region in re.findall(r"\{id: (\w+),.*? region: (\w+), kind: evaluation,",
                                   (ROOT / "config/demo/sites.yaml").read_text()):
        of[region].add(site)
        of["lvliang"].add(site)
        if region in PLAIN:
            of["plain"].add(site)
    return of


def mean(values):
    return (sum(values) / len(values)).quantize(PG, ROUND_HALF_EVEN)


def test_an_hour_of_a_region_is_the_mean_of_its_stations_that_are_valid(log):
    of = stations()
    assert len(of) == 15
    measured = {(r["site"], r["factor"], r["start"]): Decimal(r["value"]) for r in tail_rows(log, "means")
                if r["window"] == "1h" and r["valid"] == "true" and r["unit"] == "ug/m3" and r["status"] != "running"}
    compared = 0
    for r in tail_rows(log, "region-means"):
        assert r["site"] == r["region"] and r["site"] in of
        if r["window"] != "1h" or r["unit"] != "ug/m3":
            continue
        values = [measured[s, r["factor"], r["start"]] for s in of[r["site"]] if (s, r["factor"], r["start"]) in measured]
        assert int(r["count"]) == len(values), r
        assert r["valid"] == ("true" if values and 2 * len(values) >= len(of[r["site"]]) or
                              values and r["site"] not in ("lvliang", "plain") else "false"), r
        if r["valid"] == "true":
            assert Decimal(r["value"]) == mean(values), r
            compared += 1
    assert compared > 15 * 5 * (HOURS - 4)


def test_the_24_hours_are_the_mean_of_the_regions_own_hours(log):
    rows = tail_rows(log, "region-means")
    hour = {(r["site"], r["factor"], datetime.fromisoformat(r["end"])): Decimal(r["value"]) for r in rows
            if r["window"] == "1h" and r["valid"] == "true" and r["unit"] == "ug/m3"}
    compared = 0
    for r in rows:
        if r["window"] != "24h" or r["valid"] != "true" or r["unit"] != "ug/m3":
            continue
        end = datetime.fromisoformat(r["end"])
        its = [v for (site, factor, e), v in hour.items()
               if site == r["site"] and factor == r["factor"] and 0 <= (end - e).total_seconds() < 86400]
        assert len(its) == int(r["count"]) >= 20
        assert Decimal(r["value"]) == mean(its), r
        compared += 1
        if compared > 2000:
            break
    assert compared > 1000
    assert {r["window"] for r in rows if r["factor"] == "AQI"} >= {"1h", "24h", "day"}


def test_what_the_rest_of_a_day_may_hold_is_said_of_every_running_day(log):
    rows = [r for r in tail_rows(log, "region-means", latest=False) if r["status"] == "running"
            and r["window"] == ("mda8" if r["factor"] == "O3" else "day") and r["factor"] != "AQI"]
    assert rows and all(r["remaining"] for r in rows)
    lost = [r for r in rows if r["remaining"] == "lost"]
    assert lost and {r["site"] for r in lost} >= PLAIN, "the inversion lasts a whole day"
    for r in rows:
        if r["factor"] == "PM2.5" and r["remaining"] != "lost":  # HJ 633-2012 in January: 75 ug/m3 is an index of 100
            hours = int(r["count"])
            over = (datetime.fromisoformat(r["end"]) - datetime.fromisoformat(r["start"])).total_seconds() / 3600
            assert over == 24
            left = Decimal(r["remaining"])
            assert left >= 0 and hours <= 23
    assert not [r for r in tail_rows(log, "region-means") if r["status"] != "running" and r["remaining"]]


def test_a_replay_makes_them_again(log):
    ended = run("replay", "--data", log, "--lang", "en")
    assert re.search(r"all \d+ records are equal, byte for byte", ended.fine().out)
    assert "region-means" in ended.out, ended.out


def test_episodes_are_judged_from_them(log):
    ended = run("episodes", "--data", log, "--observed", "--format", "csv", "--region", "plain", "--region", "xingxian")
    rows = ended.fine().out.splitlines()
    assert rows[0].startswith("region,name,episode,")
    assert {r.split(",")[0] for r in rows[1:]} == {"plain"}, ended.out


def test_what_the_region_stage_costs_beside_the_readings(data, services):
    """Printed, not judged: the CPU time of the two services' workers over the same 72 h."""
    run("simulate", "--data", data, "--config", CONFIG, "--scenario", "inversion", "--hours", HOURS, "--quiet").fine()
    address = services("processor", "--data", data, "--config", CONFIG, "--listen", "127.0.0.1:0").address()
    page = lambda: get(address, "/metrics")[1]
    of = lambda name, service, **labels: metric(page(), f"qingchuan_worker_{name}", service=service, **labels)
    published = lambda: of("published_records_total", "regions", topic="region-means")
    records = []
    def still():  # nothing more for three seconds
        records.append(published())
        return records[-1] and len(records) > 150 and len(set(records[-150:])) == 1
    eventually(still, "all is published", 120)
    readings, regions = of("cpu_seconds_total", "processor"), of("cpu_seconds_total", "regions")
    assert readings > 0 and regions > 0
    print(f"\nof {readings + regions:.2f} s of CPU the region stage took {regions:.2f} s: "
          f"{100 * regions / (readings + regions):.1f} % ({int(records[-1])} means of regions)")
