"""Convolutional networks: sizes and counts against the sources, first weights, BatchNorm."""

import pytest
import torch
from states import tensors
from torch import nn

from gan_lessons import losses, recipes, train
from gan_lessons.data import ImageSet
from gan_lessons.nets import dcgan
from gan_lessons.penalties import gradient_penalty
from gan_lessons.train import fit, generate

SMALL = {"size": 16, "features": 4, "latent": 8, "batch": 8}


@pytest.fixture(scope="module")
def pictures():
    chance = torch.Generator().manual_seed(0)
    coarse = torch.randint(0, 256, (40, 3, 4, 4), generator=chance, dtype=torch.uint8)
    return ImageSet(coarse.repeat_interleave(4, 2).repeat_interleave(4, 3), None, "squares")


def count(network):
    return sum(p.numel() for p in network.parameters())


# ---- sizes and shapes ----

@pytest.mark.parametrize("norm", dcgan.NORMS)
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("size", dcgan.SIZES)
def test_every_size_with_any_channels(size, channels, norm):
    generator, critic = dcgan.pair(size, channels, latent=5, features=2, norm=norm)
    fake = generator(torch.randn(2, 5))
    assert fake.shape == (2, channels, size, size) and fake.abs().max() <= 1
    score = critic(fake)
    assert score.shape == (2,)
    score.sum().backward()
    for parameter in (*generator.parameters(), *critic.parameters()):
        assert parameter.grad is not None


def test_the_pair_to_read_is_the_pair_to_use():
    z, pictures = torch.randn(3, 100), torch.rand(3, 3, 64, 64)
    for plain, built, x in ((dcgan.plain_generator, dcgan.generator, z),
                            (dcgan.plain_critic, dcgan.critic, pictures)):
        torch.manual_seed(0)
        to_read = dcgan.initialise(plain())
        torch.manual_seed(0)
        to_use = built()
        for ours, theirs in zip(to_read.state_dict().values(), to_use.state_dict().values(),
                                strict=True):
            assert torch.equal(ours, theirs)
        assert torch.equal(to_read(x), to_use(x))


def test_the_shape_trail_doubles_and_halves():
    generator, critic = dcgan.pair(64, latent=100, features=4, extra_layers=2)
    assert dcgan.shape_trail(generator, torch.zeros(2, 100)) == [
        ("input", (2, 100)), ("z", (2, 100, 1, 1)), ("4x4", (2, 32, 4, 4)), ("8x8", (2, 16, 8, 8)),
        ("16x16", (2, 8, 16, 16)), ("32x32", (2, 4, 32, 32)), ("extra1", (2, 4, 32, 32)),
        ("extra2", (2, 4, 32, 32)), ("64x64", (2, 3, 64, 64)), ("tanh", (2, 3, 64, 64))]
    assert dcgan.shape_trail(critic, torch.zeros(2, 3, 64, 64)) == [
        ("input", (2, 3, 64, 64)), ("32x32", (2, 4, 32, 32)), ("extra1", (2, 4, 32, 32)),
        ("extra2", (2, 4, 32, 32)), ("16x16", (2, 8, 16, 16)), ("8x8", (2, 16, 8, 8)),
        ("4x4", (2, 32, 4, 4)), ("score", (2,))]


@pytest.mark.parametrize("size", dcgan.SIZES)
def test_the_names_in_the_trail_are_the_shapes(size):
    for network, x in zip(dcgan.pair(size, latent=3, features=1, extra_layers=1),
                          (torch.zeros(1, 3), torch.zeros(1, 3, size, size)), strict=True):
        sides = {name: shape for name, shape in dcgan.shape_trail(network, x) if name[0].isdigit()}
        assert "4x4" in sides and len(sides) >= 2
        assert all(name == f"{shape[2]}x{shape[3]}" for name, shape in sides.items())


