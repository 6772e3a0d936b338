"""The command's own language, spoken by a script of the test's own; the real one is in `test_check`."""

from __future__ import annotations

import pytest
from PIL import Image

from imagebuild.errors import PictureError
from imagebuild.picture.reading.tesseract import find_tesseract

PICTURE = Image.new("RGB", (1200, 1000), "white")
HEAD = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext"


def row(page, line, left, width, text, confidence=90.0):
    return f"5\t{page}\t1\t1\t{line}\t1\t{left}\t100\t{width}\t40\t{confidence}\t{text}"


def command(folder, *rows, code=0, languages=("eng", "jpn"), version="tesseract 5.3.0"):
    """A `tesseract` that answers as the real one does, and keeps what it was asked."""
    script = folder / "tesseract"
    table = "\n".join([HEAD, *rows])
    lines = [f'List of available languages in "{folder}/" ({len(languages)}):', *languages]
    script.write_text(
        "#!/bin/sh\n"
        f"case \"$1\" in\n--version) echo '{version}'; exit 0;;\n"
        "--list-langs) cat <<'END'\n" + "\n".join(lines) + "\nEND\nexit 0;;\nesac\n"
        f'echo "$@" > {folder}/asked\ncat > {folder}/sent.tiff\n'
        "cat <<'END'\n" + table + "\nEND\n"
        f"echo 'something is wrong' >&2\nexit {code}\n"
    )
    script.chmod(0o755)
    return find_tesseract(str(script))


def test_no_command_is_no_reader(tmp_path):
    assert find_tesseract(str(tmp_path / "nothing")) is None


def test_what_the_environment_names_now_is_asked(tmp_path, monkeypatch):
    command(tmp_path, version="tesseract 5.9.9")
    monkeypatch.setenv("TESSERACT", str(tmp_path / "tesseract"))
    assert find_tesseract().versions("en-GB")["tesseract"] == "5.9.9"
    monkeypatch.setenv("TESSERACT", str(tmp_path / "nothing"))
    assert find_tesseract() is None


def test_it_reads_the_languages_that_it_has_data_for(tmp_path):
    reader = command(tmp_path)
    assert reader.can_read("en-GB")
    assert reader.can_read("ja-JP")
    assert not reader.can_read("de-DE")  # of the same script, but its letters are its own
    assert reader.scripts() == {"Latn", "Jpan"}


def test_it_says_what_to_install(tmp_path):
    reader = command(tmp_path)
    assert reader.needs("de-DE") == "apt-get install tesseract-ocr-deu"
    assert reader.needs("zh-TW") == "apt-get install tesseract-ocr-chi-tra"
    assert reader.needs("en-US") is None
    assert reader.needs("am-ET") is None  # a script that was never measured


def test_its_version_and_the_size_of_its_data_go_into_a_key(tmp_path):
    (tmp_path / "jpn.traineddata").write_bytes(b"12345")
    reader = command(tmp_path)
    assert reader.versions("ja-JP") == {"tesseract": "5.3.0", "tesseract jpn": "5 bytes"}


def test_words_of_a_line_are_put_together_and_lines_kept_apart(tmp_path):
    reader = command(tmp_path, row(1, 1, 100, 90, "Steam"), row(1, 1, 200, 90, "rises"), row(1, 2, 100, 90, "early"))
    found = reader.read(PICTURE, "en-US")
    assert [line.text for line in found.lines if line.box[0] == 100][:1] == ["Steam rises"]
    assert found.lines[0].box == (100, 100, 290, 140)
    assert found.lines[0].confidence == pytest.approx(0.9)


def test_words_of_a_script_without_spaces_are_joined_where_they_touch(tmp_path):
    near, far = row(1, 1, 140, 40, "お湯"), row(1, 1, 400, 40, "今日")
    reader = command(tmp_path, row(1, 1, 100, 38, "朝"), near, far)
    assert reader.read(PICTURE, "ja-JP").lines[0].text == "朝お湯 今日"


def test_all_looks_at_all_places_are_one_run_of_the_command(tmp_path):
    reader = command(tmp_path, row(1, 1, 0, 9, "Steam"), row(6, 1, 0, 9, "Buy"))
    first, second = reader.look(PICTURE, [(10, 10, 200, 60), (10, 100, 200, 150)], "en-US", latin=False)
    with Image.open(tmp_path / "sent.tiff") as sent:
        assert sent.n_frames == len(first) + len(second)
    assert first[0].text == "Steam"
    assert second[0].text == "Buy"
    assert len({look.preparation for look in first}) == len(first)


def test_its_dictionaries_are_off(tmp_path):
    reader = command(tmp_path)
    reader.read(PICTURE, "en-US")
    assert "load_system_dawg=0" in (tmp_path / "asked").read_text()


def test_latin_letters_are_read_among_others_where_they_may_stand(tmp_path):
    reader = command(tmp_path)
    reader.look(PICTURE, [(10, 10, 200, 60)], "ja-JP", latin=True)
    assert "-l jpn+eng" in (tmp_path / "asked").read_text()


def test_a_command_that_fails_is_told_with_its_words(tmp_path):
    reader = command(tmp_path, code=1)
    with pytest.raises(PictureError, match="something is wrong"):
        reader.read(PICTURE, "en-US")
