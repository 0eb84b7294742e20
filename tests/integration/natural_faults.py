"""The natural faults of real files, naively: which hours are stuck, inverted, clipped or out of range by the checks of
config/rules/quality.yaml. Marks hide nothing, so they are compared hour by hour with what was published."""

import re
from collections import namedtuple

import oracle
from harness import ROOT
from oracle import HOUR, iso

Check = namedtuple("Check", "factor high clip stuck_hours")
RUN_MAX = 48  # a longer run counts as this long


def checks():
    """{factor: Check} in published units, as the configuration has them."""
    text = (ROOT / "config" / "rules" / "quality.yaml").read_text()
    found = {}
    for line in re.findall(r"^\s*- \{(factor:.*)\}", text, re.M):
        fields = dict(part.split(": ") for part in line.split(", "))
        to_published = lambda name: oracle.to_published(fields["factor"], fields[name], fields["unit"])
        found[fields["factor"]] = Check(fields["factor"], to_published("high"), to_published("clip"),
                                        min(int(fields["stuck_hours"]), RUN_MAX))
    assert set(oracle.SIX) <= set(found)
    return found


def runs(by_end):
    """(value, first hour's end, last hour's end, hours) of each run of equal hours without a gap."""
    first = last = value = None
    for end in sorted(by_end):
        if value is not None and end - last == HOUR and by_end[end] == value:
            last = end
            continue
        if value is not None:
            yield value, first, last, int((last - first) / HOUR) + 1
        value, first, last = by_end[end], end, end
    if value is not None:
        yield value, first, last, int((last - first) / HOUR) + 1


def marks(values):
    """{mark: set of (site, factor, end as text)} of {site: {factor: {end: value}}}."""
    found = {"stuck": set(), "inverted": set(), "clipped": set(), "range": set()}
    by_factor = checks()
    for site, factors in values.items():
        for factor, by_end in factors.items():
            check = by_factor[factor]
            for _, first, last, hours in runs(by_end):
                for n in range(check.stuck_hours, hours + 1):
                    found["stuck"].add((site, factor, iso(first + (n - 1) * HOUR)))
            for end, value in by_end.items():
                if value >= check.clip:
                    found["clipped"].add((site, factor, iso(end)))
                if value > check.high:
                    found["range"].add((site, factor, iso(end)))
        for end, fine in factors.get("PM2.5", {}).items():
            coarse = factors.get("PM10", {}).get(end)
            if coarse is not None and fine > coarse:
                found["inverted"] |= {(site, f, iso(end)) for f in ("PM2.5", "PM10")}
    return found
