"""A record's own bytes."""

from __future__ import annotations

import pytest

from imagebuild.store.base import decode_record, encode_record
from tests.store.contract import a_record


def test_a_record_is_written_one_field_a_line_for_people():
    lines = encode_record(a_record()).decode().splitlines()
    assert lines[0] == "{"
    assert '"prompt":"ein Kessel „heiß“ 熱い"' in lines[2]
    assert '"cost":"0.0420",' in lines


def test_every_single_byte_of_a_record_is_watched_over():
    data = encode_record(a_record())
    for position in range(len(data)):
        damaged = data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]
        with pytest.raises(ValueError, match="record"):
            decode_record(damaged, a_record().key)
