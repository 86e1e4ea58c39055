"""The incremental core: steps, stamps, reasons, plan, run. Knows nothing of models and imports no other
package of ours.
"""
