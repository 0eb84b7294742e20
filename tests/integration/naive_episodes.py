"""The heavy-pollution episodes of one region, naively, from the hours of its stations: written apart from the C++, from the
texts (docs/episodes.md). Hours are whole numbers, named by their end; values are whole picograms.

    An hour of the region is the mean of its stations that have one. The index of an hour is the AQI (HJ 633-2012, daily
    table) of the means of the 24 hours that end with it, each of 20 or more of them, and of ozone's greatest mean of 8
    hours that ends within them, where 14 or more of those have 6 or more. Without PM it is that of the others, which
    proves nothing.
"""

from naive_windows import DAILY_2012
from oracle import IAQI, SIX, TABLES

PG = 10**6  # in 1 ug
DAY = 24
LEVELS = ("yellow", "orange", "red")


def mean(values):
    """Half to even."""
    quotient, rest = divmod(sum(values), len(values))
    twice = 2 * rest
    return quotient + (twice > len(values) or (twice == len(values) and quotient % 2 == 1))


def region_hours(stations):
    """{factor: {hour: mean}} of [{factor: {hour: value}}], a station each."""
    found = {}
    for factor in SIX:
        hours = {}
        for station in stations:
            for hour, value in station.get(factor, {}).items():
                hours.setdefault(hour, []).append(value)
        found[factor] = {hour: mean(values) for hour, values in hours.items()}
    return found


def window(series, last, length):
    return [series[h] for h in range(last - length + 1, last + 1) if h in series]


