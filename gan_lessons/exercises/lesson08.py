"""Lesson 08: the projection critic's score, obedience class by class, the cycle loss."""

import torch
from torch import Tensor, nn

from gan_lessons import cycle
from gan_lessons.exercises.checking import (
    SUM_NOT_MEAN,
    checker,
    close,
    no_mistake,
    require,
    same_gradient,
    scalar_loss,
    untouched,
)

# ---- exercise 1: the projection critic ----


@checker
def projection_score(score) -> None:
    """Check score(features, y, psi, embedding): (psi + embedding of y) times the features, (B,).

    Features are (B, d), y int64 (B,), psi (d,), embedding (K, d). Miyato & Koyama 2018, arXiv
    1802.05637, equation 3, where psi is linear.
    """
    for seed, (batch, width, classes) in enumerate(((5, 3, 4), (4, 4, 4), (7, 2, 3))):
        chance = torch.Generator().manual_seed(seed)
        features = torch.randn(batch, width, generator=chance)
        psi = torch.randn(width, generator=chance).requires_grad_(True)
        embedding = torch.randn(classes, width, generator=chance).requires_grad_(True)
        y = torch.randint(classes, (batch,), generator=chance)
        value = untouched(score, features, y, psi, embedding)
        check_score(value, features, y, psi, embedding)
        same_gradient(value.sum(), right_score(features, y, psi, embedding).sum(),
                      (psi, embedding),
                      "数值对，可是梯度到不了 psi 和 embedding：不要 detach，它们是要学的权重。",
                      "The values are right, but no gradient reaches psi and the embedding: do not "
                      "detach them, they are the weights to learn.")


def right_score(features: Tensor, y: Tensor, psi: Tensor, embedding: Tensor) -> Tensor:
    """Return the scores of the projection critic, (B,)."""
    return ((psi + embedding[y]) * features).sum(1)


def check_score(value, features: Tensor, y: Tensor, psi: Tensor, embedding: Tensor) -> None:
    """Require the right scores; name the usual mistakes."""
    batch = len(y)
    require(isinstance(value, Tensor) and value.shape != (batch, batch),
            f"得到了 ({batch}, {batch})：每个样本和每个条件都算了一遍，或者 (B, 1) 和 (B,) 相加了。"
            "第 i 个样本只配第 i 个 y：逐项相乘，再 sum(1)。",
            f"The result is ({batch}, {batch}): every sample met every condition, or (B, 1) and "
            "(B,) were added. Sample i meets y number i alone: multiply, then sum(1).")
    require(value.shape == (batch,),
            f"应当每个样本一个分数，形状 ({batch},)，得到 {tuple(value.shape)}。",
            f"There should be one score a sample, shape ({batch},); got {tuple(value.shape)}.")
    right = right_score(features, y, psi, embedding)
    real, match = features @ psi, (embedding[y] * features).sum(1)
    mistakes = [
        (real, "没有用到 y：这样的判别器不在乎画的是不是所要求的。",
         "y is not used: such a critic does not care whether the picture is what was asked for."),
        (match, "少了 psi：它判断真不真，和条件无关。",
         "psi is missing: it judges whether the sample is real, whatever the condition."),
        (real - match, "符号反了：样本和条件越相配，分数应当越高。",
         "The sign is off: the better sample and condition match, the higher the score."),
        (real * match, "两项应当相加，不是相乘。", "The two terms are added, not multiplied."),
        ((right / features.shape[1]), "内积是总和，不是平均：用 sum(1)，不用 mean(1)。",
         "An inner product is a sum, not a mean: sum(1), not mean(1)."),
        (real + match / features.shape[1], "内积是总和，不是平均：用 sum(1)，不用 mean(1)。",
         "An inner product is a sum, not a mean: sum(1), not mean(1)."),
        (real + torch.cosine_similarity(embedding[y], features, dim=1),
         "这是余弦相似度；投影判别器用的是内积，不除以长度。",
         "That is the cosine similarity; the projection critic takes the inner product, not "
         "divided by lengths."),
        (real + (features @ embedding.T).sum(1),
         "对所有类求了和：只取所要求的那一类 embedding[y]。",
         "All classes were summed: take that of the class asked for, embedding[y], alone."),
        (real + (features @ embedding.T).max(1).values,
         "取了最相配的类：应当取所要求的那一类 embedding[y]。",
         "The best matching class was taken: it should be the one asked for, embedding[y]."),
        (real + (features @ embedding.T).log_softmax(1).gather(1, y[:, None]).squeeze(1),
         "这是分类器的对数概率（AC-GAN 的做法）；投影判别器没有 softmax。",
         "That is a classifier's log-probability, as in AC-GAN; a projection has no softmax."),
    ]
    no_mistake(value, right, mistakes)
    require(close(value, right),
            "数值不对：应为 features·psi + features·embedding[y]，每个样本一个数。",
            "The values are off: features·psi + features·embedding[y], one number a sample.")


