"""Reads what a client asks of OpenAI's Images API, as JSON or as a multipart form, and says no where the API would.

Stricter than the API where it is not known what that does: a client that gets along here gets along there. Sends
nothing.
"""

from __future__ import annotations

import base64
import binascii
import io
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

from PIL import Image, UnidentifiedImageError

from imagebuild.core.sizes import parse_size
from imagebuild.sandbox.openai_errors import ApiError, bad_value, missing, no_model, unknown_parameter, wrong_type
from imagebuild.sandbox.order import Order

__all__ = ["MODELS", "Asked", "Upload", "read_edit", "read_generation", "read_json_edit"]

MODELS: Final = ("gpt-image-2", "gpt-image-2-2026-04-21")
_QUALITIES: Final = ("low", "medium", "high", "auto")
_FORMATS: Final = ("png", "jpeg", "webp")
_BACKGROUNDS: Final = ("transparent", "opaque", "auto")
_EITHER: Final = frozenset(
    {"prompt", "model", "n", "size", "quality", "background", "output_format", "output_compression", "stream"}
    | {"partial_images", "user"}
)
_MEDIA_TYPES: Final = ("image/jpeg", "image/png", "image/webp")
_MOST_PICTURES = 16
_MOST_PROMPT = 32_000
_MOST_PICTURE_BYTES = 50_000_000
_MOST_MASK_BYTES = 4_000_000
_MOST_URL = 20_971_520
_DATA_URL = re.compile(r"data:([a-z]+/[a-z0-9.+-]+);base64,", re.IGNORECASE)


class Upload(NamedTuple):
    """A file of a form."""

    name: str
    file_name: str
    media_type: str
    data: bytes


class Asked(NamedTuple):
    """An order, and whether it is to be streamed."""

    order: Order
    stream: bool


def read_generation(body: Mapping[str, Any]) -> Asked:
    """`POST /images/generations`."""
    _check_known(body, _EITHER | {"moderation"})
    _one_of(body, "moderation", ("low", "auto"), "auto")
    return _asked(body, operation="generate", references=(), mask=None)


def read_edit(values: Mapping[str, str], uploads: Sequence[Upload]) -> Asked:
    """`POST /images/edits` as a form. Numbers and booleans come as texts."""
    body: dict[str, Any] = dict(values)
    for name in ("n", "output_compression", "partial_images"):
        if name in body and re.fullmatch(r"-?[0-9]{1,9}", body[name]):
            body[name] = int(body[name])
    if body.get("stream") in ("true", "false"):
        body["stream"] = body["stream"] == "true"
    _check_known(body, _EITHER)
    pictures = [each for each in uploads if each.name in ("image", "image[]")]
    masks = [each for each in uploads if each.name == "mask"]
    for each in uploads:
        if each.name not in ("image", "image[]", "mask"):
            raise unknown_parameter(each.name)
    if not pictures:
        raise missing("image")
    if len(masks) > 1:
        raise bad_value("mask", "Duplicate parameter: 'mask'. You provided multiple values for this parameter.")
    for number, each in enumerate(pictures):
        _check_media_type(each.media_type, f"image[{number}]")
    for each in masks:
        _check_media_type(each.media_type, "mask")
    return _asked(
        body,
        operation="edit",
        references=tuple(each.data for each in pictures),
        mask=masks[0].data if masks else None,
    )


def read_json_edit(body: Mapping[str, Any], files: Mapping[str, bytes]) -> Asked:
    """`POST /images/edits` as JSON. `files`: what has been uploaded, by its id. Nothing is fetched from elsewhere."""
    _check_known(body, _EITHER | {"moderation", "images", "mask"})
    _one_of(body, "moderation", ("low", "auto"), "auto")
    images = body.get("images")
    if images is None:
        raise missing("images")
    if not isinstance(images, list) or not images:
        raise wrong_type("images", "an array of objects", images)
    references = tuple(_referred(each, f"images[{number}]", files) for number, each in enumerate(images))
    mask = _referred(body["mask"], "mask", files) if body.get("mask") is not None else None
    return _asked(body, operation="edit", references=references, mask=mask)


