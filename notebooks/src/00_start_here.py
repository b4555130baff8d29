# %% [markdown] tags=["lang-zh"]
r"""
# 00 · 从这里开始

欢迎来到**生成对抗网络课**。这门课用一组可以逐格运行的笔记本，从两个小网络的猫鼠游戏讲起，讲到 DCGAN、WGAN 这些经典的生成对抗网络（GAN），以及怎样判断它们画得好不好。

- **学完你会**：检查自己的电脑，切换阅读语言，知道从哪一课学起。
- **需要准备**：会一点 Python。不需要显卡，也不必联网。
- **用时**：5 分钟。

在 JupyterLab 里，按 `Shift` + `Enter` 运行当前一格，然后跳到下一格。
"""

# %% [markdown] tags=["lang-en"]
r"""
# 00 · Start here

Welcome to **GAN Lessons**. It is a course of notebooks you run cell by cell. It starts with two small networks playing cat and mouse, goes on to classic generative adversarial networks (GANs) such as DCGAN and WGAN, and shows how to tell whether their pictures are any good.

- **You will be able to**: check your computer, switch the reading language, and decide which lesson to begin with.
- **You need**: a little Python. No graphics card, no internet connection.
- **Time**: 5 minutes.

In JupyterLab, press `Shift` + `Enter` to run the current cell and move to the next one.
"""

# %% [markdown] tags=["lang-zh"]
r"""
## 选择语言

每一段文字都有中文和英文两个版本。运行下面这一格，点一下按钮，另一种语言就会收起来；这个选择在其他课里同样有效。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Choose a language

Every passage of text comes in Chinese and in English. Run the next cell and press a button: the other language folds away, and the choice holds in the other lessons, too.
"""

# %%
from gan_lessons import doctor, lab

lab.language_switch()

# %% [markdown] tags=["lang-zh"]
r"""
## 检查电脑

下面这一格会检查 Python、PyTorch、显卡和数据是否就绪，并估计在这台电脑上跑完一课要几分钟。没有显卡、没有 MNIST 都不要紧：默认的设置就是为只有两个 CPU 核心、不联网的电脑准备的。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Check the computer

The next cell looks at Python, PyTorch, the graphics card and the data, and estimates how many minutes a lesson takes here. No graphics card and no MNIST? Never mind: the default settings are made for two CPU cores and no internet connection.
"""

# %% tags=["nbval-ignore-output"]
doctor.report()

# %%
print(doctor.verdict())

# %% [markdown] tags=["lang-zh"]
r"""
## 课程地图

| 课 | 内容 | 分钟 |
|---|---|---|
| **00** | 从这里开始：语言、电脑、地图 | 5 |
| **[01](01_intuition.ipynb)** | 直观地理解 GAN：在平面上玩这场游戏，看它怎样出故障，又怎样治好 | 50 |
| **[02](02_mlp_gan_mnist.ipynb)** | 全连接 GAN：生成手写数字，数一数漏了哪几个，再把漏掉的找回来 | 60 |
| **[03](03_dcgan.ipynb)** | DCGAN：用卷积画数字，一条一条拆掉它的规矩；再用 SN-GAN 画彩色人脸，去隐空间里散步 | 75 |
| **[04](04_wgan.ipynb)** | WGAN：画脸和卧室，读懂评论家的差距，把学会的权重从 16x16 带到 64x64 | 70 |
| **[05](05_fastai_style.ipynb)** | fastai 式的接口：把循环拆成回调，结果一个比特也不变 | 75 |
| **[05b](05b_api_reference.ipynb)** | 接口手册：第 05 课的每个名字，各有说明和例子 | 20 |

第 06 课（驯服 D：梯度惩罚、谱归一化）和第 07 课（怎样打分才公道）正在编写；课文提到它们的地方，眼下请先看那里引用的论文。每一课都能独立运行，结尾都有图片和一个衡量质量的数值。练习会自动批改，答案在 `solutions` 文件夹里。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Map of the course

| Lesson | What is in it | Minutes |
|---|---|---|
| **00** | Start here: language, computer, map | 5 |
| **[01](01_intuition.ipynb)** | The idea of a GAN: play the game in the plane, watch it fail, and cure it | 50 |
| **[02](02_mlp_gan_mnist.ipynb)** | A fully connected GAN: write digits, count which ones are missing, win them back | 60 |
| **[03](03_dcgan.ipynb)** | DCGAN: paint digits with convolutions and break its rules one by one; then faces in colour with SN-GAN, and a walk through latent space | 75 |
| **[04](04_wgan.ipynb)** | WGAN: paint faces and bedrooms, read the critic's gap, and carry learned weights from 16x16 to 64x64 | 70 |
| **[05](05_fastai_style.ipynb)** | The fastai style: a loop taken apart into callbacks, without changing one bit of the result | 75 |
| **[05b](05b_api_reference.ipynb)** | Reference: every name of lesson 05, explained, with an example | 20 |

Lessons 06 (taming D: gradient penalty, spectral normalisation) and 07 (fair marking) are being written; where the text refers to them, the papers cited there must do for now. Each lesson runs on its own and ends with pictures and a number that says how good they are. Exercises are checked automatically; answers are in the `solutions` folder.
"""

# %% [markdown] tags=["lang-zh"]
r"""
## 三个开关

三个环境变量可以调整课程的运行方式，不设也能运行：

- `GAN_LESSONS_DATA`：放数据的文件夹。里面有 `MNIST/raw` 时，手写数字的各课会改用真正的 MNIST。
- `GAN_LESSONS_SCALE`：`smoke` 用几秒钟检查一遍，`default` 是课堂规模，`full` 按论文的规模训练，需要显卡。
- `GAN_LESSONS_CACHE`：课程保存中间结果的文件夹。

准备好了，就打开[第 01 课](01_intuition.ipynb)。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Three switches

Three environment variables change how the course behaves; it runs without them:

- `GAN_LESSONS_DATA`: the folder with your data. If it contains `MNIST/raw`, the digit lessons use the real MNIST.
- `GAN_LESSONS_SCALE`: `smoke` checks everything in seconds, `default` is classroom size, `full` trains at the size of the papers and needs a graphics card.
- `GAN_LESSONS_CACHE`: the folder where the course keeps intermediate results.

Ready? Open [lesson 01](01_intuition.ipynb).
"""
