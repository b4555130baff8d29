"""Two networks as one model, and two losses as one: what makes a Learner play the game.

The sign: fastai's Wasserstein critic learns LOW scores for real pictures and high ones for fakes.
The paper, and the rest of this course, have it the other way round; the game is the same.
`-disc_loss` estimates the distance between the two, and shrinks as the fakes get better.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from gan_lessons.util import both


class GANModule(nn.Module):
    """A generator and a critic; `gen_mode` says which of the two the model is at the moment.

    This is the only place where that is written down: loss, trainer and optimizers look here.
    """

    def __init__(self, generator: nn.Module, critic: nn.Module, gen_mode: bool = False):
        super().__init__()
        self.generator = generator
        self.critic = critic
        self.gen_mode = gen_mode

    def forward(self, *args) -> Tensor:
        """Return what the generator makes of `args` in generator mode, else the critic's scores."""
        return self.generator(*args) if self.gen_mode else self.critic(*args)

    def switch(self, gen_mode: bool | None = None) -> None:
        """Go to generator mode (True), to critic mode (False), or to the other one (None)."""
        self.gen_mode = not self.gen_mode if gen_mode is None else bool(gen_mode)


class GANLoss:
    """The loss of whoever's turn it is.

    Args:
        loss_funcG: loss_funcG(fake_pred, target, output) -> scalar; what the critic says of the
            fakes, the real pictures, the fakes
        loss_funcC: loss_funcC(real_pred, fake_pred) -> scalar
        gan_model: the two networks
        penalty: penalty(critic, real, fake) -> scalar, added to the critic's loss: one of
            `gan_lessons.penalties`, or any other term that must see the pictures

    Attributes:
        penalty_strength: the penalty counts so many times; at 0 it is not computed at all
    """

    def __init__(self, loss_funcG: Callable, loss_funcC: Callable, gan_model: GANModule,
                 penalty: Callable | None = None):
        self.loss_funcG = loss_funcG
        self.loss_funcC = loss_funcC
        self.gan_model = gan_model
        self.penalty = penalty
        self.penalty_strength = 1

    def __call__(self, output: Tensor, target: Tensor, images: Tensor | None = None) -> Tensor:
        """Return the loss of the current mode; `images` are what the critic has just seen."""
        if self.gan_model.gen_mode:
            return self.generator(output, target)
        return self.critic(output, target, images)

    def generator(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the generator's loss; output: its pictures, target: real ones, (B, C, H, W)."""
        fake_pred = self.gan_model.critic(output).float()
        return self.loss_funcG(fake_pred, target, output.float())

    def critic(self, real_pred: Tensor, input: Tensor, real: Tensor | None = None) -> Tensor:
        """Return the critic's loss; real_pred: its scores for `real`, input: noise for fakes.

        Only the networks work in a low precision: losses are calculated in float32, and so are
        the networks inside the penalty, which multiplies gradients with gradients.
        """
        with torch.no_grad():  # the critic's step needs no gradient in the generator
            fake = self.gan_model.generator(input)
        fake_pred = self.gan_model.critic(fake)
        loss = self.loss_funcC(real_pred.float(), fake_pred.float())
        if self.penalty is None or self.penalty_strength == 0:
            return loss
        if real_pred.shape[:1] != real.shape[:1]:
            raise ValueError(both(
                f"惩罚项需要每张图片一个分数：{len(real)} 张图片，评论家给出的形状却是 "
                f"{tuple(real_pred.shape)}。请用 basic_critic(..., per_sample=True)。",
                f"A penalty needs a score for each picture: for {len(real)} pictures the critic "
                f"returned the shape {tuple(real_pred.shape)}. Use basic_critic(..., "
                "per_sample=True)."))
        with torch.autocast(real.device.type, enabled=False):
            penalty = self.penalty(self.gan_model.critic, real, fake.float())
            return loss + self.penalty_strength * penalty


class WassersteinLoss(nn.Module):
    """mean(real) - mean(fake), minimised by the critic.

    Mind the sign: real pictures get low scores and fakes high ones; the paper and the other
    lessons have it the other way round, in the same game.
    """

    def forward(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return the scalar; scores of any shape."""
        return real.mean() - fake.mean()


class NoopLoss(nn.Module):
    """mean(scores of the fakes), minimised by the generator."""

    def forward(self, output: Tensor, *args) -> Tensor:
        """Return the scalar; other arguments are not used."""
        return output.mean()


def gan_loss_from_func(loss_gen: Callable, loss_crit: Callable,
                       weights_gen: tuple[float, float] | None = None):
    """Return the two losses of a GANLearner, made of the loss functions of two Learners.

    Generator: w0 * loss_crit(fake_pred, 1) + w1 * loss_gen(output, target), a sum, not a mean,
    with (w0, w1) = weights_gen, (1, 1) unless given.
    Critic: half of loss_crit(real_pred, 1) + loss_crit(fake_pred, 0).
    """
    adversarial, direct = weights_gen or (1.0, 1.0)

    def gen_loss(fake_pred: Tensor, target: Tensor, output: Tensor) -> Tensor:
        ones = fake_pred.new_ones(len(fake_pred))
        return adversarial * loss_crit(fake_pred, ones) + direct * loss_gen(output, target)

    def crit_loss(real_pred: Tensor, fake_pred: Tensor) -> Tensor:
        ones, zeros = real_pred.new_ones(len(real_pred)), fake_pred.new_zeros(len(fake_pred))
        return (loss_crit(real_pred, ones) + loss_crit(fake_pred, zeros)) / 2

    return gen_loss, crit_loss


class AdaptiveLoss(nn.Module):
    """Let `crit` compare a critic's map of scores with one target for each picture."""

    def __init__(self, crit: nn.Module):
        super().__init__()
        self.crit = crit

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Return crit(output, target), the target (B,) spread over output, (B, ...), as floats."""
        return self.crit(output, _spread(target, output).to(output.dtype))


def accuracy_thresh_expand(y_pred: Tensor, y_true: Tensor, thresh: float = 0.5,
                           sigmoid: bool = True) -> Tensor:
    """Return the share of scores on the right side of `thresh`, a scalar.

    Args:
        y_pred: scores, (B, ...)
        y_true: zeros and ones, (B,)
        thresh: above it a picture is taken for real
        sigmoid: whether to send the scores through a sigmoid first
    """
    prob = y_pred.sigmoid() if sigmoid else y_pred
    return ((prob > thresh) == _spread(y_true, y_pred).bool()).float().mean()


def _spread(target: Tensor, output: Tensor) -> Tensor:
    return target.view(-1, *[1] * (output.ndim - 1)).expand_as(output)
