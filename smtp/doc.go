// Package smtp submits messages to a submission server (RFC 6409).
//
// A [Client] stands for one server and one identity. [Client.Submit] sends one
// envelope and returns the server's reply, or an [*Error] that tells which step
// failed, what the server said, whether trying again later helps, and whether
// the connection or this message is to blame.
//
// Sessions stay warm between messages, and each dialog is cut into as few
// flights as the server's extensions allow, because on a real network the waits
// between them are nearly all of the time a message takes:
//
//   - PIPELINING and CHUNKING, message up to 1 MiB: MAIL, RCPT… and BDAT LAST go
//     out in one write, so a warm session waits once a message.
//   - The same, larger message: the recipients' replies are waited for first,
//     then the body streams in pipelined chunks, never held in memory.
//   - PIPELINING only: MAIL, RCPT… and DATA, then the body: two waits.
//   - Neither: one command at a time.
//
// With [Client.Pipeline] above one, messages share a session where the server offers
// PIPELINING and CHUNKING: the next one is written before the last one is answered,
// with RSET between them, so that a refused one cannot leave its sender or recipients
// to its neighbour. Replies are handed to their messages in order. A larger message is
// the last on its session until it is through.
//
// A cold session waits six times after the banner: EHLO, STARTTLS, the TLS 1.3
// handshake, EHLO (in the write that carries the TLS Finished), AUTH with its
// initial response, and the message.
//
// # When a session dies
//
// A server may close an idle session at any time. Each session has a reader
// that notices this at once, so that such a session is never picked. What is
// left are the closes that cross a message on the wire. Submit then sends the
// message again on another session only when the server cannot have accepted
// it and has not answered it: the message's last octet was never handed to the
// network, or the first answer was 421, to it or to one before it. A message that
// was sent completely and never answered is not sent again; its error has Unknown
// set and is not Temporary, and it is for the caller to choose between a possible
// duplicate and a possible loss.
//
// # When a session is one too many
//
// Exchange refuses the messages of a session above its limit with 432, others the
// session itself with 421. Where there are other sessions, such a message goes over
// one of them, and the client gets along with so many; after half a minute it tries
// one more, and after each further refusal it waits twice as long, up to ten
// minutes. Only the refusal of the last session is the caller's.
package smtp
