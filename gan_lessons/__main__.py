"""The command line: python -m gan_lessons."""

import argparse
import sys

from gan_lessons.commands import data, measure, sample, train
from gan_lessons.util import both


def doctor(args: argparse.Namespace) -> int:
    """Print the check-up; the exit code is 0 when the lessons can start, else 1."""
    from gan_lessons.doctor import check, report, verdict

    findings = check()
    report(findings)
    return 0 if verdict(findings) == "ready" else 1


def build_parser() -> argparse.ArgumentParser:
    """Return the parser: one sub-command each, with the function that carries it out as `run`."""
    parser = argparse.ArgumentParser(
        prog="python -m gan_lessons", formatter_class=argparse.RawDescriptionHelpFormatter,
        description=both("GAN Lessons · 生成对抗网络课：命令行工具。",
                         "GAN Lessons: command-line tools."))
    commands = parser.add_subparsers(title="命令 / commands", metavar="command", dest="command")
    check_up = commands.add_parser(
        "doctor", help="检查这台机器能否上课 / check that this machine is ready for the lessons")
    check_up.set_defaults(run=doctor)
    data.add(commands)
    train.add(commands)
    sample.add(commands)
    measure.add(commands)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Carry out one command and return the exit code; without a command, print the help."""
    parser = build_parser()
    args = parser.parse_args(argv)
    if args.command is None:
        parser.print_help()
        return 0
    return args.run(args)


if __name__ == "__main__":
    sys.exit(main())
