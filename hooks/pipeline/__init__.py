"""The journey of a webhook, one module a step.

``receive``    a request becomes a committed receipt: is it a ping, is it authentic, can it be read, then record
``normalize``  a receipt becomes events in our words; the same receipt always gives the same events
``match``      an event and the rules become a plan: which runs are to be made, and why not the others
``dispatch``   pending receipts are normalized, matched and stored as events and runs, in one transaction
``deliver``    due runs are claimed under a lease and handed on, as many as their connections can take
``steps``      a run is carried out step by step: intent, call, result
``asking``     beside it: a sender asks to be told of our events; ``subscribers`` are rules that stand in no file
``retry``      what to do after a try, decided from values alone

Verifying is the sources' part of ``receive``; recording is `hooks.store`. Whatever is not answered for before the 2xx
happens after it, and goes on from the tables after a crash.
"""
