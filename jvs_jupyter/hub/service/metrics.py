"""What Prometheus hears of the service, named as JupyterHub names its own metrics; no user is named."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeHistogramMetricFamily, GaugeMetricFamily, Metric

from jvs_jupyter.hub.report import Usage, count_snapshots
from jvs_jupyter.hub.service.survey import Survey

_AGES = (3600.0, 86400.0, 7 * 86400.0, 30 * 86400.0)
_STATES = ("held", "free", "expired")
_NEARLY = 0.95


class Watch:
    """The metrics of a survey, computed when they are asked for, and the count of what admins did."""

    def __init__(self, survey: Survey, actions: Iterable[str]) -> None:
        self._survey = survey
        self._done = Counter({(action, status): 0 for action in actions for status in ("success", "failure")})
        self._prefix = f"{os.environ.get('JUPYTERHUB_METRICS_PREFIX', 'jupyterhub')}_jvs_"
        self.registry = CollectorRegistry()
        self.registry.register(self)

    def count(self, action: str, *, done: bool) -> None:
        """Count an admin's action."""
        self._done[action, "success" if done else "failure"] += 1

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        rows = list(self._survey.rows.values())
        has = [one for row in rows for one in row.has]
        locks = Counter(one.lock_state for one in has)
        asked = [row.asked_at for row in rows if row.asked_at is not None]
        yield self._gauge("users", "Users that have a worktree or home", len(rows))
        yield self._gauge(
            "users_asked", "Users whose worktrees the service requested since the start", len(asked)
        )
        yield self._gauge(
            "users_failed", "Users whose last request failed", sum(row.trouble is not None for row in rows)
        )
        yield self._gauge(
            "users_without_snapshot", "Users who have no snapshot of their own",
            sum(row.asked_at is not None and row.last_snapshot_at is None for row in rows),
        )  # fmt: skip
        yield self._gauge(
            "workspace_bytes", "Bytes of the newest snapshots of all worktrees", sum(one.bytes for one in has)
        )
        yield self._gauge(
            "workspace_files", "Files of the newest snapshots of all worktrees", sum(one.files for one in has)
        )
        left = [row.left for row in rows if row.left is not None]
        if left:
            about = "Bytes that the user with the least space can still write, by quota or file system"
            yield self._gauge("least_left_bytes", about, min(left))
        yield from self._quotas([row.quota for row in rows if row.quota is not None])
        yield self._gauge("snapshots", "Snapshots of all repositories", self._snapshots(has))
        worktrees = GaugeMetricFamily(
            f"{self._prefix}worktrees", "Worktrees by the state of their lock", labels=["lock"]
        )
        for state in _STATES:
            worktrees.add_metric([state], locks[state])
        yield worktrees
        yield self._ages([row.last_snapshot_at for row in rows if row.last_snapshot_at])
        oldest = time.time() - min(asked) if asked else 0
        yield self._gauge(
            "oldest_answer_seconds",
            "Age of the oldest answer from which the other metrics are computed",
            oldest,
        )
        yield self._gauge(
            "repository_readable", "1 if the users can be listed, else 0", int(self._survey.trouble is None)
        )
        yield from self._space()
        yield CounterMetricFamily(
            f"{self._prefix}failures", "Requests that failed", value=self._survey.failures
        )
        actions = CounterMetricFamily(
            f"{self._prefix}actions", "Actions of admins on the page", labels=["action", "status"]
        )
        for labels, number in self._done.items():
            actions.add_metric(labels, number)
        yield actions

    def _quotas(self, quotas: list[tuple[int, int]]) -> Iterator[Metric]:
        yield self._gauge("quota_users", "Users who have a quota", len(quotas))
        full = sum(used >= _NEARLY * limit for used, limit in quotas)
        yield self._gauge("quota_users_full", "Users who have used 95 % of their quota or more", full)
        yield self._gauge(
            "quota_used_bytes",
            "Bytes that count towards the quotas of all users",
            sum(used for used, _ in quotas),
        )
        yield self._gauge(
            "quota_limit_bytes",
            "Bytes that the quotas of all users allow together",
            sum(limit for _, limit in quotas),
        )

    def _snapshots(self, has: list[Usage]) -> int:
        site = self._survey.site
        if site.homes is not None:
            return sum(one.snapshots or 0 for one in has)
        try:
            return count_snapshots(site.root)
        except OSError:
            return 0

    def _gauge(self, name: str, about: str, value: float) -> Metric:
        return GaugeMetricFamily(f"{self._prefix}{name}", about, value=value)

    def _ages(self, times: list[str]) -> Metric:
        now = time.time()
        ages = [max(now - datetime.fromisoformat(one).timestamp(), 0) for one in times]
        buckets = [(str(limit), float(sum(age <= limit for age in ages))) for limit in _AGES]
        about = "Age of each user's own last snapshot"
        made = GaugeHistogramMetricFamily(f"{self._prefix}last_snapshot_age_seconds", about)
        made.add_metric([], buckets=[*buckets, ("+Inf", float(len(ages)))], gsum_value=sum(ages))
        return made

    def _space(self) -> Iterator[Metric]:
        site = self._survey.site
        try:
            there = os.statvfs(site.homes or site.root)
        except OSError:
            return
        yield self._gauge(
            "filesystem_size_bytes", "Size of the file system of the users", there.f_blocks * there.f_frsize
        )
        yield self._gauge(
            "filesystem_free_bytes", "Bytes that users can still write there", there.f_bavail * there.f_frsize
        )
        yield self._gauge("filesystem_free_files", "Files that users can still make there", there.f_favail)