def test_the_trail_teaches_batchnorm_nothing_and_leaves_the_mode():
    critic = dcgan.critic(16, features=4)
    before = {k: t.clone() for k, t in critic.state_dict().items()}
    dcgan.shape_trail(critic, torch.randn(4, 3, 16, 16))
    assert critic.training and critic[1].training
    assert all(torch.equal(t, before[k]) for k, t in critic.state_dict().items())


# ---- the sources, by number of parameters ----
# Source 003, read line by line. DCGAN_D: the first block is a 4x4 convolution from the picture's
# channels to nf, without norm; each extra layer 3x3 from nf to nf; then blocks of 4x4 that double
# nf while the grid, from size / 2 on, is above 4; last 4x4 to 1. No convolution has a bias; every
# block but the first has a BatchNorm, two numbers a channel. DCGAN_G: 4x4 from the noise to
# nf * size / 8 channels at 4x4; blocks that halve them until size / 2; extra layers of 3x3; a last
# 4x4 to 3 channels, without norm. BatchNorm everywhere else (its `bn` argument is never heeded).

def source_critic(size, channels, nf, extra):
    total, grid = 16 * channels * nf + extra * (9 * nf * nf + 2 * nf), size // 2
    while grid > 4:
        total += 16 * nf * 2 * nf + 2 * 2 * nf
        grid, nf = grid // 2, 2 * nf
    return total + 16 * nf


def source_generator(size, channels, nf, extra, noise):
    wide = nf * size // 8
    total = 16 * noise * wide + 2 * wide
    while wide > nf:
        total += 16 * wide * wide // 2 + wide
        wide //= 2
    return total + extra * (9 * nf * nf + 2 * nf) + 16 * nf * channels


@pytest.mark.parametrize("size, features, extra, noise, g, d", [
    (64, 64, 0, 100, 3_576_704, 2_765_568), (64, 64, 1, 100, 3_613_696, 2_802_560),
    (64, 64, 2, 100, 3_650_688, 2_839_552), (32, 16, 0, 7, None, None),
    (128, 8, 3, 100, None, None)])
def test_source_003_by_number_of_parameters(size, features, extra, noise, g, d):
    generator, critic = dcgan.source_003(size, latent=noise, features=features, extra_layers=extra)
    assert count(generator) == source_generator(size, 3, features, extra, noise)
    assert count(critic) == source_critic(size, 3, features, extra)
    assert g in (None, count(generator)) and d in (None, count(critic))
    ours = dcgan.pair(size, latent=noise, features=features, extra_layers=extra)
    assert [count(n) for n in ours] == [count(generator), count(critic)]  # only the order differs


@pytest.mark.parametrize("size, noise, features, extra, g, d", [
    (64, 100, 64, 1, 3_613_696, 2_802_624), (64, 100, 64, 0, 3_576_704, 2_765_632)])
def test_source_000_by_number_of_parameters(size, noise, features, extra, g, d):
    """fastai 1.0.61's basic_generator and basic_critic; the critic's first layer has a bias."""
    generator, critic = dcgan.source_003(size, latent=noise, features=features, extra_layers=extra)
    assert (count(generator), count(critic) + features) == (g, d)


def test_source_003_puts_batchnorm_last_and_keeps_torchs_first_weights():
    generator, critic = dcgan.source_003(16, features=4)
    assert [type(m) for m in generator[1]] == [nn.ConvTranspose2d, nn.ReLU, nn.BatchNorm2d]
    assert [type(m) for m in critic[1]] == [nn.Conv2d, nn.LeakyReLU, nn.BatchNorm2d]
    assert torch.equal(critic[1][2].weight, torch.ones(8))
    assert critic[0][0].weight.abs().max() > 0.1  # uniform in +-1/sqrt(48)


# ---- the rules ----

