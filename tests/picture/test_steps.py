"""From a master's bytes to a deliverable's: colours, modes, damage, and the same bytes every time."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys

import pytest
from PIL import Image, ImageCms

from imagebuild.core.steps.encode import FORMATS, PAGE_FORMATS, default_encode
from imagebuild.core.steps.registry import INSERTED, STEPS
from imagebuild.errors import PictureError
from imagebuild.picture.measure import measure
from imagebuild.picture.steps import DRAWERS, decode, draw_steps, run_steps
from tests.picture.files import Files, saved, scene


def nothing(digest):
    raise KeyError(digest)


def near(ours, theirs, by=2):
    return all(abs(a - b) <= by for a, b in zip(ours, theirs, strict=True))


def test_every_step_of_the_spec_can_be_drawn():
    assert set(DRAWERS) | {"encode"} == {*STEPS, *INSERTED}


def test_steps_are_drawn_in_order_and_the_result_is_described():
    steps = [
        ("fit", {"cover": [60, 40], "anchor": "center"}),
        ("crop", {"ratio": "1:1", "anchor": "left"}),
        ("encode", {"format": "webp", "quality": 80, "lossless": False}),
    ]
    drawn = run_steps(saved(scene(), "PNG"), steps, source="hero", read=nothing)
    assert (drawn.size, drawn.media_type) == ((40, 40), "image/webp")
    assert (measure(drawn.data).size, measure(drawn.data).format) == ((40, 40), "webp")


def test_a_picture_is_turned_left_to_right_only_where_that_is_asked_for():
    for when, expected in (("always", scene().transpose(Image.Transpose.FLIP_LEFT_RIGHT)), ("never", scene())):
        steps = [("flip", {"when": when}), ("encode", {"format": "png"})]
        drawn = run_steps(saved(scene(), "PNG"), steps, source="hero", read=nothing)
        assert decode(drawn.data, source="drawn").tobytes() == expected.tobytes()


@pytest.mark.parametrize("form", FORMATS)
def test_without_an_encode_step_the_default_format_is_written(form):
    implicit = run_steps(saved(scene(), "PNG"), [], source="hero", read=nothing, default_format=form)
    explicit = run_steps(saved(scene(), "PNG"), [("encode", default_encode(form))], source="hero", read=nothing)
    assert implicit == explicit
    assert implicit.media_type == f"image/{form}"


def test_a_decoded_master_can_be_drawn_many_times_and_stays_as_it_is():
    master = saved(scene(), "JPEG", quality=95)
    image = decode(master, source="hero")
    before = image.tobytes()
    for target in ([96, 64], [48, 48], [10, 40]):
        steps = [("fit", {"cover": target, "anchor": "center"})]
        assert draw_steps(image, steps, read=nothing) == run_steps(master, steps, source="hero", read=nothing)
    assert image.tobytes() == before


SAME = """
import hashlib, json, sys
from imagebuild.picture.steps import run_steps
files = {each: bytes.fromhex(data) for each, data in json.loads(sys.stdin.read()).items()}
for steps in json.loads(sys.argv[1]):
    drawn = run_steps(files["master"], steps, source="hero", read=files.__getitem__)
    print(hashlib.sha256(drawn.data).hexdigest())
