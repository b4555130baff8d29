"""GANLearner: a Learner whose model is two networks, playing against each other."""

import copy
import io
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from gan_lessons.fastai_style.gan_loss import (
    GANLoss,
    GANModule,
    NoopLoss,
    WassersteinLoss,
    gan_loss_from_func,
)
from gan_lessons.fastai_style.gan_trainer import GANTrainer
from gan_lessons.fastai_style.learner import Learner
from gan_lessons.fastai_style.switchers import FixedGANSwitcher
from gan_lessons.train import evaluating
from gan_lessons.util import both, whole_number, write_atomically


class GANLearner(Learner):
    """Train `generator` and `critic` on data whose x is noise and whose y is pictures.

    gen_loss_func, crit_loss_func, penalty: see GANLoss;  switcher: takes the learner and returns
    the callback that switches; one step each unless given (fastai had 5 of the critic here; that
    is partial(FixedGANSwitcher, n_crit=5), and `wgan` has it);  gen_first, switch_eval, show_img,
    clip, beta, fixed_noise: see GANTrainer;  ema: how slowly `generator_ema`, the moving average of
    the generator's weights, follows, such as 0.999; without it there is none;  learn_kwargs: for
    Learner.
    """

    def __init__(self, data, generator: nn.Module, critic: nn.Module, gen_loss_func,
                 crit_loss_func, switcher=None, gen_first: bool = False, switch_eval: bool = True,
                 show_img: bool = True, clip: float | None = None, beta: float = 0.98,
                 fixed_noise: bool = True, penalty=None, ema: float | None = None,
                 **learn_kwargs):
        model = GANModule(generator, critic)
        loss = GANLoss(gen_loss_func, crit_loss_func, model, penalty)
        super().__init__(data, model, loss_func=loss, **learn_kwargs)
        self.generator, self.critic, self.ema = generator, critic, ema
        self.recorder.label = "train_loss (mixed)"  # of both players in one mean: no use
        self.opt_gen = self.opt_critic = None
        self.generator_ema = None if ema is None else AveragedModel(
            generator, use_buffers=True, multi_avg_fn=get_ema_multi_avg_fn(ema))
        self.gan_trainer = GANTrainer(self, switch_eval, clip, beta, gen_first, show_img,
                                      fixed_noise)
        self.switcher = (switcher or FixedGANSwitcher)(self)
        self.callbacks += [self.gan_trainer, self.switcher]

    @classmethod
    def wgan(cls, data, generator, critic, switcher=None, clip: float | None = 0.01, penalty=None,
             **kwargs):
        """Return a Wasserstein GAN: five steps of the critic for one of the generator.

        Its weights are clipped to [-clip, clip] (Arjovsky et al. 2017, arXiv 1701.07875) or, with
        a `penalty`, not clipped: penalty=penalties.gradient_penalty is WGAN-GP.
        """
        switcher = switcher or partial(FixedGANSwitcher, n_crit=5)
        return cls(data, generator, critic, NoopLoss(), WassersteinLoss(), switcher=switcher,
                   clip=clip if penalty is None else None, penalty=penalty, **kwargs)

    @classmethod
    def from_learners(cls, learn_gen: Learner, learn_crit: Learner, switcher=None,
                      weights_gen=None, **kwargs):
        """Return a GAN of two Learners, already trained: their networks, the generator's data.

        Their loss functions become those of the GAN, see `gan_loss_from_func`.
        """
        losses = gan_loss_from_func(learn_gen.loss_func, learn_crit.loss_func, weights_gen)
        return cls(learn_gen.data, learn_gen.model, learn_crit.model, *losses, switcher=switcher,
                   **kwargs)

    @classmethod
    def from_loss(cls, data, generator, critic, loss, **kwargs):
        """Return a GAN with one of `gan_lessons.losses`, such as losses.Hinge().

        The critic must return one score a picture, (B,); higher then means more real.
        """
        def gen_loss(fake_pred, target, output):
            if not getattr(loss, "compares", False):
                return loss.generator(fake_pred)
            with torch.no_grad():
                real_pred = critic(target)
            return loss.generator(fake_pred, real_pred)
        return cls(data, generator, critic, gen_loss, loss.critic, **kwargs)

    # ---- training ----

    def compute_loss(self) -> Tensor:
        """Return the loss of `xb`, `yb`; the critic's loss also gets the pictures it judged."""
        with self.autocast():
            self.output = self.model(self.xb)
            return self.loss_func(self.output, self.yb, self.xb)

    def prepare_optimizers(self, lr: float, wd: float) -> None:
        """Make one optimizer for each network if there are none yet; set lr and wd of both."""
        if self.opt_gen is None:
            learning = self.gan_trainer.learning
            self.opt_gen = self.new_optimizer(self.generator, lr, learning[True])
            self.opt_critic = self.new_optimizer(self.critic, lr, learning[False])
        for opt in self.optimizers():
            opt.lr, opt.wd = lr, wd

    def optimizers(self) -> list:
        """Return the optimizers of generator and critic, once they exist."""
        return [self.opt_gen, self.opt_critic] if self.opt_gen else []

    def zero_grad(self) -> None:
        """Forget the gradients of both networks."""
        for opt in self.optimizers():
            opt.zero_grad()

    # ---- files ----

    def networks(self) -> dict[str, nn.Module]:
        """Return the networks to be saved, by name."""
        ema = {} if self.generator_ema is None else {"generator_ema": self.generator_ema}
        return {"generator": self.generator, "critic": self.critic, **ema}

    def export(self, file: str | Path = "generator.pt2", ema: bool = False) -> Path:
        """Write the generator alone to a file that works without this course and without data.

        `torch.export.load(file).module()(noise)` makes pictures of noise (n, *noise_shape), on
        the CPU. file: a name below `path`, or a whole path. Return the path.
        """
        network = copy.deepcopy(self._generator(ema)).cpu().eval()
        traced = torch.export.export(network, (self.fixed_noise(2),),
                                     dynamic_shapes=({0: torch.export.Dim.AUTO},))
        content = io.BytesIO()
        torch.export.save(traced, content)
        path = self.path / file  # which is `file` itself, if that is absolute
        write_atomically(path, content.getvalue())
        return path

    # ---- looking at what was learned ----

    def predictor(self) -> nn.Module:
        """Return what makes predictions, whosever turn it is: the generator."""
        return self.generator

    def validation_loss(self, output: Tensor, y: Tensor) -> Tensor:
        """Return the generator's loss for its pictures `output` and the real ones `y`."""
        return self.loss_func.generator(output, y)

    def sample(self, n: int = 64, *, seed: int = 0, ema: bool = False) -> Tensor:
        """Return `n` pictures made of noise drawn with `seed`, uint8 (n, C, H, W).

        `ema=True` asks the moving average of the generator's weights (`ema`).
        """
        noise = self.fixed_noise(whole_number("n", n, 1), seed)
        return self.to_images(self.generate(noise, ema=ema))

    @torch.no_grad()
    def generate(self, noise: Tensor, ema: bool = False) -> Tensor:
        """Return what the generator makes of `noise`, on the CPU, in evaluation mode."""
        network = self._generator(ema)
        with evaluating(network):
            return torch.cat([network(part.to(self.data.device)).float().cpu()
                              for part in noise.split(250)])

    def fixed_noise(self, n: int, seed: int = 0) -> Tensor:
        """Return noise for `n` pictures, the same for the same seed."""
        return torch.randn(n, *self.noise_shape(), generator=torch.Generator().manual_seed(seed))

    def noise_shape(self) -> tuple[int, ...]:
        """Return the shape of one item of noise: what the generator says, else what data have."""
        shape = getattr(self.generator, "shape", None)
        if shape is None:
            with torch.random.fork_rng(devices=[]):
                shape = next(iter(self.data.train_dl))[0].shape[1:]
        return tuple(shape)

    def _generator(self, ema: bool) -> nn.Module:
        if ema and self.generator_ema is None:
            raise ValueError(both(
                "没有滑动平均。新建学习器时请写 ema=0.999，训练时才会记下生成器权重的滑动平均。",
                "There is no moving average. Make the learner with ema=0.999, and training keeps "
                "one of the generator's weights."))
        return self.generator_ema.module if ema else self.generator

    def __repr__(self) -> str:
        trainer = self.gan_trainer
        return (f"GANLearner: steps {self.switcher!r}, clip {trainer.clip}, "
                f"switch_eval {trainer.switch_eval}, {trainer.gen_steps} steps of the generator "
                f"and {trainer.critic_steps} of the critic taken")
