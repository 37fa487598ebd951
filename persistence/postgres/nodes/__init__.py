"""Who owns what, and who may write, of many processes (nodes) that share a database.

A node has a row in `node`, with the number of its last beat, and one in `fence`, with the number of
its last commit and that of the connection that may make the next one. `shard` has 256 rows, each
with the node that owns it, or none. Below, N owns a shard, and O is another node.

**A shard has one owner, and only that one commits.** Each commit of N first raises the number in
N's fence by one, provided that the numbers there are the expected ones, and looks that its shards
are N's; else it is ended, by an error of our own. The row's lock is N's until the commit's end. A
shard changes hands in two ways alone, and both need that lock: N gives it away, in a commit like
any other; or O deletes N's rows, whereby its shards are free, and then claims it. So

- a commit that has passed the fence is waited for by both, and seen by whoever has the shard next:
  that one loads nothing before its own claim, or N's gift, is committed;
- a commit that comes to the fence later finds no row, or a shard that is not N's. It does not
  matter how late it is, or what N believes: nothing of it stays.

**A node reads only while nobody else can own what it reads.** It serves for two seconds from when
it began its last good beat, by its own steady clock, which goes on while the machine sleeps. O ends
N when it has seen the same number for three seconds, by O's clock, and only if the number is still
the same at that moment. As O saw it for the first time after N began that beat, N has stopped by
then. It does not matter how late O is, or whether both began to judge at once: the second to come
finds the row gone, and who was mistaken finds another number. That leaves a second for two clocks
that do not run equally fast. (A hypervisor that halts a machine may halt its clocks as well: then N
may show for two more seconds what is old. It still commits nothing.)
- A beat is good if its commit was confirmed without a warning. All that it has read was then
  committed before it, and so no failover to a synchronous standby takes any of it.
- Beats and commits lock different rows. So a node beats on however long its commit takes, and a
  slow one is not taken for a dead one; and a commit in flight never has to count as a beat, which
  it could not safely do: a locked row may be locked by who is about to delete it.
- The database's clock says nothing: `seen` is shown to people. A beat's number comes from the
  node itself, and is never used twice, whatever state a failover brings the database back to.
- What stalls O, or the database, makes O begin all its judgements anew, as N was perhaps stalled
  by the same.
- A node that was stopped in the middle of a transaction holds its lock for as long as it is
  stopped. O waits for a moment, ends N's connections that are in a transaction, and tries again.

**The outcome of a commit is always known.** If its connection is lost at or behind COMMIT, or the
commit comes with a warning (someone has ended PostgreSQL's wait for a standby: it is there, and a
failover may lose it), the `Writer` asks what number the fence has, and goes on asking until it
knows, or is closed. It asks by writing: it raises the number of the connection that may commit.
- That waits for the lock. So the old transaction has ended by then, one way or the other; if it
  does not end within a second it is stuck, and its connection is ended.
- What the old connection still brings later does not pass the fence: its number is too low. That
  goes for a question that came late as well: it only ever raises the number.
- The answer holds only if the question's own commit is confirmed without a warning: a standby that
  has it has all that came before.
- The number is one higher: the commit was made. It is the same: it was not, and never will be. The
  row is gone, or it has another number, as after a failover to a standby that was behind: the
  ownership is lost, and the process ends.
- A beat or a claim of which nobody knows the outcome needs no answer. The next beat reads how
  things are, and a late one can do no harm: the one changes no later number, and the other gives
  this node what it will find that it has. Only gifts could, which is why they go the commits' way.

**What there must be.** All connections of the nodes use one role, or none could see and end
another's. They run under the name `agent-runtime` and the node's id. PgBouncer, in transaction
mode, gives that name to whichever session a transaction runs in. So a session in a transaction has
the name of who is in it, and only such are ended; should one change hands at that very moment, then
another node's transaction is lost, and that node asks what became of it. No statement here leaves
anything in a session. With an asynchronous standby a failover can lose what was acknowledged; the
fence then only sees to it that nobody goes on from there. And an old primary that lives on beside
the new one, without a synchronous standby to keep it from it, confirms commits that are lost.

A map, in the order in which one file may import another:

- `judge`       which of the other nodes are dead
- `shares`      who is to have which shards
- `view`        how a beat has found things
- `line`        a connection that another thread can cut
- `attempt`     one transaction, and what can be said of it afterwards
- `fence`       what every commit has to pass
- `backends`    ends transactions that stay open
- `writer`      the one connection that commits
- `register`    the statements on who is there, and who owns what
- `tending`     ends the dead, and claims what is free
- `holding`     what a node owns, as far as it knows without asking
- `membership`  a node among others: `runtime.Ownership`
"""
