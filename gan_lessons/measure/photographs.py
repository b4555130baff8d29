"""Photographs of any kind, by what torchvision's Inception v3 sees in them."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate
from torchvision.models import Inception_V3_Weights, inception_v3
from tqdm import tqdm

from gan_lessons import runtime
from gan_lessons.data import to_signed
from gan_lessons.util import both

URL = Inception_V3_Weights.IMAGENET1K_V1.url
AT_A_TIME = 20  # pictures


class Inception:
    """Inception v3, ready to be asked for features, (n, 2048), and class probabilities."""

    name = "torchvision's Inception v3"
    classes = 1000

    def __init__(self, network: nn.Module, last: nn.Module):
        self.network = network  # (n, 3, 299, 299) in [-1, 1] -> (n, 2048)
        self.last = last  # features -> logits of ImageNet's classes

    def features(self, images: Tensor) -> Tensor:
        """Return the features of pictures, uint8 (n, 1 or 3, S, S).

        Each picture is resized to 299 x 299, bilinear with antialiasing.
        """
        return in_parts(self.network, images, 299, "bilinear", self.name)

    @torch.no_grad()
    def probabilities(self, features: Tensor) -> Tensor:
        """Return the class probabilities, (n, 1000), of features."""
        return torch.cat([self.last(part.to(runtime.device())).softmax(1).cpu()
                          for part in features.split(1000)])


def inception() -> Inception:
    """Return Inception v3 from torchvision's file on this machine.

    These are not the weights that FID is published with, so compare its distances only with each
    other.

    Raises:
        FileNotFoundError: The weights are not here; the message says how to get them.
    """
    get = 'python -c "import torchvision; torchvision.models.inception_v3(weights=\'DEFAULT\')"'
    weights = weights_on_disk(URL, "torchvision 的 Inception v3", "torchvision's Inception v3",
                              get, 109)
    network = inception_v3(weights=None, init_weights=False)
    network.load_state_dict(weights)
    network.eval().requires_grad_(False).to(runtime.device())
    last, network.fc = network.fc, nn.Identity()  # type: ignore[assignment]
    return Inception(network, last)


def weights_on_disk(url: str, zh: str, en: str, get: str, size: int) -> dict[str, Tensor]:
    """Return the weights in the file that torch.hub keeps for `url`; nothing is downloaded.

    Args:
        url: Where the file is on the web.
        zh: What the network is called in Chinese.
        en: And in English.
        get: The command that downloads it.
        size: Of the file, in MB.

    Raises:
        FileNotFoundError: It is not here; the message says how to get it.
    """
    path = Path(torch.hub.get_dir()) / "checkpoints" / Path(url).name
    if not path.is_file():
        raise FileNotFoundError(both(
            f"这种评分要用 {zh}，它的权重还不在这台机器上（{size} MB）。"
            f"先运行 {get}，再运行一次刚才的命令；不能上网，就把 {url} 存为 {path}。",
            f"Such scores take {en}, whose weights are not on this machine yet ({size} MB). Type "
            f"{get}, then the same command again; without a network, bring {url} here as {path}."))
    return torch.load(path, map_location="cpu", weights_only=True)


@torch.no_grad()
def in_parts(network: Callable[[Tensor], Tensor], images: Tensor, side: int, mode: str,
             title: str) -> Tensor:
    """Return what a network makes of pictures, uint8 (n, 1 or 3, S, S), on the CPU.

    They are resized to side x side, with antialiasing, and scaled to [-1, 1], on the device; a
    progress bar at a terminal.
    """
    features = []
    for part in tqdm(images.split(AT_A_TIME), title, unit="batch", disable=None, leave=False):
        x = interpolate(to_signed(part).to(runtime.device()), side, mode=mode, antialias=True)
        features.append(network(x.expand(-1, 3, -1, -1)).cpu())
    return torch.cat(features)
