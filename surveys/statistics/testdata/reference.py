# Prints the numbers of reference_test.go that come from statsmodels: Debian package python3-statsmodels.
#   /usr/bin/python3 surveys/statistics/testdata/reference.py
from statsmodels.stats.proportion import proportion_confint

for k, n in [(0, 5), (5, 5), (3, 8), (1, 12), (42, 60), (4999, 5000)]:
    low, high = proportion_confint(k, n, alpha=0.05, method="wilson")
    print(k, n, f"{low:.12f} {high:.12f}")
