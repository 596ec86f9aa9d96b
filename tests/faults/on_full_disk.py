"""Studies on disks that are really full or read-only: `python -m faults.on_full_disk PLACE`.

Has to run where it may mount, as under `unshare --map-root-user --mount`: the disks are tmpfs of a
few kilobytes, and are gone with the process. Prints a JSON object: for each case what the command
said and its exit code, and whether it went on to be the study in PLACE/whole when there was room.
"""

import json
import subprocess
import sys
from pathlib import Path

from faults.running import FAKE, FAKE_STUDY, check_sound, run, study_of
from faults.same import differences


def mount(*arguments: object) -> None:
    subprocess.run(["mount", *map(str, arguments)], check=True)


def told(done) -> dict[str, object]:
    return {"code": done.returncode, "stdout": done.stdout[-3000:], "stderr": done.stderr[-3000:]}


def full(disk: Path, size: str, whole) -> dict[str, object]:
    """Compare on a disk of a size, make room, and go on."""
    disk.mkdir()
    mount("-t", "tmpfs", "-o", f"size={size}", "none", disk)
    out = disk / "study"
    compare = (*FAKE, "compare", "fake", *FAKE_STUDY, "--out", out)
    said = told(run(*compare))
    said["there"] = (out / "study.db").exists() and (out / "study.db").stat().st_size > 0
    if said["there"]:
        check_sound(out)
    mount("-o", "remount,size=20m", disk)
    said["after"] = told(run(*compare))
    done = said["after"]["code"] == 0
    said["differences"] = differences(whole, study_of(out)) if done else ["it did not go on"]
    said["left"] = sorted(path.name for path in out.iterdir())
    return said


def read_only(disk: Path, whole) -> dict[str, object]:
    """Begin and go on where nothing may be written; then where it may."""
    disk.mkdir()
    mount("-t", "tmpfs", "-o", "size=20m", "none", disk)
    out = disk / "study"
    compare = (*FAKE, "compare", "fake", *FAKE_STUDY, "--out", out)
    mount("-o", "remount,ro", disk)
    said = {"at the start": told(run(*compare))}
    mount("-o", "remount,rw", disk)
    run(*compare, FAULTS_MEMORY=60)  # stops on the way
    mount("-o", "remount,ro", disk)
    said["going on"] = told(run(*compare))
    said["report"] = told(run(*FAKE, "report", out))
    mount("-o", "remount,rw", disk)
    run(*compare)
    return said | {"differences": differences(whole, study_of(out))}


def main() -> None:
    place = Path(sys.argv[1])
    whole = study_of(place / "whole")
    found = {size: full(place / f"disk-{size}", size, whole) for size in sys.argv[2:]}
    found["read-only"] = read_only(place / "read-only", whole)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
