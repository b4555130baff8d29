# %% [markdown] tags=["lang-zh"]
r"""
# 00 · 从这里开始

欢迎来到**生成对抗网络课**。生成对抗网络（generative adversarial network，GAN）让两个神经网络互相博弈：一个生成样本，一个辨别真假。这门课由一组可以逐格运行的笔记本组成，从平面上的点开始，讲到 DCGAN、WGAN 等经典模型，也讲怎样评价生成的质量。

- **学完你会**：切换阅读语言；检查自己的电脑；说出 GAN 在生成模型中的位置；选定学习的顺序；读懂练习的反馈。
- **需要准备**：会一点 Python，用过 PyTorch 的张量更好。不需要显卡，也不必联网。
- **用时**：10 分钟。

在 JupyterLab 里，按 `Shift` + `Enter` 运行当前一格，然后跳到下一格。
"""

# %% [markdown] tags=["lang-en"]
r"""
# 00 · Start here

Welcome to **GAN Lessons**. A generative adversarial network (GAN) is a game between two neural networks: one makes samples, the other tells real from fake. The course is a set of notebooks that you run cell by cell. It begins with points in the plane, goes on to classic models such as DCGAN and WGAN, and shows how to evaluate what they generate.

- **You will be able to**: switch the reading language; check your computer; say where GANs stand among generative models; choose the order of your lessons; read the feedback on an exercise.
- **You need**: a little Python; it helps to have used PyTorch's tensors. No graphics card, no internet connection.
- **Time**: 10 minutes.

In JupyterLab, press `Shift` + `Enter` to run the current cell and move to the next one.
"""

# %% [markdown] tags=["lang-zh", "two-languages"]
r"""
## 选择语言

正文和结果的说明有中文、英文两个版本；图中的文字和代码注释用英文。运行下面这一格，点一下按钮，另一种语言就会收起来。浏览器会记住这个选择：打开别的课，运行第一格，它就生效。
"""

# %% [markdown] tags=["lang-en", "two-languages"]
r"""
## Choose a language

The text and the comments on the results are in Chinese and in English; words in figures and comments in code are English. Run the next cell and press a button: the other language folds away. The browser remembers your choice: in another lesson it holds once you have run the first cell.
"""

# %%
from gan_lessons import doctor, lab
from gan_lessons.bilingual import say

lab.language_switch()

# %% [markdown] tags=["lang-zh"]
r"""
## 检查电脑

下面这一格检查 Python、PyTorch、显卡和数据是否就绪，并估计在这台电脑上运行第 02 课要几分钟。没有显卡、没有完整的 MNIST 都不要紧：默认的设置就是为只有两个 CPU 核心、不联网的电脑准备的。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Check the computer

The next cell looks at Python, PyTorch, the graphics card and the data, and estimates how many minutes lesson 02 takes to run here. No graphics card, or not all of MNIST? Never mind: the default settings are made for two CPU cores and no internet connection.
"""

# %% tags=["nbval-ignore-output"]
findings = doctor.check()
doctor.report(findings)

# %%
bad = [finding.name for finding in findings if finding.status == "bad"]
say("要先解决的问题：{n} 个。", "Problems to solve first: {n}.", n=len(bad))

# %% [markdown] tags=["lang-zh"]
r"""
如果不是 0 个，请看上面标着 `bad` 的行，表的下面写着解决的办法。标着 `warn` 的行不影响上课。

## 这门课适合谁

- **初学者**：学过一点神经网络，想弄懂 GAN 的原理，并且亲手训练一个。
- **教师**：要上一到几次 GAN 的课，需要讲稿、实验、练习和作业。
- **用过 GAN 的人**：想知道训练为什么失败，怎样用实验找出原因，怎样公平地评价。

数学用到导数、概率密度和期望；主要的公式都配有数值实验。

## GAN 在生成模型中的位置

**生成模型**（generative model）学习数据的分布，再从中采样：变分自编码器（variational autoencoder，VAE）最大化似然的一个下界，扩散模型（diffusion model）学习一步一步去除噪声，GAN 则让判别器来衡量生成样本与真实样本的差别。GAN 只用一次前向计算就得到样本（VAE 也是），比一步一步去噪的扩散模型快；缺点是训练不如它们稳定，还容易漏掉数据的一部分。今天大规模的图像生成以扩散模型为主，对抗训练则用在扩散模型的加速、图像超分辨率和语音合成等地方。
"""

