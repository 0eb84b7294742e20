"""Copies of the configuration with other settings, for tests that show what a setting does."""

import re
import shutil

from harness import ROOT


def edited(directory, *edits):
    """A copy in `directory` with each (file, pattern, text) replaced wherever it stands, at least once."""
    shutil.copytree(ROOT / "config", directory)
    for name, pattern, text in edits:
        path = directory / name
        changed, times = re.subn(pattern, text, path.read_text())
        assert times > 0, f"{name}: {pattern} was expected"
        path.write_text(changed)
    return directory


NO_VALIDITIES_OF_HJ663 = ("standards/hj663.yaml", r"(?ms)^validities:.*(?=^# Which percentile)", "")


def hours_only(directory):
    """No window longer than an hour: without a validity there is none."""
    return edited(directory, NO_VALIDITIES_OF_HJ663, ("standards/gb3095-validity.yaml", r"(?ms)^validities:.*", ""))


def as_beijing_published(directory):
    """The city's practice of 2014 and 2015: 24 h means from one hour on, concentrations to a tenth before the index. Of
    the longer windows only those that it published."""
    return edited(
        directory, NO_VALIDITIES_OF_HJ663,
        ("standards/hj633-2012.yaml", "round_input: false", "round_input: true"),
        ("standards/hj633-2012.yaml", "hourly: true,", "hourly: true, decimals: 1,"),
        ("standards/gb3095-validity.yaml", r"(?ms)^validities:.*", "validities:\n  - {standard: Qingchuan, "
         "clause: as Beijing published it, window: 24h, factors: [PM2.5, PM10], at_least: 1}\n"))
