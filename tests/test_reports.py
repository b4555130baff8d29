"""Every metric at once, for a run and for a folder of pictures; and the feature networks."""

import PIL.Image
import pytest
import torch
import torchvision
from torch.nn import functional as F

from gan_lessons import data, measure, reports, runs
from gan_lessons.measure.dinov2 import transformer

SCORES = ("Frechet distance", "KID", "MIND", "precision", "recall", "density", "coverage",
          "Inception score")


class Colours:
    """Instead of Inception: the mean colour of a picture's halves, six features."""

    name = "mean colours"
    classes = 6

    def features(self, images):
        """Return (n, 6)."""
        assert images.dtype == torch.uint8
        return F.adaptive_avg_pool2d(images.expand(-1, 3, -1, -1).float() / 255, (2, 1)).flatten(1)

    def probabilities(self, features):
        """Return (n, 6)."""
        return features.softmax(1)


@pytest.fixture
def colours(monkeypatch):
    monkeypatch.setattr(measure, "inception", Colours)


def noise(n, seed, size=16, low=0):
    g = torch.Generator().manual_seed(seed)
    return torch.randint(low, 256, (n, 3, size, size), generator=g, dtype=torch.uint8)


def stored(folder, images):
    folder.mkdir()
    for i, image in enumerate(images):
        PIL.Image.fromarray(image.permute(1, 2, 0).numpy()).save(folder / f"{i:04}.png")
    return folder


def table(report):
    """Return {score: (of the pictures, of the real ones)} as the report prints them."""
    found = {}
    for line in report.splitlines():
        for name in SCORES:
            if line.startswith(name):
                found[name] = line.removeprefix(name).split("  ")
                found[name] = tuple(word.strip() for word in found[name] if word.strip())
    return found


# ---- the evaluator ----

@pytest.mark.parametrize("batch", [1, 7, 90])
def test_scores_do_not_depend_on_the_batch_size(batch):
    net, real, others, fakes = Colours(), noise(100, 0), noise(90, 1), noise(90, 2, low=30)
    whole = measure.Evaluator(net, real, others).score(fakes)
    parts = measure.Evaluator(net, real.split(batch), iter(others.split(batch))).score(
        fakes.split(batch))
    assert parts.frechet == pytest.approx(whole.frechet, rel=1e-5)
    assert parts.kid.value == pytest.approx(whole.kid.value, rel=1e-5, abs=1e-9)
    assert (parts.mind, parts.inception) == pytest.approx((whole.mind, whole.inception), rel=1e-5)
    assert parts.prdc == whole.prdc and parts.floor.n == whole.floor.n == 90


def test_the_evaluator_calls_the_metrics():
    net, real, others, fakes = Colours(), noise(100, 0), noise(90, 1), noise(90, 2, low=30)
    scores = measure.Evaluator(net, real, others, seed=3).score(fakes)
    a, b = net.features(fakes), net.features(real)
    assert scores.frechet == pytest.approx(measure.frechet_distance(a, b), rel=1e-9)
    assert scores.kid == measure.kernel_estimate(a, b)
    assert scores.mind == measure.sliced_distance(a, b, seed=3)
    assert scores.prdc == measure.precision_recall(a, b)
    assert scores.inception == measure.inception_score(a.softmax(1))
    assert scores.floor.kid == measure.kernel_estimate(net.features(others), b)
    assert scores.frechet > 10 * scores.floor.frechet and scores.floor.prdc.recall > 0.8


def test_scores_say_what_they_depend_on():
    scores = measure.Evaluator(Colours(), noise(100, 0), noise(90, 1), seed=3).score(noise(80, 2))
    for part in ("n=80", "m=100", "net='mean colours'", "d=6", "seed=3", "floor=Scores(n=90"):
        assert part in repr(scores)
    assert set(table(str(scores))) == set(SCORES)
    assert "Against 100 real pictures; 6 features of mean colours" in str(scores)
    assert "和 100 张真图比" in str(scores)


def test_only_the_first_features_are_kept(monkeypatch):
    """A long stream: Fréchet takes all, the others the first, in memory that does not grow."""
    monkeypatch.setattr("gan_lessons.measure.scores.KEPT", 50)
    net, real = Colours(), noise(300, 0)
    evaluator = measure.Evaluator(net, real.split(7), noise(60, 1))
    scores = evaluator.score(part for part in noise(200, 2).split(8))
    a, b = net.features(noise(200, 2)), net.features(real)
    assert scores.n == 200
    assert scores.frechet == pytest.approx(measure.frechet_distance(a, b), rel=1e-9)
    assert scores.kid == measure.kernel_estimate(a[:50], b[:50])


