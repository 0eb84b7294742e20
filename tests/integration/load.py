"""A seeded load as a rough day brings it: minutes of many sites with silences, late and lost packets, resends,
conflicting values, device flags and exceedances. Written as the plain CSV format in the order of arrival, and kept for
the oracle; and what a centre and an authority say of the counties that some of the sites are in."""

import random
from datetime import datetime, timedelta
from fractions import Fraction

from oracle import BEIJING, SIX, Reading, iso

MINUTE = timedelta(minutes=1)
UNITS = {"CO": "mg/m3"}
START = datetime(2026, 2, 28, 0, tzinfo=BEIJING)  # the editions change at its end


def usual(rng, site, factor, minute):
    """A value as instruments write it; some sites have hours far above the limits and the AQI levels."""
    hour = minute // 60
    level = {"PM2.5": 45, "PM10": 80, "SO2": 20, "NO2": 40, "CO": 0.8, "O3": 90}[factor]
    if site % 5 == 0 and hour % 9 in (3, 4) and factor in ("PM2.5", "PM10"):
        level *= 5
    if site % 7 == 1 and hour % 11 == 5 and minute % 60 > 20 and factor in ("SO2", "NO2", "O3"):
        level *= 30 if factor == "SO2" else 6 if factor == "NO2" else 3
    if site == 3 and 240 <= minute < 300 and factor == "SO2":
        level *= 60  # and then it falls silent
    value = level * rng.uniform(0.5, 1.5)
    return f"{value:.3f}" if factor == "CO" else f"{value:.1f}"


def packets(seed, sites, hours):
    """(arrival minute, site, minute, [(factor, text, flag)]) in the order of arrival."""
    rng = random.Random(seed)
    deferred = {}
    for minute in range(hours * 60):
        for site in range(sites):
            if site == 3 and 300 <= minute < 640:
                continue  # silent for hours
            rows = []
            for factor in SIX:
                if factor == "O3" and site % 6 == 2:
                    continue  # a site without that instrument
                flag = "N" if rng.random() > 0.004 else rng.choice("FMSDCTB")
                rows.append((factor, usual(rng, site, factor, minute), flag))
            fate = rng.random()
            if fate < 0.005:
                continue  # lost
            if fate < 0.02:
                deferred.setdefault(minute + rng.choice((1, 3, 20, 90, 200, 420, 500)), []).append((site, minute, rows))
                continue
            if fate < 0.03:
                deferred.setdefault(minute + rng.randint(1, 120), []).append((site, minute, rows))  # a resend
            elif fate < 0.035:
                other = [(f, usual(rng, site, f, minute), flag) for f, _, flag in rows]
                deferred.setdefault(minute + rng.randint(1, 300), []).append((site, minute, other))  # it contradicts
            yield minute, site, minute, rows
        for site, sent, rows in deferred.pop(minute, ()):
            yield minute, site, sent, rows


def write(path, seed=20260301, sites=30, hours=34, first=0, last=None, only=None):
    """Writes the packets that arrive in minutes [first, last), of the sites in `only`; returns their readings."""
    readings = []
    stamps = [iso(START + MINUTE * m) for m in range(hours * 60)]
    with open(path, "w") as out:
        out.write("time,site,factor,value,unit,flag\n")
        for arrived, site, minute, rows in packets(seed, sites, hours):
            if arrived < first or (last is not None and arrived >= last):
                continue
            if only is not None and site not in only:
                continue
            at = START + MINUTE * (arrived + 1)
            start = START + MINUTE * minute
            for factor, text, flag in rows:
                out.write(f"{stamps[minute]},S{site:02d},{factor},{text},{UNITS.get(factor, 'ug/m3')},{flag}\n")
                readings.append(Reading(f"S{site:02d}", factor, start, Fraction(text), flag, at))
    return readings


# Two stations in each county of the plain: regions have an air, and warnings something to follow.
COUNTIES = ("fenyang", "xiaoyi", "jiaocheng", "wenshui")
IN_THE_PLAIN = ("demo/sites.yaml", r"\Z", "".join(
    f"  - {{id: S{i:02d}, name: 负荷站{i}, name_en: Load {i}, region: {COUNTIES[i % 4]}, kind: evaluation, area_class: 2, "
    f"lon: {111.6 + i / 50:.2f}, lat: {37.3 + i % 4 / 50:.2f}, from: 2020-01-01, factors: [{', '.join(SIX)}]}}\n" for i in range(8)))


def say(run, place):
    """Writes forecasts and orders that will be received within the load's day; `run(command, *args)` runs one. To be
    called before time begins: what is read late takes effect at once. How many records it writes."""
    at = lambda hours: iso(START + timedelta(hours=hours))
    text = place / "forecast.csv"
    for hour, aqi in ((8, 260), (12, 320), (18, 60)):
        rows = [f"{county},{at(h)},{aqi}" for county in COUNTIES[:3] for h in range(hour + 1, hour + 90)]
        text.write_text("region,time,aqi\n" + "\n".join(rows) + "\n")
        run("event", "forecast", text, "--centre", "centre", "--issued", at(hour)).fine()
    run("event", "forecast", "--region", "xiaoyi", "--withdraw", "--centre", "centre", "--issued", at(14)).fine()
    order = ("event", "order", "--region", "plain", "--id", "4711", "--authority", "province")
    run(*order, "--level", "red", "--from", at(10), "--until", at(20), "--issued", at(9)).fine()
    run(*order, "--withdraw", "--issued", at(16)).fine()
    return 3 * 3 + 1 + 2