# ---- exercise 2: is it what was asked for? ----

@checker
def obeys(shares) -> None:
    """Check shares(probabilities, y): by class, the share of its samples that are read as it, (K,).

    Probabilities are a classifier's, (n, K), y what was asked for, int64 (n,). A class that nobody
    asked for gets NaN.
    """
    for seed, classes in enumerate((4, 3, 10)):
        chance = torch.Generator().manual_seed(seed)
        counts = torch.arange(classes) % 5 + 3  # classes are asked for unequally often
        y = torch.arange(classes).repeat_interleave(counts)
        y = y[torch.randperm(len(y), generator=chance)]
        logits = torch.randn(len(y), classes, generator=chance)
        logits[torch.arange(len(y)), y] += 1.5  # right more often than not
        logits[:, 0] += 0.7  # with a liking for class 0
        probabilities = logits.softmax(1)
        value = untouched(shares, probabilities, y)
        check_shares(value, probabilities, y)
    for missing in (1, classes - 1):
        without = y != missing
        value = untouched(shares, probabilities[without], y[without])
        wanted = right_shares(probabilities[without], y[without])
        require(isinstance(value, Tensor) and value.shape == wanted.shape,
                f"结果的长度应是类数 {classes}，即使有的类没有人要。",
                f"The result should be as long as there are classes, {classes}, even where a "
                "class was not asked for.")
        require(value[missing].isnan(),
                f"没有人要第 {missing} 类，它的比例是 0/0，应为 NaN，得到 "
                f"{float(value[missing]):g}：既不能算听话，也不能算不听话。",
                f"Nobody asked for class {missing}: its share is 0/0 and should be NaN, got "
                f"{float(value[missing]):g}. It was neither obeyed nor disobeyed.")
        require(torch.allclose(value.double(), wanted, equal_nan=True, atol=1e-5),
                "有一类没有人要的时候，其余各类的比例变了。",
                "Where one class was not asked for, the shares of the others have changed.")


def right_shares(probabilities: Tensor, y: Tensor) -> Tensor:
    """Return by class the share of its samples that are read as it, float64 (K,)."""
    right = probabilities.argmax(1) == y
    return torch.stack([right[y == k].double().mean() for k in range(probabilities.shape[1])])


