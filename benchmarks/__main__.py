"""Run the benchmarks named on the command line, or all of them, each in a process of its own."""

import argparse
import ast
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent


def benchmarks() -> dict[str, str]:
    """Return each benchmark's name and the first line of its docstring."""
    files = sorted(path for path in FOLDER.glob("*.py") if not path.name.startswith("_"))
    return {path.stem: ast.get_docstring(ast.parse(path.read_text("utf-8"))).splitlines()[0]
            for path in files}


def main() -> int:
    """Run them one after the other; return 1 when one of them failed."""
    known = benchmarks()
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="\n".join(f"{name:14}{line}" for name, line in known.items()))
    parser.add_argument("names", nargs="*", metavar="name", help="which to run; all unless given")
    names = parser.parse_args().names
    unknown = [name for name in names if name not in known]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]}; there are: {', '.join(known)}")
    failed = []
    for name in names or known:
        print(f"== {name}: {known[name]}", flush=True)
        command = [sys.executable, "-m", f"benchmarks.{name}"]
        if subprocess.run(command, cwd=FOLDER.parent).returncode:
            failed.append(name)
        print(flush=True)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
