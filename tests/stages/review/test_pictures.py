"""Which pictures are handed out, and as what; thumbnails, made once."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from imagebuild.core.key import Digest, digest_of
from imagebuild.errors import PictureError
from imagebuild.picture.thumbnail import thumbnail
from imagebuild.stages.review.pictures import Pictures
from imagebuild.store.local import LocalStore
from tests.stages.review.campaign import asset, cells, desk_of

GERMAN = "hero[locale=de-DE,ratio=wide]"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def picture(size: tuple[int, int] = (800, 400), form: str = "png", mode: str = "RGB", **more: object) -> bytes:
    buffer = io.BytesIO()
    color = (10, 20, 30, 0) if mode == "RGBA" else (10, 20, 30)
    Image.new(mode, size, color).save(buffer, form, **more)
    return buffer.getvalue()


def pictures_of(folder: Path, *known: bytes) -> Pictures:
    store = LocalStore(str(folder / ".imagebuild" / "store"))
    digests = {store.put(data, durable=False) for data in known}
    return Pictures(str(folder), store, is_known=lambda digest: digest in digests)


def test_a_picture_is_handed_out_as_what_its_bytes_are(tmp_path: Path) -> None:
    for form in ("png", "jpeg", "webp", "avif", "gif"):
        data = picture(form=form)
        served = pictures_of(tmp_path, data).picture(digest_of(data))
        assert served is not None
        assert (served.data, served.media_type) == (data, f"image/{form}")


@pytest.mark.parametrize("data", [SVG, b"<html><script>1</script>", b"%PDF-1.7", b"", b"RIFF1234WAVE"])
def test_what_is_no_picture_is_not_handed_out_though_the_store_has_it(tmp_path: Path, data: bytes) -> None:
    found = pictures_of(tmp_path, data)
    assert found.picture(digest_of(data)) is None
    assert found.thumb(digest_of(data), 320) is None


def test_what_the_campaign_does_not_know_is_not_handed_out_though_the_store_has_it(tmp_path: Path) -> None:
    found = pictures_of(tmp_path, picture())
    other = picture((10, 10))
    LocalStore(str(tmp_path / ".imagebuild" / "store")).put(other, durable=False)
    assert found.picture(digest_of(other)) is None
    assert found.thumb(digest_of(other), 320) is None


@pytest.mark.parametrize(
    "text", ["..", "../../campaign.yaml", "/etc/passwd", "a" * 63, "A" * 64, "a" * 64 + "\n", "", "%2e%2e", "0" * 64]
)
def test_no_text_but_a_known_digest_leads_anywhere(shown: Path, text: str) -> None:
    desk = desk_of(shown)
    assert desk.picture(text) is None
    assert desk.thumb(text, 320) is None
    assert desk.compare(text, text) is None
    assert desk.difference(text, text) is None


def test_a_thumbnail_is_no_wider_than_asked_and_is_made_once(tmp_path: Path) -> None:
    data = picture()
    digest = digest_of(data)
    served = pictures_of(tmp_path, data).thumb(digest, 320)
    assert served is not None
    with Image.open(io.BytesIO(served.data)) as small:
        assert (small.format, small.size) == ("WEBP", (320, 160))
    kept = tmp_path / ".imagebuild" / "thumbs" / digest[:2] / f"{digest}-320.webp"
    assert kept.read_bytes().startswith(served.data)
    written = kept.stat()
    assert pictures_of(tmp_path, data).thumb(digest, 320) == served
    again = kept.stat()
    assert (again.st_ino, again.st_mtime_ns) == (written.st_ino, written.st_mtime_ns), "it was read, not made again"
    assert [path.name for path in kept.parent.iterdir()] == [kept.name]


def test_a_thumbnail_that_somebody_else_put_there_is_made_again(tmp_path: Path) -> None:
    data, other = picture(), picture((64, 64))
    found, digest = pictures_of(tmp_path, data, other), digest_of(data)
    first, second = found.thumb(digest, 320), found.thumb(digest_of(other), 320)
    folder = tmp_path / ".imagebuild" / "thumbs"
    kept = folder / digest[:2] / f"{digest}-320.webp"
    whole = kept.read_bytes()
    elsewhere = folder / digest_of(other)[:2] / f"{digest_of(other)}-320.webp"
    assert first != second
    for false in (second.data if second else b"", elsewhere.read_bytes(), whole[:40], whole[:-1], b""):
        kept.write_bytes(false)
        assert found.thumb(digest, 320) == first
        assert kept.read_bytes() == whole
    kept.unlink()
    kept.symlink_to(elsewhere)
    assert found.thumb(digest, 320) == first


def test_the_secret_of_the_thumbnails_is_nobody_elses_and_is_made_again_when_it_could_have_been_read(
    tmp_path: Path,
) -> None:
    data = picture()
    first = pictures_of(tmp_path, data).thumb(digest_of(data), 320)
    secret = tmp_path / ".imagebuild" / "thumbs.secret"
    assert secret.stat().st_mode & 0o777 == 0o600
    known = secret.read_bytes()
    secret.chmod(0o644)
    assert pictures_of(tmp_path, data).thumb(digest_of(data), 320) == first
    assert secret.read_bytes() != known
    assert secret.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("deep", [False, True])
def test_a_folder_of_thumbnails_that_leads_elsewhere_is_not_followed(tmp_path: Path, deep: bool) -> None:
    data, project = picture(), tmp_path / "project"
    found, digest = pictures_of(project, data), digest_of(data)
    (tmp_path / "elsewhere").mkdir()
    link = project / ".imagebuild" / "thumbs" / (digest[:2] if deep else "")
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(tmp_path / "elsewhere")
    assert found.thumb(digest, 320) is not None
    assert list((tmp_path / "elsewhere").rglob("*")) == []


def test_a_thumbnail_that_is_not_whole_is_made_again(tmp_path: Path) -> None:
    data = picture()
    found, digest = pictures_of(tmp_path, data), digest_of(data)
    first = found.thumb(digest, 160)
    (tmp_path / ".imagebuild" / "thumbs" / digest[:2] / f"{digest}-160.webp").write_bytes(b"")
    assert found.thumb(digest, 160) == first


def test_no_width_is_made_but_those_that_the_page_asks_for(tmp_path: Path) -> None:
    data = picture()
    found = pictures_of(tmp_path, data)
    assert [found.thumb(digest_of(data), width) for width in (0, -1, 161, 100_000)] == [None] * 4


def test_thumbnails_keep_alpha_and_no_metadata_and_stay_as_small_as_the_picture() -> None:
    small = thumbnail(picture((50, 20), mode="RGBA", pnginfo=None), 320)
    with Image.open(io.BytesIO(small)) as image:
        assert image.size == (50, 20)
        assert image.mode == "RGBA"
        assert image.getpixel((0, 0))[3] == 0
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "secret"
    turned = thumbnail(picture((80, 40), "jpeg", exif=exif.tobytes()), 160)
    with Image.open(io.BytesIO(turned)) as image:
        assert image.size == (40, 80), "upright"
        assert "exif" not in image.info
    assert b"secret" not in turned


def test_a_moving_picture_stands_still_in_its_thumbnail() -> None:
    frames = [Image.new("RGB", (40, 20), color) for color in ("#ff0000", "#00ff00")]
    buffer = io.BytesIO()
    frames[0].save(buffer, "gif", save_all=True, append_images=frames[1:])
    with Image.open(io.BytesIO(thumbnail(buffer.getvalue(), 160))) as image:
        assert getattr(image, "n_frames", 1) == 1
        red, green, _ = image.convert("RGB").getpixel((5, 5))
        assert red > 200 > green


def test_large_jpegs_come_out_as_they_would_without_the_short_way() -> None:
    gradient = Image.linear_gradient("L").resize((2000, 1000)).convert("RGB")
    buffer = io.BytesIO()
    gradient.save(buffer, "jpeg", quality=95)
    with Image.open(io.BytesIO(thumbnail(buffer.getvalue(), 160))) as image:
        assert image.size == (160, 80)
        assert image.convert("L").getpixel((80, 70)) > 180
        assert image.convert("L").getpixel((80, 5)) < 60


def test_a_thumbnail_of_what_is_cut_short_is_an_error_and_no_crash() -> None:
    with pytest.raises(PictureError):
        thumbnail(picture(form="jpeg")[:300], 160)
    with pytest.raises(PictureError):
        thumbnail(picture()[:60], 160)


def test_an_svg_is_not_handed_out_though_the_lock_itself_names_it(shown: Path) -> None:
    digest = LocalStore(str(shown / ".imagebuild" / "store")).put(SVG, durable=False)
    lock = (shown / "imagebuild.lock").read_text("utf-8")
    line = next(each for each in lock.splitlines() if each.startswith('{"asset":"swatch"'))
    was = line.split('"digest":"')[1][:64]
    (shown / "imagebuild.lock").write_text(lock.replace(line, line.replace(was, digest)), "utf-8")
    desk = desk_of(shown)
    assert cells(desk)["swatch"]["digest"] == digest
    assert desk.picture(digest) is None
    assert desk.thumb(digest, 320) is None
    assert asset(desk, "swatch")["verdict"] in ("reuse", "restore")


def test_a_damaged_object_is_told_once_and_shown_from_the_output_folder(shown: Path) -> None:
    desk = desk_of(shown)
    cell = cells(desk)[GERMAN]
    digest = Digest(cell["digest"])
    store = shown / ".imagebuild" / "store" / "objects" / digest[:2] / digest
    store.chmod(0o644)
    store.write_bytes(b"\xff\xd8\xff damaged")
    served = desk.picture(digest)
    assert served is not None
    assert served.data == (shown / cell["output"]).read_bytes()
    told = [event for event in desk.news() if event["kind"] == "problem"]
    assert len(told) == 1
    assert "damaged" in str(told[0]["what"])
    assert [event for event in desk.news() if event["kind"] == "problem"] == []


def test_a_damaged_object_that_is_nowhere_else_is_none_and_the_rest_goes_on(shown: Path) -> None:
    desk = desk_of(shown)
    digest = desk.view.planned.facts.lock.entries["scene"].digest
    store = shown / ".imagebuild" / "store" / "objects" / digest[:2] / digest
    store.chmod(0o644)
    store.write_bytes(store.read_bytes()[:-9])
    assert desk.picture(digest) is None
    assert desk.thumb(digest, 320) is None
    assert desk.thumb(cells(desk)[GERMAN]["digest"], 320) is not None


def test_a_file_at_an_outputs_place_that_is_another_one_is_not_handed_out(shown: Path) -> None:
    desk = desk_of(shown)
    cell = cells(desk)[GERMAN]
    digest = cell["digest"]
    (shown / ".imagebuild" / "store" / "objects" / digest[:2] / digest).unlink()
    (shown / cell["output"]).write_bytes(picture())
    assert desk.picture(digest) is None
