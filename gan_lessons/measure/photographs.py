"""Photographs of any kind, by what torchvision's Inception v3 sees in them."""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate
from torchvision.models import Inception_V3_Weights, inception_v3
from tqdm import tqdm

from gan_lessons import runtime
from gan_lessons.data import to_signed
from gan_lessons.measure.distances import frechet_distance, kernel_distance
from gan_lessons.util import both

URL = Inception_V3_Weights.IMAGENET1K_V1.url
MOST_FOR_KID = 2000  # pictures: its memory grows with their square


def inception() -> nn.Module:
    """Return Inception v3 with its last layer left out, from torchvision's file on this machine.

    From pictures (n, 3, 299, 299) in [-1, 1] to features (n, 2048). These are not the weights
    that FID is published with, so compare its distances only with each other.

    Raises:
        FileNotFoundError: The weights are not here; the message says how to get them.
    """
    path = Path(torch.hub.get_dir()) / "checkpoints" / Path(URL).name
    if not path.is_file():
        get = 'python -c "import torchvision; torchvision.models.inception_v3(weights=\'DEFAULT\')"'
        raise FileNotFoundError(both(
            f"这种图片要用 torchvision 的 Inception v3 来评分，它的权重还不在这台机器上（104 MB）。"
            f"先运行 {get}，再运行一次刚才的命令；不能上网，就把 {URL} 存为 {path}。",
            "Such pictures are scored with torchvision's Inception v3, whose weights are not on "
            f"this machine yet (104 MB). Type {get}, then the same command again; without a "
            f"network, bring {URL} here as {path}."))
    network = inception_v3(weights=None, init_weights=False)
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    network.fc = nn.Identity()  # type: ignore[assignment]
    return network.eval().to(runtime.device())


@torch.no_grad()
def inception_features(network: nn.Module, images: Tensor, title: str) -> Tensor:
    """Return the features of pictures, uint8 (n, 1 or 3, S, S), with a progress bar at a terminal.

    Each picture is resized to 299 x 299, bilinear with antialiasing.
    """
    features = []
    for part in tqdm(images.split(20), desc=title, unit="batch", disable=None, leave=False):
        large = interpolate(to_signed(part).to(runtime.device()), 299, mode="bilinear",
                            antialias=True)
        features.append(network(large.expand(-1, 3, -1, -1)).cpu())
    return torch.cat(features)


def photograph_report(network: nn.Module, fakes: Tensor, real: Tensor, others: Tensor) -> str:
    """Return KID and the Fréchet distance from `real` pictures, of fakes and of `others`.

    What the others, real ones too, get is what perfect samples would. All are uint8 (n, C, S, S).
    Fréchet's wants more pictures than there are features; KID does with fewer.

    Args:
        network: What `inception` returns.
        fakes: The samples.
        real: Training pictures.
        others: As many others.
    """
    seen = {title: inception_features(network, pictures, title) for title, pictures in
            (("samples", fakes), ("others", others), ("training", real))}
    lines, width = [], seen["training"].shape[1]
    for title in ("samples", "others"):
        kid = kernel_distance(seen[title][:MOST_FOR_KID], seen["training"][:MOST_FOR_KID])
        distance = f"wants more than {width} pictures"
        if len(real) > width:
            distance = f"{frechet_distance(seen[title], seen['training']):.2f}"
        lines.append(f"{title:9} KID {kid:.5f}   Frechet distance {distance}")
    return "\n".join([
        *lines, f"{len(fakes)} samples, and as many other training pictures, against {len(real)} "
                "training pictures; features of torchvision's Inception v3, not those of "
                "published FIDs"])
