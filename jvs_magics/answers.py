"""What ``%jvs`` returns: the result objects of the commands, which also show themselves in a notebook."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from click import unstyle

from jvs_core import InputError
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.text import safe
from jvs_magics import html
from jvs_magics.speech import in_notebook

MARK = "jvs"


class Answer:
    """A result object with its attributes and its JSON, shown as text, HTML and JSON.

    ``answer.snapshot_id`` and ``answer["snapshot_id"]`` are the same; ``to_json()`` is what ``--json`` gives.
    ``about_history`` says that it shows ids, times and the like, which are others whenever a notebook runs.
    """

    about_history = True

    def __init__(self, outcome: Outcome, *, coloured: bool = False, notes: Sequence[str] = ()) -> None:
        self._value: Any = outcome.value
        self._lines = [in_notebook(line) for line in outcome.shown()]
        self._warnings = tuple(outcome.warnings)
        self._notices = [*map(in_notebook, (*outcome.notices, *outcome.advice)), *notes]
        self._coloured = coloured
        self.ok = outcome.exit_status == 0

    @property
    def value(self) -> Any:
        """The result object of ``jvs_core`` itself."""
        return self._value

    def to_json(self) -> Any:
        """Return the contract's JSON."""
        return Outcome(self._value).to_json()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        value = self._value
        if isinstance(value, dict):
            if name in value:
                return value[name]
            raise AttributeError(name)
        return getattr(value, name)

    def __getitem__(self, key: Any) -> Any:
        return self.to_json()[key]

    def __dir__(self) -> list[str]:
        fields = getattr(type(self._value), "model_fields", ())
        return sorted({*object.__dir__(self), *fields})

    def __repr__(self) -> str:
        return unstyle(self._text())

    @property
    def _headline(self) -> str:
        return unstyle(self._lines[0])

    def _text(self) -> str:
        warnings = [safe(f"warning: {warning}") for warning in self._warnings]
        return "\n".join([*self._lines, *warnings, *map(safe, self._notices)])

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(self._text() if self._coloured else repr(self))

    def _repr_html_(self) -> str:
        warnings = [html.line(html.span("bad", f"warning: {warning}")) for warning in self._warnings]
        notices = [html.line(html.text(notice), style="dim") for notice in self._notices]
        return html.block(self._html(), *warnings, *notices)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {
            "text/plain": repr(self),
            "text/html": self._repr_html_(),
            "application/json": self.to_json(),
        }

    def _html(self) -> str:
        """Return the words of the command; the kinds below do better."""
        shown = [html.text(unstyle(line)) for line in self._lines[: html.FIRST_PAGE * 2]]
        count = html.rest(len(shown), len(self._lines), "print(answer)")
        return f"<pre>{chr(10).join(shown)}</pre>{count}"


class Answers(Answer, Sequence[Any]):
    """A list of result objects."""

    def __len__(self) -> int:
        return len(self._value)

    def __getitem__(self, position: Any) -> Any:
        return self._value[position]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._value)

    def to_rows(self) -> list[dict[str, Any]]:
        """Return a dictionary an item, as its JSON."""
        return [dict(row) for row in Outcome(self._value).to_json()]

    def to_dataframe(self) -> Any:
        """Return the rows as a pandas DataFrame. Raises InputError where pandas is not installed."""
        return dataframe(self.to_rows())


def dataframe(rows: list[dict[str, Any]]) -> Any:
    """Return rows as a pandas DataFrame. Raises InputError where pandas is not installed."""
    try:
        import pandas as pd
    except ModuleNotFoundError as error:
        raise InputError("pandas is not installed", hint="pip install pandas") from error
    return pd.DataFrame(rows)


def shown(answer: Answer) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a front end is sent: text and HTML, and the mark by which an answer is known in a saved notebook.

    Without the JSON: JupyterLab would show it, as a tree, in place of the HTML.
    """
    plain = answer._text() if answer._coloured else repr(answer)
    marks = {MARK: {"answer": type(answer).__name__}} if answer.about_history else {}
    return {"text/plain": plain, "text/html": answer._repr_html_()}, marks
