"""Steps: work whose result is recorded, so that it is never done twice.

What a step returns to its caller has been through JSON, the first time too: a replay, which has
only the recorded JSON, gives the same.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import orjson
from pydantic_core import to_jsonable_python

from apps_app.dsl.context import current, current_sync
from apps_app.dsl.runtime import Runtime, Step, StepError, StepOutcome, step_key
from apps_app.events import encode_json


def step(function: Callable[..., Any], *args: Any, name: str | None = None, **kwargs: Any) -> Any:
    """Call the function as a step and return its result as JSON data.

    Raises StepError when the function raises, or when JSON cannot hold its result. Inside a step
    it is a plain call: steps do not nest.
    """
    runtime = current_sync("step").runtime
    if step_key.get() is not None:
        return function(*args, **kwargs)
    attempt = _Attempt(runtime, runtime.begin_step(name or _name(function)).result())
    with attempt.under_way():
        attempt.succeeded(function(*args, **kwargs))
    return attempt.value(runtime.end_step(attempt.step, attempt.outcome).result())


async def astep(function: Callable[..., Any], *args: Any, name: str | None = None, **kwargs: Any) -> Any:
    """`step` for async apps; the function may be sync or async."""
    runtime = current().runtime
    if step_key.get() is not None:
        return await _awaited(function(*args, **kwargs))
    attempt = _Attempt(runtime, await asyncio.wrap_future(runtime.begin_step(name or _name(function))))
    with attempt.under_way():
        attempt.succeeded(await _awaited(function(*args, **kwargs)))
    return attempt.value(await asyncio.wrap_future(runtime.end_step(attempt.step, attempt.outcome)))


class _Attempt:
    """One try at a step: what it came to, and the exception behind a failure."""

    def __init__(self, runtime: Runtime, step: Step) -> None:
        self._runtime = runtime
        self.step = step
        self.outcome = StepOutcome()
        self._error: Exception | None = None

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """The step's code runs inside the block.

        An Exception becomes the outcome. Anything else (SessionOver, a cancellation) passes: it
        says nothing about the step, so it is not recorded.
        """
        step_key.set(self.step.key)
        try:
            yield
        except Exception as error:
            self._error = error
            self.outcome = StepOutcome(error=f"{type(error).__name__}: {error}")
        except BaseException:
            self._runtime.abandon_step(self.step)
            raise
        finally:
            step_key.set(None)

    def succeeded(self, result: Any) -> None:
        """Keep the result; raises when JSON cannot hold it."""
        self.outcome = StepOutcome(result=encode_json(to_jsonable_python(result, inf_nan_mode="null")))

    def value(self, recorded: StepOutcome) -> Any:
        """What the step gives to its caller, from what was recorded."""
        if recorded.error is not None:
            raise StepError(recorded.error) from self._error
        return orjson.loads(recorded.result)


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", type(function).__name__)


async def _awaited(result: Any) -> Any:
    return await result if inspect.isawaitable(result) else result