# %% [markdown] tags=["lang-en"]
r"""
If it is not 0, look above for the lines marked `bad`; what to do is written below the table. Lines marked `warn` do not keep you from the lessons.

## Who the course is for

- **Beginners** who know a little about neural networks and want to understand how a GAN works and train one themselves.
- **Teachers** who give a class or several on GANs and need text, experiments, exercises and homework.
- **People who have used GANs** and want to know why a training fails, how to find the cause by experiment, and how to evaluate fairly.

The mathematics uses derivatives, densities and expectations; the main formulas come with numerical experiments.

## Where GANs stand among generative models

A **generative model** learns the distribution of the data and then samples from it: a variational autoencoder (VAE) maximises a lower bound on the likelihood, a diffusion model learns to remove noise step by step, and a GAN lets a discriminator measure how generated samples differ from real ones. A GAN generates a sample in one forward pass (so does a VAE), faster than the many steps of a diffusion model; its weaknesses: training is less stable, and it tends to miss part of the data. Large-scale image generation is mostly done with diffusion models today, while adversarial training serves to speed these up and lives on in super-resolution and speech synthesis, among others.
"""

# %% [markdown] tags=["lang-zh"]
r"""
## 课程地图

| 课 | 内容 | 必修或选修 | 分钟 |
|---|---|---|---|
| **00** | 从这里开始：语言、电脑、地图 | 必修 | 10 |
| **[01](01_intuition.ipynb)** | 直观地理解 GAN：在平面上看一场博弈，看它怎样失败，怎样补救 | 必修 | 120 |
| **[02](02_mlp_gan_mnist.ipynb)** | 全连接 GAN：生成 MNIST 手写数字，用指标检查缺了哪几个，再设法补全 | 必修 | 120 |
| **[03](03_dcgan.ipynb)** | DCGAN：用卷积网络生成图像，一次改一处做消融实验，与全连接网络比较，再在隐空间里做加减法 | 必修 | 130 |
| **[04](04_wgan.ipynb)** | WGAN：Wasserstein 距离、权重裁剪和梯度惩罚，怎样读评论家的差距 | 必修 | 160 |
| **[05](05_fastai_style.ipynb)** | 用回调重构训练循环：结果逐位不变，再让三种 GAN 在同样的预算下比较 | 选修 | 45 |
| **[05b](05b_api_reference.ipynb)** | 接口手册：fastai 的 GAN 部分的每个名字，各有说明和例子 | 查阅 | |
| **[06](06_modern_gans.ipynb)** | 今天的 GAN：评论家的斜率，Dirac-GAN 的相图，R1、R2 和成对比较，稳定性的对照表，R3GAN，以及今天的对抗训练 | 必修 | 160 |
| **[07](07_measuring.ipynb)** | 诚实地衡量 GAN：从两个正态分布算起的弗雷歇距离，它的偏差，一张损伤表，指标的盲点，精确率和召回率，记忆检验，以及本课程生成器的排行榜 | 必修 | 130 |
| **[08](08_conditional.ipynb)** | 让生成器听指令：条件 GAN 和投影判别器，用数字衡量听话的程度和多样性，数字选择器，pix2pix 和 CycleGAN（戴上和摘下眼镜），循环损失保证不了什么，以及 StyleGAN 的想法 | 必修 | 120 |

请按 01 到 04 的顺序学习，然后学 06、07 和 08；05 是选修。只有一个下午，就学 01；再有一个下午，接着学 02。已经熟悉 GAN 的原理，可以从 02 开始。每一课都能独立运行，分钟数包括阅读和练习（05 只算核心部分，选做的另需约 80 分钟）。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Map of the course

| Lesson | What is in it | Core or optional | Minutes |
|---|---|---|---|
| **00** | Start here: language, computer, map | core | 10 |
| **[01](01_intuition.ipynb)** | The idea of a GAN: watch a game in the plane, how it fails, and what helps | core | 120 |
| **[02](02_mlp_gan_mnist.ipynb)** | A fully connected GAN: generate MNIST's digits, find with metrics which ones are missing, and get them back | core | 120 |
| **[03](03_dcgan.ipynb)** | DCGAN: images from convolutional networks, an ablation of one change at a time, a comparison with fully connected networks, and arithmetic in latent space | core | 130 |
| **[04](04_wgan.ipynb)** | WGAN: the Wasserstein distance, weight clipping and the gradient penalty, and how to read the critic's gap | core | 160 |
| **[05](05_fastai_style.ipynb)** | The training loop as callbacks: the same result bit for bit, and three GANs at an equal budget | optional | 45 |
| **[05b](05b_api_reference.ipynb)** | Reference: every name of fastai's GAN part, explained, with an example | to look up | |
| **[06](06_modern_gans.ipynb)** | Modern GANs: the critic's slope, phase portraits of the Dirac-GAN, R1, R2 and comparison in pairs, a table of stability, R3GAN, and adversarial training today | core | 160 |
| **[07](07_measuring.ipynb)** | Measuring GANs, honestly: the Fréchet distance, starting from two Gaussians, its bias, a table of damages, what metrics cannot see, precision and recall, a test for memorisation, and a leaderboard of the course's generators | core | 130 |
| **[08](08_conditional.ipynb)** | Telling G what to make: conditional GANs by projection, obedience and diversity as numbers, a digit selector, pix2pix and CycleGAN with glasses on and off, what a cycle loss does not guarantee, and StyleGAN's ideas on a page | core | 120 |

Take lessons 01 to 04 in this order, then 06, 07 and 08; 05 is optional. If you have one afternoon, do 01; with a second one, go on to 02. If you know how a GAN works, you can begin with 02. Each lesson runs on its own; the minutes are for reading and exercises (for 05 the core alone; its optional parts take about 80 more).
"""

