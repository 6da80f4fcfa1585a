"""Asking an index of imports about trees made for the purpose."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from app.testing.impact import ImpactIndex, Ranked

SHOP = {
    "shop/__init__.py": "from .orders import Order as Order\nfrom .prices import net\n",
    "shop/orders.py": "from shop.prices import (\n    net,  # (net) price\n    gross,\n)\n\nclass Order: ...\n",
    "shop/prices.py": "import decimal\n",
    "shop/mail.py": "import smtplib\n",
    "tests/test_orders.py": "from shop import Order\n",
    "tests/test_prices.py": "import shop\n\ndef test(): shop.net(1)\n",
    "tests/test_all.py": "import shop\n",
    "tests/test_direct.py": "from shop.prices import gross\n",
    "tests/test_mail.py": "",
    "tests/test_unrelated.py": "import json\n",
}


def rank(root: Path, changed: Sequence[str], tests: Sequence[str] | None = None) -> tuple[Ranked, ...]:
    """Rank after a full look at the tree."""
    index = ImpactIndex(root)
    index.update(None)
    return index.rank([root / name for name in changed], tests or all_tests(root))


def all_tests(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*.py") if path.name.startswith("test_"))


def order(ranked: Sequence[Ranked]) -> list[tuple[str, int | None]]:
    return [(item.path, item.distance) for item in ranked]
