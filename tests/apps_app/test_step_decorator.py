"""`@yr.step`: which use of it decorates, and what the decorated function does."""

import asyncio
import importlib
import inspect
import sys

import pytest

import apps_app.dsl as yr
from apps_app.dsl.runtime import StepOutcome
from apps_app.dsl.steps import StepFunction
from tests.apps_app.playing import played


@yr.step
def add(a: int, b: int = 0) -> int:
    """Adds."""
    return a + b


@yr.step(name="greet them")
def greet(name):
    return f"Hello {name}"


@yr.step
async def double(value):
    await asyncio.sleep(0)
    return value * 2


@yr.astep
def triple(value):
    return value * 3


@yr.astep(name="four times")
async def quadruple(value):
    return value * 4


class Till:
    def __init__(self, price):
        self.price = price

    @yr.step
    def total(self, count):
        return self.price * count


def names(run):
    return [step.name for step, _ in run.steps]


def test_calling_a_decorated_function_is_a_step():
    def app() -> str:
        return f"{add(1, b=2)} {greet(name='Ada')}"

    run = played(app)

    assert run.returned == "3 Hello Ada"
    assert names(run) == ["add", "greet them"]


def test_awaiting_a_decorated_function_is_a_step():
    async def app() -> str:
        return str(await asyncio.gather(double(1), triple(1), quadruple(1)))

    run = played(app)

    assert run.returned == "[2, 3, 4]"
    assert sorted(names(run)) == ["double", "four times", "triple"]


def test_a_recorded_step_of_a_decorated_function_is_not_run_again():
    def app() -> int:
        return yr.step(add, 1) + add(10)

    run = played(app, recorded={"0.2": StepOutcome(b"5")})

    assert run.returned == "6"


def test_a_method_can_be_decorated():
    def app() -> int:
        return Till(3).total(2) + Till.total(Till(1), 4)

    run = played(app)

    assert run.returned == "10"
    assert names(run) == ["total", "total"]


def test_a_decorated_function_looks_like_it_did():
    assert (add.__name__, add.__doc__, add.__module__) == ("add", "Adds.", __name__)
    assert str(inspect.signature(add)) == "(a: int, b: int = 0) -> int"
    assert repr(greet) == "<StepFunction greet them>"


def test_a_decorated_function_needs_a_running_session():
    with pytest.raises(yr.UsageError, match="needs a running session"):
        add(1)


def test_a_sync_step_is_refused_in_an_async_app_and_can_be_awaited_by_astep():
    async def refused():
        add(1)

    async def also_refused():
        await yr.step(double, 1)

    async def app() -> int:
        return await yr.astep(add, 1)

    assert "use yr.astep" in played(refused).exit["reason"]
    assert "use yr.astep" in played(also_refused).exit["reason"]
    assert (played(app).returned, names(played(app))) == ("1", ["add"])


# Steps do not nest.


def test_a_decorated_function_inside_a_step_is_plain_code():
    def work():
        return [add(1), yr.step(add, 2), yr.step(greet, "Ada")]

    async def awork():
        return [add(1), await double(1), await triple(1), await yr.astep(double, 2)]

    async def aapp() -> str:
        return str(await yr.astep(awork))

    run, arun = played(lambda: yr.step(work) and None), played(aapp)

    assert (names(run), names(arun)) == (["work"], ["awork"])
    assert arun.returned == "[1, 2, 3, 4]"


def test_a_decorated_function_as_a_step_is_one_step():
    async def app() -> str:
        again = yr.step(name="again")(double)
        return str([await yr.astep(quadruple, 1), await yr.astep(double, 1, name="mine"), await again(2)])

    run = played(app)

    assert run.returned == "[4, 2, 4]"
    assert names(run) == ["four times", "mine", "again"]


# Which use decorates.


def test_outside_of_a_session_a_function_alone_is_decorated():
    assert isinstance(yr.step(int), StepFunction)
    assert isinstance(yr.astep(lambda: 1), StepFunction)
    assert isinstance(yr.step(add.function, name="sum"), StepFunction)


def test_in_a_session_a_function_alone_is_called():
    def local():
        return 1

    def app() -> int:
        return yr.step(local) + yr.step(int) + yr.step(three) + yr.step(five)

    assert played(app).returned == "9"


def three():
    return 3


five = lambda: 5  # noqa: E731 - it has no name that says where it belongs


def test_with_brackets_it_decorates_in_a_session_too():
    def app() -> int:
        @yr.step()
        def local():
            return 1

        return local() + local()

    run = played(app)

    assert (run.returned, names(run)) == ("2", ["local", "local"])


def test_a_module_may_be_imported_in_the_middle_of_a_session(tmp_path, monkeypatch):
    """What it decorates is not called by that."""
    (tmp_path / "late_steps.py").write_text(
        "import apps_app.dsl as yr\n"
        "@yr.step\n"
        "def pay(): return 1\n"
        "class Till:\n"
        "    @yr.astep\n"
        "    def total(self): return 2\n"
        "paid = yr.step(pay)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)

    def app() -> int:
        return importlib.import_module("late_steps").pay()

    run = played(app)

    assert (run.returned, names(run)) == ("1", ["pay", "pay"])
    assert isinstance(sys.modules.pop("late_steps").Till.total, StepFunction)
