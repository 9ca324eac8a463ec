"""reports/latest, the link to the newest run."""

from __future__ import annotations

import os
from pathlib import Path


def point_latest(out: Path) -> None:
    """Let reports/latest point at a run's folder; where links cannot be made, do without."""
    link = out.parent / "latest"
    beside = out.parent / f".latest.{os.getpid()}"
    try:
        beside.symlink_to(out.name, target_is_directory=True)
        if link.is_symlink() or not link.exists():
            beside.replace(link)
        else:
            beside.unlink()
    except OSError:
        beside.unlink(missing_ok=True)
