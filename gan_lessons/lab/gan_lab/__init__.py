"""The GAN lab: a game of two networks to play with, by hand or at full speed."""
