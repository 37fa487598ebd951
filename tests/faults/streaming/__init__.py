"""Live sessions while the service breaks: the trials of the campaign `streams`.

Clients outlive the service's processes: they wait at a place for the next one, and go on where they
were. Each trial has sessions and clients of its own; what was said to them is compared with what
the store has in the end, by a function that is shown falsified records, too.

- `place` the service's address at the moment, and calls that may be lost
- `trial` what a trial is, and what its clients find
- `lives` the logs that the store has of a session id
- `followed`, `falsified` what a follower was told, its judge, and lies for that
- `followers`, `writers` who reads the events of a session, and who makes them
- `logs` the trial of logs: followers end with what the store has
- `answers`, `watchers` who streams an answer, and who reads along
- `drafts` the trial of drafts: what was seen is there after a kill
- `turns` the trial of turns: nobody writes under an old number
- `approvals` the trial of approvals: nothing is answered twice
- `overview` the trial of the list: who follows all changes has it
"""
