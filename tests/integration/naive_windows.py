"""Windows longer than an hour, naively: lists of hour means, fractions, one definition after the other. Written apart from
the C++ from the standards' text, as oracle.py is; the checker of the tests of days, months and reports.

    GB 3095 3.8 - 3.13, table 4: means of hour means; 20 of 24 hours, 6 of 8.
    HJ 663: MDA8 of the 17 8 h means that end 08:00 .. 24:00, 14 of them or above the limit; percentiles.
    HJ 633-2012: the daily report.

All concentrations in ug/m3. Every published mean is a whole number of picograms, half to even, and enters the next
window as such.
"""

from datetime import timedelta
from fractions import Fraction
from math import ceil, floor

from oracle import HOUR, IAQI, SIX, TABLES, sub_index

DAY = timedelta(days=1)
DAILY_2012 = {
    "PM2.5": TABLES[2012]["PM2.5"], "PM10": TABLES[2012]["PM10"],
    "SO2": (0, 50, 150, 475, 800, 1600, 2100, 2620), "NO2": (0, 40, 80, 180, 280, 565, 750, 940),
    "CO": (0, 2000, 4000, 14000, 24000, 36000, 48000, 60000), "O3": (0, 100, 160, 215, 265, 800),
}
DAY_LIMITS_2012 = {"PM2.5": 75, "PM10": 150, "SO2": 150, "NO2": 80, "CO": 4000, "O3": 160}  # class 2; O3: MDA8
PERCENTILES = {"PM2.5": 95, "PM10": 95, "SO2": 98, "NO2": 98, "CO": 95, "O3": 90}


def half_even(value, decimals):
    scaled = Fraction(value) * 10**decimals
    whole = floor(scaled)
    rest = scaled - whole
    if rest > Fraction(1, 2) or (rest == Fraction(1, 2) and whole % 2 == 1):
        whole += 1
    return Fraction(whole, 10**decimals)


def mean(values):
    """To a picogram."""
    return half_even(sum(values) / Fraction(len(values)), 6)


def trailing(series, end, hours):
    """The hour means, by their ends, of the `hours` before `end`."""
    return [series[end - i * HOUR] for i in range(hours) if end - i * HOUR in series]


def day_mean(series, start):
    """Of the natural day; None where it is not valid."""
    values = trailing(series, start + DAY, 24)
    return mean(values) if len(values) >= 20 else None


def mda8(series, start):
    means = []
    for hour in range(8, 25):
        values = trailing(series, start + hour * HOUR, 8)
        if len(values) >= 6:
            means.append(mean(values))
    if not means:
        return None
    return max(means) if len(means) >= 14 or max(means) > DAY_LIMITS_2012["O3"] else None


def daily(series, factor, start):
    return mda8(series, start) if factor == "O3" else day_mean(series, start)


def greatest_hour(series, start):
    """The day's greatest 1 h mean, of a day that is valid by the rule of the others."""
    values = trailing(series, start + DAY, 24)
    return max(values) if len(values) >= 20 else None


def interpolate(table, c):
    """None above the last break point of a short table; 500 above that of a whole one."""
    if c > table[-1]:
        return 500 if len(table) == len(IAQI) else None
    for low in range(len(table) - 1):
        if c <= table[low + 1]:
            return ceil(Fraction(IAQI[low + 1] - IAQI[low], table[low + 1] - table[low]) * (c - table[low]) + IAQI[low])
    raise AssertionError((table, c))


def day_index_2012(values, o3_1h):
    """(AQI, primary pollutants) of the valid daily values and the greatest 1 h ozone."""
    parts = {f: interpolate(DAILY_2012[f], values[f]) for f in SIX if values.get(f) is not None}
    if o3_1h is not None:
        one_hour = sub_index(2012, "O3", o3_1h)
        parts["O3"] = max(parts.get("O3") or 0, one_hour)
    parts = {f: i for f, i in parts.items() if i is not None}
    if not parts:
        return None, ()
    greatest = max(parts.values())
    return greatest, tuple(f for f in SIX if parts.get(f) == greatest) if greatest > 50 else ()


def percentile(values, percent):
    """HJ 663 annex A: k = 1 + (n - 1) p, linear between the neighbours."""
    ordered = sorted(values)
    k = Fraction(percent, 100) * (len(ordered) - 1)
    low = floor(k)
    if low + 1 == len(ordered):
        return ordered[low]
    return half_even(ordered[low] + (ordered[low + 1] - ordered[low]) * (k - low), 6)
