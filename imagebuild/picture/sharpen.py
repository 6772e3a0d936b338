"""Sharpening: light and dark only, so that no coloured fringes appear, and without halos.

What an unsharp mask adds to the lightness is added to red, green and blue alike; where nothing is sharpened, not one
bit changes.
"""

from __future__ import annotations

from PIL import Image, ImageChops, ImageFilter

from imagebuild.picture.read import Parameters

__all__ = ["sharpen"]

_OVERSHOOT = 10  # levels beyond the lightest and darkest pixel beside: more is seen as a halo


def sharpen(image: Image.Image, parameters: Parameters) -> Image.Image:
    """By canonical parameters."""
    amount, radius, threshold = (float(str(parameters[name])) for name in ("amount", "radius", "threshold"))
    light = image.convert("RGB").convert("L")
    sharp = light.filter(ImageFilter.UnsharpMask(radius, round(amount * 100), round(threshold)))
    reach = max(1, round(radius))
    room = round(_OVERSHOOT * max(amount, 1.0))
    most = ImageChops.add(_brightest(light, reach), Image.new("L", light.size, room))
    darkest = ImageChops.invert(_brightest(ImageChops.invert(light), reach))
    least = ImageChops.subtract(darkest, Image.new("L", light.size, room))
    sharp = ImageChops.lighter(ImageChops.darker(sharp, most), least)
    lighter, darker = ImageChops.subtract(sharp, light), ImageChops.subtract(light, sharp)
    bands = list(image.split())
    for index in range(3):
        bands[index] = ImageChops.subtract(ImageChops.add(bands[index], lighter), darker)
    return Image.merge(image.mode, bands)


def _brightest(light: Image.Image, reach: int) -> Image.Image:
    """The brightest pixel within reach of each. (Pillow's own filter for it takes ten times as long.)"""
    width, height = light.size
    for _ in range(reach):
        for across, down in ((1, 0), (0, 1)):
            before = light.crop((-across, -down, width - across, height - down))  # black beyond the edge
            after = light.crop((across, down, width + across, height + down))
            light = ImageChops.lighter(light, ImageChops.lighter(before, after))
    return light
