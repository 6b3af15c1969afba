"""``%jvs view`` gives a path, and a kernel that ends leaves nothing open."""

from __future__ import annotations

from pathlib import Path

import pytest

from jvs_core import Repository
from tests.magics.kernel import Kernel, kernel


def left(main: Path) -> list[Path]:
    return list((main.parent / ".jvs" / "views").iterdir())


def test_a_view_is_a_path_for_whatever_takes_one(ip: Kernel, main: Path) -> None:
    pytest.importorskip("pyarrow")
    ip.ok("import pandas\npandas.DataFrame({'n': [1, 2]}).to_parquet('x.parquet')\n%jvs snapshot one")
    ip.ok("pandas.DataFrame({'n': [3]}).to_parquet('x.parquet')\n%jvs snapshot two")
    shown = ip.ok("old = %jvs view HEAD~1 x.parquet\nold")
    path = shown.text.splitlines()[0]
    assert path.endswith("/x.parquet")
    assert path in shown.html
    assert ip.value("list(pandas.read_parquet(old)['n'])") == "[1, 2]"
    assert ip.value("str(old) == old.path == old['path']") == "True"
    assert ip.value("import os; os.path.samefile(old, str(old))") == "True"
    top = ip.value("top = %jvs view HEAD~1\nstr(top / 'x.parquet')")
    assert "x.parquet" in top
    assert path in ip.value("%jvs view")
    assert len(left(main)) == 2
    ip.ok("%jvs view --close $old")
    assert "Closed" in ip.value("%jvs view --close")
    assert left(main) == []
    failed = ip.run("%jvs view --close")
    assert failed.ename == "UsageError"


def test_the_end_of_a_kernel_closes_its_views(tmp_path: Path) -> None:
    repo = Repository.init(tmp_path / "repo", engine="copy")
    main = repo.root / "main"
    (main / "a.txt").write_text("a")
    repo.snapshot("one", lock=True)
    with kernel(main) as running:
        running.ok("%load_ext jvs_magics\n%jvs view HEAD")
        assert len(left(main)) == 1
        (held,) = repo.views.all()
        assert not held.by_hand
        running.manager.shutdown_kernel()
    assert left(main) == []
    assert repo.views.all() == []
