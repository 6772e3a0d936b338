"""Which libraries draw, as the keys of local steps name them."""

from __future__ import annotations

import subprocess
import sys

import PIL
from PIL import features

from imagebuild.picture.versions import tool_versions


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
    code = "import sys, imagebuild.picture.versions as v; v.tool_versions(); print('PIL.Image' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
