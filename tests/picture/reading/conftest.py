"""The engines that read, for the tests that need a real one. Where they are not installed the test is skipped, unless
IMAGEBUILD_TEST_ENGINES says that they have to be there: `all`, or their names, `tesseract,rapidocr`."""

from __future__ import annotations

import os

import pytest

from imagebuild.picture.reading.rapid import find_rapidocr
from imagebuild.picture.reading.tesseract import find_tesseract


def _engine(name, found, install):
    if found is None:
        missing = f"not installed: {install}"
        required = os.environ.get("IMAGEBUILD_TEST_ENGINES", "").split(",")
        if name in required or "all" in required:
            pytest.fail(missing)
        pytest.skip(missing)
    return found


@pytest.fixture
def tesseract():
    packages = "tesseract-ocr tesseract-ocr-deu tesseract-ocr-jpn tesseract-ocr-ben tesseract-ocr-ara"
    reader = find_tesseract()
    whole = reader is not None and all(map(reader.can_read, ("en", "de", "ja", "bn", "ar")))
    return _engine("tesseract", reader if whole else None, f"apt-get install {packages}")


@pytest.fixture
def rapidocr():
    return _engine("rapidocr", find_rapidocr(), "pip install rapidocr onnxruntime")
