"""The figures as text."""
import pathlib

OURS = "qingchuan"
OURS_SPINE = "qingchuan, spine's rules"
OURS_RUNNING = "qingchuan, running means"
THEIRS = "kafka streams"

DIFFERENCES = """What differs:
- Ours with the spine's rules: hour means, AQI 1h, three kinds of signal. With all rules it does more: 8 h, 24 h, day and longer windows, AQIs, all rules of config/rules (the peer: hour means and
  reading_over_limit), running means every five minutes (in the column that says so), the sites of a region compared,
  quality marks, the ledger of every reading, and slots, so that duplicates, resends, conflicts and six hours of late
  readings come out right. The peer keeps sums: a packet sent twice counts twice, a late one is dropped.
- Ours commits every 200 ms and at once for a signal; the peer every second (backlog, restore) or every 10 ms (latency).
- The peer's state is in its changelog with every commit. Ours writes it once in 30 s and after a crash folds again
  what came since."""

CHECKED = """- Every closed hour mean and every reading_over_limit signal of both, in every run of a backlog, was compared
  with a recomputation from the packets' formula: equal."""


BEHIND_MS = 20  # of the load generator; later than that it measured something else


def machine() -> str:
    cpu = next((line.split(":")[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                if line.startswith("model name")), "unknown CPU")  # fmt: skip
    load = pathlib.Path("/proc/loadavg").read_text().split()[0]
    return f"{cpu}; load average at the start {load}"


def backlog_line(r: dict) -> str:
    return (f"{r['readings_per_s'] / 1e6:.2f} M readings/s, {r['readings_per_cpu_s'] / 1e6:.2f} M per CPU-second "
            f"({r['warm_readings_per_cpu_s'] / 1e6:.2f} warm)")  # fmt: skip


def latency_line(rates: list[dict]) -> str:
    return "; ".join(f"{r['rate']}/s p50 {r['p50_ms']:.1f} p99 {r['p99_ms']:.1f} ms" for r in rates)


def alerts_line(rates: list[dict]) -> str:
    return "; ".join(f"{r['rate']}/s event p50 {r['event_p50_ms']:.1f} p99 {r['event_p99_ms']:.1f} ms, "
                     f"alert {r['alert_p50_ms']:.1f} {r['alert_p99_ms']:.1f}, "
                     f"signal {r['p50_ms']:.1f} {r['p99_ms']:.1f}" for r in rates)  # fmt: skip


def restore_line(r: dict) -> str:
    return f"restored in {r['restore_s']:.1f} s, {r['since_start_s']:.1f} s after the start"


def table(head: list[str], rows: list[list[str]]) -> str:
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    return "\n".join("  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths)))
                     for row in [head, *rows])  # fmt: skip


def ratio(ours: float, theirs: float, more_is_better: bool) -> str:
    if ours == 0 or theirs == 0:
        return "-"
    return f"{ours / theirs if more_is_better else theirs / ours:.1f} x"


# key, words, divisor, decimals, whether more is better
BACKLOG = [
    ("readings_per_s", "M readings/s, from process start", 1e6, 2, True),
    ("warm_readings_per_s", "M readings/s, second half", 1e6, 2, True),
    ("readings_per_cpu_s", "M readings per CPU-second, whole run", 1e6, 2, True),
    ("warm_readings_per_cpu_s", "M readings per CPU-second, second half", 1e6, 2, True),
    ("cpu_s_per_million", "CPU-seconds per million readings", 1, 3, False),
    ("broker_cpu_s_per_million", "CPU-seconds of the broker per million", 1, 3, False),
    ("peak_mb", "peak memory, MB", 1, 0, False),
    ("mean_records", "records of means", 1, 0, None),
    ("signal_records", "records of signals", 1, 0, None),
]


def backlog(found: dict) -> str:
    sides = found["sides"]
    theirs = [k for k in sides if k.startswith(THEIRS)]
    best = max(theirs, key=lambda k: sides[k]["warm_readings_per_s"])
    shown = [OURS_SPINE, OURS, OURS_RUNNING, *theirs]
    rows = []
    for key, words, divisor, decimals, more in BACKLOG:
        cells = [f"{sides[k][key] / divisor:.{decimals}f}" for k in shown]
        of_ours = ["" if more is None else ratio(sides[k][key], sides[best][key], more) for k in (OURS_SPINE, OURS)]
        rows.append([words, *cells, *of_ours])
    title = (f"== backlog: {found['sites']} sites x 8 factors x {found['minutes']} minutes = "
             f"{found['sites'] * 8 * found['minutes'] / 1e6:.1f} M readings, 8 a record; exactly once, lz4\n"
             f"   (ratios: against {best}, the faster one when warm)\n")  # fmt: skip
    return title + table(["", *shown, "ratio, spine's", "ratio, all"], rows)


def latency(found: dict) -> str:
    sides = found["sides"]
    theirs = next(k for k in sides if k != OURS)
    rows = []
    for ours, peer in zip(sides[OURS], sides[theirs]):
        for key, words in (("p50_ms", "p50"), ("p99_ms", "p99"), ("p999_ms", "p99.9")):
            rows.append([f"{ours['rate']:.0f} readings/s, {words}, ms", f"{ours[key]:.1f}", f"{peer[key]:.1f}",
                         ratio(ours[key], peer[key], False)])  # fmt: skip
        used = [s["cpu_s"] / s["seconds"] * 100 for s in (ours, peer)]
        rows.append([f"{ours['rate']:.0f} readings/s, CPU %", f"{used[0]:.0f}", f"{used[1]:.0f}", ratio(*used, False)])
        behind = max(ours["behind_ms"], peer["behind_ms"])
        if behind > BEHIND_MS:
            rows.append([f"  (the load was up to {behind:.0f} ms late: a busy machine)", "", "", ""])
    signals = ", ".join(f"{s['signals']:.0f}" for s in sides[OURS])
    title = (f"== latency: produced -> signal read by a read-committed consumer; {found['sites'] * 8} series, "
             f"{signals} signals a run\n")  # fmt: skip
    return title + table(["", OURS, theirs, "ratio"], rows)


def alerts(found: dict) -> str:
    rows = []
    for r in found["rates"]:
        for key, words in (("p50_ms", "p50"), ("p99_ms", "p99"), ("p999_ms", "p99.9"), ("max_ms", "most")):
            after = r.get(f"after_signal_{key}")
            event = r.get(f"after_alert_{key}")
            rows.append([f"{r['rate']:.0f} readings/s, {words}, ms", f"{r[key]:.1f}", f"{r['alert_' + key]:.1f}",
                         f"{r['event_' + key]:.1f}", "" if after is None else f"{after:.1f}",
                         "" if event is None else f"{event:.1f}"])  # fmt: skip
        if r["behind_ms"] > BEHIND_MS:
            rows.append([f"  (the load was up to {r['behind_ms']:.0f} ms late: a busy machine)", "", "", "", "", ""])
    counts = ", ".join(f"{r['signals']:.0f}" for r in found["rates"])
    title = (f"== produced -> signal, its alert (read-committed consumers) and its event at a client of a console's stream; {found['sites'] * 8} series, "
             f"{counts} alerts a run\n")  # fmt: skip
    return title + table(["", "to the signal", "to the alert", "to the event", "from signal to alert", "from alert to event"], rows)


def restore(found: dict) -> str:
    sides = found["sides"]
    theirs = next(k for k in sides if k != OURS)
    rows = []
    for key, words in (("restore_s", "state restored, s"), ("since_start_s", "since the process started, s"),
                       ("peak_mb", "peak memory before, MB")):  # fmt: skip
        rows.append([words, f"{sides[OURS][key]:.1f}", f"{sides[theirs][key]:.1f}",
                     ratio(sides[OURS][key], sides[theirs][key], False)])  # fmt: skip
    title = (f"== restore after SIGKILL: {found['sites'] * 8} series (ours: six open hours of slots, killed after a "
             f"checkpoint; the peer: one open hour of sums)\n")  # fmt: skip
    return title + table(["", OURS, theirs, "ratio"], rows)


def text(found: dict) -> str:
    parts = [f"machine: {found['cores']} cores, {found['machine']}; medians of {found['runs']} runs"]
    shows = (("backlog", backlog), ("wide", backlog), ("latency", latency), ("restore", restore), ("alerts", alerts))
    for key, show in shows:
        if key in found:
            parts.append(show(found[key]))
    if not found.keys() & {"backlog", "wide", "latency", "restore"}:
        return "\n\n".join(parts)  # ours alone: there is no peer to differ from
    checked = "backlog" in found or "wide" in found
    parts.append(f"{DIFFERENCES}\n{CHECKED}" if checked else DIFFERENCES)
    return "\n\n".join(parts)
