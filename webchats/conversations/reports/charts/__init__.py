"""Charts: SVG that the server draws from points, each with a table of the same numbers.

They need no script and no inline style. Colors are classes of ``reports.css``, and horizontal
positions are percentages, so a chart fills any width while its texts keep their size.
"""
