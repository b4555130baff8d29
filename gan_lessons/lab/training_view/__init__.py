"""The training view: what G makes, the curves and the speed, live while `fit` runs."""
