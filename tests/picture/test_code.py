"""The user's own function: what it is given, what it may give back, and how its mistakes are told."""

from __future__ import annotations

import sys

import pytest
from PIL import Image

from imagebuild.errors import PictureError
from imagebuild.picture.code import run_function
from tests.picture.files import Files, scene


def run(source, *, image=None, uses=None, size=None, function="step", **arguments):
    files = Files()
    parameters = {
        "file": "steps/own.py",
        "source": files.put(source.encode()),
        "function": function,
        "with": arguments,
        "uses": [
            {"file": f"steps/{name}.py", "source": files.put(text.encode())} for name, text in (uses or {}).items()
        ],
    }
    if size:
        parameters["size"] = size
    return run_function(scene() if image is None else image, parameters, files.read)


def test_the_function_gets_the_picture_and_its_arguments_by_name():
    source = (
        "from PIL import ImageOps\n"
        "def step(image, *, dark, light):\n"
        "    return ImageOps.colorize(image.convert('L'), dark, light)\n"
    )
    out = run(source, dark="#0b3954", light="#ffffff")
    assert (out.mode, out.size) == ("RGB", scene().size)
    assert out.tobytes() != scene().tobytes()


def test_what_it_does_to_its_picture_and_arguments_nobody_else_sees():
    image, listed = scene(), [1]
    run("def step(image, listed):\n    image.paste((1, 2, 3), (0, 0, 9, 9))\n    listed.append(2)\n    return image\n",
        image=image, listed=listed)  # fmt: skip
    assert image.tobytes() == scene().tobytes()
    assert listed == [1]


@pytest.mark.parametrize(
    ("mode", "expected"), [("L", "RGB"), ("P", "RGB"), ("RGBA", "RGBA"), ("CMYK", "RGB"), ("1", "RGB")]
)
def test_any_kind_of_picture_may_come_back(mode, expected):
    out = run("def step(image, mode):\n    image.info['comment'] = 'mine'\n    return image.convert(mode)\n", mode=mode)
    assert (out.mode, out.info) == (expected, {})


def test_a_file_that_uses_names_can_be_imported():
    uses = {"palette": "from shades import dark\nink = dark\n", "shades": "dark = (1, 2, 3)\n"}
    source = (
        "from palette import ink\nimport palette\n"
        "def step(image):\n    image.paste(palette.ink, (0, 0, 9, 9))\n    return image\n"
    )
    assert run(source, uses=uses).getpixel((4, 4)) == (1, 2, 3)
    assert "palette" not in sys.modules


def test_a_dataclass_and_other_things_that_look_their_module_up_work():
    source = (
        "from __future__ import annotations\nfrom dataclasses import dataclass\nfrom typing import ClassVar\n"
        "@dataclass\nclass Ink:\n    red: int\n    usual: ClassVar[int] = 3\n"
        "def step(image):\n    image.putpixel((0, 0), (Ink(7).red, 0, 0))\n    return image\n"
    )
    assert run(source).getpixel((0, 0)) == (7, 0, 0)


def test_a_file_beside_the_campaign_that_uses_does_not_name_is_refused(tmp_path, monkeypatch):
    (tmp_path / "hidden_palette.py").write_text("ink = 1\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(PictureError, match=r"`hidden_palette` is a file beside the campaign that `uses` does not list"):
        run("def step(image):\n    import hidden_palette\n    return image\n")
    with pytest.raises(PictureError, match=r"No module named 'nowhere_at_all'") as caught:
        run("import nowhere_at_all\ndef step(image): return image\n")
    assert "`uses`" in caught.value.hint


@pytest.mark.parametrize(
    ("source", "what", "line"),
    [
        ("def step(image):\n    x = 1\n    return image / 0\n", "TypeError: unsupported operand", 3),
        (
            "def step(image):\n    raise ValueError('too blue.')\n",
            "`step` of `steps/own.py` failed: ValueError: too blue",
            2,
        ),
        ("def step(image):\n    return helper(image)\ndef helper(image):\n    raise KeyError\n", "failed: KeyError", 4),
        ("def step(image):\n    return image.resize('wide')\n", "failed: ", 2),
        ("def step(image):\n    import sys\n    sys.exit('no')\n", "SystemExit: no", 3),
        ("boom\ndef step(image): return image\n", "NameError: name 'boom' is not defined", 1),
        ("x = 1\ndef step(image:\n", "SyntaxError", 2),
    ],
)
def test_what_goes_wrong_in_it_is_told_with_its_file_and_line(source, what, line):
    with pytest.raises(PictureError) as caught:
        run(source)
    assert what in caught.value.what
    assert (caught.value.at.file, caught.value.at.line) == ("steps/own.py", line)
    assert caught.value.at.text == source.splitlines()[line - 1]


def test_a_mistake_in_a_file_that_it_uses_is_told_there():
    with pytest.raises(PictureError) as caught:
        run(
            "import other\ndef step(image): return other.work(image)\n",
            uses={"other": "def work(image):\n    return 1 / 0\n"},
        )
    assert (caught.value.at.file, caught.value.at.line) == ("steps/other.py", 2)


def test_what_is_no_picture_or_of_another_size_is_refused():
    with pytest.raises(PictureError, match=r"`step` of `steps/own.py` gave NoneType, not a picture"):
        run("def step(image): pass\n")
    with pytest.raises(PictureError, match=r"gave a picture of 10x10, not of 96x64 as it was given") as caught:
        run("def step(image): return image.resize((10, 10))\n")
    assert "`size: [10, 10]`" in caught.value.hint
    with pytest.raises(PictureError, match=r"gave a picture of 96x64, not of 10x10 as `size` says"):
        run("def step(image): return image\n", size=[10, 10])
    assert run("def step(image): return image.resize((10, 10))\n", size=[10, 10]).size == (10, 10)


def test_a_missing_function_and_a_wrong_argument_are_told():
    with pytest.raises(PictureError, match=r"`work` of `steps/own.py` failed: AttributeError"):
        run("def step(image): return image\n", function="work")
    with pytest.raises(PictureError, match=r"TypeError: step.. got an unexpected keyword argument 'color'"):
        run("def step(image): return image\n", color="#fff")


def test_a_picture_of_one_pixel_goes_in_and_out():
    image = Image.new("RGBA", (1, 1), (1, 2, 3, 4))
    assert run("def step(image): return image\n", image=image).tobytes() == image.tobytes()
