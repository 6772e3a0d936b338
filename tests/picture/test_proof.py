from __future__ import annotations

import hashlib
import io
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from random import Random

import pytest
from PIL import Image, ImageChops, ImageDraw, ImageStat

from imagebuild.errors import PictureError
from imagebuild.picture.proof.caption import caption_height
from imagebuild.picture.proof.color import contrast, palette_of
from imagebuild.picture.proof.copy import language_of, quoted, without_quotes
from imagebuild.picture.proof.painter import ProofRequest, paint
from imagebuild.picture.proof.scenes import FAMILIES

SMALL = (816, 816)
KETTLE = ProofRequest(operation="generate", prompt="a copper kettle at dawn", size=SMALL, label="hero[locale=de-DE]")


def opened(data):
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def png(image):
    target = io.BytesIO()
    image.save(target, "PNG")
    return target.getvalue()


def difference(one, two):
    """The mean difference of two pictures, 0 to 255."""
    return max(ImageStat.Stat(ImageChops.difference(one.convert("RGB"), two.convert("RGB"))).mean)


@pytest.fixture(scope="module")
def photo():
    return png(opened(paint(replace(KETTLE, prompt="a valley", take=3))).crop((0, 0, 816, 612)))


@pytest.fixture(scope="module")
def cut_out():
    image = Image.new("RGBA", (200, 300))
    ImageDraw.Draw(image).ellipse((40, 20, 160, 300), fill=(255, 0, 255, 255))
    return png(image)


@pytest.mark.parametrize("output_format", ["png", "jpeg", "webp"])
@pytest.mark.parametrize(
    ("size", "quality"),
    [((816, 816), "low"), ((1440, 480), "medium"), ((480, 1440), "high"), ((1024, 1536), "auto")],
)
def test_every_format_and_quality_has_the_asked_size(size, quality, output_format):
    image = opened(paint(replace(KETTLE, size=size, quality=quality, output_format=output_format)))
    assert (image.size, image.format, image.mode) == (size, output_format.upper(), "RGB")


@pytest.mark.parametrize("size", [(3840, 2160), (3840, 1280), (1280, 3840)])
def test_the_largest_sizes_are_painted(size):
    image = opened(paint(replace(KETTLE, prompt="poster “Sale”", size=size, output_format="jpeg")))
    assert image.size == size


@pytest.mark.parametrize("output_format", ["png", "webp"])
def test_a_transparent_background_is_really_transparent_and_the_subject_is_not(output_format):
    image = opened(paint(replace(KETTLE, background="transparent", output_format=output_format)))
    assert image.mode == "RGBA"
    alpha = image.getchannel("A")
    assert alpha.getpixel((3, 3)) == 0
    assert alpha.getpixel((408, 600)) == 255
    assert 0.3 < alpha.histogram()[0] / (816 * 816) < 0.95


def test_a_jpeg_cannot_be_transparent():
    with pytest.raises(PictureError) as caught:
        paint(replace(KETTLE, background="transparent", output_format="jpeg"))
    assert (caught.value.what, caught.value.hint) == ("a transparent background in a `jpeg`", "ask for `png` or `webp`")


def test_the_same_request_gives_the_same_bytes_in_other_processes_and_threads(photo):
    requests = [replace(KETTLE, prompt=f"no {i} “مرحبا” 「静けさ」", variant=i, references=(photo,)) for i in range(5)]
    digests = [hashlib.sha256(paint(request)).hexdigest() for request in requests]
    with ThreadPoolExecutor(4) as pool:
        assert [hashlib.sha256(data).hexdigest() for data in pool.map(paint, requests)] == digests
    code = (
        "import hashlib, sys\nfrom imagebuild.picture.proof.painter import ProofRequest, paint\n"
        "photo = sys.stdin.buffer.read()\n"
        "for i in range(5):\n"
        "    request = ProofRequest(operation='generate', prompt=f'no {i} “مرحبا” 「静けさ」', size=(816, 816),\n"
        "                           variant=i, label='hero[locale=de-DE]', references=(photo,))\n"
        "    print(hashlib.sha256(paint(request)).hexdigest())\n"
    )
    run = subprocess.run([sys.executable, "-X", "utf8", "-c", code], input=photo, capture_output=True, check=True)
    assert run.stdout.decode().split() == digests


def test_every_family_of_compositions_is_reached_and_each_take_and_variant_differs():
    pictures = [opened(paint(replace(KETTLE, variant=i))) for i in range(1, len(FAMILIES) + 1)]
    pictures += [opened(paint(replace(KETTLE, take=2))), opened(paint(replace(KETTLE, take=3)))]
    for i, one in enumerate(pictures):
        for other in pictures[i + 1 :]:
            assert difference(one, other) > 10


