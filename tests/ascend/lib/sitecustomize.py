"""Every Python that has the simulator on its path loads simulated files: Python imports this at its start."""

from cannsim import loading

loading.prepare()
