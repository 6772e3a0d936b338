"""Putting back what is outside of a mask, proved pixel by pixel, and the masks themselves."""

from __future__ import annotations

import pytest
from PIL import Image, ImageChops

from imagebuild.errors import PictureError
from imagebuild.picture.restore import check_outside, mask_png, put_back
from tests.picture.files import Files, opened, saved, scene

SOURCE = scene((60, 40))
EDIT = ImageChops.invert(SOURCE)
BOX = {"box": [10, 10, 20, 15], "unit": "pixels"}


def restored(files, mask, source=SOURCE, edit=EDIT):
    return put_back(edit, {"source": files.put(source), "mask": mask}, files.read)


def test_outside_of_a_box_every_pixel_is_the_sources_and_inside_every_pixel_is_the_edits():
    out = restored(Files(), BOX)
    expected = SOURCE.copy()
    expected.paste(EDIT.crop((10, 10, 30, 25)), (10, 10))
    assert out.tobytes() == expected.tobytes()


def test_a_relative_box_means_the_same_share_of_any_picture():
    relative = restored(Files(), {"box": [0.5, 0.0, 0.5, 1.0], "unit": "relative"})
    assert relative.crop((0, 0, 30, 40)).tobytes() == SOURCE.crop((0, 0, 30, 40)).tobytes()
    assert relative.crop((30, 0, 60, 40)).tobytes() == EDIT.crop((30, 0, 60, 40)).tobytes()


def test_a_mask_file_keeps_what_is_opaque_and_mixes_its_soft_edge():
    files = Files()
    mask = Image.new("RGBA", (60, 40), (0, 0, 0, 255))
    mask.paste((0, 0, 0, 0), (20, 0, 60, 40))
    mask.paste((0, 0, 0, 128), (20, 0, 21, 40))
    out = restored(files, files.put(mask))
    assert out.crop((0, 0, 20, 40)).tobytes() == SOURCE.crop((0, 0, 20, 40)).tobytes()
    assert out.crop((21, 0, 60, 40)).tobytes() == EDIT.crop((21, 0, 60, 40)).tobytes()
    for ours, one, two in zip(out.getpixel((20, 9)), SOURCE.getpixel((20, 9)), EDIT.getpixel((20, 9)), strict=True):
        assert abs(ours - (one * 128 + two * 127) / 255) <= 1


def test_a_mask_without_transparency_keeps_all():
    files = Files()
    assert restored(files, files.put(Image.new("RGB", (60, 40)))).tobytes() == SOURCE.tobytes()


def test_the_mask_of_a_request_and_what_is_put_back_by_its_box_agree():
    files = Files()
    box = {**BOX, "feather": 4}
    by_file = restored(files, files.put(mask_png((60, 40), (10, 10, 30, 25), 4)))
    assert restored(files, box).tobytes() == by_file.tobytes()
    outside = SOURCE.copy()
    outside.paste(by_file.crop((10, 10, 30, 25)), (10, 10))
    assert outside.tobytes() == by_file.tobytes()
    assert by_file.getpixel((20, 17)) == EDIT.getpixel((20, 17))


def test_a_mask_is_transparent_in_its_box_and_opaque_around_it():
    alpha = opened(mask_png((60, 40), (10, 10, 30, 25))).getchannel("A")
    expected = Image.new("L", (60, 40), 255)
    expected.paste(0, (10, 10, 30, 25))
    assert alpha.tobytes() == expected.tobytes()
    assert mask_png((60, 40), (10, 10, 30, 25), 3) == mask_png((60, 40), (10, 10, 30, 25), 3)
    assert opened(mask_png((5, 5), (2, 2, 3, 3))).getchannel("A").getpixel((2, 2)) == 0


def test_a_feather_lies_inside_of_the_box_and_needs_room():
    alpha = opened(mask_png((60, 40), (10, 10, 40, 35), 6)).getchannel("A")
    values = [alpha.getpixel((x, 22)) for x in range(9, 26)]
    assert values[0] == 255
    assert values[-1] == 0
    assert values == sorted(values, reverse=True)
    assert values[1:8] == [219, 182, 146, 109, 73, 36, 0]
    with pytest.raises(PictureError, match="a mask of 8x8 has no room for a feather of 4 pixels"):
        mask_png((60, 40), (10, 10, 18, 18), 4)


def test_transparency_of_the_source_is_put_back_too():
    source = SOURCE.convert("RGBA")
    source.putalpha(Image.linear_gradient("L").resize((60, 40)))
    out = restored(Files(), BOX, source=source)
    assert out.mode == "RGBA"
    assert out.crop((0, 0, 60, 10)).tobytes() == source.crop((0, 0, 60, 10)).tobytes()
    assert out.getpixel((20, 17)) == (*EDIT.getpixel((20, 17)), 255)


def test_a_picture_or_a_mask_of_another_size_is_refused():
    files = Files()
    with pytest.raises(PictureError, match="the source is 30x40 and the edit 60x40: nothing can be put back"):
        restored(files, BOX, source=SOURCE.resize((30, 40)))
    with pytest.raises(PictureError, match="the mask is 30x40 and the edit 60x40"):
        restored(files, files.put(Image.new("RGBA", (30, 40))))
    with pytest.raises(PictureError, match="leaves the picture"):
        restored(files, {"box": [50, 0, 20, 10], "unit": "pixels"})


def test_one_bit_that_was_not_put_back_is_found():
    keep = Image.new("L", (60, 40), 255)
    keep.paste(0, (0, 0, 30, 40))
    check_outside(SOURCE, SOURCE, keep)
    inside, outside = SOURCE.copy(), SOURCE.copy()
    for image, x in ((inside, 29), (outside, 30)):
        red, green, blue = image.getpixel((x, 7))
        image.putpixel((x, 7), (red, green, blue ^ 1))
    check_outside(inside, SOURCE, keep)
    with pytest.raises(PictureError, match="it differs from the source at 30,7"):
        check_outside(outside, SOURCE, keep)


def test_what_was_put_back_survives_a_lossless_file():
    out = opened(saved(restored(Files(), BOX)))
    assert out.crop((0, 25, 60, 40)).tobytes() == SOURCE.crop((0, 25, 60, 40)).tobytes()
