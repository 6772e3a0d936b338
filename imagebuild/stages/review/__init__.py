"""What the review page is told, and what becomes of what is decided on it: a campaign's plan, decisions and pictures,
as JSON and bytes.

`view` works out what follows from a plan and the decisions, `board` makes the matrix of it, `detail` all about one
picture (`texts` its copy, `others` what it can be compared with, `records` what the store remembers), `pictures`,
`thumbs`, `compare` the bytes. `desk` answers the server from one `moment` after another, `watch` notices what changes,
`export` writes the same page as files, `serve` runs the server. Only `serve` knows that there is one.
"""
