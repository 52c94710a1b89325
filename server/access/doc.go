// Package access keeps who read what: the case files, searches, exports, items of the quarantine and corrections that
// people read over HTTP, in the organisation's journal, so that a line cannot be taken out without being noticed.
//
// A read is kept before it is answered: Log.Note returns once it is durable, and the caller answers then. Reads that
// come while a batch is being written share the next one, so a busy office costs an entry for each write to the disk,
// not for each read. While the journal takes no entries (a full disk, a database that is away) a read is answered after
// two seconds and its line waits in memory, so that people can go on reading; lines are written when the journal takes
// entries again. Only a process that dies in that state loses them: up to 10,000, after which reads are refused. The
// security log has a line of each read in any case, with a keyed hash of the case.
//
// A line holds ids, codes and times and nothing personal: of a search by what it was asked, never the number or the
// name. A read of a case, and what shows the words of people, has a line for each case; another list has one line with
// the number of its items and the names of its filters. Ids of cases stay when their debtor is erased; they tell
// nothing by themselves. Lines are never taken away.
//
// What agents' phones pull is not kept here: it follows from the stops that were issued to them.
package access
