"""The version: here, and nowhere else."""

from __future__ import annotations

__all__ = ["VERSION"]

VERSION = "0.2.0"
