"""RapidOCR as a reader: PP-OCR's models in ONNX, as they come in the package; nothing is ever downloaded.

It finds text of any script on any ground, and recognises Latin, Chinese and Japanese; in other scripts it says
something all the same, and is not asked. The models are loaded once a process, which takes about a second and 500 MB.
Knows nothing of what the text should say.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Final

from PIL import Image

from imagebuild.picture.reading.base import Box, Look, Reading, TextLine, grown
from imagebuild.picture.reading.flatten import BORDER, Ground, bands, flattened
from imagebuild.picture.reading.measured import RAPIDOCR, script_for

__all__ = ["RapidReader", "find_rapidocr"]

_GROUND: Final = Ground("plain 40", 40)
_AROUND_BAND: Final = 0.2  # of a line's height
_LARGEST_PAGE: Final = 2000  # pixels: what the engine itself scales down to
_LEAST_SCORE: Final = 0.5


@cache
def find_rapidocr() -> RapidReader | None:
    """The engine, when its package, its runtime and its models are here."""
    spec = importlib.util.find_spec("rapidocr")
    if spec is None or spec.origin is None or importlib.util.find_spec("onnxruntime") is None:
        return None
    folder = Path(spec.origin).parent / "models"
    detectors, recognisers = (sorted(folder.glob(f"PP-OCR*_{kind}_*.onnx")) for kind in ("det", "rec"))
    return RapidReader(detectors[-1], recognisers[-1]) if detectors and recognisers else None


class RapidReader:
    """See `Reader`."""

    name = "rapidocr"
    finds_anywhere = True

    def __init__(self, detector: Path, recogniser: Path) -> None:
        self._models = (detector, recogniser)

    @cached_property
    def _engine(self) -> Any:
        settings = {
            "Global.log_level": "critical",
            "Global.use_cls": False,
            "Global.max_side_len": _LARGEST_PAGE,
            "Det.model_path": str(self._models[0]),
            "Rec.model_path": str(self._models[1]),
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
        return importlib.import_module("rapidocr").RapidOCR(params=settings)

    def scripts(self) -> frozenset[str]:
        return frozenset(RAPIDOCR)

    def can_read(self, tag: str) -> bool:
        return script_for(tag) in RAPIDOCR

    def needs(self, tag: str) -> str | None:  # noqa: ARG002
        return None

    def versions(self, tag: str) -> Mapping[str, str]:  # noqa: ARG002
        found = {name: importlib.metadata.version(name) for name in ("rapidocr", "onnxruntime")}
        return found | {path.name: f"{path.stat().st_size} bytes" for path in self._models}

    def find(self, image: Image.Image) -> tuple[Box, ...]:
        found = self._engine(image.convert("RGB"), use_det=True, use_cls=False, use_rec=False)
        return tuple(_upright(corners, image.size) for corners in _listed(found.boxes))

    def read(self, image: Image.Image, tag: str) -> Reading:  # noqa: ARG002
        found = self._engine(image.convert("RGB"), use_det=True, use_cls=False, use_rec=True, text_score=_LEAST_SCORE)
        told = zip(_listed(found.boxes), found.txts or (), _listed(found.scores), strict=True)
        lines = (TextLine(text, _upright(corners, image.size), float(score)) for corners, text, score in told)
        return Reading(self.name, tuple(line for line in lines if line.text.strip()))

    def look(self, image: Image.Image, boxes: Sequence[Box], tag: str, *, latin: bool) -> list[tuple[Look, ...]]:  # noqa: ARG002
        return [self._looks(image, box) for box in boxes]

    def _looks(self, image: Image.Image, box: Box) -> tuple[Look, ...]:
        """Line by line, once flattened and once as it is in the picture."""
        flat = flattened(image, box, _GROUND)
        if flat is None:
            return ()
        place = image.crop(grown(box, 0.08, image.size)).convert("RGB")
        scale = place.height / max(flat.height - 2 * BORDER, 1)
        read: dict[str, list[str]] = {_GROUND.name: [], "as it is": []}
        for top, bottom in bands(flat):
            margin = round((bottom - top) * _AROUND_BAND)
            start, end = max(top - margin, 0), min(bottom + margin, flat.height)
            read[_GROUND.name].append(self._line(flat.crop((0, start, flat.width, end)).convert("RGB")))
            rows = [min(max(round((row - BORDER) * scale), 0), place.height) for row in (start, end)]
            if rows[1] - rows[0] > 1:
                read["as it is"].append(self._line(place.crop((0, rows[0], place.width, rows[1]))))
        return tuple(Look(self.name, how, "\n".join(filter(None, lines))) for how, lines in read.items())

    def _line(self, line: Image.Image) -> str:
        found = self._engine(line, use_det=False, use_cls=False, use_rec=True)
        return " ".join(found.txts or ()).strip()


def _listed(values: Any) -> list[Any]:
    return [] if values is None else list(values)


def _upright(corners: Any, size: tuple[int, int]) -> Box:
    across = [float(corner[0]) for corner in corners]
    down = [float(corner[1]) for corner in corners]
    return (
        max(round(min(across)), 0), max(round(min(down)), 0), min(round(max(across)), size[0]),
        min(round(max(down)), size[1]),
    )  # fmt: skip
