"""The sRGB profile that files may carry."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest
from PIL import Image, ImageChops, ImageCms

from imagebuild.picture.decode import decode
from imagebuild.picture.profile import srgb_profile
from tests.picture.files import saved, scene

OURS = ImageCms.ImageCmsProfile(io.BytesIO(srgb_profile()))
THEIRS = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def test_it_is_a_small_profile_that_says_its_name():
    assert len(srgb_profile()) < 600
    assert int.from_bytes(srgb_profile()[:4], "big") == len(srgb_profile())
    assert ImageCms.getProfileDescription(OURS).strip() == "sRGB"
    assert ImageCms.isIntentSupported(OURS, ImageCms.Intent.PERCEPTUAL, ImageCms.Direction.INPUT)


@pytest.mark.parametrize(("one", "two"), [(OURS, THEIRS), (THEIRS, OURS)])
def test_colours_are_the_same_in_it_as_in_the_reference_srgb(one, two):
    colors = Image.merge(
        "RGB", [Image.frombytes("L", (256, 3), bytes(range(256)) * 3).rotate(turn) for turn in (0, 180, 0)]
    )
    for image in (colors, scene((64, 64))):
        out = ImageCms.profileToProfile(image, one, two)
        assert ImageChops.difference(out, image).getextrema() == ((0, 0),) * 3


@pytest.mark.parametrize("name", ["red_primary", "green_primary", "blue_primary", "media_white_point"])
def test_its_primaries_are_srgbs(name):
    ours, theirs = getattr(OURS.profile, name)[0], getattr(THEIRS.profile, name)[0]
    assert ours == pytest.approx(theirs, abs=2e-4)


def test_a_picture_that_carries_it_is_read_as_it_is():
    assert decode(saved(scene(), icc_profile=srgb_profile()), source="hero").tobytes() == scene().tobytes()


def test_it_is_the_same_in_every_process():
    code = "import sys; from imagebuild.picture.profile import srgb_profile; sys.stdout.buffer.write(srgb_profile())"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == srgb_profile()