def test_the_label_is_drawn_in_the_caption_and_nowhere_else():
    one, other = (opened(paint(replace(KETTLE, label=label))) for label in ("hero[locale=de-DE]", "banner"))
    top = SMALL[1] - caption_height(SMALL)
    assert ImageChops.difference(one, other).getbbox()[1] >= top
    empty = opened(paint(replace(KETTLE, label="")))
    assert ImageChops.difference(one, empty).getbbox()[1] >= top


def test_colors_named_in_the_prompt_become_the_palette():
    palette = palette_of("in #0b3954 with #ff6663 on #fff8f0", Random(0))
    assert (palette.deep, palette.accent, palette.paper) == ((11, 57, 84), (255, 102, 99), (255, 248, 240))
    image = opened(paint(replace(KETTLE, prompt="blocks #0b3954 #ff6663", quality="low", variant=2)))
    assert (
        difference(image, opened(paint(replace(KETTLE, prompt="blocks #00ff00 #ff6663", quality="low", variant=2)))) > 8
    )


@pytest.mark.parametrize("colors", ["#fff", "#000000", "#ff0000", "#000 #fff", "#7f7f7f #808080", ""])
def test_any_palette_leaves_light_and_dark_far_enough_apart_for_words(colors):
    request = replace(KETTLE, prompt=f"poster {colors} “Sale”")
    assert opened(paint(request)).size == SMALL
    if colors:
        palette = palette_of(colors, Random(0))
        assert contrast(palette.paper, palette.deep) > 7


@pytest.mark.parametrize(
    ("prompt", "copy"),
    [
        ('say "Brew calm" and "Shop now"', ("Brew calm", "Shop now")),
        ("“Sale” „Angebot“ «Скидка» ‹Solde›", ("Sale", "Angebot", "Скидка", "Solde")),
        ("「春の新作」と『限定』", ("春の新作", "限定")),
        ("the kettle's handle, 12\" wide and 5\" tall, don't", ()),
        ('דו"ח של צה"ל', ()),
        ("“two\n   lines”", ("two lines",)),
        ('an empty "" and "same" "same"', ("same",)),
    ],
)
def test_copy_is_what_stands_in_quotes(prompt, copy):
    assert quoted(prompt) == copy


def test_languages_of_one_poster_share_colors_and_composition():
    one, other = ("poster of a kettle “Brew calm”", "poster of a kettle „Ruhig aufbrühen“")
    assert without_quotes(one) == without_quotes(other)
    pictures = [opened(paint(replace(KETTLE, prompt=prompt, variant=3, quality="low"))) for prompt in (one, other)]
    lower = (0, 400, 816, 816 - caption_height(SMALL) - 20)
    assert difference(*(picture.crop(lower) for picture in pictures)) < 3
    assert difference(*(picture.crop((0, 0, 816, 330)) for picture in pictures)) > 3


def test_the_language_of_copy_is_told_by_its_script():
    texts = ["Sale", "Скидка", "تخفيض", "छूट", "ছাড়", "ลด", "할인", "春の", "优惠活动", "優惠活動", "מבצע", "Προσφορά"]
    assert [language_of(text) for text in texts] == [
        "en", "ru", "ar", "hi", "bn", "th", "ko", "ja", "zh-Hans", "zh-Hant", "he", "el",
    ]  # fmt: skip
    assert language_of("限定", "ケトルの限定") == "ja"


@pytest.mark.parametrize("family", range(len(FAMILIES)))
def test_right_to_left_copy_stands_at_the_right_and_left_to_right_copy_at_the_left(family):
    """The same scene with other words of the same direction differs only where the words are."""
    request = replace(KETTLE, size=(1440, 720), quality="low", variant=family, label="")
    where = []
    for words in (("Quiet mornings", "Brew calm"), ("صباح هادئ", "قهوة جديدة")):
        one, other = (opened(paint(replace(request, prompt=f"poster “{text}”"))).convert("L") for text in words)
        upper = (0, 0, 1440, 720 - caption_height((1440, 720)))
        changed = ImageChops.difference(one.crop(upper), other.crop(upper)).point([0] * 70 + [255] * 186)
        where.append(changed.getbbox())
    assert where[0][2] < 720
    assert where[1][0] > 720


def test_reference_pictures_are_plain_to_see(photo, cut_out):
    alone = opened(paint(replace(KETTLE, references=(cut_out,), quality="low")))
    magenta = sum(count for count, color in alone.getcolors(816 * 816) if color == (255, 0, 255))
    assert magenta > 816 * 816 * 0.02
    for count in (1, 2, 3, 7, 16):
        image = opened(paint(replace(KETTLE, references=(photo,) * count, quality="low")))
        assert difference(image, opened(paint(replace(KETTLE, quality="low")))) > 3


