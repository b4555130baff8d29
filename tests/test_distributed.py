"""Two processes on the CPU play one game: the same weights as one process, and no file twice."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from gan_lessons import checkpoint, data, distributed, losses, penalties
from gan_lessons.nets import dcgan
from gan_lessons.train import Game, fit

ROOT = Path(__file__).parent.parent
TRAIN = """
import sys
from functools import partial
import torch
from gan_lessons import data, distributed, losses, penalties
from gan_lessons.nets import dcgan
from gan_lessons.train import Game, fit

torch.set_num_threads(1)
distributed.join()
torch.manual_seed(0)
game = Game(*dcgan.pair(16, features=4, latent=8, norm="none", std=None), latent=8, batch=8,
            loss=losses.Relativistic(), penalty=partial(penalties.r1_r2, gamma=0.1), lr=1e-3)
seen = []
fit(game, data.toy_faces(64, size=16), int(sys.argv[2]), save_to=sys.argv[1], save_every=4,
    watch=lambda game: seen.append(game.step), watch_every=5, progress=False)
sys.stdout.write(f"process {distributed.rank()} step {game.step} watched {seen}\\n")  # at once
distributed.leave()
"""


def launch(tmp_path, *arguments, text=TRAIN):
    script = tmp_path / "train.py"
    script.write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone",
               "--nproc-per-node", "2", str(script), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1",
                                 "CUDA_VISIBLE_DEVICES": ""}, start_new_session=True)


def alone(steps):
    torch.manual_seed(0)
    game = Game(*dcgan.pair(16, features=4, latent=8, norm="none", std=None), latent=8, batch=8,
                loss=losses.Relativistic(), lr=1e-3,
                penalty=lambda *given: penalties.r1_r2(*given, gamma=0.1))
    return fit(game, data.toy_faces(64, size=16), steps, progress=False)


@pytest.mark.slow
def test_two_processes_equal_one_and_resume(tmp_path):
    file = tmp_path / "run.safetensors"
    for steps in (6, 12):  # the second time from the checkpoint
        process = launch(tmp_path, str(file), str(steps))
        out, _ = process.communicate(timeout=100)
        assert process.returncode == 0, out
        watched = "[5, 6]" if steps == 6 else "[10, 12]"
        assert f"process 0 step {steps} watched {watched}" in out
        assert f"process 1 step {steps} watched []" in out
    assert checkpoint.saved_step(file) == 12
    saved, game = load_file(file), alone(12)
    for name, network in game.state()["networks"].items():
        for key, tensor in network.items():
            torch.testing.assert_close(saved[f"networks/{name}/{key}"], tensor, rtol=1e-3,
                                       atol=1e-4)
    for key, tensor in game.generator.state_dict().items():  # and training did move them
        assert not torch.allclose(tensor, alone(0).generator.state_dict()[key], atol=1e-3)


EXPERTS = """
import sys
import torch
from gan_lessons import distributed

distributed.join()
experts = torch.nn.ModuleList(torch.nn.Linear(1, 1, bias=False) for _ in range(2))
for expert in experts:
    torch.nn.init.ones_(expert.weight)
optimizer = torch.optim.SGD(experts.parameters(), lr=1.0)
optimizer.register_step_pre_hook(distributed.average_gradients)
rank = distributed.rank()
experts[rank](torch.tensor([[4.0 * (rank + 1)]])).sum().backward()  # each rank its own expert
optimizer.step()
sys.stdout.write(f"rank {rank}: {[expert.weight.item() for expert in experts]}\\n")
distributed.leave()
"""


@pytest.mark.slow
def test_a_layer_that_one_rank_did_not_use_gets_its_share_of_the_other(tmp_path):
    out, _ = launch(tmp_path, text=EXPERTS).communicate(timeout=100)
    for rank in range(2):  # 1 - 4/2 and 1 - 8/2, on both
        assert f"rank {rank}: [-1.0, -3.0]" in out, out


@pytest.mark.slow
def test_ctrl_c_stops_both_at_the_same_step_with_a_checkpoint(tmp_path):
    file = tmp_path / "run.safetensors"
    process = launch(tmp_path, str(file), "100000", text="import signal\n"
                     "signal.signal(signal.SIGINT, signal.default_int_handler)\n" + TRAIN)
    deadline = time.monotonic() + 80
    while not (file.exists() and checkpoint.saved_step(file) >= 4):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.2)
    workers = subprocess.run(["pgrep", "-f", f"{tmp_path}/train.py {file}"], text=True,
                             capture_output=True, check=True).stdout.split()
    for pid in sorted(map(int, workers))[1:]:  # the first is torchrun itself
        os.kill(pid, signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    steps = [line.split()[3] for line in out.splitlines() if line.startswith("process")]
    assert len(steps) == 2 and steps[0] == steps[1] == str(checkpoint.saved_step(file)), out


def test_alone_nothing_changes():
    batch = torch.arange(6.0).view(6, 1)
    assert distributed.join() == 0 and distributed.world_size() == 1 and not distributed.joined()
    assert distributed.shard(batch) is batch or torch.equal(distributed.shard(batch), batch)
    assert distributed.any_rank(True, torch.device("cpu"))
    assert not distributed.any_rank(False, torch.device("cpu"))


def test_processes_that_have_not_joined_are_told_so(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(RuntimeError, match=r"distributed.join\(\)"):
        distributed.check(8)


def test_a_batch_that_cannot_be_shared_is_refused(monkeypatch):
    monkeypatch.setattr(distributed, "world_size", lambda: 3)
    with pytest.raises(ValueError, match="multiple of 3"):
        distributed.check(8)
