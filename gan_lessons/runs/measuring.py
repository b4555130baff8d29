"""How good the pictures of a run are, as text that names the protocol."""

from gan_lessons import data, measure
from gan_lessons.data import ImageSet
from gan_lessons.runs.pictures import TOYS, load, toys
from gan_lessons.runs.reading import Run
from gan_lessons.util import both, whole_number


def report(run: Run, n: int = 10_000, *, seed: int = 0, newest: bool = False) -> str:
    """Return what `n` samples of the run score, beside real pictures it never saw.

    Toy pictures: factor coverage and the Fréchet distance of the factor reader's features;
    digits: the report of `measure.DigitEvaluator`. Weights and `seed` as in `Run.sample`.

    Raises ValueError for other pictures, which need a feature network that is not part of the
    course, and for digits at other sizes than 32.
    """
    n, settings = whole_number("n", n, 1), run.settings
    if settings.data in TOYS:
        return _toy_report(run, n, seed, newest)
    if settings.data in ("digits", "mnist") and settings.size == 32:
        make = data.digits if settings.data == "digits" else data.mnist
        ruler = measure.DigitEvaluator(make(), make(train=False))
        samples = run.sample(n, seed=seed, newest=newest)[..., 2:-2, 2:-2]  # without the rim
        return f"samples   {ruler.report(samples)}\nheld out  {ruler.floor}"
    raise ValueError(both(
        f"{settings.data}（边长 {settings.size}）没有现成的量法：玩具图片数因素的组合，"
        "边长 32 的数字用课程的分类器；照片要用 Inception 网络的 FID，请把 sample --each 的图片"
        "交给 torchmetrics。",
        f"There is no ruler for {settings.data} at {settings.size} pixels: toy pictures are "
        "counted by their factors, digits at 32 pixels by the course's classifier; photographs "
        "want FID with an Inception network: give torchmetrics what sample --each writes."))


def _toy_report(run: Run, n: int, seed: int, newest: bool) -> str:
    train = load(run.settings)
    fresh = toys(run.settings, n, seed=1)
    samples = run.sample(n, seed=seed, newest=newest)
    lines = [f"{n} samples, step {run.weights_step(newest)}, seed {seed}, "
             f"{'newest' if newest else 'average'} weights",
             f"samples   {measure.factor_coverage(samples, of=train)}",
             f"real      {str(measure.factor_coverage(fresh.images, of=train)).splitlines()[0]}",
             f"Frechet distance to {len(train)} training pictures, features of the factor reader: "
             f"{distance(samples, train):.2f} (as many new real pictures: "
             f"{distance(fresh.images, train):.2f})"]
    return "\n".join(lines)


def distance(samples, train: ImageSet) -> float:
    """Return the Fréchet distance of pictures, uint8 (n, 3, S, S), to those of a toy set."""
    reader = measure.factor_reader(train)
    return measure.frechet_distance(reader.features(samples), reader.features(train.images))
