"""A context: what to send to a model, valid for any provider. Pure; it knows messages as JSON.

The rules, which tests hold against whatever a log has:

- It begins with a user's message, or with the system's and then a user's.
- Every call of a tool has exactly one result, and every result a call; results stand where the
  form in which their call is written has to have them. A result that is lacking is made up, and
  says that it was interrupted.
- It is within its limits, and cut between exchanges: see `cutting`.
- What is like this already comes back as it was sent.

A map, in the order in which one file may import another:

- `speakers`  who speaks in a message
- `shape`     what of a message matters: calls, results, parts
- `forms`     how calls and results are written, and what providers ask of them
- `members`   what of a message is looked at, cut out of its JSON
- `reading`   from a message to its shape
- `editing`   a message with other parts
- `told`      a message on its way into a context
- `loose`     results whose calls have not come yet
- `step`      what is told as a whole, or not at all
- `steps`     from messages to steps, the newest first
- `cutting`   which steps are told
- `composing` all of it
"""
