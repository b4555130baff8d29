"""Lesson 07: the Fréchet distance of two Gaussians, KID without bias, and a ratio for copies."""

import torch
from torch import Tensor

from gan_lessons.exercises.checking import checker, close, no_mistake, require, untouched


def one_number(answer, *given) -> Tensor:
    """Return the learner's answer to what is given; require one real number."""
    value = torch.as_tensor(untouched(answer, *given))
    require(value.shape == (), f"结果应当是一个数，收到的形状是 {tuple(value.shape)}。",
            f"The result should be one number, got shape {tuple(value.shape)}.")
    require(not value.is_complex(),
            "结果是复数：一般矩阵的特征值以复数给出，这里只取实部（.real），或改用对称的形式和 "
            "eigvalsh。",
            "The result is complex: the eigenvalues of a general matrix come as complex numbers. "
            "Take their real part (.real), or the symmetric form and eigvalsh.")
    return value


# ---- exercise 1: the Fréchet distance of two Gaussians ----

@checker
def frechet_of_gaussians(distance) -> None:
    """Check distance(mean_a, cov_a, mean_b, cov_b): the FID formula for two Gaussians.

    |mean_a - mean_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)), for means (d,) and covariances (d, d)
    in float64.
    """
    for d in (1, 3):
        a, b = gaussian(d, seed=d), gaussian(d, seed=10 + d)
        value = one_number(distance, *a, *b)
        check_frechet(value, *a, *b)
    check_singular(distance)


