// Package exchange speaks with the administrators' endpoint of Exchange Online
// (adminapi/v2.0, a preview): it reads and changes who may send on behalf of a
// mailbox.
package exchange
