"""Proof under faults: killed processes, cut power, failing devices, sleeping lock holders, many writers.

``JVS_PROOF=full`` tries every point instead of a sample; ``JVS_FAULTS_JSON=FILE`` has the run write what it tried, as
``{fault: {file system: count}}``.
"""