def check_shares(value, probabilities: Tensor, y: Tensor) -> None:
    """Require the right shares; name the usual mistakes."""
    classes = probabilities.shape[1]
    guesses = probabilities.argmax(1)
    right = guesses == y
    require(isinstance(value, Tensor) and value.shape == (classes,),
            f"应当每一类一个比例，形状 ({classes},)，得到 "
            f"{tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__}。"
            "总的准确率看不出哪一类没有听话。",
            f"There should be one share a class, shape ({classes},); got "
            f"{tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__}. An "
            "overall accuracy does not tell which class was not obeyed.")
    asked, seen = (torch.bincount(labels, minlength=classes).double() for labels in (y, guesses))
    hits = torch.bincount(y[right], minlength=classes).double()
    of_y = probabilities.double().gather(1, y[:, None]).squeeze(1)
    confidence = torch.stack([of_y[y == k].mean() for k in range(classes)])
    wanted = hits / asked
    mistakes = [
        (hits, "这是个数，不是比例：除以这一类被要求的次数。",
         "That is a count, not a share: divide by how often the class was asked for."),
        (hits / len(y), "除以了全部样本数：应除以这一类被要求的次数。",
         "It was divided by all samples: divide by how often this class was asked for."),
        (hits / seen, "除以了被认成这一类的个数，那是精确率：应除以这一类被要求的次数。",
         "It was divided by how often the class was seen, which is a precision: divide by how "
         "often it was asked for."),
        (seen / len(y), "没有用到 y：这只是画出来的各类的频率。",
         "y is not used: that is only how often each class was drawn."),
        (seen / asked, "只比了次数：被认成这一类的，未必就是要求这一类的那些样本。",
         "Only counts were compared: those seen as the class need not be those asked for it."),
        (confidence, "这是平均概率，不是比例：先看哪一类最可能，再数对的。",
         "That is a mean probability, not a share: see which class is most likely, then count."),
        (1 - wanted, "这是出错的比例：听话的比例是 1 减去它。",
         "That is the share of errors: one minus it is the share that obeyed."),
        (torch.full_like(wanted, right.double().mean().item()),
         "每一类都给了同一个总的准确率：请分类计算。",
         "Every class got the same, overall accuracy: calculate it class by class."),
    ]
    no_mistake(value, wanted, mistakes)
    require(close(value, wanted),
            "数值不对：对每一类 k，取 y == k 的样本，其中最可能的类也是 k 的占多少。",
            "The values are off: for each class k, of the samples with y == k, the share whose "
            "most likely class is k.")


# ---- exercise 3: the cycle loss ----


class Affine(nn.Module):
    """A generator whose results are known: w x + c."""

    def __init__(self, w: float, c: float):
        super().__init__()
        self.w = nn.Parameter(torch.tensor(w))
        self.c = nn.Parameter(torch.tensor(c))

    def forward(self, x: Tensor) -> Tensor:
        """Return w x + c."""
        return self.w * x + self.c


@checker
def cycle_loss(loss):
    """Check loss(a, b, a_to_b, b_to_a): mean |a - back| + mean |b - back|.

    The way back of `a` leads through a_to_b and then b_to_a, that of `b` the other way round. The
    sets may differ in length; data are points (B, d) or pictures (B, C, H, W).
    """
    a_to_b, b_to_a = Affine(2.0, 1.0), Affine(0.7, -0.5)  # the order of the two matters
    for shape_a, shape_b in (((6, 2), (4, 2)), ((2, 3, 4, 4), (5, 3, 4, 4))):
        chance = torch.Generator().manual_seed(len(shape_a))
        a, b = torch.randn(shape_a, generator=chance), torch.randn(shape_b, generator=chance)
        value = scalar_loss(untouched(lambda x, y: loss(x, y, a_to_b, b_to_a), a, b))
        check_cycle(value, a, b, a_to_b, b_to_a)
        check_both_learn(value, a, b, a_to_b, b_to_a)
    exact = loss(a, b, Affine(-2.0, 1.0), Affine(-0.5, 0.5)).item()
    require(abs(exact) < 1e-5,
            f"两个生成器互为逆映射时，循环损失应当是 0，得到 {exact:.3f}。",
            f"Where each generator undoes the other the cycle loss should be 0, got {exact:.3f}.")
    return ("最后一对生成器互为逆映射，损失是 0，可是 −2x + 1 未必是想要的翻译：循环一致，"
            "不等于意思对。",
            "The last pair of generators undo each other, and the loss is 0; yet -2x + 1 need not "
            "be the translation you want: what is cycle-consistent need not mean the same.")


def there_and_back(a: Tensor, b: Tensor, a_to_b: nn.Module, b_to_a: nn.Module) -> Tensor:
    """Return the cycle loss as the course has it."""
    return cycle.cycle_loss(a, b_to_a(a_to_b(a))) + cycle.cycle_loss(b, a_to_b(b_to_a(b)))


