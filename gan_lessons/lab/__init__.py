"""Live parts of the lessons: small widgets that run offline and leave something readable behind."""

from .gan_lab import GanLab
from .language import LanguageSwitch, language_switch
from .quiz import Quiz, quiz
from .training_view import TrainingView

__all__ = ["GanLab", "LanguageSwitch", "Quiz", "TrainingView", "language_switch", "quiz"]
