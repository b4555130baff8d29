"""fastai_style has fastai v1's numbers, as read off the real library (1.0.61).

The names of the tests carry the ids of the parity specification: 3a to 3c, S, T.
"""

import math

import fastai_standin as standin
import pytest
import torch
from fastai_standin import Data, networks, wgan
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss

from gan_lessons.fastai_style.callback import SmoothenValue
from gan_lessons.fastai_style.gan_loss import (
    AdaptiveLoss,
    GANModule,
    NoopLoss,
    WassersteinLoss,
    accuracy_thresh_expand,
    gan_loss_from_func,
)
from gan_lessons.fastai_style.networks import (
    AvgFlatten,
    DenseBlock,
    SelfAttention,
    basic_critic,
    basic_generator,
    gan_critic,
)


def trail(network, x):
    """Return the number of parameters and the shape of the output of each part."""
    found = []
    for part in network:
        x = part(x)
        found.append((sum(p.numel() for p in part.parameters()), tuple(x.shape)))
    return found


# 3a: sizes

def test_3a_generator_layer_by_layer():
    assert trail(basic_generator(64, 3, n_extra_layers=1), torch.randn(2, 100, 1, 1)) == [
        (820_224, (2, 512, 4, 4)), (2_097_664, (2, 256, 8, 8)), (524_544, (2, 128, 16, 16)),
        (131_200, (2, 64, 32, 32)), (36_992, (2, 64, 32, 32)), (3_072, (2, 3, 64, 64)),
        (0, (2, 3, 64, 64))]


def test_3a_critic_layer_by_layer():
    assert trail(basic_critic(64, 3, n_extra_layers=1), torch.randn(2, 3, 64, 64)) == [
        (3_136, (2, 64, 32, 32)), (36_992, (2, 64, 32, 32)), (131_328, (2, 128, 16, 16)),
        (524_800, (2, 256, 8, 8)), (2_098_176, (2, 512, 4, 4)), (8_192, (2, 1, 1, 1)), (0, (1,))]


@pytest.mark.parametrize(("make", "expected"), [
    (lambda: basic_generator(64, 3, n_extra_layers=1), (3_613_696, 16, 31, 2053)),
    (lambda: basic_critic(64, 3, n_extra_layers=1), (2_802_624, 15, 27, 1924)),
    (lambda: basic_generator(64, 3), (3_576_704, 13, 25, 1924)),
    (lambda: basic_critic(64, 3), (2_765_632, 12, 21, 1795)),
    (lambda: basic_generator(32, 3, 5), (679_808, 10, 19, 899)),
    (lambda: basic_critic(32, 3, 16), (42_960, 9, 15, 194)),
    (lambda: basic_generator(16, 3, 10, 8), (5_040, 7, 13, 50)),
    (lambda: basic_critic(16, 3, 8), (2_728, 6, 9, 33))])
def test_3a_totals_tensors_keys_buffers(make, expected):
    network = make()
    parameters = list(network.parameters())
    assert (sum(p.numel() for p in parameters), len(parameters), len(network.state_dict()),
            sum(b.numel() for b in network.buffers())) == expected


@pytest.mark.parametrize(("settings", "parameters", "buffers"), [
    ({}, 44_705_665, 69_937), ({"nf": 64}, 11_187_137, 34_993),
    ({"nf": 32, "n_blocks": 2}, 700_385, 8_817)])
def test_3a_gan_critic(settings, parameters, buffers):
    with torch.device("meta"):
        critic = gan_critic(**settings)
    assert sum(p.numel() for p in critic.parameters()) == parameters
    assert sum(b.numel() for b in critic.buffers()) == buffers


@pytest.mark.parametrize(("size", "places"), [(128, 25), (224, 121)])
def test_3a_gan_critic_judges_patches(size, places):
    assert gan_critic(nf=8)(torch.randn(2, 3, size, size)).shape == (2, places)


def test_3a_self_attention_is_what_its_paper_says():
    layer, x = SelfAttention(16).eval(), torch.randn(1, 16, 2, 2)
    assert torch.equal(layer(x), x)  # gamma starts at 0
    places = x[0].flatten(1)
    query, key, value = (f(places[None])[0] for f in (layer.query, layer.key, layer.value))
    expected = places.clone()
    for j in range(4):
        attention = torch.tensor([float(query[:, i] @ key[:, j]) for i in range(4)]).softmax(0)
        expected[:, j] += 0.5 * sum(attention[i] * value[:, i] for i in range(4))
    with torch.no_grad():
        layer.gamma.fill_(0.5)
        assert torch.allclose(layer(x)[0].flatten(1), expected, atol=1e-5)


def test_3a_dense_block_keeps_its_input():
    block, x = DenseBlock(8), torch.randn(2, 8, 4, 4)
    made = block(x)
    assert made.shape == (2, 16, 4, 4)
    assert torch.equal(made[:, 8:], x) and not torch.equal(made[:, :8], x)


