"""The provider that ships inside: its protocol, stepped by hand, and that it does what the real one is asked."""

from __future__ import annotations

import io
from dataclasses import replace
from decimal import Decimal

import pytest
from PIL import Image

from imagebuild.errors import Problems
from imagebuild.providers.base import Attachment, Picture, Request, Work
from imagebuild.providers.catalog import load_catalog
from imagebuild.providers.proof import Proof
from imagebuild.stages.services import Setting, account_of, open_provider

REQUEST = Request(
    key="k", operation="generate", model="gpt-image-2-2026-04-21", prompt="A kettle on a table.", size=(512, 384),
    quality="low", format="png", label="scene[ratio=4:3]",
)  # fmt: skip


def opened_proof() -> Proof:
    """As a build opens it."""
    offer = load_catalog().offer(
        "proof", REQUEST.model, allow_floating=False, problems=Problems(), model_at=None, provider_at=None
    )
    setting = Setting(environment={}, dotenv={})
    provider = open_provider(offer, account_of("proof", setting), setting)
    assert isinstance(provider, Proof)
    return provider


def picture_for(request: Request) -> Picture:
    """Step the flow by hand, as the build's driver does."""
    flow = opened_proof().flow(request)
    work = next(flow)
    assert isinstance(work, Work)
    with pytest.raises(StopIteration) as end:
        flow.send(work.call())
    assert isinstance(end.value.value, Picture)
    return end.value.value


def opened(picture: Picture) -> Image.Image:
    image = Image.open(io.BytesIO(picture.data))
    image.load()
    return image


def attachment(color: str, size: tuple[int, int] = (64, 64), mode: str = "RGB") -> Attachment:
    buffer = io.BytesIO()
    Image.new(mode, size, color).save(buffer, "PNG")
    return Attachment(data=buffer.getvalue(), media_type="image/png", name="brand.png")


def test_the_flow_asks_for_one_piece_of_work_and_does_none_itself():
    painted = []
    flow = Proof(lambda request: painted.append(request) or b"bytes").flow(REQUEST)
    work = next(flow)
    assert painted == []
    assert work.call() == b"bytes"
    assert painted == [REQUEST]


def test_a_picture_costs_nothing_and_says_who_drew_it():
    picture = picture_for(REQUEST)
    assert picture.cost == Decimal(0)
    assert picture.answered == {"model": "proof-1"}


def test_the_same_request_gives_the_same_bytes_and_another_take_gives_others():
    assert picture_for(REQUEST).data == picture_for(REQUEST).data
    assert picture_for(REQUEST).data != picture_for(replace(REQUEST, take=2)).data
    assert picture_for(REQUEST).data != picture_for(replace(REQUEST, prompt="Another kettle.")).data


@pytest.mark.parametrize("form", ["png", "jpeg", "webp"])
@pytest.mark.parametrize("size", [(512, 384), (256, 768)])
def test_a_picture_has_the_size_and_format_that_were_asked_for(form, size):
    picture = picture_for(replace(REQUEST, size=size, format=form))
    assert picture.media_type == f"image/{form}"
    assert (opened(picture).size, opened(picture).format) == (size, form.upper())


def test_the_reference_pictures_show():
    blue = picture_for(replace(REQUEST, references=(attachment("blue"),)))
    red = picture_for(replace(REQUEST, references=(attachment("red"),)))
    assert blue.data != red.data


def test_an_edit_with_a_mask_leaves_alone_what_the_mask_covers():
    scene = picture_for(REQUEST)
    mask = Image.new("L", REQUEST.size, 255)
    mask.paste(0, (0, 0, 256, 384))
    alpha = Image.new("RGBA", REQUEST.size, "black")
    alpha.putalpha(mask)  # see-through: may be changed
    buffer = io.BytesIO()
    alpha.save(buffer, "PNG")
    request = replace(
        REQUEST, operation="edit", prompt="The same, in snow.",
        references=(Attachment(data=scene.data, media_type="image/png", name="scene.png"),),
        mask=Attachment(data=buffer.getvalue(), media_type="image/png", name="mask.png"),
    )  # fmt: skip
    before, after = opened(scene).convert("RGB"), opened(picture_for(request)).convert("RGB")
    covered = (300, 20, 500, 200)  # away from the caption strip below
    changed = (20, 20, 200, 200)
    assert before.crop(covered).tobytes() == after.crop(covered).tobytes()
    assert before.crop(changed).tobytes() != after.crop(changed).tobytes()
