"""Readings of logs that streams share: of fifty that fall behind together, one reads.

A reading that comes to the end of its log is not shared: it says that there is no more, which may
have changed since it began.
"""

from __future__ import annotations

import asyncio
from uuid import UUID

from sessions_app import log_reading
from sessions_app.database import in_database
from sessions_app.log_reading import Reading

KEPT_SECONDS = 0.5
KEPT_READINGS = 32  # of about READ_BYTES each, and as much again for their frames

Place = tuple[UUID, int]


class SharedReadings:
    """Those of one event loop."""

    def __init__(self) -> None:
        self._readings: dict[Place, asyncio.Task[Reading | None]] = {}

    async def read(self, session_id: UUID, after: int) -> Reading | None:
        """Read on from `after`, as of now or of a moment ago; None if there is no such session."""
        place = session_id, after
        if (earlier := self._readings.get(place)) is not None:
            reading = await asyncio.shield(earlier)
            if reading is not None and not reading.is_whole:
                return reading
        return await asyncio.shield(self._begin(place))

    def _begin(self, place: Place) -> asyncio.Task[Reading | None]:
        reading = asyncio.create_task(in_database(_read_with_frames, *place))
        self._readings[place] = reading
        if len(self._readings) > KEPT_READINGS:
            self._readings.pop(next(iter(self._readings)))
        asyncio.get_running_loop().call_later(KEPT_SECONDS, self._forget, place, reading)
        return reading

    def _forget(self, place: Place, reading: asyncio.Task[Reading | None]) -> None:
        if self._readings.get(place) is reading:
            del self._readings[place]


def _read_with_frames(session_id: UUID, after: int) -> Reading | None:
    reading = log_reading.read(session_id, after)
    if reading is not None:
        _ = reading.segments  # here, and once, rather than in the event loop
    return reading