def test_3a_state_dict_keys_are_fastais():
    keys = list(basic_critic(64, 3, n_extra_layers=1).state_dict())
    assert keys[:5] == ["0.0.weight", "0.0.bias", "1.0.0.weight", "1.0.2.weight", "1.0.2.bias"]
    without = list(basic_critic(64, 3).state_dict())
    assert without[2] == "2.0.weight" and not any(key.startswith("1.") for key in without)


def test_3a_first_weights():
    torch.manual_seed(42)
    generator = basic_generator(64, 3, n_extra_layers=1)
    critic = basic_critic(64, 3, n_extra_layers=1)
    if abs(float(torch.rand(1)) - 0.0991104245) > 1e-9:
        pytest.skip("this version of torch draws other random numbers")
    for network, total, squares in ((generator, 1052.456276, 3163.205268),
                                    (critic, 978.989930, 3019.294096)):
        weights = torch.cat([p.detach().double().flatten() for p in network.parameters()])
        assert float(weights.sum()) == pytest.approx(total, abs=1e-4)
        assert float(weights.square().sum()) == pytest.approx(squares, abs=1e-4)


def test_3a_spread_of_first_weights():
    torch.manual_seed(42)

    def spreads(network):
        return [float(m.weight.std()) for m in network.modules()
                if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d))]
    assert spreads(basic_generator(64, 3, n_extra_layers=1)) == pytest.approx(
        [0.0156, 0.0221, 0.0312, 0.0441, 0.0592, 0.0836], rel=0.05)
    assert spreads(basic_critic(64, 3, n_extra_layers=1)) == pytest.approx(
        [0.209, 0.0592, 0.0443, 0.0313, 0.0221, 0.0160], rel=0.05)


# 3b: values

REAL, FAKE = torch.tensor([1.0, 2, 3]), torch.tensor([0.5, -0.5, 0])
OUT, TARGET = torch.tensor([[0, 1, -1], [2, -2, 0.5]]), torch.tensor([1, 0])


def test_3b_wasserstein_and_noop():
    assert float(WassersteinLoss()(REAL, FAKE)) == 2.0
    assert float(NoopLoss()(FAKE, "ignored")) == 0.0


@pytest.mark.parametrize(("weights", "expected"), [(None, 5.8804335594), ((1, 50), 259.0470886)])
def test_3b_losses_from_functions(weights, expected):
    gen_loss, crit_loss = gan_loss_from_func(mse_loss, binary_cross_entropy_with_logits, weights)
    out = torch.arange(6.0).view(3, 2)
    assert float(crit_loss(REAL, FAKE)) == pytest.approx(0.4383463859558, rel=1e-6)
    assert float(gen_loss(FAKE, torch.ones(3, 2), out)) == pytest.approx(expected, rel=1e-6)


def test_3b_adaptive_loss_and_accuracy():
    assert float(AdaptiveLoss(nn.BCEWithLogitsLoss())(OUT, TARGET)) == pytest.approx(0.9246006012)
    assert float(accuracy_thresh_expand(OUT, TARGET)) == pytest.approx(1 / 3)
    assert float(accuracy_thresh_expand(OUT, TARGET, sigmoid=False)) == 0.5


def test_3b_avg_flatten():
    scores = torch.tensor([1.0, 2, 6]).view(3, 1, 1, 1)
    assert AvgFlatten()(scores).tolist() == [3.0]
    assert AvgFlatten(per_sample=True)(scores).tolist() == [1.0, 2.0, 6.0]


def test_3b_smoothing():
    smoothener, seen = SmoothenValue(0.98), []
    for value in (1, 2, 4):
        smoothener.add_value(value)
        seen.append(smoothener.smooth)
    assert seen == pytest.approx([1.0, 1.5050505, 2.3535573], abs=1e-7)


# 3c: forward and training traces

def test_3c_forward_trace():
    generator, critic = networks()
    (z, x), = Data().train_dl[:1]
    sums = []
    with torch.no_grad():
        made = z
        for part in generator:
            made = part(made)
            sums.append(float(made.double().sum()))
        assert sums == pytest.approx([0, 0, -2.9852, -15.2415], abs=1e-3)
        assert float(made.double().abs().sum()) == pytest.approx(1595.8419, abs=1e-3)
        sums.clear()
        for part in critic:
            x = part(x)
            sums.append(float(x.double().sum()))
        assert sums == pytest.approx([472.82276, 472.82276, 0, -0.95027, -0.23757], abs=1e-3)
        assert float(x) == pytest.approx(-0.2375685, abs=2e-6)
        assert float(critic(made)) == pytest.approx(-0.0188773, abs=2e-6)


