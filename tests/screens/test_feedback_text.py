"""The line below the review, at every width."""

from __future__ import annotations

import pytest

from screens import feedback_text as words
from tests.feedback_fakes import FakeFeedback, FakeQuarantine, refused


@pytest.mark.parametrize("width", range(10, 161))
def test_no_sign_stands_alone_where_its_words_have_no_room(width: int) -> None:
    service = FakeFeedback.of(quarantine=FakeQuarantine([refused(0), refused(1)]))
    line = words.status(service.snapshot(), width, "undone, ctrl+r does it again", "5 rows missing", ("discord: away",))
    left = line.plain.removesuffix("? keys").rstrip()
    assert not left.endswith(tuple(words.MARKS))
    assert len(line.plain) <= max(width, len(" ? keys"))