def test_the_rules_of_dcgan():
    generator, critic = dcgan.pair(32, features=4, extra_layers=1)
    assert [type(m) for m in generator[1]] == [nn.ConvTranspose2d, nn.BatchNorm2d, nn.ReLU]
    assert [type(m) for m in critic[1]] == [nn.Conv2d, nn.BatchNorm2d, nn.LeakyReLU]
    assert [type(m) for m in critic[0]] == [nn.Conv2d, nn.LeakyReLU]  # none at D's input
    assert isinstance(generator[-2], nn.ConvTranspose2d)  # none at G's output
    for module in (*generator.modules(), *critic.modules()):
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            assert module.bias is None
            assert module.kernel_size in ((4, 4), (3, 3))
            assert module.stride == ((2, 2) if module.padding == (1, 1)
                                     and module.kernel_size == (4, 4) else (1, 1))
        assert not isinstance(module, (nn.Linear, nn.MaxPool2d, nn.Sigmoid))
        if isinstance(module, nn.LeakyReLU):
            assert module.negative_slope == 0.2


def test_without_batchnorm_every_layer_has_a_bias():
    for network in dcgan.pair(32, features=4, norm="none"):
        kinds = [m for m in network.modules() if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d))]
        assert all(m.bias is not None for m in kinds)
        assert not any(isinstance(m, nn.BatchNorm2d) for m in network.modules())


def test_first_weights():
    torch.manual_seed(0)
    for network in dcgan.pair(32, features=32):
        for module in network.modules():
            if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
                assert abs(module.weight.mean()) < 0.002
                assert module.weight.std().item() == pytest.approx(0.02, rel=0.1)
        scales = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
        weight = torch.cat([m.weight for m in scales])
        assert weight.mean().item() == pytest.approx(1, abs=0.01)
        assert weight.std().item() == pytest.approx(0.02, rel=0.3)
        assert all(m.bias.eq(0).all() for m in scales)
    wild = dcgan.critic(32, features=32, std=1.0)
    assert wild[0][0].weight.std().item() == pytest.approx(1, rel=0.1)
    plain = dcgan.critic(32, features=4, norm="none")
    assert plain[0][0].bias.eq(0).all()


def test_initialise_asks_for_the_type_and_not_for_the_name():
    class BatchNormedConvBlock(nn.Module):
        """A block whose name contains both words, as those of source 003 nearly do."""

        def __init__(self):
            super().__init__()
            self.conv, self.bn = nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3)
    block = BatchNormedConvBlock()
    assert dcgan.initialise(block) is block
    assert block.bn.weight.min() > 0.8 and block.conv.weight.abs().max() < 0.2


# ---- spectral norm ----

def test_spectral_norm_holds_every_kernels_largest_singular_value_at_one(pictures):
    game = recipes.dcgan(**SMALL, norm="spectral", loss=losses.Hinge(), lr=1e-2)
    assert any(isinstance(m, nn.BatchNorm2d) for m in game.generator.modules())
    fit(game, pictures, 20, progress=False)
    kernels = [m for m in game.critic.modules() if isinstance(m, nn.Conv2d)]
    game.critic.eval()
    for kernel in kernels:
        largest = torch.linalg.matrix_norm(kernel.weight.detach().flatten(1), 2)
        assert 0.99 < largest.item() < 1.1
    assert kernels[0].parametrizations.weight.original.norm() > 0


# ---- training with BatchNorm ----

GAMES = {
    "dcgan": lambda: recipes.dcgan(**SMALL),
    "wgan": lambda: recipes.wgan(**SMALL),
    "source 003": lambda: recipes.source_003(**SMALL),
    "sngan": lambda: recipes.sngan(**SMALL, steps=6),
    "wgan-gp": lambda: recipes.wgan_gp(**SMALL, n_critic=2),
}


@pytest.mark.parametrize("name", GAMES)
def test_resuming_from_a_file_equals_the_run_that_was_not_interrupted(pictures, tmp_path, name):
    """With BatchNorm's statistics, the moving average's and spectral norm's vectors."""
    path = tmp_path / "run.safetensors"
    whole = fit(GAMES[name](), pictures, 6, progress=False)
    fit(GAMES[name](), pictures, 3, progress=False, save_to=path)
    torch.manual_seed(999)
    resumed = fit(GAMES[name](), pictures, 6, progress=False, save_to=path)
    ours, theirs = tensors(resumed), tensors(whole)
    assert ours.keys() == theirs.keys()
    for key in ours:
        assert torch.equal(ours[key], theirs[key]), key
    if name == "dcgan":
        assert "networks/generator/4x4.1.running_mean" in ours
        assert "networks/generator_ema/module.4x4.1.running_var" in ours
    if name == "sngan":
        assert "networks/critic/8x8.0.parametrizations.weight.0._u" in ours


