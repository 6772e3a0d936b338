"""The store and the locks together: how big the store is, what of it no lock names, and whether it is whole.

A lock names a result by its key or its digest, in any campaign of the project and in any branch, tag or stash. What could
not be read might name anything: then nothing is dropped. Bytes without a record may be a paid picture that a kill or a
damaged record parted from its record, so they count as paid.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from imagebuild.core.key import Digest, Key
from imagebuild.core.lock import LockEntry, parse_lock
from imagebuild.errors import BuildError, ImagebuildError, StoreError
from imagebuild.stages.place_of_store import Holdings
from imagebuild.store.base import DamagedObject, MissingObject, Record, Store, StoredObject
from imagebuild.workspace.outputs import Outputs
from imagebuild.workspace.roots import FoundLock, Unreadable, locks_in
