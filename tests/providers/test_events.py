from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from imagebuild.providers.events import EventReader, events_of

STREAM = (
    b"\xef\xbb\xbf: a comment\r\n"
    b"event: one\r\ndata: first\r\ndata:second\r\nid: 7\r\nretry: 10\r\n\r\n"
    b"data: \xc3\xbc\r\rdata\n\n"
    b"event: empty\n\n"
    b"event:two\ndata:  indented\n\n"
)
EVENTS = [("one", b"first\nsecond"), ("message", b"\xc3\xbc"), ("message", b""), ("two", b" indented")]


def test_names_lines_comments_and_every_kind_of_line_end_are_read():
    assert events_of(STREAM) == EVENTS


def test_a_stream_may_be_cut_into_pieces_at_any_two_places():
    for first in range(len(STREAM) + 1):
        for second in range(first, len(STREAM) + 1):
            reader = EventReader()
            found = [
                *reader.feed(STREAM[:first]), *reader.feed(STREAM[first:second]), *reader.feed(STREAM[second:])
            ]  # fmt: skip
            assert found + reader.end() == EVENTS


def test_an_event_is_given_as_soon_as_its_empty_line_is_there():
    reader = EventReader()
    assert reader.feed(b"data: 1\n") == []
    assert reader.feed(b"\n") == [("message", b"1")]


def test_what_stands_at_the_end_of_a_body_is_an_event_too():
    assert events_of(b"event: completed\ndata: {}") == [("completed", b"{}")]
    assert events_of(b"event: completed\ndata: {}\n") == [("completed", b"{}")]
    assert events_of(b"") == []


@given(st.binary(max_size=60), st.integers(0, 60))
def test_no_bytes_break_it_and_the_cut_makes_no_difference(data, cut):
    reader = EventReader()
    assert reader.feed(data[:cut]) + reader.feed(data[cut:]) + reader.end() == events_of(data)
