"""Coverage-guided fuzzing of genolab's own parsers: ``python tests/fuzz/fuzz.py [TARGET ...] [--seconds 60]``.

Needs ``pip install atheris``. An input that breaks a parser is kept in ``found/TARGET``, where the tests run it again.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

FOUND = Path(__file__).with_name("found")


def _one(name: str, seconds: int) -> None:
    """Fuzz one parser in this process."""
    import atheris

    with atheris.instrument_imports(include=["genolab"]):
        from targets import CACHE, TARGETS

        import genolab.io.sam_text
        import genolab.io.vcf_text  # noqa: F401
    os.environ["GENOLAB_CACHE"] = str(CACHE)

    run, seeds = TARGETS[name]

    def once(data: bytes) -> None:
        try:
            run(data)
        except Exception:
            folder = FOUND / name
            folder.mkdir(parents=True, exist_ok=True)
            (folder / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
            raise

    corpus = Path(tempfile.mkdtemp(prefix="genolab-corpus-"))
    kept = list((FOUND / name).glob("*")) if (FOUND / name).is_dir() else []
    for number, seed in enumerate([*seeds, *(path.read_bytes() for path in kept)]):
        (corpus / str(number)).write_bytes(seed)
    arguments = [
        sys.argv[0],
        str(corpus),
        f"-max_total_time={seconds}",
        "-max_len=3000",
        "-timeout=20",
        "-rss_limit_mb=2500",
    ]
    atheris.Setup([*arguments, "-print_final_stats=1", f"-artifact_prefix={corpus}/"], once)
    atheris.Fuzz()


def main() -> int:
    """Fuzz the parsers one after another, each in a process of its own."""
    sys.path.insert(0, str(Path(__file__).parent))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        _one(options.targets[0], options.seconds)
        return 0
    from targets import TARGETS

    broken = 0
    for name in options.targets or TARGETS:
        command = [sys.executable, __file__, name, "--inside", "--seconds", str(options.seconds)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        said = done.stderr + done.stdout
        runs = next((line.split()[-1] for line in said.splitlines() if "number_of_executed_units" in line), "?")
        print(f"{name:10} {runs:>9} inputs  {'fine' if done.returncode == 0 else 'BROKEN'}", flush=True)
        if done.returncode:
            broken += 1
            print("\n".join(said.splitlines()[-45:]))
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main())
