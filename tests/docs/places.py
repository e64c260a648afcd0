"""What becomes of every command and block of the documents: how it is run, or why it is not.

Commands are run as they are written in the folder of ``workplace.py``, in which the names that the documents use are
there. An entry that nothing in the documents needs, and a command without one, fail the tests.
"""
