"""Statements that no database comes to the end of."""

from __future__ import annotations

ENDLESS = {
    "sqlite": "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n > 0) SELECT COUNT(*) FROM c",
    "mariadb": "SELECT BENCHMARK(1000000000000, SHA2('x', 512))",
    "mysql": "SELECT BENCHMARK(1000000000000, SHA2('x', 512))",
}
