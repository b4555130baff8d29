"""The data cards of CelebA, LSUN bedrooms and a folder of one's own."""

from gan_lessons.util import both

CELEBA = both(
    "CelebA：202,599 张名人面部照片，10,177 人，对齐版为 178x218；每张有 40 个是非属性。\n"
    "  来源：Z. Liu, P. Luo, X. Wang, X. Tang, Deep Learning Face Attributes in the Wild, "
    "ICCV 2015；照片收集自互联网。\n"
    "  许可：只准用于非商业研究；不得复制、发布、分发其中任何部分，所以本课的文件里没有一张。"
    "图片的版权不属于发布者。\n"
    "  同意：照片里都是真人，没有人被问过是否愿意。不要公开、不要用来辨认谁，"
    "生成的脸也不要冒充真人。\n"
    "  偏差：以欧美名人为主，浅肤色、年轻人偏多；“有魅力”“大鼻子”之类的标签是标注者的主观判断，"
    "且与性别、年龄相关。模型会照学。",
    "CelebA: 202,599 photographs of the faces of 10,177 celebrities, 178x218 in the aligned "
    "version, each with 40 yes-or-no attributes.\n"
    "  Source: Z. Liu, P. Luo, X. Wang, X. Tang, Deep Learning Face Attributes in the Wild, "
    "ICCV 2015; photographs collected from the internet.\n"
    "  Licence: non-commercial research only; no part may be copied, published or distributed, "
    "which is why none is in the course's files. The publishers do not own the pictures.\n"
    "  Consent: these are real people, and nobody asked them. Do not publish them, do not use "
    "them to identify anyone, and do not pass a generated face off as a person.\n"
    "  Bias: mostly Western celebrities; light skin and young people are over-represented; labels "
    "such as \"attractive\" or \"big nose\" are the annotators' opinions and go along with gender "
    "and age. A model learns all of that.")

LSUN = both(
    "LSUN 卧室：3,033,042 张卧室照片，短边 256 像素，JPEG 质量 75；常用的小样本有 303,125 张。\n"
    "  来源：F. Yu, Y. Zhang, S. Song, A. Seff, J. Xiao, LSUN: Construction of a Large-scale "
    "Image Dataset using Deep Learning with Humans in the Loop, arXiv 1506.03365, 2015。\n"
    "  标注：照片由图片搜索得来，人工标一部分，网络学会后标其余的，如此循环；所以会有标错的。\n"
    "  许可：没有写明；照片的版权属于各自的拍摄者。请只用于学习和研究，不要转发。\n"
    "  同意与偏差：拍的是别人的家和酒店房间，有时有人入镜，没有征得同意；多是网上的商业照片，"
    "不代表人们平常的卧室。",
    "LSUN bedrooms: 3,033,042 photographs of bedrooms, the short side 256 pixels, JPEG quality "
    "75; the usual small sample has 303,125.\n"
    "  Source: F. Yu, Y. Zhang, S. Song, A. Seff, J. Xiao, LSUN: Construction of a Large-scale "
    "Image Dataset using Deep Learning with Humans in the Loop, arXiv 1506.03365, 2015.\n"
    "  Labels: found by image search; people labelled a part, a network learnt from them and "
    "labelled the rest, in turns. Some labels are wrong.\n"
    "  Licence: none is stated; the photographs belong to whoever took them. Use them to learn "
    "and for research, and do not pass them on.\n"
    "  Consent and bias: other people's homes and hotel rooms, now and then with people in them, "
    "and nobody asked them; many are commercial pictures from the web and not how people "
    "commonly live.")

OWN = both(
    "{name}：{n} 张图片，来自 {path}。\n"
    "  这是你自己的数据，来源、许可和同意要由你写明：谁拍的？允许怎样用？拍到的人同意了吗？\n"
    "  公开模型或生成的图片之前，先回答这三个问题；小数据集的模型可能记住原图。",
    "{name}: {n} pictures from {path}.\n"
    "  These are your own data, so origin, licence and consent are yours to state: who took them? "
    "what use is allowed? did the people in them agree?\n"
    "  Answer the three before you publish a model or what it makes; a model of a small set may "
    "remember the originals.")
