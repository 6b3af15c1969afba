"""The benchmark: JVS beside what people use instead, on real file systems. ``make bench`` runs it.

It measures and judges nothing. Every figure is of a whole process; contenders take turns, so that a ratio holds
when the machine's speed drifts. ``python -m tests.bench --help`` says what can be chosen.
"""
