"""The catalogue of placements, as it ships; and a box that is kept, seen in the pixels."""

from __future__ import annotations

import re

import pytest
from PIL import Image

from imagebuild.core.placements.parser import EVIDENCE
from imagebuild.picture.fit import crop, fit
from imagebuild.picture.placements import shipped_placements


@pytest.mark.parametrize("name", shipped_placements())
def test_every_row_says_where_it_is_from_and_when_it_was_looked_up(name):
    placement = shipped_placements()[name]
    assert re.match(r"https://\S+\Z", placement.source)
    assert re.match(r"20\d\d-\d\d-\d\d\Z", placement.dated)
    assert placement.evidence in EVIDENCE
    assert placement.formats
    assert set(placement.formats) <= {"jpeg", "png", "gif"}
    if placement.least is not None:
        assert all(least <= edge for least, edge in zip(placement.least, placement.size, strict=True))


@pytest.mark.parametrize(
    ("name", "size", "most"),
    [
        ("google/display-728x90", (728, 90), 150_000),
        ("google/display-160x600", (160, 600), 150_000),
        ("meta/feed-square", (1080, 1080), 30_000_000),
        ("meta/story", (1080, 1920), 30_000_000),
        ("linkedin/single", (1200, 627), 5_000_000),
        ("google/responsive-landscape", (1200, 628), None),
    ],
)
def test_the_figures_are_those_of_the_platforms(name, size, most):
    placement = shipped_placements()[name]
    assert (placement.size, placement.max_bytes) == (size, most)


def test_what_a_platform_covers_is_a_share_from_each_side():
    assert tuple(shipped_placements()["meta/reel"].safe) == (0.06, 0.14, 0.06, 0.35)


def test_a_display_size_is_what_its_name_says():
    for name, placement in shipped_placements().items():
        said = re.search(r"(\d+)x(\d+)\Z", name)
        assert said is None or placement.size == (int(said[1]), int(said[2]))


BOX = [0.7, 0.1, 0.2, 0.5]


def marked(size: tuple[int, int]) -> Image.Image:
    """Grey, with the box to keep in red."""
    image = Image.new("RGB", size, "#808080")
    left, top = round(BOX[0] * size[0]), round(BOX[1] * size[1])
    image.paste("#ff0000", (left, top, left + round(BOX[2] * size[0]), top + round(BOX[3] * size[1])))
    return image


def red(image: Image.Image) -> int:
    data = image.convert("RGB").tobytes()
    return sum(1 for at in range(0, len(data), 3) if data[at] > 200 and data[at + 1] < 60)


@pytest.mark.parametrize(("target", "kept_scale"), [((300, 300), 1.0), ((600, 200), 1.0)])
def test_the_box_is_whole_in_what_is_drawn(target, kept_scale):
    size = (600, 300)
    fitted = fit(marked(size), {"cover": list(target), "anchor": BOX})
    assert fitted.size == target
    assert red(fitted) == pytest.approx(red(marked(size)) * kept_scale, rel=0.02)


def test_the_box_is_whole_in_a_crop():
    cropped = crop(marked((600, 300)), {"ratio": "1:2", "anchor": BOX})
    assert cropped.size == (150, 300)
    assert red(cropped) == red(marked((600, 300)))
