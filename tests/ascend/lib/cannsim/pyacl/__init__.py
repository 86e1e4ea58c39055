"""pyACL, simulated (contract 11): CANN's own module `acl`, for machines without CANN.

calls.py is the binding's way with arguments and answers, state.py what ACL holds for a process, memory.py,
models.py and streams.py its functions; surface.py puts them into modules as the real one has them.
"""
