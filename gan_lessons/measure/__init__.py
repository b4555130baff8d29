"""How good are the samples? Numbers with a stated protocol, and the floor to judge them by."""

from gan_lessons.measure.digits import (
    DigitClassifier,
    DigitEvaluator,
    DigitReport,
    class_histogram,
    digit_classifier,
    kl_divergence,
)
from gan_lessons.measure.distances import frechet_distance, kernel_distance, nearest, transport
from gan_lessons.measure.factors import FactorReader, FactorReport, factor_coverage, factor_reader
from gan_lessons.measure.points import (
    PointReport,
    cell_shares,
    js_on_grid,
    kl_on_grid,
    mode_report,
)

__all__ = [
    "DigitClassifier",
    "DigitEvaluator",
    "DigitReport",
    "FactorReader",
    "FactorReport",
    "PointReport",
    "cell_shares",
    "class_histogram",
    "digit_classifier",
    "factor_coverage",
    "factor_reader",
    "frechet_distance",
    "js_on_grid",
    "kernel_distance",
    "kl_divergence",
    "kl_on_grid",
    "mode_report",
    "nearest",
    "transport",
]
