"""Augmentation: what DiffAugment does to a picture, and that the game sees through it fairly."""

from functools import partial

import pytest
import torch
from torch import nn

from gan_lessons import augment, checkpoint, data, losses, penalties, recipes
from gan_lessons.augment import Augmented, DiffAugment
from gan_lessons.nets import mlp
from gan_lessons.train import Game, fit

ALL = DiffAugment()


@pytest.fixture(scope="module")
def digits():
    return data.mnist()[:200]


def small(**changes):
    torch.manual_seed(0)
    return Game(mlp.generator([8, 16]), mlp.discriminator([16]),
                **{"latent": 8, "batch": 20, **changes})


# ---- one batch ----

def test_every_picture_is_altered_in_its_own_way():
    torch.manual_seed(0)
    same = torch.rand(1, 3, 8, 8).repeat(6, 1, 1, 1)
    for policy in (DiffAugment(translation=0, cutout=0), DiffAugment(colour=False, cutout=0),
                   DiffAugment(colour=False, translation=0), ALL):
        altered = policy(same)
        assert altered.shape == same.shape
        assert len({tuple(picture.flatten().tolist()) for picture in altered}) >= 5
        assert not torch.equal(altered, policy(same))
    nothing = DiffAugment(colour=False, translation=0, cutout=0)
    assert torch.equal(nothing(same), same)


def test_colour_is_brightness_then_saturation_then_contrast():
    torch.manual_seed(0)
    flat = augment.coloured(torch.zeros(2000, 3, 2, 2))
    assert torch.equal(flat, flat[:, :1, :1, :1].expand_as(flat))
    assert -0.5 <= flat.min() < -0.49 and 0.49 < flat.max() <= 0.5
    red = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1).expand(2000, 3, 2, 2)
    altered = augment.coloured(red)
    vivid = altered[:, 0] - altered[:, 1]  # saturation 0 to 2, times contrast 0.5 to 1.5
    assert 0 <= vivid.min() < 0.05 and 2.5 < vivid.max() <= 3
    half = torch.zeros(2000, 1, 1, 2)
    half[..., 1] = 1.0  # grey pictures have no saturation to change
    step = augment.coloured(half).diff(dim=-1)
    assert 0.5 <= step.min() < 0.51 and 1.49 < step.max() <= 1.5


def test_pictures_move_by_whole_pixels_up_to_an_eighth_in_each_direction():
    torch.manual_seed(0)
    dot = torch.zeros(2000, 2, 16, 24)
    dot[:, 0, 8, 12], dot[:, 1, 9, 12] = 1.0, 5.0
    altered = augment.moved(dot, 1 / 8)
    assert torch.equal(altered.sum((1, 2, 3)), torch.full((2000,), 6.0))  # the channels together
    _, rows, columns = altered[:, 0].nonzero().T
    assert torch.equal(altered[:, 1].nonzero().T[1], rows + 1)
    assert set(rows.tolist()) == set(range(6, 11)) and set(columns.tolist()) == set(range(9, 16))
    shares = torch.bincount(rows).float()[6:] / 2000
    torch.testing.assert_close(shares, torch.full((5,), 0.2), atol=0.04, rtol=0)
    corner = torch.ones(50, 1, 4, 4)
    assert set(augment.moved(corner, 1.0).unique().tolist()) == {0.0, 1.0}  # zeros come in


def test_the_hole_is_a_square_of_half_the_side_that_may_stick_out():
    torch.manual_seed(0)
    altered = augment.with_hole(torch.ones(3000, 2, 16, 16), 0.5)
    gone = altered == 0
    assert torch.equal(gone[:, 0], gone[:, 1])
    height, width = gone[:, 0].any(2).sum(1), gone[:, 0].any(1).sum(1)
    assert torch.equal(gone[:, 0].sum((1, 2)), height * width)
    assert height.max() == width.max() == 8 and height.min() <= 4
    assert 0.1 < gone.float().mean() < 0.25  # a quarter, less what sticks out
    assert gone.any(0)[0].all()  # anywhere


def test_gradients_pass_twice():
    def repeated(pictures):
        torch.manual_seed(1)
        return DiffAugment(translation=0.4)(pictures)
    picture = torch.rand(1, 2, 3, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(repeated, picture)
    assert torch.autograd.gradgradcheck(repeated, picture)


@pytest.mark.parametrize("wrong", [{"translation": -0.1}, {"cutout": 1.5},
                                   {"cutout": float("nan")}])
def test_shares_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValueError, match="is a share of the side"):
        DiffAugment(**wrong)


# ---- in the game ----

class Spy:
    """An augmentation that adds a number to each picture and remembers which."""

    def __init__(self):
        self.seen = []

    def __call__(self, pictures):
        drawn = torch.rand(len(pictures), 1, 1, 1)
        self.seen.append(drawn.flatten())
        return pictures + drawn


def test_real_and_fake_of_a_pair_are_altered_alike_in_both_steps(digits):
    spy = Spy()
    critic = mlp.discriminator([16], dropout=0.2)  # draws random numbers between real and fake
    game = Game(mlp.generator([8, 16]), critic, latent=8, batch=20, augment=spy,
                loss=losses.Relativistic())
    fit(game, digits, 1, progress=False)
    _, real, fake, fake_again, real_again = spy.seen  # the first is the check before the first step
    assert len(real.unique()) == 20  # each pair in its own way
    assert torch.equal(real, fake) and torch.equal(fake_again, real_again)
    assert not torch.equal(real, real_again)  # and each step in another


