"""Which libraries draw, as the keys of local steps name them."""

from __future__ import annotations

import platform
import subprocess
import sys

import PIL
from PIL import features

from imagebuild.picture.fonts import font_versions
from imagebuild.picture.versions import tool_versions, tools_for


def test_the_versions_are_those_that_pillow_itself_reports():
    versions = tool_versions()
    assert versions["pillow"] == PIL.__version__
    assert versions["libwebp"] == features.version("webp")
    assert versions["libavif"] == features.version("avif")
    assert versions.get("libjpeg-turbo") == features.version("libjpeg_turbo")
    assert versions["zlib"] == features.version("zlib")


def test_a_format_brings_only_its_own_libraries():
    assert set(tool_versions(["webp"])) == {"drawing", "pillow", "libwebp"}
    assert set(tool_versions([])) == {"drawing", "pillow"}


def test_asking_does_not_load_pillow():
    code = "import sys, imagebuild.picture.versions as v; v.tools_for(['fit', 'encode'], ['png', 'webp'])\n"
    code += "print([name in sys.modules for name in ('PIL.Image', 'email')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[False, False]"


def test_a_step_brings_what_takes_part_in_it_and_nothing_else():
    plain = {"drawing", "pillow", "libwebp"}
    assert tools_for(["fit", "crop", "sharpen", "encode"], ["webp"]) == tool_versions(["webp"])
    assert set(tools_for([], [])) == {"drawing", "pillow"}
    assert tools_for(["typeset"], ["webp"]).items() >= font_versions().items()
    assert set(tools_for(["sheet", "encode"], ["webp"])) == plain | set(font_versions())
    assert tools_for(["encode", "python"], ["webp"]) == {**tool_versions(["webp"]), "python": platform.python_version()}
    for step in ("overlay", "put_back"):  # of any format that a campaign may name
        assert tools_for([step], ["webp"]) == tool_versions(["png", "jpeg", "webp"])


def test_the_order_in_which_steps_stand_changes_nothing():
    assert tools_for(["python", "typeset", "fit"], ["png"]) == tools_for(["fit", "typeset", "python"], ["png"])


def test_asking_for_what_draws_text_loads_neither_pillow_nor_a_shaper():
    code = (
        "import sys, imagebuild.picture.versions as v; v.tools_for(['typeset', 'sheet', 'python'], ['webp', 'png'])\n"
        "print('PIL.Image' in sys.modules, type(sys.modules.get('uharfbuzz')).__name__ == 'module')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