@torch.no_grad()
def check_cycle(value: Tensor, a: Tensor, b: Tensor, a_to_b: nn.Module, b_to_a: nn.Module) -> None:
    """Require the value, and name the mistake that gives another one."""
    away_a, away_b = a - b_to_a(a_to_b(a)), b - a_to_b(b_to_a(b))
    of_a, of_b = away_a.abs().mean(), away_b.abs().mean()
    right, got = of_a + of_b, value.detach()
    mistakes = [
        (of_a, "只算了 A：B 也要走一个来回，先 b_to_a，再 a_to_b。",
         "That is A alone: B, too, goes there and back, through b_to_a and then a_to_b."),
        (of_b, "只算了 B：A 也要走一个来回，先 a_to_b，再 b_to_a。",
         "That is B alone: A, too, goes there and back, through a_to_b and then b_to_a."),
        (right / 2, "这是两个平均值的平均；这里要的是两个平均值之和。",
         "That is the mean of the two means; take their sum."),
        (10 * right, "权重 10 不在这里：它在总损失里才乘上去。",
         "The weight 10 does not belong here: it is multiplied on in the whole loss."),
        (away_a.square().mean() + away_b.square().mean(),
         "用了平方：循环损失取绝对值（L1），平方会让图变糊。",
         "That is squared: the cycle loss takes absolute values (L1); squares blur."),
        ((away_a.mean() + away_b.mean()), "没有取绝对值：正负误差会互相抵消。",
         "No absolute value: errors of both signs would cancel."),
        (-(away_a.mean() + away_b.mean()), "没有取绝对值：正负误差会互相抵消。",
         "No absolute value: errors of both signs would cancel."),
        (away_a.abs().sum() + away_b.abs().sum(), *SUM_NOT_MEAN),
        (away_a.abs().flatten(1).sum(1).mean() + away_b.abs().flatten(1).sum(1).mean(),
         "每张图里也要求平均，而不是求和：对所有的数一起 .mean()。",
         "Within a sample, too, take the mean and not the sum: one .mean() over all numbers."),
        (cycle.cycle_loss(a, a_to_b(b_to_a(a))) + cycle.cycle_loss(b, b_to_a(a_to_b(b))),
         "顺序反了：a 是 A 的样本，先交给 a_to_b，再交给 b_to_a。",
         "The order is reversed: a belongs to A, so a_to_b comes first and b_to_a second."),
        (cycle.cycle_loss(a, a_to_b(a)) + cycle.cycle_loss(b, b_to_a(b)),
         "只走了去程：把 a 和 a_to_b(a) 相比，是要求什么都不变。要比的是回来以后的 a。",
         "That is the way there alone: to compare a with a_to_b(a) asks that nothing change. "
         "Compare a with what comes back."),
        (cycle.cycle_loss(a, b_to_a(a)) + cycle.cycle_loss(b, a_to_b(b)),
         "这是身份损失（identity loss）：把 A 的图交给 b_to_a。循环损失要走一个来回。",
         "That is the identity loss, which gives a picture of A to b_to_a. The cycle loss goes "
         "there and back."),
    ]
    no_mistake(got, right, mistakes, 1e-5)
    require(close(got, right, 1e-5), f"损失应为 {right:.3f}，得到 {got:.3f}。",
            f"The loss should be {right:.3f}, got {got:.3f}.")


def check_both_learn(value: Tensor, a: Tensor, b: Tensor, a_to_b: nn.Module,
                     b_to_a: nn.Module) -> None:
    """Require that the gradient reaches both generators through the whole way."""
    same_gradient(value, there_and_back(a, b, a_to_b, b_to_a),
                  (*a_to_b.parameters(), *b_to_a.parameters()),
                  "数值对，但梯度没有走完全程：中间的图不能 detach，也不要用 torch.no_grad()，"
                  "两个生成器都要从整个来回中学习。",
                  "The value is right, but the gradient does not go all the way: no detach and no "
                  "torch.no_grad() on the translation in the middle; both generators learn from "
                  "the whole way.", 1e-4)