def test_a_reference_that_is_no_picture_is_told_by_its_number():
    with pytest.raises(PictureError) as caught:
        paint(replace(KETTLE, references=(b"no picture",)))
    assert caught.value.what.startswith("cannot read reference picture 1: ")
    assert caught.value.hint == "give a PNG, JPEG or WebP file"


def test_an_edit_shows_its_picture_changed(photo):
    base = opened(photo)
    edit = opened(paint(ProofRequest(operation="edit", prompt="falling snow", size=(816, 608), references=(photo,))))
    assert edit.size == (816, 608)
    other = opened(paint(replace(KETTLE, prompt="something else", variant=2))).resize((816, 612))
    assert 8 < difference(edit.resize(base.size), base) < difference(edit.resize(base.size), other)


@pytest.fixture(scope="module")
def mask():
    image = Image.new("RGBA", (816, 612), (0, 0, 0, 255))
    draw = ImageDraw.Draw(image)
    draw.ellipse((300, 100, 700, 560), fill=(0, 0, 0, 0))
    draw.rectangle((40, 40, 200, 200), fill=(0, 0, 0, 128))  # half transparent is not "may change"
    return png(image)


@pytest.mark.parametrize("output_format", ["png", "webp"])
@pytest.mark.parametrize("with_copy", [False, True])
def test_a_masked_edit_changes_nothing_outside_the_mask(photo, mask, output_format, with_copy):
    prompt = "a balloon with “Summer sale”" if with_copy else "a balloon"
    request = ProofRequest(
        operation="edit", prompt=prompt, size=(816, 612), references=(photo,), mask=mask, output_format=output_format,
        label="winter[locale=de-DE]",
    )  # fmt: skip
    base, edit = opened(photo).convert("RGB"), opened(paint(request)).convert("RGB")
    may_change = opened(mask).getchannel("A").point([255] + [0] * 255)
    outside = ImageChops.invert(may_change)
    black = Image.new("RGB", base.size)
    assert (
        ImageChops.difference(Image.composite(edit, black, outside), Image.composite(base, black, outside)).getbbox()
        is None
    )
    inside = ImageStat.Stat(ImageChops.difference(edit, base), may_change).mean
    assert max(inside) > 10


def test_a_masked_edit_of_another_size_keeps_the_scaled_base_outside(photo, mask):
    size = (1088, 816)
    request = ProofRequest(operation="edit", prompt="x", size=size, references=(photo,), mask=mask)
    base, edit = opened(photo).resize(size, Image.Resampling.LANCZOS), opened(paint(request))
    assert edit.crop((0, 0, 380, 816)).tobytes() == base.crop((0, 0, 380, 816)).tobytes()
    assert edit.size == size


@pytest.mark.parametrize("alpha", [0, 255])
def test_a_mask_may_be_wholly_open_or_wholly_closed(photo, alpha):
    whole = png(Image.new("RGBA", (816, 612), (0, 0, 0, alpha)))
    request = ProofRequest(operation="edit", prompt="x", size=(816, 612), references=(photo,), mask=whole)
    assert (opened(paint(request)).convert("RGB").tobytes() == opened(photo).tobytes()) is (alpha == 255)


def test_an_edit_of_a_transparent_picture_stays_transparent(cut_out):
    request = ProofRequest(operation="edit", prompt="x", size=SMALL, references=(cut_out,))
    assert opened(paint(request)).getpixel((2, 2))[3] == 0
    assert opened(paint(replace(request, output_format="jpeg"))).mode == "RGB"


def test_what_cannot_be_asked_of_an_edit_is_said(photo, mask):
    for request, what in (
        (replace(KETTLE, operation="edit"), "an edit without a picture to edit"),
        (replace(KETTLE, mask=mask), "a mask without an edit"),
        (
            ProofRequest(operation="edit", prompt="", size=SMALL, references=(photo,), mask=photo),
            "the mask has no transparency",
        ),
    ):
        with pytest.raises(PictureError) as caught:
            paint(request)
        assert caught.value.what == what


@pytest.mark.parametrize(
    "prompt", ["", " \n ", "😀 𓀀 \ue000", "“𓀀”", "x" * 32000, "“" + "w" * 230 + "”", "\u202e“\u0000”", "\ud800"]
)
@pytest.mark.parametrize("size", [SMALL, (480, 1440), (1440, 480)])
def test_no_prompt_however_strange_stops_a_proof(prompt, size):
    assert opened(paint(replace(KETTLE, prompt=prompt, size=size, label="x" * 200))).size == size
