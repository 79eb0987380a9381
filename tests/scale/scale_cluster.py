"""How the workers of the tests are started."""

from __future__ import annotations

from typing import Any

WORKERS: dict[str, Any] = {"threads_per_worker": 1, "dashboard_address": "127.0.0.1:0"}
