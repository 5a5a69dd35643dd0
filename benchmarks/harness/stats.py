"""Medians, spreads and intervals of small samples, without assuming a distribution."""

from math import comb


def quantile(values, q):
    """Linear interpolation between the sorted values; `q` in 0...1."""
    ordered = sorted(values)
    position = q * (len(ordered) - 1)
    low = int(position)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (position - low)


def median(values):
    return quantile(values, 0.5)


def median_interval(values, confidence=0.95):
    """An order-statistic interval of the median: the narrowest symmetric pair of ranks whose binomial coverage is at
    least `confidence`. Returns (low, high, coverage); with fewer than 6 values the whole range, whatever it covers."""
    ordered = sorted(values)
    n = len(ordered)
    best = (ordered[0], ordered[-1], 1 - 2 * 0.5**n)
    for k in range(1, (n + 1) // 2):
        coverage = 1 - 2 * sum(comb(n, i) for i in range(k + 1)) * 0.5**n
        if coverage < confidence:
            break
        best = (ordered[k], ordered[n - 1 - k], coverage)
    return best


def summary(values, digits=4):
    """Count, median, spread (least, quartiles, most) and the interval of the median."""
    if not values:
        return None
    low, high, coverage = median_interval(values)
    return {
        "count": len(values),
        "median": round(median(values), digits),
        "least": round(min(values), digits),
        "quartiles": [round(quantile(values, 0.25), digits), round(quantile(values, 0.75), digits)],
        "most": round(max(values), digits),
        "interval": [round(low, digits), round(high, digits)],
        "coverage": round(coverage, 3),
    }


def line(summarised, unit=""):
    """`1.52 [1.49, 1.60] (least 1.44, quartiles 1.48-1.61, most 1.90, n 9)`"""
    if summarised is None:
        return "not measured"
    low, high = summarised["interval"]
    first, third = summarised["quartiles"]
    return (
        f"{summarised['median']:g}{unit} [{low:g}, {high:g}] (least {summarised['least']:g}, "
        f"quartiles {first:g}-{third:g}, most {summarised['most']:g}, n {summarised['count']})"
    )


def cell(values, digits=2):
    """`1.52 (1.44-1.90, n 5)` for a cell of a table; of one value the value, of none nothing."""
    if not values:
        return ""
    if len(values) == 1:
        return f"{values[0]:.{digits}f} (n 1)"
    return f"{median(values):.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f}, n {len(values)})"


def short(summarised):
    """The same of a summary."""
    if summarised is None:
        return ""
    if summarised["count"] == 1:
        return f"{summarised['median']:.2f} (n 1)"
    return f"{summarised['median']:.2f} ({summarised['least']:.2f}-{summarised['most']:.2f}, n {summarised['count']})"