def test_a_loss_without_pairs_sees_augmented_pictures_in_both_steps_too(digits):
    spy = Spy()
    fit(small(augment=spy), digits, 3, progress=False)
    assert len(spy.seen) == 1 + 3 * 3  # real and fake in D's step, the fakes in G's


def test_a_penalty_is_taken_before_the_augmentation():
    critic = nn.Sequential(nn.Flatten(), nn.Linear(12, 1, bias=False), nn.Flatten(0))
    real, norm = torch.randn(5, 3, 2, 2), critic[1].weight.square().sum()
    behind = Augmented(critic, lambda pictures: 3 * pictures + 1)
    torch.testing.assert_close(penalties.r1(behind, real, gamma=2.0), 9 * norm)
    value = penalties.gradient_penalty(behind, real, -real, weight=1.0)
    torch.testing.assert_close(value, (3 * norm.sqrt() - 1).square())
    moving = Augmented(critic, DiffAugment())
    penalties.r1_r2(moving, real, -real).backward()  # twice as many pictures as in a batch
    assert critic[1].weight.grad.abs().sum() > 0


@pytest.mark.parametrize("changes", [{}, {"loss": losses.Relativistic(), "n_critic": 2,
                                          "penalty": penalties.gradient_penalty}])
def test_an_augmented_run_repeats_and_resumes(digits, tmp_path, changes):
    whole = fit(small(augment=ALL, **changes), digits, 7, progress=False)
    path = tmp_path / "run.safetensors"
    fit(small(augment=ALL, **changes), digits, 4, progress=False, save_to=path)
    torch.manual_seed(999)
    resumed = fit(small(augment=DiffAugment(), **changes), digits, 7, progress=False, save_to=path)
    assert torch.equal(resumed.history, whole.history)
    for a, b in zip(resumed.generator.parameters(), whole.generator.parameters(), strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(fit(small(**changes), digits, 7, progress=False).history, whole.history)
    with pytest.raises(checkpoint.BadCheckpoint, match="other settings .*augment"):
        checkpoint.load(small(augment=DiffAugment(colour=False), **changes), path)
    with pytest.raises(checkpoint.BadCheckpoint, match="other settings .*augment"):
        checkpoint.load(small(**changes), path)


def test_an_augmented_step_leaves_the_random_numbers_of_others_alone(digits):
    game = small(augment=ALL)
    before = torch.get_rng_state()
    fit(game, digits, 2, progress=False)
    assert torch.equal(torch.get_rng_state(), before)


def test_samples_are_not_augmented(digits):
    plain, game = small(), small(augment=ALL)
    assert torch.equal(plain.sample(4), game.sample(4))


def test_what_cannot_be_augmented_is_named(digits):
    with pytest.raises(ValueError, match="augment is for pictures"):
        fit(recipes.plane(augment=ALL), data.ring(), 1, progress=False)
    for wrong, message in ((lambda x: x[..., 1:], r"has \(2, 1, 28, 27\)"),
                           (torch.Tensor.detach, "augment must be differentiable")):
        with pytest.raises(ValueError, match=message):
            fit(small(augment=wrong), digits, 1, progress=False)


# ---- clipping of gradients ----

def lengths(game, data, steps=3):
    """Return how far both players move at each step of plain gradient descent with rate 1."""
    seen = {"critic": [], "generator": []}
    for name in seen:
        optimizer, network = getattr(game, f"{name}_optimizer"), getattr(game, name)

        def note(*_, name=name, network=network):
            norm = torch.cat([p.grad.flatten() for p in network.parameters()]).norm()
            seen[name].append(float(norm))
        optimizer.register_step_pre_hook(note)  # after the game's own
    fit(game, data, steps, progress=False)
    return seen


def test_gradients_are_clipped_to_one_joint_norm_for_each_player(digits):
    free = lengths(small(loss=losses.Wasserstein()), digits, 1)
    assert min(free["critic"][0], free["generator"][0]) > 0.01
    held = lengths(small(loss=losses.Wasserstein(), clip_gradients=0.01), digits)
    for norms in held.values():
        assert norms == pytest.approx([0.01] * 3, rel=1e-3)
    loose = lengths(small(loss=losses.Wasserstein(), clip_gradients=1e6), digits, 1)
    assert loose == free  # what is short already stays, to the last bit


def test_clipping_keeps_the_direction_and_takes_effect_later():
    sgd = partial(torch.optim.SGD, lr=1.0)
    games = [recipes.plane(optimizer=lambda network, lr: sgd(network.parameters())) for _ in "ab"]
    games[1].clip_gradients = 1e-3
    start = [p.detach().clone() for p in games[0].critic.parameters()]
    moves = []
    for game in games:
        fit(game, data.ring(), 1, progress=False)
        moves.append(torch.cat([(p - s).flatten() for p, s in
                                zip(game.critic.parameters(), start, strict=True)]))
    assert moves[1].norm().item() == pytest.approx(1e-3, rel=1e-2)
    assert torch.cosine_similarity(*moves, dim=0).item() == pytest.approx(1, abs=1e-3)


def test_clipping_belongs_to_the_settings(tmp_path):
    path = tmp_path / "run.safetensors"
    checkpoint.save(small(clip_gradients=1.0), path)
    with pytest.raises(checkpoint.BadCheckpoint, match="clip_gradients: 1.0 -> 2.0"):
        checkpoint.load(small(clip_gradients=2.0), path)
    for wrong in (0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="clip_gradients must be above 0"):
            small(clip_gradients=wrong)