def test_too_few_for_frechet_says_how_many_it_takes():
    class Wide(Colours):
        def features(self, images):
            """Return (n, 768)."""
            return images.float().flatten(1)
    scores = measure.Evaluator(Wide(), noise(40, 0), noise(40, 1)).score(noise(40, 2))
    assert scores.frechet is None and table(str(scores))["Frechet distance"][0] == "needs 769"


# ---- two folders ----

def test_a_folder_against_another(tmp_path, colours):
    fakes = stored(tmp_path / "fakes", noise(30, 0, low=100))
    real = stored(tmp_path / "real", noise(60, 1))
    report = reports.of_folder(fakes, real, size=16)
    found = table(report)
    assert report.startswith(f"30 pictures of {fakes}") and "Against 30 real" in report
    assert set(found) == set(SCORES) and "copies" not in report
    made, floor = found["Frechet distance"]
    assert float(made) > 5 * float(floor)


@pytest.mark.parametrize("copied", [True, False])
def test_copies_are_found_among_the_pictures_of_a_folder(tmp_path, colours, copied):
    known = noise(60, 1)
    fakes = known[:50] if copied else noise(50, 5)
    report = reports.of_folder(stored(tmp_path / "fakes", fakes), stored(tmp_path / "a", known),
                               unseen=stored(tmp_path / "unseen", noise(60, 2)), size=16)
    z = float(report.split(", z ")[1].split()[0])
    assert (z > 5) == copied and abs(z) < (10 if copied else 3)


def test_too_few_pictures_are_refused(tmp_path, colours):
    few = stored(tmp_path / "few", noise(10, 0))
    with pytest.raises(ValueError, match="at least 20 of each"):
        reports.of_folder(few, few, size=16)
    with pytest.raises(ValueError, match="inception, dinov2"):
        reports.of_folder(few, few, features="vgg")


# ---- a run ----

SMALL = {"size": 16, "features": 2, "latent": 8, "batch": 8}


def test_the_report_of_a_run_counts_combinations_beside_real_pictures(tmp_path):
    told = runs.Settings("sngan", data="toy-faces-core", drawn=300, **SMALL | {"size": 32})
    run = runs.train(told, tmp_path / "run", steps=2, threads=1, quiet=True)
    text = reports.of_run(run, 300)
    report = text.splitlines()
    assert report[0] == "300 samples, step 2, seed 0, average weights"
    assert next(line for line in report if "combinations" in line).count("0/96")
    real = next(line for line in report if line.startswith("real  "))
    assert 80 < int(real.split("combinations ")[1].split("/")[0]) <= 96
    made, floor = table(text)["Frechet distance"]
    assert float(floor) < 0.1 * float(made)
    assert float(table(text)["precision"][1]) > 0.5 > float(table(text)["precision"][0])
    copies = next(line for line in report if line.startswith("copies"))
    assert "nearest to a training picture" in copies and "; z above 3" in copies
    assert reports.of_run(run, 300) == text


def test_a_report_on_digits(tmp_path):
    run = runs.train(runs.Settings("dcgan", "mnist", features=2, latent=8, batch=8),
                     tmp_path / "run", steps=1, threads=1, quiet=True)
    report = reports.of_run(run, 200)
    assert "32 features of the digit classifier" in report
    assert "held out  classes 10/10" in report
    assert 1 <= float(table(report)["Inception score"][0]) < float(
        table(report)["Inception score"][1]) <= 10


def test_stored_pictures_measure_the_same_as_the_run(tmp_path, colours):
    """`sample --each`, then `measure --pictures`: PNG loses nothing."""
    told = runs.Settings("dcgan", "mnist", subset=0.1, **SMALL)
    run = runs.train(told, tmp_path / "run", steps=2, threads=1, quiet=True)
    (tmp_path / "each").mkdir()
    for i, picture in enumerate(run.sample(200, seed=0).split(1)):
        runs.write_png(tmp_path / "each" / f"{i:04}.png", picture)
    fresh, read = (reports.of_run(run, 200, folder=folder).splitlines()
                   for folder in (None, tmp_path / "each"))
    assert fresh[1:] == read[1:] and fresh[0] != read[0]


def test_photographs_are_split_into_halves(tmp_path, colours):
    stored(tmp_path / "photos", noise(60, 1))
    run = runs.train(runs.Settings("dcgan", str(tmp_path / "photos"), **SMALL), tmp_path / "run",
                     steps=2, threads=1, quiet=True)
    report = reports.of_run(run, 500, newest=True)
    assert report.startswith("30 samples, step 2, seed 0, newest weights")
    real, others = reports.halves(run.settings.pictures().images, 500)
    floor = measure.frechet_distance(Colours().features(others), Colours().features(real))
    assert float(table(report)["Frechet distance"][1]) == pytest.approx(floor, rel=1e-3)
    both = {picture.numpy().tobytes() for picture in torch.cat([real, others])}
    assert len(real) == len(others) == 30 and len(both) == 60


# ---- networks whose weights have to be brought ----

