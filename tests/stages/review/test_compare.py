"""How far two pictures differ, and where."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image, ImageDraw

from imagebuild.errors import PictureError
from imagebuild.picture.compare import TOLERANCE, compare_pictures, difference_picture
from imagebuild.stages.review.compare import Comparisons


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "png")
    return buffer.getvalue()


def plain(color: str = "#102030", size: tuple[int, int] = (200, 100), mode: str = "RGB") -> Image.Image:
    return Image.new(mode, size, color)


def with_box(box: tuple[int, int, int, int], color: str = "#ffffff") -> Image.Image:
    image = plain()
    ImageDraw.Draw(image).rectangle((box[0], box[1], box[2] - 1, box[3] - 1), fill=color)
    return image


def test_what_changed_is_counted_to_the_pixel_and_boxed() -> None:
    found = compare_pictures(png(plain()), png(with_box((20, 30, 70, 40))))
    assert (found.pixels, found.of, found.box) == (500, 20_000, (20, 30, 70, 40))
    assert found.changed == 0.025
    assert found.same_size


def test_the_same_picture_has_not_changed_whatever_its_format() -> None:
    buffer = io.BytesIO()
    plain().save(buffer, "webp", lossless=True)
    found = compare_pictures(png(plain()), buffer.getvalue())
    assert (found.pixels, found.box, found.changed) == (0, None, 0.0)


def test_what_an_encoder_does_to_a_pixel_is_no_change() -> None:
    just, more = (16 + TOLERANCE, 32, 48), (16 + TOLERANCE + 1, 32, 48)
    assert compare_pictures(png(plain()), png(Image.new("RGB", (200, 100), just))).pixels == 0
    assert compare_pictures(png(plain()), png(Image.new("RGB", (200, 100), more))).pixels == 20_000


@pytest.mark.parametrize("ground", ["#ffffff", "#000000"])
def test_nothing_hides_in_what_lies_behind_a_transparent_picture(ground: str) -> None:
    clear = Image.new("RGBA", (200, 100), (0, 0, 0, 0))
    assert compare_pictures(png(clear), png(plain(ground))).pixels == 20_000
    assert compare_pictures(png(clear), png(Image.new("RGBA", (200, 100), (255, 0, 0, 0)))).pixels == 0


def test_of_two_sizes_the_earlier_is_scaled_and_that_is_said() -> None:
    found = compare_pictures(png(plain(size=(100, 50))), png(plain()))
    assert (found.same_size, found.of, found.pixels, found.sizes) == (False, 20_000, 0, ((100, 50), (200, 100)))


def test_a_single_pixel_shows_in_the_difference_and_the_rest_is_dimmed() -> None:
    changed = plain("#c03020")
    changed.putpixel((100, 50), (255, 255, 255))
    data = difference_picture(png(plain("#c03020")), png(changed))
    with Image.open(io.BytesIO(data)) as shown:
        assert shown.size == (200, 100)
        loud = [color for _, color in shown.getcolors() or [] if color == (255, 0, 168)]
        assert loud
        assert shown.getpixel((98, 50)) == shown.getpixel((102, 52)) == (255, 0, 168)
        red, green, blue = shown.getpixel((10, 10))
        assert red == green == blue


def test_the_difference_is_in_the_later_pictures_size_and_the_same_in_every_process() -> None:
    before, after = png(plain(size=(50, 50))), png(with_box((0, 0, 10, 10)))
    here = difference_picture(before, after)
    with Image.open(io.BytesIO(here)) as shown:
        assert shown.size == (200, 100)
    code = (
        "import sys; from imagebuild.picture.compare import difference_picture as d; "
        "n = int.from_bytes(sys.stdin.buffer.read(4), 'big'); a = sys.stdin.buffer.read(n); "
        "sys.stdout.buffer.write(d(a, sys.stdin.buffer.read()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=len(before).to_bytes(4, "big") + before + after, capture_output=True,
        check=True,
    )  # fmt: skip
    assert done.stdout == here


def test_what_is_no_picture_cannot_be_compared() -> None:
    with pytest.raises(PictureError):
        compare_pictures(b"<svg/>", png(plain()))
    with pytest.raises(PictureError):
        difference_picture(png(plain()), png(plain())[:50])


def test_a_pair_is_compared_once() -> None:
    reads: list[str] = []
    data = {"a": png(plain()), "b": png(with_box((0, 0, 2, 2)))}

    def read(name: str) -> bytes | None:
        reads.append(name)
        return data.get(name)

    found = Comparisons(read)
    assert found.figures("a", "b") == found.figures("a", "b")
    assert reads == ["a", "b"]
    assert found.figures("a", "gone") is None
    assert found.difference("a", "b") == difference_picture(data["a"], data["b"])


def test_what_is_kept_is_bounded_in_bytes() -> None:
    reads: list[str] = []
    data = {"a": png(plain()), "b": png(with_box((0, 0, 2, 2))), "c": png(with_box((0, 0, 9, 9)))}

    def read(name: str) -> bytes | None:
        reads.append(name)
        return data.get(name)

    one = len(difference_picture(data["a"], data["b"]))
    found = Comparisons(read, most_kept=one + 10)
    for _ in range(2):
        found.difference("a", "b")
    assert reads == ["a", "b"], "there is room for one"
    found.difference("a", "c")
    found.difference("a", "b")
    assert reads == ["a", "b", "a", "c", "a", "b"], "and not for two"


class Counting:
    """Turns that tell how many were held at once."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._now = 0
        self.most = 0

    def __enter__(self) -> None:
        with self._turn:
            self._now += 1
            self.most = max(self.most, self._now)

    def __exit__(self, *_: object) -> None:
        with self._turn:
            self._now -= 1


def test_large_pictures_are_compared_one_pair_at_a_time_and_a_pair_that_many_ask_for_once() -> None:
    turns = Counting()
    data = {name: png(Image.new("L", (3000, 3000), number)) for number, name in enumerate("abc")}
    found = Comparisons(data.get, turns)
    pairs = [("a", "b"), ("b", "c"), ("a", "b"), ("a", "c")]
    with ThreadPoolExecutor(4) as threads:
        told = list(threads.map(lambda pair: found.figures(*pair), pairs))
    assert None not in told
    assert told[0] == told[2]
    assert turns.most == 1
