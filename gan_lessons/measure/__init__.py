"""How good are the samples? Numbers with a stated protocol, and the floor to judge them by."""

from gan_lessons.measure import damage
from gan_lessons.measure.classes import inception_score
from gan_lessons.measure.copies import (
    CopyReport,
    MemorisationReport,
    copy_test,
    memorisation_test,
    nearest,
    spectrum,
)
from gan_lessons.measure.digits import DigitEvaluator, DigitReport
from gan_lessons.measure.dinov2 import dinov2
from gan_lessons.measure.factors import FactorReader, FactorReport, factor_coverage, factor_reader
from gan_lessons.measure.features import FeatureNet
from gan_lessons.measure.frechet import Moments, frechet_distance
from gan_lessons.measure.kernel import KernelEstimate, kernel_distance, kernel_estimate
from gan_lessons.measure.manifold import PrecisionRecall, precision_recall
from gan_lessons.measure.obedience import ObedienceReport, kept, obedience
from gan_lessons.measure.photographs import inception
from gan_lessons.measure.points import PointReport, js_on_grid, mode_report, points_as_asked
from gan_lessons.measure.scores import Evaluator, Scores
from gan_lessons.measure.sliced import sliced_distance
from gan_lessons.measure.stacked import StackedReport, stacked_modes
from gan_lessons.measure.tracker import Tracker
from gan_lessons.measure.transport import transport

__all__ = ["CopyReport", "DigitEvaluator", "DigitReport", "Evaluator", "FactorReader",
           "FactorReport", "FeatureNet", "KernelEstimate", "MemorisationReport", "Moments",
           "ObedienceReport", "PointReport", "PrecisionRecall", "Scores", "StackedReport",
           "Tracker", "copy_test", "damage", "dinov2", "factor_coverage", "factor_reader",
           "frechet_distance", "inception", "inception_score", "js_on_grid", "kept",
           "kernel_distance", "kernel_estimate", "memorisation_test", "mode_report", "nearest",
           "obedience", "points_as_asked", "precision_recall", "sliced_distance", "spectrum",
           "stacked_modes", "transport"]
