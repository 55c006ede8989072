"""Record: what is accepted is on disk before it is answered, and what is to be done is found again after a crash.

`sqlite` holds the verbs of the engine, `writer` the one writing connection and its group commit, `history` what people
read, `migrate` the numbered SQL files, `lock` the rule that one process writes a file.
"""
