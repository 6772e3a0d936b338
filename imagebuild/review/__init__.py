"""The page on which people look, compare and decide, and the server that hands it out: HTTP, and nothing else.

`desk` is what the server asks, `safety` who is let in and with which headers a reply leaves, `live` what is told to
open pages as it happens, `server` the routes. It knows of no campaign, lock, store or approvals file: a desk does.
"""