"""


def test_the_same_work_gives_the_same_bytes_in_another_process():
    files = Files()
    logo = Image.new("RGBA", (64, 32), (255, 255, 255, 0))
    logo.paste((20, 40, 60, 200), (8, 8, 56, 24))
    code = "def step(image, by):\n    return image.point(lambda value: value // by)\n"
    fit = ["fit", {"cover": [512, 300], "anchor": [0.3, 0.4]}]
    own = [
        ["put_back", {"source": files.put(scene((640, 400)).rotate(180)),
                      "mask": {"box": [0.2, 0.2, 0.5, 0.5], "unit": "relative", "feather": 20}}],
        fit,
        ["overlay", {"on_light": files.put(logo), "on_dark": files.put(logo.rotate(180)), "width": 0.1, "clear": 0.02,
                     "anchor": "bottom-right", "opacity": 0.8, "most_scale": 1.0}],
        ["sharpen", {"amount": 0.5, "radius": 0.8, "threshold": 2}],
        ["python", {"file": "own.py", "source": files.put(code.encode()), "function": "step", "with": {"by": 2},
                    "uses": []}],
    ]  # fmt: skip
    work = [[fit, ["encode", default_encode(form)]] for form in (*FORMATS, *PAGE_FORMATS)]
    work.append([fit, ["encode", {**default_encode("webp"), "max_bytes": 3000}]])
    work.append([fit, ["encode", {"format": "png", "colors": 64, "max_bytes": 60_000}]])
    work.append([*own, ["encode", {"format": "jpeg", "quality": 80, "background": "#ffffff", "profile": "srgb",
                                   "metadata": {"keep": True, "title": "Wärme"}}]])  # fmt: skip
    files["master"] = saved(scene((640, 400)), "PNG")
    here = [run_steps(files["master"], steps, source="hero", read=files.read).data for steps in work]
    handed = json.dumps({each: data.hex() for each, data in files.items()})
    there = subprocess.run(
        [sys.executable, "-c", SAME, json.dumps(work)], input=handed, capture_output=True, check=True, text=True
    ).stdout
    assert there.split() == [hashlib.sha256(data).hexdigest() for data in here]


@pytest.mark.parametrize(
    ("image", "form", "expected"),
    [
        (Image.new("L", (4, 4), 90), "PNG", (90, 90, 90)),
        (Image.new("1", (4, 4), 1), "PNG", (255, 255, 255)),
        (Image.new("LA", (4, 4), (90, 100)), "PNG", (90, 90, 90, 100)),
        (Image.new("RGBA", (4, 4), (1, 2, 3, 100)), "PNG", (1, 2, 3, 100)),
        (Image.new("RGBA", (4, 4), (1, 2, 3, 255)), "PNG", (1, 2, 3)),
        (Image.new("I;16", (4, 4), 257 * 90), "PNG", (90, 90, 90)),
        (Image.new("I;16", (4, 4), 65535), "PNG", (255, 255, 255)),
        (Image.new("RGB", (4, 4), (10, 200, 30)).quantize(4), "PNG", (10, 200, 30)),
        (Image.new("RGB", (4, 4), (10, 200, 30)).quantize(4), "GIF", (10, 200, 30)),
        (Image.new("CMYK", (4, 4), (0, 0, 0, 0)), "JPEG", (255, 255, 255)),
        (Image.new("CMYK", (4, 4), (0, 255, 255, 0)), "JPEG", (254, 0, 0)),
    ],
)
def test_every_mode_of_a_file_becomes_plain_colours(image, form, expected):
    out = decode(saved(image, form), source="hero")
    assert out.mode == ("RGBA" if len(expected) == 4 else "RGB")
    assert near(out.getpixel((1, 1)), expected, by=1)


def test_a_transparent_palette_colour_becomes_alpha():
    palette = Image.new("P", (4, 4), 0)
    palette.putpalette([255, 0, 0, 0, 0, 255])
    palette.putpixel((1, 1), 1)
    for form in ("PNG", "GIF"):
        out = decode(saved(palette, form, transparency=0), source="hero")
        assert (out.mode, out.getpixel((0, 0))[3], out.getpixel((1, 1))) == ("RGBA", 0, (0, 0, 255, 255))


def test_the_first_frame_of_an_animation_is_taken():
    frames = [Image.new("RGB", (8, 8), color) for color in ((255, 0, 0), (0, 255, 0))]
    for form in ("GIF", "WEBP", "AVIF"):
        data = saved(frames[0], form, save_all=True, append_images=frames[1:])
        drawn = run_steps(data, [("encode", default_encode("avif"))], source="hero", read=nothing)
        assert measure(drawn.data).frames == 1
        assert near(decode(data, source="hero").getpixel((4, 4)), (255, 0, 0), by=4)


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_a_picture_is_turned_the_way_its_camera_says(form, turn):
    from_camera = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[turn]
    upright = scene((40, 24))
    stored = upright if from_camera is None else upright.transpose(from_camera)
    exif = Image.Exif()
    exif[0x0112] = turn
    data = saved(stored, form, exif=exif, **({"lossless": True} if form == "WEBP" else {}))
    assert decode(data, source="hero").tobytes() == upright.tobytes()


def swapped_profile():
    """An sRGB profile whose red and green primaries have changed places, under another name."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for position in range(132, 132 + 12 * int.from_bytes(data[128:132], "big"), 12):
        if data[position : position + 4] == b"rXYZ":
            red = position
        if data[position : position + 4] == b"gXYZ":
            green = position
    data[red : red + 4], data[green : green + 4] = b"gXYZ", b"rXYZ"
    for name in (b"sRGB", "sRGB".encode("utf-16-be")):
        data = data.replace(name, name.lower().replace(b"s", b"x").replace(b"b", b"q"))
    return bytes(data)


def test_colours_are_brought_from_the_files_profile_to_srgb():
    green = Image.new("RGB", (8, 8), (0, 255, 0))
    out = decode(saved(green, "PNG", icc_profile=swapped_profile()), source="hero")
    assert near(out.getpixel((4, 4)), (255, 0, 0), by=2)
    assert not out.info


def test_alpha_survives_the_conversion_of_colours():
    image = Image.new("RGBA", (8, 8), (0, 255, 0, 77))
    out = decode(saved(image, "PNG", icc_profile=swapped_profile()), source="hero")
    assert near(out.getpixel((4, 4)), (255, 0, 0, 77), by=2)


def test_an_srgb_picture_keeps_every_pixel_and_a_broken_profile_is_ignored():
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (srgb, b"no profile at all"):
        out = decode(saved(scene(), "PNG", icc_profile=profile), source="hero")
        assert out.tobytes() == scene().tobytes()


def test_a_colour_profile_for_another_kind_of_picture_is_ignored():
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    out = decode(saved(scene(), "PNG", icc_profile=lab), source="hero")
    assert out.tobytes() == scene().tobytes()


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "AVIF", "GIF"])
def test_a_file_cut_short_is_refused_and_named(form):
    data = saved(scene((200, 150)), form)
    for share in (0.3, 0.6, 0.98):
        with pytest.raises(PictureError, match=r"^hero is damaged or cut short: "):
            decode(data[: int(len(data) * share)], source="hero")


def test_one_flipped_bit_in_a_png_is_noticed():
    data = bytearray(saved(Image.effect_noise((64, 64), 90), "PNG"))
    data[len(data) // 2] ^= 4
    with pytest.raises(PictureError, match="damaged"):
        decode(bytes(data), source="hero")