def sub_index(points, c):
    """Linear between the break points (in ug), rounded up; None above the last one of a short table."""
    for low in range(len(points) - 1):
        if c <= points[low + 1] * PG:
            rise, width = IAQI[low + 1] - IAQI[low], (points[low + 1] - points[low]) * PG
            return IAQI[low] - (-rise * (c - points[low] * PG) // width)
    return 500 if len(points) == len(IAQI) else None


def eight_hours(ozone):
    """{hour: mean of the 8 hours that end with it}"""
    found = {}
    for hour in range(min(ozone), max(ozone) + 8):
        values = window(ozone, hour, 8)
        if len(values) >= 6:
            found[hour] = mean(values)
    return found


def index_of(hours, eights, hour):
    """(AQI, whether ozone alone has it, whether PM is in it); (None, False, False) where nothing has enough hours."""
    parts = {}
    for factor in SIX:
        values = window(hours[factor], hour, DAY)
        if factor != "O3":
            if len(values) >= 20:
                parts[factor] = sub_index(DAILY_2012[factor], mean(values))
            continue
        means = window(eights, hour, DAY)
        if len(means) >= 14:
            parts[factor] = sub_index(DAILY_2012[factor], max(means))
            if parts[factor] is None:  # above 800 ug the greatest 1 h mean speaks
                parts[factor] = sub_index(TABLES[2012]["O3"], max(values)) if values else None
    parts = {f: i for f, i in parts.items() if i is not None}
    if not parts:
        return None, False, False
    greatest = max(parts.values())
    return greatest, greatest > 50 and [f for f in parts if parts[f] == greatest] == ["O3"], bool({"PM2.5", "PM10"} & parts.keys())


def indices(stations, last):
    """[(hour, AQI or None, ozone, PM)] of every hour from the first with a value to the last."""
    hours = region_hours(stations)
    eights = eight_hours(hours["O3"]) if hours["O3"] else {}
    first = min(h for by_hour in hours.values() for h in by_hour)
    return [(hour, *index_of(hours, eights, hour)) for hour in range(first, last + 1)]


# ---- the criteria --------------------------------------------------------------------------------------------------

# Of each level the alternatives; of each of them what all must hold: (the least index that is over, hours). "over 200" is
# 201 for whole numbers. Their words are those of the tables.
CRITERIA = {
    "2018": {"yellow": [[(201, 48)]], "orange": [[(201, 72)]], "red": [[(201, 96), (301, 48)], [(500, 24)]],
             "lift": 36, "own level": True, "stale": 96},
    "2024": {"yellow": [[(201, 24)], [(151, 48)]], "orange": [[(201, 48)], [(151, 72)]], "red": [[(201, 72), (301, 24)]],
             "lift": 36, "own level": False, "stale": 96},
}


def days_over(series, least, hours, last):
    """The hours that decide: the last of days of 24 h without a gap, if all are over; else None."""
    asked = [last - hours + DAY * (n + 1) for n in range(hours // DAY)]
    return asked if all(series.get(h) is not None and series[h] >= least for h in asked) else None


def met(criteria, series, level, last):
    """[(least, hours, hours that decide)] of the first alternative that holds at an hour; None."""
    for alternative in criteria[level]:
        longest = max(hours for _, hours in alternative)
        found = []
        for least, hours in alternative:
            places = (days_over(series, least, hours, end) for end in range(last - longest + hours, last + 1))
            asked = next((asked for asked in places if asked), None)
            if asked is None:
                break
            found.append((least, hours, asked))
        if len(found) == len(alternative):
            return found
    return None


def bar(criteria, level):
    return min(max(least for least, _ in alternative) for alternative in criteria[level])


def left_out(criteria, index, ozone):
    """Ozone alone has it, and it is no clean hour either: as one without an index."""
    return ozone and index >= bar(criteria, LEVELS[0])


class Episode:
    def __init__(self):
        self.changes = []  # (level 0..3, decided, at, began, what was met)
        self.state = "active"
        self.counted = []  # hours

    @property
    def level(self):
        return self.changes[-1][0]


def episodes(name, hours):
    """What is judged of [(hour, AQI or None, ozone, PM)]."""
    criteria = CRITERIA[name]
    series = {hour: None if not pm or left_out(criteria, index, ozone) else index for hour, index, ozone, pm in hours}
    below = {l: {h for h, i in series.items() if i is not None and i < bar(criteria, level)}
             for l, level in enumerate(LEVELS, 1)}
    found, episode, risen = [], None, None
    for now in sorted(series):
        reached, by = next(((l, by) for l in (3, 2, 1) if (by := met(criteria, series, LEVELS[l - 1], now))), (0, None))
        if episode is None:
            if not reached:
                continue
            episode = Episode()
            found.append(episode)
            episode.counted = [h for h in series if min(asked[0] for _, _, asked in by) <= h <= now]
        else:
            episode.counted.append(now)
            silence = [series.get(h) for h in range(now - criteria["stale"] + 1, now + 1)]
            if all(i is None for i in silence):
                first = now - criteria["stale"] + 1
                episode.changes.append((0, now, first, first, []))
                episode.state, episode = "ended_no_data", None
                continue
            standing = episode.level
            while standing and all(h > risen and h in below[standing]
                                   for h in range(now - criteria["lift"] + 1, now + 1)):
                standing -= 1
            if standing and not criteria["own level"]:
                standing = episode.level
            level = max(reached, standing)
            if level < episode.level:
                first = now
                while first - 1 > risen and first - 1 in below[level + 1]:
                    first -= 1
                episode.changes.append((level, now, first, first, []))
                if level == 0:
                    episode.state, episode = "cleared", None
            if episode is None or level <= episode.level:
                continue
        risen = now
        episode.changes.append((reached, now, now, now - max(hours for _, hours, _ in by), by))
    return found


def rows(name, hours, iso):
    """The columns of `episodes --format csv`, but for those of the next level, as dictionaries. iso(hour): its end."""
    criteria = CRITERIA[name]
    by_hour = {hour: (index if pm else None, pm and left_out(criteria, index, ozone)) for hour, index, ozone, pm in hours}
    out = []
    for number, e in enumerate(episodes(name, hours), 1):
        of_ozone = sum(by_hour[h][1] for h in e.counted)
        known = [(by_hour[h][0], h) for h in e.counted if by_hour[h][0] is not None and not by_hour[h][1]]
        peak = max(index for index, _ in known)
        whole = {
            "episode": str(number), "criteria": name, "state": e.state, "began": iso(e.changes[0][3]),
            "ended": "" if e.state == "active" else iso(e.changes[-1][2]), "peak": str(peak),
            "peak_at": iso(min(h for index, h in known if index == peak)), "hours_ozone": str(of_ozone), "hours_dust": "0",
            "hours_missing": str(len(e.counted) - of_ozone - len(known)),
        } | {f"hours_{level}": str(sum(index >= bar(criteria, level) for index, _ in known)) for level in LEVELS}
        for i, (level, decided, at, began, by) in enumerate(e.changes):
            if level == 0:
                continue
            until = e.changes[i + 1][2] if i + 1 < len(e.changes) else None
            conditions = "; ".join(
                f"AQI {'>= 500' if least == 500 else f'> {least - 1}'} {length} h: {iso(asked[0])}/{iso(asked[-1])} every 24 h, "
                f"lowest {min(by_hour[h][0] for h in asked)}" for least, length, asked in by)
            out.append(whole | {"level": LEVELS[level - 1], "level_from": iso(at), "level_until": iso(until) if until else "",
                                "level_began": iso(began), "decided": iso(decided), "basis": "observed", "lead_hours": str(at - decided),
                                "conditions": conditions})
    return out
