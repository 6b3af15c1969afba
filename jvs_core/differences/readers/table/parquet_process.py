"""The process that decodes a Parquet file: it reads it from stdin and prints JSON, under limits that it sets itself.

``schema`` prints one object, ``rows`` an array of texts a row. It knows nothing of the rest of the package.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from typing import Any

_MEMORY = 4 << 30
_SECONDS = 30
_OUTPUT = 512 << 20
_BATCH = 4096


def main(what: str, longest: int) -> None:
    """Print what was asked for; end without a word where a limit is met."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_OUTPUT, _OUTPUT))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.environ["ARROW_DEFAULT_MEMORY_POOL"] = "system"
    os.environ["OMP_NUM_THREADS"] = "1"
    import pyarrow as pa
    from pyarrow import parquet

    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    file = parquet.ParquetFile(pa.BufferReader(sys.stdin.buffer.read()), pre_buffer=False)
    if what == "schema":
        columns = [[field.name, str(field.type)[:200]] for field in file.schema_arrow]
        print(json.dumps({"columns": columns, "rows": file.metadata.num_rows}))
        return
    for batch in file.iter_batches(batch_size=_BATCH, use_threads=False):
        columns = [column.to_pylist() for column in batch.columns]
        for row in zip(*columns, strict=True):
            print(json.dumps([_text(value, longest) for value in row]))


def _text(value: Any, longest: int) -> str | None:
    """Return a value as text; of a long one its beginning and a digest of all of it, so that a change shows."""
    if value is None:
        return None
    text = value.isoformat() if hasattr(value, "isoformat") else str(value)
    if len(text) <= longest:
        return text
    from hashlib import sha256

    return f"{text[:longest]}… {sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