B_LOSSES = [-.0218691, .0279653, -.0007591, -.0113911, .0298446, .0130665,
            -.0453935, .0170647, -.0238625, -.0328984, .0133575, -.0037140]
TRACES = {
    "A": ({"clip": 0.01}, [(2, 2e-4)],
          [-.0002690, -.0001069, -.0000835, -.0004602, -.0000717, .0004565,
           -.0005932, -.0004577, -.0004397, -.0008960, -.0004467, .0003039],
          (23.222941, 48.910785, -.197102, .229801, 33.302072, 23.748616)),
    "B": ({"clip": 0.1}, [(2, 1e-3)], B_LOSSES,
          (23.291409, 48.947244, -.394531, 13.405042, 33.320685, 73.446439)),
    "D": ({"clip": 0.1, "wd": 0.01}, [(2, 1e-3)],
          [-.0218691, .0279656, -.0007592, -.0113919, .0298419, .0130630,
           -.0453945, .0170570, -.0238628, -.0329050, .0133452, -.0037167],
          (23.291111, 48.945292, -.394287, 13.402805, 33.32066, 73.435052)),
    "E": ({"clip": 0.1}, [(2, 1e-3), (1, 5e-4)],
          B_LOSSES + [-.0766528, -.0017035, -.0525083, -.0547629, -.0074953, -.0149695],
          (23.295938, 48.948094, -.411193, 13.326777, 42.621867, 85.347569))}


@pytest.mark.parametrize("case", TRACES)
def test_3c_training_trace(case):
    settings, fits, expected, sums = TRACES[case]
    nets, seen, diary = networks(), [], standin.Diary()
    learn = wgan(nets=nets, callbacks=[diary], **settings)
    for epochs, lr in fits:
        learn.fit(epochs, lr)
        seen += standin.losses(learn)
    assert diary.turns == "CCCCCG" * (len(expected) // 6)
    assert seen == pytest.approx(expected, abs=2e-6)
    weights = [torch.cat([p.detach().double().flatten() for p in n.parameters()]) for n in nets]
    found = [f(w).item() for w in weights for f in (torch.sum, lambda w: w.square().sum())]
    found += [sum(float(b.double().sum()) for b in network.buffers()) for network in nets]
    assert found == pytest.approx(sums, abs=1e-4)  # processors add in another order


def test_3c_smoothed_losses():
    learn = wgan(clip=0.1)
    learn.fit(2, 1e-3)
    trainer = learn.gan_trainer
    assert trainer.glosses == pytest.approx([0.013067, 0.004592], abs=1e-6)
    assert trainer.closses[:5] == pytest.approx(
        [-0.021869, 0.0033, 0.001919, -0.00151, 0.005017], abs=1e-6)
    assert float(learn.recorder.smoothener.smooth) == pytest.approx(-0.003481, abs=1e-6)
    learn.fit(1, 5e-4)
    assert trainer.glosses == pytest.approx([-0.01497], abs=1e-5)
    assert len(trainer.closses) == 5


# T: what fastai v1's own tests check

def test_T5_gan_module():
    model = GANModule(*networks())
    assert model(torch.randn(2, 3, 16, 16)).shape == (1,)
    model.switch(True)
    assert model(torch.randn(2, 10, 1, 1)).shape == (2, 3, 16, 16)
    model.switch()
    assert model.gen_mode is False


def test_T6_gan_trainer():
    learn = wgan()
    learn.fit(1, 2e-4)
    assert learn.gan_trainer.titles == ["Epoch 0"]
    assert [tuple(img.shape) for img in learn.gan_trainer.imgs] == [(3, 16, 16)]
    assert learn.gan_trainer.gen_mode and learn.model.gen_mode


# S: the sources, as far as they need no pictures on a disk

def test_S0_schedule():
    learn = wgan(Data(train=256, bs=16))
    learn.fit(2, 2e-4)
    trainer = learn.gan_trainer
    assert (len(trainer.glosses), len(trainer.closses)) == (5, 27)
    assert (len(trainer.imgs), trainer.titles) == (2, ["Epoch 0", "Epoch 1"])
    assert trainer.gen_mode


def test_S0_show_results_after_switching_by_hand():
    learn = wgan()
    learn.fit(1, 2e-4)
    learn.gan_trainer.switch(gen_mode=True)
    learn.show_results(rows=16, figsize=(8, 8))
    _, _, made, settings = learn.data.drawn
    assert made.shape == (4, 3, 16, 16) and settings == {"figsize": (8, 8)}


def test_the_table_says_that_one_column_mixes_both_players(capsys):
    wgan(silent=False).fit(2, 2e-4)
    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split() == ["epoch", "train_loss", "(mixed)", "gen_loss", "disc_loss", "time"]
    assert [line.split()[0] for line in (first, second)] == ["0", "1"]
    assert math.isclose(float(second.split()[2]), 0.000379, abs_tol=1e-6)