# %% [markdown] tags=["lang-zh"]
r"""
## 一课怎样学

- **先猜再跑**：先写下你的答案，再运行下面的代码。猜错的地方，往往就是学到东西的地方。
- **练习**：自动批改。还没有填写的练习显示 `[ ]` 和“还没有作答”，这不是错误，笔记本会继续运行。填好之后再运行那一格，就会看到通过与否和原因。提示有两条，请一次展开一条。
- **测验**：在课的末尾。点选之后，每个选项都有解释。
- **数字**：训练得到的数字和图片因电脑而异，单独一次训练，有时相差不小；由几个随机种子（random seed，决定初始权重和噪声的一个整数，换一个就是另一次训练）得出的结论应当相同。

课文用到的词都在[术语表](glossary.md)里，中英对照，并注明其他译法。这门课改编自五份公开的教程，[出处与勘误](sources.md)里有作者、链接和致谢。练习的参考答案和教学笔记在 `solutions` 文件夹里。

## 用在课堂上

`make handouts LANGUAGE=zh` 生成一套中文的课堂材料：学生用的笔记本（没有输出，没有答案）、教师用的笔记本（有输出、答案和教学笔记）、每课一个网页和一份幻灯片，不联网也能打开。`LANGUAGE=en` 则生成英文的。

准备好了，就打开[第 01 课](01_intuition.ipynb)。
"""

# %% [markdown] tags=["lang-en"]
r"""
## How to work through a lesson

- **Predict, then run**: write down your answer before you run the code below it. Where your guess is wrong, there is something to learn.
- **Exercises** are checked automatically. One that is not filled in yet shows `[ ]` and "Not attempted": this is no error, and the notebook runs on. Fill in the cell and run it again to see whether it passes, and why. There are two hints; open them one at a time.
- **The quiz** is at the end of the lesson. After your click, each option has its explanation.
- **Numbers**: numbers measured after training, and pictures, depend on the computer, and those of a single training may differ clearly from the text; conclusions drawn from several random seeds (an integer that fixes the first weights and the noise; another seed is another training) should not.

The terms of the course are in the [glossary](glossary.md), in both languages and with other translations in use. The course is based on five public tutorials: [sources and errata](sources.md) names their authors, with links and thanks. Solutions to the exercises and notes for teachers are in the `solutions` folder.

## In a class

`make handouts LANGUAGE=zh` makes a set of handouts in Chinese, `LANGUAGE=en` one in English: notebooks for students (no outputs, no solutions), notebooks for teachers (with outputs, solutions and notes), a web page and a set of slides for each lesson, all of which open without an internet connection.

Ready? Open [lesson 01](01_intuition.ipynb).
"""

# %% [markdown] tags=["lang-zh"]
r"""
## 附录：安装和设置

**下载太慢**。只有第一次安装需要下载。许多大学和公司提供 Python 软件包的镜像，用 pip 的选项 `-i` 指定镜像的地址即可；`make lab` 也会读取环境变量 `PIP_INDEX_URL` 里的地址。conda 的镜像写在 `.condarc` 里。装好之后不再需要联网，数据都随课程附带。

**三个环境变量**可以调整课程的运行方式，不设也能运行：

- `GAN_LESSONS_DATA`：放数据的文件夹。里面有 `MNIST/raw` 时，`data.mnist()` 读取完整的 MNIST，代替随课附带的 10,000 张。
- `GAN_LESSONS_SCALE`：`smoke` 用几秒钟检查一遍，`default` 是课堂规模，`full` 按论文的规模训练，需要显卡。
- `GAN_LESSONS_CACHE`：课程保存中间结果的文件夹。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Appendix: installation and settings

**If downloads are slow**: only the first installation downloads anything. Many universities and companies run mirrors of Python's packages; give pip the address of one with its option `-i`. `make lab` also takes the address from the environment variable `PIP_INDEX_URL`. Mirrors for conda are set in `.condarc`. After that no connection is needed; the data come with the course.

**Three environment variables** change how the course runs; it runs without them:

- `GAN_LESSONS_DATA`: the folder with your data. If it contains `MNIST/raw`, `data.mnist()` reads all of MNIST in place of the 10,000 digits that come with the course.
- `GAN_LESSONS_SCALE`: `smoke` checks everything in seconds, `default` is classroom size, `full` trains at the size of the papers and needs a graphics card.
- `GAN_LESSONS_CACHE`: the folder where the course keeps intermediate results.
"""
