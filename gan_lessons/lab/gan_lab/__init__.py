"""The GAN lab: a game of two networks to play with, by hand or at full speed."""

from .widget import GanLab

__all__ = ["GanLab"]
