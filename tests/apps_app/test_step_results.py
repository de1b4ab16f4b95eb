"""What a step's result becomes in JSON, and what its caller gets of that."""

import dataclasses
import datetime
import functools
import json
import math
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import pytest
from annotated_types import Le
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, computed_field

import apps_app.dsl as yr
from apps_app.dsl.runtime import StepOutcome
from tests.apps_app.playing import played


class Point(BaseModel):
    x: int


@dataclasses.dataclass
class Size:
    width: int


@dataclasses.dataclass
class Incomplete:
    x: "Nowhere"  # type: ignore[name-defined]  # noqa: F821


class Square(BaseModel):
    model_config = ConfigDict(extra="forbid")

    width: int = Field(alias="w")

    @computed_field  # type: ignore[prop-decorator]
    @property
    def area(self) -> int:
        return self.width**2


def outcomes(run):
    return [(step.name, json.loads(outcome.result), outcome.error) for step, outcome in run.steps]


# Without an annotation.


@pytest.mark.parametrize(
    ("result", "returned"),
    [
        (None, None),
        ((1, 2), [1, 2]),
        ({1: "a"}, {"1": "a"}),
        (Point(x=1), {"x": 1}),
        ([Size(2)], [{"width": 2}]),
        (datetime.date(2025, 1, 31), "2025-01-31"),
        (math.nan, None),
        ("a\0b", "a�b"),
        ("\ud800", "�"),
        (2**70, str(2**70)),
    ],
    ids=repr,
)
def test_a_result_has_been_through_json(result, returned):
    got = []

    def app():
        got.append(yr.step(lambda: result))

    run = played(app)

    assert got == [returned]
    assert outcomes(run) == [("<lambda>", returned, None)]


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc"), inner, max_size=3),
)


@given(json_values)
def test_json_comes_through_unchanged(value):
    got = []

    def app():
        got.append(yr.step(lambda: value))

    played(app)

    assert got == [value]


def test_a_result_that_json_cannot_hold_is_a_failure():
    endless: list = []
    endless.append(endless)

    def app():
        for result in (object(), endless):
            with pytest.raises(yr.StepError):
                yr.step(lambda result=result: result)

    run = played(app)

    assert run.returned == "None"
    errors = [error for _, _, error in outcomes(run)]
    assert "object" in errors[0]
    assert "Circular reference" in errors[1]


# With one.


def returning(annotation, result):
    """A function that says what it returns."""

    def work():
        return result

    work.__annotations__["return"] = annotation
    return work


def got(function, recorded=None):
    """What a step of this function gives to its caller, the first time and in a replay."""
    values = []

    def app():
        values.append(yr.step(function))

    first = played(app, recorded=recorded)
    assert first.returned == "None"
    assert played(app, recorded=first.recorded).returned == "None"
    return values


@pytest.mark.parametrize(
    ("annotation", "result"),
    [
        (Point, Point(x=1)),
        (Size, Size(2)),
        (list[Point], [Point(x=1)]),
        (Size | None, None),
        (None, None),
        (datetime.datetime, datetime.datetime(2025, 1, 31, 12, tzinfo=datetime.UTC)),
        (datetime.timedelta, datetime.timedelta(days=1, microseconds=1)),
        (tuple[int, str], (1, "a")),
        (dict[int, Decimal], {1: Decimal("0.1")}),
        (UUID, UUID(int=1)),
        (int, 2**70),
        (Square, Square(w=3)),
        ("Point", Point(x=1)),
    ],
    ids=str,
)
def test_a_result_comes_in_the_type_that_the_function_says(annotation, result):
    first, again = got(returning(annotation, result))

    assert (first, again) == (result, result)
    assert type(first) is type(again) is type(result)
    if result is not None and not isinstance(result, int):
        assert first is not result


@pytest.mark.parametrize(
    "annotation",
    [Any, object, "Nowhere", "not an expression", "datetime.nothing", type("Unknown", (), {}), Incomplete],
    ids=str,
)
def test_an_annotation_that_says_nothing_leaves_json_data(annotation):
    assert got(returning(annotation, Point(x=1))) == [{"x": 1}] * 2


class Fetch:
    def __call__(self) -> Point:
        return Point(x=1)


@pytest.mark.parametrize(
    "function",
    [Fetch(), functools.partial(returning(Point, Point(x=1))), functools.partial(Point, x=1)],
    ids=["object", "partial function", "partial class"],
)
def test_what_has_no_annotation_of_its_own_gives_json_data(function):
    assert got(function) == [{"x": 1}] * 2


def test_a_coroutine_function_says_what_is_awaited():
    async def work() -> Point:
        return Point(x=1)

    async def app() -> int:
        return (await yr.astep(work)).x

    assert played(app).returned == "1"


@pytest.mark.parametrize(
    ("annotation", "result", "complaint"),
    [
        (str, None, "a NoneType was returned, but the annotation says str: Input should be a valid string."),
        (
            float,
            math.nan,
            "a float was returned, but the annotation says float: Input should be a valid number.",
        ),
        (
            Annotated[int, Le(3)],
            4,
            "a int was returned, but the annotation says typing.Annotated[int, Le(le=3)]: "
            "Input should be less than or equal to 3.",
        ),
        (
            list[Point],
            [{"x": "one"}],
            "a list was returned, but the annotation says list[tests.apps_app.test_step_results.Point]: "
            "0.x: Input should be a valid integer, unable to parse string as an integer.",
        ),
    ],
    ids=["str", "float", "annotated", "list"],
)
def test_a_result_that_does_not_fit_its_annotation_is_a_failure(annotation, result, complaint):
    def app():
        with pytest.raises(yr.StepError) as caught:
            yr.step(returning(annotation, result))
        assert str(caught.value) == f"TypeError: {complaint}"

    run = played(app)

    assert run.returned == "None"
    assert outcomes(run) == [("work", None, f"TypeError: {complaint}")]


def test_a_recorded_result_that_fits_no_more():
    def app():
        with pytest.raises(
            yr.StepError, match=r"^Step 0.1, work, was recorded .* says Point: x: Field required"
        ):
            yr.step(returning(Point, None))

    assert played(app, recorded={"0.1": StepOutcome(b'{"y":1}')}).returned == "None"
