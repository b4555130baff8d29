"""DINOv2: features that nobody trained on labels, in torchvision's vision transformer."""

import functools

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate
from torchvision.models import VisionTransformer

from gan_lessons import runtime
from gan_lessons.measure.photographs import in_parts, weights_on_disk

URL = "https://dl.fbaipublicfiles.com/dinov2/dinov2_vits14/dinov2_vits14_pretrain.pth"
SIDE, PATCH, HEAD = 224, 14, 64  # pixels of a picture, of a patch; numbers in an attention head
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, of colours in [0, 1]
NAMES = (("blocks.", "encoder.layers.encoder_layer_"), ("norm1.", "ln_1."), ("norm2.", "ln_2."),
         ("attn.qkv.", "self_attention.in_proj_"), ("attn.proj.", "self_attention.out_proj."),
         ("mlp.fc1.", "mlp.0."), ("mlp.fc2.", "mlp.3."), ("patch_embed.proj.", "conv_proj."),
         ("cls_token", "class_token"), ("pos_embed", "encoder.pos_embedding"))


class DinoV2:
    """DINOv2, ready to be asked for features, (n, 384) with the small network."""

    name = "DINOv2 ViT-S/14"
    classes = 0  # it was trained without labels: no Inception score

    def __init__(self, network: VisionTransformer):
        self.network = network  # (n, 3, 224, 224), normalised as ImageNet -> (n, 384)
        self._mean = torch.tensor(MEAN, device=runtime.device()).view(3, 1, 1)
        self._deviation = torch.tensor(DEVIATION, device=runtime.device()).view(3, 1, 1)

    def features(self, images: Tensor) -> Tensor:
        """Return the class token's features of pictures, uint8 (n, 1 or 3, S, S).

        Each picture is resized to 224 x 224, bicubic with antialiasing.
        """
        return in_parts(self._see, images, SIDE, "bicubic", self.name)

    def _see(self, x: Tensor) -> Tensor:
        return self.network(((x + 1) / 2 - self._mean) / self._deviation)


def dinov2() -> DinoV2:
    """Return the smallest DINOv2 from its authors' file on this machine.

    Oquab et al. 2023, arXiv 2304.07193. Stein et al. 2023, arXiv 2306.04675, find that Fréchet
    distances of its features agree better with people's judgement than Inception's; they take the
    large network, so compare these distances only with each other.

    Raises:
        FileNotFoundError: The weights are not here; the message says how to get them.
    """
    get = "python -c \"import torch; torch.hub.load('facebookresearch/dinov2', 'dinov2_vits14')\""
    return DinoV2(transformer(weights_on_disk(URL, "DINOv2 ViT-S/14", "DINOv2 ViT-S/14", get, 88)))


def transformer(weights: dict[str, Tensor]) -> VisionTransformer:
    """Return torchvision's transformer with weights in the format of DINOv2's authors.

    Theirs scales each branch of a block by a learned `gamma` (LayerScale) before adding it; here
    gamma is multiplied into the branch's last layer, which comes to the same.
    """
    width = weights["cls_token"].shape[-1]
    depth = 1 + max(int(name.split(".")[1]) for name in weights if name.startswith("blocks."))
    network = VisionTransformer(SIDE, PATCH, depth, max(1, width // HEAD), width, 4 * width,
                                norm_layer=functools.partial(nn.LayerNorm, eps=1e-6))
    network.heads = nn.Identity()  # type: ignore[assignment]
    ours = {}
    for name, value in weights.items():
        for scaled, gamma in (("attn.proj.", "ls1.gamma"), ("mlp.fc2.", "ls2.gamma")):
            if scaled in name:
                scale = weights[name.split(scaled)[0] + gamma]
                value = scale.view(-1, *[1] * (value.ndim - 1)) * value
        if name == "pos_embed":
            value = _positions(value)
        if name in ("norm.weight", "norm.bias"):
            name = f"encoder.ln.{name.split('.')[1]}"
        for theirs, new in NAMES:
            name = name.replace(theirs, new)
        if "gamma" not in name and name != "mask_token":
            ours[name] = value
    network.load_state_dict(ours)
    return network.eval().requires_grad_(False).to(runtime.device())


def _positions(embedding: Tensor) -> Tensor:
    """Return the embedding of places, learned for 37 x 37 patches, for 16 x 16.

    Bicubic, and with the 0.1 that its authors add to the new side.
    """
    first, places = embedding[:, :1], embedding[:, 1:]
    old, new = round(places.shape[1] ** 0.5), SIDE // PATCH
    grid = places.transpose(1, 2).reshape(1, -1, old, old)
    if old != new:
        grid = interpolate(grid, scale_factor=(new + 0.1) / old, mode="bicubic")
    return torch.cat([first, grid.flatten(2).transpose(1, 2)], 1)
