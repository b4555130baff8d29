"""Live parts of the lessons: small widgets that run offline and leave something readable behind."""

from .language import LanguageSwitch, language_switch
from .quiz import Quiz, quiz

__all__ = ["LanguageSwitch", "Quiz", "language_switch", "quiz"]
