"""How an interaction is judged against what is pending."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps_app.pending import InvalidAnswerError, NotPendingError, PendingPrompt, judge

TEXT = PendingPrompt(block_id="input_request-1", block_type="input_request")
BUTTONS = PendingPrompt(block_id="buttons-1", block_type="buttons", options=["red", "5", "true"])
SLIDER = PendingPrompt(block_id="slider-1", block_type="slider", min_value=-1.5, max_value=10)
DATE = PendingPrompt(block_id="date-1", block_type="date")

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)


@pytest.mark.parametrize(
    ("prompt", "value", "answer"),
    [
        (TEXT, "Ada", "Ada"),
        (TEXT, "  sp  ", "  sp  "),
        (TEXT, "", ""),
        (TEXT, 5, "5"),
        (TEXT, 2.5, "2.5"),
        (TEXT, True, "true"),
        (TEXT, None, "null"),
        (TEXT, [1, "é"], '[1, "é"]'),
        (TEXT, {"k": 1}, '{"k": 1}'),
        (BUTTONS, "red", "red"),
        (BUTTONS, 5, "5"),
        (BUTTONS, True, "true"),
        (SLIDER, 7, 7.0),
        (SLIDER, -1.5, -1.5),
        (SLIDER, 10, 10.0),
        (SLIDER, "3.5", 3.5),
        (SLIDER, " 3 ", 3.0),
        (DATE, "2025-02-01", "2025-02-01"),
        (DATE, "2024-02-29", "2024-02-29"),
    ],
    ids=repr,
)
def test_a_value_that_answers(prompt, value, answer):
    answers = judge([TEXT, BUTTONS, SLIDER, DATE], prompt.block_id, "whatever", value)

    assert answers == {prompt.block_id: answer}
    assert type(answers[prompt.block_id]) is type(answer)


@pytest.mark.parametrize(
    ("prompt", "value", "expected"),
    [
        (BUTTONS, "blue", 'one of ["red", "5", "true"]'),
        (BUTTONS, "RED", "one of"),
        (SLIDER, 10.1, "a number from -1.5 to 10"),
        (SLIDER, -2, "a number"),
        (SLIDER, "high", "a number"),
        (SLIDER, "nan", "a number"),
        (SLIDER, "inf", "a number"),
        (SLIDER, 10**400, "a number"),
        (SLIDER, True, "a number"),
        (SLIDER, None, "a number"),
        (SLIDER, [5], "a number"),
        (DATE, "2025-02-30", "a date as YYYY-MM-DD"),
        (DATE, "20250201", "a date"),
        (DATE, "2025-W05-6", "a date"),
        (DATE, "2025-02-01T10:00:00", "a date"),
        (DATE, "tomorrow!!", "a date"),
        (DATE, 20250201, "a date"),
        (DATE, None, "a date"),
    ],
    ids=repr,
)
def test_a_value_that_does_not_answer_is_refused(prompt, value, expected):
    with pytest.raises(InvalidAnswerError) as caught:
        judge([prompt], prompt.block_id, prompt.block_type, value)

    assert caught.value.block_id == prompt.block_id
    assert str(caught.value).startswith(f"{prompt.block_id} expects {expected}")
    assert len(str(caught.value)) < 200


@given(st.floats(-1e300, 1e300), st.floats(-1e300, 1e300), st.floats())
def test_a_slider_takes_just_the_numbers_in_its_range(one, other, value):
    low, high = min(one, other), max(one, other)
    prompt = PendingPrompt(block_id="s", block_type="slider", min_value=low, max_value=high)

    if low <= value <= high:
        assert judge([prompt], "s", "slider", value) == {"s": value}
        assert judge([prompt], "s", "slider", repr(value)) == {"s": value}
    else:
        with pytest.raises(InvalidAnswerError):
            judge([prompt], "s", "slider", value)


@given(st.dates())
def test_every_date_is_a_date(day):
    assert judge([DATE], "date-1", "date", day.isoformat()) == {"date-1": day.isoformat()}


@given(json_values)
def test_a_text_takes_anything(value):
    answer = judge([TEXT], TEXT.block_id, "text", value)[TEXT.block_id]

    assert (answer if isinstance(value, str) else json.loads(str(answer))) == value


@given(json_values)
def test_any_value_is_read_or_refused(value):
    for prompt in (BUTTONS, SLIDER, DATE):
        try:
            answer = judge([prompt], prompt.block_id, "x", value)[prompt.block_id]
        except InvalidAnswerError:
            continue
        assert prompt.read(answer) == answer  # what is recorded is read the same again


FORM = ["columns-1", "form-1"]
CITY = PendingPrompt(block_id="input_request-1", block_type="input_request", layouts=FORM)
SCORE = PendingPrompt(block_id="slider-1", block_type="slider", layouts=FORM, min_value=0, max_value=10)
WHEN = PendingPrompt(block_id="date-1", block_type="date", layouts=FORM)
IN_FORM = [CITY, SCORE, WHEN]


def sub(block_id, value):
    return {"sub_block_id": block_id, "sub_block_type": "any", "value": value}


@pytest.mark.parametrize("layout", FORM)
@pytest.mark.parametrize("block_type", ["form", "layout"])
def test_a_form_is_answered_in_any_order(layout, block_type):
    value = [sub("date-1", "2025-02-01"), sub("input_request-1", "Paris"), sub("slider-1", "7")]

    assert judge(IN_FORM, layout, block_type, value) == {
        "date-1": "2025-02-01",
        "input_request-1": "Paris",
        "slider-1": 7.0,
    }


def test_a_part_of_a_form_is_enough():
    assert judge(IN_FORM, "form-1", "form", [sub("slider-1", 7)]) == {"slider-1": 7.0}
    assert judge(IN_FORM, "slider-1", "form", 7) == {"slider-1": 7.0}


def test_a_form_is_judged_as_a_whole():
    with pytest.raises(InvalidAnswerError, match="slider-1 expects a number from 0 to 10, not 11"):
        judge(IN_FORM, "form-1", "form", [sub("input_request-1", "Paris"), sub("slider-1", 11)])


@pytest.mark.parametrize(
    "value",
    [
        [],
        "Paris",
        {"slider-1": 7},
        [7],
        [{"sub_block_id": "slider-1"}],
        [{"value": 7}],
        [{"sub_block_id": 1, "value": 7}],
        [sub("slider-1", 7), sub("slider-1", 8)],
    ],
    ids=repr,
)
def test_what_is_not_a_list_of_answers_is_refused(value):
    with pytest.raises(InvalidAnswerError, match="form-1 expects a list of"):
        judge(IN_FORM, "form-1", "form", value)


@pytest.mark.parametrize(
    ("block_id", "block_type", "value"),
    [
        ("slider-2", "slider", 7),
        ("form-2", "form", [sub("slider-1", 7)]),
        ("form-1", "slider", [sub("slider-1", 7)]),
        ("form-1", "form", [sub("slider-2", 7)]),
        ("slider-1x", "form", []),
    ],
)
def test_what_is_not_asked_for_is_refused(block_id, block_type, value):
    with pytest.raises(NotPendingError, match="waits for input_request-1, slider-1, date-1"):
        judge(IN_FORM, block_id, block_type, value)


def test_a_prompt_elsewhere_is_not_part_of_the_form():
    other = PendingPrompt(block_id="slider-2", block_type="slider", layouts=["container-1"], max_value=1)

    with pytest.raises(NotPendingError, match="slider-2 is not waiting"):
        judge([CITY, other], "form-1", "form", [sub("slider-2", 1)])


def test_a_session_that_waits_for_nothing():
    with pytest.raises(
        NotPendingError, match="slider-1 is not waiting for an answer; the session waits for nothing"
    ):
        judge([], "slider-1", "slider", 7)


def test_what_is_pending_survives_json():
    """It is stored on the session, and judged by another process."""
    for prompt in (TEXT, BUTTONS, SLIDER, DATE, *IN_FORM):
        assert PendingPrompt.model_validate_json(prompt.model_dump_json()) == prompt
