"""How good are the samples? Numbers with a stated protocol, and the floor to judge them by."""

from gan_lessons.measure.digits import CopyReport, DigitEvaluator, DigitReport, copy_test
from gan_lessons.measure.distances import frechet_distance, kernel_distance, nearest, transport
from gan_lessons.measure.factors import FactorReader, FactorReport, factor_coverage, factor_reader
from gan_lessons.measure.photographs import inception, photograph_report
from gan_lessons.measure.points import PointReport, js_on_grid, mode_report
from gan_lessons.measure.stacked import StackedReport, stacked_modes

__all__ = ["CopyReport", "DigitEvaluator", "DigitReport", "FactorReader", "FactorReport",
           "PointReport", "StackedReport", "copy_test", "factor_coverage", "factor_reader",
           "frechet_distance", "inception", "js_on_grid", "kernel_distance", "mode_report",
           "nearest", "photograph_report", "stacked_modes", "transport"]
