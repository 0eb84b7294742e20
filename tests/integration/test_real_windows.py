"""Windows longer than an hour against what the authorities published, on the real files (QINGCHUAN_SHARED).

Every difference is put into one of a closed list of causes, each a predicate over the published files and our output; the
first that holds names it. What none explains is counted as `unexplained`, printed, and bounded.
"""

import csv
import os
import subprocess
from collections import Counter
from datetime import datetime, timedelta

import configs
import naive_windows as naive
from harness import BINARY, ROOT, feed, process
from oracle import BEIJING, HOUR, IAQI, SIX, TABLES, iso
from test_real_files import rows_of

PM = ("PM2.5", "PM10")
GASES = ("SO2", "NO2", "CO", "O3")


def lines_of(data, wanted):
    """The latest means whose window (and factor) are wanted, as lists of columns; nothing else is parsed."""
    command = [str(BINARY), "tail", "means", "--data", str(data), "--from-beginning", "--until-end", "--latest",
               "--format", "csv"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as tail:
        head = next(tail.stdout).rstrip("\n").split(",")
        assert head[:8] == ["site", "factor", "window", "start", "end", "value", "unit", "count"]
        for line in tail.stdout:
            _, factor, window, _ = line.split(",", 3)
            if (factor, window) in wanted:
                yield line.rstrip("\n").split(",")
    assert tail.returncode == 0


# ---- Beijing's own publication, May 2014 to May 2015 -----------------------------------------------------------------
#
# The city published, by its files: the trailing 24 h means of PM, of whatever hours it had, to a tenth; and an index of
# those and the 1 h means of the gases, rounded up. All arithmetic below is on tenths of the published unit, in integers.

FROM, UNTIL = datetime(2014, 5, 1), datetime(2015, 6, 1)
START = FROM - timedelta(hours=23)  # the first trailing window's first hour


def tenths(text):
    whole, _, fraction = text.partition(".")
    assert len(fraction) <= 1, text
    return int(whole) * 10 + int(fraction or 0)


def index_table(factor):
    """IAQI by tenths of the published unit: (rounded up, whether it was a whole number before); None above."""
    points = TABLES[2012][factor]
    found = []
    for c in range(points[-1] * 10 + 1):
        low = next(k for k in range(len(points) - 1) if c <= points[k + 1] * 10)
        width = (points[low + 1] - points[low]) * 10
        above = (IAQI[low + 1] - IAQI[low]) * (c - points[low] * 10)
        found.append((IAQI[low] - (-above // width), above % width == 0))
    return found


TABLES_OF_TENTHS = {f: index_table(f) for f in SIX}


def sub_index(factor, c):
    table = TABLES_OF_TENTHS[factor]
    if c < len(table):
        return table[c]
    return (None if factor == "SO2" else 500), False


def index_of(inputs):
    """(index, whether an item that has it interpolates to a whole number) of {factor: tenths}."""
    greatest, whole = None, False
    for factor, c in inputs.items():
        i, exact = sub_index(factor, c)
        if i is None or (greatest is not None and i < greatest):
            continue
        whole = exact or (whole and i == greatest)
        greatest = i
    return greatest, whole


def half_even(n, d):
    q, rest = divmod(n, d)
    return q + (2 * rest > d or (2 * rest == d and q % 2 == 1))


class City:
    """values[site][type][hour] in tenths; hours counted from START. `whole`: hours whose 24 h means of PM2.5, at all
    stations, were published as whole numbers."""

    def __init__(self, shared, directory, every):
        self.values, published, fractions = {}, set(), set()
        self.files = []
        hours = int((UNTIL - START) / HOUR)
        for name in ("beijing_all_2014", "beijing_extra_2014", "beijing_all_2015", "beijing_extra_2015"):
            rows = rows_of(shared / "beijing_official" / f"{name}.csv.zst")
            head = next(rows)
            columns = list(range(3, len(head)))[::every]
            path = directory / f"{name}.csv"
            self.files.append(path)
            day, first = "", 0
            with open(path, "w", newline="") as out:
                writer = csv.writer(out, lineterminator="\n")
                writer.writerow(head[:3] + [head[c] for c in columns])
                for row in rows:
                    if row[0] != day:
                        day = row[0]
                        first = int((datetime.strptime(day, "%Y%m%d") - START) / HOUR)
                    hour = first + int(row[1])
                    if not 0 <= hour < hours:
                        continue
                    writer.writerow(row[:3] + [row[c] for c in columns])
                    for c in columns:
                        text = row[c]
                        if text in ("", "NA"):
                            continue
                        if row[2] == "PM2.5_24h":
                            published.add(hour)
                            if "." in text:
                                fractions.add(hour)
                        self.values.setdefault(head[c], {}).setdefault(row[2], {})[hour] = tenths(text)
        self.whole = published - fractions

    @staticmethod
    def trailing(series, hour):
        found = [series[h] for h in range(hour - 23, hour + 1) if h in series]
        return sum(found), len(found)


def stamp(hour):
    return iso((START + hour * HOUR).replace(tzinfo=BEIJING))


def cause_of(p, own, counts, published, hour, types, whole_hours):
    """Why the published index `p` is not ours. own: our 24 h means; counts: their hours; published: the published 24 h
    means and gases; whole_hours: see City."""
    index, whole = index_of(published)
    if index == p:
        differing = [f for f in PM if own.get(f) != published.get(f)]
        if any(counts.get(f, 0) < 24 for f in differing):
            return "24 h mean: the file lacks hours that the publisher had"
        if all(abs(own[f] - published[f]) <= 1 for f in differing):
            return "24 h mean: of hours finer than published (at most 0.1 away)"
        return "24 h mean: not that of the 24 published hours"
    if index is not None and p == index + 1 and whole:
        return "index: a whole number before rounding up, lifted by binary fractions"
    if hour in whole_hours:
        return "index: the hour's inputs were published as whole numbers"
    if not any(f in published for f in PM):
        return "index: neither 24 h mean of PM is in the file"
    if len(published) < 6 and (index is None or p > index):
        return "index: an input of it is missing in the file"
    if p == types["AQI"].get(hour - 1, -10) // 10:
        return "index: that of the hour before, published again"
    if p in (index_of(inputs_at(types, hour + 1))[0], index_of(inputs_at(types, hour - 1))[0]):
        return "index: of a neighbouring hour's inputs"
    rest = [i for i in (sub_index(f, c)[0] for f, c in published.items()) if i is not None and i != index]
    if rest and p == max(rest):
        return "index: the greatest item was not counted"
    return "unexplained"


def inputs_at(types, hour):
    found = {f: types[f + "_24h"][hour] for f in PM if hour in types.get(f + "_24h", {})}
    return found | {f: types[f][hour] for f in GASES if hour in types.get(f, {})}


def test_the_citys_24_h_means_and_index_are_ours_but_for_named_causes(shared, data, tmp_path):
    every = 1 if os.environ.get("QC_ALL_STATIONS") else 3
    city = City(shared, tmp_path, every)
    config = configs.as_beijing_published(tmp_path / "config")
    fed = feed(data, "--format", "beijing", *city.files, config=config, timeout=300).fine()
    processed = process(data, config=config, timeout=600).fine()
    ours = {}
    wanted = {("PM2.5", "24h"), ("PM10", "24h"), ("AQI_PM24", "1h")}
    for row in lines_of(data, wanted):
        ours.setdefault(row[0], {}).setdefault(row[1], {})[row[4]] = (row[5], int(row[7]))
    stamps = [stamp(hour) for hour in range(int((UNTIL - START) / HOUR))]

    months, causes, examples = {}, Counter(), {}
    within = full = compared = 0
    for site, types in city.values.items():
        own = {f: {} for f in PM}
        for f in PM:
            series = types.get(f, {})
            for hour, published in types.get(f + "_24h", {}).items():
                if hour < 23:
                    continue
                total, n = city.trailing(series, hour)
                if n == 0:
                    continue
                own[f][hour] = (half_even(total, n), n)
                # Ours is the exact mean of the file's hours.
                value, count = ours[site][f][stamps[hour]]
                assert count == n and naive.half_even(naive.Fraction(value), 4) == naive.half_even(
                    naive.Fraction(total, 10 * n), 4), (site, f, stamps[hour], value, total, n)
                if f == "PM2.5" and n == 24:
                    full += 1
                    within += abs(total - published * n) * 2 <= 10 * n  # 0.5
        for hour, p10 in types.get("AQI", {}).items():
            if hour < 23:
                continue
            p = p10 // 10
            month = months.setdefault((START + hour * HOUR).strftime("%Y-%m"), Counter())
            month["rows"] += 1
            published = inputs_at(types, hour)
            formula = index_of(published)[0]
            month["formula"] += formula == p
            # Nothing to make it of: on 8 and 9 November 2014 the files lack all PM and yet have an index.
            without = not any(f in published for f in PM)
            month["inputs there"] += not without and hour not in city.whole
            month["formula where inputs are there"] += formula == p and not without and hour not in city.whole
            mine, counts = {}, {}
            for f in PM:
                if hour in own[f]:
                    mine[f], counts[f] = own[f][hour]
                else:
                    total, n = city.trailing(types.get(f, {}), hour)
                    if n:
                        mine[f], counts[f] = half_even(total, n), n
            gases = {f: published[f] for f in GASES if f in published}
            value = ours.get(site, {}).get("AQI_PM24", {}).get(stamps[hour], ("", 0))[0]
            want = index_of(mine | gases)[0] if mine else None
            assert value == ("" if want is None else str(want)), (site, stamps[hour], value, want, mine, gases)
            compared += 1
            # Comparable: the hours that the file holds are those that the publisher had, by his own 24 h means.
            same = not without and all(mine.get(f) == published.get(f) for f in PM)
            month["comparable"] += same
            if want == p:
                month["equal"] += 1
                month["comparable and exact"] += same
                continue
            cause = cause_of(p, mine, counts, published, hour, types, city.whole)
            causes[cause] += 1
            examples.setdefault(cause, []).append((site, stamps[hour], p, want))
    print(f"\nbeijing_official 2014-05 .. 2015-05, {len(city.values)} stations: feed {fed.seconds:.1f} s, processor "
          f"{processed.seconds:.1f} s; {compared} AQI_PM24 and the 24 h means equal the naive computation")
    print(f"PM2.5_24h: {within} of {full} within 0.5 where all 24 hours are there ({100 * within / full:.3f} %)")
    assert within >= 0.994 * full
    for name in sorted(months):
        m = months[name]
        print(f"{name}: AQI_PM24 exact in {100 * m['comparable and exact'] / m['comparable']:.2f} % of the "
              f"{m['comparable']} rows whose 24 h means are the file's hours' ({100 * m['equal'] / m['rows']:.2f} % of all "
              f"{m['rows']}); the published inputs make the published index in {100 * m['formula'] / m['rows']:.2f} %, "
              f"where PM is there, in fractions, in "
              f"{100 * m['formula where inputs are there'] / m['inputs there']:.2f} %")
        # The service's own, by the share that the formula itself reaches.
        assert m["comparable and exact"] >= 0.995 * m["comparable"], name
        assert 3 * m["comparable"] >= m["rows"], name
        # That the formula is the publisher's, whatever the file lacks.
        assert m["formula where inputs are there"] >= 0.995 * m["inputs there"], name
    for cause, n in causes.most_common():
        print(f"  {n:6} {cause}, as {examples[cause][0]}")
    print(f"unexplained: {causes['unexplained']} of {compared}")
    assert len(months) == 13
    for example in examples.get("unexplained", [])[:20]:
        print("   ", example)
    assert causes["unexplained"] <= compared // 5000


# ---- the national network, 1 January 2018 ----------------------------------------------------------------------------


def test_the_national_networks_8_h_ozone_and_24_h_means_are_ours_but_for_named_causes(shared, data):
    path = shared / "golden_aqi_cnemc.csv.zst"
    rows = rows_of(path)
    head = next(rows)
    columns = {"PM2.5": "pm2_5", "PM10": "pm10", "SO2": "so2", "NO2": "no2", "CO": "co", "O3": "o3"}
    hours, published = {}, {}
    for row in rows:
        cells = dict(zip(head, row))
        end = datetime.fromisoformat(cells["timepoint"]).replace(tzinfo=BEIJING)
        if end.year != 2018:
            continue  # the other day of the file is a single hour
        for factor, column in columns.items():
            if cells[column]:
                hours.setdefault((cells["stationcode"], factor), {})[end] = naive.Fraction(cells[column])
        published[cells["stationcode"], end] = cells

    feed(data, "--format", "cnemc", path, timeout=300).fine()
    process(data, timeout=300).fine()
    wanted = {("O3", "8h")} | {(f, "24h") for f in SIX}
    ours = {(row[0], row[1], row[2], row[4]): row for row in lines_of(data, wanted)}

    # 8 h ozone: to the row's whole ug/m3, half to even.
    causes, eight, exact, within = Counter(), 0, 0, 0
    for (site, end), cells in published.items():
        values = naive.trailing(hours.get((site, "O3"), {}), end, 8)
        if not cells["o3_8h"] or not values:
            continue
        row = ours[site, "O3", "8h", iso(end)]
        assert int(row[7]) == len(values) and (row[5] != "") == (len(values) >= 6), row
        if len(values) < 8:
            causes["8 h: the file lacks hours of it"] += 1
            continue
        assert naive.Fraction(row[5]) == naive.half_even(sum(values) / 8, 6), row
        p, mine = int(cells["o3_8h"]), naive.half_even(sum(values) / 8, 0)
        eight += 1
        exact += mine == p
        within += abs(mine - p) <= 1
        if mine == p:
            continue
        without_first = values[:-1]  # trailing() begins with the last hour
        if abs(sum(values) / 8 - p) == naive.Fraction(1, 2):
            causes["8 h: an exact half, rounded to the other side"] += 1
        elif naive.half_even(sum(without_first) / naive.Fraction(7), 0) == p:
            causes["8 h: published without its first hour, which the file has"] += 1
        else:
            causes["unexplained"] += 1
            print("unexplained", site, iso(end), p, float(sum(values) / 8), [int(v) for v in values])
    print(f"\ngolden_aqi_cnemc o3_8h: where 8 hours are there {exact} of {eight} exact ({100 * exact / eight:.1f} %), "
          f"{within} within 1 ({100 * within / eight:.2f} %)")
    assert eight > 5000 and exact >= 0.93 * eight and within >= 0.993 * eight

    # 24 h means at hour 23, of ozone the greatest hour, where 24 values are there.
    equal = 0
    for (site, end), cells in published.items():
        if end.hour != 23:
            continue
        for factor, column in columns.items():
            text = cells[column + "_24h"]
            values = naive.trailing(hours.get((site, factor), {}), end, 24)
            if not text or len(values) < 24:
                causes["24 h: the file lacks hours of it"] += bool(text)
                continue
            p = naive.Fraction(text)
            decimals = 1 if factor == "CO" else 0
            if factor == "O3":
                mine = max(values)
            else:
                row = ours[site, factor, "24h", iso(end)]
                mine = naive.Fraction(row[5])
                assert mine == naive.half_even(sum(values) / 24, 6), row
            if naive.half_even(mine, decimals) == p:
                equal += 1
            elif abs(mine - p) == naive.Fraction(1, 2 * 10**decimals):
                causes["24 h: an exact half, rounded to the other side"] += 1
            else:
                causes["unexplained"] += 1
                print("unexplained", site, factor, iso(end), text, float(mine))
    print(f"golden_aqi_cnemc 24 h at 23:00: {equal} published values equal where 24 hours are there")
    for cause, n in causes.most_common():
        print(f"  {n:6} {cause}")
    print(f"unexplained: {causes['unexplained']}")
    assert equal > 500 and causes["unexplained"] == 0