def gaussian(d: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return a mean, (d,), and a covariance that is not diagonal, (d, d), in float64."""
    chance = torch.Generator().manual_seed(seed)
    mean = 1 + torch.randn(d, generator=chance, dtype=torch.float64)
    spread = torch.randn(d, d, generator=chance, dtype=torch.float64)
    return mean, spread @ spread.T + 0.2 * torch.eye(d, dtype=torch.float64)


def root(covariance: Tensor) -> Tensor:
    """Return the symmetric square root of a covariance."""
    values, vectors = torch.linalg.eigh(covariance)
    return vectors * values.clamp(min=0).sqrt() @ vectors.T


def check_frechet(value: Tensor, mean_a: Tensor, a: Tensor, mean_b: Tensor, b: Tensor) -> None:
    """Require the distance of two Gaussians; name the usual mistakes."""
    gap = (mean_a - mean_b).square().sum()
    traces, both = a.trace() + b.trace(), root(root(a) @ b @ root(a)).trace()
    right = gap + traces - 2 * both
    variances_a, variances_b = a.diagonal(), b.diagonal()
    no_mistake(value, right, [
        (right.sqrt(), "多开了一次方：FID 是这个距离的平方，公式算出来就是，不再开方。",
         "One root too many: FID is the square of the distance, as the formula gives it."),
        (gap.sqrt() + traces - 2 * both, "均值之差没有平方：要的是 |μ_a - μ_b|²。",
         "The difference of the means is not squared: it is |mu_a - mu_b|^2."),
        (gap / len(mean_a) + traces - 2 * both, "均值一项是平方和，不是各维的平均。",
         "The term of the means is the sum of squares, not the mean over the dimensions."),
        (traces - 2 * both, "少了均值一项 |μ_a - μ_b|²。",
         "The term of the means, |mu_a - mu_b|^2, is missing."),
        (gap + traces - both, "平方根前面少了系数 2。", "The factor 2 of the root is missing."),
        (gap + traces + 2 * both, "符号反了：平方根一项要减去，不然两个相同的分布，距离也不是 0。",
         "The sign of the root is off: subtract it, or two equal Gaussians are not at distance 0."),
        (gap + traces - 2 * (a @ b).trace(), "C_a C_b 没有开方。",
         "The root of C_a C_b is missing."),
        (gap + traces - 2 * (root(a) @ root(b)).trace(),
         "各开各的方再相乘：只有 C_a 和 C_b 可交换时才对。先 C_a^½ C_b C_a^½，再开方。",
         "Root times root is right only where C_a and C_b commute. Take the root of "
         "C_a^(1/2) C_b C_a^(1/2)."),
        (gap + traces - 2 * (a * b).clamp(min=0).sqrt().diagonal().sum(),
         "这是逐个元素的乘法和开方，只看了各维的方差：矩阵要用 @ 相乘，用特征值开方。",
         "Product and root were taken element by element, which sees the variances alone: multiply "
         "matrices with @, and take the root by eigenvalues."),
        (gap + (variances_a - variances_b).square().sum(),
         "比较了方差之差：一维时是标准差之差的平方。",
         "That compares variances: in one dimension it is standard deviations."),
        (gap + traces - 2 * (a @ b).diagonal().clamp(min=0).sqrt().sum(),
         "这是逐个元素开方。矩阵的平方根 R 满足 R @ R = C，用特征值来算。",
         "That root is taken element by element. The root R of a matrix has R @ R = C: use "
         "eigenvalues."),
        (gap + (a + b - 2 * root(root(a) @ b @ root(a))).sum(),
         "把矩阵的所有元素加起来了：迹只是对角线之和（.trace()）。",
         "All entries were summed: the trace is the sum of the diagonal, .trace()."),
        (gap + (a - b).square().sum(), "这是两个协方差之差的平方和，不是弗雷歇距离。",
         "That is the squared difference of the covariances, not the Fréchet distance."),
    ])
    require(close(value, right),
            f"数值不对：应为 {float(right):.4f}，得到 {float(value):.4f}。",
            f"The value is off: it should be {float(right):.4f}, got {float(value):.4f}.")


def check_singular(distance) -> None:
    """Require a number where a direction has no variance: rounding must not end in NaN."""
    chance = torch.Generator().manual_seed(3)
    mean = torch.zeros(4, dtype=torch.float64)
    for _ in range(20):  # of these some have an eigenvalue just below 0
        a, b = (x @ x.T for x in torch.randn(2, 4, 2, generator=chance, dtype=torch.float64))
        value = one_number(distance, mean, a, mean, b)
        right = a.trace() + b.trace() - 2 * root(root(a) @ b @ root(a)).trace()
        require(value.isfinite(),
                "协方差不满秩时得到了 NaN：舍入误差会让特征值落到 0 以下一点，开方之前先 "
                ".clamp(min=0)。",
                "With covariances that lack rank the result is NaN: rounding leaves eigenvalues a "
                "hair below 0, so .clamp(min=0) before the root.")
        require(close(value, right, 1e-4),
                f"协方差不满秩时数值不对：应为 {float(right):.4f}，得到 {float(value):.4f}。",
                f"With covariances that lack rank the value is off: it should be "
                f"{float(right):.4f}, got {float(value):.4f}.")


# ---- exercise 2: KID ----

@checker
def kid(distance) -> None:
    """Check distance(a, b): the unbiased squared MMD with the kernel (x.y / d + 1)^3.

    Features (n, d) and (m, d), n and m need not be equal.
    """
    for n, m, seed in ((7, 5, 0), (6, 6, 1)):
        chance = torch.Generator().manual_seed(seed)
        a = torch.randn(n, 3, generator=chance, dtype=torch.float64)
        b = 1.5 * torch.randn(m, 3, generator=chance, dtype=torch.float64) + 0.5
        check_kid(one_number(distance, a, b), a, b)
    check_below_zero(distance)


def mmd(a: Tensor, b: Tensor, kernel) -> Tensor:
    """Return the unbiased squared MMD with any kernel."""
    n, m = len(a), len(b)
    return (off_diagonal(kernel(a, a)).sum() / (n * (n - 1))
            + off_diagonal(kernel(b, b)).sum() / (m * (m - 1)) - 2 * kernel(a, b).mean())


def off_diagonal(k: Tensor) -> Tensor:
    """Return a square matrix with zeros on its diagonal."""
    return k - k.diagonal().diag()


def cubic(x: Tensor, y: Tensor) -> Tensor:
    """Return KID's kernel."""
    return (x @ y.T / x.shape[1] + 1) ** 3


def check_kid(value: Tensor, a: Tensor, b: Tensor) -> None:
    """Require KID; name the usual mistakes."""
    n, m = len(a), len(b)
    aa, bb, ab = cubic(a, a), cubic(b, b), cubic(a, b)
    right = mmd(a, b, cubic)
    mistakes = [
        (aa.mean() + bb.mean() - 2 * ab.mean(),
         "对角线也算进去了：k(x, x) 很大，所以这个估计偏高。组内的两个和要去掉对角线，除以 "
         "n(n-1)。",
         "The diagonal was counted: k(x, x) is large, so this estimate is biased upwards. Leave it "
         "out of the sums within a set, and divide by n(n-1)."),
        (off_diagonal(aa).mean() + off_diagonal(bb).mean() - 2 * ab.mean(),
         "去掉了对角线，却仍除以 n²：剩下的是 n(n-1) 对。",
         "The diagonal is left out, but the division is by n^2: n(n-1) pairs are left."),
        (right + ab.mean(), "交叉项的系数是 2。", "The term between the sets counts twice."),
        (right + 4 * ab.mean(), "符号反了：交叉项要减去。",
         "The sign is off: the term between the sets is subtracted."),
        (-right, "符号反了：组内减组间，不是组间减组内。",
         "The sign is off: within the sets minus between them, not the other way round."),
        (right.abs().sqrt(), "多开了一次方：KID 是 MMD 的平方。",
         "One root too many: KID is the squared MMD."),
        (mmd(a, b, lambda x, y: (x @ y.T + 1) ** 3), "核里少了除以维数 d。",
         "The kernel lacks the division by the dimension d."),
        (mmd(a, b, lambda x, y: (x @ y.T / len(x) + 1) ** 3),
         "核里除的是样本数，应当除以特征的维数 d = x.shape[1]。",
         "The kernel divides by the number of samples; it should be the dimension d = x.shape[1]."),
        (mmd(a, b, lambda x, y: (x @ y.T / x.shape[1]) ** 3), "核里少了加 1。",
         "The kernel lacks the 1 that is added."),
        (mmd(a, b, lambda x, y: (x @ y.T / x.shape[1] + 1) ** 2), "核的指数是 3，不是 2。",
         "The kernel's power is 3, not 2."),
        (mmd(a, b, lambda x, y: x @ y.T / x.shape[1] + 1),
         "核没有立方：线性的核只比较均值。",
         "The kernel is not cubed: a linear one compares the means alone."),
        (mmd(a, b, lambda x, y: (-torch.cdist(x, y).square() / 2).exp()),
         "这是高斯核：KID 用多项式核 (x·y/d + 1)³。",
         "That is the Gaussian kernel; KID's is the polynomial (x.y/d + 1)^3."),
        (off_diagonal(aa).sum() + off_diagonal(bb).sum() - 2 * ab.sum(),
         "这是总和，不是平均：每一项要除以它的对数。",
         "Those are sums, not means: divide each by its number of pairs."),
    ]
    if n == m:
        mistakes.append((right + 2 * ab.mean() - 2 * off_diagonal(ab).sum() / (n * (n - 1)),
                         "交叉项也去掉了对角线：a 的第 i 个和 b 的第 i 个是不同的样本，应当算上。",
                         "The term between the sets lost its diagonal: number i of a and number i "
                         "of b are different samples, and count."))
    no_mistake(value, right, mistakes)
    require(close(value, right),
            f"数值不对（{n} 个和 {m} 个样本）：应为 {float(right):.4f}，得到 {float(value):.4f}。",
            f"The value is off ({n} and {m} samples): it should be {float(right):.4f}, got "
            f"{float(value):.4f}.")


def check_below_zero(distance) -> None:
    """Require a value below 0 where the unbiased estimate is below 0."""
    chance = torch.Generator().manual_seed(0)
    draws = [torch.randn(2, 8, 3, generator=chance, dtype=torch.float64) for _ in range(20)]
    a, b = min(draws, key=lambda draw: mmd(*draw, cubic))
    value = one_number(distance, a, b)
    require(value < 0,
            f"这两组样本来自同一个分布，无偏的估计是 {float(mmd(a, b, cubic)):.3f}，得到 "
            f"{float(value):.3f}：不要取绝对值，也不要截到 0，无偏就会有一半落在 0 以下。",
            f"For these two samples of one distribution the unbiased estimate is "
            f"{float(mmd(a, b, cubic)):.3f}, got {float(value):.3f}: take no absolute value and do "
            "not cut at 0. Without bias about half of the values lie below 0.")
    require(close(value, mmd(a, b, cubic)), "数值不对。", "The value is off.")


# ---- exercise 3: is it nearer to the training set? ----

@checker
def copy_ratio(ratio) -> None:
    """Check ratio(samples, training, unseen): how far to the nearest of each, one over the other.

    Features (n, d), (m, d) and (u, d); distances are Euclidean. The longer of training and unseen
    is cut to the length of the shorter, its first rows kept. Returns (n,): below 1, the sample is
    nearer to a training picture.
    """
    for m, u in ((9, 9), (12, 5), (4, 11)):
        chance = torch.Generator().manual_seed(m)
        samples, training, unseen = (torch.randn(n, 3, generator=chance, dtype=torch.float64)
                                     for n in (6, m, u))
        value = torch.as_tensor(untouched(ratio, samples, training, unseen))
        require(value.shape == (6,),
                f"应当每个样本一个比值，形状 (6,)，收到 {tuple(value.shape)}：cdist 的第 i 行是第 "
                "i 个样本，用 .min(1).values。",
                f"One ratio for each sample is wanted, shape (6,), got {tuple(value.shape)}: row i "
                "of cdist is sample i, so .min(1).values.")
        check_ratio(value, samples, training, unseen)


def check_ratio(value: Tensor, samples: Tensor, training: Tensor, unseen: Tensor) -> None:
    """Require the ratios; name the usual mistakes."""
    size = min(len(training), len(unseen))
    to_training, to_unseen = (torch.cdist(samples, known[:size]) for known in (training, unseen))
    right = to_training.min(1).values / to_unseen.min(1).values
    uncut = torch.cdist(samples, training), torch.cdist(samples, unseen)
    one_norm = [torch.cdist(samples, known[:size], p=1).min(1).values
                for known in (training, unseen)]
    no_mistake(value, right, [
        (uncut[0].min(1).values / uncut[1].min(1).values,
         "两组一样多才公平：组越大，最近的一个就越近。先把长的一组截到短的一组那么长。",
         "Only equal numbers are fair: in a larger set the nearest is nearer. Cut the longer to "
         "the length of the shorter first."),
        (1 / right, "上下颠倒了：训练集的距离在上面，小于 1 表示更接近训练集。",
         "It is upside down: the distance to the training set comes first, so that below 1 means "
         "nearer to it."),
        (right.square(), "距离没有开方：要的是欧氏距离之比，不是平方之比。",
         "These are squared distances: take the ratio of Euclidean distances."),
        (to_training.mean(1) / to_unseen.mean(1),
         "这是平均距离：照抄只和最近的一张有关，用 .min(1).values。",
         "That is the mean distance: copying is about the nearest one, .min(1).values."),
        (to_training.max(1).values / to_unseen.max(1).values, "这是最远的距离，要的是最近的。",
         "That is the distance to the farthest one; the nearest is wanted."),
        (to_training.min(1).values - to_unseen.min(1).values, "这是差，不是比值。",
         "That is the difference, not the ratio."),
        (to_training.min(1).values,
         "还没有除以到未见图片的最近距离：单看一个距离，不知道算近还是算远。",
         "The division by the distance to the nearest unseen one is missing: one distance alone "
         "does not tell near from far."),
        (to_training.argmin(1).double() / to_unseen.argmin(1).clamp(min=1).double(),
         "这是最近那一张的编号：要 .min(1).values，不是 .argmin(1)。",
         "Those are the indices of the nearest: .min(1).values, not .argmin(1)."),
        ((to_training.min(1).values < to_unseen.min(1).values).double(),
         "这是谁更近，不是近多少：请返回比值。",
         "That tells which is nearer, not by how much: return the ratio."),
        (one_norm[0] / one_norm[1], "这是 1-范数的距离：请用欧氏距离。",
         "Those are distances by the 1-norm: take Euclidean ones."),
    ])
    require(close(value, right), "数值不对：到训练集的最近距离，除以到未见图片的最近距离。",
            "The values are off: distance to the nearest of training, over that of unseen.")