@pytest.mark.parametrize("load, words", [
    (measure.inception, "inception_v3(weights='DEFAULT')\""),
    (measure.dinov2, "torch.hub.load('facebookresearch/dinov2', 'dinov2_vits14')\"")])
def test_without_weights_it_says_what_to_type(load, words, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    with pytest.raises(FileNotFoundError) as told:
        load()
    zh, en = str(told.value).split("\n")
    for message in (zh, en):
        assert words in message and str(tmp_path / "torch" / "hub" / "checkpoints") in message


@pytest.mark.slow
def test_inceptions_own_weights_are_found_and_used(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    torch.manual_seed(0)
    network = torchvision.models.inception_v3(weights=None, init_weights=False).eval()
    path = tmp_path / "hub" / "checkpoints" / "inception_v3_google-0cc3c7bd.pth"
    path.parent.mkdir(parents=True)
    torch.save(network.state_dict(), path)
    images = torch.randint(256, (2, 1, 299, 299), dtype=torch.uint8)
    net = measure.inception()
    found = net.features(images)
    assert found.shape == (2, 2048)
    network.transform_input = True  # torchvision's way: [0, 1] normalised as for ImageNet
    mean, deviation = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])
    x = (images.expand(-1, 3, -1, -1) / 255 - mean[:, None, None]) / deviation[:, None, None]
    with torch.no_grad():
        torch.testing.assert_close(net.probabilities(found), network(x).softmax(1), rtol=1e-3,
                                   atol=1e-5)
        network.fc = torch.nn.Identity()
        torch.testing.assert_close(found, network(x), rtol=1e-3, atol=1e-3)


def dinov2_weights(width=128, depth=2, side=37):
    """Random weights as the authors' files name and shape them."""
    g = torch.Generator().manual_seed(0)
    shapes = {"cls_token": (1, 1, width), "pos_embed": (1, 1 + side * side, width),
              "mask_token": (1, width), "patch_embed.proj.weight": (width, 3, 14, 14),
              "patch_embed.proj.bias": (width,), "norm.weight": (width,), "norm.bias": (width,)}
    for i in range(depth):
        for name, shape in (("norm1", (width,)), ("norm2", (width,)),
                            ("attn.qkv", (3 * width, width)), ("attn.proj", (width, width)),
                            ("mlp.fc1", (4 * width, width)), ("mlp.fc2", (width, 4 * width))):
            shapes[f"blocks.{i}.{name}.weight"] = shape
            shapes[f"blocks.{i}.{name}.bias"] = shape[:1]
        shapes |= {f"blocks.{i}.ls{j}.gamma": (width,) for j in (1, 2)}
    return {name: torch.randn(shape, generator=g) / shape[-1] ** 0.5 for name, shape in
            shapes.items()}


def test_dinov2_in_torchvisions_transformer():
    """Against the blocks written out, with LayerScale as its authors have it."""
    w = dinov2_weights()
    x = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(1))

    def layer(name, y):
        return F.linear(y, w[name + ".weight"], w[name + ".bias"])

    def norm(name, y):
        return F.layer_norm(y, (128,), w[name + ".weight"], w[name + ".bias"], eps=1e-6)

    patches = F.conv2d(x, w["patch_embed.proj.weight"], w["patch_embed.proj.bias"], stride=14)
    y = torch.cat([w["cls_token"].expand(2, 1, -1), patches.flatten(2).transpose(1, 2)], 1)
    places = w["pos_embed"][:, 1:].reshape(1, 37, 37, 128).permute(0, 3, 1, 2)
    places = F.interpolate(places, scale_factor=(16.1 / 37, 16.1 / 37), mode="bicubic")
    y = y + torch.cat([w["pos_embed"][:, :1], places.permute(0, 2, 3, 1).reshape(1, 256, 128)], 1)
    for i in range(2):
        block = f"blocks.{i}."
        qkv = layer(block + "attn.qkv", norm(block + "norm1", y)).view(2, 257, 3, 2, 64)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(2, 257, 128)
        y = y + w[block + "ls1.gamma"] * layer(block + "attn.proj", seen)
        hidden = F.gelu(layer(block + "mlp.fc1", norm(block + "norm2", y)))
        y = y + w[block + "ls2.gamma"] * layer(block + "mlp.fc2", hidden)
    expected = norm("norm", y)[:, 0]
    network = transformer(w)
    torch.testing.assert_close(network(x), expected, rtol=1e-4, atol=1e-4)


def test_dinov2_is_read_from_its_file(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    path = tmp_path / "hub" / "checkpoints" / "dinov2_vits14_pretrain.pth"
    path.parent.mkdir(parents=True)
    torch.save(dinov2_weights(width=64, depth=1), path)
    found = measure.dinov2().features(data.mnist().images[:2])
    assert found.shape == (2, 64) and bool(found.isfinite().all())