def _asked(body: Mapping[str, Any], *, operation: str, references: tuple[bytes, ...], mask: bytes | None) -> Asked:
    model = _text(body, "model", "dall-e-2")  # what the API takes when nothing is said; it is shut down
    if model not in MODELS:
        raise no_model(model)
    prompt = _prompt(body)
    form = _one_of(body, "output_format", _FORMATS, "png")
    background = _background(body, form)
    if "output_compression" in body:
        _whole(body, "output_compression", 0, 100, 100)
        if form == "png":
            message = "Compression less than 100 is not supported for PNG output format."
            if body["output_compression"] != 100:
                raise bad_value("output_compression", message)
    stream = body.get("stream", False)
    if not isinstance(stream, bool):
        raise wrong_type("stream", "a boolean", stream)
    quality = _one_of(body, "quality", _QUALITIES, "auto")
    _check_pictures(references, mask)
    order = Order(
        provider="openai", operation=operation, model=model, prompt=prompt, size=_size(body),
        quality="high" if quality == "auto" else quality, format=form, background=background,
        references=references, mask=mask, count=_whole(body, "n", 1, 10, 1),
        partials=_whole(body, "partial_images", 0, 3, 0) if stream else 0,
    )  # fmt: skip
    return Asked(order, stream)


def _check_known(body: Mapping[str, Any], known: Collection[str]) -> None:
    for name in body:
        if name not in known:
            raise unknown_parameter(name)


def _text(body: Mapping[str, Any], name: str, default: str) -> str:
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, str):
        raise wrong_type(name, "a string", value)
    return value


def _prompt(body: Mapping[str, Any]) -> str:
    if body.get("prompt") is None:
        raise missing("prompt")
    prompt = _text(body, "prompt", "")
    if not prompt:
        message = (
            "Invalid 'prompt': empty string. Expected a string with minimum length 1, but got an empty string instead."
        )
        raise bad_value("prompt", message, "empty_string")
    if len(prompt) > _MOST_PROMPT:
        message = (
            f"Invalid 'prompt': string too long. Expected a string with maximum length {_MOST_PROMPT}, "
            f"but got a string with length {len(prompt)} instead."
        )
        raise bad_value("prompt", message, "string_above_max_length")
    return prompt


def _one_of(body: Mapping[str, Any], name: str, choices: Sequence[str], default: str) -> str:
    value = _text(body, name, default)
    if value not in choices:
        *others, last = (f"'{each}'" for each in choices)
        raise bad_value(name, f"Invalid value: '{value}'. Supported values are: {', '.join(others)}, and {last}.")
    return value


def _whole(body: Mapping[str, Any], name: str, least: int, most: int, default: int) -> int:
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool):
        raise wrong_type(name, "an integer", value)
    if value < least:
        message = (
            f"Invalid '{name}': integer below minimum value. Expected a value >= {least}, but got {value} instead."
        )
        raise bad_value(name, message, "integer_below_min_value")
    if value > most:
        message = f"Invalid '{name}': integer above maximum value. Expected a value <= {most}, but got {value} instead."
        raise bad_value(name, message, "integer_above_max_value")
    return value


def _size(body: Mapping[str, Any]) -> tuple[int, int]:
    text = _text(body, "size", "auto")
    if text == "auto":
        return (1024, 1024)
    size = parse_size(text) if re.fullmatch(r"[0-9]+x[0-9]+", text) else None
    if size is None:
        raise bad_value("size", f"Invalid size '{text}'. Expected 'auto' or a size in the form 'WIDTHxHEIGHT'.")
    width, height = size
    says = None
    if width % 16 or height % 16:
        says = "Width and height must both be divisible by 16."
    elif max(size) > 3840:
        says = "The longest edge must be less than or equal to 3840."
    elif max(size) > 3 * min(size):
        says = "The ratio of the longest edge to the shortest edge must be at most 3:1."
    elif width * height < 655_360:
        says = "Requested resolution is below the current minimum pixel budget."
    elif width * height > 8_294_400:
        says = "Requested resolution is above the current maximum pixel budget."
    if says:
        raise ApiError(400, f"Invalid size '{text}'. {says}", "image_generation_user_error", "size", "invalid_value")
    return size


