"""Sharpening: edges become steeper, colours stay, and no halo shows."""

from __future__ import annotations

import itertools

import pytest
from PIL import Image

from imagebuild.picture.sharpen import sharpen
from tests.picture.files import scene

USUAL = {"amount": 0.5, "radius": 0.8, "threshold": 2}


def edge(dark=(60, 60, 60), light=(200, 200, 200)):
    image = Image.new("RGB", (160, 32), dark)
    image.paste(light, (80, 0, 160, 32))
    return image.resize((40, 8), Image.Resampling.BICUBIC)


def row(image):
    return [image.getpixel((x, 4))[0] for x in range(image.width)]


def test_an_edge_becomes_steeper():
    before, after = row(edge()), row(sharpen(edge(), USUAL))
    steepest = [max(abs(a - b) for a, b in itertools.pairwise(values)) for values in (before, after)]
    assert steepest[1] > steepest[0]


@pytest.mark.parametrize("amount", [0.5, 1.0])
def test_beside_an_edge_no_halo_shows(amount):
    after = row(sharpen(edge(), {**USUAL, "amount": amount}))
    assert min(after) >= min(row(edge())) - 10
    assert max(after) <= max(row(edge())) + 10


def test_red_green_and_blue_change_alike_so_that_no_coloured_fringe_appears():
    image = edge((90, 60, 40), (200, 170, 150))
    after = sharpen(image, USUAL)
    changed = False
    for x in range(40):
        moved = {a - b for a, b in zip(after.getpixel((x, 4)), image.getpixel((x, 4)), strict=True)}
        assert len(moved) == 1
        changed |= moved != {0}
    assert changed


def test_where_nothing_is_to_be_sharpened_not_one_bit_changes():
    flat = Image.new("RGB", (30, 20), (200, 30, 77))
    assert sharpen(flat, USUAL).tobytes() == flat.tobytes()
    assert sharpen(scene(), {**USUAL, "threshold": 255}).tobytes() == scene().tobytes()


def test_transparency_stays_as_it_is():
    image = edge().convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize((40, 8)))
    after = sharpen(image, USUAL)
    assert after.getchannel("A").tobytes() == image.getchannel("A").tobytes()
    assert after.convert("RGB").tobytes() == sharpen(edge(), USUAL).tobytes()


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 2)])
def test_the_smallest_pictures_are_sharpened(size):
    out = sharpen(Image.new("RGB", size, (5, 6, 7)), {"amount": 3.0, "radius": 10.0, "threshold": 0})
    assert (out.size, out.getpixel((0, 0))) == (size, (5, 6, 7))
