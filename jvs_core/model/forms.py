"""The forms of single fields: what an id, a name, a time and a text of a record may look like."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from jvs_core.validated import AfterValidator, Field

FORMAT_VERSION = 2
LARGEST = 2**53 - 1
LEASE_MS_MAXIMUM = 86_400_000
LONGEST_TEXT = 65_536
LONGEST_TAG = 200
SNAPSHOT_ID = r"^[0-9]{13}-[0-9a-f]{8}$"
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
_TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$"
_HEX_256 = r"^[0-9a-f]{64}$"
UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
SHORT_ID = r"^[0-9a-f]{12}$"
VIEW = r"^[0-9a-f]{8}-[0-9a-f]{8}$"
RUN_ID = r"^run-[0-9]{13}-[0-9a-f]{8}$"
_OPERATION = r"^[a-z][a-z_]{0,39}$"
_KIND = r"^[a-z][a-z_]{0,39}$"
_SESSION = r"^[A-Za-z0-9][A-Za-z0-9._@:-]{0,99}$"


def _in_the_calendar(text: str) -> str:
    # ValueError for a 31st of February: whoever computes with the time relies on it
    datetime.fromisoformat(text)
    return text


SnapshotId = Annotated[str, Field(pattern=SNAPSHOT_ID)]
Name = Annotated[str, Field(pattern=NAME)]
Timestamp = Annotated[str, Field(pattern=_TIME), AfterValidator(_in_the_calendar)]
Sha256 = Annotated[str, Field(pattern=_HEX_256)]
Uuid = Annotated[str, Field(pattern=UUID)]
ShortId = Annotated[str, Field(pattern=SHORT_ID)]
RunId = Annotated[str, Field(pattern=RUN_ID)]
OperationName = Annotated[str, Field(pattern=_OPERATION)]
KindName = Annotated[str, Field(pattern=_KIND)]
SessionId = Annotated[str, Field(pattern=_SESSION)]
Holder = Annotated[str, Field(max_length=600)]
Count = Annotated[int, Field(ge=0)]
LeaseSpan = Annotated[int, Field(ge=0, le=LEASE_MS_MAXIMUM)]
Text = Annotated[str, Field(max_length=LONGEST_TEXT)]
Tag = Annotated[str, Field(min_length=1, max_length=LONGEST_TAG)]
Line = Annotated[str, Field(max_length=1000)]
HexPath = Annotated[str, Field(pattern=r"^([0-9a-f]{2})*$")]
