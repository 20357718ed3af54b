"""`make record`: writes the recordings that the preview is compared with."""

import json
from pathlib import Path

from mlops import engine
from mlops.report.recording import recording

ROOT = Path(__file__).parents[2]

for stack in ("dev", "prod", "prod-dr"):
    path = ROOT / "tests" / "recordings" / f"{stack}.json"
    path.write_text(json.dumps(recording(engine.preview(ROOT, stack)), indent=1, sort_keys=True) + "\n")
    print(f"wrote {path.relative_to(ROOT)}")
