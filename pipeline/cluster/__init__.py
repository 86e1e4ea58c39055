"""Past one machine: the same loop over the nodes of a Ray cluster.

wanted.py is what a build asks for, fleet.py who may start what where (plain data); look.py and remote.py run
on the nodes; head.py starts Ray here, joined.py is the connection, nodes_agree.py refuses a node that sees
other files or code, workers.py performs the calls of the loop.
"""
