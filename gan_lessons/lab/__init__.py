"""Live parts of the lessons: small widgets that run offline and leave something readable behind."""

from .gan_lab.widget import GanLab
from .language import LanguageSwitch, language_switch
from .quiz import Quiz, quiz
from .selector import Selector, selector
from .training_view.widget import TrainingView

__all__ = ["GanLab", "LanguageSwitch", "Quiz", "Selector", "TrainingView", "language_switch",
           "quiz", "selector"]