def test_the_averages_statistics_follow_the_generators(pictures):
    game = recipes.dcgan(**SMALL, ema=0.5)
    fit(game, pictures, 1, progress=False)
    old = game.generator_ema.module[1][1].running_var.clone()
    assert torch.equal(old, game.generator[1][1].running_var)  # the first step copies
    fit(game, pictures, 2, progress=False)
    torch.testing.assert_close(game.generator_ema.module[1][1].running_var,
                               0.5 * old + 0.5 * game.generator[1][1].running_var)


@pytest.mark.parametrize("average", [False, True])
def test_a_picture_does_not_depend_on_the_others_in_its_batch(pictures, average):
    game = fit(recipes.dcgan(**SMALL), pictures, 5, progress=False)
    network = game.generator_ema if average else game.generator
    z = torch.randn(20, 8)
    together, alone = generate(network, z), generate(network, z[7:8])
    assert (together[7:8].int() - alone.int()).abs().max() <= 1  # sums in another order
    game.generator.train()
    with torch.no_grad():
        difference = game.generator(z)[7] - game.generator(torch.cat([z[7:8], 3 * z[:5]]))[0]
    assert difference.abs().max() > 0.02  # in training mode it does


@pytest.mark.parametrize("norm", ["batch", "none"])
def test_g_never_meets_a_weight_outside_the_box(pictures, monkeypatch, norm):
    game, met = recipes.wgan(**SMALL, norm=norm, n_critic=2, lr=1e-2), []
    step = train.generator_step

    def look(critic, *rest):
        met.append(max(p.abs().max().item() for p in critic.parameters()))
        return step(critic, *rest)
    monkeypatch.setattr(train, "generator_step", look)
    assert max(p.abs().max() for p in game.critic.parameters()) > 0.01
    fit(game, pictures, 4, progress=False)
    assert len(met) == 4 and all(0.009 < most <= 0.01 + 1e-9 for most in met)


def test_wgan_trains_as_a_loop_written_by_hand(pictures):
    torch.manual_seed(0)
    generator, critic = dcgan.pair(16, latent=8, features=4)
    batches, noise = pictures.batches(8), torch.Generator().manual_seed(0)
    g_rule, d_rule = (torch.optim.RMSprop(n.parameters(), lr=5e-5) for n in (generator, critic))
    for _ in range(2):
        for _ in range(5):
            real = next(batches)
            fake = generator(torch.randn(8, 8, generator=noise)).detach()
            loss = -critic(real).mean() + critic(fake).mean()
            d_rule.zero_grad()
            loss.backward()
            d_rule.step()
            with torch.no_grad():
                for p in critic.parameters():
                    p.clamp_(-0.01, 0.01)
        g_rule.zero_grad()
        (-critic(generator(torch.randn(8, 8, generator=noise))).mean()).backward()
        g_rule.step()
    game = fit(recipes.wgan(**SMALL), pictures, 2, progress=False)
    for ours, theirs in ((game.generator, generator), (game.critic, critic)):
        expected = theirs.state_dict()  # weights, and what BatchNorm has seen
        for name, tensor in ours.state_dict().items():
            assert torch.equal(tensor, expected[name]), name


