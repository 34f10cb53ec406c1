"""The same service as others would write it: what this one is measured against.

Each is a small, idiomatic program on the same table, with the same members' tokens verified and
the active member looked up in the database, which answers with the same document. None of them
checks as much as the service does; what each leaves out stands at its head.
"""
