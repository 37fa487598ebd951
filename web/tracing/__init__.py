"""A span for each request and each commit, where OpenTelemetry is there and somebody collects them.

A map, in the order in which one file may import another:

- `collected`   the spans themselves; the only file that imports OpenTelemetry
- `spans`       whether there are any
"""
