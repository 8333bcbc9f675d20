#!/usr/bin/env python3
"""Prints when the newest version in the changelog was released, in seconds, as SOURCE_DATE_EPOCH wants it."""

import datetime
import re
from pathlib import Path

changelog = (Path(__file__).resolve().parents[2] / "CHANGELOG.md").read_text()
day = re.search(r"^## \S+ - (\d{4}-\d{2}-\d{2})$", changelog, re.MULTILINE)[1]
print(int(datetime.datetime.fromisoformat(f"{day}T00:00:00+00:00").timestamp()))
