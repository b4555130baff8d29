"""GAN Lessons: the models, losses and training loops behind the course notebooks."""

__version__ = "0.1.0"
