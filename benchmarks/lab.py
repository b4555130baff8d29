"""The GAN lab at full speed: pictures and steps a second, for each data set and each loss.

The lab plays as it does in the notebook: in slices, with a picture after each, which a stand-in for
the browser answers at once. A step is one `critic_step` or one `generator_step`. The bars are 25
pictures and 400 steps a second. Beside the wall clock the processor's own time is counted: on a
machine that is busy with other things it says what a free core would do.
"""

import argparse
import asyncio
import time

from benchmarks.support import machine
from gan_lessons import runtime
from gan_lessons.lab import GanLab
from gan_lessons.lab.gan_lab.presets import DATA, LOSSES

PICTURES, STEPS = 25, 400  # a second: the bars


def with_a_browser(lab: GanLab) -> list[int]:
    """Answer each picture of the lab as the page does; return the list of those that arrived."""
    arrived = []

    def receive(content, buffers=None):
        if content["kind"] == "picture":
            arrived.append(content["number"])
            answer = {"method": "custom", "content": {"do": "shown", "number": arrived[-1]}}
            lab.comm.handle_msg({"content": {"data": answer}, "buffers": []})

    lab.send = receive
    return arrived


async def play(lab: GanLab, seconds: float) -> dict[str, float]:
    """Let the lab play; return pictures and steps per second of the clock and of the processor."""
    lab.run(20)  # warm up
    lab.tell(speed="max")
    arrived, before = with_a_browser(lab), lab.state.step + lab.state.critic_steps
    clock, processor = time.perf_counter(), time.process_time()
    lab.play()
    await asyncio.sleep(seconds)
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    pictures, steps = len(arrived), lab.state.step + lab.state.critic_steps - before
    lab.close()
    return {"pictures": pictures / clock, "steps": steps / clock,
            "pictures of a core": pictures / processor, "steps of a core": steps / processor}


def main(arguments: list[str] | None = None) -> None:
    """Measure and print a line for each game."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lab",
                                     description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=2.0, help="of each game")
    options = parser.parse_args(arguments)
    runtime.set_threads(1)  # as the lab plays
    print(machine())
    print("a second of:                     the clock            one core\n"
          "data        loss             pictures    steps   pictures    steps")
    below = 0
    for data in DATA:
        for loss in LOSSES:
            found = asyncio.run(play(GanLab(data=data, loss=loss), options.seconds))
            print(f"{data:11} {loss:16}" + "".join(f"{value:9.0f}" for value in found.values()),
                  flush=True)
            if found["pictures of a core"] < PICTURES or found["steps of a core"] < STEPS:
                below += 1
    print(f"games below {PICTURES} pictures or {STEPS} steps a second of one core: {below} of "
          f"{len(DATA) * len(LOSSES)}")


if __name__ == "__main__":
    main()
