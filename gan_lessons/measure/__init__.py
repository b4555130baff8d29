"""How good are the samples? Numbers with a stated protocol, and the floor to judge them by."""

from gan_lessons.measure.classifier import DigitClassifier, digit_classifier
from gan_lessons.measure.distances import frechet_distance, kernel_distance
from gan_lessons.measure.scores import DigitReport, DigitRuler, class_histogram, kl_divergence

__all__ = ["DigitClassifier", "DigitReport", "DigitRuler", "class_histogram", "digit_classifier",
           "frechet_distance", "kernel_distance", "kl_divergence"]
