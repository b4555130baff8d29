"""Live parts of the lessons: small widgets that run offline and leave something readable behind."""

from .gan_lab.widget import GanLab
from .language import LanguageSwitch, language_switch
from .quiz import Quiz, quiz
from .training_view.widget import TrainingView

__all__ = ["GanLab", "LanguageSwitch", "Quiz", "TrainingView", "language_switch", "quiz"]
