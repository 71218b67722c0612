"""`SlicedRead`: a collection that cannot be read past a cap, read whole: in slices of a field, each below the cap.

What may live here is what the user says; the read itself is in `sliced_reader`, where slices are cut in `slices`.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Literal, TypeAlias

from attrs import evolve

from integrakit._json import canonical
from integrakit.errors import CheckpointMismatch, ConfigurationError
from integrakit.http.paths import parse_path
from integrakit.iterating import Rereadable
from integrakit.model import Checkpoint, Evidence, Window
from integrakit.protocols import Reader
from integrakit.reading.bounds import Scale, scale_of
from integrakit.reading.open import is_source, open_reader
from integrakit.reading.sliced_reader import SlicedReader, SlicedSpec
from integrakit.runtimes import runtime
from integrakit.unset import UNSET, Unset

__all__ = ["Saturation", "SlicedRead"]

#: What becomes of a full answer: it is cut, or (a feed that takes a lower bound only) it ends the read as incomplete.
Saturation: TypeAlias = Literal["cut", "fail"]


class SlicedRead(Rereadable):
    """A source made of another that gives no more than ``cap`` records for one question: asked slice by slice of the field ``by``.

    ``SlicedRead(shop.contacts, by="id", cap=10_000, params=("id_gte", "id_lt"))`` narrows the resource by two parameters, from (inclusive) and up to
    (exclusive; with ``inclusive=True`` the server's upper bound takes the value itself); ``SlicedRead(slice=lambda low, high: …, by=…)`` takes the
    source that the function gives. ``low``, ``high``: whole numbers, Decimals, dates, datetimes, UUIDs, texts of these, or with ``alphabet`` text
    ids; None is an open end. ``high`` may be a function, called when a read begins; left out it is the present for times, and open otherwise.
    ``resolution``: the smallest step of times (seconds) and decimals. ``saturation="fail"``: a feed without an upper bound, where a full answer ends
    the read. ``workers``: slices read side by side. ``watermark=True``: the next read begins at the highest value of ``by``, taken with care by
    ``window``. ``name``: what checkpoints call it, needed to tell two apart that are made by functions. Raises `ConfigurationError` for wrong
    arguments.
    """

    def __init__(
        self,
        source: Any = None,
        *,
        by: str,
        cap: int,
        low: Any = None,
        high: Any | Unset = UNSET,
        params: tuple[str, str] | None = None,
        slice: Callable[[Any, Any], Any] | None = None,
        key: str | tuple[str, ...] | None = None,
        name: str | None = None,
        resolution: Any = None,
        alphabet: str | None = None,
        inclusive: bool = False,
        saturation: Saturation = "cut",
        workers: int = 1,
        watermark: bool = False,
        window: Window | None = None,
        incomplete: Literal["raise", "warn"] = "raise",
    ) -> None:
        if not isinstance(by, str):
            raise ConfigurationError(f"SlicedRead(by=…) takes the name of a field, not {by!r}")
        parse_path(by)
        for argument, number in (("cap", cap), ("workers", workers)):
            if isinstance(number, bool) or not isinstance(number, int) or number < 1:
                raise ConfigurationError(f"SlicedRead({argument}=…) takes a whole number of 1 or more, not {number!r}")
        for argument, value, values in (("saturation", saturation, ("cut", "fail")), ("incomplete", incomplete, ("raise", "warn"))):
            if value not in values:
                raise ConfigurationError(f"SlicedRead({argument}=…) takes {' or '.join(map(repr, values))}, not {value!r}")
        for argument, flag in (("inclusive", inclusive), ("watermark", watermark)):
            if not isinstance(flag, bool):
                raise ConfigurationError(f"SlicedRead({argument}=…) takes True or False, not {flag!r}")
        if window is not None and not (isinstance(window, Window) and watermark):
            raise ConfigurationError(f"SlicedRead(window=…) takes a Window, and needs watermark=True, not {window!r}")
        self._source = _checked_source(source, params, slice)
        self._params = params
        self._slice = slice
        if name is not None and (not isinstance(name, str) or not name):
            raise ConfigurationError(f"SlicedRead(name=…) takes a text that stays, not {name!r}")
        self.name = name or str(getattr(source, "name", None) or "slices")
        self.key = getattr(source, "key", None) if key is None else key
        names = (self.key,) if isinstance(self.key, str) else () if self.key is None else self.key
        if not isinstance(names, tuple) or not all(isinstance(each, str) and all(each.split(".")) for each in names):
            raise ConfigurationError(f"SlicedRead(key=…) takes the name of a field, or a tuple of names, not {self.key!r}")
        self._low, self._high = low, high
        self._resolution, self._alphabet = resolution, alphabet
        fixed = [low, None if callable(high) or high is UNSET else high]
        if any(bound is not None for bound in fixed):
            scale = self._scale(*fixed)
            if None not in fixed and scale.position(fixed[0]) > scale.position(fixed[1]):
                raise ConfigurationError(f"SlicedRead(low={low!r}, high={high!r}): the upper bound is below the lower one")
        if watermark and saturation == "fail" and low is None:
            raise ConfigurationError("SlicedRead(saturation='fail', watermark=True) needs low=, where the first read begins")
        self._spec = SlicedSpec(
            source=self._between,
            resource=self.name,
            parameters="",
            by=by,
            key=names,
            low=low,
            high=None,
            scale=self._scale,
            cap=cap,
            inclusive=inclusive,
            cuts=saturation == "cut",
            workers=workers,
            watermark=watermark,
            window=window or Window(),
            warns=incomplete == "warn",
        )
        self._latest: Reader | None = None

    def open_read(self, since: Checkpoint | None = None, /) -> Reader:
        """A reader of one new read; what syncs and reconciliations call."""
        if since is not None and not isinstance(since, Checkpoint):
            raise CheckpointMismatch(f"a read begins at a Checkpoint, or None, not at {since!r:.100}")
        resource, parameters = self._identity()
        high = self._upper if self._high is UNSET or callable(self._high) else self._high
        self._latest = SlicedReader(evolve(self._spec, resource=resource, parameters=parameters, high=high), since)
        return self._latest

    @property
    def evidence(self) -> Evidence:
        """Of the latest read."""
        return Evidence(reasons=("nothing was read yet",)) if self._latest is None else self._latest.evidence

    def _identity(self) -> tuple[str, str]:
        """What checkpoints are told apart by: the collection as its own checkpoints name it, and the bounds that were given."""
        inner = open_reader(self._source).checkpoint if hasattr(self._source, "open_read") else None
        high = None if self._high is UNSET or callable(self._high) else self._high
        parts = [self._spec.by, str(self._low), str(high), "" if inner is None else inner.parameters]
        return self.name if inner is None else inner.resource, hashlib.blake2b(canonical(parts), digest_size=8).hexdigest()

    def _between(self, low: Any, high: Any) -> Any:
        if self._slice is not None:
            return self._slice(low, high)
        bounds = zip(self._params or (), (low, high), strict=True)
        return self._source.where(**{name: value for name, value in bounds if name is not None and value is not None})

    def _scale(self, *bounds: Any) -> Scale:
        return scale_of(*bounds, resolution=self._resolution, alphabet=self._alphabet)

    async def _upper(self) -> Any:
        """Where this read ends: what the function says, or else the present, the second or day at hand included."""
        if callable(self._high):
            return await self._high() if inspect.iscoroutinefunction(self._high) else await runtime().blocking(self._high)
        kind, now = _day_or_time(self._low), runtime().wall()
        if kind is None or not self._spec.cuts:
            return None
        scale = self._scale(self._low)
        # A day ahead of ours is today somewhere.
        return scale.value(scale.position(now) + 1 if isinstance(kind, datetime) else scale.position(now.date()) + 2)

    def __repr__(self) -> str:
        return f"<SlicedRead of {self._source or self._slice!r} by {self._spec.by!r}, {self._spec.cap} at a time>"


def _checked_source(source: Any, params: Any, slice: Any) -> Any:
    if (source is None) == (slice is None) or (params is None) != (slice is not None):
        raise ConfigurationError("SlicedRead takes a resource and params=(lower, upper), or slice=, a function of two bounds that gives a source")
    if slice is not None:
        if not callable(slice):
            raise ConfigurationError(f"SlicedRead(slice=…) takes a function of two bounds that gives a source, not {slice!r}")
        return None
    if not is_source(source) or not hasattr(source, "where"):
        raise ConfigurationError(f"SlicedRead(source) takes a resource, which has where(); {type(source).__name__} has none: give slice= instead")
    if not isinstance(params, tuple) or len(params) != 2 or not all(isinstance(each, str) and each for each in params):
        raise ConfigurationError(f"SlicedRead(params=…) takes the names of the lower and the upper bound, ('id_gte', 'id_lt'), not {params!r}")
    getattr(source, "client", None)  # a resource that is bound to no connector says so now
    return source


def _day_or_time(value: Any) -> date | None:
    """The date or datetime that it is, or is the text of."""
    if isinstance(value, date) or not isinstance(value, str) or value[4:5] != "-":
        return value if isinstance(value, date) else None
    try:
        return date.fromisoformat(value) if len(value) == len("2026-01-01") else datetime.fromisoformat(value)
    except ValueError:
        return None
