"""The oracle itself, against worked values of the standards; a checker that nobody checked proves nothing."""

from datetime import datetime, timedelta
from fractions import Fraction

import pytest

from oracle import BEIJING, Reading, aqi, edition_of, hours, sub_index, text_of


@pytest.mark.parametrize("edition,factor,value,expected", [
    (2026, "PM2.5", "35", 50), (2026, "PM2.5", "36", 52), (2026, "PM2.5", "60", 100), (2026, "PM2.5", "61", 101),
    (2026, "PM2.5", "75", 114), (2012, "PM2.5", "75", 100), (2026, "PM2.5", "115", 150), (2026, "PM2.5", "116", 152),
    (2026, "PM2.5", "150", 200), (2026, "PM2.5", "151", 201), (2026, "PM2.5", "250", 300), (2026, "PM2.5", "251", 301),
    (2026, "PM10", "50", 50), (2026, "PM10", "51", 51), (2026, "PM10", "120", 100), (2026, "PM10", "121", 101),
    (2026, "PM10", "150", 112), (2012, "PM10", "150", 100), (2026, "PM10", "350", 200), (2026, "PM10", "351", 202),
    (2026, "PM10", "420", 300), (2026, "PM10", "421", 302), (2026, "PM2.5", "60.5", 100), (2026, "PM2.5", "61.5", 102),
    (2012, "SO2", "801", None), (2026, "SO2", "801", 200), (2026, "PM2.5", "900", 500), (2012, "CO", "0", 0),
])
def test_sub_indices_are_those_worked_out_in_the_standards(edition, factor, value, expected):
    assert sub_index(edition, factor, Fraction(value)) == expected


def test_the_index_names_all_pollutants_that_share_the_greatest_sub_index():
    means = {f: Fraction(1) for f in ("SO2", "NO2", "CO", "O3")} | {"PM2.5": Fraction(115), "PM10": Fraction(250)}
    assert aqi(2026, means) == (150, ("PM2.5", "PM10"))


def test_an_incomplete_index_is_published_above_100_only_since_2026():
    assert aqi(2012, {"O3": Fraction(160)}) == (50, ())
    assert aqi(2026, {"O3": Fraction(160)}) == (None, ())
    assert aqi(2026, {"O3": Fraction(201)}) == (101, ("O3",))


def test_the_edition_is_that_of_the_hours_last_instant():
    midnight = datetime(2026, 3, 1, tzinfo=BEIJING)
    assert edition_of(midnight) == 2012
    assert edition_of(midnight + timedelta(hours=1)) == 2026


def test_a_minute_is_its_greatest_saying_and_a_late_one_counts_for_nothing():
    start = datetime(2026, 3, 1, 8, tzinfo=BEIJING)
    near, late = start + timedelta(minutes=2), start + timedelta(hours=7)
    said = [("1.5", "N", near), ("2.5", "N", near), ("2.5", "N", near), ("9", "N", late)]
    readings = [Reading("S", "SO2", start, Fraction(v), flag, at) for v, flag, at in said]
    assert hours(readings) == {("S", "SO2", start): (Fraction(5, 2), 1, False)}
    flagged = readings + [Reading("S", "SO2", start, Fraction(3), "D", near)]
    assert hours(flagged) == {("S", "SO2", start): (None, 0, False)}


def test_numbers_are_written_with_at_most_six_decimals_half_to_even():
    assert [text_of(Fraction(n)) for n in ("163", "4/5", "1/3", "5/20000000", "15/10000000")] == [
        "163", "0.8", "0.333333", "0", "0.000002"]
