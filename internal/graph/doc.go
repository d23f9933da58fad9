// Package graph submits messages through Microsoft Graph (v1.0).
//
// A [Client] stands for one identity at one Graph host. [Client.Send] gives one
// message to exactly the recipients of its envelope and returns a [*Receipt], or
// an [*Error] that tells which request failed, what Graph said, whether trying
// again later helps, and whether the account or this message is to blame.
//
// # The envelope
//
// Graph has no envelope: it mails everybody whom the header names. So the header
// is rewritten before it goes out. Who stands in To or Cc and not in the envelope
// is taken out, who is in the envelope only is put into a Bcc field, which Graph
// removes from what it sends. A Bcc of the message, its Resent- fields and an
// Apparently-To go away. A To or Cc field that cannot be read beyond doubt goes
// away too, and its recipients stand in Bcc: what another parser would make of it
// nobody can tell. The same is done to all of them when a line of the header is
// not a field, because some parsers end the header there. A display name whose
// encoded words hide such characters as @ is written anew. An indented first line,
// which continues no field, goes as well. Every other field, and the body, stays
// as it is, but for line endings, which become CRLF as over SMTP.
//
// # Three ways
//
//   - Up to 3 MiB: one POST of the MIME form to sendMail. Needs Mail.Send.
//   - Larger: a draft without the largest attachments, which follow one by one,
//     those above 3 MiB through an upload session; then the draft is sent. Needs
//     Mail.ReadWrite too. Attachments that follow come last in the message. Their
//     name, type, content-id and octets are kept; a Content-Description or
//     Content-Location is not. A signed or encrypted message, and one that is
//     large without attachments, cannot be divided and is refused.
//   - Without a copy in Sent Items: only the JSON form of sendMail has that
//     switch. See [Message.SkipSentItems] for what it loses.
//
// # When an answer is lost
//
// Once the whole of a sendMail request, or the request that sends a draft, may
// have been received, its outcome is unknown until an answer comes, and it is
// never sent again. If the token allows reading, the mailbox is searched for the
// Message-ID: a copy that is not a draft proves that the message was sent, and a
// draft that can still be deleted proves that it was not. The Message-ID alone is
// no proof, since other recipients may have got the same message in another
// submission: the recipients have to be the envelope, and the copy has to have come
// into being after the attempt began. Recipients are compared as addresses, so
// one whom Exchange shows under another address than the envelope's proves
// nothing. Without proof the error has Unknown set and is not Temporary, and it is
// for the caller to choose between a possible duplicate and a possible loss.
//
// A caller that died meanwhile sends the message with [Message.Resend], and the
// mailbox is searched in the same way first.
package graph
