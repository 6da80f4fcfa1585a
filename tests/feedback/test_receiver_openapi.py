"""The receiver keeps to its own OpenAPI document, whatever is sent to it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import ignored_auth, load_all_checks, positive_data_acceptance

from app.feedback.receiver.signatures import sign
from tests.feedback.receiving import SECRET, environment

pytestmark = pytest.mark.slow

load_all_checks()
BOUNDED = settings(
    max_examples=60,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module", params=["", SECRET], ids=["open", "signed"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A receiver in a process of its own, without and with a secret."""
    home = tmp_path_factory.mktemp("home")
    variables = {"QUARTERDECK_FEEDBACK__RECEIVER__SECRET": request.param} if request.param else {}
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "feedback", "serve", "--port", "0", "--json"],
        stdout=subprocess.PIPE,
        text=True,
        env=environment(home, **variables),
    )
    assert process.stdout is not None
    yield json.loads(process.stdout.readline())["url"]
    process.terminate()
    assert process.wait(30) == 0


class Signed(requests.auth.AuthBase):
    """Signs what is sent."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        body = request.body or b""
        raw = body.encode() if isinstance(body, str) else body
        request.headers["X-Quarterdeck-Signature"] = sign(SECRET, raw, int(time.time()))
        return request


def operations(url: str) -> list[schemathesis.schemas.APIOperation]:
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    return [found.ok() for found in schema.get_all_operations()]


@pytest.mark.parametrize("mode", [schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE])
def test_answers_are_those_of_the_document(url: str, mode: schemathesis.GenerationMode) -> None:
    found = operations(url)
    assert {operation.path for operation in found} == {"/v1/feedback", "/v1/health"}
    answered: Counter[int] = Counter()
    for operation in found:
        if mode.is_negative and operation.method == "get":
            continue  # There is nothing that could be wrong about it.

        @BOUNDED
        @given(case=operation.as_strategy(generation_mode=mode))
        def check(case: schemathesis.Case) -> None:
            # Blank names and times in the future keep the schema, which cannot say so, and break the contract.
            answer = case.call_and_validate(
                base_url=url, auth=Signed(), excluded_checks=[positive_data_acceptance, ignored_auth]
            )
            if case.method == "POST":
                answered[answer.status_code] += 1

        check()
    # The requests come as far as the contract, and behind it.
    assert answered[422] + answered[400]
    assert mode.is_negative or answered[202]
    assert sum(answered.values()) >= 50


def test_any_signed_bytes_get_an_answer_that_is_no_bug(url: str) -> None:
    @BOUNDED
    @given(body=st.one_of(st.binary(max_size=300), st.recursive(st.none() | st.text(), st.lists).map(json.dumps)))
    def check(body: bytes | str) -> None:
        raw = body if isinstance(body, bytes) else body.encode()
        headers = {
            "Content-Type": "application/json",
            "X-Quarterdeck-Signature": sign(SECRET, raw, int(time.time())),
        }
        request = urllib.request.Request(f"{url}/v1/feedback", raw, headers)
        with pytest.raises(urllib.error.HTTPError) as refused, urllib.request.urlopen(request):
            pass
        with refused.value as answer:
            assert answer.code in (400, 422)
            assert json.loads(answer.read())["error"]

    check()
