"""The shipped examples, and the conformance apps against what a yera 0.4 server streamed."""

import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

import apps_app.dsl
from apps_app.dsl.app import MODULE_PREFIX, App
from tests.apps_app.playing import played
from tests.apps_app.recording import SESSION_ID

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "apps_app" / "examples"
CONFORMANCE = ROOT / "tests" / "conformance"


@pytest.fixture
def load(monkeypatch):
    """Executes an app file as the module that gives its apps their ids."""
    monkeypatch.setitem(sys.modules, "yera", apps_app.dsl)

    def load_file(path):
        module = ModuleType(MODULE_PREFIX + path.stem)
        exec(compile(path.read_bytes(), path, "exec"), vars(module))
        return module

    return load_file


@pytest.fixture
def example(load):
    return lambda name: load(EXAMPLES / f"{name}.py")


def test_every_example_says_what_it_is(load):
    apps = [
        value
        for path in EXAMPLES.glob("*.py")
        for value in vars(load(path)).values()
        if isinstance(value, App)
    ]

    assert {app.id for app in apps} == {
        "greeter.greet",
        "survey.survey",
        "storyteller.tell",
        "async_tour.tour",
        "nested.order",
        "nested.make",
        "tickets.sell",
    }
    for app in apps:
        assert app.name != app.function.__name__
        assert app.description.endswith(".")
        assert app.model is False


@pytest.mark.parametrize(
    ("style", "greeting"),
    [
        ("kindly", "Lovely to meet you, **Ada**."),
        ("grandly", "All hail **Ada**, first of that name!"),
        ("briefly", "Hi, **Ada**."),
    ],
)
def test_greeter(example, style, greeting):
    run = played(example("greeter").greet, "Ada", style)

    assert run.data("markdown")[-1] == {"content": greeting}
    assert run.returned == f"greeted Ada {style}"


def test_survey(example):
    run = played(example("survey").survey, "Ada", "2025-02-01", 10, 7.5, 5, "You're welcome")

    chart = run.data("bar_chart")[0]
    assert (chart["x_categories"], chart["y_values"]) == (["Food", "Service", "Music"], [[10, 7.5, 5]])
    assert [table["rows"] for table in run.data("table")] == [
        [["Food", 10], ["Service", 7.5], ["Music", 5]],
        [["Average", 7.5]],
    ]
    assert "Thank you, Ada! You were here on 01 February 2025." in run.data("markdown")[-1]["content"]
    assert [len(prompts) for prompts in run.asked] == [5, 1]
    assert run.returned == "7.5"


def test_storyteller(example):
    module = example("storyteller")
    words = sum(len(text.split()) for text in module.STORY.values())
    assert 9 <= words * module.PAUSE_SECONDS <= 12
    module.PAUSE_SECONDS = 0

    run = played(module.tell)

    told = "".join(data["content"] for data in run.data("markdown"))
    for title, text in module.STORY.items():
        assert f"## {title}\n\n{text}" in told
    assert len(run.data("markdown")) == 1 + len(module.STORY) + words
    assert [len(table["rows"]) for table in run.data("table")] == [0, 1, 1, 1]
    assert sum(table["rows"][0][1] for table in run.data("table")[1:]) == words
    assert [data["status"] for data in run.data("spinner")] == ["active"] * 4 + ["complete"]
    assert run.returned == "The end."


@pytest.mark.parametrize(("cities", "series"), [(["Paris", "Rome"], 2), (["Rome", "Rome"], 1)])
def test_async_tour(example, cities, series):
    module = example("async_tour")
    module.SERVICE_SECONDS = 0

    run = played(module.tour, *cities, "2025-02-01", "Rome")

    chart = run.data("line_chart")[0]
    assert chart["x_ticks"] == [6, 12, 18]
    assert chart["colour_series"] == cities[-series:]
    assert chart["y_values"][-1] == [9, 18, 13]
    assert [step.name for step, _ in run.steps] == [f"forecast for {city}" for city in cities[-series:]]
    assert run.data("buttons") == [{"options": cities[-series:], "label": "Where to on 01 February?"}]
    assert run.returned == "Rome on 2025-02-01"


def test_nested(example):
    run = played(example("nested").order, "Coffee", "Tea", "Coffee", "Nothing more")

    served = [data["content"] for data in run.data("markdown")[1:]]
    assert served == ["Here is coffee number 1.", "Here is tea number 1.", "Here is coffee number 2."]
    assert {e["app"]["name"] for e in run.events if e["block_type"] == "action"} == {"nested.make"}
    assert run.returned == "3"


def test_the_nested_app_by_itself(example):
    assert played(example("nested").make).returned == "coffee"


@pytest.fixture
def tickets(example):
    module = example("tickets")
    module.BANK_SECONDS = module.TICKET_SECONDS = 0
    return module


def test_tickets(tickets):
    run = played(tickets.sell, 2, "Pay")

    assert [step.name for step, _ in run.steps] == ["reserve", "charge the card", "print_tickets"]
    assert run.slept == [tickets.CLEARING_SECONDS]
    assert run.data("buttons")[0]["label"] == "That is 56 €."
    assert run.data("markdown")[-1]["content"].endswith(f"You paid 56 €, reference {SESSION_ID}:0.2.")
    row = run.returned[0]
    assert f"**{row}1, {row}2**" in run.data("markdown")[1]["content"]
    assert run.data("spinner")[-2]["message"] == f"Printed {row}2, 2 of 2"


def test_tickets_that_are_paid_are_not_paid_again(tickets, monkeypatch):
    run = played(tickets.sell, 1, "Pay")
    monkeypatch.delattr(tickets, "bank")

    again = played(tickets.sell, 1, "Pay", recorded=run.recorded)

    assert again.returned == run.returned
    assert again.data("markdown") == run.data("markdown")


def test_tickets_that_nobody_wants(tickets):
    run = played(tickets.sell, 3, "Let them go")

    assert run.exit["reason"] == "User quit"
    assert [step.name for step, _ in run.steps] == ["reserve"]


def flat(answers):
    """The values in the order in which the prompts are answered, forms and layouts taken apart."""
    for answer in answers:
        yield from answer[1] if isinstance(answer, list) else [answer]


def compared(event):
    """An event without what tests/conformance/README.md leaves open."""
    event = {**event, "data": dict(event["data"])}
    del event["timestamp"]
    if event["block_type"] == "exit":
        del event["data"]["reason"]
        if event["data"]["exit_code"]:
            del event["data"]["return_value"]
    return event


SCRIPTS = [
    pytest.param(script, CONFORMANCE / "transcripts" / f"{app_id}.{number}.json", id=f"{app_id}.{number}")
    for app_id, scripts in json.loads((CONFORMANCE / "answers.json").read_text()).items()
    for number, script in enumerate(scripts)
]


@pytest.mark.parametrize(("script", "transcript"), SCRIPTS)
def test_a_conformance_app_shows_what_a_yera_server_streamed(load, script, transcript):
    module, _, function = script["app_id"].partition(".")
    app = getattr(load(CONFORMANCE / "apps" / f"{module}.py"), function)

    run = played(app, *flat(script["answers"]))

    assert [compared(event) for event in run.events] == [
        compared(event) for event in json.loads(transcript.read_text())
    ]