@pytest.mark.parametrize("recipe, settings", [
    (recipes.dcgan, {"lr": 2e-4, "betas": (0.5, 0.999), "batch": 128, "n_critic": 1, "clip": None,
                     "optimizer": None, "warm_up": False}),
    (recipes.wgan, {"lr": 5e-5, "batch": 64, "n_critic": 5, "clip": 0.01,
                    "optimizer": train.rmsprop, "warm_up": False}),
    (recipes.wgan_gp, {"lr": 1e-4, "betas": (0.0, 0.9), "batch": 64, "n_critic": 5, "clip": None,
                       "optimizer": None, "penalty": gradient_penalty, "penalty_every": 1}),
    (recipes.source_003, {"lr": 5e-5, "batch": 64, "n_critic": 5, "clip": 0.01,
                          "optimizer": train.rmsprop, "warm_up": False}),
    (recipes.sngan, {"lr": 1e-3, "betas": (0.0, 0.9), "batch": 64, "n_critic": 1, "clip": None,
                     "optimizer": None, "decay": 8000})])
def test_the_recipes_have_the_settings_of_their_papers(recipe, settings):
    game = recipe(size=16, features=2)
    assert {name: getattr(game, name) for name in settings} == settings
    assert recipe(size=16, features=2, lr=3e-3).lr == 3e-3
    before = torch.get_rng_state()
    recipe(size=16, features=2)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("recipe, given, in_g, in_critic", [
    (recipes.wgan, {}, 2, 1), (recipes.wgan, {"norm": "none"}, 0, 0),
    (recipes.wgan, {"critic_norm": "none"}, 2, 0),
    (recipes.wgan, {"norm": "none", "critic_norm": "batch"}, 0, 1),
    (recipes.wgan_gp, {}, 2, 0)])
def test_each_network_can_have_its_own_norm(recipe, given, in_g, in_critic):
    """The table of BatchNorm in lesson 04 changes one network at a time."""
    def layers(network):
        return sum(isinstance(module, nn.BatchNorm2d) for module in network.modules())
    game = recipe(size=16, features=2, **given)
    assert (layers(game.generator), layers(game.critic)) == (in_g, in_critic)


def test_a_critic_of_another_norm_leaves_the_generator_as_it_was():
    usual, other = (recipes.wgan(16, features=2, seed=3, critic_norm=norm).generator
                    for norm in (None, "none"))
    assert all(torch.equal(a, b) for a, b in zip(usual.parameters(), other.parameters(),
                                                 strict=True))


# ---- mistakes ----

@pytest.mark.parametrize("size", [48, 8, 512, 0, -16, "64", 64.0, None, True])
@pytest.mark.parametrize("make", [dcgan.generator, dcgan.critic, dcgan.source_003])
def test_sizes_that_cannot_work_are_named(make, size):
    with pytest.raises(ValueError, match="size 只能取 16(.|\n)*must be one of 16, 32, 64"):
        make(size)


@pytest.mark.parametrize("wrong", [{"channels": 0}, {"features": 0}, {"extra_layers": -1},
                                   {"channels": 1.5}, {"features": "64"}])
def test_other_numbers_that_cannot_be_are_refused(wrong):
    for make in (dcgan.generator, dcgan.critic):
        with pytest.raises(ValueError, match="must be a whole number of at least"):
            make(16, **wrong)
    with pytest.raises(ValueError, match="latent must be a whole number"):
        dcgan.generator(16, latent=0)


@pytest.mark.parametrize("norm", ["layer", None, "Batch"])
def test_an_unknown_norm_is_named(norm):
    for make in (dcgan.generator, dcgan.critic):
        with pytest.raises(ValueError, match="norm must be one of batch, none, spectral; got"):
            make(16, norm=norm)


def test_larger_pictures_are_refused_and_not_scored_in_patches():
    for shape in ((3, 3, 32, 32), (3, 16, 16)):
        with pytest.raises(ValueError, match="batches of pictures of side 16; these are"):
            dcgan.critic(16, features=2, norm="none")(torch.zeros(shape))


def test_pictures_of_another_size_are_named_before_training(pictures):
    game = recipes.dcgan(size=32, features=2, batch=8)
    with pytest.raises(ValueError, match=r"should give shape \(2, 3, 16, 16\), got \(2, 3, 32"):
        fit(game, pictures, 1, progress=False)
