"""Pictures and files by their digests, as a step is given them."""

from __future__ import annotations

import hashlib
import io

from PIL import Image


class Files(dict):
    """What `read` finds; `put` gives the digest."""

    def put(self, data):
        data = data if isinstance(data, bytes) else saved(data)
        digest = hashlib.sha256(data).hexdigest()
        self[digest] = data
        return digest

    def read(self, digest):
        return self[digest]


def saved(image, form="PNG", **settings):
    file = io.BytesIO()
    image.save(file, form, **settings)
    return file.getvalue()


def opened(data):
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def scene(size=(96, 64)):
    across = Image.linear_gradient("L").rotate(90).resize(size)
    down = Image.linear_gradient("L").resize(size)
    return Image.merge("RGB", (across, down, Image.radial_gradient("L").resize(size)))
