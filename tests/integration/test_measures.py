"""`qingchuan measures` on the demo's list, against a naive sum over what `rules`' own file says; and the demo's outlines
against its stations."""

import csv
import io
import json
import re
from decimal import ROUND_DOWN, Decimal

import pytest

from harness import ROOT, run

DEMO = ROOT / "config" / "demo"
LEVELS = ["yellow", "orange", "red"]
POLLUTANTS = ["so2", "nox", "pm", "vocs"]
DUTY = {"yellow": 10, "orange": 20, "red": 30}  # config/standards/emergency.yaml


def amounts(text):
    found = dict(re.findall(r"(\w+): (\d+)", text))
    return [int(found.get(p, 0)) for p in POLLUTANTS]


def demo_list():
    """[(enterprise, county, [(line, base, {level: cut})])] and {county: base}, read without a YAML library."""
    bases, enterprises = {}, []
    for line in (DEMO / "emergency.yaml").read_text().splitlines():
        if line.startswith("#"):
            continue
        if m := re.search(r"- \{region: (\w+), base: \{([^}]*)\}", line):
            bases[m.group(1)] = amounts(m.group(2))
        elif m := re.search(r"- \{id: ([\w-]+),.* region: (\w+)", line):
            enterprises.append((m.group(1), m.group(2), []))
        elif m := re.search(r"\{name: .*base: \{([^}]*)\}", line):
            enterprises[-1][2].append((amounts(m.group(1)), {}))
        elif m := re.search(r"\{level: (\w+), cut: \{([^}]*)\}", line):
            enterprises[-1][2][-1][1][m.group(1)] = amounts(m.group(2))
    assert len(enterprises) == 25 and len(bases) == 13
    return enterprises, bases


def measures(region, level, *args):
    return run("measures", region, level, *args).fine().out


def rows(region, level):
    return list(csv.DictReader(io.StringIO(measures(region, level, "--format", "csv"))))


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("region", ["lvliang", "xiaoyi", "fangshan"])
def test_the_sums_are_those_of_the_list(region, level):
    enterprises, bases = demo_list()
    within = set(bases) if region == "lvliang" else {region}
    cut, listed, lines = [0] * 4, [0] * 4, 0
    for _, county, of in enterprises:
        if county not in within:
            continue
        for base, by_level in of:
            listed = [a + b for a, b in zip(listed, base)]
            due = [by_level[x] for x in LEVELS[:LEVELS.index(level) + 1] if x in by_level]
            if due:
                lines += 1
                cut = [a + b * c for a, b, c in zip(cut, base, due[-1])]
    base = [sum(bases[c][p] for c in within) for p in range(4)]
    said = rows(region, level)
    assert len([r for r in said if r["row"] == "measure"]) == lines
    total = {r["row"]: [r[p] for p in POLLUTANTS] for r in said if r["row"] != "measure"}
    assert [Decimal(x) for x in total["cut"]] == [Decimal(c) / 100 for c in cut]
    assert total["listed"] == [str(x) for x in listed]
    assert total["base"] == [str(x) for x in base]
    assert [Decimal(x) for x in total["share_percent"]] == [
        (Decimal(c) / b).quantize(Decimal("0.01"), ROUND_DOWN) for c, b in zip(cut, base)]
    assert [Decimal(x) for x in total["missing"]] == [
        max(Decimal(0), Decimal(b * DUTY[level] - c) / 100) for c, b in zip(cut, base)]


def test_a_prefecture_is_its_counties():
    whole = [r for r in rows("吕梁市", "橙色") if r["row"] == "measure"]
    parts = [r for county in {r["region"] for r in whole} for r in rows(county, "orange") if r["row"] == "measure"]
    assert sorted(map(str, whole)) == sorted(map(str, parts)) and len(whole) > 30


def test_the_formats_agree():
    table = measures("lvliang", "orange")
    said = json.loads(measures("lvliang", "orange", "--format", "json"))
    assert "梧桐焦化一厂" in table and "未经证实" in table and "单一来源" in table
    assert f"差 {said['pollutants']['VOCs']['missing_kg']}" in table and not said["pollutants"]["VOCs"]["met"]
    assert said["pollutants"]["SO2"]["met"]
    assert len(said["measures"]) == len([r for r in rows("lvliang", "orange") if r["row"] == "measure"])
    assert [e["enterprise"] for e in said["nothing_due"]] == ["distillery-xinghua", "heat-lishi"]
    english = measures("lvliang", "orange", "--lang", "en")
    assert "Wutong Coke Works 1" in english and not re.search("[\u4e00-\u9fff]", english.split("duty:")[0])


def test_a_mistyped_name_is_one_clear_line():
    assert "there is no region `xiaoy`; did you mean `xiaoyi`?" in run("measures", "xiaoy", "red").refused(2).one_line()
    assert "there is no level `oragne`; did you mean `orange`?" in run("measures", "xiaoyi", "oragne").refused(2).one_line()
    assert "date" in run("measures", "xiaoyi", "red", "--date", "tomorrow").refused(2).one_line()


def test_every_station_stands_within_its_countys_outline():
    outlines = {m.group(1): list(map(float, m.group(2).split(",")))
                for m in re.finditer(r"id: (\w+),[^\n]*\n\s+polygon: \[([^]]*)\]", (DEMO / "regions.yaml").read_text())}
    assert len(outlines) == 13
    sites = re.findall(r"id: (LL\d+),.* region: (\w+),.* lon: ([\d.]+), lat: ([\d.]+)", (DEMO / "sites.yaml").read_text())
    assert len(sites) == 60
    for site, county, lon, lat in sites:
        x, y = float(lon), float(lat)
        holders = []
        for name, numbers in outlines.items():
            ring = list(zip(numbers[::2], numbers[1::2]))
            crossings = [(x2 - x1) * (y - y1) / (y2 - y1) + x1 > x
                         for (x1, y1), (x2, y2) in zip(ring, ring[1:] + ring[:1]) if (y1 > y) != (y2 > y)]
            if sum(crossings) % 2:
                holders.append(name)
        assert holders == [county], site
