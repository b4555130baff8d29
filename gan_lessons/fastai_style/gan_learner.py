"""GANLearner: a Learner whose model is two networks, playing against each other."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from gan_lessons import train
from gan_lessons.augment import Augment, augmented
from gan_lessons.checkpoint import described
from gan_lessons.fastai_style.gan_loss import (
    GANLoss,
    GANModule,
    NoopLoss,
    WassersteinLoss,
    gan_loss_from_func,
)
from gan_lessons.fastai_style.gan_trainer import FixedGANSwitcher, GANTrainer
from gan_lessons.fastai_style.learner import Learner
from gan_lessons.util import both, whole_number


class GANLearner(Learner):
    """Train `generator` and `critic` on data whose x is noise and whose y is pictures.

    Args:
        data, generator, critic: see Learner
        gen_loss_func, crit_loss_func, penalty: see GANLoss
        switcher: takes the learner and returns the callback that switches; one step each unless
            given (fastai has 5 of the critic here; that is partial(FixedGANSwitcher, n_crit=5),
            and `wgan` has it)
        gen_first, switch_eval, show_img, clip, beta, clip_gradients: see GANTrainer
        penalty_every: k: the penalty counts in every k-th step of the critic, k times as much
        ema: how slowly `generator_ema`, the moving average of the generator's weights, follows,
            such as 0.999; without it there is none
        augment: what the critic sees pictures through while it trains: augment.DiffAugment()
        learn_kwargs: for Learner
    """

    def __init__(self, data, generator: nn.Module, critic: nn.Module, gen_loss_func: Callable,
                 crit_loss_func: Callable, switcher: Callable | None = None,
                 gen_first: bool = False, switch_eval: bool = True, show_img: bool = True,
                 clip: float | None = None, beta: float = 0.98,
                 penalty: Callable | None = None, penalty_every: int = 1,
                 clip_gradients: float | None = None, ema: float | None = None,
                 augment: Augment | None = None, **learn_kwargs):
        self.generator = generator
        self.critic = critic
        self.augment = augment
        self.penalty_every = whole_number("penalty_every", penalty_every, 1)
        self.generator_ema = None
        model = GANModule(generator, critic)
        loss = GANLoss(gen_loss_func, crit_loss_func, model, penalty)
        super().__init__(data, model, loss_func=loss, **learn_kwargs)  # optimizers for these two
        if ema is not None:
            self.generator_ema = AveragedModel(generator, use_buffers=True,
                                               multi_avg_fn=get_ema_multi_avg_fn(ema))
        self.loss_names = [described(gen_loss_func), described(crit_loss_func)]  # for `settings`
        self.recorder.label = "train_loss (mixed)"  # of both players in one mean: no use
        self.gan_trainer = GANTrainer(self, switch_eval, clip, beta, gen_first, show_img,
                                      clip_gradients)
        self.switcher = FixedGANSwitcher(self) if switcher is None else switcher(self)
        self.callbacks += [self.gan_trainer, self.switcher]

    @classmethod
    def wgan(cls, data, generator: nn.Module, critic: nn.Module,
             switcher: Callable | None = None, clip: float | None = 0.01,
             penalty: Callable | None = None, **kwargs):
        """Return a Wasserstein GAN: five steps of the critic for one of the generator.

        Its weights are clipped to [-clip, clip] (Arjovsky et al. 2017, arXiv 1701.07875) or, with
        a `penalty`, not clipped: penalty=penalties.gradient_penalty is WGAN-GP.
        """
        switcher = switcher or partial(FixedGANSwitcher, n_crit=5)
        return cls(data, generator, critic, NoopLoss(), WassersteinLoss(), switcher=switcher,
                   clip=clip if penalty is None else None, penalty=penalty, **kwargs)

    @classmethod
    def from_learners(cls, learn_gen: Learner, learn_crit: Learner,
                      switcher: Callable | None = None, weights_gen=None, **kwargs):
        """Return a GAN of two Learners, already trained: their networks, the generator's data.

        Their loss functions become those of the GAN, see `gan_loss_from_func`.
        """
        losses = gan_loss_from_func(learn_gen.loss_func, learn_crit.loss_func, weights_gen)
        learn = cls(learn_gen.data, learn_gen.model, learn_crit.model, *losses,
                    switcher=switcher, **kwargs)
        learn.loss_names = [described(learn_gen.loss_func), described(learn_crit.loss_func),
                            str(weights_gen)]
        return learn

    @classmethod
    def from_loss(cls, data, generator: nn.Module, critic: nn.Module, loss, **kwargs):
        """Return a GAN with one of `gan_lessons.losses`, such as losses.Hinge().

        The critic must return one score a picture, (B,); higher then means more real.
        """
        learn = cls(data, generator, critic, loss.generator, loss.critic, **kwargs)

        def gen_loss(fake_pred, target, output):
            if train.compares(loss):
                return loss.generator(fake_pred, learn.model.critic(target).float())
            return loss.generator(fake_pred)

        def crit_loss(real_pred, fake_pred):
            if len(real_pred) != len(learn.yb):
                n, got = len(learn.yb), len(real_pred)
                raise ValueError(both(
                    f"from_loss 要求判别器给每张图一个分数：{n} 张图，收到 {got} 个分数。"
                    "basic_critic 要写 per_sample=True；对整批取平均的判别器给 wgan 用。",
                    f"from_loss wants one score a picture: {n} pictures got {got}. Take "
                    "basic_critic(..., per_sample=True); one that averages a batch is for wgan."))
            return loss.critic(real_pred, fake_pred)

        learn.loss_func.loss_funcG, learn.loss_func.loss_funcC = gen_loss, crit_loss
        learn.loss_names = [described(loss)]
        return learn

    # ---- training ----

    def compute_loss(self) -> Tensor:
        """Return the loss of `xb`, `yb`; the critic's loss also gets the pictures it judged."""
        self.model.critic = augmented(self.critic, self.augment)  # another one for each step
        due = self.gan_trainer.critic_steps % self.penalty_every == 0
        self.loss_func.penalty_strength = self.penalty_every if due else 0
        try:
            with self.autocast():
                self.output = self.model(self.xb)
                return self.loss_func(self.output, self.yb, self.xb)
        finally:
            self.model.critic = self.critic

    # ---- files ----

    def networks(self) -> dict[str, nn.Module]:
        """Return the networks to be saved, by name."""
        networks = {"generator": self.generator, "critic": self.critic}
        if self.generator_ema is not None:
            networks["generator_ema"] = self.generator_ema
        return networks

    def settings(self) -> dict:
        """Return what must agree between the file and the learner that loads it."""
        return {"losses": self.loss_names, "penalty": described(self.loss_func.penalty),
                "penalty_every": self.penalty_every if self.penalty_every > 1 else None,
                "clip_gradients": self.gan_trainer.clip_gradients,
                "augment": described(self.augment),
                "optimizer": described(self.opt_func)}

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
        network = self.generator_ema if ema else self.generator
        if network is None:
            raise ValueError(both(
                "没有滑动平均。新建学习器时请写 ema=0.999，训练时才会记下生成器权重的滑动平均。",
                "There is no moving average. Make the learner with ema=0.999, and training keeps "
                "one of the generator's weights."))
        return train.generate(network, self.fixed_noise(whole_number("n", n, 1), seed))

    def fixed_noise(self, n: int, seed: int = 0) -> Tensor:
        """Return noise for `n` pictures, the same for the same seed, shaped as that of the data."""
        with torch.random.fork_rng(devices=[]):  # looking takes no random number away
            noise, _ = next(iter(self.data.train_dl))
        return torch.randn(n, *noise.shape[1:], generator=torch.Generator().manual_seed(seed))

    def __repr__(self) -> str:
        trainer = self.gan_trainer
        return (f"GANLearner: steps {self.switcher!r}, clip {trainer.clip}, "
                f"switch_eval {trainer.switch_eval}, {trainer.gen_steps} steps of the generator "
                f"and {trainer.critic_steps} of the critic taken")
