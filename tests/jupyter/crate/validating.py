"""Validate a crate against a profile without a network: ``python validating.py CONTEXT PROFILE CRATE``, where roc-validator is.

CONTEXT is the JSON-LD context that the library rocrate carries, of RO-Crate 1.3. The validator asks for that of 1.1, which
has the same terms; those of workflows have other addresses, put in here. Prints what is wrong, one line each.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import requests
from rocrate_validator import services
from rocrate_validator.models import Severity
from rocrate_validator.utils.http import HttpRequester

TERMS = ("sha256", "environment", "containerImage")
SAME = "https://bioschemas.org/"


def main(context: str, profile: str, crate: str) -> int:
    """Validate, and return 0 when the crate conforms."""
    known = json.loads(Path(context).read_text())["@context"]
    earlier = {
        name: value.replace(f"{SAME}terms/", SAME) if isinstance(value, str) else value
        for name, value in known.items()
    }
    earlier.update({name: f"{SAME}ComputationalWorkflow#{name}" for name in ("input", "output")})
    terms = {name: f"https://w3id.org/ro/terms/workflow-run#{name}" for name in TERMS}
    contexts = {
        "https://w3id.org/ro/crate/1.1/context": earlier,
        "https://w3id.org/ro/terms/workflow-run/context": terms,
    }

    def get(_self: Any, url: str, **_how: Any) -> requests.Response:
        answer = requests.Response()
        answer.status_code = 200 if url in contexts else 504
        answer.headers["Content-Type"] = "application/ld+json"
        answer._content = json.dumps({"@context": contexts.get(url, {})}).encode()
        return answer

    HttpRequester.get = get
    result = services.validate(
        services.ValidationSettings(
            rocrate_uri=crate,
            profile_identifier=profile,
            requirement_severity=Severity.REQUIRED,
            offline=True,
        )
    )
    for issue in result.get_issues():
        sys.stdout.write(f"{issue.check.identifier}: {issue.message}\n")
    sys.stdout.write(f"{len(result.executed_checks)} checks\n")
    return 0 if result.passed() else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
