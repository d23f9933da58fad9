// Package queue keeps messages until they are delivered, and the record of what
// became of them, on River: in one SQLite file for one machine, or in PostgreSQL
// for several.
//
// # The life of a message
//
// [Queue.Accept] stores envelope, body and job in one transaction and returns
// when it is on disk. A message is then queued; a job of its account's own River
// queue takes it up, so a busy account never delays another:
//
//	queued → sending → delivered | failed
//	queued ↔ held
//	queued | held → removed
//
// On SQLite, in a queue that was started, a short message takes the express first:
// it is appended to a journal and sent from there, and what was delivered is written
// to the tables by the hundred. Whatever has to wait for the pace or a pause, ends
// otherwise than delivered, or is asked for, is moved to the tables before anybody
// can see that it was not there, and goes on as follows.
//
// Each attempt is two writes: before the server is spoken to, the attempt is
// noted as begun, with its share of the account's pace; after, its outcome, the
// next job and any bounce are recorded in one synced transaction. The row in
// mail_message is the truth and River's job only the alarm clock: a job that no
// longer is the message's own does nothing.
//
// # What is promised
//
// Nothing accepted is lost, and each recipient is tried at least once. A message
// is sent twice only when the program or machine dies between the server's 250
// and the record of it; the second attempt is then marked, for the caller as
// [Delivery].Resend and in the record. Attempts of a machine that died are taken
// over: on SQLite by the next Open, which first moves to the tables what is in the
// journal, on PostgreSQL by any other machine.
//
// Recipients are retried one by one on [Options].Schedule. The first attempt that
// fails after Options.Expire is the last, so that what waited for the pace, or for
// a machine that was off, is tried once all the same. An account whose sign-in or
// network fails is paused with its reason, and an attempt that ended so does not
// count; when that lasts for hours, its messages expire untried. A held message
// does not expire, and Release begins its time anew.
//
// # What it costs
//
// What is asked for often, and each change of a message, costs the same with a
// million messages as with ten. [Queue.Count] and [Queue.Traffic] grow with what
// they count, some ten milliseconds for 100,000 messages, and a search by
// [Filter].Text with what it has to look through before its page is full: half a
// second for 100,000 when nothing is found. An idle queue on SQLite reads twice a second and
// writes once in five, when River renews its lead.
package queue
