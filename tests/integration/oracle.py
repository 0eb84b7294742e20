"""A naive batch computation, written apart from the C++ from the standards' text: no float, no state, no windows that
move. Means are fractions; an hour is the list of its readings. It is the checker of the integration tests.

    HJ 633-2012 (before 2026-03-01) and HJ 633-2026: the real-time AQI of six 1 h means, PM against its daily
    break points.
    GB 3095: an hour is valid with 45 minutes of data.
"""

from datetime import datetime, timedelta, timezone
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from functools import lru_cache
from math import ceil

BEIJING = timezone(timedelta(hours=8))
HOUR = timedelta(hours=1)
SIX = ("PM2.5", "PM10", "SO2", "NO2", "CO", "O3")
FLAGS = "NFMSDCTB"

# ---- numbers ---------------------------------------------------------------------------------------------------------


def text_of(value, decimals=6):
    """At most so many decimals, half to even, trailing zeros cut: how the CSV columns write a number."""
    value = Fraction(value)
    scaled = value * 10**decimals
    whole = scaled.numerator // scaled.denominator
    rest = scaled - whole
    if rest > Fraction(1, 2) or (rest == Fraction(1, 2) and whole % 2 == 1):
        whole += 1
    text = format(Decimal(whole).scaleb(-decimals), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def published_unit(factor):
    return "mg/m3" if factor == "CO" else "ug/m3"


def to_published(factor, text, unit):
    """A value as it is published: CO in mg/m3, the others in ug/m3."""
    per_ug = {"ug/m3": Fraction(1), "mg/m3": Fraction(1000), "ng/m3": Fraction(1, 1000)}
    return Fraction(Decimal(text)) * per_ug[unit] / per_ug[published_unit(factor)]


# ---- AQI -------------------------------------------------------------------------------------------------------------

IAQI = (0, 50, 100, 150, 200, 300, 400, 500)
GASES = {  # 1 h, real-time report only; CO in mg/m3
    "SO2": (0, 150, 500, 650, 800),
    "NO2": (0, 100, 200, 700, 1200, 2340, 3090, 3840),
    "CO": (0, 5, 10, 35, 60, 90, 120, 150),
    "O3": (0, 160, 200, 300, 400, 800, 1000, 1200),
}
TABLES = {
    2012: GASES | {"PM2.5": (0, 35, 75, 115, 150, 250, 350, 500), "PM10": (0, 50, 150, 250, 350, 420, 500, 600)},
    2026: GASES | {"PM2.5": (0, 35, 60, 115, 150, 250, 350, 500), "PM10": (0, 50, 120, 250, 350, 420, 500, 600)},
}


@lru_cache(maxsize=1 << 20)
def sub_index(edition, factor, c):
    """IAQI of a concentration; None where the edition gives none."""
    c = Fraction(c)
    if edition == 2026:
        step = Decimal("0.1") if factor == "CO" else Decimal(1)
        c = Fraction((Decimal(c.numerator) / Decimal(c.denominator)).quantize(step, rounding=ROUND_HALF_EVEN))
    table = TABLES[edition][factor]
    if c > table[-1]:
        # SO2 above 800: no 1 h IAQI in 2012; counts as 200 in 2026. Elsewhere the index goes no further than 500.
        if factor == "SO2":
            return None if edition == 2012 else 200
        return 500
    for low in range(len(table) - 1):
        if c <= table[low + 1]:
            return ceil(Fraction(IAQI[low + 1] - IAQI[low], table[low + 1] - table[low]) * (c - table[low]) + IAQI[low])
    raise AssertionError((edition, factor, c))


def edition_of(end):
    """By the hour's last instant."""
    return 2026 if end > datetime(2026, 3, 1, tzinfo=BEIJING) else 2012


def aqi(edition, means):
    """(AQI or None, primary pollutants) of {factor: valid 1 h mean}."""
    parts = {f: sub_index(edition, f, means[f]) for f in SIX if f in means}
    parts = {f: i for f, i in parts.items() if i is not None}
    if not parts:
        return None, ()
    greatest = max(parts.values())
    if edition == 2026:
        # 5.3.1: with an item missing, published only above 100. 4.1.1: 1 to 500.
        if len(parts) < len(SIX) and greatest <= 100:
            return None, ()
        greatest_shown = max(1, min(500, greatest))
    else:
        greatest_shown = min(500, greatest)
    primary = tuple(f for f in SIX if parts.get(f) == greatest) if greatest > 50 else ()
    return greatest_shown, primary


# ---- hours -----------------------------------------------------------------------------------------------------------

SLOTS_KEPT = timedelta(hours=6)  # behind an hour's end: later minutes no longer count


class Reading:
    """One minute reading as it arrived: `at` is the log's time at its arrival."""
    __slots__ = ("site", "factor", "start", "value", "flag", "at")

    def __init__(self, site, factor, start, value, flag, at):
        self.site, self.factor, self.start, self.value, self.flag, self.at = site, factor, start, value, flag, at


def hour_start(t):
    return t.replace(minute=0, second=0, microsecond=0)


def is_late(reading):
    return reading.at >= hour_start(reading.start) + HOUR + SLOTS_KEPT


def hours(readings):
    """{(site, factor, hour): (mean or None, count, valid)} of minute readings, over all of them at once.

    A minute that was said more than once is what its greatest saying says (values first, flags then), flagged or not.
    """
    minutes = {}
    for r in readings:
        if is_late(r):
            continue
        said = (r.value, FLAGS.index(r.flag))
        key = (r.site, r.factor, r.start)
        if key not in minutes or said > minutes[key]:
            minutes[key] = said
    lists = {}
    for (site, factor, start), (value, flag) in minutes.items():
        values = lists.setdefault((site, factor, hour_start(start)), [])
        if flag == 0:
            values.append(value)
    return {key: (sum(values) / Fraction(len(values)) if values else None, len(values), len(values) >= 45)
            for key, values in lists.items()}


def iso(t):
    return t.astimezone(BEIJING).isoformat(timespec="seconds")
