"""What Prometheus hears, and who may listen."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from jvs_jupyter.hub.service.base import Page
from jvs_jupyter.hub.service.survey import Row
from tests.jupyter.hub.service.conftest import Served
from tests.jupyter.hub.service.test_survey import Many, Serve, row


def values(served: Served) -> dict[tuple[str, tuple[str, ...]], float]:
    """Return the samples as Prometheus reads them."""
    families = text_string_to_metric_families(served.get("metrics"))
    return {
        (one.name, tuple(one.labels.values())): one.value for family in families for one in family.samples
    }


def test_what_the_service_knows_is_counted_and_nobody_is_named(serve: Serve) -> None:
    many: Any = Many()
    served = serve(site=many)
    known = {number: row(number) for number in (1, 2, 3)}
    known[1] = replace(known[1], quota_used_bytes=96, quota_bytes=100, snapshots=4)
    known[2] = replace(known[2], quota_used_bytes=5, quota_bytes=1000, snapshots=2)
    rows = [Row(one.user, (one,), time.time() - 60) for one in known.values()]
    served.desk.survey.rows = {
        one.user: one for one in [*rows, Row("sorry", (), time.time(), "damaged"), Row("new")]
    }
    found = values(served)
    for name, expected in {
        "users": 5, "users_asked": 4, "users_failed": 1, "users_without_snapshot": 1, "workspace_bytes": 6,
        "workspace_files": 3, "least_left_bytes": 101, "repository_readable": 1, "last_snapshot_age_seconds_gcount": 3,
        "snapshots": 6, "quota_users": 2, "quota_users_full": 1, "quota_used_bytes": 101, "quota_limit_bytes": 1100,
    }.items():  # fmt: skip
        assert found[f"jupyterhub_jvs_{name}", ()] == expected, name
    assert found["jupyterhub_jvs_worktrees", ("free",)] == 3
    assert found["jupyterhub_jvs_worktrees", ("held",)] == 0
    assert found["jupyterhub_jvs_oldest_answer_seconds", ()] >= 60
    assert (
        found["jupyterhub_jvs_filesystem_size_bytes", ()] >= found["jupyterhub_jvs_filesystem_free_bytes", ()]
    )
    assert "user-0" not in served.get("metrics")


def test_failures_and_what_admins_did_are_there_before_the_first(serve: Serve) -> None:
    many: Any = Many()
    served = serve(site=many)
    assert values(served)["jupyterhub_jvs_actions_total", ("reset", "failure")] == 0
    served.get()
    assert values(served)["jupyterhub_jvs_failures_total", ()] == 1


def test_metrics_are_for_who_has_a_token(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    many: Any = Many()
    served = serve(site=many)
    monkeypatch.setattr(Page, "get_current_user", lambda _: None)
    served.get("metrics", status=403)
