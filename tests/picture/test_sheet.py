"""Drawing sheets: every picture in its place, names that can be read, pages, frames, and the same bytes every time."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys

import pytest
from PIL import Image, ImageChops

from imagebuild.core.steps.encode import default_encode
from imagebuild.core.steps.sheet import Label, SheetCell, locale_label, sheet_parameters
from imagebuild.core.steps.sheet_frame import sheet_frame
from imagebuild.errors import PictureError
from imagebuild.picture.measure import measure
from imagebuild.picture.sheet import draw_sheet
from imagebuild.picture.steps import draw_steps
from tests.picture.files import Files, opened, saved

OPTIONS = {
    "rows": None, "columns": None, "labels": True, "gap": 10, "background": "#ffffff", "cell": 60, "width": 400,
    "pages": "one", "seconds": 1.0,
}  # fmt: skip
COLORS = ((200, 0, 0), (0, 160, 0), (0, 0, 220), (230, 180, 0), (120, 0, 130))
TAGS = ("de-DE", "ar-EG", "ja-JP", "hi-IN", "th-TH")


def sheet(files, sizes=((120, 80),) * 5, *, title=None, **said):
    """A sheet of plain pictures, each of another colour."""
    pictures = [files.put(Image.new("RGB", size, color)) for size, color in zip(sizes, COLORS, strict=False)]
    cells = [SheetCell(each, locale_label(tag), None, None) for each, tag in zip(pictures, TAGS, strict=False)]
    return sheet_parameters({**OPTIONS, **said}, title, "en", cells)


def test_every_picture_lies_where_the_frame_says():
    files = Files()
    parameters = sheet(files)
    (page,) = draw_sheet(parameters, files.read)
    frame = sheet_frame(parameters, [(120, 80)] * 5)
    assert page.size == frame.size
    for area, color in zip(frame.pictures, COLORS, strict=True):
        inside = page.crop((area.left, area.top, area.left + area.width, area.top + area.height))
        assert inside.getcolors() == [(area.width * area.height, color)]
        assert page.getpixel((area.left - 3, area.top + 3)) == (255, 255, 255)


def test_a_white_picture_has_an_edge_and_a_transparent_one_shows_the_background():
    files = Files()
    clear = Image.new("RGBA", (60, 60), (255, 0, 0, 0))
    digests = [files.put(Image.new("RGB", (60, 60), (255, 255, 255))), files.put(clear)]
    cells = [SheetCell(each, Label("x", "und"), None, None) for each in digests]
    (page,) = draw_sheet(sheet_parameters({**OPTIONS, "background": "#eeeedd"}, None, "en", cells), files.read)
    frame = sheet_frame(sheet_parameters(OPTIONS, None, "en", cells), [(60, 60)] * 2)
    white, through = frame.pictures
    assert page.getpixel((white.left - 1, white.top + 30)) not in {(255, 255, 255), (238, 238, 221)}
    assert page.getpixel((through.left + 30, through.top + 30)) == (238, 238, 221)


@pytest.mark.parametrize(("background", "dark"), [("#ffffff", True), ("#101418", False)])
def test_names_are_written_below_each_picture_dark_on_light_and_light_on_dark(background, dark):
    files = Files()
    parameters = sheet(files, background=background, title="Spring kettle")
    (page,) = draw_sheet(parameters, files.read)
    frame = sheet_frame(parameters, [(120, 80)] * 5)
    ground = page.getpixel((0, 0))
    for words in frame.words:
        box = (words.left, words.baseline - words.size, words.left + words.width, words.baseline + words.size // 3)
        changed = ImageChops.difference(page.crop(box), Image.new("RGB", page.crop(box).size, ground))
        assert changed.getbbox() is not None, words.text
        inks = [color for _, color in page.crop(box).getcolors(9999)]
        strongest = min(map(sum, inks)) if dark else max(map(sum, inks))
        assert (sum(ground) - strongest) * (1 if dark else -1) > 250, words.text


def test_a_name_that_is_too_long_is_written_smaller_not_over_its_neighbour():
    files = Files()
    long = Label("Kampagnenmotivvariante für den Frühjahrsauftakt", "de")
    cells = [SheetCell(files.put(Image.new("RGB", (160, 60), color)), long, None, None) for color in COLORS[:2]]
    parameters = sheet_parameters(OPTIONS, None, "en", cells)
    (page,) = draw_sheet(parameters, files.read)
    one, two = sheet_frame(parameters, [(160, 60)] * 2).pictures
    between = page.crop((one.left + one.width + 2, one.top + one.height + 2, two.left - 2, page.height))
    assert between.getcolors() == [(between.width * between.height, (255, 255, 255))]


def test_a_character_that_no_font_has_is_shown_by_its_code():
    files = Files()
    cells = [SheetCell(files.put(Image.new("RGB", (60, 60))), Label("\U0001cd00", "und"), None, None)]
    (page,) = draw_sheet(sheet_parameters(OPTIONS, None, "en", cells), files.read)
    assert len(page.getcolors(9999)) > 2


def drawn(files, parameters, encoding):
    return draw_steps(None, [("sheet", parameters), ("encode", encoding)], read=files.read)


@pytest.mark.parametrize("form", ["png", "jpeg", "webp", "avif", "gif"])
def test_a_sheet_is_written_in_every_format(form):
    files = Files()
    found = drawn(files, sheet(files), default_encode(form))
    assert (measure(found.data).size, found.media_type) == (found.size, f"image/{form}")
    assert measure(found.data).frames == 1


@pytest.mark.parametrize("form", ["webp", "gif"])
def test_an_animated_sheet_shows_each_picture_as_long_as_was_said(form):
    files = Files()
    found = drawn(files, sheet(files, pages="animated", seconds=0.7, cell=100), default_encode(form))
    assert measure(found.data).frames == 5
    animation = opened(found.data)
    assert animation.info["loop"] == 0
    for number, color in enumerate(COLORS):
        animation.seek(number)
        animation.load()
        assert animation.info["duration"] == 700
        middle = animation.convert("RGB").getpixel((found.size[0] // 2, found.size[1] // 2 - 10))
        assert all(abs(a - b) < 12 for a, b in zip(middle, color, strict=True))


def test_a_paged_sheet_is_a_pdf_of_a_page_each_without_a_date():
    files = Files()
    found = drawn(files, sheet(files, pages="paged", title="Spring"), default_encode("pdf"))
    assert found.media_type == "application/pdf"
    assert found.data.startswith(b"%PDF-")
    assert b"/Count 5" in found.data
    assert found.data.count(b"/MediaBox") == 5
    assert b"Date" not in found.data
    width, height = (edge / 2 for edge in found.size)  # 144 pixels an inch, 72 points
    assert b"/MediaBox [ 0 0 %s %s ]" % (str(width).encode(), str(height).encode()) in found.data


def test_an_animation_fits_its_bytes_with_the_best_quality_that_does():
    files = Files()
    noise = Image.frombytes("L", (160, 120), bytes((i * i * 31 + i * 17) % 256 for i in range(19_200))).convert("RGB")
    digests = [files.put(noise.rotate(turn)) for turn in (0, 180)]
    cells = [SheetCell(each, Label("x", "und"), None, None) for each in digests]
    parameters = sheet_parameters({**OPTIONS, "pages": "animated", "cell": 160}, None, "en", cells)
    free = drawn(files, parameters, default_encode("webp")).data
    tight = drawn(files, parameters, {**default_encode("webp"), "max_bytes": len(free) * 3 // 4}).data
    assert len(free) // 2 < len(tight) <= len(free) * 3 // 4
    assert measure(tight).frames == 2


def test_a_picture_that_cannot_be_read_is_named():
    files = Files()
    parameters = sheet(files)
    digest = parameters["cells"][2]["picture"]
    files[digest] = files[digest][:60]
    with pytest.raises(PictureError, match=f"^the picture {digest[:12]} is damaged"):
        draw_sheet(parameters, files.read)


SAME = """
import hashlib, json, sys
from PIL import Image
from imagebuild.picture.steps import draw_steps
from tests.picture.files import Files
from tests.picture.test_sheet import COLORS
files = Files()
for color in COLORS:
    files.put(Image.new("RGB", (120, 80), color))
for steps in json.loads(sys.argv[1]):
    print(hashlib.sha256(draw_steps(None, steps, read=files.read).data).hexdigest())
"""


def test_the_same_sheet_gives_the_same_bytes_in_another_process():
    files = Files()
    kinds = [("one", "png"), ("one", "webp"), ("animated", "gif"), ("animated", "webp"), ("paged", "pdf")]
    work = [
        [["sheet", sheet(files, pages=pages, title="A")], ["encode", default_encode(form)]] for pages, form in kinds
    ]
    here = [hashlib.sha256(draw_steps(None, steps, read=files.read).data).hexdigest() for steps in work]
    there = subprocess.run([sys.executable, "-c", SAME, json.dumps(work)], capture_output=True, check=True).stdout
    assert there.decode().split() == here


def test_one_picture_of_one_pixel_is_a_sheet_too():
    files = Files()
    cells = [SheetCell(files.put(saved(Image.new("RGB", (1, 1)))), Label("", "und"), None, None)]
    for pages in ("one", "paged", "animated"):
        found = draw_sheet(sheet_parameters({**OPTIONS, "pages": pages}, None, "en", cells), files.read)
        assert len(found) == 1