def _background(body: Mapping[str, Any], form: str) -> str:
    background = _one_of(body, "background", _BACKGROUNDS, "auto")
    if background == "transparent" and form == "jpeg":
        message = "Transparent background is not supported for JPEG output format."
        raise bad_value("background", message)
    return "opaque" if background == "auto" else background


def _check_media_type(media_type: str, name: str) -> None:
    if media_type not in _MEDIA_TYPES:
        message = (
            f"Invalid file '{name}': unsupported mimetype ('{media_type}'). Supported file formats are "
            "'image/jpeg', 'image/png', and 'image/webp'."
        )
        raise bad_value(name, message, "unsupported_file_mimetype")


def _check_pictures(references: Sequence[bytes], mask: bytes | None) -> None:
    if len(references) > _MOST_PICTURES:
        message = (
            f"Invalid 'image': array too long. Expected an array with maximum length {_MOST_PICTURES}, "
            f"but got an array with length {len(references)} instead."
        )
        raise bad_value("image", message, "array_above_max_length")
    sizes = [_measured(data, f"image[{number}]")[0] for number, data in enumerate(references)]
    if mask is None:
        return
    size, form, alpha = _measured(mask, "mask")
    if form != "PNG" or not alpha:
        raise bad_value("mask", "Invalid mask image format - mask image must be a PNG with an alpha channel.")
    if not sizes or size != sizes[0]:
        raise bad_value("mask", "Invalid mask image format - mask size does not match image size.")
    if len(mask) >= _MOST_MASK_BYTES:
        raise bad_value("mask", "Invalid mask: the file must be less than 4MB.")


def _measured(data: bytes, name: str) -> tuple[tuple[int, int], str | None, bool]:
    if len(data) >= _MOST_PICTURE_BYTES:
        raise bad_value(name, f"Invalid file '{name}': the file must be less than 50MB.")
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as image:
            return image.size, image.format, "A" in image.getbands() or "transparency" in image.info
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        message = f"Invalid image file or mode for '{name}', please check your image file."
        raise bad_value(name, message, "invalid_image_file") from None


def _referred(entry: object, name: str, files: Mapping[str, bytes]) -> bytes:
    """The picture that a JSON edit names: a data URL, or a file that was uploaded."""
    if not isinstance(entry, dict):
        raise wrong_type(name, "an object", entry)
    _check_known(entry, ("image_url", "file_id"))
    if len(entry) != 1:
        raise bad_value(name, f"Invalid '{name}': exactly one of 'image_url' or 'file_id' must be provided.")
    if "file_id" in entry:
        if entry["file_id"] not in files:
            raise ApiError(404, f"No such File object: {entry['file_id']}", param="id")
        return files[entry["file_id"]]
    url = entry["image_url"]
    if not isinstance(url, str) or len(url) > _MOST_URL:
        raise bad_value(
            f"{name}.image_url", f"Invalid '{name}.image_url': expected a URL of at most {_MOST_URL} characters."
        )
    match = _DATA_URL.match(url)
    if match is None:
        raise bad_value(f"{name}.image_url", f"Error while downloading {url[:200]}.", "invalid_image_url")
    _check_media_type(match[1].lower(), name)
    try:
        return base64.b64decode(url[match.end() :], validate=True)
    except binascii.Error:
        raise bad_value(f"{name}.image_url", "Invalid base64 image_url.", "invalid_base64") from None
