"""The release process: it runs once for each deploy, before any container of the new release starts."""

from pathlib import Path

print(f"migrating to release {Path('release.txt').read_text().strip()}", flush=True)
