"""An event's JSON, and that it is storable whatever an app shows."""

import datetime
import json
import math

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps_app.blocks import Markdown
from apps_app.events import Event, encode_json


def test_the_wire_form_of_an_event():
    event = Event("markdown-1", 2, Markdown(content="Hello"), "greet.greet", "form-1")

    before = datetime.datetime.now(datetime.UTC)
    wire = json.loads(event.to_json())
    stamp = datetime.datetime.fromisoformat(wire.pop("timestamp"))

    assert list(wire.items()) == [
        ("event_class", "content"),
        ("block_type", "markdown"),
        ("block_id", "markdown-1"),
        ("data", {"content": "Hello"}),
        ("chunk_id", 2),
        ("app", {"name": "greet.greet", "instance_id": 0}),
        ("parent_block_id", "form-1"),
    ]
    assert before <= stamp <= datetime.datetime.now(datetime.UTC)
    assert stamp.utcoffset() == datetime.timedelta(0)


def test_an_event_outside_of_layouts_has_no_parent():
    assert (
        json.loads(Event("markdown-1", 1, Markdown(content=""), "a.a").to_json())["parent_block_id"] is None
    )


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ("a\0b", "a�b"),
        ("\ud800", "�"),
        ("a\udfffb", "a�b"),
        ("\ud83d\ude00", "😀"),  # a pair that came apart
        ("\\u0000", "\\u0000"),  # the six characters, not the one they spell
        ("\ufeffa", "\ufeffa"),
        (math.nan, None),
        (math.inf, None),
        ([-math.inf, 1.5], [None, 1.5]),
        (2**63, 2**63),
        (2**64, str(2**64)),
        (-(2**63) - 1, str(-(2**63) - 1)),
        ({"k\0": [{"x": ("\0", 2**70, True)}]}, {"k�": [{"x": ["�", str(2**70), True]}]}),
    ],
    ids=ascii,
)
def test_what_cannot_be_stored_is_replaced(value, stored):
    assert orjson.loads(encode_json(value)) == stored


any_text = st.text(st.characters(exclude_categories=[]))
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | any_text,
    lambda inner: st.lists(inner) | st.dictionaries(any_text, inner),
)


@given(anything)
def test_anything_becomes_json_without_nul_and_lone_surrogates(value):
    text = encode_json(value).decode()  # strict UTF-8: no lone surrogate

    assert "\0" not in str(json.loads(text, parse_constant=pytest.fail))


@given(any_text)
def test_a_text_keeps_all_that_can_be_stored(text):
    stored = orjson.loads(encode_json(text))

    kept = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert len(stored) == len(kept)
    for character, original in zip(stored, kept, strict=True):
        assert character == ("�" if original == "\0" else original)


clean = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("ab"), inner),
)


@given(clean)
def test_what_can_be_stored_is_unchanged(value):
    assert json.loads(encode_json(value)) == value
