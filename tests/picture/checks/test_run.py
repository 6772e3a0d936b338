"""Planted faults are told, each with its place and what to do; clean pictures raise nothing."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from PIL import Image, ImageDraw

from imagebuild.core.layouts.canonical import Area, PictureItem, canonical_typeset
from imagebuild.errors import PictureError
from imagebuild.picture.checks.run import CHECKS, run_checks
from imagebuild.picture.reading.base import Look, Reading, TextLine, overlap
from imagebuild.picture.typeset.draw import typeset
from tests.picture.checks.pictures import (
    LOCALES,
    SAFE,
    delivered,
    encoded,
    layout,
    nothing,
    plate,
    png,
    reading,
    repainted,
)

GEOMETRY = {"contrast": {"least": None}, "safe_zones": {"safe": [0.0, 0.0, 0.0, 0.0]}}


def report(data, checks, files=None, readers=()):
    found = run_checks(data, checks, reading(files) if files else nothing, readers=readers)
    assert json.loads(json.dumps(found)) == found
    return found


def only(data, checks, files=None, readers=()):
    """The one finding."""
    found = report(data, checks, files, readers)
    (finding,) = found["findings"]
    assert found["checks"][finding["check"]] == finding["verdict"]
    assert found["verdict"] == finding["verdict"]
    assert finding["what"][0].islower() or finding["what"][0] in "`“0123456789"
    assert not finding["what"].endswith(".")
    assert finding["hint"]
    return finding


def flat(color, size=(400, 200), form="png"):
    return encoded(Image.new("RGB", size, color), form)


# ------------------------------------------------------------------------------------------------------------ file


def test_a_file_that_is_as_it_shall_be_passes():
    data = flat("#123456", form="jpeg")
    limits = {"size": [400, 200], "formats": ["jpeg"], "max_bytes": len(data)}
    assert report(data, {"file": limits}) == {
        "verdict": "passed", "deliver": True, "checks": {"file": "passed"}, "findings": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("limits", "what"),
    [
        ({"size": [400, 201]}, "the file is 400x200, `checks.file` wants 400x201"),
        ({"formats": ["jpeg", "png"]}, "the file is webp, `checks.file` wants jpeg or png"),
        ({"max_bytes": 40, "placement": "google/display"}, " bytes, `google/display` allows 40"),
    ],
)
def test_a_wrong_size_format_or_weight_is_told_with_both_figures(limits, what):
    finding = only(flat("#123456", form="webp"), {"file": limits})
    assert what in finding["what"]


def test_all_that_is_wrong_with_a_file_is_told_at_once():
    found = report(flat("#123456"), {"file": {"size": [1, 1], "formats": ["webp"], "max_bytes": 1}})
    assert (len(found["findings"]), found["deliver"]) == (3, False)


def test_bytes_that_are_no_picture_are_an_error_and_not_a_finding():
    with pytest.raises(PictureError):
        run_checks(b"no picture", {"file": {"size": [1, 1]}}, nothing)


# ----------------------------------------------------------------------------------------------- contrast and zones


@pytest.mark.parametrize("tag", LOCALES)
def test_clean_typeset_pictures_raise_nothing(tag):
    data, parameters = delivered(tag, form="jpeg")
    found = report(data, {**GEOMETRY, "typeset": [parameters]})
    assert (found["findings"], found["deliver"]) == ([], True)


def test_words_on_what_came_to_be_behind_them_are_told_with_their_contrast_and_place():
    data, parameters = delivered(
        "de-DE", inks=("#ffffff",), scrim=None, areas=(Area((0, 0, 1, 1), "picture", "#203040", None, "end", 0),)
    )
    assert report(data, {**GEOMETRY, "typeset": [parameters]})["findings"] == []
    washed = repainted(data, lambda image: Image.blend(image, Image.new("RGB", image.size, "white"), 0.75))
    found = report(washed, {**GEOMETRY, "typeset": [parameters]})
    assert {finding["role"] for finding in found["findings"]} == {"headline", "cta", "legal"}
    first = found["findings"][0]
    assert first["check"] == "contrast"
    assert first["measured"] < 2 < first["limit"]
    assert "`headline` “Früher Dampf für müde Köpfe” has a contrast of 1." in first["what"]
    assert first["box"][0] < first["box"][2]


def test_a_campaigns_own_contrast_stands_above_the_layouts():
    data, parameters = delivered(
        "en-US", inks=("#767676",), scrim=None, areas=(Area((0, 0, 1, 1), "picture", "#ffffff", None, "end", 0),)
    )
    assert report(data, {"contrast": {"least": None}, "typeset": [parameters]})["deliver"]
    assert not report(data, {"contrast": {"least": 9.0}, "typeset": [parameters]})["deliver"]


def test_copy_under_a_placements_controls_is_told_with_the_side_and_how_deep():
    data, parameters = delivered("en-US", "story", frame="picture")
    checks = {"safe_zones": {"safe": list(SAFE["story"])}, "typeset": [parameters]}
    assert report(data, checks)["findings"] == []
    checks["safe_zones"] = {"safe": [0.0, 0.5, 0.0, 0.0]}
    findings = report(data, checks)["findings"]
    assert [finding["role"] for finding in findings] == ["headline", "cta", "legal"]
    assert "px into the 960 px that the placement covers at the top" in findings[0]["what"]


def test_a_logo_counts_as_copy():
    logo = png(Image.new("RGBA", (80, 40), "#c8102e"))
    plain = layout("en-US")
    group = plain.groups[0]._replace(items=(PictureItem("logo", "logo", 0.1, "end"),), valign="bottom")
    parameters = canonical_typeset(plain._replace(groups=(group,)))
    image = typeset(plate("landscape"), parameters, reading({"logo": logo}))
    checks = {"safe_zones": {"safe": [0.0, 0.0, 0.0, 0.2]}, "typeset": [parameters]}
    finding = only(encoded(image), checks, {"logo": logo})
    assert finding["what"].startswith("`logo` reaches ")
    assert finding["limit"] == 0


# --------------------------------------------------------------------------------------------------------- palette

BRAND = {"colors": ["#0b3954", "#ff6663", "#ffffff"], "most": 10, "share": 0.5}


def test_a_picture_in_the_brands_colours_passes_also_when_it_is_lossy_and_shaded():
    image = Image.new("RGB", (600, 400), "#0b3954")
    ImageDraw.Draw(image).rectangle((300, 0, 600, 400), fill="#fa6a66")
    assert report(encoded(image, "jpeg", quality=40), {"palette": BRAND})["verdict"] == "passed"


def test_a_picture_off_the_palette_is_told_with_its_colour_and_place():
    image = Image.new("RGB", (600, 400), "#0b3954")
    ImageDraw.Draw(image).rectangle((200, 0, 600, 400), fill="#2e8b57")
    finding = only(encoded(image, "webp"), {"palette": BRAND})
    assert "33 % of the picture is within ΔE 10 of the brand's colours, 50 % is wanted" in finding["what"]
    assert "`#2" in finding["what"]
    assert finding["measured"] == pytest.approx(1 / 3, abs=0.01)
    assert finding["box"][0] >= 150


def test_what_is_transparent_has_no_colour():
    image = Image.new("RGBA", (200, 100), (0, 200, 0, 0))
    ImageDraw.Draw(image).rectangle((0, 0, 40, 40), fill="#0b3954ff")
    assert report(png(image), {"palette": BRAND})["verdict"] == "passed"
    assert report(png(Image.new("RGBA", (9, 9))), {"palette": BRAND})["verdict"] == "passed"


def test_a_picture_of_one_pixel_can_be_looked_at():
    assert report(png(Image.new("RGB", (1, 1), "#ff6663")), {"palette": BRAND})["verdict"] == "passed"
    assert report(png(Image.new("RGB", (1, 1), "#00ff00")), {"palette": BRAND})["verdict"] == "failed"


# ------------------------------------------------------------------------------------------------------ duplicates


def test_a_locale_that_came_out_as_another_is_told_also_when_it_was_encoded_otherwise():
    english, parameters = delivered("en-US", form="webp")
    again = encoded(typeset(plate("landscape"), parameters, nothing), "webp", quality=55)
    checks = {"duplicates": {"least": 0.01}, "beside": ["a" * 64]}
    finding = only(again, checks, {"a" * 64: english})
    assert finding["beside"] == "a" * 64
    assert finding["measured"] < finding["limit"] == 0.01
    assert "`aaaaaaaaaaaa`" in finding["what"]


def test_pictures_of_one_layout_with_other_copy_are_no_duplicates():
    files = {tag: delivered(tag)[0] for tag in LOCALES}
    for tag, data in files.items():
        beside = [other for other in LOCALES if other != tag]
        assert report(data, {"duplicates": {"least": 0.01}, "beside": beside}, files)["findings"] == []


def test_one_changed_digit_in_small_print_is_other_copy():
    text = ("Sale", "Buy", "Only until 30 June 2026.")
    one = delivered("en-US", text=text)[0]
    other = delivered("en-US", text=(*text[:2], "Only until 30 June 2027."))[0]
    checks = {"duplicates": {"least": 0.01}, "beside": ["one"]}
    assert report(other, checks, {"one": one})["verdict"] == "passed"


def test_nothing_beside_a_picture_is_no_duplicate():
    assert report(flat("#000000"), {"duplicates": {"least": 0.01}, "beside": []})["verdict"] == "passed"


# ------------------------------------------------------------------------------------------------------------ text


class Saying:
    """A reader that always reads the same lines, and what is drawn clean as it is."""

    name = "tesseract"
    finds_anywhere = True

    def __init__(self, *lines, able=True):
        self.lines = tuple(TextLine(text, box, 0.95) for text, box in lines)
        self.able = able

    def scripts(self):
        return frozenset({"Latn"})

    def can_read(self, tag):
        return self.able

    def needs(self, tag):
        return "apt install tesseract-ocr"

    def versions(self, tag):
        return {"saying": "1"}

    def find(self, image):
        return tuple(line.box for line in self.lines)

    def read(self, image, tag):
        self.page = image.size
        return Reading(self.name, self.lines)

    def look(self, image, boxes, tag, *, latin):
        if image.size != self.page:
            return [(Look(self.name, "one", COPY["texts"][0]["text"]),)]
        texts = [" ".join(line.text for line in self.lines if overlap(line.box, box) > 0.5) for box in boxes]
        return [tuple(Look(self.name, way, text) for way in ("one", "two")) for text in texts]


BOX = (40, 40, 240, 80)
COPY = {"language": "en-US", "texts": [{"role": "", "text": "Steam rises"}], "allowed": []}
TEXT = {"text": {"least": 0.98, "unverified": "hold"}, "copy": COPY}


def test_words_that_are_read_as_they_should_be_pass():
    assert report(flat("white"), TEXT, readers=[Saying(("Steam rises", BOX))])["verdict"] == "passed"


def test_a_misspelt_word_is_told_with_what_differs_and_where():
    finding = only(flat("white"), TEXT, readers=[Saying(("Staem rises", BOX))])
    assert finding["verdict"] == "failed"
    assert finding["what"].startswith("“Steam rises” is not what the picture says: [-Steam-]{+Staem+} rises, at the ")
    assert (finding["expected"], finding["read"]) == ("Steam rises", "Staem rises")
    assert overlap(BOX, tuple(finding["box"])) == 1


def test_words_that_nobody_asked_for_are_told_unless_they_are_allowed():
    said = [Saying(("Steam rises", BOX), ("Northwind", (300, 150, 390, 180)))]
    finding = only(flat("white"), TEXT, readers=said)
    assert "nobody asked for the words “Northwind”" in finding["what"]
    allowed = {**TEXT, "copy": {**COPY, "allowed": ["Northwind"]}}
    assert report(flat("white"), allowed, readers=said)["verdict"] == "passed"


def test_of_a_placeholder_only_the_expected_words_are_looked_for():
    checks = {**TEXT, "text": {**TEXT["text"], "extra": False}}
    said = ("Steam rises", BOX), ("PROOF", (300, 150, 390, 180))
    assert report(flat("white"), checks, readers=[Saying(*said)])["verdict"] == "passed"
    assert report(flat("white"), checks, readers=[Saying(said[1])])["verdict"] == "failed"


def test_what_no_reader_can_read_is_unverified_and_delivered_only_when_that_is_said():
    for readers in ([], [Saying(able=False)]):
        found = report(flat("white"), TEXT, readers=readers)
        assert (found["verdict"], found["deliver"]) == ("unverified", False)
        let = {**TEXT, "text": {"least": 0.98, "unverified": "deliver"}}
        found = report(flat("white"), let, readers=readers)
        assert (found["verdict"], found["deliver"]) == ("unverified", True)
    assert found["findings"][0]["hint"] == "apt install tesseract-ocr"


def test_a_plate_passes_without_words_fails_with_any_and_is_unverified_unread():
    checks = {"plate": {"unverified": "hold"}, "copy": {"language": "und", "texts": [], "allowed": []}}
    assert report(flat("white"), checks, readers=[Saying()])["verdict"] == "passed"
    finding = only(flat("white"), checks, readers=[Saying(("SALE now", BOX))])
    assert (finding["check"], finding["verdict"], finding["read"]) == ("plate", "failed", "SALE now")
    assert only(flat("white"), checks)["verdict"] == "unverified"


def test_a_failure_is_not_hidden_by_what_is_unverified():
    checks = {**TEXT, "file": {"formats": ["webp"]}}
    found = report(flat("white"), checks)
    assert (found["verdict"], found["deliver"]) == ("failed", False)
    assert found["checks"] == {"file": "failed", "text": "unverified"}
    assert [finding["check"] for finding in found["findings"]] == ["file", "text"]


def test_words_of_a_model_are_looked_for_where_they_were_read():
    checks = {"safe_zones": {"safe": [0.0, 0.3, 0.0, 0.0], "unverified": "hold"}, "copy": COPY}
    finding = only(flat("white"), checks, readers=[Saying(("Steam rises", BOX))])
    assert "reaches 20 px into the 60 px that the placement covers at the top" in finding["what"]
    low = (40, 100, 240, 140)
    assert report(flat("white"), checks, readers=[Saying(("Steam rises", low))])["verdict"] == "passed"
    finding = only(flat("white"), checks, readers=[Saying(("Steam rises", (0, 100, 240, 140)))])
    assert "stands against the left edge and may be cut" in finding["what"]
    assert only(flat("white"), checks)["verdict"] == "unverified"


@pytest.mark.parametrize("ink", ["white", "black"])
def test_words_on_nothing_are_read_on_a_ground_that_they_stand_out_from(ink):
    image = Image.new("RGBA", (200, 100))
    ImageDraw.Draw(image).rectangle((40, 40, 120, 60), fill=ink)
    seen = []

    class Looking(Saying):
        def find(self, image):
            seen.append(image.getextrema())
            return super().find(image)

        def read(self, image, tag):
            seen.append(image.getextrema())
            return super().read(image, tag)

    report(png(image), TEXT, readers=[Looking()])
    assert seen
    assert all(low < 40 and high > 200 for extrema in seen for low, high in extrema)


def test_typeset_words_are_read_where_they_were_set():
    data, parameters = delivered("en-US", text=("Steam rises", "Buy", "Terms apply."))
    setting_box = report(data, {"contrast": {"least": 21.0}, "typeset": [parameters]})["findings"][0]["box"]
    texts = [{"role": "headline", "text": "Steam rises"}]
    checks = {"text": {"least": 1.0, "unverified": "hold"}, "copy": {**COPY, "texts": texts}, "typeset": [parameters]}
    found = report(data, checks, readers=[Saying(("Something else", tuple(setting_box)))])
    assert found["findings"][0]["box"] == setting_box


# ----------------------------------------------------------------------------------------------------- all of them


def test_the_report_is_the_same_in_every_process(tmp_path):
    data, parameters = delivered("ar-EG", "story")
    (tmp_path / "picture").write_bytes(data)
    checks = {
        "palette": BRAND, "contrast": {"least": 12.0}, "safe_zones": {"safe": [0.3, 0.3, 0.3, 0.3]},
        "file": {"max_bytes": 1}, "typeset": [parameters],
    }  # fmt: skip
    (tmp_path / "checks").write_text(json.dumps(checks))
    code = (
        "import json, pathlib, sys\n"
        "from imagebuild.picture.checks.run import run_checks\n"
        "here = pathlib.Path(sys.argv[1])\n"
        "checks = json.loads((here / 'checks').read_text())\n"
        "print(json.dumps(run_checks((here / 'picture').read_bytes(), checks, None)))"
    )
    told = [
        subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    here = report(data, checks)
    assert json.loads(told[0]) == json.loads(told[1]) == here
    assert len(here["findings"]) >= 4
    assert list(here["checks"]) == [name for name in CHECKS if name in checks]
